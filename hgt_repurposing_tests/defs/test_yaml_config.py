"""A configuration file means what people mean by it, or is refused with its line."""

import pytest

from hgt_repurposing.defs.yaml_config import read_run_config


@pytest.mark.parametrize("text", ["", "# my config", "---\n", "~", "\n\n  # nothing\n"])
def test_a_file_without_a_configuration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^it is empty: a run without a configuration would use"):
        read_run_config(text)


def test_what_is_no_yaml_is_named_by_line() -> None:
    with pytest.raises(ValueError, match=r"^it is not YAML:.*line 2"):
        read_run_config("ops:\n\tknowledge_graph: 3\n")


def test_a_key_that_stands_twice_is_refused_with_its_line() -> None:
    with pytest.raises(ValueError, match=r"'num_epochs' is given twice.*line 3"):
        read_run_config("config:\n  num_epochs: 3\n  num_epochs: 300\n")


@pytest.mark.parametrize("text", ["3", "[ops]", "ops", "!!python/object:os.system {}"])
def test_what_is_no_configuration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^it (must contain the section 'ops'|is not YAML)"):
        read_run_config(text)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("1e-3", 0.001), ("1E3", 1000.0), ("1.5e2", 150.0), ("1.0e-3", 0.001), ("-2.e1", -20.0), (".5", 0.5),
        ("010", 10), ("-3", -3), ("+3", 3), ("1_000", "1_000"), ("1:30", "1:30"), ("0x10", "0x10"), ("2026-11-26",
        "2026-11-26"), ("'10'", "10"), ("true", True), ("null", None), ("1e", "1e"), ("e3", "e3"),
    ],
)  # fmt: skip
def test_numbers_are_what_people_mean_by_them(written: str, meant: object) -> None:
    read = read_run_config(f"value: {written}")["value"]
    assert (read, type(read)) == (meant, type(meant))
