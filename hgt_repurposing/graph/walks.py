"""Walks over relations, from drugs or from diseases to what they touch: the sparse form of a graph's neighbourhoods.

Which walks there are follows from the graph's schema, not from the names of one graph: every relation that leaves a
drug (a disease) for a node of another type is a walk of one step; those that name its genes go on by one step more.
Edges between drugs and diseases are never walked, so that nothing here knows what treats what. Two walks that end in
the same node type meet: their product counts the paths drug - ... - disease over it (DWPC).
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array, diags_array, hstack

from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.schema import EdgeType, is_gene_or_pathway

MAX_ENTRIES = 4_000_000
"""Entries kept of one walk of two steps; of each start the heaviest, so that hubs do not fill memory."""
JOINTS = frozenset("-~")
"""Signs between the names of steps, and of the two walks of a path."""


class Walk(NamedTuple):
    """Where one kind of walk leads."""

    steps: tuple[EdgeType, ...]
    """Edge types in the order walked, whichever way; nothing else tells two walks apart."""
    name: str
    """Names of the steps, as `shown_names` has them, joined by a dash."""
    end: str
    """Node type that it ends in."""
    weights: csr_array
    """Damped number of walks from each start to each end. Shape [num_starts, num_ends], float32."""


class Relatives(NamedTuple):
    """Which nodes of one type a relation within it joins: drug resembles drug, disease is-a disease."""

    edge_type: EdgeType
    name: str
    """As `shown_names` has it."""
    matrix: csr_array
    """0 and 1. Shape [num_nodes, num_nodes], float32."""


def shown_names(graph: KnowledgeGraph) -> dict[EdgeType, str]:
    """What each edge type but those between drugs and diseases is called: its relation, with types where need be.

    That is where the same relation stands between other types as well, or where its name holds a sign that joins names
    of steps, so that `a-b` and `c` would be called as `a` and `b-c` are. Edges between drugs and diseases have no say,
    or a treatment would change what the rest is called.
    """
    walked = [edge_type for edge_type in sorted(graph.edges) if not graph.is_drug_disease(edge_type)]
    times = Counter(edge_type.relation for edge_type in walked)
    return {t: t.relation if times[t.relation] == 1 and JOINTS.isdisjoint(t.relation) else str(t) for t in walked}


def require_relations(graph: KnowledgeGraph, node_type: str) -> None:
    """Something must tell which drugs, and which diseases, are alike.

    Raises:
        ValueError: If no relation but those between drugs and diseases touches the node type.
    """
    for edge_type, index in graph.edges.items():
        if index.size and node_type in (edge_type.source, edge_type.target) and not graph.is_drug_disease(edge_type):
            return
    raise ValueError(
        f"no relation but treatments touches the {node_type!r} nodes, so nothing tells which of them are alike: the "
        "graph needs edges to genes, side effects, symptoms or the like"
    )


def incidence(graph: KnowledgeGraph, edge_type: EdgeType, *, start: str) -> csr_array:
    """Which nodes an edge type joins, seen from one of its two ends; a direction within one type is not told apart.

    Returns:
        0 and 1. Shape [num_nodes of start, num_nodes of the other end], float32.

    Raises:
        ValueError: If the edge type does not touch the start.
    """
    if start not in (edge_type.source, edge_type.target):
        raise ValueError(f"{edge_type} does not touch {start!r}")
    source, target = graph.edges[edge_type]
    shape = (graph.num_nodes[edge_type.source], graph.num_nodes[edge_type.target])
    matrix = csr_array((np.ones(len(source), dtype=np.float32), (source, target)), shape=shape)
    if edge_type.source == edge_type.target:
        matrix = csr_array(matrix + matrix.T)
        matrix.data[:] = 1
        return matrix
    return matrix if edge_type.source == start else csr_array(matrix.T)


def damped(matrix: csr_array) -> csr_array:
    """Divide every entry by the square roots of the degrees of its two ends, so that hubs count for less.

    The symmetric normalisation of a graph convolution (Kipf and Welling 2017, equation 2); a product of such matrices
    is the degree-weighted path count of Himmelstein et al. 2017 with damping exponent 0.5.
    """
    rows = np.maximum(matrix.sum(axis=1), 1) ** -0.5
    columns = np.maximum(matrix.sum(axis=0), 1) ** -0.5
    return csr_array(diags_array(rows) @ matrix @ diags_array(columns), dtype=np.float32)


def walks(graph: KnowledgeGraph, start: str) -> list[Walk]:
    """Walks of one step from drugs or diseases to other types, and of two steps through their genes.

    A step never enters a drug or a disease, nor turns back along the relation it came by.

    Returns:
        Sorted by length, then by name; walks that lead nowhere are left out.
    """
    barred, shown = {graph.therapeutic.drug, graph.therapeutic.disease}, shown_names(graph)
    found = []
    for edge_type in gene_relations(graph, start):
        middle = edge_type.target if edge_type.source == start else edge_type.source
        if middle in barred:
            continue
        first = damped(incidence(graph, edge_type, start=start))
        for further, end in _steps(graph, middle):
            if end not in barred and further != edge_type:
                second = damped(incidence(graph, further, start=middle))
                name = f"{shown[edge_type]}-{shown[further]}"
                found.append(Walk((edge_type, further), name, end, _heaviest(csr_array(first @ second))))
    return [*direct_walks(graph, start), *_that_lead_somewhere(found)]


def direct_walks(graph: KnowledgeGraph, start: str) -> list[Walk]:
    """Those of one step alone, by name; walks that lead nowhere are left out."""
    barred, shown = {graph.therapeutic.drug, graph.therapeutic.disease}, shown_names(graph)
    return _that_lead_somewhere(
        Walk((edge_type,), shown[edge_type], end, damped(incidence(graph, edge_type, start=start)))
        for edge_type, end in _steps(graph, start)
        if end not in barred
    )


def _that_lead_somewhere(found: Iterable[Walk]) -> list[Walk]:
    return sorted((walk for walk in found if walk.weights.nnz), key=lambda walk: walk.name)


def gene_relations(graph: KnowledgeGraph, start: str) -> list[EdgeType]:
    """Edge types that join drugs (diseases) to genes: those that the graph's source names, else all there are."""
    names = graph.therapeutic.drug_gene if start == graph.therapeutic.drug else graph.therapeutic.disease_gene
    return [
        edge_type
        for edge_type, end in _steps(graph, start)
        if is_gene_or_pathway(end) and (not names or edge_type.relation in names)
    ]


