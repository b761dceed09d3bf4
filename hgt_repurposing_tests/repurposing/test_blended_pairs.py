"""Which pairs a member is blended on: each without a label in one inner fold, for all in which it occurs."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hgt_repurposing.repurposing.blended_pairs import may_learn_from, pair_numbers, weight_in_blend
from hgt_repurposing.repurposing.labels import CONTRAINDICATION, INDICATION, UNKNOWN
from hgt_repurposing.repurposing.masked_cells import MaskedCells

# Pair 4 occurs twice in fold 0, and in folds 1 and 2; pair 5 in folds 0 and 2; pair 6 was drawn for the heads alone.
# Pair 7 is a treatment that is hidden in two folds, pair 8 a known negative.
NUMBER = np.array([4, 4, 4, 4, 5, 5, 6, 7, 7, 8])
FOLD = np.array([0, 0, 1, 2, 0, 2, 1, 0, 1, 2])
WEIGHT = np.array([1, 2, 3, 6, 10, 30, 0, 1, 1, 5.0])
LABEL = np.array([UNKNOWN] * 7 + [INDICATION] * 2 + [CONTRAINDICATION])
CELLS = MaskedCells(np.stack([NUMBER, np.zeros(10, dtype=np.int64)]), LABEL, WEIGHT, LABEL > 0, LABEL < 0)


def blended() -> list[float]:
    return [float(weight) for weight in weight_in_blend(CELLS, fold=FOLD, pair_number=NUMBER, num_folds=3)]


def test_a_pair_without_a_label_counts_in_one_inner_fold_for_all_of_them() -> None:
    # 4 % 3 is 1: the second of its three folds. 5 % 2 is 1: the second of its two.
    assert blended()[:6] == [0, 0, 12, 0, 0, 40]


def test_labelled_pairs_and_those_of_the_heads_alone_keep_their_weight() -> None:
    assert blended()[6:] == [0, 1, 1, 5]


def test_a_member_learns_from_no_pair_that_it_is_blended_on() -> None:
    weight = np.array(blended())
    may = [may_learn_from(left_out, fold=FOLD, pair_number=NUMBER, weight=weight).astype(int) for left_out in range(3)]
    assert may[0].tolist() == [0, 0, 1, 1, 0, 1, 1, 0, 0, 1]
    assert may[1].tolist() == [0, 0, 0, 0, 1, 1, 0, 0, 0, 1]
    assert may[2].tolist() == [1, 1, 1, 0, 0, 0, 1, 1, 1, 0]


@given(st.integers(0, 2**32 - 1), st.integers(2, 20))
def test_the_weights_have_the_sum_of_those_of_the_cells(seed: int, num_folds: int) -> None:
    generator = np.random.default_rng(seed)
    number, fold = generator.integers(9, size=60), generator.integers(num_folds, size=60)
    label, weight = generator.integers(3, size=60), generator.exponential(size=60) * (generator.random(60) < 0.8)
    cells = MaskedCells(np.stack([number, number]), label, weight, label > 0, label < 0)
    found = weight_in_blend(cells, fold=fold, pair_number=number, num_folds=num_folds)
    np.testing.assert_allclose(found.sum(), weight.sum())
    for pair in range(9):
        assert len(np.unique(fold[(number == pair) & (label == UNKNOWN) & (found > 0)])) <= 1


@given(st.integers(1, 40), st.integers(1, 40), st.integers(2, 20))
def test_pairs_of_one_node_are_dealt_evenly_whatever_its_index(drugs: int, diseases: int, num_folds: int) -> None:
    number = pair_numbers(np.indices((drugs, diseases)).reshape(2, -1), num_folds).reshape(drugs, diseases)
    assert len(np.unique(number)) == drugs * diseases
    for some in range(1, num_folds + 1):  # a pair may occur in some of them
        for of_one_node in (*(number % some), *(number % some).T):
            assert np.bincount(of_one_node, minlength=some).max() <= -(-len(of_one_node) // some)
