import dataclasses
import json
import os
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
import xgboost as xgb
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from torch_geometric.data import HeteroData

from hgt_repurposing.api import rank
from hgt_repurposing.benchmark.cross_validation import evaluate
from hgt_repurposing.benchmark.results import Evaluation
from hgt_repurposing.embeddings.table import Embeddings
from hgt_repurposing.embeddings.validation import ValidationReport, ValidationThresholds, validate_embeddings
from hgt_repurposing.graph import hetero_data
from hgt_repurposing.graph.hetero_data import to_hetero_data
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.message_graph import message_graph
from hgt_repurposing.graph.sources.external import ExternalFile
from hgt_repurposing.graph.sources.pairs import load_external_pairs
from hgt_repurposing.graph.split import DrugDiseaseSplit, SplitConfig, split_drug_disease_pairs
from hgt_repurposing.repurposing.candidates import Candidates
from hgt_repurposing.repurposing.model import RepurposingModel, fit_repurposing_model
from hgt_repurposing.repurposing.params import CandidateParams
from hgt_repurposing.repurposing.score_grid import BY_DISEASE, BY_DRUG, ScoreGrid
from hgt_repurposing.repurposing.scorer import Scorer, score_all_pairs
from hgt_repurposing.storage import manifest
from hgt_repurposing.storage.artifacts import read_artifact, read_part, read_rows, write_artifact, write_json
from hgt_repurposing.storage.html_page import HtmlPage
from hgt_repurposing.storage.manifest import (
    FORMAT_VERSION,
    Manifest,
    MissingArtifactError,
    Provenance,
    UnreadableArtifactError,
    manifest_path,
    read_manifest,
)
from hgt_repurposing.training.loop import TrainingResult, fit
from hgt_repurposing.training.params import EmbeddingParams
from hgt_repurposing_tests.repurposing.planted import QUICK, planted_graph, planted_inputs, planted_split

TABLE = pd.DataFrame({"id": pd.Series(["007", ""], dtype="str"), "rank": [1, 2], "score": [0.25, np.nan]})
TINY = EmbeddingParams(
    node_inputs="table",
    embedding_dim=4,
    hidden_dim=4,
    num_heads=2,
    num_epochs=1,
    edge_sample_size=4,
    accumulation_steps=1,
    device="cpu",
)


def written(folder: Path, parts: Mapping[str, Any], name: str = "thing") -> dict[str, Any]:
    """Parts after the way to disk and back. Any: part shapes."""
    write_artifact(folder, name, parts, Provenance())
    return read_artifact(folder, name)


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def taken_apart(value: object) -> object:
    """What others made, as tables, arrays, dicts and plain values."""
    match value:
        case torch.Tensor():
            return value.numpy()
        case torch.nn.Module():
            return dict(value.state_dict())
        case HeteroData():
            return value.to_dict()
        case xgb.Booster():
            return value.save_raw("json")
        case _ if dataclasses.is_dataclass(value):
            return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    return value


def assert_same(found: object, expected: object) -> None:
    """Field by field, to the bit, types included."""
    assert type(found) is type(expected)
    found, expected = taken_apart(found), taken_apart(expected)
    if isinstance(found, tuple) and isinstance(expected, tuple):
        found, expected = dict(enumerate(found)), dict(enumerate(expected))
    if isinstance(found, pd.DataFrame) and isinstance(expected, pd.DataFrame):
        pd.testing.assert_frame_equal(found, expected, check_exact=True)
    elif isinstance(found, pd.Index) and isinstance(expected, pd.Index):
        pd.testing.assert_index_equal(found, expected, exact=True)
    elif isinstance(found, np.ndarray) and isinstance(expected, np.ndarray):
        assert found.dtype == expected.dtype
        np.testing.assert_array_equal(found, expected)
    elif isinstance(found, dict) and isinstance(expected, dict):
        assert list(found) == list(expected)
        for key, value in expected.items():
            assert_same(found[key], value)
    else:
        assert found == expected


# round trips


def toy_data(graph: KnowledgeGraph) -> HeteroData:
    return to_hetero_data(message_graph(graph), features={"drug": np.eye(3)})


