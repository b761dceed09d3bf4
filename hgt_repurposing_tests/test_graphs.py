"""The table of graphs: generated ones are measured once, and those of studies stand beside them."""

import json
from pathlib import Path

import numpy as np
import pytest
from graphs import GENERATED, SEED, WITH_GENES, bare, demo, few_treatments, kept, leads, of_studies, page
from study_figures import Figures

FOLDS = {"mean": 0.02, "sd": 0.01, "folds": [0.03, None, 0.01, -0.001]}
LEAD = {"baseline": "drug kNN", "own": 0.4, **FOLDS, "lower": 0.01, "upper": 0.03, "standing": "ahead"}
BEHIND = {**LEAD, "mean": -0.05, "lower": None, "upper": None, "standing": "behind"}
FIGURES: Figures = {
    "minutes": {"pair": 3.2, "deployment": 4.0},
    "headline": "On the whole grid the model beats the best baseline.",
    "leads": {"pair": {"metric": "macro_ap", "decided": LEAD}},
    "whole_grid": {"settings": {"cold drug": {"auroc": BEHIND, "average_precision": None}}},
}


def test_every_split_kind_and_every_setting_with_something_to_find_is_compared() -> None:
    assert [(where, metric) for where, metric, _ in leads(FIGURES)] == [
        ("held out: pair", "macro_ap"),
        ("cold drug", "auroc"),
    ]
    assert [where for where, *_ in leads({**FIGURES, "whole_grid": None})] == ["held out: pair"]


def test_the_page_counts_standings_and_leaves_blank_what_a_graph_has_not() -> None:
    found = page({"hetionet": FIGURES, "demo": {**FIGURES, "whole_grid": None}}, 3)
    assert (
        "ahead of the best baseline in 2 of 3 comparisons, tied with it in 0, and behind by more than noise in 1"
        in found
    )
    assert "| held out: pair | macro AP | ahead (+0.020) | ahead (+0.020) |" in found
    assert "| cold drug | AUROC | behind (-0.050) | - |" in found
    assert "| held out: pair | macro AP | 0.400 | drug kNN | +0.020 | 2 of 4 | +0.010 to +0.030 | ahead |" in found
    assert "Minutes: hetionet 7, demo 7." in found


def test_studies_are_called_by_their_graph(tmp_path: Path) -> None:
    path = tmp_path / "study.json"
    path.write_text(json.dumps({"settings": {"graph": "drkg"}, "evaluation": FIGURES}), encoding="utf-8")
    assert of_studies([path]) == {"drkg": FIGURES}


def test_figures_of_another_seed_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "graphs.json"
    assert kept(path, 3) == {}
    path.write_text(json.dumps({SEED: 3, "demo": FIGURES}), encoding="utf-8")
    assert kept(path, 3) == {"demo": FIGURES}
    with pytest.raises(ValueError, match="figures of another seed: give the same --seed, or another --out"):
        kept(path, 4)


def test_generated_graphs_differ_as_their_names_say() -> None:
    assert list(GENERATED) == ["demo", "few treatments", "no side effects, few genes"]
    usual, few, without = demo(), few_treatments(), bare()
    assert few.indications.shape[1] == pytest.approx(usual.indications.shape[1] / 4, rel=0.2)
    np.testing.assert_array_equal(without.indications, usual.indications)
    assert {edge_type.relation for edge_type in without.edges} < {edge_type.relation for edge_type in usual.edges}
    with_genes = [
        len(np.unique(index[0 if edge_type.source == "disease" else 1]))
        for graph in (usual, without)
        for edge_type, index in graph.edges.items()
        if edge_type.relation == "disease_protein"
    ]
    assert with_genes[1] == pytest.approx(WITH_GENES * with_genes[0], rel=0.3)
