"""What a score is made of: shares of influence, comparable whatever the scale of each score."""

import numpy as np
import pytest

from hgt_repurposing.repurposing.blend import Blend, ScorePart, fit_blend
from hgt_repurposing.repurposing.classifier import HEADS, TOWERS, PairClassifier


def scores(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Two scores that tell positives, the first twice as well; a constant; and one of noise."""
    generator = np.random.default_rng(seed)
    outcome = generator.random(4000) < 0.1
    noise = generator.standard_normal((4, 4000))
    return np.stack([2 * outcome + noise[0], outcome + noise[1], np.full(4000, 3.0), noise[2]], axis=1), outcome


def test_shares_say_how_much_each_score_decides() -> None:
    found, outcome = scores()
    shares = fit_blend(found, outcome, np.ones(len(found))).shares
    assert sum(shares) == pytest.approx(1)
    assert shares[0] > shares[1] > 0.2 > shares[3]
    assert shares[2] == 0


def test_shares_do_not_depend_on_the_scale_of_a_score_as_weights_do() -> None:
    found, outcome = scores()
    one, other = (fit_blend(found * scale, outcome, np.ones(len(found))) for scale in ([1, 1, 1, 1], [100, 1, 1, 5]))
    assert one.shares == pytest.approx(other.shares, abs=1e-3)
    assert one.weights[0] > 10 * other.weights[0]


def test_where_every_score_is_constant_none_counts() -> None:
    assert fit_blend(np.ones((50, 2)), np.arange(50) < 5, np.ones(50)).shares == (0, 0)


def classifier(*, with_towers: bool, num_shares: int) -> PairClassifier:
    """Without members: a blend of baselines, and of towers if there are any."""
    blend = Blend((1.0,) * num_shares, 0.0, tuple(np.arange(num_shares) / 10))
    scales = np.ones(2, dtype=np.float32)
    return PairClassifier("cold drug", (), ("drug kNN", "drug degree"), scales, (), (blend,), with_towers)


def test_parts_are_named_and_baselines_told_from_what_is_learned() -> None:
    assert classifier(with_towers=True, num_shares=3).parts_of_score() == [
        ScorePart("cold drug", TOWERS, is_learned=True, share=0.0),
        ScorePart("cold drug", "drug kNN", is_learned=False, share=0.1),
        ScorePart("cold drug", "drug degree", is_learned=False, share=0.2),
    ]


def test_shares_come_back_from_disk() -> None:
    before = classifier(with_towers=False, num_shares=2)
    after = PairClassifier.from_parts(before.to_parts("x"), "x")
    assert after.parts_of_score() == before.parts_of_score()


def test_the_last_head_is_the_one_on_baselines() -> None:
    assert HEADS[-1] == "baselines, stacked"
