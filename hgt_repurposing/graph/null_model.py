"""Null models: randomised graphs and labels that preserve only counts or degrees.

Performance that survives a permuted graph comes from degrees; performance that survives shuffled labels, from a leak.
"""

from dataclasses import replace
from typing import Literal

import numpy as np

from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.schema import BoolArray, EdgeType, IntArray


def permute_edges(graph: KnowledgeGraph, *, swaps_per_edge: float, generator: np.random.Generator) -> KnowledgeGraph:
    """Rewire every relation except drug-disease relations at random, preserving each node's degree per relation.

    Args:
        graph: Drug-disease edges are left unchanged: they are the labels (see `shuffled_labels`).
        swaps_per_edge: Attempted swaps per edge; each swaps the targets of two edges. Ten mix well (Himmelstein et al.
            2017).
        generator: Source of randomness.

    Raises:
        ValueError: If swaps_per_edge is negative.

    XSwap, Hanhijärvi, Garriga and Puolamäki 2009.
    """
    edges = {}
    for edge_type, index in graph.edges.items():
        keep = graph.is_drug_disease(edge_type)
        edges[edge_type] = index if keep else _permuted(graph, edge_type, swaps_per_edge, generator)
    return replace(graph, edges=edges)


def shuffled_labels(
    graph: KnowledgeGraph,
    *,
    preserving: Literal["count", "degrees"],
    generator: np.random.Generator,
    swaps_per_edge: float = 10,
) -> KnowledgeGraph:
    """Randomise which drug treats which disease.

    Args:
        graph: Only its indications change.
        preserving: count: as many indications, uniform over all pairs, so that nothing predicts them; degrees: every
            drug and every disease keeps its number of indications.
        generator: Source of randomness.
        swaps_per_edge: For degrees, as in `permute_edges`.

    Raises:
        ValueError: If swaps_per_edge is negative.
    """
    edges = dict(graph.edges)
    for edge_type in graph.edges:
        if graph.is_drug_disease(edge_type) and edge_type.relation in graph.therapeutic.indication:
            shuffled = preserving == "count"
            edges[edge_type] = (
                _uniform(graph, edge_type, generator)
                if shuffled
                else _permuted(graph, edge_type, swaps_per_edge, generator)
            )
    return replace(graph, edges=edges)


def _uniform(graph: KnowledgeGraph, edge_type: EdgeType, generator: np.random.Generator) -> IntArray:
    """Draw the same number of distinct edges uniformly. Shape [2, num_edges], sorted."""
    num_sources, num_targets = graph.num_nodes[edge_type.source], graph.num_nodes[edge_type.target]
    cells = generator.choice(num_sources * num_targets, graph.edges[edge_type].shape[1], replace=False)
    return np.stack(np.divmod(np.sort(cells), num_targets))


def _permuted(
    graph: KnowledgeGraph, edge_type: EdgeType, swaps_per_edge: float, generator: np.random.Generator
) -> IntArray:
    """Rewire one relation. Shape [2, num_edges], sorted.

    Edges are paired at random, and all pairs try to swap targets at once: (a, b), (c, d) become (a, d), (c, b). A swap
    is rejected if it would create an existing edge, an edge that another swap creates, or a self-loop.
    """
    if swaps_per_edge < 0:
        raise ValueError(f"swaps_per_edge must not be negative (got {swaps_per_edge})")
    symmetric, within = graph.is_symmetric(edge_type), edge_type.source == edge_type.target
    width, edges = graph.num_nodes[edge_type.target], graph.edges[edge_type].copy()
    num_pairs = edges.shape[1] // 2
    for _ in range(round(2 * swaps_per_edge) if num_pairs else 0):
        if symmetric:  # either end may be swapped
            turned = generator.random(edges.shape[1]) < 0.5
            edges[:, turned] = edges[::-1, turned]
        first, second = generator.permutation(edges.shape[1])[: 2 * num_pairs].reshape(2, num_pairs)
        ends = [[edges[0, first], edges[0, second]], [edges[1, second], edges[1, first]]]
        new = np.array(ends).reshape(2, -1)
        clash = _clash(_key(edges, width, symmetric=symmetric), _key(new, width, symmetric=symmetric))
        if within:
            clash |= new[0] == new[1]
        swapped = ~clash.reshape(2, num_pairs).any(axis=0)
        one, other = first[swapped], second[swapped]
        edges[1, one], edges[1, other] = edges[1, other], edges[1, one]
    key = np.sort(_key(edges, width, symmetric=symmetric))
    return np.stack([key // width, key % width])


def _key(edges: IntArray, width: int, *, symmetric: bool) -> IntArray:
    """One number per edge, the same for both directions of a symmetric one. Shape [num_edges]."""
    source, target = np.sort(edges, axis=0) if symmetric else edges
    key: IntArray = source * width + target
    return key


def _clash(present: IntArray, wanted: IntArray) -> BoolArray:
    """True for wanted edges that are present or repeat an earlier wanted edge. Shape [num_wanted]."""
    every = np.concatenate([present, wanted])
    order = np.argsort(every, kind="stable")
    repeated = np.zeros(len(every), dtype=np.bool_)
    repeated[order[1:]] = np.diff(every[order]) == 0
    return repeated[len(present) :]
