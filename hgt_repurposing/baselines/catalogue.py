"""All baselines, and which of them can be computed on a graph."""

from collections.abc import Mapping
from typing import NamedTuple

from hgt_repurposing.baselines.baseline import Baseline, BaselineInputs, ColumnScores
from hgt_repurposing.baselines.rules import RULES
from hgt_repurposing.by_path import by_path


def stacked(inputs: BaselineInputs) -> ColumnScores:
    """Logistic regression over every rule that can be computed on the graph; on the whole grid, one per setting."""
    rules = [rule for rule in RULES if rule.is_stacked and not rule.missing(inputs)]
    scores: ColumnScores
    if inputs.missing is None:
        scores = by_path("baselines.stacking:logistic_regression")(inputs, rules)
    else:
        scores = by_path("baselines.stacking_by_setting:logistic_regression_by_setting")(inputs, rules, inputs.missing)
    return scores


STACKED = Baseline(
    "stacked baselines",
    "the other baselines combined by a logistic regression fitted on masked treatments; the only baseline that learns",
    stacked,
)
BASELINES: Mapping[str, Baseline] = {baseline.name: baseline for baseline in (*RULES, STACKED)}
"""Every baseline by name, in table order."""


class UsableBaselines(NamedTuple):
    """The baselines of one graph: those that can be computed, and those that cannot."""

    usable: tuple[Baseline, ...]
    """In table order."""
    missing: Mapping[str, str]
    """Names of those that cannot be computed on the graph, with the reason."""


def baselines_for(inputs: BaselineInputs) -> UsableBaselines:
    """The baselines that can be computed on this graph, and why the others cannot."""
    reasons = {name: baseline.missing(inputs) for name, baseline in BASELINES.items()}
    return UsableBaselines(
        tuple(baseline for name, baseline in BASELINES.items() if reasons[name] is None),
        {name: reason for name, reason in reasons.items() if reason is not None},
    )
