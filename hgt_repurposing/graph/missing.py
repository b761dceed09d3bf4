"""Which treatments a graph is assumed to miss: single ones, all of a disease, all uses of a drug.

A graph never says which of its blank cells are treatments that nobody has recorded. The assumption is stated here once:
learning hides treatments by it, calibration reads prevalences from it, and the evaluation by deployment tests with it.
"""

from collections.abc import Mapping
from typing import Self

import numpy as np
from pydantic import BaseModel, Field, model_validator

from hgt_repurposing.graph.schema import BoolArray, IntArray
from hgt_repurposing.graph.split_kinds import UNITS, Hiding, Unit

MIN_SHARE = 0.01
LARGEST_GROUP = 0.3
"""Largest share of the treated diseases that a group may have to be hidden together, if no larger share is missing."""


class MissingShares(BaseModel, frozen=True, extra="forbid", allow_inf_nan=False):
    """Shares of the treatments that a graph is assumed to miss; the three overlap at random."""

    pairs: float = Field(0.1, ge=0, le=0.5, description="share of the treatments that are missing one by one")
    diseases: float = Field(
        0.1, ge=0, le=0.5, description="share of the treatable diseases that miss all their treatments"
    )
    drugs: float = Field(0.1, ge=0, le=0.5, description="share of the treating drugs that miss all their uses")

    @model_validator(mode="after")
    def _something_is_missing(self) -> Self:
        if max(self.by_unit.values()) < MIN_SHARE:
            raise ValueError(
                f"at least one share must be {MIN_SHARE} or more: without missing treatments there is "
                "nothing to look for"
            )
        return self

    @classmethod
    def only(cls, unit: Unit, share: float) -> Self:
        """Nothing is missing but this share of the pairs, of the diseases or of the drugs."""
        return cls(**{f"{other}s": share if other == unit else 0.0 for other in UNITS})

    @property
    def by_unit(self) -> dict[Unit, float]:
        """Share by unit of `split_kinds.UNITS`."""
        return {"pair": self.pairs, "disease": self.diseases, "drug": self.drugs}

    def shares_in_words(self) -> str:
        """The three shares, for a table."""
        pairs, diseases, drugs = map(_percent, (self.pairs, self.diseases, self.drugs))
        return f"{pairs} of treatments, {diseases} of diseases, {drugs} of drugs"

    def in_words(self) -> str:
        """As a sentence for readers of a probability."""
        pairs, diseases, drugs = map(_percent, (self.pairs, self.diseases, self.drugs))
        return (
            f"It is assumed that the graph misses {pairs} of the treatments one by one, all treatments of {diseases} "
            f"of the treatable diseases, and all uses of {drugs} of the drugs that treat something."
        )


def _percent(share: float) -> str:
    return f"{100 * share:.3g}%"


def require_something_hidden(pairs: IntArray, missing: MissingShares, *, num_masks: int) -> None:
    """Reject a share so small that all masks together hide nothing by it: nothing could be learned of its pairs.

    Args:
        pairs: Visible treatments. Shape [2, num_pairs].
        missing: What each mask hides of them.
        num_masks: Number of masks.

    Raises:
        ValueError: If there is such a share; 0 is none.
    """
    for unit, share in missing.by_unit.items():
        hiding = Hiding(unit)
        num_units = len(np.unique(hiding.whole(pairs)))
        if share and not round(num_masks * share * num_units):
            raise ValueError(
                f"{unit}s of the setting missing is too small: {share:g} of {num_units} {hiding.in_words} hides none "
                f"in {num_masks} masks: raise it to {1 / (num_masks * num_units):.2g} or more, or set it to 0"
            )


def draw_masks(
    pairs: IntArray,
    missing: MissingShares,
    *,
    num_masks: int,
    generator: np.random.Generator,
    groups: Mapping[Unit, IntArray] | None = None,
) -> list[BoolArray]:
    """Draw what is hidden, several times: in each mask the assumed shares of pairs, of diseases and of drugs.

    Units are hidden in a random order, each as often as any other before one is hidden again; with `num_masks` =
    1 / share, every unit is hidden exactly once.

    Args:
        pairs: Visible treatments. Shape [2, num_pairs].
        missing: What is hidden of them in each mask.
        num_masks: Number of masks.
        generator: Source of randomness.
        groups: Group index of each disease, or of each drug, whose members are hidden together; None: each by itself.
            The members of a group that would leave too little to see are hidden one by one (`LARGEST_GROUP`).

    Returns:
        True for hidden pairs, by mask. Shape [num_pairs] each.
    """
    hidden = [np.zeros(pairs.shape[1], dtype=np.bool_) for _ in range(num_masks)]
    for unit in UNITS:
        group = (groups or {}).get(unit)
        largest = max(missing.by_unit[unit], LARGEST_GROUP)
        distinct, member = np.unique(_units(pairs, unit, group, largest), return_inverse=True)
        per_mask = missing.by_unit[unit] * len(distinct)
        rounds = int(np.ceil(num_masks * missing.by_unit[unit])) + 1
        order = np.concatenate([generator.permutation(len(distinct)) for _ in range(rounds)])
        for number in range(num_masks):
            hidden[number] |= np.isin(member, order[round(number * per_mask) : round((number + 1) * per_mask)])
    return hidden


def _units(pairs: IntArray, unit: Unit, group: IntArray | None, largest: float) -> IntArray:
    """Unit of each pair, where a group with more than this share of the members is none. Shape [num_pairs]."""
    alone = Hiding(unit).whole(pairs)
    if group is None:
        return alone
    together = Hiding(unit, group).whole(pairs)
    members = np.unique(np.stack([together, alone]), axis=1)
    too_large = np.bincount(members[0])[together] > largest * members.shape[1]
    return np.asarray(np.where(too_large, 1 + together.max(initial=0) + alone, together), dtype=np.int64)
