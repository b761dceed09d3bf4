"""What was decided about a release, and why."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import pandas as pd

from hgt_repurposing.repurposing.list_changes import no_changes


@dataclass(frozen=True)
class Decision:
    """Whether a release became the current one when it was made, and why."""

    promoted: bool
    reason: str
    """One sentence."""
    against: str | None = None
    """Id of the release that was current before; None: there was none."""
    objections: tuple[str, ...] = ()
    """What speaks against it, one clause each."""
    comparisons: tuple[Mapping[str, Any], ...] = ()
    """Differences to that release: `Difference.to_json`. Any: JSON values."""
    notes: tuple[str, ...] = ()
    """What to know about the comparison, one sentence each."""
    list_changes: pd.DataFrame = field(default_factory=no_changes, compare=False)
    """Drugs that entered, left or moved in the top lists: `ListChanges.table`."""

    def to_json(self) -> dict[str, Any]:
        """Without the table. Any: JSON values."""
        return {name: value for name, value in vars(self).items() if name != "list_changes"}

    @classmethod
    def from_json(cls, entry: Mapping[str, Any], changes: pd.DataFrame | None = None) -> Self:
        """Inverse of `to_json`; entries of later formats are left out. Any: JSON values."""
        lists = {name: tuple(entry.get(name, ())) for name in ("objections", "comparisons", "notes")}
        table = no_changes() if changes is None else changes
        return cls(entry["promoted"], entry["reason"], entry["against"], list_changes=table, **lists)

    def to_parts(self) -> dict[str, Any]:
        """What `artifacts.py` writes; the inverse of `from_parts`. Any: one of its part shapes."""
        return {
            "release_decision.json": self.to_json(),
            "list_changes.csv": self.list_changes,
            "list_changes.parquet": self.list_changes,
        }

    @classmethod
    def from_parts(cls, parts: Mapping[str, Any]) -> Self:
        """Inverse of `to_parts`."""
        return cls.from_json(parts["release_decision.json"], parts["list_changes.parquet"])
