import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.sparse import csr_array

from hgt_repurposing.evaluation.floors import FLOORS, degree_product, drug_degree, drug_knn, random_scores
from hgt_repurposing.graph.schema import FloatArray

# Drug 0 treats diseases 0 and 1, drug 1 treats 0, drug 2 treats 2, drug 3 treats nothing; disease 3 is new.
LABELS = np.array([[1, 1, 0, 0], [1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]], dtype=np.float64)
TRAIN = csr_array(LABELS)
ALL = np.arange(4)

labels = hnp.arrays(np.float64, st.tuples(st.integers(1, 7), st.integers(1, 6)), elements=st.sampled_from([0.0, 1.0]))


def slow_knn(train: FloatArray) -> FloatArray:
    scores = np.zeros_like(train)
    for drug in range(len(train)):
        for other in range(len(train)):
            lengths = np.linalg.norm(train[drug]) * np.linalg.norm(train[other])
            if drug != other and lengths > 0:
                scores[drug] += train[drug] @ train[other] / lengths * train[other]
    return scores


def test_drug_degree_is_the_number_of_treated_diseases_in_every_column() -> None:
    assert drug_degree(TRAIN, np.array([3, 0])).tolist() == [[2, 2], [1, 1], [1, 1], [0, 0]]


def test_degree_product_adds_one_to_both_degrees() -> None:
    assert degree_product(TRAIN, np.array([0, 2])).tolist() == [[9, 6], [6, 4], [6, 4], [3, 2]]


def test_degree_product_still_ranks_the_drugs_of_a_new_disease() -> None:
    assert degree_product(TRAIN, np.array([3]))[:, 0].tolist() == [3, 2, 2, 1]


def test_drug_knn_of_the_worked_example() -> None:
    # Drugs 0 and 1 share disease 0: cosine 1 / sqrt(2). Drug 1 inherits disease 1 from drug 0; nobody is like drug 2.
    c = 1 / np.sqrt(2)
    expected = [[c, 0, 0, 0], [c, c, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]
    np.testing.assert_allclose(drug_knn(TRAIN, ALL), expected, rtol=1e-12)


def test_a_drug_is_not_its_own_neighbour() -> None:
    assert drug_knn(csr_array(np.array([[1.0, 1.0]])), np.array([0, 1])).tolist() == [[0, 0]]


@given(labels)
def test_drug_knn_agrees_with_the_sum_over_pairs_of_drugs(train: FloatArray) -> None:
    columns = np.arange(train.shape[1])
    np.testing.assert_allclose(drug_knn(csr_array(train), columns), slow_knn(train), atol=1e-12)


@pytest.mark.parametrize("name", ["drug degree", "degree product", "drug kNN"])
@given(train=labels, data=st.data())
def test_chosen_columns_are_those_of_all_columns(name: str, train: FloatArray, data: st.DataObject) -> None:
    columns = np.array(data.draw(st.lists(st.integers(0, train.shape[1] - 1), min_size=1)))
    generator = np.random.default_rng(0)
    whole = FLOORS[name](csr_array(train), np.arange(train.shape[1]), generator)
    chosen = FLOORS[name](csr_array(train), columns, generator)
    np.testing.assert_allclose(chosen, whole[:, columns], atol=1e-12)


@pytest.mark.parametrize("name", FLOORS)
def test_every_floor_scores_drugs_by_columns(name: str) -> None:
    scores = FLOORS[name](TRAIN, np.array([3, 1, 1]), np.random.default_rng(0))
    assert scores.shape == (4, 3)
    assert scores.dtype == np.float64


@pytest.mark.parametrize("name", FLOORS)
def test_no_floor_changes_the_training_matrix(name: str) -> None:
    train = csr_array(LABELS)
    FLOORS[name](train, ALL, np.random.default_rng(0))
    np.testing.assert_array_equal(train.toarray(), LABELS)


def test_the_registry_names_every_floor() -> None:
    assert list(FLOORS) == ["random", "drug degree", "degree product", "drug kNN"]


def test_random_scores_repeat_with_the_seed() -> None:
    first, second = (random_scores((5, 3), np.random.default_rng(7)) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_random_scores_have_no_ties() -> None:
    scores = random_scores((50, 20), np.random.default_rng(7))
    assert len(np.unique(scores)) == scores.size
