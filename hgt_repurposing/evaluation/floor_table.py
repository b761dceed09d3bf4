"""Which floors stand in the table of a graph: every rule that has something to go by, and their blend."""

from collections.abc import Mapping
from typing import NamedTuple

from hgt_repurposing.evaluation.blended_floor import logistic_regression
from hgt_repurposing.evaluation.floors import RULES, Floor, FloorInputs, missing_for
from hgt_repurposing.graph.schema import FloatArray


class FloorTable(NamedTuple):
    """The floors of one graph."""

    floors: Mapping[str, Floor]
    """By name, in the order of `FLOORS`."""
    left_out: Mapping[str, str]
    """Name of each floor that the graph has nothing for, with the reason."""


def blend_of_floors(inputs: FloorInputs) -> FloatArray:
    """`logistic_regression` over every usable rule except chance. Shape [num_drugs, num_columns]."""
    usable = {name: rule for name, rule in RULES.items() if name != "random" and missing_for(name, inputs) is None}
    return logistic_regression(inputs, usable)


FLOORS: Mapping[str, Floor] = {**RULES, "logistic regression over floors": blend_of_floors}
"""Every floor by the name it has in the tables. The random ones draw from one generator, so the order counts."""


def floors_for(inputs: FloorInputs) -> FloorTable:
    """The floors that can be computed on this graph, and why the others cannot."""
    reasons = {name: missing_for(name, inputs) for name in FLOORS}
    return FloorTable(
        floors={name: floor for name, floor in FLOORS.items() if reasons[name] is None},
        left_out={name: reason for name, reason in reasons.items() if reason is not None},
    )
