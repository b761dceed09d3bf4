"""The whole asset graph with the shipped configurations: the planted signal is found, and not when shuffled."""

from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np
import pytest
import yaml

import hgt_repurposing
from hgt_repurposing.definitions import defs
from hgt_repurposing.embeddings.inference import embed_all_nodes
from hgt_repurposing.embeddings.validation import ValidationThresholds, validate_embeddings
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.split import DrugDiseaseSplit
from hgt_repurposing.layout import DATA_VARIABLE, PLACES, load
from hgt_repurposing.repurposing.evaluation import Evaluation, evaluate
from hgt_repurposing.repurposing.features import PairFeatures
from hgt_repurposing.repurposing.model import fit_repurposing_model
from hgt_repurposing.repurposing.params import ClassifierParams
from hgt_repurposing.training.loop import fit

pytestmark = pytest.mark.slow

CONFIGS = Path(hgt_repurposing.__file__).parent / "configs"
HETIONET = Path(__file__).parents[2] / "shared" / "data" / "hetionet"
FLOORS = ("random", "drug degree", "degree product", "drug kNN")


def run_job(config: str, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run `repurposing_job` as its shipped configuration says, with a data folder of its own."""
    monkeypatch.setenv(DATA_VARIABLE, str(root))
    run_config: dict[str, Any] = yaml.safe_load((CONFIGS / f"{config}.yaml").read_text())
    del run_config["execution"]  # in-process is what execute_in_process means
    with dg.DagsterInstance.ephemeral() as instance:
        assert defs.resolve_job_def("repurposing_job").execute_in_process(run_config, instance=instance).success


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Data folder after the README's demo run."""
    root = tmp_path_factory.mktemp("demo")
    with pytest.MonkeyPatch.context() as monkeypatch:
        run_job("demo", root, monkeypatch)
    return root


def mean_lead(evaluation: Evaluation, split: str, floor: str) -> float:
    return evaluation.mean(split, "model", "macro_ap") - evaluation.mean(split, floor, "macro_ap")


@pytest.mark.parametrize("floor", FLOORS)
def test_on_held_out_diseases_the_model_beats_every_floor(demo: Path, floor: str) -> None:
    assert mean_lead(load("repurposing_evaluation", root=demo), "disease", floor) > 0.1


@pytest.mark.parametrize("floor", ["random", "drug degree", "degree product"])
def test_on_held_out_pairs_the_model_beats_popularity_and_chance(demo: Path, floor: str) -> None:
    assert mean_lead(load("repurposing_evaluation", root=demo), "pair", floor) > 0.1


def test_with_shuffled_labels_nothing_is_found(demo: Path) -> None:
    """Every known pair gets another drug's disease: popularity of drugs and diseases stays, the mechanism goes."""
    graph: KnowledgeGraph = load("knowledge_graph", root=demo)
    split: DrugDiseaseSplit = load("drug_disease_split", root=demo)
    shuffled = split.pairs.copy()
    shuffled[0] = np.random.default_rng(0).permutation(shuffled[0])
    shuffled, kept = np.unique(shuffled, axis=1, return_index=True)
    folds = {shuffle: fold[kept] for shuffle, fold in split.folds.items()}
    control = DrugDiseaseSplit(shuffled, folds, split.num_drugs, split.num_diseases, split.num_folds, split.seeds)
    features = PairFeatures.of_graph(load("hgt_embeddings", root=demo), graph)
    nothing = np.empty((2, 0), dtype=np.int64)
    model = fit_repurposing_model(features, control, ClassifierParams(), off_label=nothing)
    evaluation = evaluate(model, features, control, off_label=nothing, seed=0)
    assert mean_lead(evaluation, "disease", "drug degree") < 0.02


def test_the_embeddings_of_the_demo_are_good(demo: Path) -> None:
    report = load("embedding_validation", root=demo)
    assert report.verdict == "good"
    assert report.overall.mean_cosine < 0.6
    assert report.overall.num_components >= 15


def test_identical_inputs_collapse_where_learned_ones_do_not(demo: Path) -> None:
    """The demo's own training, but with one input vector for every node: what collapsed the first system."""
    graph, data, params = (load(name, root=demo) for name in ("knowledge_graph", "hetero_data", "embedding_params"))
    model = fit(data, params.model_copy(update={"node_inputs": "identical"})).model
    embeddings = embed_all_nodes(model, data, graph.nodes)
    assert validate_embeddings(embeddings, ValidationThresholds()).verdict == "collapsed"


@pytest.mark.skipif(not HETIONET.exists(), reason="no copy of Hetionet lies beside this checkout")
def test_the_job_runs_on_hetionet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HETIONET_DIR", str(HETIONET))
    run_job("hetionet", tmp_path, monkeypatch)
    for name in PLACES:
        assert load(name, root=tmp_path) is not None
    report = load("embedding_validation", root=tmp_path)
    assert report.verdict == "good"
    evaluation = load("repurposing_evaluation", root=tmp_path)
    assert mean_lead(evaluation, "disease", "random") > 0
