import numpy as np
import pytest

from hgt_repurposing.graph.schema import FloatArray, IntArray
from hgt_repurposing.repurposing import scoring
from hgt_repurposing.repurposing.features import PairFeatures
from hgt_repurposing.repurposing.scoring import score_grid
from hgt_repurposing_tests.repurposing.planted import Lookup

TABLE = np.arange(12.0).reshape(3, 4)
FEATURES = PairFeatures(np.ones((3, 2), dtype=np.float32), np.ones((4, 2), dtype=np.float32))


class Counting:
    """A scorer that remembers how many pairs it was asked for at a time."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def score(self, features: PairFeatures, pairs: IntArray) -> FloatArray:
        self.asked.append(pairs.shape[1])
        return Lookup(TABLE).score(features, pairs)


def test_rows_are_drugs_and_columns_the_diseases_asked_for() -> None:
    diseases = np.array([3, 0, 3])
    np.testing.assert_array_equal(score_grid(Lookup(TABLE), FEATURES, diseases), TABLE[:, diseases])


@pytest.mark.parametrize("values", [1, 15, 30, 45, 60, 10**9])  # 3 drugs x 5 features per disease
def test_scores_in_blocks_are_those_of_all_at_once(values: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scoring, "MAX_BLOCK_VALUES", values)
    np.testing.assert_array_equal(score_grid(Lookup(TABLE), FEATURES, np.arange(4)), TABLE)


def test_a_block_holds_no_more_features_than_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scoring, "MAX_BLOCK_VALUES", 45)
    scorer = Counting()
    score_grid(scorer, FEATURES, np.arange(4))
    assert scorer.asked == [9, 3]


def test_a_block_is_one_disease_at_least(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scoring, "MAX_BLOCK_VALUES", 1)
    scorer = Counting()
    score_grid(scorer, FEATURES, np.arange(4))
    assert scorer.asked == [3, 3, 3, 3]


def test_every_block_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scoring, "MAX_BLOCK_VALUES", 45)
    done: list[int] = []
    score_grid(Lookup(TABLE), FEATURES, np.arange(4), on_block=done.append)
    assert done == [3, 1]


def test_no_diseases_have_no_columns() -> None:
    assert score_grid(Lookup(TABLE), FEATURES, np.empty(0, dtype=np.int64)).shape == (3, 0)
