"""How far the probabilities and lists of an evaluation can be trusted: calibration and popularity bias.

A probability says how likely a pair is to be a missing treatment, in a grid from which treatments are missing as
assumed. So it is compared with what was hidden by that assumption, over the whole grid. A split kind evaluates only
diseases, or drugs, chosen for having treatments: there, more is found than expected even if every probability is right.
"""

import math
from collections.abc import Mapping
from typing import Literal, NamedTuple

import numpy as np

from hgt_repurposing.benchmark.assumptions import WHOLE_GRID
from hgt_repurposing.benchmark.protocol import MODEL, REPEAT, SCORER, SPLIT
from hgt_repurposing.benchmark.results import DISEASE, Evaluation
from hgt_repurposing.graph.settings import SETTINGS
from hgt_repurposing.graph.split_kinds import DEPLOYMENT
from hgt_repurposing.metrics.calibration import ObservedOverExpected, expected_calibration_error
from hgt_repurposing.metrics.registry import AUROC_DEGREE_MATCHED

MAX_CALIBRATION_ERROR = 0.02
MAX_FACTOR = 2.0
"""Observed / expected may be off by this factor either way."""
MIN_TREATMENTS = 30
"""Parts of the grid with fewer treatments, hidden and expected, say too little."""
MOST_PROBABLE = "most probable pairs"
"""The pairs of the top bin."""
MAX_SPEARMAN = 0.8
"""A ranking that follows degree more closely than this must show additional signal."""
CLOSE_SPEARMAN = 0.5
MIN_MATCHED_AUROC = 0.6
"""What shows it: separating treatments from equally well-known pairs; popularity alone scores 0.5 there."""
EVERYWHERE = 0.5
"""A drug listed for a larger share of the diseases than this is listed regardless of the disease."""
LIST_LENGTH = 10
"""Places of the lists in which drugs are counted."""

Misfit = Literal["overconfident", "underconfident"]


def misfit(found: ObservedOverExpected) -> Misfit | None:
    """Whether probabilities are off by more than `MAX_FACTOR` and more than noise, and which way."""
    if found.upper < 1 / MAX_FACTOR:
        return "overconfident"
    return "underconfident" if found.lower > MAX_FACTOR else None


