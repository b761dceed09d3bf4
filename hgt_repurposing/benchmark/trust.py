"""How far the probabilities and lists of an evaluation can be trusted: calibration and popularity bias."""

import math
from typing import NamedTuple

import numpy as np

from hgt_repurposing.benchmark.protocol import REPEAT, SCORER, SPLIT
from hgt_repurposing.benchmark.results import DISEASE, MODEL, Evaluation
from hgt_repurposing.metrics.registry import AUROC_DEGREE_MATCHED

MAX_CALIBRATION_ERROR = 0.02
MAX_TOP_FACTOR = 2.0
"""Observed / expected of the most probable pairs may be off by this factor either way."""
MAX_SPEARMAN = 0.8
"""A ranking that follows degree more closely than this must show additional signal."""
CLOSE_SPEARMAN = 0.5
MIN_MATCHED_AUROC = 0.6
"""What shows it: separating treatments from equally well-known pairs; popularity alone scores 0.5 there."""
EVERYWHERE = 0.5
"""A drug listed for a larger share of the diseases than this is listed regardless of the disease."""


class Calibration(NamedTuple):
    """Whether the model's probabilities match observed shares of treatments, on one split kind."""

    error: float
    """Expected calibration error over bins of equal mass."""
    top_ratio: float
    """Observed hidden treatments in the top bin / those expected from its probabilities."""
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
        """In a few words."""
        if self.top_ratio < 1 / MAX_TOP_FACTOR:
            return "overconfident"
        if self.top_ratio > MAX_TOP_FACTOR:
            return "underconfident"
        return "calibrated" if self.holds else "poorly calibrated on average"

    def in_words(self) -> str:
        """What a reader of a probability should know."""
        return (
            f"Of the {self.top_pairs:,} most probable pairs, {self.top_expected:,.0f} are expected to be hidden "
            f"treatments, and {self.top_observed:,.0f} are: observed / expected {self.top_ratio:.2f}. Over all pairs, "
            f"probabilities are off by {100 * self.error:.2f} percentage points on average (expected calibration error "
            f"{self.error:.4f}); {self.prevalence:.2%} of the pairs are hidden treatments."
        )


class Popularity(NamedTuple):
    """How far the lists of one split kind follow drug popularity."""

    spearman: float
    """Of a drug's mean score with its number of known uses; NaN if either is the same for all drugs."""
    matched_auroc: float
    """AUROC among equally well-known pairs."""
    entropy: float
    """Of the drugs in top-10 lists: 0 if it is always one drug, 1 if all are equally frequent."""
    overlap: float
    """Share of the top 10 that two repeats have in common; NaN with one repeat."""

    @property
    def holds(self) -> bool:
        """Whether the ranking is more than popularity.

        A correlation alone is not a defect: known uses are what the model predicts, and an oracle's mean score has rank
        correlation 1 with their number. It is one if no signal is left among pairs of equal popularity.
        """
        return not (abs(self.spearman) > MAX_SPEARMAN and self.matched_auroc <= MIN_MATCHED_AUROC)

    @property
    def verdict(self) -> str:
        """In a few words."""
        if not self.holds:
            return "popularity in disguise" if self.spearman > 0 else "inverted popularity"
        return "more than popularity" if abs(self.spearman) > CLOSE_SPEARMAN else "not popularity"

    def in_words(self) -> str:
        """What a reader of a list should know."""
        if math.isnan(self.spearman):
            return "All drugs have the same number of known uses or the same mean score: popularity cannot be assessed."
        if math.isnan(self.matched_auroc):
            return "No pairs are equally well known, so popularity cannot be separated from other signal here."
        follows = (
            "a strong correlation" if abs(self.spearman) > MAX_SPEARMAN
            else "a head start for well-known drugs" if abs(self.spearman) > CLOSE_SPEARMAN
            else "a weak correlation"
        )  # fmt: skip
        return (
            "The Spearman correlation between a drug's mean score and its number of known uses is "
            f"{self.spearman:+.2f}: {follows}. Known uses are what is predicted, so a good model is correlated too; "
            "what separates it from popularity is the AUROC among equally well-known pairs: 0.5 for popularity, "
            f"{self.matched_auroc:.2f} for the model."
        )


def calibration_of(evaluation: Evaluation, split: str) -> Calibration | None:
    """Calibration on a split kind; None if it has no probabilities, as external pairs."""
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
    """Popularity on a split kind; None if it has no lists, as external pairs."""
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
    """Number of top-10 lists in which the most frequent drugs were counted: the test diseases of one repeat."""
    rows = evaluation.diseases
    first = (rows[SPLIT] == evaluation.headline_split) & (rows[SCORER] == MODEL) & (rows[REPEAT] == 0)
    return int(rows.loc[first, DISEASE].nunique())
