"""Drugs and diseases that a graph does not have, described by what they are joined to, and added to it.

New nodes are appended to their type, so every local index keeps its meaning. They have no treatment.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.schema import NODE_COLUMNS, NODE_ID, NODE_NAME, EdgeType, IntArray

NEW = "new"
LAST_LETTER = "\U0010ffff"
"""Sorts after every other letter."""


@dataclass(frozen=True, eq=False)
class NewNode:
    """A drug or a disease that is not in the graph."""

    name: str
    links: Mapping[EdgeType, IntArray]
    """Local indices of the nodes that it is joined to, sorted and unique, by edge type of the graph; those of its own
    type for a relation within the type. At least one."""

    def __post_init__(self) -> None:
        if not self.num_links:
            raise ValueError(
                f"{self.name!r} is joined to nothing in the graph: name at least one gene, symptom or the like"
            )

    @property
    def num_links(self) -> int:
        """Edges to nodes of the graph."""
        return sum(len(ends) for ends in self.links.values())


@dataclass(frozen=True, eq=False)
class ExtendedGraph:
    """A graph with new nodes of one type."""

    base: KnowledgeGraph
    node_type: str
    """That of drugs or of diseases."""
    new: Sequence[NewNode]
    """At least one."""

    def __post_init__(self) -> None:
        names = self.base.therapeutic
        if self.node_type not in (names.drug, names.disease):
            raise ValueError(f"only a {names.drug} or a {names.disease} can be added (got {self.node_type!r})")
        if not self.new:
            raise ValueError("name at least one new node (got none)")
        for edge_type in {edge_type for node in self.new for edge_type in node.links}:
            if edge_type not in self.base.edges or self.node_type not in (edge_type.source, edge_type.target):
                raise ValueError(f"{edge_type} is no relation of {self.node_type!r} in the graph")
            if self.base.is_drug_disease(edge_type):
                raise ValueError(f"a new node has no treatment (got {edge_type})")

    @property
    def first(self) -> int:
        """Local index of the first new node."""
        return self.base.num_nodes[self.node_type]

    @property
    def indices(self) -> IntArray:
        """Local indices of the new nodes. Shape [num_new]."""
        return np.arange(self.first, self.first + len(self.new))

    def links(self, edge_type: EdgeType) -> csr_array:
        """1 where a new node is joined to one of the graph. Shape [num_new, num_nodes of the other end], float32."""
        ends = [node.links.get(edge_type, np.empty(0, dtype=np.int64)) for node in self.new]
        bounds = np.cumsum([0, *map(len, ends)])
        data = np.ones(bounds[-1], dtype=np.float32)
        other = edge_type.target if edge_type.source == self.node_type else edge_type.source
        return csr_array((data, np.concatenate(ends), bounds), shape=(len(self.new), self.base.num_nodes[other]))

    @cached_property
    def graph(self) -> KnowledgeGraph:
        """The graph with the new nodes."""
        base, start = self.base, self.base.offsets[self.node_type]
        end = start + self.first
        letters = id_after(str(base.nodes[NODE_ID].iloc[end - 1]))
        width = len(str(len(self.new)))
        rows = [(self.node_type, f"{letters}{n:0{width}}", node.name) for n, node in enumerate(self.new, start=1)]
        added = pd.DataFrame(rows, columns=list(NODE_COLUMNS)).astype(base.nodes.dtypes.to_dict())
        nodes = pd.concat([base.nodes.iloc[:end], added, base.nodes.iloc[end:]], ignore_index=True)
        edges = {edge_type: self._with_links(edge_type, index) for edge_type, index in base.edges.items()}
        return replace(base, nodes=nodes, edges=edges)

    def _with_links(self, edge_type: EdgeType, index: IntArray) -> IntArray:
        """Edges as `KnowledgeGraph` stores them: an undirected one within a type from the lower index."""
        linked = [
            (self.first + n, ends) for n, node in enumerate(self.new) if len(ends := node.links.get(edge_type, ()))
        ]
        if not linked:
            return index
        own = np.concatenate([np.full(len(ends), number) for number, ends in linked])
        other = np.concatenate([ends for _, ends in linked])
        is_source = edge_type.source == self.node_type and edge_type.target != self.node_type
        added = np.stack([own, other] if is_source else [other, own])
        joined = np.concatenate([index, added], axis=1)
        return np.ascontiguousarray(joined[:, np.lexsort(joined[::-1])])


def id_after(last: str) -> str:
    """The beginning of ids that sort after another id."""
    return f"{NEW} " if f"{NEW} " > last else f"~{NEW} " if f"~{NEW} " > last else f"{LAST_LETTER * (len(last) + 1)}"


class TakenOut(NamedTuple):
    """A graph from which nodes were taken, with the same nodes as new ones."""

    graph: ExtendedGraph
    nodes: IntArray
    """Local indices, in the graph they were taken from, of those that are joined to anything. Shape [num_new]."""


def taken_out(graph: KnowledgeGraph, node_type: str, nodes: IntArray) -> TakenOut:
    """Take nodes out of a graph as a whole, and describe each as a new node: by all its links but treatments.

    Args:
        graph: Not changed.
        node_type: Of drugs or diseases.
        nodes: Local indices.

    Raises:
        ValueError: If none of them is joined to anything that is left.
    """
    left = without_nodes(graph, node_type, nodes)
    moved = _moved(graph, node_type, nodes)
    found = [(int(node), links) for node in nodes if (links := _links_of(graph, node_type, int(node), moved))]
    names = graph.nodes_of(node_type)[NODE_NAME].tolist()
    new = [NewNode(str(names[node]), links) for node, links in found]
    return TakenOut(ExtendedGraph(left, node_type, new), np.array([node for node, _ in found], dtype=np.int64))


def without_nodes(graph: KnowledgeGraph, node_type: str, nodes: IntArray) -> KnowledgeGraph:
    """The graph without some nodes of a type and all their edges; the others of the type move up.

    Args:
        graph: Not changed.
        node_type: Of drugs or diseases.
        nodes: Local indices.
    """
    moved, edges = _moved(graph, node_type, nodes), {}
    for edge_type, index in graph.edges.items():
        ends = zip(index, (edge_type.source, edge_type.target), strict=True)
        found = np.stack([moved[row] if end == node_type else row for row, end in ends])
        edges[edge_type] = np.ascontiguousarray(found[:, (found >= 0).all(axis=0)])
    areas = dict(graph.disease_areas)
    if node_type == graph.therapeutic.disease:
        areas = {area: left for area, index in areas.items() if len(left := moved[index][moved[index] >= 0])}
    rows = np.delete(np.arange(len(graph.nodes)), graph.offsets[node_type] + nodes)
    return replace(graph, nodes=graph.nodes.iloc[rows].reset_index(drop=True), edges=edges, disease_areas=areas)


def _moved(graph: KnowledgeGraph, node_type: str, nodes: IntArray) -> IntArray:
    """Local index of each node of a type without some of them; -1 for these. Shape [num_nodes]."""
    is_kept = ~np.isin(np.arange(graph.num_nodes[node_type]), nodes)
    return np.where(is_kept, np.cumsum(is_kept) - 1, -1)


def _links_of(graph: KnowledgeGraph, node_type: str, node: int, moved: IntArray) -> dict[EdgeType, IntArray]:
    """Links of a node to what is left, but treatments."""
    links = {}
    for edge_type, (source, target) in graph.edges.items():
        if node_type not in edge_type[::2] or graph.is_drug_disease(edge_type):
            continue
        ends = [target[source == node]] if edge_type.source == node_type else []
        ends += [source[target == node]] if edge_type.target == node_type else []
        others = np.unique(np.concatenate(ends))
        if edge_type.source == edge_type.target:
            others = moved[others]
            others = others[others >= 0]
        if len(others):
            links[edge_type] = others
    return links
