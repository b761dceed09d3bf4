import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import rankdata

from hgt_repurposing.baselines.rank_average import rank_average

SETTING = np.array([0, 0, 0, 1, 1, 3])


def test_ranks_are_among_all_cells_and_averaged_over_the_rules_that_tell_a_setting_apart() -> None:
    rules = {"a": np.array([1.0, 2, 3, 9, 9, 0]), "b": np.array([5.0, 5, 7, 1, 2, 9])}
    # Ranks of a: 2 3 4 5.5 5.5 1, of which the cells of setting 1 are alike; of b: 3.5 3.5 5 1 2 6. A setting of a
    # single cell is told apart by nothing.
    assert rank_average(rules, SETTING).tolist() == [2.75, 3.25, 4.5, 1, 2, 0]


def test_a_setting_that_no_rule_tells_apart_has_one_value() -> None:
    flat = {"a": np.array([1.0, 2, 3, 4, 4, 4]), "b": np.array([1.0, 2, 3, 0, 0, 0])}
    assert rank_average(flat, SETTING)[3:].tolist() == [0, 0, 0]


def test_without_a_rule_all_are_alike() -> None:
    assert rank_average({}, SETTING).tolist() == [0] * 6


@given(st.lists(st.integers(-3, 3), min_size=6, max_size=6), st.floats(0.1, 10))
def test_the_unit_of_a_rule_does_not_matter(scores: list[int], unit: float) -> None:
    rule, other = np.array(scores, dtype=np.float64), np.arange(6.0)
    one, same = (rank_average({"a": factor * rule, "b": other}, SETTING) for factor in (1, unit))
    np.testing.assert_array_equal(one, same)


@given(st.permutations(range(6)))
def test_one_rule_in_one_setting_is_ranked(order: list[int]) -> None:
    scores = np.array(order, dtype=np.float64)
    np.testing.assert_array_equal(rank_average({"a": scores}, np.zeros(6, dtype=np.int64)), rankdata(scores))