def gene_incidence(graph: KnowledgeGraph, start: str) -> csr_array:
    """Which genes a drug targets, or a disease is associated with: 0 and 1, the types of genes side by side.

    Returns:
        Shape [num_starts, num_genes], float32; no entry where the graph joins them to no gene.
    """
    columns = [csr_array((graph.num_nodes[start], 0), dtype=np.float32)]
    for node_type in filter(is_gene_or_pathway, graph.num_nodes):
        total = csr_array((graph.num_nodes[start], graph.num_nodes[node_type]), dtype=np.float32)
        for edge_type in gene_relations(graph, start):
            if node_type in (edge_type.source, edge_type.target):
                total = csr_array(total + incidence(graph, edge_type, start=start))
        total.data[:] = 1
        columns.append(total)
    return csr_array(hstack(columns))


def relatives(graph: KnowledgeGraph, start: str) -> list[Relatives]:
    """Relations within one type that hold an edge, by name of the relation."""
    shown = shown_names(graph)
    return [
        Relatives(edge_type, shown[edge_type], incidence(graph, edge_type, start=start))
        for edge_type in sorted(graph.edges)
        if edge_type.source == edge_type.target == start and graph.edges[edge_type].size
    ]


def top_of_rows(matrix: csr_array, count: int) -> csr_array:
    """Keep the largest entries of each row, at most so many; of equal ones those in the first columns."""
    sizes = np.diff(matrix.indptr)
    if sizes.max(initial=0) <= count:
        return matrix
    row = np.repeat(np.arange(matrix.shape[0]), sizes)
    order = np.lexsort((matrix.indices, -matrix.data, row))
    place = np.arange(len(order)) - matrix.indptr[:-1][row]
    kept = np.sort(order[place < count])
    return csr_array((matrix.data[kept], (row[kept], matrix.indices[kept])), shape=matrix.shape)


def _steps(graph: KnowledgeGraph, start: str) -> Iterator[tuple[EdgeType, str]]:
    """Edge types that leave a node type, with where they lead."""
    for edge_type in sorted(graph.edges):
        if edge_type.source == start:
            yield edge_type, edge_type.target
        elif edge_type.target == start:
            yield edge_type, edge_type.source


def _heaviest(matrix: csr_array) -> csr_array:
    """Keep the heaviest entries of each row, as many as make MAX_ENTRIES in all."""
    return top_of_rows(matrix, max(1, MAX_ENTRIES // matrix.shape[0]))
