"""Whole runs in a temporary data folder: what they write, what stops them, and what they leave behind then."""

import gzip
import re
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pandas as pd
import pytest

from hgt_repurposing.definitions import defs
from hgt_repurposing.defs import assets, checks, release_assets
from hgt_repurposing.defs.resources import ArtifactStore, artifact_io_manager
from hgt_repurposing.defs.run_config import IfMade
from hgt_repurposing.graph.hetero_data import scope_of, to_hetero_data
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.message_graph import MessageGraphConfig, MessageScope, message_graph, scoped_message_graph
from hgt_repurposing.graph.schema import PRIMEKG_RELATIONS, EdgeType
from hgt_repurposing.graph.split import DrugDiseaseSplit, FoldKey
from hgt_repurposing.storage.artifacts import write_json
from hgt_repurposing.storage.attempts import all_attempts
from hgt_repurposing.storage.catalog import PLACES, folder_of, load, manifest_of, path_of
from hgt_repurposing.storage.manifest import read_manifest
from hgt_repurposing.storage.promotion import release_newest
from hgt_repurposing.storage.releases import Current, all_releases, current, record

SMALL: dict[str, dict[str, dict[str, object]]] = {
    "embedding_params": {
        "config": {
            "embedding_dim": 16,
            "hidden_dim": 16,
            "num_heads": 2,
            "num_epochs": 2,
            "edge_sample_size": 200,
            "accumulation_steps": 2,
            "device": "cpu",
        }
    },
    "drug_disease_split": {"config": {"num_folds": 2, "kinds": ["disease"], "deployment_folds": 1}},
    "repurposing_model": {
        "config": {
            "num_trees": 5,
            "tower_updates": 5,
            "inner_folds": 2,
            "missing": {"pairs": 0.25, "diseases": 0.25, "drugs": 0.25},  # four masks instead of eight
            "negatives_per_positive": 5,
            "calibration_cells": 300,
        }
    },
    "repurposing_candidates": {"config": {"top_k": 7}},
}
ALL: list[Any] = list(defs.assets or [])


def run(
    root: Path,
    ops: dict[str, Any],
    *,
    chain: list[Any] = ALL,
    defaults: dict[str, Any] = SMALL,
    if_made: IfMade = "reuse",
) -> dg.ExecuteInProcessResult:
    """Materialise the chain and the leak check below a folder. Any: run configuration, assets."""
    return dg.materialize(
        [*chain, checks.no_held_out_pair_in_message_graph],
        resources={
            "store": ArtifactStore(data_folder=str(root), if_made=if_made),
            "io_manager": artifact_io_manager,
        },
        run_config={"ops": defaults | ops},
        raise_on_error=False,
    )


def failures(result: dg.ExecuteInProcessResult) -> dict[str, str]:
    """The sentence with which each failed step ended."""
    said = {}
    for event in result.all_events:
        if event.event_type_value == "STEP_FAILURE":
            reason = event.step_failure_data.user_failure_data
            said[str(event.step_key)] = str(reason.description) if reason else "no sentence"
    return said


