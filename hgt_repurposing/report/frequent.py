"""The drugs that are in most lists of new candidates, and the diseases that most drugs are listed for."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.schema import NODE_ID
from hgt_repurposing.repurposing.candidates import Candidates, Side

NUM_SHOWN = 10


class FrequentRow(NamedTuple):
    """A drug, or a disease."""

    name: str
    identifier: str
    num_lists: int
    """Lists in whose ten best new candidates it is."""
    num_treatments: int
    """Known uses of the drug, or treatments of the disease, in the graph."""


class Frequent(NamedTuple):
    """Who is in most lists."""

    drugs: list[FrequentRow]
    """The most frequent first; ties by name, then by id."""
    num_lists_of_diseases: int
    """Diseases with a new candidate."""
    diseases: list[FrequentRow]
    num_lists_of_drugs: int
    """Drugs with a new candidate."""
    num_distinct: int
    """Different drugs among the ten best new candidates of all diseases."""


def frequent_of(candidates: Candidates, graph: KnowledgeGraph) -> Frequent:
    """Counts over the lists of all drugs and diseases, whether the report shows them or not."""
    drugs = _counts(candidates.table, of="disease", counted="drug")
    diseases = _counts(candidates.by_drug, of="drug", counted="disease")
    return Frequent(
        _rows(drugs, num_treatments(graph, "drug")),
        _num_lists(candidates.table, "disease"),
        _rows(diseases, num_treatments(graph, "disease")),
        _num_lists(candidates.by_drug, "drug"),
        len(drugs),
    )


def num_treatments(graph: KnowledgeGraph, side: Side) -> dict[str, int]:
    """Number of known treatments of every disease (uses of every drug), by its id."""
    drugs, diseases = graph.indications
    ends, node_type = (drugs, graph.therapeutic.drug) if side == "drug" else (diseases, graph.therapeutic.disease)
    counts = np.bincount(ends, minlength=graph.num_nodes[node_type])
    return dict(zip(graph.nodes_of(node_type)[NODE_ID], counts.tolist(), strict=True))


def _counts(table: pd.DataFrame, *, of: Side, counted: Side) -> pd.DataFrame:
    """Columns id, name, num_lists, the most frequent first."""
    new = table[table["status"] == "new"].groupby(f"{of}_id", sort=False).head(NUM_SHOWN)
    found = new.groupby([f"{counted}_id", f"{counted}_name"]).size().reset_index(name="num_lists")
    return found.sort_values(
        ["num_lists", f"{counted}_name", f"{counted}_id"], ascending=[False, True, True], kind="stable"
    )


def _num_lists(table: pd.DataFrame, of: Side) -> int:
    return int(table.loc[table["status"] == "new", f"{of}_id"].nunique())


def _rows(counts: pd.DataFrame, known: dict[str, int]) -> list[FrequentRow]:
    return [
        FrequentRow(str(name), str(node_id), int(num_lists), known.get(str(node_id), 0))
        for node_id, name, num_lists in counts.head(NUM_SHOWN).itertuples(index=False, name=None)
    ]
