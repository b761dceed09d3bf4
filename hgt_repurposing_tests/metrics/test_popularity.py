import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from hgt_repurposing.graph.schema import BoolArray, FloatArray
from hgt_repurposing.metrics.popularity import PopularityReport, popularity_report

# Drug 0 stands first for diseases 0 and 1, drug 3 for disease 2; every drug's first disease is 0, but drug 3's is 2.
SCORES = np.array([[9.0, 8.0, 1.0], [5.0, 4.0, 3.0], [4.0, 2.0, 0.0], [1.0, 0.5, 6.0]])
EVERYTHING = np.ones((4, 3), dtype=np.bool_)


def report(
    scores: FloatArray, candidate: BoolArray = EVERYTHING, *, top: int = 1, num_listed: int = 2
) -> PopularityReport:
    return popularity_report(
        scores,
        candidate,
        drug_degree=np.array([5, 2, 1, 0]),
        disease_degree=np.array([2, 1, 0]),
        top=top,
        num_listed=num_listed,
    )


def test_the_worked_example_has_the_lists_found_by_hand() -> None:
    found = report(SCORES)
    assert (found.drugs.who.tolist(), found.drugs.num_lists.tolist()) == ([0, 3], [2, 1])
    assert (found.diseases.who.tolist(), found.diseases.num_lists.tolist()) == ([0, 2], [3, 1])
    # Places: two of three to drug 0, one to drug 3, of four drugs.
    bits = -(2 / 3) * np.log2(2 / 3) - (1 / 3) * np.log2(1 / 3)
    assert found.entropy_normalised == pytest.approx(bits / 2)


def test_the_correlation_over_drugs_by_hand() -> None:
    # Mean scores 6, 4, 2, 2.5 rank 4, 3, 1, 2; degrees 5, 2, 1, 0 rank 4, 3, 2, 1: 1 - 6 (1 + 1) / (4 x 15).
    assert report(SCORES).spearman_drugs == pytest.approx(1 - 6 * 2 / 60)


def test_popularity_itself_is_wholly_popular() -> None:
    found = report(np.outer([6.0, 3.0, 2.0, 1.0], [3.0, 2.0, 1.0]))
    assert found.spearman_drugs == pytest.approx(1)
    assert found.entropy_normalised == 0
    assert found.drugs.num_lists[0] == 3


def test_equally_frequent_drugs_have_all_the_entropy_there_is() -> None:
    assert report(np.eye(4, 3), top=4).entropy_normalised == pytest.approx(1)


def test_a_drug_per_disease_has_the_entropy_of_that_many_drugs() -> None:
    assert report(np.eye(4, 3)).entropy_normalised == pytest.approx(np.log2(3) / np.log2(4))


def test_equal_degrees_have_no_correlation() -> None:
    found = popularity_report(SCORES, EVERYTHING, drug_degree=np.ones(4, int), disease_degree=np.ones(3, int), top=1)
    assert np.isnan(found.spearman_drugs)


def test_masked_cells_stand_in_no_list_and_in_no_mean() -> None:
    candidate = EVERYTHING.copy()
    candidate[0] = False
    candidate[1, 0] = False
    scores = SCORES.copy()
    scores[0], scores[1, 0] = np.nan, -1e9
    found = report(scores, candidate, num_listed=4)
    assert dict(zip(found.drugs.who.tolist(), found.drugs.num_lists.tolist(), strict=True)) == {1: 1, 2: 1, 3: 1, 0: 0}
    assert found.spearman_drugs == pytest.approx(0.5)  # means 3.5, 2, 2.5 rank 3, 1, 2 against 3, 2, 1


@given(hnp.arrays(np.float64, (4, 3), elements=st.integers(-3, 3).map(float)), st.integers(1, 5))
def test_the_lists_hold_as_many_drugs_as_they_have_places(scores: FloatArray, top: int) -> None:
    scores[0, 0] = 9  # not all alike
    found = report(scores, top=top, num_listed=4)
    assert found.drugs.num_lists.sum() == pytest.approx(3 * min(top, 4))
    assert found.diseases.num_lists.sum() == pytest.approx(4 * min(top, 3))
    assert (np.diff(found.drugs.num_lists) <= 0).all()
    assert -1e-12 <= found.entropy_normalised <= 1 + 1e-12


def test_constant_scores_are_refused() -> None:
    with pytest.raises(ValueError, match=r"popularity report: scores must differ .* \(got 0.0 for all 12\)"):
        report(np.zeros((4, 3)))


def test_degrees_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match=r"one entry per drug and one per column, \(4, 3\) \(got \(3,\) and \(3,\)\)"):
        popularity_report(SCORES, EVERYTHING, drug_degree=np.arange(3), disease_degree=np.arange(3))
