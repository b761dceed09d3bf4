"""What is mended in a delimited file, and counted; what is refused, with its row."""

import gzip
import os
import re
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hgt_repurposing.graph.sources.cleaning import trimmed, unquoted
from hgt_repurposing.graph.sources.delimited import read_columns
from hgt_repurposing.graph.sources.files import find_file, require_file

SPACES = " \t\u00a0\u3000\u200b\u200d\u2060\ufeff"


def csv(folder: Path, *rows: str, name: str = "file.csv") -> Path:
    path = folder / name
    data = "".join(f"{row}\n" for row in rows).encode()
    path.write_bytes(gzip.compress(data, 1) if path.suffix == ".gz" else data)
    return path


def read(path: Path, *columns: str) -> dict[str, list[str]]:
    table = read_columns(path, columns or ("a", "b"))
    return {str(column): table[column].tolist() for column in table}


def refused(path: Path, message: str, *columns: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)) as caught:
        read(path, *columns)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


# white space


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("name", ["file.csv", "file.tsv"])
def test_white_space_around_a_value_is_trimmed_and_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, space: str, name: str
) -> None:
    if space == "\t" and name == "file.tsv":
        pytest.skip("a tab separates values there")
    between = "," if name == "file.csv" else "\t"
    rows = ["a b", f"1 target{space}", "2 target", f"3 {space}target", f"4 {space * 2}target{space}", "5 other"]
    path = csv(tmp_path, *(row.replace(" ", between, 1) for row in rows), name=name)
    assert read(path)["b"] == ["target"] * 4 + ["other"]
    assert caplog.messages == [f"{path}: trimmed white space around 3 values of 'b'"]


def test_values_that_white_space_told_apart_are_one_category(tmp_path: Path) -> None:
    table = read_columns(csv(tmp_path, "a,b", "1,target", "2,target ", "3, target"), ["a", "b"])
    assert list(table["b"].cat.categories) == ["target"]


def test_every_column_is_told_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    read(csv(tmp_path, "a,b,c", "1 , 2,x ", "3 , 4,y "))
    assert [message.rpartition(" around ")[2] for message in caplog.messages] == ["2 values of 'a'", "2 values of 'b'"]


def test_white_space_within_a_value_stays(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert read(csv(tmp_path, "a,b", "1,renal  torvosis\u00a0B"))["b"] == ["renal  torvosis\u00a0B"]
    assert caplog.messages == []


@pytest.mark.parametrize("blank", ["", " ", "\u200b", " \u00a0 "])
def test_a_blank_value_is_missing(tmp_path: Path, blank: str) -> None:
    refused(csv(tmp_path, "a,b", "1,x", f"2,{blank}"), "row 3 has no value in column 'b'")


def test_a_blank_value_of_an_optional_column_is_missing_there(tmp_path: Path) -> None:
    table = read_columns(csv(tmp_path, "a,b", "1,x", "2, "), ["a"], optional=["b"])
    assert table["b"].isna().tolist() == [False, True]


def test_white_space_around_a_column_name_is_trimmed_and_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = csv(tmp_path, "a, b,c\u00a0", "1,2,3")
    assert read(path, "a", "b", "c") == {"a": ["1"], "b": ["2"], "c": ["3"]}
    assert caplog.messages == [f"{path}: trimmed white space around 2 column names"]


@given(st.text(alphabet=SPACES + "ab\u00e4"))
def test_trimming_leaves_no_white_space_at_the_ends_and_takes_nothing_else(text: str) -> None:
    found = trimmed(text)
    assert not found or (found[0] not in SPACES and found[-1] not in SPACES)
    assert found in text
    assert set(text.replace(found, "", 1)) <= set(SPACES) if found else set(text) <= set(SPACES)


# control characters


@pytest.mark.parametrize(
    ("letter", "number"), [("\0", "0000"), ("\t", "0009"), ("\x1f", "001F"), ("\x7f", "007F"), ("\x85", "0085")]
)
def test_a_control_character_within_a_value_is_refused(tmp_path: Path, letter: str, number: str) -> None:
    refused(csv(tmp_path, "a,b", "1,x", f"2,dr{letter}ug"), f"row 3 has the control character U+{number} in column 'b'")


def test_the_first_row_with_a_control_character_is_named(tmp_path: Path) -> None:
    path = csv(tmp_path, "a,b", "1,x", "2,y\0z", "3,x\0y", "4,x")
    refused(path, r"row 3 has the control character U+0000 in column 'b' ('y\x00z')")


# quotes


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ('"Ecstasy" drug 3', '"Ecstasy" drug 3'),
        ('drug "Ecstasy"', 'drug "Ecstasy"'),
        ('"a" and "b"', '"a" and "b"'),
        ('"a ""b"" c"', 'a "b" c'),
        ('"whole"', "whole"),
        ('""""', '"'),
        ('5"', '5"'),
        ('"', '"'),
    ],
)
def test_where_tabs_separate_a_quote_is_a_letter_unless_it_encloses_the_value(
    tmp_path: Path, written: str, meant: str
) -> None:
    assert read(csv(tmp_path, "a\tb", f"1\t{written}", "2\tx", name="file.tsv"))["b"] == [meant, "x"]


