"""Under which assumptions the whole grid is tested, and what is hidden under each; loads nothing that fits models."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from hgt_repurposing.graph.missing import MissingShares, draw_masks
from hgt_repurposing.graph.schema import BoolArray, IntArray

ASSUMPTION, SETTING, WHOLE_GRID = "assumption", "setting", "whole grid"
AS_ASSUMED = "as assumed"
OTHER_ASSUMPTIONS: Mapping[str, MissingShares] = {
    "mostly one by one": MissingShares(pairs=0.2, diseases=0.05, drugs=0.05),
    "mostly whole diseases and drugs": MissingShares(pairs=0.05, diseases=0.2, drugs=0.2),
}
"""What else could be missing: the model still assumes what it was told, and is tested with these."""
DEPLOYMENT_STREAM = 4
"""Part of the seed, unlike that of any split kind."""
LIST_LENGTHS = (50, 100, 500, 1000)
"""Lengths of the lists of the most probable pairs in which treatments are counted."""
MAX_OTHER_MASKS = 2
"""Of each other assumption: they show how sensitive the figures are, which does not need a small error."""


class DeploymentTables(NamedTuple):
    """Rows of the tables of an evaluation, fold by fold. Any: names and numbers."""

    scorers: list[dict[str, Any]]
    """One per assumption, fold, scorer and setting."""
    positives: list[pd.DataFrame]
    """Where every positive stands, by assumption, fold and scorer."""
    bins: list[dict[str, Any]]
    """Expected and observed treatments in bins of the model's probability, by assumption and fold."""


class AssumedMasks(NamedTuple):
    """Masks of one assumption."""

    assumption: str
    hidden: list[BoolArray]
    """True for hidden treatments, by fold. Shape [num_pairs] each."""
    generator: np.random.Generator
    """Of everything else that is drawn for these folds."""


def assumed_masks(pairs: IntArray, missing: MissingShares, *, num_folds: int, seed: int) -> Iterator[AssumedMasks]:
    """Masks drawn from the model's assumption, and fewer from each other assumption.

    Half as many, rounded down, and at most `MAX_OTHER_MASKS`.

    Args:
        pairs: All treatments. Shape [2, num_pairs].
        missing: The model's assumption.
        num_folds: Masks from it.
        seed: Of the masks.
    """
    for number, (name, shares) in enumerate({AS_ASSUMED: missing, **OTHER_ASSUMPTIONS}.items()):
        generator = np.random.default_rng([seed, DEPLOYMENT_STREAM, number])
        wanted = num_folds if name == AS_ASSUMED else min(num_folds // 2, MAX_OTHER_MASKS)
        yield AssumedMasks(name, draw_masks(pairs, shares, num_masks=wanted, generator=generator), generator)


def require_measurable(pairs: IntArray, missing: MissingShares, *, num_folds: int, seed: int) -> None:
    """Reject treatments so few that a mask hides none of them, or all; arguments as in `assumed_masks`.

    Raises:
        ValueError: If there is such a mask.
    """
    for assumption, masks, _ in assumed_masks(pairs, missing, num_folds=num_folds, seed=seed):
        for fold, hidden in enumerate(masks):
            if hidden.all() or not hidden.any():
                raise ValueError(
                    f"of {pairs.shape[1]} treatments, {'all' if hidden.all() else 'none'} would be hidden "
                    f"({assumption}, fold {fold}): too few for the whole grid to be tested with"
                )
