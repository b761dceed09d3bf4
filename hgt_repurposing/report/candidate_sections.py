"""The best new candidates of every disease, as values for the report to lay out.

Of a large graph, not every disease has room: those whose best new candidate is the most probable come first, and the
others are counted.
"""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from hgt_repurposing.graph.evidence import EVIDENCE, Evidence
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.report.frequent import num_treatments
from hgt_repurposing.repurposing.candidates import Candidates

NUM_SHOWN = 10
NO_NEW = -1.0
"""Below every probability."""
MAX_DISEASES = 600
"""Diseases with a section of their own: with ten rows of about 300 bytes each, two megabytes."""


class DiseaseSection(NamedTuple):
    """Candidates and known treatments of one disease."""

    anchor: str
    """Id of its place in the page."""
    name: str
    identifier: str
    evidence: Evidence
    """Kind of evidence on the disease in the graph."""
    num_treatments: int
    """In the graph."""
    num_listed: int
    """Drugs in its list, known or new."""
    new: list[Any]
    """The best new candidates: rows of the candidate table. Any: named tuples made by pandas."""
    known: list[Any]
    """The first rows of the list that are not new."""
    num_known: int
    """Number of all such rows in the list."""
    risk_known: bool
    """Whether probabilities of a contraindication are shown."""
    equals: bool
    """Whether some new candidates tie in probability and are therefore ordered by id."""
    marked: list[Evidence]
    """Marks to explain: kinds of evidence, other than full evidence, among the drugs shown."""


class CandidateSections(NamedTuple):
    """The diseases that have a section."""

    diseases: list[DiseaseSection]
    """That with the most probable new candidate first; those without a new one last."""
    num_diseases: int
    """With a list, shown or not."""
    num_rows: int
    """New candidates shown, of all diseases."""

    @property
    def num_left_out(self) -> int:
        """Diseases without a section, for want of room."""
        return self.num_diseases - len(self.diseases)

    @property
    def by_name(self) -> list[DiseaseSection]:
        """In alphabetical order."""
        return sorted(self.diseases, key=lambda disease: (disease.name.casefold(), disease.identifier))


def candidate_sections(candidates: Candidates, graph: KnowledgeGraph, *, most: int = MAX_DISEASES) -> CandidateSections:
    """Sections of the diseases with the most probable new candidates, at most so many; ties by name, then by id."""
    table, treatments = candidates.table, num_treatments(graph, "disease")
    code, ids = pd.factorize(table["disease_id"])  # two million rows: grouping by text takes a minute
    best = np.full(len(ids), NO_NEW)
    np.maximum.at(best, code, np.where(table["status"] == "new", table["score"], NO_NEW))
    names = table["disease_name"].iloc[np.unique(code, return_index=True)[1]].to_numpy()
    order = np.lexsort((ids.to_numpy(dtype=str), names.astype(str), -best))[:most]
    kept = np.isin(code, order)
    of_disease = dict(iter(table[kept].groupby(pd.Series(code, table.index)[kept], sort=False)))
    shown = [
        _section(f"d{place}", of_disease[index], treatments.get(ids[index], 0))
        for place, index in enumerate(order.tolist())
    ]
    return CandidateSections(shown, len(ids), sum(len(disease.new) for disease in shown))


def _section(anchor: str, rows: pd.DataFrame, treatments: int) -> DiseaseSection:
    is_new = rows["status"] == "new"
    new, known = rows[is_new].head(NUM_SHOWN), rows[~is_new]
    known_of = set(new["drug_evidence"])
    return DiseaseSection(
        anchor=anchor,
        name=rows["disease_name"].iloc[0],
        identifier=rows["disease_id"].iloc[0],
        evidence=rows["disease_evidence"].iloc[0],
        num_treatments=treatments,
        num_listed=len(rows),
        new=list(new.itertuples(index=False)),
        known=list(known.head(NUM_SHOWN).itertuples(index=False)),
        num_known=len(known),
        risk_known=bool(new["contraindication_score"].notna().any()),
        equals=bool(new["score"].duplicated().any()),
        marked=[evidence for evidence in EVIDENCE[1:] if evidence in known_of],
    )
