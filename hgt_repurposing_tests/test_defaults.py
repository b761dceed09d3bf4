"""The table of defaults halved and doubled: what is varied, and what a row says."""

import numpy as np
from defaults import SEED_OF_GRAPHS, SHOWN, TRIED, Values, folds_as_assumed, table, variants

from hgt_repurposing.repurposing.labels import Labels
from hgt_repurposing.repurposing.params import ClassifierParams
from hgt_repurposing_tests.repurposing.planted import planted_graph


def test_the_defaults_come_first_then_another_seed_then_each_setting_twice() -> None:
    first, other, *rest = variants().values()
    assert first == ClassifierParams(vectors=["svd"])
    assert other.model_dump(exclude={"seed"}) == first.model_dump(exclude={"seed"})
    changed = [[name for name in TRIED if getattr(params, name) != getattr(first, name)] for params in rest]
    assert changed == [[name] for name in TRIED for _ in range(2)]
    assert [params.num_trees for params in rest[:2]] == [75, 300]


def test_only_the_model_s_own_assumption_is_measured() -> None:
    graph = planted_graph()
    folds = folds_as_assumed(graph, Labels.of_graph(graph), 3)
    assert [fold.key for fold in folds] == [{"assumption": "as assumed", "fold": number} for number in range(3)]


def test_a_row_has_the_mean_difference_and_its_range_over_masks_with_a_value() -> None:
    first = Values("defaults", {column: np.array([0.5, 0.7, 0.6]) for column in SHOWN})
    other = Values("more", {column: np.array([0.51, np.nan, 0.64]) for column in SHOWN})
    lines = table([first, other]).splitlines()
    assert lines[2].startswith("| defaults | 0.600 |")
    assert lines[3].startswith("| more | +0.025 (+0.010 to +0.040) |")


def test_the_generated_graphs_are_no_other_page_s() -> None:
    assert SEED_OF_GRAPHS not in (7, 11, 12)  # of the demo, and of trials
