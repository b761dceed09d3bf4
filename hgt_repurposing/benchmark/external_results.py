"""Results on pairs from outside the graph: one set per file and all together, over the whole grid and by setting."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import pandas as pd

from hgt_repurposing.benchmark.grid_comparison import GridComparison
from hgt_repurposing.benchmark.tables import EXTERNAL_SCHEMAS
from hgt_repurposing.graph.split_kinds import EXTERNAL
from hgt_repurposing.table_schema import require_schema

FILE = "file"
"""Column of the name of a set."""
AUROC_OF_NEGATIVES = "auroc_against_known_negatives"
"""Column: share of the pairs of a treatment and a known negative of a file in which the treatment scores higher."""


@dataclass(frozen=True, eq=False)
class ExternalResults:
    """The final model and every baseline on pairs from outside the graph.

    Nothing is said of probabilities: how many treatments a file lists depends on who wrote it, not on how many the
    graph misses, so that observed over expected would measure the file.
    """

    files: pd.DataFrame
    """One row per file, in the order given, then `POOLED`: file, num_positives, num_negatives and num_negatives_seen,
    those from which the model has learned as known negatives of the graph."""
    scorers: pd.DataFrame
    """One row per file with treatments, scorer and setting (or the whole grid): auroc, average_precision, num_cells,
    num_positives; of the whole grid macro_ap, macro_ap_by_drug, found_at_n and auroc_against_known_negatives."""
    positives: pd.DataFrame
    """One row per file, scorer and treatment: drug, disease, setting, weight, placement and precision in the whole grid
    and, with the suffix _in_setting, in its setting."""
    left_out: Mapping[str, str]
    """Baselines that cannot be computed on the graph, with the reason."""
    seed: int
    """Seed of the bootstrap."""

    def __post_init__(self) -> None:
        for name, schema in EXTERNAL_SCHEMAS.items():
            require_schema(getattr(self, name), schema, what=f"the table {name!r} of external pairs")

    @property
    def measured(self) -> list[str]:
        """Files with treatments, in order, and `POOLED`."""
        return list(self.files.loc[self.files["num_positives"] > 0, FILE])

    def of(self, file: str) -> GridComparison:
        """Model and baselines on the treatments of one file, or of all."""
        if file not in self._comparisons:
            scorers, positives = (
                table[table[FILE] == file].drop(columns=FILE) for table in (self.scorers, self.positives)
            )
            self._comparisons[file] = GridComparison(scorers, positives, EXTERNAL.name, self.left_out, self.seed)
        return self._comparisons[file]

    @cached_property
    def _comparisons(self) -> dict[str, GridComparison]:
        """Cache by file: each keeps its leads."""
        return {}

    def to_parts(self) -> dict[str, Any]:
        """What `artifacts.py` writes; the inverse of `from_parts`. Any: one of its part shapes."""
        return {
            "external.parquet": self.scorers,
            "external.csv": self.scorers,
            "external_positives.parquet": self.positives,
            "external_files.parquet": self.files,
            "external.json": {"left_out": dict(self.left_out), "seed": self.seed},
        }

    @classmethod
    def from_parts(cls, parts: Mapping[str, Any]) -> Self | None:
        """Inverse of `to_parts`; None if there were no external pairs."""
        if "external.json" not in parts:
            return None
        files, scorers, positives = (parts[f"external{name}.parquet"] for name in ("_files", "", "_positives"))
        return cls(files, scorers, positives, **parts["external.json"])
