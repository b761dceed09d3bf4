"""`check` looks at the graph too: names, folds and the data folder, and says what it did not look at."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from hgt_repurposing.cli import app
from hgt_repurposing.defs import checking
from hgt_repurposing.defs.checking import checked
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing_tests.benchmark.test_preflight import CHAIN, treated
from hgt_repurposing_tests.defs.test_run_config import of
from hgt_repurposing_tests.graph.tables import write_tables

NAMES = "contraindication: [contraindication], off_label: ['off-label use']"


@pytest.fixture
def tables(demo_graph: KnowledgeGraph, tmp_path: Path) -> Path:
    folder = tmp_path / "tables"
    folder.mkdir()
    write_tables(demo_graph, folder)
    return folder


def config_file(folder: Path, text: str) -> Path:
    file = folder / "mine.yaml"
    file.write_text(text)
    return file


def complaints_about(text: str, folder: Path) -> list[str]:
    return checked(config_file(folder, text), data=str(folder / "data")).complaints


def test_what_was_seen_of_a_graph_is_said_and_what_was_not(tables: Path, tmp_path: Path) -> None:
    text = of("knowledge_graph", f"source: tables, path: {tables}, {NAMES}")
    found = checked(config_file(tmp_path, text), data=str(tmp_path / "data"))
    assert found.complaints == []
    assert found.seen[0].startswith("graph: 3,000 nodes of 6 types, ")
    assert found.seen[1:] == [
        "known negatives: 1,200 contraindications, 0 pairs recorded as not indicated",
        "node types treated as genes or pathways: 'gene/protein', 'pathway'",
        "split: disease, pair, drug, disease_group, each into 5 folds",
        "whole grid: treatments are hidden 2 times as they are assumed to be missing",
        "not checked: memory and disk space",
    ]
    assert not (tmp_path / "data").exists(), "a look writes nothing"


def test_pairs_that_are_not_indicated_are_counted(tables: Path, demo_graph: KnowledgeGraph, tmp_path: Path) -> None:
    drug, disease = (demo_graph.nodes_of(node_type)["node_id"].iloc[0] for node_type in ("drug", "disease"))
    pairs = tmp_path / "failed.csv"
    text = of("knowledge_graph", f"source: tables, path: {tables}, {NAMES}, not_indicated_pairs: {pairs}")
    pairs.write_text(f"drug_id,disease_id\n{drug},{disease}\n")
    found = checked(config_file(tmp_path, text), data=str(tmp_path / "data"))
    assert found.complaints == []
    assert found.seen[1] == "known negatives: 1,200 contraindications, 1 pairs recorded as not indicated"
    pairs.write_text(f"drug_id,disease_id\n{drug},DOID:0\n")
    (said,) = complaints_about(text, tmp_path)
    assert said.startswith(f"{pairs}: 1 of 1 rows have an id that means no drug or disease of the graph, the first is")


def test_disease_areas_are_counted(tables: Path, tmp_path: Path, demo_graph: KnowledgeGraph) -> None:
    ids = demo_graph.nodes_of("disease")["node_id"][:3]
    rows = [f"{ids[0]},renal", f"{ids[0]},any", f"{ids[1]},any", f"{ids[2]},renal"]
    (tmp_path / "areas.csv").write_text("\n".join(["disease_id,area", *rows]))
    text = of("knowledge_graph", f"source: tables, path: {tables}, disease_areas: {tmp_path}/areas.csv, {NAMES}")
    found = checked(config_file(tmp_path, text), data=str(tmp_path / "data"))
    assert found.complaints == []
    assert found.seen[2] == "disease areas: 2; 3 of 200 diseases are in one"


def test_a_name_that_the_graph_does_not_have_is_said_with_the_one_that_was_meant(tables: Path, tmp_path: Path) -> None:
    text = of("knowledge_graph", f"source: tables, path: {tables}, {NAMES}, drug_gene: [drug_proteins]")
    (said,) = complaints_about(text, tmp_path)
    assert "'drug_proteins'" in said
    assert "did you mean 'drug_protein'?" in said


def test_folds_that_are_too_small_are_said(tmp_path: Path) -> None:
    write_tables(treated(5), tmp_path)
    (said,) = complaints_about(of("knowledge_graph", f"source: tables, path: {tmp_path}"), tmp_path)
    assert said.startswith("learning hides 5 inner folds in turn and needs at least as many treated diseases")


def test_groups_that_are_too_few_are_said_and_no_mistake(tmp_path: Path) -> None:
    write_tables(treated(8, related=CHAIN), tmp_path)
    text = of("knowledge_graph", f"source: tables, path: {tmp_path}") + (
        "  drug_disease_split: {config: {num_folds: 2}}\n  repurposing_model: {config: {inner_folds: 2}}\n"
    )
    found = checked(config_file(tmp_path, text), data=str(tmp_path / "data"))
    assert found.complaints == []
    assert found.seen[2] == "split: disease, pair, drug, each into 2 folds"
    assert found.seen[3] == "whole grid: treatments are hidden 2 times as they are assumed to be missing"
    assert found.seen[4].startswith("left out: disease_group: learning hides 2 inner folds in turn")


def test_external_pairs_are_read_and_counted(tables: Path, tmp_path: Path, demo_graph: KnowledgeGraph) -> None:
    drug = demo_graph.nodes_of(demo_graph.therapeutic.drug)["node_id"].iloc[0]
    diseases = demo_graph.nodes_of(demo_graph.therapeutic.disease)["node_id"].tolist()
    file = tmp_path / "pairs.csv"
    file.write_text("drug_id,disease_id\n" + "".join(f"{drug},{disease}\n" for disease in [*diseases, "nothing"]))
    treated = int((demo_graph.indications[0] == 0).sum())
    text = of("knowledge_graph", f"source: tables, path: {tables}, {NAMES}")
    text += f"  drug_disease_split: {{config: {{external_pairs: {file}}}}}\n"
    found = checked(config_file(tmp_path, text), data=str(tmp_path / "data"))
    assert found.complaints == []
    assert found.seen[-2] == (
        f"external pairs 'pairs': {len(diseases) - treated:,} treatments, 0 known negatives; {treated} pairs that are "
        "indications of the graph, 1 rows with an unknown id"
    )


def test_a_device_that_is_not_there_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: False)
    (said,) = complaints_about(of("embedding_params", "device: mps"), tmp_path)
    assert said.startswith("device 'mps' is not available on this machine")


@pytest.mark.parametrize("path", ["/absent", "/dev/null"])
def test_a_path_that_leads_nowhere_is_said(tmp_path: Path, path: str) -> None:
    (said,) = complaints_about(of("knowledge_graph", f"source: tables, path: {path}"), tmp_path)
    assert said.startswith(path)


def test_large_files_are_not_read_and_that_is_said(
    tables: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checking, "MAX_BYTES", 1000)
    text = of("knowledge_graph", f"source: tables, path: {tables}, drug_gene: [nonsense]")
    found = checked(config_file(tmp_path, text), data=str(tmp_path / "data"))
    assert found.complaints == []
    (line,) = found.seen
    assert line.startswith("not checked: the rows of the graph's files (")


def test_a_data_folder_that_is_a_file_is_said(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    (said,) = complaints_about("ops: {}", tmp_path)
    assert said == f"the data folder {tmp_path}/data cannot be created: {tmp_path}/data is a file"


def test_a_file_that_is_no_text_is_said(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_bytes(b"\xff\xfe\x00")
    (said,) = checked(file).complaints
    assert said.startswith("it cannot be read: ")


def test_resolve_prints_numbers_as_numbers(tmp_path: Path) -> None:
    file = config_file(tmp_path, of("embedding_params", "learning_rate: 1e-3, num_epochs: 010"))
    result = CliRunner().invoke(app, ["resolve", str(file), "--data", str(tmp_path / "data")])
    assert result.exit_code == 0
    assert result.stdout == "ops:\n  embedding_params:\n    config:\n      learning_rate: 0.001\n      num_epochs: 10\n"
    assert "graph: 3,000 nodes" in result.stderr


def test_attributes_that_lists_are_filtered_by_are_checked(tmp_path: Path) -> None:
    text = of("repurposing_candidates", "drug_attributes: {approved: ['yes']}")
    assert complaints_about(text, tmp_path) == ["drugs have no attribute 'approved': no drug has an attribute"]
    (said,) = complaints_about(of("repurposing_candidates", "drug_attributes: {approved: [yes]}"), tmp_path)
    assert "write values in quotes, as 'yes' or 'true'" in said
    (said,) = complaints_about(of("repurposing_candidates", "only_drugs: mine.txt"), tmp_path)
    assert (
        said
        == "repurposing_candidates: only_drugs must be an absolute path, the same for every process (got 'mine.txt')"
    )
