"""Every baseline there is, and which of them a graph has something for."""

from collections.abc import Mapping
from typing import NamedTuple

from hgt_repurposing.baselines.baseline import Baseline, BaselineInputs
from hgt_repurposing.baselines.rules import RULES
from hgt_repurposing.by_path import by_path
from hgt_repurposing.graph.schema import FloatArray


def stacked(inputs: BaselineInputs) -> FloatArray:
    """Logistic regression over every rule that the graph has something for. Shape [num_drugs, num_columns]."""
    rules = [rule for rule in RULES if rule.is_stacked and not rule.missing(inputs)]
    scores: FloatArray = by_path("baselines.stacking:logistic_regression")(inputs, rules)
    return scores


STACKED = Baseline(
    "stacked baselines",
    "the other baselines weighed against each other on treatments masked for that purpose; the one baseline that "
    "learns",
    stacked,
)
BASELINES: Mapping[str, Baseline] = {baseline.name: baseline for baseline in (*RULES, STACKED)}
"""Every baseline by its name, in the order of the tables."""


class UsableBaselines(NamedTuple):
    """The baselines of one graph."""

    usable: tuple[Baseline, ...]
    """In the order of the tables."""
    missing: Mapping[str, str]
    """Name of each baseline that the graph has nothing for, with the reason."""


def baselines_for(inputs: BaselineInputs) -> UsableBaselines:
    """The baselines that can be computed on this graph, and why the others cannot."""
    reasons = {name: baseline.missing(inputs) for name, baseline in BASELINES.items()}
    return UsableBaselines(
        tuple(baseline for name, baseline in BASELINES.items() if reasons[name] is None),
        {name: reason for name, reason in reasons.items() if reason is not None},
    )
