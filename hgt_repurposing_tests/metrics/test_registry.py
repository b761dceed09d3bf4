import numpy as np
import pytest

from hgt_repurposing.metrics.registry import (
    MACRO_AP,
    MACRO_AP_BY_DRUG,
    METRICS,
    deciding_metric,
    main_metrics,
    metrics_of,
)
from hgt_repurposing.metrics.scored_grid import Cells, ScoredGrid

SCORES = np.array([[0.9, 0.1], [0.8, 0.5], [0.7, 0.3]])
POSITIVE = np.array([[1, 0], [0, 0], [0, 1]], dtype=np.bool_)
EVERYTHING = np.ones_like(POSITIVE)


def grid(cells_of_drugs: Cells | None = None) -> ScoredGrid:
    drugs, diseases = (np.zeros(size, dtype=np.int64) for size in SCORES.shape)
    return ScoredGrid(Cells(SCORES, POSITIVE, EVERYTHING), drugs, diseases, seed=(0,), cells_of_drugs=cells_of_drugs)


def test_every_metric_has_a_value_under_its_own_name() -> None:
    found = metrics_of(grid())
    assert list(found) == list(METRICS) == [metric.name for metric in METRICS.values()]
    assert all(np.isfinite(value) for value in found.values())


def test_every_metric_of_the_main_tables_is_explained_or_shares_an_explanation() -> None:
    explained = " ".join(f"{metric.title}: {metric.meaning}" for metric in METRICS.values() if metric.meaning)
    assert all(metric.title in explained for metric in METRICS.values() if metric.role == "main")


def test_drugs_are_ranked_in_cells_of_their_own_where_there_are_any() -> None:
    wider = Cells(np.array([[0.1, 0.9]]), np.array([[True, False]]), np.ones((1, 2), dtype=np.bool_))
    assert metrics_of(grid(wider))["macro_ap_by_drug"] == 0.5
    same = (name for name in METRICS if name != "macro_ap_by_drug")
    alone, beside = metrics_of(grid()), metrics_of(grid(wider))
    assert [alone[name] for name in same] == [beside[name] for name in METRICS if name != "macro_ap_by_drug"]


def test_the_deciding_metric_comes_first_and_drugs_alone_are_asked_by_drug() -> None:
    assert deciding_metric(asks_for_diseases=False) is MACRO_AP
    assert main_metrics(asks_for_diseases=False)[0] is MACRO_AP
    assert MACRO_AP_BY_DRUG not in main_metrics(asks_for_diseases=False)
    assert main_metrics(asks_for_diseases=True)[:2] == [MACRO_AP_BY_DRUG, MACRO_AP]


@pytest.mark.parametrize("asks_for_diseases", [True, False])
def test_counts_and_figures_of_papers_stay_out_of_the_main_tables(asks_for_diseases: bool) -> None:  # noqa: FBT001
    assert {metric.role for metric in main_metrics(asks_for_diseases=asks_for_diseases)} == {"main"}
