import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from hgt_repurposing.embeddings.table import Embeddings, FloatArray32, read_embeddings

NODES = pd.DataFrame(
    {"node_id": ["007", "9"], "node_type": ["drug", "disease"], "node_name": ["aspirin", "NA"]}, dtype="str"
)
VECTORS = np.array([[1.5, -2.0, 0.25], [0.0, 3.0, 1e-7]], dtype=np.float32)
EMBEDDINGS = Embeddings(NODES, VECTORS)


def written(folder: Path, text: str, name: str = "e.csv") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def assert_same(found: Embeddings, expected: Embeddings) -> None:
    pd.testing.assert_frame_equal(found.nodes, expected.nodes)
    np.testing.assert_array_equal(found.vectors, expected.vectors)
    assert found.vectors.dtype == np.float32


def test_vectors_of_a_type_come_in_the_order_of_the_table() -> None:
    nodes = pd.DataFrame({"node_id": list("abc"), "node_type": ["x", "y", "x"], "node_name": ""}, dtype="str")
    embeddings = Embeddings(nodes, np.array([[1], [2], [3]], dtype=np.float32))
    assert embeddings.of_type("x").tolist() == [[1], [3]]


def test_a_type_without_nodes_is_refused_with_the_types_there_are() -> None:
    with pytest.raises(ValueError, match=r"no embedding of a node of type 'gene' \(types: 'drug', 'disease'\)"):
        EMBEDDINGS.of_type("gene")


def test_the_parts_are_one_table_as_csv_and_parquet() -> None:
    parts = EMBEDDINGS.to_parts()
    assert list(parts) == ["hgt_embeddings.csv", "hgt_embeddings.parquet"]
    for table in parts.values():
        assert list(table.columns) == ["node_id", "node_type", "node_name", "emb_0", "emb_1", "emb_2"]


@given(hnp.arrays(np.float32, st.tuples(st.just(2), st.integers(1, 12)), elements=st.floats(width=32)))
def test_parts_round_trip(vectors: FloatArray32) -> None:
    embeddings = Embeddings(NODES, vectors)
    assert_same(Embeddings.from_parts(embeddings.to_parts()), embeddings)


@pytest.mark.parametrize("name", ["e.csv", "e.csv.gz"])
def test_a_csv_file_of_ours_is_read_back(name: str, tmp_path: Path) -> None:
    EMBEDDINGS.to_parts()["hgt_embeddings.csv"].to_csv(tmp_path / name, index=False)
    assert_same(read_embeddings(tmp_path / name), EMBEDDINGS)


def test_a_parquet_file_of_ours_is_read_back(tmp_path: Path) -> None:
    EMBEDDINGS.to_parts()["hgt_embeddings.parquet"].to_parquet(tmp_path / "e.parquet")
    assert_same(read_embeddings(tmp_path / "e.parquet"), EMBEDDINGS)


def test_columns_go_by_their_number_not_by_their_place(tmp_path: Path) -> None:
    header = ",".join(["emb_10", *(f"emb_{k}" for k in range(10)), "node_id"])
    path = written(tmp_path, f"{header}\n10,0,1,2,3,4,5,6,7,8,9,a\n")
    assert read_embeddings(path).vectors[0].tolist() == list(range(11))


def test_ids_that_look_like_numbers_stay_text(tmp_path: Path) -> None:
    assert read_embeddings(written(tmp_path, "node_id,emb_0\n007,1\n")).nodes["node_id"].tolist() == ["007"]


def test_numeric_ids_of_a_parquet_file_become_text(tmp_path: Path) -> None:
    pd.DataFrame({"node_id": [7, 8], "emb_0": [1, 2]}).to_parquet(tmp_path / "e.parquet")
    embeddings = read_embeddings(tmp_path / "e.parquet")
    assert embeddings.nodes["node_id"].tolist() == ["7", "8"]
    assert embeddings.vectors.tolist() == [[1], [2]]


def test_a_file_without_type_and_name_holds_untyped_nameless_nodes(tmp_path: Path) -> None:
    nodes = read_embeddings(written(tmp_path, "node_id,emb_0\na,1\n")).nodes
    assert nodes.to_dict("records") == [{"node_id": "a", "node_type": "node", "node_name": ""}]


@pytest.mark.parametrize("cell", ["", "nan", "NaN", "NA", "null"])
def test_a_missing_number_becomes_nan(cell: str, tmp_path: Path) -> None:
    vectors = read_embeddings(written(tmp_path, f"node_id,emb_0,emb_1\na,1,{cell}\n")).vectors
    np.testing.assert_array_equal(vectors, [[1, np.nan]])


def test_a_missing_number_of_a_parquet_file_becomes_nan(tmp_path: Path) -> None:
    pa.parquet.write_table(pa.table({"node_id": ["a", "b"], "emb_0": [None, 2.0]}), tmp_path / "e.parquet")
    np.testing.assert_array_equal(read_embeddings(tmp_path / "e.parquet").vectors, [[np.nan], [2]])


def test_lists_in_json_are_read(tmp_path: Path) -> None:
    path = written(tmp_path, 'node_id,node_type,embedding\na,drug,"[1, 2.5]"\nb,drug,"[3, -1e-3]"\n')
    np.testing.assert_array_equal(read_embeddings(path).vectors, np.array([[1, 2.5], [3, -1e-3]], dtype=np.float32))


