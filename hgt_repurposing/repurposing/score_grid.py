"""The scores of all drug-disease pairs, in two orders, so that those of one disease or of one drug lie together."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd

from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.schema import NODE_ID, Features

BY_DISEASE, BY_DRUG = "scores_by_disease.parquet", "scores_by_drug.parquet"
DISEASE_ID, DRUG_ID = "disease_id", "drug_id"
LOG_ODDS, SPREAD, AGAINST = "log_odds", "spread", "contraindication_log_odds"
CELLS_PER_BLOCK = 1 << 18
"""Pairs written at a time: few enough to be read in milliseconds."""


@dataclass(frozen=True, eq=False)
class ScoreGrid:
    """One score for every pair of a drug and a disease, in single precision."""

    drug_ids: "pd.Index[str]"
    disease_ids: "pd.Index[str]"
    log_odds: Features
    """Of being a treatment that the graph misses, calibrated. Shape [num_drugs, num_diseases]."""
    spread: Features
    """Standard deviation of the log odds over the members of the ensemble. Shape [num_drugs, num_diseases]."""
    against: Features
    """Log odds of a contraindication; NaN where there were too few to learn from. Shape [num_drugs, num_diseases]."""

    def require_of(self, graph: KnowledgeGraph) -> None:
        """Check whose scores these are.

        Raises:
            ValueError: If they are of other drugs or diseases than the graph's.
        """
        if not all(
            mine.equals(theirs) for mine, theirs in zip((self.drug_ids, self.disease_ids), ids_of(graph), strict=True)
        ):
            raise ValueError(
                f"scores of {self.log_odds.shape} drugs and diseases are not of this graph: score it again"
            )

    def to_parts(self) -> dict[str, Any]:
        """What `artifacts.py` writes; the inverse of `from_parts`. Any: one of its part shapes."""
        return {BY_DISEASE: self._blocks(by_disease=True), BY_DRUG: self._blocks(by_disease=False)}

    @classmethod
    def from_parts(cls, parts: Mapping[str, Any]) -> Self:
        """Inverse of `to_parts`."""
        return cls.of_table(parts[BY_DISEASE])

    @classmethod
    def of_table(cls, by_disease: pd.DataFrame) -> Self:
        """From the table that is ordered by disease, then by drug."""
        drug_ids, disease_ids = (
            pd.Index(by_disease[column].unique().astype("str"), name=column) for column in (DRUG_ID, DISEASE_ID)
        )
        shape = (len(disease_ids), len(drug_ids))
        values = (by_disease[column].to_numpy().reshape(shape).T for column in (LOG_ODDS, SPREAD, AGAINST))
        return cls(drug_ids, disease_ids, *values)

    def _blocks(self, *, by_disease: bool) -> Iterator[pd.DataFrame]:
        """Rows disease by disease (drug by drug), some diseases (drugs) at a time."""
        first, second = (DISEASE_ID, DRUG_ID) if by_disease else (DRUG_ID, DISEASE_ID)
        ids = {DISEASE_ID: self.disease_ids, DRUG_ID: self.drug_ids}
        width, length = len(ids[second]), len(ids[first])
        per_block = max(1, CELLS_PER_BLOCK // width)
        for start in range(0, length, per_block):
            of_block = np.arange(start, min(start + per_block, length))
            columns: dict[str, Any] = {
                first: pd.Categorical.from_codes(np.repeat(of_block, width), categories=ids[first]),
                second: pd.Categorical.from_codes(np.tile(np.arange(width), len(of_block)), categories=ids[second]),
            }
            for name, values in ((LOG_ODDS, self.log_odds), (SPREAD, self.spread), (AGAINST, self.against)):
                columns[name] = (values[:, of_block].T if by_disease else values[of_block]).ravel()
            yield pd.DataFrame(columns)


def ids_of(graph: KnowledgeGraph) -> "tuple[pd.Index[str], pd.Index[str]]":
    """Ids of the drugs and of the diseases of a graph."""
    drugs, diseases = (graph.nodes_of(t)[NODE_ID] for t in (graph.therapeutic.drug, graph.therapeutic.disease))
    return pd.Index(drugs, name=DRUG_ID), pd.Index(diseases, name=DISEASE_ID)
