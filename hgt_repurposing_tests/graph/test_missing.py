from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from hgt_repurposing.graph.missing import MissingShares, draw_masks
from hgt_repurposing.graph.schema import BoolArray, IntArray
from hgt_repurposing.graph.split_kinds import UNITS, Hiding, Unit

TENTH = MissingShares()

seeds = st.integers(0, 99)
every_unit = pytest.mark.parametrize("unit", UNITS)


def some_pairs(seed: int = 0, *, num_pairs: int = 40) -> IntArray:
    """Distinct pairs of 15 drugs and 12 diseases, sorted. Shape [2, num_pairs]."""
    cells = np.sort(np.random.default_rng(seed).choice(15 * 12, num_pairs, replace=False))
    return np.stack([cells // 12, cells % 12])


def drawn(
    pairs: IntArray,
    missing: MissingShares = TENTH,
    *,
    num_masks: int = 10,
    seed: int = 0,
    groups: Mapping[Unit, IntArray] | None = None,
) -> list[BoolArray]:
    return draw_masks(pairs, missing, num_masks=num_masks, generator=np.random.default_rng(seed), groups=groups)


def hidden_units(pairs: IntArray, mask: BoolArray, hiding: Hiding) -> set[int]:
    """Units all of whose pairs are hidden."""
    whole = hiding.whole(pairs)
    return set(whole.tolist()) - set(whole[~mask].tolist())


@every_unit
@given(seed=seeds, share=st.sampled_from([0.1, 0.25, 0.4]), num_masks=st.integers(1, 7))
def test_each_mask_hides_the_assumed_share_of_each_unit(unit: Unit, seed: int, share: float, num_masks: int) -> None:
    pairs = some_pairs(seed)
    expected = share * len(np.unique(Hiding(unit).whole(pairs)))
    masks = drawn(pairs, MissingShares.only(unit, share), num_masks=num_masks, seed=seed)
    found = [len(hidden_units(pairs, mask, Hiding(unit))) for mask in masks]
    # In whole units; a mask in which a round ends and the next begins may draw a unit twice.
    assert max(found) <= np.ceil(expected)
    assert found[0] == round(expected)


@every_unit
@given(seed=seeds, num_masks=st.sampled_from([4, 5, 10]))
def test_as_many_masks_as_shares_hide_every_treatment_exactly_once(unit: Unit, seed: int, num_masks: int) -> None:
    pairs = some_pairs(seed)
    masks = drawn(pairs, MissingShares.only(unit, 1 / num_masks), num_masks=num_masks, seed=seed)
    assert (np.sum(masks, axis=0) == 1).all()
    for mask in masks:
        assert len(np.unique(Hiding(unit).whole(pairs[:, mask]))) == len(hidden_units(pairs, mask, Hiding(unit)))


@every_unit
@given(seed=seeds, num_masks=st.integers(1, 12))
def test_no_unit_is_hidden_again_before_every_other_was(unit: Unit, seed: int, num_masks: int) -> None:
    pairs = some_pairs(seed)
    count = np.sum(drawn(pairs, MissingShares.only(unit, 0.3), num_masks=num_masks, seed=seed), axis=0)
    assert count.max() - count.min() <= 1 + (
        num_masks > 3
    )  # from the second round on, one may be drawn twice in a mask


@given(seeds)
def test_all_three_kinds_of_unit_are_hidden_at_once(seed: int) -> None:
    pairs = some_pairs(seed, num_pairs=100)
    for mask in drawn(pairs, seed=seed):
        alone = mask.copy()
        for unit in ("disease", "drug"):
            whole = Hiding(unit).whole(pairs)
            units = hidden_units(pairs, mask, Hiding(unit))
            assert units
            alone &= ~np.isin(whole, list(units))
        assert 0 < alone.sum() <= 10  # single ones, of which some fall into a whole that is hidden anyway


@pytest.mark.parametrize(("unit", "end", "size"), [("disease", 1, 12), ("drug", 0, 15)])
@given(seed=seeds)
def test_groups_are_hidden_together(unit: Unit, end: int, size: int, seed: int) -> None:
    pairs, group = some_pairs(seed), np.arange(size) // 3
    masks = drawn(pairs, MissingShares.only(unit, 0.25), num_masks=4, seed=seed, groups={unit: group})
    for mask in masks:
        assert not set(group[pairs[end, mask]].tolist()) & set(group[pairs[end, ~mask]].tolist())
    assert (np.sum(masks, axis=0) == 1).all()


@given(seeds)
def test_groups_of_diseases_leave_drugs_single(seed: int) -> None:
    pairs = some_pairs(seed)
    groups: dict[Unit, IntArray] = {"disease": np.zeros(12, dtype=np.int64)}
    num_drugs = len(np.unique(pairs[0]))
    found = [
        len(hidden_units(pairs, mask, Hiding("drug")))
        for mask in drawn(pairs, MissingShares.only("drug", 0.25), num_masks=4, seed=seed, groups=groups)
    ]
    assert sum(found) == num_drugs
    assert max(found) <= np.ceil(num_drugs / 4)


def test_one_seed_hides_the_same_and_another_hides_others() -> None:
    pairs = some_pairs()
    for one, other in zip(drawn(pairs, seed=7), drawn(pairs, seed=7), strict=True):
        np.testing.assert_array_equal(one, other)
    assert not np.array_equal(drawn(pairs, seed=1), drawn(pairs, seed=2))


def test_of_no_treatment_none_is_hidden() -> None:
    assert [mask.shape for mask in drawn(np.empty((2, 0), dtype=np.int64), num_masks=3)] == [(0,)] * 3


# the assumption


@pytest.mark.parametrize("share", [-0.01, 0.51, float("nan")])
@pytest.mark.parametrize("field", ["pairs", "diseases", "drugs"])
def test_a_share_is_at_most_half(field: str, share: float) -> None:
    with pytest.raises(ValidationError, match=field):
        MissingShares(**{field: share})


@pytest.mark.parametrize("share", [0.0, 0.009])
def test_something_is_missing(share: float) -> None:
    with pytest.raises(ValidationError, match=r"at least one share must be 0\.01 or more"):
        MissingShares(pairs=share, diseases=share, drugs=share)
    assert MissingShares(pairs=share, diseases=0.01, drugs=share).diseases == 0.01


@every_unit
@pytest.mark.parametrize("share", [0.01, 0.2, 0.5])
def test_only_one_unit_is_missing(unit: Unit, share: float) -> None:
    assert MissingShares.only(unit, share).by_unit == {other: share if other == unit else 0 for other in UNITS}


def test_every_unit_has_a_share() -> None:
    shares = MissingShares(pairs=0.1, diseases=0.2, drugs=0.3)
    assert shares.by_unit == {"pair": 0.1, "disease": 0.2, "drug": 0.3}
    assert tuple(shares.by_unit) == UNITS


def test_the_assumption_is_said_in_words() -> None:
    said = MissingShares(pairs=0.1, diseases=0.2, drugs=0.3).in_words()
    assert said.startswith(
        "It is assumed that the graph misses 10% of the treatments one by one, all treatments of 20%"
    )
    assert said.endswith("and all uses of 30% of the drugs that treat something.")


def test_a_group_that_would_leave_nothing_to_see_is_hidden_one_by_one() -> None:
    pairs = np.stack([np.arange(20), np.arange(20)])
    missing = MissingShares.only("disease", 0.5)
    for group, is_whole in ((np.repeat([0, 1], [19, 1]), False), (np.repeat([0, 1], [10, 10]), True)):
        masks = draw_masks(pairs, missing, num_masks=2, generator=np.random.default_rng(0), groups={"disease": group})
        assert [int(hidden.sum()) for hidden in masks] == [10, 10]
        of_first = [hidden[group == 0].mean() for hidden in masks]
        assert (sorted(of_first) == [0, 1]) == is_whole