class Calibration(NamedTuple):
    """Whether the probabilities match what was hidden as assumed, on the whole grid and over all folds."""

    whole: ObservedOverExpected
    """All pairs about which the graph says nothing, hidden treatments among them."""
    settings: Mapping[str, ObservedOverExpected]
    """By setting that has a pair."""
    top: ObservedOverExpected
    """The most probable pairs: those of the top bin."""
    top_pairs: float
    """Their number."""
    error: float
    """Expected calibration error over bins that are expected to hold equally many treatments."""

    @property
    def tested(self) -> dict[str, ObservedOverExpected]:
        """Parts that must be calibrated: the whole grid, and those with `MIN_TREATMENTS`, hidden or expected."""
        parts = {**self.settings, MOST_PROBABLE: self.top}
        enough = {name: part for name, part in parts.items() if max(part.observed, part.expected) >= MIN_TREATMENTS}
        return {WHOLE_GRID: self.whole, **enough}

    @property
    def off(self) -> dict[str, Misfit]:
        """Tested parts in which probabilities are off by more than the factor and more than noise."""
        return {name: found for name, part in self.tested.items() if (found := misfit(part))}

    @property
    def perhaps_noise(self) -> dict[str, ObservedOverExpected]:
        """Tested parts that are off by more than the factor, but whose interval is not."""
        return {
            name: part
            for name, part in self.tested.items()
            if not 1 / MAX_FACTOR <= part.ratio <= MAX_FACTOR and name not in self.off
        }

    @property
    def holds(self) -> bool:
        """Whether no tested part is off by more than noise, and the error is within its bound."""
        return self.error <= MAX_CALIBRATION_ERROR and not self.off

    @property
    def verdict(self) -> str:
        """In a few words, with the parts that are off."""
        where: dict[Misfit, list[str]] = {}
        for name, found in self.off.items():
            where.setdefault(found, []).append(name)
        if where:
            return " and ".join(f"{found} ({', '.join(names)})" for found, names in where.items())
        return "calibrated" if self.holds else "poorly calibrated on average"

    def in_words(self) -> str:
        """What a reader of a probability should know."""
        return " ".join([self._counts(), *self._doubts()])

    def _counts(self) -> str:
        by_setting = ", ".join(f"{name} {part.ratio:.2f}" for name, part in self.settings.items())
        return (
            f"On the whole grid, all folds together, {self.whole.expected:,.0f} pairs are expected to be hidden "
            f"treatments, and {self.whole.observed:,.0f} are: observed / expected {_with_interval(self.whole)}. By "
            f"setting: {by_setting}. Of the {self.top_pairs:,.0f} most probable pairs, {self.top.expected:,.0f} are "
            f"expected to be hidden treatments, and {self.top.observed:,.0f} are: {_with_interval(self.top)}. Over all "
            f"pairs, probabilities are off by {100 * self.error:.2f} percentage points on average (expected "
            f"calibration error {self.error:.4f})."
        )

    def _doubts(self) -> list[str]:
        """What else must be said of single parts."""
        noise = "; ".join(f"{name}, {_with_interval(part)}" for name, part in self.perhaps_noise.items())
        few = [name for name in (*self.settings, MOST_PROBABLE) if name not in self.tested]
        return [
            *([f"Off by more than a factor of {MAX_FACTOR:g}, which may be noise: {noise}."] if noise else []),
            *([f"Too few treatments to tell (fewer than {MIN_TREATMENTS}): {', '.join(few)}."] if few else []),
        ]


def _with_interval(part: ObservedOverExpected) -> str:
    return f"{part.ratio:.2f} (95 % interval {part.lower:.2f} to {part.upper:.2f})"


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


def calibration_of(evaluation: Evaluation) -> Calibration | None:
    """Calibration on the whole grid, treatments hidden by the model's own assumption; None if it was not measured."""
    grid = evaluation.whole_grid
    if grid is None:
        return None
    whole, bins = grid.calibration(), grid.values_by_bin()
    assert whole, "bins of equal expected numbers were made, so some are expected"
    expected, observed, num_cells = (
        bins[name].to_numpy(dtype=np.float64) for name in ("expected", "observed", "num_cells")
    )
    return Calibration(
        whole=whole,
        settings={setting: found for setting in SETTINGS if (found := grid.calibration(setting))},
        top=grid.calibration_of_most_probable(),
        top_pairs=float(num_cells[-1]),
        error=expected_calibration_error(expected, observed, num_cells),
    )


def why_not_measured(evaluation: Evaluation) -> str:
    """In words: why nothing is known of the calibration, and what to set."""
    reason = evaluation.not_measured.get(DEPLOYMENT.name)
    return "Probabilities were not compared with hidden treatments, as the whole grid was not measured: " + (
        reason
        or "set deployment_folds of drug_disease_split to 1 or more (where the message graph is that of one fold, "
        "the whole grid cannot be measured)"
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


def share_everywhere(num_drugs: int) -> float:
    """Share of lists above which a drug is everywhere: one half, or twice the share by chance; 1: too few to tell."""
    return max(EVERYWHERE, 2 * LIST_LENGTH / num_drugs)


def everywhere(evaluation: Evaluation, num_drugs: int) -> list[str]:
    """Drugs in a larger share of the lists of held-out diseases than that."""
    rows, most = evaluation.frequent, share_everywhere(num_drugs) * num_lists(evaluation)
    return [str(name) for name in rows.loc[(rows["kind"] == "drug") & (rows["num_lists"] > most), "name"]]
