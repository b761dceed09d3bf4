"""The candidate list: the best drugs for every disease, with what is already known about each pair."""

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Self

import pandas as pd
from pandera.pandas import Check, Column, DataFrameSchema

from hgt_repurposing.graph.evidence import EVIDENCE
from hgt_repurposing.table_schema import require_schema, text

STATUS = ("new", "other", "off-label", "not indicated", "contraindication", "indication")
"""What is known about a pair (`other`: an undeclared relation); later ones override earlier ones if a graph has
both."""

_PROBABILITY = Check.in_range(0, 1, error="be between 0 and 1")
_EVIDENCE = Check.isin(EVIDENCE, error=f"be one of {', '.join(EVIDENCE)}")

SCHEMA = DataFrameSchema(
    {
        "disease_id": text(),
        "disease_name": text(),
        "rank": Column("int64", Check.ge(1, error="be at least 1")),
        "drug_id": text(),
        "drug_name": text(),
        "score": Column("float64", _PROBABILITY),
        "contraindication_score": Column("float64", _PROBABILITY, nullable=True),
        "known": Column("bool"),
        "status": text(Check.isin(STATUS, error=f"be one of {', '.join(STATUS)}")),
        "drug_evidence": text(_EVIDENCE),
        "disease_evidence": text(_EVIDENCE),
    },
    unique=["disease_id", "rank"],
)


@dataclass(frozen=True, eq=False)
class Candidates:
    """The best drugs for every disease."""

    table: pd.DataFrame
    """Follows `SCHEMA`, sorted by disease and rank. Scores are probabilities at the prevalence of the evaluation's
    grids; `contraindication_score`, of a contraindication or a pair recorded as not indicated, is NaN if the graph has
    none of them, or too few. `known` marks recorded indications; pairs without an edge have the status `new`.
    `drug_evidence` and `disease_evidence` say what else the graph knows about drug and disease (`graph/evidence.py`):
    without any, a rank reflects base rates, not evidence."""

    def __post_init__(self) -> None:
        require_schema(self.table, SCHEMA, what="a candidate list")

    def of_disease(self, disease: str) -> pd.DataFrame:
        """Rows of the diseases with this id or name; if there are none, names are compared ignoring case.

        Diseases of the same name are returned together, distinguished by id.

        Raises:
            ValueError: If no disease has this id or name.
        """
        names = self.table["disease_name"]
        rows = self.table[(self.table["disease_id"] == disease) | (names == disease)]
        if rows.empty:
            rows = self.table[names.str.casefold() == disease.casefold()]
        if rows.empty:
            close = get_close_matches(disease, names.unique().tolist())
            hint = f"; similar names: {', '.join(map(repr, close))}" if close else ""
            raise ValueError(f"no disease in the candidate list has the id or name {disease!r}{hint}")
        return rows

    def to_parts(self) -> dict[str, Any]:
        """What `artifacts.py` writes; the inverse of `from_parts`. Any: one of its part shapes."""
        return {"repurposing_candidates.csv": self.table, "repurposing_candidates.parquet": self.table}

    @classmethod
    def from_parts(cls, parts: Mapping[str, Any]) -> Self:
        """Inverse of `to_parts`."""
        return cls(parts["repurposing_candidates.parquet"])
