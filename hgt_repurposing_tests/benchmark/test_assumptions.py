"""What is hidden under each assumption, and what is said of too few treatments before anything is trained."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hgt_repurposing.benchmark.assumptions import AS_ASSUMED, OTHER_ASSUMPTIONS, assumed_masks, require_measurable
from hgt_repurposing.benchmark.preflight import split_for_learning
from hgt_repurposing.graph.missing import MissingShares, require_something_hidden
from hgt_repurposing.graph.schema import IntArray
from hgt_repurposing.graph.split import SplitConfig
from hgt_repurposing.graph.split_kinds import UNITS
from hgt_repurposing.repurposing.params import ClassifierParams
from hgt_repurposing_tests.benchmark.test_preflight import treated


def pairs_of(num_diseases: int) -> IntArray:
    """Two drugs for each disease."""
    return treated(num_diseases, num_drugs=2 * num_diseases).indications


@pytest.mark.parametrize(("num_folds", "num_others"), [(0, 0), (1, 0), (2, 1), (5, 2)])
def test_every_assumption_has_its_masks_others_half_as_many(num_folds: int, num_others: int) -> None:
    found = list(assumed_masks(pairs_of(20), MissingShares(), num_folds=num_folds, seed=0))
    assert [masks.assumption for masks in found] == [AS_ASSUMED, *OTHER_ASSUMPTIONS]
    assert [len(masks.hidden) for masks in found] == [num_folds, num_others, num_others]


def test_masks_of_the_other_assumptions_do_not_depend_on_the_models() -> None:
    one, other = (
        list(assumed_masks(pairs_of(20), missing, num_folds=2, seed=0))
        for missing in (MissingShares(), MissingShares(pairs=0.4))
    )
    assert not np.array_equal(one[0].hidden, other[0].hidden)
    np.testing.assert_array_equal(one[1].hidden, other[1].hidden)
    np.testing.assert_array_equal(one[2].hidden, other[2].hidden)


def test_enough_treatments_are_measurable() -> None:
    require_measurable(pairs_of(20), MissingShares(), num_folds=10, seed=0)


def test_so_few_treatments_that_a_mask_hides_none_are_too_few() -> None:
    said = r"^of 2 treatments, none would be hidden \(as assumed, fold \d\): too few for the whole grid"
    with pytest.raises(ValueError, match=said):
        require_measurable(pairs_of(1), MissingShares(), num_folds=4, seed=0)


def test_so_few_treatments_that_a_mask_hides_all_are_too_few() -> None:
    with pytest.raises(ValueError, match=r"^of 2 treatments, all would be hidden \(as assumed, fold \d\)"):
        require_measurable(pairs_of(1), MissingShares(pairs=0.5, diseases=0, drugs=0.5), num_folds=9, seed=0)


@given(st.integers(1, 60), st.sampled_from(UNITS), st.floats(0.001, 0.5), st.integers(1, 20))
def test_a_share_is_refused_if_and_only_if_all_masks_together_hide_nothing_by_it(
    num_diseases: int, unit: str, share: float, num_masks: int
) -> None:
    missing = MissingShares().model_copy(update={"pairs": 0.0, "diseases": 0.0, "drugs": 0.0, f"{unit}s": share})
    num_units = num_diseases if unit == "disease" else 2 * num_diseases
    if round(num_masks * share * num_units):
        require_something_hidden(pairs_of(num_diseases), missing, num_masks=num_masks)
    else:
        with pytest.raises(ValueError, match=f"^{unit}s of the setting missing is too small: .* raise it to .* or set"):
            require_something_hidden(pairs_of(num_diseases), missing, num_masks=num_masks)


# at the split

TINY = SplitConfig(kinds=["pair"], num_folds=2)


def test_a_share_that_hides_nothing_is_said_with_what_to_do() -> None:
    missing = MissingShares(diseases=0.002)
    said = r"^diseases of the setting missing is too small: 0.002 of 8 treated diseases hides none in 20 masks: raise"
    with pytest.raises(ValueError, match=said):
        split_for_learning(treated(8), TINY, classifier=ClassifierParams(missing=missing))


def test_what_the_sentence_advises_helps() -> None:
    for diseases in (0.0063, 0):
        missing = MissingShares(diseases=diseases)
        split_for_learning(treated(8), TINY, classifier=ClassifierParams(missing=missing))


def test_a_graph_too_small_for_the_whole_grid_is_evaluated_without_it_and_that_is_said(
    caplog: pytest.LogCaptureFixture,
) -> None:
    params = ClassifierParams(inner_folds=2)
    config = TINY.model_copy(update={"deployment_folds": 4})
    split, _ = split_for_learning(treated(3), config, classifier=params)
    assert split.num_deployment == 0
    assert split.left_out["deployment"].startswith("of 6 treatments, none would be hidden (")
    assert "the whole grid is left out of the evaluation: of 6 treatments" in caplog.text
    assert split_for_learning(treated(3), config).split.num_deployment == 4  # nothing is fitted in this run


def test_a_graph_that_is_large_enough_keeps_its_masks() -> None:
    split, _ = split_for_learning(treated(20, num_drugs=40), TINY, classifier=ClassifierParams())
    assert (split.num_deployment, "deployment" in split.left_out) == (2, False)
