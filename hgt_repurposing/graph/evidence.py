"""Which nodes have evidence: edges other than those between drugs and diseases."""

from collections.abc import Iterable
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.schema import BoolArray, EdgeType

Evidence = Literal["evidence", "treatments only", "nothing"]
EVIDENCE: tuple[Evidence, ...] = ("evidence", "treatments only", "nothing")
"""Evidence: the node has an edge other than those between drugs and diseases. Treatments only: all its edges join drugs
and diseases (contraindications and the like included). Nothing: no edge at all."""


def evidence_of(graph: KnowledgeGraph) -> npt.NDArray[np.object_]:
    """Evidence for every node, one of `EVIDENCE`, in the order of the node table. Shape [num_nodes]."""
    beside = _touched(graph, [edge_type for edge_type in graph.edges if not graph.is_drug_disease(edge_type)])
    kind = np.where(beside, 0, np.where(_touched(graph, graph.edges), 1, 2))
    return np.array(EVIDENCE, dtype=np.object_)[kind]


def evidence_of_type(graph: KnowledgeGraph, node_type: str) -> npt.NDArray[np.object_]:
    """`evidence_of` for the nodes of one type, by local index. Shape [num_nodes of the type]."""
    start = graph.offsets[node_type]
    return evidence_of(graph)[start : start + graph.num_nodes[node_type]]


def nodes_without_evidence(graph: KnowledgeGraph) -> pd.DataFrame:
    """Nodes without edges other than those between drugs and diseases: columns node_type, node_id, node_name."""
    nodes: pd.DataFrame = graph.nodes[evidence_of(graph) != "evidence"]
    return nodes


def _touched(graph: KnowledgeGraph, edge_types: Iterable[EdgeType]) -> BoolArray:
    """True for nodes with an edge of these types. Shape [num_nodes]."""
    touched = np.zeros(len(graph.nodes), dtype=np.bool_)
    for edge_type in edge_types:
        for ends, node_type in zip(graph.edges[edge_type], (edge_type.source, edge_type.target), strict=True):
            touched[graph.offsets[node_type] + ends] = True
    return touched
