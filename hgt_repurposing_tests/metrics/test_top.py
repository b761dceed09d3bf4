import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from hgt_repurposing.graph.schema import FloatArray
from hgt_repurposing.metrics.top import share_in_top

scores_with_ties = hnp.arrays(np.float64, st.integers(1, 12), elements=st.integers(-2, 2).map(float))


def test_the_last_place_is_shared_by_those_that_tie_for_it() -> None:
    assert share_in_top(np.array([5.0, 1, 3, 3, 3]), 2).tolist() == pytest.approx([1, 0, 1 / 3, 1 / 3, 1 / 3])


@given(scores_with_ties, st.integers(1, 12))
def test_the_shares_add_up_to_the_length_of_the_list(scores: FloatArray, top: int) -> None:
    assert share_in_top(scores, top).sum() == pytest.approx(min(top, len(scores)))


@given(scores_with_ties, st.integers(1, 12))
def test_a_higher_score_has_no_smaller_share(scores: FloatArray, top: int) -> None:
    share = share_in_top(scores, top)
    assert (np.diff(share[np.argsort(scores, kind="stable")]) >= 0).all()


@given(st.permutations(range(9)), st.integers(1, 9))
def test_without_ties_the_first_places_are_those_of_the_order(order: list[int], top: int) -> None:
    scores = np.array(order, dtype=np.float64)
    assert np.flatnonzero(share_in_top(scores, top)).tolist() == np.flatnonzero(scores >= 9 - top).tolist()


def test_a_list_of_no_places_is_refused() -> None:
    with pytest.raises(ValueError, match=r"top must be at least 1 \(got 0\)"):
        share_in_top(np.zeros(3), 0)
