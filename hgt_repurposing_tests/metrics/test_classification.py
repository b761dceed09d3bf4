import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from hgt_repurposing.graph.schema import BoolArray, FloatArray, IntArray
from hgt_repurposing.metrics.classification import degree_matched, uniform_one_to_one
from hgt_repurposing_tests.metrics.measured import grid_metrics

# Drugs of degree 3, 2, 1 and 0, diseases of degree 1 and 0. Drug 0 treats disease 0, drug 3 disease 1.
SCORES = np.array([[0.9, 0.2], [0.95, 0.1], [0.8, 0.3], [0.4, 0.5]])
POSITIVE = np.array([[1, 0], [0, 0], [0, 0], [0, 1]], dtype=np.bool_)
CANDIDATE = np.ones((4, 2), dtype=np.bool_)
DRUG_DEGREE = np.array([3, 2, 1, 0])
DISEASE_DEGREE = np.array([1, 0])


def popularity_world(
    seed: int, *, num_drugs: int = 300, num_diseases: int = 40
) -> tuple[BoolArray, IntArray, IntArray]:
    """Labels that follow from the degrees of drug and disease, and from nothing else."""
    generator = np.random.default_rng(seed)
    drug_degree, disease_degree = (generator.geometric(0.25, size) - 1 for size in (num_drugs, num_diseases))
    chance = np.minimum(np.outer(drug_degree, disease_degree) / num_drugs, 1)
    return generator.random(chance.shape) < chance, drug_degree, disease_degree


def slow_matched_auroc(
    scores: FloatArray, drug_degree: IntArray, disease_degree: IntArray, positive: BoolArray
) -> float:
    """Draw by draw: one negative per positive, in all combinations of ranges at once, averaged over 2,000 draws."""
    generator = np.random.default_rng(0)

    def alike(first: int, second: int) -> bool:
        return len(f"{first:b}") * (first > 0) == len(f"{second:b}") * (second > 0)

    partners = [
        [
            scores[r, c]
            for r, c in np.argwhere(~positive)
            if alike(drug_degree[r], drug_degree[drug]) and alike(disease_degree[c], disease_degree[disease])
        ]
        for drug, disease in np.argwhere(positive)
    ]
    found = np.array([score for score, others in zip(scores[positive], partners, strict=True) if others])
    draws = np.stack([generator.choice(others, 2000) for others in partners if others])
    wins = (found[:, None, None] > draws) + 0.5 * (found[:, None, None] == draws)
    return float(wins.mean())


def matched(scores: FloatArray) -> float:
    result = degree_matched(scores, POSITIVE, CANDIDATE, drug_degree=DRUG_DEGREE, disease_degree=DISEASE_DEGREE)
    return result.auroc_degree_matched


# matched


def test_the_worked_example_has_the_matched_auroc_found_by_hand() -> None:
    # Drug 0 (degree 2-3) x disease 0 has one like it: drug 1 x disease 0. Drug 3 x disease 1 (degrees 0, 0) has none.
    result = degree_matched(SCORES, POSITIVE, CANDIDATE, drug_degree=DRUG_DEGREE, disease_degree=DISEASE_DEGREE)
    assert result == (0.0, 1, 1)  # .9 against .95


def test_a_better_score_of_the_positive_wins_against_its_match() -> None:
    scores = SCORES.copy()
    scores[1, 0] = 0.85
    assert matched(scores) == 1.0


def test_a_tie_with_its_match_counts_half() -> None:
    scores = SCORES.copy()
    scores[1, 0] = scores[0, 0]
    assert matched(scores) == 0.5


def test_a_masked_cell_is_nobodys_match() -> None:
    candidate = CANDIDATE.copy()
    candidate[1, 0] = False
    found = degree_matched(SCORES, POSITIVE, candidate, drug_degree=DRUG_DEGREE, disease_degree=DISEASE_DEGREE)
    assert np.isnan(found.auroc_degree_matched)
    assert (found.num_matched, found.num_unmatched) == (0, 2)


@pytest.mark.parametrize("seed", range(3))
def test_the_weights_stand_for_the_mean_over_draws(seed: int) -> None:
    generator = np.random.default_rng(seed)
    scores = generator.integers(0, 6, (9, 4)).astype(np.float64)
    positive = generator.random((9, 4)) < 0.2
    degrees = (generator.integers(0, 5, 9), generator.integers(0, 3, 4))
    result = degree_matched(scores, positive, np.ones_like(positive), drug_degree=degrees[0], disease_degree=degrees[1])
    # 2,000 draws of a handful of pairs: the standard error is below .01.
    assert result.auroc_degree_matched == pytest.approx(slow_matched_auroc(scores, *degrees, positive), abs=0.03)