def temporary_files(root: Path) -> list[Path]:
    return [path for path in root.rglob("*") if path.name.startswith(".")]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Data folder of one complete run on the demo graph."""
    root = tmp_path_factory.mktemp("data")
    result = run(root, {})
    assert result.success, failures(result)
    return root


@pytest.mark.parametrize("name", sorted(PLACES))
def test_a_run_writes_every_artefact(finished: Path, name: str) -> None:
    assert load(name, root=finished) is not None
    assert not temporary_files(finished)


def test_a_whole_run_is_the_current_release(finished: Path) -> None:
    (made,) = all_releases(finished)
    assert current(finished) == Current(made.id, ())
    assert set(made.versions) == set(PLACES)
    assert made.decision.reason == "there was no release before"
    assert made.figures["edges"] == 60_000
    assert made.software["hgt_repurposing"]
    (attempt,) = all_attempts(finished)
    assert (attempt.run_id, attempt.release, attempt.failed) == (made.run_id, made.id, None)
    for name, manifest in made.manifests(root=finished).items():
        for part in manifest.parts:
            copy = folder_of(name, root=finished) / part
            assert copy.read_bytes() == path_of(manifest, part, root=finished).read_bytes()
            assert copy.stat().st_nlink == 1


def test_the_same_versions_are_one_release(finished: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(finished, tmp_path / "data"))
    (made,) = all_releases(root)
    assert release_newest(root, now=datetime(2027, 1, 1, tzinfo=UTC)) == made
    assert all_releases(root) == [made]


def test_a_promotion_that_a_dead_run_left_open_is_finished(finished: Path, tmp_path: Path) -> None:
    """The release was recorded, and the run died before it became the current one."""
    root = Path(shutil.copytree(finished, tmp_path / "data"))
    (made,) = all_releases(root)
    (root / "releases/current.json").unlink()
    assert release_newest(root, now=datetime(2027, 1, 1, tzinfo=UTC)) == made
    assert current(root) == Current(made.id, ())


def test_what_was_rolled_back_from_is_not_promoted_by_an_unchanged_run(finished: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(finished, tmp_path / "data"))
    (made,) = all_releases(root)
    earlier = replace(made, id="20260101T000000Z-earlier")
    record(earlier, root=root)
    record(replace(made, decision=replace(made.decision, against=earlier.id)), root=root)
    write_json(root / "releases/current.json", Current(earlier.id, (), (made.id,))._asdict())
    assert release_newest(root, now=datetime(2027, 1, 1, tzinfo=UTC)).id == made.id
    assert current(root).id == earlier.id


def test_a_damaged_version_is_made_again(finished: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(finished, tmp_path / "data"))
    before = manifest_of("repurposing_candidates", root=root)
    file = path_of(before, "repurposing_candidates.parquet", root=root)
    file.write_bytes(b"x" * file.stat().st_size)
    made = dg.materialize(
        ALL,
        selection=[assets.repurposing_candidates],
        resources={"store": ArtifactStore(data_folder=str(root)), "io_manager": artifact_io_manager},
        run_config={"ops": {"repurposing_candidates": SMALL["repurposing_candidates"]}},
        raise_on_error=False,
    )
    assert made.success, failures(made)
    assert manifest_of("repurposing_candidates", root=root).digest == before.digest
    assert load("repurposing_candidates", root=root) is not None


def test_a_report_that_failed_leaves_the_release_of_before_and_a_reason(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = Path(shutil.copytree(finished, tmp_path / "data"))
    before = current(root)

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("no such font")

    monkeypatch.setattr("hgt_repurposing.report.page.build_report", broken)
    resources = {"store": ArtifactStore(data_folder=str(root), if_made="make_again"), "io_manager": artifact_io_manager}
    made = dg.materialize(
        ALL,
        selection=[release_assets.repurposing_report, release_assets.release],
        resources=resources,
        raise_on_error=False,
    )
    assert not made.success
    assert current(root) == before
    assert [attempt.failed for attempt in all_attempts(root)][1:] == ["RuntimeError: no such font"]


def test_embeddings_lie_where_the_documentation_says(finished: Path) -> None:
    table = pd.read_csv(finished / "06_models/embeddings/hgt_embeddings.csv", dtype={"node_id": str})
    assert list(table.columns[:4]) == ["node_id", "node_type", "node_name", "emb_0"]
    assert table.shape == (3000, 3 + 16)


def test_artefacts_name_configuration_and_inputs(finished: Path) -> None:
    manifest = read_manifest(folder_of("hgt_model", root=finished), "hgt_model")
    params = read_manifest(folder_of("embedding_params", root=finished), "embedding_params")
    assert manifest.inputs["embedding_params"] == params.digest
    assert set(manifest.inputs) == {"embedding_params", "hetero_data"}
    assert params.config["num_epochs"] == 2


def test_the_report_reads_the_history_of_the_training_and_not_its_weights(finished: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(finished, tmp_path / "data"))
    (folder_of("hgt_model", root=root) / "weights.npz").unlink()
    resources = {"store": ArtifactStore(data_folder=str(root)), "io_manager": artifact_io_manager}
    made = dg.materialize(ALL, selection=[release_assets.repurposing_report], resources=resources, raise_on_error=False)
    assert made.success, failures(made)
    report, model = (read_manifest(folder_of(name, root=root), name) for name in ("repurposing_report", "hgt_model"))
    assert report.inputs["hgt_model"] == model.digest


@pytest.mark.parametrize(
    "left_out",
    [
        # An evaluation is repeated in benchmark/test_cross_validation.py; it takes half of a run.
        pytest.param((assets.repurposing_evaluation,), id="all but the evaluation"),
        pytest.param((), marks=pytest.mark.slow, id="with the evaluation"),
    ],
)
def test_two_runs_with_one_seed_give_the_same_artefacts(
    finished: Path, tmp_path: Path, left_out: tuple[Any, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    # All but the page, whose bytes are compared in test_page.py, the validation, which nothing is made from, and the
    # pictures of the event log. Any: assets.
    left_out = (*left_out, release_assets.repurposing_report, assets.embedding_validation)
    left_out = (*left_out, release_assets.release_decision, release_assets.release)
    monkeypatch.setattr(assets, "picture", lambda _: dg.MetadataValue.null())
    chain = [asset for asset in ALL if asset not in left_out]
    assert run(tmp_path, {}, chain=chain).success
    for name in {asset.key.to_user_string() for asset in chain}:
        ours, theirs = (read_manifest(folder_of(name, root=root), name).digest for root in (finished, tmp_path))
        assert ours == theirs, name


def test_a_leaked_pair_stops_the_run_before_training(tmp_path: Path) -> None:
    @dg.asset(name="hetero_data", deps=[assets.drug_disease_split])
    def leaking(knowledge_graph: KnowledgeGraph) -> Any:
        """The message graph with one held-out pair put back, turned round, under another relation."""
        names = knowledge_graph.therapeutic
        pair = EdgeType(names.disease, "resembles_treatment_of", names.drug)
        visible = message_graph(knowledge_graph)
        leaked = {**visible.edges, pair: knowledge_graph.indications[::-1, :1].copy()}
        return to_hetero_data(KnowledgeGraph(visible.nodes, leaked, PRIMEKG_RELATIONS))

    chain = [leaking if asset is assets.hetero_data else asset for asset in ALL]
    result = run(tmp_path, {}, chain=chain)
    assert not result.success
    evaluation = next(iter(result.get_asset_check_evaluations()))
    assert not evaluation.passed
    assert evaluation.metadata["leaked"].value == 2  # the edge and its reverse
    assert not (tmp_path / PLACES["hgt_model"].folder).exists()
    (attempt,) = all_attempts(tmp_path)
    assert attempt.failed == "2 edges of the message graph join a held-out drug and disease"


GRAPH_CHAIN = [assets.knowledge_graph, assets.drug_disease_split, assets.hetero_data]
TRAIN_ONLY = {"therapeutic_edges": "train_only", "kind": "disease", "fold": 2}


def check_of(result: dg.ExecuteInProcessResult) -> Any:
    """The one check that was evaluated. Any: Dagster's evaluation."""
    (evaluation,) = result.get_asset_check_evaluations()
    return evaluation