def test_where_tabs_separate_a_quote_that_is_not_closed_swallows_nothing(tmp_path: Path) -> None:
    assert read(csv(tmp_path, "a\tb", '1\t"x', '2\ty"', "3\tz", name="file.tsv"))["b"] == ['"x', 'y"', "z"]


def test_an_enclosed_blank_is_missing(tmp_path: Path) -> None:
    refused(csv(tmp_path, "a\tb", '1\t" "', name="file.tsv"), "row 2 has no value in column 'b'")


def test_column_names_may_be_enclosed_where_tabs_separate(tmp_path: Path) -> None:
    assert read(csv(tmp_path, '"a"\t"b"', "1\t2", name="file.tsv")) == {"a": ["1"], "b": ["2"]}


@given(st.text(alphabet='"a'))
def test_unquoting_gives_back_what_was_quoted(text: str) -> None:
    assert unquoted('"' + text.replace('"', '""') + '"') == text


# header


def test_a_column_that_stands_twice_is_refused(tmp_path: Path) -> None:
    refused(csv(tmp_path, "a,b,a ", "1,2,3"), "column 'a' occurs 2 times in the header")


def test_a_column_that_nobody_reads_may_stand_twice(tmp_path: Path) -> None:
    assert read(csv(tmp_path, "a,,b,", "1,,2,")) == {"a": ["1"], "b": ["2"]}


@pytest.mark.parametrize("again", ["a,b,c", " a,b ,whatever"])
def test_a_header_that_comes_again_is_refused(tmp_path: Path, again: str) -> None:
    refused(csv(tmp_path, "a,b,c", "1,2,3", again, "4,5,6"), "row 3 repeats the header: were two files concatenated?")


def test_a_value_may_be_called_as_its_column(tmp_path: Path) -> None:
    assert read(csv(tmp_path, "a,b", "a,1", "2,b")) == {"a": ["a", "2"], "b": ["1", "b"]}
    assert read(csv(tmp_path, "a,b", "a,1", "2,b"), "a") == {"a": ["a", "2"]}


# lines


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_may_end_in_any_way(tmp_path: Path, end: str) -> None:
    path = tmp_path / "file.csv"
    path.write_bytes(end.join(["a,b", "1,2", "3,4", ""]).encode())
    assert read(path) == {"a": ["1", "3"], "b": ["2", "4"]}


def test_the_row_of_a_file_with_lone_cr_is_its_line(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_bytes(b"a,b\r1,2\r3,\r")
    refused(path, "row 3 has no value in column 'b'")


@pytest.mark.parametrize("name", ["file.csv", "file.tsv"])
def test_a_row_too_long_to_be_one_is_refused_with_its_length(tmp_path: Path, name: str) -> None:
    between = "," if name == "file.csv" else "\t"
    path = csv(tmp_path, f"a{between}b", f"1{between}2", f"3{between}{'x' * 5_000_000}", name=name)
    refused(path, "row 3 is 5,000,002 characters long, too long for a row of a graph: was a quote left open?")


@pytest.mark.parametrize("column", ["a", "b", "c"], ids=["before", "opened", "behind"])
@pytest.mark.parametrize("ending", ["", ".gz"])
def test_a_quote_left_open_is_named_where_it_opens_whatever_is_read(tmp_path: Path, column: str, ending: str) -> None:
    path = csv(tmp_path, "a,b,c", "1,2,3", '4,"5,6', *["7,8,9"] * 400_000, name=f"file.csv{ending}")
    refused(path, "row 3 opens a quote that is not closed on the same line", column)


@pytest.mark.parametrize("column", ["a", "b", "c"], ids=["before", "opened", "behind"])
def test_a_value_over_two_lines_is_named_whatever_is_read(tmp_path: Path, column: str) -> None:
    refused(csv(tmp_path, "a,b,c", '1,"2', '2",3', "4,5,6"), "row 2", column)


@pytest.mark.parametrize("rows", [["1,2", "", "", "3,4", ""], ["", "1,2", "3,4", "", ""]])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_empty_lines_are_passed_over(tmp_path: Path, rows: list[str], end: str) -> None:
    path = tmp_path / "file.csv"
    path.write_bytes(end.join(["a,b", *rows]).encode())
    assert read(path) == {"a": ["1", "3"], "b": ["2", "4"]}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("3,4,5", "row 3 has the wrong number of values (3 for 2 columns)"),
        ("3", "row 3 has the wrong number of values (1 for 2 columns)"),
    ],
)
def test_a_row_of_another_number_of_values_is_refused(tmp_path: Path, row: str, message: str) -> None:
    refused(csv(tmp_path, "a,b", "1,2", row), message)


