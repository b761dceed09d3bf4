"""Results on held-out diseases that were taken out of the graph and brought back as new ones."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd

from hgt_repurposing.benchmark.tables import NEW_DISEASES_SCHEMA
from hgt_repurposing.metrics.uncertainty import BootstrapDifference, bootstrap_difference
from hgt_repurposing.table_schema import require_schema

NEW_DISEASES = "new_diseases.parquet"
FOLD, DISEASE, HELD_OUT, AS_NEW = "fold", "disease", "held_out", "as_new"
MIN_DISEASES = 2


@dataclass(frozen=True, eq=False)
class NewDiseases:
    """Rankings of the same diseases as held out, and as new."""

    table: pd.DataFrame
    """One row per disease: fold, disease (local index), and its average precision in both rankings, held_out and
    as_new."""
    num_without_links: int
    """Held-out diseases that cannot be brought back: the graph has nothing but treatments of them."""
    not_measured: Mapping[str, str]
    """Folds whose diseases could not be brought back, with the reason."""
    seed: int
    """Of the bootstrap."""

    def __post_init__(self) -> None:
        require_schema(self.table, NEW_DISEASES_SCHEMA, what="the table of new diseases")

    @property
    def difference(self) -> BootstrapDifference | None:
        """As new minus as held out, in mean average precision over diseases; None with fewer than two diseases."""
        if len(self.table) < MIN_DISEASES:
            return None
        as_new, held_out = (self.table[column].to_numpy(dtype=np.float64) for column in (AS_NEW, HELD_OUT))
        disease = self.table[DISEASE].to_numpy(dtype=np.int64)
        return bootstrap_difference(as_new, held_out, disease, generator=np.random.default_rng(self.seed))

    def mean(self, column: str) -> float:
        """Mean average precision of one of both rankings."""
        return float(self.table[column].mean())

    def to_parts(self) -> dict[str, Any]:
        """What `artifacts.py` writes; the inverse of `from_parts`. Any: one of its part shapes."""
        about = {
            "num_without_links": self.num_without_links,
            "not_measured": dict(self.not_measured),
            "seed": self.seed,
        }
        return {NEW_DISEASES: self.table, "new_diseases.csv": self.table, "new_diseases.json": about}

    @classmethod
    def from_parts(cls, parts: Mapping[str, Any]) -> Self | None:
        """Inverse of `to_parts`; None if they were not measured."""
        return cls(parts[NEW_DISEASES], **parts["new_diseases.json"]) if NEW_DISEASES in parts else None