def toy_embeddings(graph: KnowledgeGraph, dim: int = 4) -> Embeddings:
    vectors = np.random.default_rng(0).standard_normal((len(graph.nodes), dim), dtype=np.float32)
    return Embeddings(graph.nodes[["node_id", "node_type", "node_name"]], vectors)


GRAPH = planted_graph()
INPUTS = planted_inputs(GRAPH)
SPLIT = planted_split(GRAPH, ("disease",))


@cache
def small_model() -> RepurposingModel:
    return fit_repurposing_model(INPUTS, SPLIT, QUICK.model_copy(update={"num_trees": 3, "inner_folds": 2}))


@cache
def small_grid() -> ScoreGrid:
    return score_all_pairs(Scorer.of_model(small_model(), INPUTS), GRAPH)


def small_candidates() -> Candidates:
    return rank(GRAPH, small_grid(), CandidateParams(top_k=2, top_k_by_drug=1))


def test_scores_of_all_pairs_round_trip_and_lie_in_two_orders(tmp_path: Path) -> None:
    parts = written(tmp_path, small_grid().to_parts())
    assert_same(ScoreGrid.from_parts(parts), small_grid())
    by_disease, by_drug = parts[BY_DISEASE], parts[BY_DRUG]
    assert by_disease["disease_id"].is_monotonic_increasing
    assert by_drug["drug_id"].is_monotonic_increasing
    both = (table.sort_values(["drug_id", "disease_id"], ignore_index=True) for table in (by_disease, by_drug))
    pd.testing.assert_frame_equal(next(both), next(both)[list(by_disease.columns)])


def sorted_rows(num: int = 500) -> Iterator[pd.DataFrame]:
    """Rows of nodes a to e, some at a time."""
    keys = np.repeat(list("abcde"), num)
    values = np.random.default_rng(0).standard_normal(len(keys), dtype=np.float32)
    for start in range(0, len(keys), 2 * num):
        block = slice(start, start + 2 * num)
        yield pd.DataFrame({"node": pd.Categorical(keys[block], categories=list("abcde")), "value": values[block]})


@pytest.fixture
def in_blocks(tmp_path: Path) -> tuple[Path, Manifest]:
    manifest = write_artifact(tmp_path, "scores", {"rows.parquet": sorted_rows()}, Provenance())
    return tmp_path / "rows.parquet", manifest


@pytest.mark.parametrize("node", list("abcde"))
def test_the_rows_of_one_node_are_read_alone(in_blocks: tuple[Path, Manifest], node: str) -> None:
    path, manifest = in_blocks
    found = read_rows(path, manifest, "rows.parquet", column="node", value=node)
    whole = pd.concat(sorted_rows(), ignore_index=True)
    np.testing.assert_array_equal(found["value"], whole.loc[whole["node"] == node, "value"])
    assert set(found["node"]) == {node}
    pd.testing.assert_frame_equal(read_part(path, manifest, "rows.parquet"), whole, check_categorical=False)


def test_a_node_without_rows_has_none(in_blocks: tuple[Path, Manifest]) -> None:
    path, manifest = in_blocks
    assert read_rows(path, manifest, "rows.parquet", column="node", value="z").empty


@pytest.mark.parametrize("where", [0.2, 0.5, 0.8])
def test_a_damaged_page_is_noticed_when_it_is_read(in_blocks: tuple[Path, Manifest], where: float) -> None:
    path, manifest = in_blocks
    content = bytearray(path.read_bytes())
    content[int(where * len(content))] ^= 0xFF
    path.write_bytes(content)
    seen = []
    for node in "abcde":
        try:
            read_rows(path, manifest, "rows.parquet", column="node", value=node)
        except UnreadableArtifactError as error:
            seen.append(str(error))
    assert 0 < len(seen) < 5, "only what is asked for is read"
    assert all("artefact 'scores' is damaged" in said for said in seen)


def test_a_part_of_another_size_is_refused_before_it_is_read(in_blocks: tuple[Path, Manifest]) -> None:
    path, manifest = in_blocks
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(UnreadableArtifactError, match="is missing or truncated"):
        read_rows(path, manifest, "rows.parquet", column="node", value="a")
    path.unlink()
    with pytest.raises(UnreadableArtifactError, match="is missing or truncated"):
        read_rows(path, manifest, "rows.parquet", column="node", value="a")


