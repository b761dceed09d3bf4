"""Champion and challenger: is a new model worse, no worse or better than the one that people use now?

Both are compared on the same held-out treatments, with a paired bootstrap over diseases: the interval says whether
other diseases might turn the difference, not whether another seed of the training might. Every verdict comes from
`verdict_of`.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd
from pydantic import BaseModel, Field

from hgt_repurposing.benchmark.assumptions import AS_ASSUMED, ASSUMPTION
from hgt_repurposing.benchmark.grid_comparison import OF_POSITIVES
from hgt_repurposing.benchmark.protocol import FOLD, MODEL, REPEAT, SCORER, SPLIT
from hgt_repurposing.benchmark.results import AP, DISEASE, Evaluation, headline_of
from hgt_repurposing.benchmark.verdicts import MIN_DISEASES
from hgt_repurposing.graph.schema import FloatArray, IntArray
from hgt_repurposing.graph.split_kinds import HELD_OUT
from hgt_repurposing.metrics.registry import MACRO_AP, METRICS
from hgt_repurposing.metrics.uncertainty import BootstrapDifference, bootstrap_difference

Promote = Literal["if_not_worse", "if_better", "always", "never"]
Verdict = Literal["worse", "not worse", "better"]

WHOLE_GRID_IN_WORDS = "the whole grid"


class PromotionPolicy(BaseModel, frozen=True, extra="forbid", allow_inf_nan=False):
    """When a new release becomes the one that people read."""

    promote: Promote = Field(
        "if_not_worse",
        description="when a new release becomes the current one: if_not_worse or if_better than it on the same "
        "held-out treatments, always, or never (by hand)",
    )
    margin: float = Field(
        0.01, ge=0, le=1, description="loss in AUROC or average precision that still counts as not worse"
    )
    max_graph_loss: float = Field(
        0.2, ge=0, le=1, description="share of nodes, edges or indications that the graph may have lost"
    )
    max_decline: float = Field(
        0.03,
        ge=0,
        le=1,
        description="how far below the best of the releases it came from a new release may be, in AUROC or average "
        "precision: the sum of the differences between one release and the next",
    )
    max_list_change: float = Field(
        0.5, ge=0, le=1, description="share of new drugs among the ten best that a list may have, mean over diseases"
    )


class Difference(NamedTuple):
    """The challenger's value minus the champion's."""

    what: str
    """What was held out, in words."""
    metric: str
    before: float
    """The champion's value."""
    now: float
    """The challenger's value."""
    lower: float | None
    """Lower end of the 95 % interval over diseases; None: too few diseases, or not on the same treatments."""
    upper: float | None
    """Upper end of that interval."""
    num_diseases: int
    verdict: Verdict
    paired: bool = True
    """Whether both values are of the same held-out treatments."""

    @property
    def mean(self) -> float:
        """The difference itself."""
        return self.now - self.before

    def in_words(self) -> str:
        """All figures in one clause."""
        noise = (
            f"over {self.num_diseases} diseases, too few for an interval" if self.lower is None
            else f"95 % interval over {self.num_diseases} diseases {self.lower:+.3f} to {self.upper:+.3f}"
        )  # fmt: skip
        return (
            f"{self.verdict} on {self.what}: {METRICS[self.metric].title} {self.now:.3f} against {self.before:.3f}, "
            f"{self.mean:+.3f} ({noise})"
        )

    def to_json(self) -> dict[str, Any]:
        """Any: JSON values."""
        return {**self._asdict(), "difference": self.mean, "in_words": self.in_words()}


@dataclass(frozen=True, eq=False)
class Paired:
    """Values of champion and challenger for the same held-out treatments or diseases."""

    what: str
    metric: str
    before: FloatArray
    """Shape [num]."""
    now: FloatArray
    """Shape [num]."""
    disease: IntArray
    """Disease of each. Shape [num]."""
    weight: FloatArray
    """Shape [num]."""

    def difference(self, *, margin: float, seed: int) -> Difference:
        """With a bootstrap over diseases, if there are enough.

        Args:
            margin: As in `PromotionPolicy`.
            seed: Of the bootstrap.
        """
        before, now = (float(np.average(values, weights=self.weight)) for values in (self.before, self.now))
        num_diseases = len(np.unique(self.disease))
        found = _interval(self.now, self.before, self.disease, self.weight, seed=seed)
        lower, upper = (found.lower, found.upper) if found else (None, None)
        verdict = verdict_of(now - before, lower, upper, margin=margin)
        return Difference(self.what, self.metric, before, now, lower, upper, num_diseases, verdict)


def verdict_of(mean: float, lower: float | None, upper: float | None, *, margin: float = np.inf) -> Verdict:
    """Worse: by more than the margin, or by more than noise. Better: by more than noise.

    Args:
        mean: The difference; positive is better.
        lower: Lower end of its interval; None: not known.
        upper: Upper end.
        margin: As in `PromotionPolicy`; by default only noise counts.
    """
    if mean < -margin or (upper is not None and upper < 0 and mean < 0):
        return "worse"
    return "better" if lower is not None and lower > 0 and mean > 0 else "not worse"


def compare_evaluations(champion: Evaluation, challenger: Evaluation, *, margin: float) -> list[Difference]:
    """Both models on the whole grid and on held-out diseases, where they were measured on the same cells.

    Args:
        champion: Evaluated on the same graph and split.
        challenger: Its seed is that of the bootstrap.
        margin: As in `PromotionPolicy`.

    Returns:
        None of a protocol that one of the two lacks, or that hid other treatments.
    """
    pairs = [*_on_whole_grid(champion, challenger), *_on_headline_split(champion, challenger)]
    return [paired.difference(margin=margin, seed=challenger.seed) for paired in pairs]


