"""What probabilities and lists of an evaluation amount to: whether they are calibrated, or popularity in disguise."""

import math
from typing import NamedTuple

import numpy as np

from hgt_repurposing.benchmark.protocol import REPEAT, SCORER, SPLIT
from hgt_repurposing.benchmark.results import DISEASE, MODEL, Evaluation
from hgt_repurposing.metrics.registry import AUROC_DEGREE_MATCHED

MAX_CALIBRATION_ERROR = 0.02
MAX_TOP_FACTOR = 2.0
"""Observed over expected of the most probable pairs may be off by so much, either way."""
MAX_SPEARMAN = 0.8
"""A ranking that follows degree more closely than this must show that it knows something else as well."""
CLOSE_SPEARMAN = 0.5
MIN_MATCHED_AUROC = 0.6
"""What shows it: telling treatments from pairs that are as well known; popularity is worth 0.5 there."""
EVERYWHERE = 0.5
"""A drug in the lists of a larger share of the diseases than this is there for its own sake."""


class Calibration(NamedTuple):
    """Whether a probability of the model is the share of pairs that turn out to be true, on one way of splitting."""

    error: float
    """Expected calibration error over bins of equal mass."""
    top_ratio: float
    """Hidden treatments among the pairs of the top bin, over those that its probabilities promise."""
    top_pairs: int
    """Pairs in the top bin."""
    top_expected: float
    top_observed: float
    prevalence: float
    """Share of all pairs that are hidden treatments."""

    @property
    def holds(self) -> bool:
        """Whether both figures are within their bounds."""
        within = 1 / MAX_TOP_FACTOR <= self.top_ratio <= MAX_TOP_FACTOR
        return self.error <= MAX_CALIBRATION_ERROR and within

    @property
    def verdict(self) -> str:
        """In three words or so."""
        if self.top_ratio < 1 / MAX_TOP_FACTOR:
            return "promises too much"
        if self.top_ratio > MAX_TOP_FACTOR:
            return "promises too little"
        return "calibrated" if self.holds else "off on average"

    def in_words(self) -> str:
        """What a reader of a probability should know."""
        return (
            f"Of the {self.top_pairs:,} most probable pairs {self.top_expected:,.0f} should be hidden treatments if "
            f"the probabilities are right, and {self.top_observed:,.0f} are: observed / expected "
            f"{self.top_ratio:.2f}. Over all pairs a probability is off by {100 * self.error:.2f} percentage points "
            f"on average (expected calibration error {self.error:.4f}), where {self.prevalence:.2%} of the pairs are "
            "hidden treatments."
        )


class Popularity(NamedTuple):
    """How far the lists of one way of splitting follow from the drugs alone."""

    spearman: float
    """Of a drug's mean score with its number of known uses; NaN where either is the same for all."""
    matched_auroc: float
    """AUROC among pairs that are equally well known."""
    entropy: float
    """Of the drugs in the first ten places: 0 if one drug has them all, 1 if all are equally frequent."""
    overlap: float
    """Share of the ten best that two shuffles have in common; NaN with one shuffle."""

    @property
    def holds(self) -> bool:
        """Whether the ranking is more than popularity.

        A correlation alone is no fault: known uses are what the model predicts, and an oracle's mean score has rank
        correlation 1 with their number. It is one where nothing is left among pairs of equal popularity.
        """
        return not (abs(self.spearman) > MAX_SPEARMAN and self.matched_auroc <= MIN_MATCHED_AUROC)

    @property
    def verdict(self) -> str:
        """In a few words."""
        if not self.holds:
            return "popularity in disguise" if self.spearman > 0 else "popularity turned round"
        return "more than popularity" if abs(self.spearman) > CLOSE_SPEARMAN else "not popularity"

    def in_words(self) -> str:
        """What a reader of a list should know."""
        if math.isnan(self.spearman):
            return "All drugs have one number of known uses, or one mean score: there is no popularity to follow."
        if math.isnan(self.matched_auroc):
            return "No two pairs are equally well known, so nothing tells popularity from knowledge here."
        follows = (
            "that is close" if abs(self.spearman) > MAX_SPEARMAN
            else "that is a head start for well-known drugs" if abs(self.spearman) > CLOSE_SPEARMAN
            else "that is not much"
        )  # fmt: skip
        return (
            f"The mean score of a drug and its number of known uses correlate with {self.spearman:+.2f} (Spearman): "
            f"{follows}. Known uses are what is predicted, so a good model correlates as well; what tells them "
            "apart is the AUROC among pairs that are equally well known. Popularity has 0.5 there, the model "
            f"{self.matched_auroc:.2f}."
        )


def calibration_of(evaluation: Evaluation, split: str) -> Calibration | None:
    """Of the probabilities; None for a way of splitting without any, as for external pairs."""
    bins = evaluation.calibration[evaluation.calibration[SPLIT] == split].sort_values("bin")
    if bins.empty:
        return None
    trust = evaluation.trust[evaluation.trust[SPLIT] == split].iloc[0]
    top = bins.iloc[-1]
    return Calibration(
        error=float(trust["expected_calibration_error"]),
        top_ratio=float(trust["top_bin_observed_over_expected"]),
        top_pairs=int(top["num_pairs"]),
        top_expected=float(top["predicted"] * top["num_pairs"]),
        top_observed=float(top["observed"] * top["num_pairs"]),
        prevalence=float(np.average(bins["observed"], weights=bins["num_pairs"])),
    )


def popularity_of(evaluation: Evaluation, split: str) -> Popularity | None:
    """Of the lists; None for a way of splitting without any, as for external pairs."""
    trust = evaluation.trust[evaluation.trust[SPLIT] == split]
    if trust.empty:
        return None
    row = trust.iloc[0]
    return Popularity(
        spearman=float(row["spearman_with_degree"]),
        matched_auroc=evaluation.mean(split, MODEL, AUROC_DEGREE_MATCHED.name),
        entropy=float(row["drug_entropy"]),
        overlap=float(row["top_10_overlap"]),
    )


def num_lists(evaluation: Evaluation) -> int:
    """Lists of ten drugs that the most frequent ones were counted in: the test diseases of one shuffle."""
    rows = evaluation.diseases
    first = (rows[SPLIT] == evaluation.headline_split) & (rows[SCORER] == MODEL) & (rows[REPEAT] == 0)
    return int(rows.loc[first, DISEASE].nunique())
