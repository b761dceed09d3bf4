"""Which baselines stand in the table of a graph: every rule that has something to go by, and their blend."""

from collections.abc import Mapping
from typing import NamedTuple

from hgt_repurposing.baselines.blend import logistic_regression
from hgt_repurposing.baselines.rules import RULES, Baseline, BaselineInputs, missing_for
from hgt_repurposing.graph.schema import FloatArray


class BaselineCatalogue(NamedTuple):
    """The baselines of one graph."""

    baselines: Mapping[str, Baseline]
    """By name, in the order of `BASELINES`."""
    left_out: Mapping[str, str]
    """Name of each baseline that the graph has nothing for, with the reason."""


def blend_of_baselines(inputs: BaselineInputs) -> FloatArray:
    """`logistic_regression` over every usable rule except chance. Shape [num_drugs, num_columns]."""
    usable = {name: rule for name, rule in RULES.items() if name != "random" and missing_for(name, inputs) is None}
    return logistic_regression(inputs, usable)


BASELINES: Mapping[str, Baseline] = {**RULES, "stacked baselines": blend_of_baselines}
"""Every baseline by the name it has in the tables. The random ones draw from one generator, so the order counts."""


def baselines_for(inputs: BaselineInputs) -> BaselineCatalogue:
    """The baselines that can be computed on this graph, and why the others cannot."""
    reasons = {name: missing_for(name, inputs) for name in BASELINES}
    return BaselineCatalogue(
        baselines={name: baseline for name, baseline in BASELINES.items() if reasons[name] is None},
        left_out={name: reason for name, reason in reasons.items() if reason is not None},
    )
