from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hgt_repurposing.graph.schema import IntArray
from hgt_repurposing.repurposing import negatives
from hgt_repurposing.repurposing.negatives import draw_negatives

Pairs = set[tuple[int, int]]


class Case(NamedTuple):
    positives: Pairs
    known: list[tuple[int, int]]
    """Positives and others, some twice, some outside the grid."""
    drugs: list[int]
    diseases: list[int]

    @property
    def free(self) -> Pairs:
        return {(drug, disease) for drug in self.drugs for disease in self.diseases} - set(self.known)

    def draw(self, per_positive: int, seed: int = 0) -> IntArray:
        return draw_negatives(
            as_array(sorted(self.positives)),
            known=as_array(self.known),
            drugs=np.array(self.drugs, dtype=np.int64),
            diseases=np.array(self.diseases, dtype=np.int64),
            per_positive=per_positive,
            generator=np.random.default_rng(seed),
        )


def as_array(pairs: list[tuple[int, int]]) -> IntArray:
    return np.array(pairs, dtype=np.int64).reshape(-1, 2).T


def as_list(pairs: IntArray) -> list[tuple[int, int]]:
    return [(int(drug), int(disease)) for drug, disease in pairs.T]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    indices = st.integers(0, 9)
    pairs = st.tuples(indices, indices)
    positives = draw(st.sets(pairs, min_size=1, max_size=6))
    more = draw(st.lists(pairs, max_size=20))
    drugs, diseases = (sorted(draw(st.sets(indices))) for _ in range(2))
    return Case(positives, [*positives, *more, *more[:2]], drugs, diseases)


counts = st.integers(1, 40)


@given(cases(), counts)
def test_negatives_are_never_known(case: Case, per_positive: int) -> None:
    assert not set(as_list(case.draw(per_positive))) & set(case.known)


@given(cases(), counts)
def test_negatives_stay_within_the_given_drugs_and_diseases(case: Case, per_positive: int) -> None:
    drugs, diseases = case.draw(per_positive)
    assert set(drugs.tolist()) <= set(case.drugs)
    assert set(diseases.tolist()) <= set(case.diseases)


@given(cases(), counts)
def test_negatives_are_distinct_and_sorted(case: Case, per_positive: int) -> None:
    drawn = as_list(case.draw(per_positive))
    assert drawn == sorted(set(drawn))


@given(cases(), counts)
def test_there_are_as_many_as_asked_for_or_as_the_grid_holds(case: Case, per_positive: int) -> None:
    assert len(as_list(case.draw(per_positive))) == min(per_positive * len(case.positives), len(case.free))


@given(cases())
def test_asking_for_more_than_there_are_gives_all(case: Case) -> None:
    assert set(as_list(case.draw(1000))) == case.free


@given(cases(), counts, st.integers(0, 9))
def test_one_seed_gives_one_draw(case: Case, per_positive: int, seed: int) -> None:
    np.testing.assert_array_equal(case.draw(per_positive, seed), case.draw(per_positive, seed))


def test_another_seed_gives_another_draw() -> None:
    case = Case({(0, 0)}, [(0, 0)], list(range(50)), list(range(50)))
    assert as_list(case.draw(20, seed=1)) != as_list(case.draw(20, seed=2))


def test_half_keep_the_disease_of_a_positive() -> None:
    # Diseases 0 and 1 of 500 are treated; 1,000 negatives, 2 of the uniform half fall there by chance.
    case = Case({(0, 0), (1, 1)}, [(0, 0), (1, 1)], list(range(5000)), list(range(500)))
    kept = int((case.draw(500)[1] < 2).sum())
    assert 480 <= kept <= 530


def test_a_disease_with_more_positives_gets_more_of_the_kept_half() -> None:
    positives = {(0, 0), *((drug, 1) for drug in range(9))}
    case = Case(positives, sorted(positives), list(range(5000)), list(range(500)))
    drawn = case.draw(100)[1]
    assert (drawn == 1).sum() > 5 * (drawn == 0).sum()  # 9 times as many wanted: 450 and 50


def test_a_grid_without_a_free_pair_gives_none_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(negatives, "MAX_DRAWS", 0)
    case = Case({(0, 0)}, [(0, 0), (0, 1), (1, 0), (1, 1)], [0, 1], [0, 1])
    assert case.draw(5).shape == (2, 0)


def test_what_drawing_does_not_find_is_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(negatives, "MAX_DRAWS", 0)
    case = Case({(0, 0)}, [(0, 0)], list(range(9)), list(range(9)))
    assert set(as_list(case.draw(1000))) == case.free
    assert len(as_list(case.draw(7))) == 7


def test_no_positives_have_no_negatives() -> None:
    assert Case(set(), [(0, 0)], [0, 1], [0, 1]).draw(5).shape == (2, 0)


def test_a_pair_that_is_known_twice_takes_one_place() -> None:
    case = Case({(0, 0)}, [(0, 0), (0, 0), (0, 0)], [0, 1], [0])
    assert as_list(case.draw(1)) == [(1, 0)]


def test_the_arguments_stay_as_they_were() -> None:
    positives, drugs = np.array([[3, 1], [1, 0]]), np.array([3, 1, 2])
    before = positives.copy(), drugs.copy()
    draw_negatives(
        positives,
        known=positives,
        drugs=drugs,
        diseases=np.array([1, 0]),
        per_positive=2,
        generator=np.random.default_rng(0),
    )
    np.testing.assert_array_equal(positives, before[0])
    np.testing.assert_array_equal(drugs, before[1])