def compare_on_own_graphs(champion: Evaluation, challenger: Evaluation) -> list[Difference]:
    """Each model on its own held-out treatments: only a difference beyond the noise of both counts.

    The interval of a difference of independent means, from their own intervals over diseases (Zou & Donner 2008).

    Args:
        champion: The older model.
        challenger: Its seed is that of the bootstrap.
    """
    olds, news = ({(own.what, own.metric): own for own in _own_values(found)} for found in (champion, challenger))
    pairs = [_unpaired(olds[key], news[key], seed=challenger.seed) for key in olds if key in news]
    return [found for found in pairs if found is not None]


class Own(NamedTuple):
    """Values of one model for held-out treatments or diseases."""

    what: str
    metric: str
    values: FloatArray
    """Shape [num]."""
    disease: IntArray
    """Disease of each. Shape [num]."""
    weight: FloatArray
    """Shape [num]."""

    def interval(self, *, seed: int) -> BootstrapDifference | None:
        """Bootstrap over diseases of the mean; None with too few of them."""
        return _interval(self.values, np.zeros(len(self.values)), self.disease, self.weight, seed=seed)


def _interval(
    now: FloatArray, before: FloatArray, disease: IntArray, weight: FloatArray, *, seed: int
) -> BootstrapDifference | None:
    """Bootstrap over diseases of the mean difference; None with too few of them. Shape [num] each."""
    if len(np.unique(disease)) < MIN_DISEASES:
        return None
    return bootstrap_difference(now, before, disease, generator=np.random.default_rng(seed), weight=weight)


def _unpaired(before: Own, now: Own, *, seed: int) -> Difference | None:
    """None with too few diseases: then nothing would ever be worse."""
    old, new = before.interval(seed=seed), now.interval(seed=seed)
    if old is None or new is None:
        return None
    was, value = (float(np.average(own.values, weights=own.weight)) for own in (before, now))
    mean = value - was
    lower = mean - math.hypot(new.mean - new.lower, old.upper - old.mean)
    upper = mean + math.hypot(new.upper - new.mean, old.mean - old.lower)
    num_diseases = min(len(np.unique(own.disease)) for own in (before, now))
    return Difference(
        now.what, now.metric, was, value, lower, upper, num_diseases, verdict_of(mean, lower, upper), paired=False
    )


def _own_values(evaluation: Evaluation) -> Iterator[Own]:
    if evaluation.whole_grid is not None:
        rows = _own(evaluation.whole_grid.positives, ASSUMPTION, AS_ASSUMED)
        for metric, column in OF_POSITIVES.items():
            known = rows.dropna(subset=column)
            if len(known):
                yield _values_of(WHOLE_GRID_IN_WORDS, metric, known, column, "weight")
    split = evaluation.headline_split
    rows = _own(evaluation.diseases, SPLIT, split)
    if len(rows):
        yield _values_of(_in_words(split), MACRO_AP.name, rows, AP)


def _values_of(what: str, metric: str, rows: pd.DataFrame, column: str, weight: str = "") -> Own:
    weights = rows[weight].to_numpy(dtype=np.float64) if weight else np.ones(len(rows))
    return Own(what, metric, rows[column].to_numpy(dtype=np.float64), rows[DISEASE].to_numpy(dtype=np.int64), weights)


def _on_whole_grid(champion: Evaluation, challenger: Evaluation) -> Iterator[Paired]:
    if champion.whole_grid is None or challenger.whole_grid is None:
        return
    before, now = (
        _own(grid.positives, ASSUMPTION, AS_ASSUMED) for grid in (champion.whole_grid, challenger.whole_grid)
    )
    both = _paired(before, now, [FOLD, DISEASE, "drug"])
    for metric, column in OF_POSITIVES.items():
        known = both.dropna(subset=[f"{column}_before", f"{column}_now"])
        if len(known):
            yield _side_by_side(WHOLE_GRID_IN_WORDS, metric, known, column, "weight_now")


def _on_headline_split(champion: Evaluation, challenger: Evaluation) -> Iterator[Paired]:
    common = set(champion.diseases[SPLIT]) & set(challenger.diseases[SPLIT])
    if not common:
        return
    split = headline_of(common)
    before, now = (_own(found.diseases, SPLIT, split) for found in (champion, challenger))
    both = _paired(before, now, [REPEAT, FOLD, DISEASE])
    if len(both):
        yield _side_by_side(_in_words(split), MACRO_AP.name, both, AP)


def _own(table: pd.DataFrame, column: str, value: str) -> pd.DataFrame:
    """The model's rows with this value."""
    return table[(table[SCORER] == MODEL) & (table[column] == value)]


def _paired(before: pd.DataFrame, now: pd.DataFrame, key: list[str]) -> pd.DataFrame:
    """Rows of both side by side; none if they are not of the same held-out treatments."""
    both = before.merge(now, on=key, suffixes=("_before", "_now"))
    return both if len(both) == len(before) == len(now) else both.iloc[:0]


def _side_by_side(what: str, metric: str, both: pd.DataFrame, column: str, weight: str = "") -> Paired:
    before, now = (_values_of(what, metric, both, f"{column}_{which}", weight) for which in ("before", "now"))
    return Paired(what, metric, before.values, now.values, now.disease, now.weight)


def _in_words(split: str) -> str:
    return HELD_OUT[split].title.lower()
