"""How often evidence matters, and the deletion curves, on places typed by hand."""

import numpy as np
import pytest

from hgt_repurposing.benchmark.deletion import Deleted, curves_of, delete_evidence, shares_of
from hgt_repurposing.repurposing.ablation import Ablation, Ablator, Deletion, Place
from hgt_repurposing_tests.repurposing.planted import planted_pairs
from hgt_repurposing_tests.repurposing.test_explanation import explainer


def deleted(without: int, *random: int) -> Deleted:
    """A pair by its rank without the evidence, and without random edges."""
    ablation = Ablation(Place(2.0, 1), Place(0.0, without), tuple(Place(1.0, rank) for rank in random), {})
    curve = Deletion(
        Place(2.0, 2), 9, (Place(1.0, 4), Place(0.0, without)), (Place(2.0, 2), Place(1.5, round(np.mean(random))))
    )
    return Deleted(0, 0, ablation, curve)


def test_an_equal_rank_is_a_tie_though_the_score_falls() -> None:
    found = [deleted(8, 1), deleted(1, 1), deleted(8, 8, 8), deleted(2, 1, 4), deleted(8, 1, 14)]
    shares = shares_of(found, np.random.default_rng(0))
    assert (shares.more.mean, shares.tied, shares.less) == pytest.approx((0.4, 0.4, 0.2))
    assert shares.more.lower < shares.more.mean < shares.more.upper


def test_curves_are_means_over_pairs_of_the_change() -> None:
    curves = curves_of([deleted(8, 2), deleted(4, 2)], np.random.default_rng(0))
    assert [each.mean for each in curves.log_odds] == pytest.approx([-1, -2])
    assert [each.mean for each in curves.random_log_odds] == pytest.approx([0, -0.5])
    assert [each.mean for each in curves.ranks] == pytest.approx([1, 1.5])
    assert [each.mean for each in curves.random_ranks] == pytest.approx([0, 0])
    assert curves.area.mean == pytest.approx((1 + 1.5) / 2)
    assert curves.area_of_ranks.mean == pytest.approx((1 + 1.5) / 2)


def test_every_pair_is_explained_and_scored_without_its_evidence() -> None:
    pairs, seen = planted_pairs()[:, :2], []
    found = delete_evidence(
        Ablator(explainer()),
        pairs,
        np.random.default_rng(0),
        counts=(1, 2),
        num_draws=2,
        on_pair=lambda: seen.append(1),
    )
    assert [(each.drug, each.disease) for each in found] == list(map(tuple, pairs.T.tolist()))
    assert len(seen) == 2
    for each in found:
        assert each.ablation.before == each.curve.before
        assert len(each.ablation.without_random) == len(each.curve.without_evidence) == 2