def test_a_message_graph_of_one_fold_passes_its_check_and_names_the_fold(tmp_path: Path) -> None:
    result = run(tmp_path, {"hetero_data": {"config": TRAIN_ONLY}}, chain=GRAPH_CHAIN, defaults={})
    assert check_of(result).passed
    assert check_of(result).metadata["held_out_by"].value == "disease, repeat 0, fold 2"
    split, data = (load(name, root=tmp_path) for name in ("drug_disease_split", "hetero_data"))
    key = FoldKey("disease", repeat=0, fold=2)
    assert scope_of(data) == MessageScope(split.digest, key)
    assert data["drug", "indication", "disease"].edge_index.tolist() == split.training_pairs(key).tolist()


@pytest.mark.parametrize("relation", ["off-label use", "palliates"])
def test_a_test_pair_beside_the_training_pairs_of_a_fold_stops_the_run(tmp_path: Path, relation: str) -> None:
    key = FoldKey("disease", repeat=0, fold=2)

    @dg.asset(name="hetero_data")
    def leaking(knowledge_graph: KnowledgeGraph, drug_disease_split: DrugDiseaseSplit) -> Any:
        """The message graph of a fold with one of its test pairs put back under another relation."""
        config = MessageGraphConfig.model_validate(TRAIN_ONLY)
        visible, scope = scoped_message_graph(knowledge_graph, drug_disease_split, config)
        pair = {EdgeType("drug", relation, "disease"): drug_disease_split.test_pairs(key)[:, :1].copy()}
        return to_hetero_data(KnowledgeGraph(visible.nodes, {**visible.edges, **pair}, PRIMEKG_RELATIONS), scope=scope)

    result = run(tmp_path, {}, chain=[*GRAPH_CHAIN[:2], leaking], defaults={})
    assert not result.success
    assert not check_of(result).passed
    assert check_of(result).metadata["leaked"].value == 2  # the edge and its reverse


def test_a_split_counts_its_external_pairs_and_writes_down_the_unknown_ids(
    tmp_path: Path, demo_graph: KnowledgeGraph
) -> None:
    drugs, diseases = (
        demo_graph.nodes_of(node_type)["node_id"].tolist()
        for node_type in (demo_graph.therapeutic.drug, demo_graph.therapeutic.disease)
    )
    known = set(zip(*demo_graph.indications.tolist(), strict=True))
    new = [(drug, disease) for drug in range(5) for disease in range(5) if (drug, disease) not in known][:2]
    lines = [f"{drugs[drug]},{diseases[disease]},{sign}" for (drug, disease), sign in zip(new, "+-", strict=True)]
    file = tmp_path / "trials.csv"
    file.write_text("\n".join(["drug_id,disease_id,sign", *lines, f"nobody,{diseases[0]},+"]) + "\n")
    external = [{"path": str(file), "negative": {"sign": ["-"]}}]
    config = {"drug_disease_split": {"config": {"external_pairs": external, "kinds": ["pair"]}}}
    result = run(tmp_path, config, chain=GRAPH_CHAIN, defaults={})
    assert result.success, failures(result)
    (made,) = result.asset_materializations_for_node("drug_disease_split")
    names = ("external_pairs", "external_negatives", "external_rows_with_unknown_ids")
    assert [made.metadata[name].value for name in names] == [1, 1, 1]
    split = load("drug_disease_split", root=tmp_path)
    assert [(found.name, found.positives[:, 0].tolist()) for found in split.external] == [("trials", list(new[0]))]
    table = pd.read_csv(folder_of("drug_disease_split", root=tmp_path) / "external_unknown.csv")
    assert table[["row", "column", "value"]].to_numpy().tolist() == [[4, "drug_id", "nobody"]]
    # Without unknown ids, the file of an earlier run does not stay behind.
    file.write_text("\n".join(["drug_id,disease_id,sign", *lines]) + "\n")
    assert run(tmp_path, config, chain=GRAPH_CHAIN, defaults={}).success
    assert not list(folder_of("drug_disease_split", root=tmp_path).glob("external_unknown.*"))