def test_a_knowledge_graph_round_trips(toy_graph: KnowledgeGraph, tmp_path: Path) -> None:
    assert_same(KnowledgeGraph.from_parts(written(tmp_path, toy_graph.to_parts())), toy_graph)


def test_a_split_round_trips(toy_graph: KnowledgeGraph, tmp_path: Path) -> None:
    split = split_drug_disease_pairs(toy_graph, SplitConfig(num_folds=2))
    assert_same(DrugDiseaseSplit.from_parts(written(tmp_path, split.to_parts())), split)


def test_a_split_with_external_pairs_round_trips(toy_graph: KnowledgeGraph, tmp_path: Path) -> None:
    rows = "drug_id,disease_id,category\nD3,1,yes\nD2,3,yes\nD2,1,no\nD9,1,yes\n"
    files = []
    for name in ("first", "second"):
        path = tmp_path / f"{name}.csv"
        path.write_text(rows)
        files.append(ExternalFile(path=str(path), negative={"category": ["no"]}))
    external = load_external_pairs(files, toy_graph)
    split = split_drug_disease_pairs(toy_graph, SplitConfig(num_folds=2), external=external)
    again = DrugDiseaseSplit.from_parts(written(tmp_path / "artefact", split.to_parts()))
    assert_same(again, split)
    assert again.digest == split.digest
    table = pd.read_csv(tmp_path / "artefact" / "external_unknown.csv")
    assert table["value"].tolist() == ["D9", "D9"]


def test_hetero_data_round_trips(toy_graph: KnowledgeGraph, tmp_path: Path) -> None:
    data = toy_data(toy_graph)
    assert_same(hetero_data.from_parts(written(tmp_path, hetero_data.to_parts(data))), data)


def test_embedding_params_round_trip(tmp_path: Path) -> None:
    assert_same(EmbeddingParams.from_parts(written(tmp_path, TINY.to_parts())), TINY)


def test_a_training_result_round_trips(toy_graph: KnowledgeGraph, tmp_path: Path) -> None:
    result = fit(toy_data(toy_graph), TINY)
    assert_same(TrainingResult.from_parts(written(tmp_path, result.to_parts())), result)


def test_embeddings_round_trip(toy_graph: KnowledgeGraph, tmp_path: Path) -> None:
    embeddings = toy_embeddings(toy_graph)
    assert_same(Embeddings.from_parts(written(tmp_path, embeddings.to_parts())), embeddings)


def test_a_validation_report_round_trips(toy_graph: KnowledgeGraph, tmp_path: Path) -> None:
    report = validate_embeddings(toy_embeddings(toy_graph), ValidationThresholds())
    assert_same(ValidationReport.from_parts(written(tmp_path, report.to_parts())), report)


def test_a_repurposing_model_round_trips(tmp_path: Path) -> None:
    model = small_model()
    assert_same(RepurposingModel.from_parts(written(tmp_path, model.to_parts())), model)


def test_candidates_round_trip(tmp_path: Path) -> None:
    candidates = small_candidates()
    assert_same(Candidates.from_parts(written(tmp_path, candidates.to_parts())), candidates)


def test_an_evaluation_round_trips(tmp_path: Path) -> None:
    evaluation = evaluate(GRAPH, INPUTS, SPLIT, small_model())
    assert_same(Evaluation.from_parts(written(tmp_path, evaluation.to_parts())), evaluation)


def test_a_report_round_trips(tmp_path: Path) -> None:
    report = HtmlPage("<p>Grüße\r\n</p>", {"loss.png": b"\x89PNG\r\n", "degrees.png": b""})
    assert_same(HtmlPage.from_parts(written(tmp_path, report.to_parts())), report)


def test_a_table_round_trips_with_its_types(tmp_path: Path) -> None:
    assert_same(written(tmp_path, {"t.parquet": TABLE})["t.parquet"], TABLE)


def test_a_table_without_rows_round_trips(tmp_path: Path) -> None:
    assert_same(written(tmp_path, {"t.parquet": TABLE.iloc[:0]})["t.parquet"], TABLE.iloc[:0])