@given(st.integers(0, 2**32 - 1))
def test_the_ranges_of_the_degrees_are_worth_nothing_at_all(seed: int) -> None:
    positive, *degrees = popularity_world(seed, num_drugs=100, num_diseases=20)
    drug_range, disease_range = (np.ceil(np.log2(degree + 1)) for degree in degrees)  # 0, 1, 2-3, 4-7, ...
    popularity = np.outer(drug_range + 1, disease_range + 1)  # one value for all pairs that are matched
    result = degree_matched(
        popularity, positive, np.ones_like(positive), drug_degree=degrees[0], disease_degree=degrees[1]
    )
    # Positives and weighted negatives have one distribution of scores; sums of 2,000 weights in float64 are off by
    # 2,000 roundings of 2^-53 at most, and the area is a sum of products of two of them.
    assert result.auroc_degree_matched == pytest.approx(0.5, abs=2 * 2000 * 2**-53)


@pytest.mark.parametrize("seed", range(5))
def test_popularity_is_worth_nothing_where_negatives_are_as_popular(seed: int) -> None:
    positive, drug_degree, disease_degree = popularity_world(seed)
    popularity = np.outer(drug_degree + 1, disease_degree + 1).astype(np.float64)
    everything = np.ones_like(positive)
    result = degree_matched(popularity, positive, everything, drug_degree=drug_degree, disease_degree=disease_degree)
    assert grid_metrics(popularity, positive, everything).auroc > 0.75
    assert result.auroc_degree_matched == pytest.approx(0.5, abs=0.1)  # what is left is the order within a range


def test_degrees_of_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match=r"one entry per drug and one per column, \(4, 2\) \(got \(4,\) and \(4,\)\)"):
        degree_matched(SCORES, POSITIVE, CANDIDATE, drug_degree=DRUG_DEGREE, disease_degree=DRUG_DEGREE)


def test_negative_degrees_are_refused() -> None:
    with pytest.raises(ValueError, match=r"degrees must not be negative \(got -3\)"):
        degree_matched(SCORES, POSITIVE, CANDIDATE, drug_degree=-DRUG_DEGREE, disease_degree=DISEASE_DEGREE)


# uniform


def test_the_classical_figures_of_a_perfect_score_are_one(generator: np.random.Generator) -> None:
    result = uniform_one_to_one(POSITIVE.astype(np.float64), POSITIVE, CANDIDATE, generator=generator)
    assert result == (1.0, 1.0, 2)


def test_the_classical_figures_by_hand() -> None:
    # One positive and one other candidate, so the draw has no choice: the negative scores higher.
    scores, positive = np.array([[0.1], [0.9]]), np.array([[True], [False]])
    result = uniform_one_to_one(scores, positive, np.ones_like(positive), generator=np.random.default_rng(0))
    assert result == (0.0, 0.5, 1)


@given(hnp.arrays(np.float64, (6, 2), elements=st.integers(-3, 3).map(float)), st.integers(0, 2**32 - 1))
def test_no_negative_is_drawn_twice(scores: FloatArray, seed: int) -> None:
    positive = np.arange(12).reshape(6, 2) % 2 == 0  # half of all cells: every negative is needed
    everything = np.ones_like(positive)
    result = uniform_one_to_one(scores, positive, everything, generator=np.random.default_rng(seed))
    grid = grid_metrics(scores, positive, everything)
    found = (result.auroc_uniform_1_to_1, result.average_precision_uniform_1_to_1)
    assert found == pytest.approx((grid.auroc, grid.average_precision))


def test_popularity_shines_in_the_classical_figures() -> None:
    positive, drug_degree, disease_degree = popularity_world(0)
    popularity = np.outer(drug_degree + 1, disease_degree + 1).astype(np.float64)
    result = uniform_one_to_one(popularity, positive, np.ones_like(positive), generator=np.random.default_rng(0))
    assert result.auroc_uniform_1_to_1 > 0.75
    assert result.average_precision_uniform_1_to_1 > 0.75


def test_the_classical_figures_repeat_with_the_seed() -> None:
    positive, *_ = popularity_world(0)
    scores = np.random.default_rng(1).random(positive.shape)
    first, second, other = (
        uniform_one_to_one(scores, positive, np.ones_like(positive), generator=np.random.default_rng(seed))
        for seed in (3, 3, 4)
    )
    assert first == second
    assert first != other
    assert first.auroc_uniform_1_to_1 == pytest.approx(0.5, abs=0.1)


def test_too_few_negatives_for_the_classical_figures_leave_them_out(generator: np.random.Generator) -> None:
    """They stand in the report for comparison alone, and must not end a run."""
    positive = np.array([[True], [True], [False]])
    found = uniform_one_to_one(np.zeros((3, 1)), positive, np.ones_like(positive), generator=generator)
    assert np.isnan(found.auroc_uniform_1_to_1)
    assert np.isnan(found.average_precision_uniform_1_to_1)