def write_tables(folder: Path, nodes: str, edges: str) -> dict[str, Any]:
    """Two plain tables and the configuration that reads them."""
    folder.mkdir()
    (folder / "nodes.csv").write_text("node_type,node_id,node_name\n" + nodes)
    (folder / "edges.csv").write_text("source_type,source_id,relation,target_type,target_id\n" + edges)
    return {"knowledge_graph": {"config": {"source": "tables", "path": str(folder)}}}


NODES = "drug,D1,one\ndrug,D2,two\ndisease,X1,ill\ndisease,X2,sick\ngene,G1,g\n"
TREATS = "drug,D1,indication,disease,X1\n"


def bad_inputs(folder: Path) -> dict[str, tuple[dict[str, Any], str]]:
    """Name of the fault to configuration and sentence."""
    files = folder / "tables"
    gzipped = folder / "kg.csv.gz"
    gzipped.write_bytes(gzip.compress(b"relation,x_id\nindication,1\n"))
    config = {
        "missing file": {"knowledge_graph": {"config": {"source": "primekg", "path": str(folder / "absent.csv")}}},
        "missing column": {"knowledge_graph": {"config": {"source": "primekg", "path": str(gzipped)}}},
        "empty file": write_tables(folder / "empty", "", TREATS),
        "unknown node": write_tables(files, NODES, TREATS + "drug,D9,binds,gene,G1\n"),
        "no pairs": write_tables(folder / "bare", NODES, "drug,D1,binds,gene,G1\n"),
        "fewer pairs than folds": write_tables(
            folder / "few",
            NODES,
            TREATS + "drug,D1,binds,gene,G1\ndrug,D2,binds,gene,G1\ndisease,X1,involves,gene,G1\n",
        ),
        "unknown relation": write_tables(folder / "other", NODES, TREATS),
        "heads": {"embedding_params": {"config": {"hidden_dim": 100}}},
    }
    config["unknown relation"]["knowledge_graph"]["config"]["indication"] = ["cures"]
    sentence = {
        "missing file": r"absent\.csv: no such",
        "missing column": r"kg\.csv\.gz.*column.*'x_type'",
        "empty file": r"nodes\.csv.*(empty|no rows|header)",
        "unknown node": r"edges\.csv: row 3 refers to the unknown node \(drug, D9\)",
        "no pairs": r"edges\.csv: no edge 'indication' between .*no drug-disease pairs",
        "fewer pairs than folds": r"2 folds by disease need at least 2 treated diseases \(got 1\)",
        "unknown relation": r"edges\.csv: no edge 'cures' between a 'drug' and a 'disease'.*'indication'",
        "heads": r"hidden_dim must be divisible by num_heads \(got 100 and 8\)",
    }
    return {fault: (config[fault], sentence[fault]) for fault in sentence}


@pytest.mark.parametrize(
    "fault",
    [
        "missing file",
        "missing column",
        "empty file",
        "unknown node",
        "no pairs",
        "fewer pairs than folds",
        "unknown relation",
        "heads",
    ],
)
def test_bad_input_ends_in_one_sentence_and_leaves_nothing_half_written(tmp_path: Path, fault: str) -> None:
    ops, sentence = bad_inputs(tmp_path)[fault]
    root = tmp_path / "data"
    result = run(root, ops)
    assert not result.success
    said = failures(result)
    assert said
    for message in said.values():  # of a wrong value every step that could begin says the same
        assert "\n" not in message
        assert re.search(sentence, message), message
    assert not temporary_files(root)
    assert not folder_of("hgt_model", root=root).exists()
    for name in PLACES:  # what is there, is whole
        if (folder_of(name, root=root) / f"{name}.manifest.json").exists():
            load(name, root=root)
