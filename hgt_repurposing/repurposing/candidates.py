"""The candidate lists: the best drugs for every disease and the reverse, with what is known about each pair."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Self, get_args

import pandas as pd
from pandera.pandas import Check, Column, DataFrameSchema

from hgt_repurposing.graph.attributes import no_attributes, of_type
from hgt_repurposing.graph.evidence import EVIDENCE
from hgt_repurposing.graph.lookup import look_up
from hgt_repurposing.graph.schema import NODE_ID, NODE_NAME
from hgt_repurposing.graph.settings import SETTINGS
from hgt_repurposing.table_schema import require_schema, text

Side = Literal["drug", "disease"]
Status = Literal["new", "other", "off-label", "not indicated", "contraindication", "indication"]
STATUS: tuple[Status, ...] = get_args(Status)
"""What is known about a pair (`other`: an undeclared relation); later ones override earlier ones if a graph has
both."""

_PROBABILITY = Check.in_range(0, 1, error="be between 0 and 1")
_EVIDENCE = Check.isin(EVIDENCE, error=f"be one of {', '.join(EVIDENCE)}")

_SETTING = Check.isin(SETTINGS, error=f"be one of {', '.join(SETTINGS)}")
_RANK = Check.ge(1, error="be at least 1")

_COLUMNS = {
    "rank": Column("int64", _RANK),
    "score": Column("float64", _PROBABILITY),
    "score_lower": Column("float64", _PROBABILITY),
    "score_upper": Column("float64", _PROBABILITY),
    "percentile": Column("float64", Check.in_range(0, 100, error="be between 0 and 100")),
    "corrected_rank": Column("int64", _RANK),
    "contraindication_score": Column("float64", _PROBABILITY, nullable=True),
    "known": Column("bool"),
    "status": text(Check.isin(STATUS, error=f"be one of {', '.join(STATUS)}")),
    "setting": text(_SETTING),
    "evidence": text(),
    "drug_degree": Column("int64", Check.ge(0, error="not be negative")),
    "disease_degree": Column("int64", Check.ge(0, error="not be negative")),
    "drug_evidence": text(_EVIDENCE),
    "disease_evidence": text(_EVIDENCE),
}
_OF_DISEASE = {"disease_id": text(), "disease_name": text()}
_OF_DRUG = {"drug_id": text(), "drug_name": text()}
_RANK_FIRST = {"rank": _COLUMNS["rank"]}
SCHEMA = DataFrameSchema({**_OF_DISEASE, **_RANK_FIRST, **_OF_DRUG, **_COLUMNS}, unique=["disease_id", "rank"])
"""Of the best drugs for every disease."""
SCHEMA_BY_DRUG = DataFrameSchema({**_OF_DRUG, **_RANK_FIRST, **_OF_DISEASE, **_COLUMNS}, unique=["drug_id", "rank"])
"""Of the best diseases for every drug; the same columns in another order."""


@dataclass(frozen=True, eq=False)
class Candidates:
    """The best drugs for every disease, and the best diseases for every drug."""

    table: pd.DataFrame
    """Follows `SCHEMA`, sorted by disease and rank. Scores are probabilities at the prevalence of the evaluation's
    grids; `score_lower` and `score_upper` are two standard deviations over the ensemble away, in log odds.
    `percentile`: of all pairs of the grid, those with a lower score. `corrected_rank`: the rank if each drug's mean log
    odds over diseases is taken off, so that drugs that score high everywhere do not come first.
    `contraindication_score`, of a contraindication or a pair recorded as not indicated, is NaN if the graph has none of
    them, or too few. `known` marks recorded indications; pairs without an edge have the status `new`. `setting`
    (`graph/settings.py`): which ends have a known treatment. `evidence`: what speaks for the pair, in one line. Degrees
    count all edges of the graph. `drug_evidence` and `disease_evidence` say what else the graph knows about drug and
    disease (`graph/evidence.py`): without any, a rank reflects base rates, not evidence."""
    by_drug: pd.DataFrame
    """Follows `SCHEMA_BY_DRUG`, sorted by drug and rank; ranks are among the diseases of a drug."""
    attributes: pd.DataFrame = field(default_factory=no_attributes)
    """Attributes of drugs and diseases, whose node types are called `drug` and `disease`, whether listed or not."""
    chosen: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """In words, which drugs and which diseases the lists are restricted to, by `drug` and `disease`; empty: to none."""

    def __post_init__(self) -> None:
        require_schema(self.table, SCHEMA, what="a candidate list")
        require_schema(self.by_drug, SCHEMA_BY_DRUG, what="a candidate list by drug")

    def nodes(self, side: Side) -> pd.DataFrame:
        """The drugs (diseases) with a list: columns node_id, node_name, one row each."""
        table = self.by_drug if side == "drug" else self.table
        found = table[[f"{side}_id", f"{side}_name"]].drop_duplicates().reset_index(drop=True)
        return found.set_axis([NODE_ID, NODE_NAME], axis=1)

    def attributes_of(self, side: Side) -> pd.DataFrame:
        """Attributes of the drugs (diseases)."""
        return of_type(self.attributes, side)

    def of_disease(self, disease: str) -> pd.DataFrame:
        """Rows of the diseases that a person means, as `look_up` understands it.

        Diseases of the same name are returned together, distinguished by id.

        Raises:
            ValueError: If there is none, or several of different names.
        """
        rows = self.table[(self.table["disease_id"] == disease) | (self.table["disease_name"] == disease)]
        if rows.empty:
            nodes = self.nodes("disease")
            meant = nodes[NODE_ID].iloc[look_up(disease, nodes, what="disease")]
            rows = self.table[self.table["disease_id"] == meant]
        return rows

    def to_parts(self) -> dict[str, Any]:
        """What `artifacts.py` writes; the inverse of `from_parts`. Any: one of its part shapes."""
        chosen = {side: list(said) for side, said in self.chosen.items()}
        return {
            "repurposing_candidates.csv": self.table,
            "repurposing_candidates.parquet": self.table,
            "repurposing_candidates_by_drug.csv": self.by_drug,
            "repurposing_candidates_by_drug.parquet": self.by_drug,
            **({"attributes.parquet": self.attributes} if len(self.attributes) else {}),
            **({"chosen.json": chosen} if chosen else {}),
        }

    @classmethod
    def from_parts(cls, parts: Mapping[str, Any]) -> Self:
        """Inverse of `to_parts`."""
        return cls(
            parts["repurposing_candidates.parquet"],
            parts["repurposing_candidates_by_drug.parquet"],
            parts.get("attributes.parquet", no_attributes()),
            parts.get("chosen.json", {}),
        )