# encoding


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_is_named(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "file.csv"
    path.write_bytes("a,b\n1,2\n".encode(encoding))
    refused(path, "UTF-16")


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "utf-16-le"])
def test_text_that_is_not_utf_8_is_named_with_its_row(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "file.csv"
    path.write_bytes(b"a,b\n1,2\n" + "3,\u00e4\u00f6\n".encode(encoding))
    refused(path, "row 3 is not UTF-8 text (byte 0x")


def test_a_row_that_is_not_utf_8_is_not_blamed_on_its_columns(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_bytes(b"a,b\n1,2\n3,\xff,4\n")
    refused(path, "row 3 is not UTF-8 text (byte 0xff after '3,')")


# what is no text at all


def test_a_zip_archive_is_named(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "file.csv", "w") as archive:
        archive.writestr("file.csv", "a,b\n1,2\n")
    refused(tmp_path / "file.csv", "is a zip archive")


def test_a_folder_in_a_file_s_place_is_named(tmp_path: Path) -> None:
    (tmp_path / "file.csv").mkdir()
    refused(tmp_path / "file.csv", "is a folder, expected a file")


@pytest.mark.parametrize("name", ["file.csv", "file.tsv"])
def test_a_gzipped_file_without_the_name_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(gzip.compress(b"a,b\n1,2\n"))
    refused(tmp_path / name, "is gzip-compressed, but its name does not end in .gz")


# which file


def test_of_several_files_none_is_guessed(tmp_path: Path) -> None:
    for name in ("nodes.csv", "nodes.tsv"):
        csv(tmp_path, "a,b", "1,2", name=name)
    with pytest.raises(ValueError, match=r"contains 'nodes\.csv', 'nodes\.tsv', but only one can be read: move"):
        find_file(tmp_path, ["nodes.csv", "nodes.csv.gz", "nodes.tsv"])


def test_a_file_in_the_folder_s_place_is_named(tmp_path: Path) -> None:
    path = csv(tmp_path, "a,b", "1,2", name="nodes.csv")
    with pytest.raises(ValueError, match=r"nodes\.csv: is a file, expected the folder that contains 'nodes\.csv'"):
        find_file(path, ["nodes.csv"])


def test_a_folder_without_the_file_says_what_it_holds(tmp_path: Path) -> None:
    csv(tmp_path, "a,b", "1,2", name="Nodes.txt")
    with pytest.raises(FileNotFoundError, match=r"contains no file named 'nodes\.csv'; it contains 'Nodes\.txt'"):
        find_file(tmp_path, ["nodes.csv"])


def test_a_link_that_leads_nowhere_is_called_that(tmp_path: Path) -> None:
    (tmp_path / "nodes.csv").symlink_to(tmp_path / "moved.csv")
    path = find_file(tmp_path, ["nodes.csv"])
    with pytest.raises(FileNotFoundError, match=r"nodes\.csv: is a link to .*moved\.csv, which does not exist"):
        require_file(path)


def test_a_pipe_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "edges.csv")
    with pytest.raises(ValueError, match=r"edges\.csv: is a pipe or a device, expected a file"):
        require_file(tmp_path / "edges.csv")


@pytest.mark.parametrize(
    ("name", "text", "hint"),
    [
        ("pairs.tsv", "drug_id,disease_id\nD1,1\n", "; the file looks separated by commas, but its name implies tabs"),
        (
            "pairs.csv",
            "drug_id;disease_id\nD1;1\n",
            "; the file looks separated by semicolons, but its name implies commas",
        ),
        ("pairs.csv", "Drug_ID,disease_id\nD1,1\n", "; did you mean 'Drug_ID'?"),
        ("pairs.csv", "a,b\nD1,1\n", ""),
    ],
)
def test_a_missing_column_comes_with_what_may_have_been_meant(tmp_path: Path, name: str, text: str, hint: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(ValueError, match=rf"column 'drug_id' is missing; columns found: .*'{re.escape(hint)}$"):
        read_columns(tmp_path / name, ("drug_id", "disease_id"))