def test_a_csv_is_read_as_its_place_and_holds_the_table(tmp_path: Path) -> None:
    path = written(tmp_path, {"t.csv": TABLE})["t.csv"]
    assert path == tmp_path / "t.csv"
    assert path.read_text(encoding="utf-8") == '"id","rank","score"\n"007",1,0.25\n"",2,\n'


dtypes: st.SearchStrategy[np.dtype[Any]] = st.sampled_from(  # Any: of numbers, truth and text
    [np.dtype(name) for name in ("f4", "f8", "i8", "?", "U3")]
)
arrays = hnp.arrays(
    dtypes,
    hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3),
)


@given(st.dictionaries(st.from_regex(r"[a-z_][a-z0-9_.]{0,9}", fullmatch=True).filter(lambda k: k != "file"), arrays))
def test_named_arrays_round_trip(value: dict[str, np.ndarray]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        assert_same(written(Path(folder), {"a.npz": value})["a.npz"], value)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@given(json_values, st.text(), st.binary())
def test_json_text_and_bytes_round_trip(value: object, text: str, content: bytes) -> None:
    parts = {"a.json": value, "a.html": text, "a.png": content}
    with tempfile.TemporaryDirectory() as folder:
        assert_same(written(Path(folder), parts), parts)


def test_an_array_of_objects_is_refused_for_nothing_is_pickled(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="Object arrays cannot be saved when allow_pickle=False"):
        write_artifact(tmp_path, "thing", {"a.npz": {"x": np.array([{}])}}, Provenance())


# sameness


def test_one_value_gives_the_same_bytes_and_the_same_digest(toy_graph: KnowledgeGraph, tmp_path: Path) -> None:
    parts = {**toy_graph.to_parts(), **toy_embeddings(toy_graph).to_parts(), "page.html": "x", "page.png": b"x"}
    first, second = (write_artifact(tmp_path / name, "thing", parts, Provenance()) for name in "ab")
    assert first.digest == second.digest
    assert files(tmp_path / "a") == files(tmp_path / "b")


def test_what_was_read_is_written_as_the_same_bytes(toy_graph: KnowledgeGraph, tmp_path: Path) -> None:
    parts = written(tmp_path / "a", toy_graph.to_parts())
    written(tmp_path / "b", KnowledgeGraph.from_parts(parts).to_parts())
    assert files(tmp_path / "a") == files(tmp_path / "b")


def test_no_clock_enters_an_array_file(tmp_path: Path) -> None:
    written(tmp_path, {"a.npz": {"x": np.arange(3)}})
    with zipfile.ZipFile(tmp_path / "a.npz") as archive:
        assert [entry.date_time for entry in archive.infolist()] == [(1980, 1, 1, 0, 0, 0)]


def test_bytes_do_not_depend_on_how_an_array_lies_in_memory(tmp_path: Path) -> None:
    array = np.arange(6).reshape(2, 3)
    for name, value in (("a", array), ("b", np.asfortranarray(array)), ("c", np.tile(array, 2)[:, :3])):
        write_artifact(tmp_path / name, "thing", {"a.npz": {"x": value}}, Provenance())
    assert files(tmp_path / "a") == files(tmp_path / "b") == files(tmp_path / "c")


def test_another_value_gives_another_digest(tmp_path: Path) -> None:
    digests = {write_artifact(tmp_path, "thing", {"a.json": value}, Provenance()).digest for value in range(3)}
    assert len(digests) == 3


def test_the_digest_is_of_the_content_and_not_of_the_configuration(tmp_path: Path) -> None:
    digests = {
        write_artifact(tmp_path, "thing", {"a.json": 1}, Provenance(config={"seed": seed})).digest for seed in range(3)
    }
    assert len(digests) == 1


def test_what_the_making_took_is_no_part_of_the_digest_and_is_checked_as_any_part(tmp_path: Path) -> None:
    first, second = (
        write_artifact(tmp_path / str(took), "thing", {"a.json": 1, "measured.json": took}, Provenance())
        for took in (2, 3)
    )
    assert first.digest == second.digest
    assert read_artifact(tmp_path / "3", "thing") == {"a.json": 1, "measured.json": 3}
    (tmp_path / "3" / "measured.json").write_text("2\n")
    assert read_artifact(tmp_path / "2", "thing") == {"a.json": 1, "measured.json": 2}
    with pytest.raises(UnreadableArtifactError, match=r"measured\.json does not match its manifest"):
        read_artifact(tmp_path / "3", "thing")


# the header


def test_the_manifest_carries_versions_configuration_inputs_and_parts(tmp_path: Path) -> None:
    provenance = Provenance(config={"seed": 42, "names": ["ü"]}, inputs={"knowledge_graph": "ab12"})
    given_back = write_artifact(tmp_path, "thing", {"a.png": b"12345"}, provenance)
    manifest = read_manifest(tmp_path, "thing")
    assert manifest == given_back
    assert (manifest.name, manifest.format_version, manifest.num_bytes) == ("thing", FORMAT_VERSION, 5)
    assert (manifest.config, manifest.inputs) == (provenance.config, provenance.inputs)
    assert manifest.package_version
    assert list(manifest.parts) == ["a.png"]


def test_the_digest_stands_in_the_manifest(tmp_path: Path) -> None:
    manifest = write_artifact(tmp_path, "thing", {"a.png": b"12345"}, Provenance())
    assert json.loads((tmp_path / "thing.manifest.json").read_text(encoding="utf-8"))["digest"] == manifest.digest


def test_an_artefact_that_was_never_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingArtifactError, match=r"^there is no artefact 'thing' in ") as caught:
        read_artifact(tmp_path, "thing")
    assert caught.value.absent == ("thing",)


