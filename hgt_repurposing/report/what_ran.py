"""What ran: which graph, when, with which seeds, versions and settings, and what each step took."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from hgt_repurposing.benchmark.decision import Decision
from hgt_repurposing.storage.step_cost import StepCost

GRAPH = "knowledge_graph"
SEED = "seed"


class RanStep(NamedTuple):
    """A step whose result the report is about."""

    name: str
    """Of its artefact."""
    digest: str
    config: Mapping[str, Any]
    """Resolved configuration. Any: JSON values."""
    package_version: str
    """Of this package, when it was made."""
    cost: StepCost | None = None
    """None: not recorded."""

    @property
    def settings(self) -> str:
        """The configuration as text; empty without any."""
        return json.dumps(dict(self.config), sort_keys=True) if self.config else ""


class Origin(NamedTuple):
    """Where the results of a report come from, and what became of them."""

    steps: Sequence[RanStep]
    """In the order of the artefacts."""
    decision: Decision | None = None
    """Whether they are to be the current release; None: not decided."""
    written_at: str = ""
    """When the report was written; ISO 8601, UTC."""
    software: Mapping[str, str] = {}
    """Versions of this package and of libraries, when the report was written."""
    run_id: str = ""
    """Of the run that wrote it."""


class WhatRan(NamedTuple):
    """The section."""

    graph: str
    """Source of the graph, in words; empty if it is not known."""
    seeds: list[tuple[str, str]]
    """Seed, and the steps that have it."""
    seconds: float | None
    """Of all steps for which it was recorded; None: of none."""
    peak_gb: float | None
    """The highest of these; None: of none."""
    num_unrecorded: int
    """Steps without a record of their cost."""
    first_made: str
    """When the first result was made; empty if it was not recorded."""
    last_made: str


def what_ran(origin: Origin) -> WhatRan:
    """The values that are not those of single steps."""
    costs = [step.cost for step in origin.steps if step.cost]
    times = sorted(cost.made_at for cost in costs)
    return WhatRan(
        graph=next((_source(step.config) for step in origin.steps if step.name == GRAPH), ""),
        seeds=_seeds(origin.steps),
        seconds=sum(cost.seconds for cost in costs) if costs else None,
        peak_gb=max((cost.peak_gb for cost in costs), default=None),
        num_unrecorded=len(origin.steps) - len(costs),
        first_made=times[0] if times else "",
        last_made=times[-1] if times else "",
    )


def duration(seconds: float) -> str:
    """A wall time with the unit it deserves."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def moment(iso: str) -> str:
    """A time in UTC as people write it."""
    return iso[:16].replace("T", " ") + " UTC" if iso else ""


def _source(config: Mapping[str, Any]) -> str:
    """Any: JSON values."""
    source = str(config.get("source", ""))
    if source == "synthetic":
        return f"generated (preset {config.get('preset', '')})"
    return f"{source}, read from {config['path']}" if config.get("path") else source


def _seeds(steps: Sequence[RanStep]) -> list[tuple[str, str]]:
    found: dict[str, list[str]] = {}
    for step in steps:
        for seed in _seeds_in(step.config):
            found.setdefault(seed, []).append(step.name)
    return [(seed, ", ".join(names)) for seed, names in found.items()]


def _seeds_in(config: Mapping[str, Any]) -> Iterator[str]:
    """Any: JSON values."""
    for name, value in config.items():
        if isinstance(value, Mapping):
            yield from _seeds_in(value)
        elif name == SEED and value is not None:
            yield str(value)