def test_lists_of_a_parquet_file_are_read(tmp_path: Path) -> None:
    pa.parquet.write_table(
        pa.table({"node_id": ["a", "b"], "embedding": [[1.0, 2.0], [3.0, None]]}), tmp_path / "e.parquet"
    )
    np.testing.assert_array_equal(read_embeddings(tmp_path / "e.parquet").vectors, [[1, 2], [3, np.nan]])


@pytest.mark.parametrize("cell", ["", "[1, 2", "null", '"[""a"", ""b""]"', "[]", "3"])
def test_a_cell_without_a_readable_list_becomes_a_row_of_nan(cell: str, tmp_path: Path) -> None:
    quoted = cell if cell.startswith('"') else f'"{cell}"'
    path = written(tmp_path, f'node_id,embedding\na,{quoted}\nb,"[1, 2]"\n')
    np.testing.assert_array_equal(read_embeddings(path).vectors, [[np.nan, np.nan], [1, 2]])


@pytest.mark.parametrize("text", ["node_id,emb_0\na,1e300\n", 'node_id,embedding\na,"[1e300]"\n'])
def test_a_number_beyond_float32_becomes_infinite(text: str, tmp_path: Path) -> None:
    assert read_embeddings(written(tmp_path, text)).vectors.tolist() == [[np.inf]]


@pytest.mark.parametrize(("text", "shape"), [("node_id,emb_0,emb_1\n", (0, 2)), ("node_id,embedding\n", (0, 0))])
def test_a_header_alone_is_a_table_without_rows(text: str, shape: tuple[int, int], tmp_path: Path) -> None:
    assert read_embeddings(written(tmp_path, text)).vectors.shape == shape


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no such file: .*gone\.csv"):
        read_embeddings(tmp_path / "gone.csv")


@pytest.mark.parametrize("name", ["e.csv", "e.parquet"])
def test_an_empty_file_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=rf"{name}: the file is empty"):
        read_embeddings(written(tmp_path, "", name))


def test_a_truncated_archive_is_refused(tmp_path: Path) -> None:
    whole = gzip.compress(b"node_id,emb_0\na,1\n" * 100)
    (tmp_path / "e.csv.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"e\.csv\.gz cannot be read as a table: .*"):
        read_embeddings(tmp_path / "e.csv.gz")


def test_a_row_of_the_wrong_length_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"e\.csv cannot be read as a table: .*Expected 2 columns, got 1: b"):
        read_embeddings(written(tmp_path, "node_id,emb_0\na,1\nb\n"))


def test_another_file_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"file name must end in \.csv, \.csv\.gz or \.parquet"):
        read_embeddings(written(tmp_path, "x", "e.xlsx"))


def test_a_file_without_ids_is_refused_with_the_columns_there_are(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"e\.csv: no column 'node_id' \(columns: id, emb_0\)"):
        read_embeddings(written(tmp_path, "id,emb_0\na,1\n"))


def test_a_file_without_embedding_columns_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"e\.csv: no embedding columns emb_0, .* \(columns: node_id, x\)"):
        read_embeddings(written(tmp_path, "node_id,x\na,1\n"))


def test_a_gap_in_the_embedding_columns_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"e\.csv: embedding columns must be numbered .* \(no column emb_1\)"):
        read_embeddings(written(tmp_path, "node_id,emb_0,emb_2\na,1,2\n"))


def test_a_repeated_column_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"e\.csv: column 'emb_0' occurs more than once"):
        read_embeddings(written(tmp_path, "node_id,emb_0,emb_0\na,1,2\n"))


def test_text_in_an_embedding_column_is_named_with_column_and_row(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"e\.csv: column 'emb_1', row 2 must be a number \(got 'zz'\)"):
        read_embeddings(written(tmp_path, "node_id,emb_0,emb_1\na,1,\nb,2,zz\n"))


def test_lists_of_different_length_are_named_with_their_rows(tmp_path: Path) -> None:
    path = written(tmp_path, 'node_id,embedding\na,\nb,"[1, 2]"\nc,"[1]"\n')
    with pytest.raises(ValueError, match=r"e\.csv: column 'embedding', row 3 has 1 numbers, row 2 has 2"):
        read_embeddings(path)


def test_a_column_without_any_list_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"e\.csv: column 'embedding' must hold lists of numbers \(got 'x'\)"):
        read_embeddings(written(tmp_path, "node_id,embedding\na,x\n"))


def test_other_node_columns_are_refused() -> None:
    with pytest.raises(ValueError, match=r"nodes must have the columns .* \(got \['node_id'\]\)"):
        Embeddings(NODES[["node_id"]], VECTORS)


def test_vectors_in_double_precision_are_refused() -> None:
    with pytest.raises(ValueError, match=r"vectors must be float32 of shape \[num_nodes, dim\] .*got float64"):
        Embeddings(NODES, VECTORS.astype(np.float64))


def test_a_vector_too_few_is_refused() -> None:
    with pytest.raises(ValueError, match=r"every node needs one vector \(got 2 nodes, 1 vectors\)"):
        Embeddings(NODES, VECTORS[:1])