def test_another_format_version_is_refused_with_both_versions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manifest, "FORMAT_VERSION", FORMAT_VERSION - 1)
    write_artifact(tmp_path, "thing", {"a.json": 1}, Provenance())
    monkeypatch.undo()
    expected = (
        rf"thing\.manifest\.json has format version {FORMAT_VERSION - 1}, but this package reads version "
        rf"{FORMAT_VERSION}$"
    )
    with pytest.raises(UnreadableArtifactError, match=expected) as caught:
        read_artifact(tmp_path, "thing")
    assert caught.value.stale == ("thing",)


@pytest.mark.parametrize("text", ["", '{"name": "thi', "[]", "{}"])
def test_a_truncated_manifest_is_named(text: str, tmp_path: Path) -> None:
    written(tmp_path, {"a.json": 1})
    (tmp_path / "thing.manifest.json").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=r"'thing' is damaged: .*thing\.manifest\.json is not a manifest$"):
        read_artifact(tmp_path, "thing")


@pytest.mark.parametrize("text", ["", '{"name": "thi', "[]", "{}"])
def test_an_artefact_with_a_truncated_manifest_can_be_written_again(text: str, tmp_path: Path) -> None:
    written(tmp_path, {"a.json": 1})
    (tmp_path / "thing.manifest.json").write_text(text, encoding="utf-8")
    assert written(tmp_path, {"a.json": 2}) == {"a.json": 2}


PARTS = {"a.json": {"x": [1, 2]}, "b.npz": {"x": np.arange(3)}, "c.parquet": TABLE, "d.csv": TABLE, "e.html": "page"}


@pytest.mark.parametrize("part", PARTS)
def test_a_missing_part_is_named(part: str, tmp_path: Path) -> None:
    written(tmp_path, PARTS)
    (tmp_path / part).unlink()
    with pytest.raises(ValueError, match=rf"'thing' is incomplete: .*{part} is missing$"):
        read_artifact(tmp_path, "thing")


@pytest.mark.parametrize("part", PARTS)
def test_a_truncated_part_is_named_with_its_sizes(part: str, tmp_path: Path) -> None:
    written(tmp_path, PARTS)
    whole = (tmp_path / part).read_bytes()
    (tmp_path / part).write_bytes(whole[:-1])
    expected = (
        rf"'thing' is damaged: .*{part} does not match its manifest \({len(whole) - 1} bytes, expected {len(whole)}\)"
    )
    with pytest.raises(ValueError, match=expected):
        read_artifact(tmp_path, "thing")


@pytest.mark.parametrize("part", PARTS)
def test_a_changed_part_of_the_same_size_is_named(part: str, tmp_path: Path) -> None:
    written(tmp_path, PARTS)
    whole = (tmp_path / part).read_bytes()
    (tmp_path / part).write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(ValueError, match=rf"'thing' is damaged: .*{part} does not match its manifest"):
        read_artifact(tmp_path, "thing")


