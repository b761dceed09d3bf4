"""When a step made an artefact, and what that took: a part beside the others that the digest does not cover.

Artefacts of checkouts before this part existed have none: what they took is not known.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple, Self

from hgt_repurposing.storage.manifest import MEASURED


class StepCost(NamedTuple):
    """What it took to make an artefact."""

    made_at: str
    """When it was written; ISO 8601, UTC."""
    seconds: float
    """Wall time from the step's first input to its result."""
    peak_gb: float
    """Highest memory use of the step's process until then, GiB; of the run's if all steps share one process."""

    @classmethod
    def at(cls, now: datetime, *, seconds: float, peak_gb: float) -> Self:
        """Of an artefact that is made now."""
        return cls(now.astimezone(UTC).isoformat(timespec="seconds"), round(seconds, 1), round(peak_gb, 2))

    @classmethod
    def from_json(cls, entry: Mapping[str, Any]) -> Self:
        """From `_asdict`. Any: JSON values."""
        return cls(str(entry["made_at"]), float(entry["seconds"]), float(entry["peak_gb"]))


def cost_part(name: str) -> str:
    """Name of the part of an artefact that says what it took."""
    return f"{name}.{MEASURED}.json"
