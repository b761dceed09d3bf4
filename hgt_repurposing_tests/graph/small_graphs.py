"""Graphs small enough to draw."""

from collections.abc import Mapping, Sequence
from typing import Literal, get_args

import numpy as np
import pandas as pd

from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.schema import NODE_COLUMNS, EdgeType, IntArray, TherapeuticRelations

Ends = Sequence[tuple[int, int]] | IntArray
"""Pairs of local indices, or these as an array of shape [2, num_edges]."""


def graph_of(
    num_nodes: Mapping[str, int],
    edges: Mapping[tuple[str, str, str], Ends],
    *,
    therapeutic: TherapeuticRelations | None = None,
) -> KnowledgeGraph:
    """Nodes of a type are called `<type> a`, `<type> b`, ...; indications default to the relation `indication`."""
    nodes = [(t, f"{i:04d}", f"{t} {_letters(i)}") for t, num in sorted(num_nodes.items()) for i in range(num)]
    return KnowledgeGraph(
        nodes=pd.DataFrame(nodes, columns=list(NODE_COLUMNS), dtype="str"),
        edges={EdgeType(*edge_type): _index(ends) for edge_type, ends in edges.items()},
        therapeutic=therapeutic or TherapeuticRelations(),
    )


Back = Literal["the same", "some more", "as many others"]
BACK: tuple[Back, ...] = get_args(Back)


def reversed_by_its_owner(back: Back) -> KnowledgeGraph:
    """Drugs hit genes, and a relation `rev_hits` of the owner's leads back from genes to drugs, by these edges."""
    hits = [(i, (i + step) % 12) for i in range(12) for step in (0, 1, 3)]
    same = [(gene, drug) for drug, gene in hits]
    others = [(i, (i + step) % 12) for i in range(12) for step in (2, 4, 5)]
    edges: dict[tuple[str, str, str], Ends] = {
        ("drug", "indication", "disease"): [(i, i) for i in range(12)],
        ("drug", "hits", "gene"): hits,
        ("gene", "rev_hits", "drug"): {"the same": same, "some more": same + others[:8], "as many others": others}[
            back
        ],
        ("disease", "has", "gene"): [(i, (i + 2) % 12) for i in range(12)],
    }
    return graph_of({"drug": 12, "disease": 12, "gene": 12}, edges)


def _index(ends: Ends) -> IntArray:
    index = ends if isinstance(ends, np.ndarray) else np.array(ends, dtype=np.int64).reshape(-1, 2).T
    return np.unique(index, axis=1)


def _letters(number: int) -> str:
    """No digits, for names that differ in a number alone count as near-synonyms."""
    return "".join(chr(ord("a") + int(digit)) for digit in f"{number:04d}")