# all or nothing


def test_a_write_that_fails_half_way_leaves_the_old_artefact_and_no_other_file(tmp_path: Path) -> None:
    written(tmp_path, {"a.json": 1, "b.json": 2})
    before = files(tmp_path)
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_artifact(tmp_path, "thing", {"a.json": 3, "b.json": float("nan")}, Provenance())
    assert files(tmp_path) == before
    assert len(list(tmp_path.iterdir())) == len(before)


def test_a_write_that_fails_says_which_part(tmp_path: Path) -> None:
    with pytest.raises(TypeError) as caught:
        write_artifact(tmp_path, "thing", {"a.json": 1, "b.json": {1, 2}}, Provenance())
    assert caught.value.__notes__ == [f"while writing b.json of the artefact 'thing' to {tmp_path}"]


def test_a_first_write_that_fails_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_artifact(tmp_path / "new", "thing", {"a.json": 1, "b.json": float("nan")}, Provenance())
    assert list((tmp_path / "new").iterdir()) == []


def test_a_write_stopped_while_files_change_places_leaves_no_artefact_rather_than_a_mixture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(tmp_path, {"a.json": 1, "b.json": 2})
    replace = os.replace

    def stop_at_b(source: Path, target: Path) -> None:
        if target.name == "b.json":
            raise KeyboardInterrupt
        replace(source, target)

    monkeypatch.setattr(os, "replace", stop_at_b)
    with pytest.raises(KeyboardInterrupt):
        write_artifact(tmp_path, "thing", {"a.json": 3, "b.json": 4}, Provenance())
    with pytest.raises(FileNotFoundError, match="no artefact 'thing'"):
        read_artifact(tmp_path, "thing")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.json", "b.json"]


def test_parts_of_an_earlier_write_go_away(tmp_path: Path) -> None:
    written(tmp_path, {"a.json": 1, "old.json": 2})
    assert written(tmp_path, {"a.json": 3}) == {"a.json": 3}
    assert sorted(files(tmp_path)) == ["a.json", "thing.manifest.json"]


def test_files_of_others_stay(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
    written(tmp_path, {"a.json": 1})
    written(tmp_path, {"b.json": 1})
    assert (tmp_path / "notes.txt").read_text(encoding="utf-8") == "mine"


def test_two_artefacts_in_one_folder_do_not_disturb_each_other(tmp_path: Path) -> None:
    written(tmp_path, {"a.json": 1, "a.png": b"a"}, "first")
    written(tmp_path, {"b.json": 2}, "second")
    written(tmp_path, {"a.json": 3}, "first")
    assert read_artifact(tmp_path, "first") == {"a.json": 3}
    assert read_artifact(tmp_path, "second") == {"b.json": 2}


# single files


def test_a_json_file_is_written_whole(tmp_path: Path) -> None:
    write_json(tmp_path / "x.json", {"name": "ü"})
    assert json.loads((tmp_path / "x.json").read_text(encoding="utf-8")) == {"name": "ü"}
    assert list(files(tmp_path)) == ["x.json"]


def test_a_json_file_that_fails_stays_as_it_was(tmp_path: Path) -> None:
    write_json(tmp_path / "x.json", 1)
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "x.json", float("inf"))
    assert [path.name for path in tmp_path.iterdir()] == ["x.json"]
    assert (tmp_path / "x.json").read_text(encoding="utf-8") == "1\n"


def test_a_json_file_has_the_permissions_of_any_new_file(tmp_path: Path) -> None:
    (tmp_path / "usual").touch()
    write_json(tmp_path / "x.json", 1)
    assert (tmp_path / "x.json").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_a_header_that_was_changed_by_hand_is_refused(tmp_path: Path) -> None:
    write_artifact(tmp_path, "thing", {"a.json": 1}, Provenance(config={"seed": 42}))
    header = manifest_path(tmp_path, "thing")
    header.write_text(header.read_text().replace('"seed": 42', '"seed": 7'))
    with pytest.raises(
        UnreadableArtifactError, match=r"'thing' is damaged: .*thing\.manifest\.json was changed by hand"
    ):
        read_artifact(tmp_path, "thing")
