"""Metapath walks from drugs or diseases to their neighbourhoods, as sparse matrices.

The walks follow from the graph's schema, not from hard-coded names: every relation from a drug (a disease) to another
node type is a one-step walk; relations to its genes are extended by a second step. Drug-disease edges are never walked,
so walks contain no label information. Two walks that end in the same node type can be multiplied: the product counts
the paths drug - ... - disease through it (DWPC).
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array, diags_array, hstack

from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.schema import EdgeType, is_gene_or_pathway

MAX_ENTRIES = 4_000_000
"""Entries kept of a two-step walk, the heaviest of each start, so that hubs do not exhaust memory."""
JOINTS = frozenset("-~")
"""Separators between the names of steps, and of the two walks of a path."""


class Walk(NamedTuple):
    """One kind of walk and where it leads."""

    steps: tuple[EdgeType, ...]
    """Edge types in walking order, in either direction; they identify the walk."""
    name: str
    """Names of the steps from `shown_names`, joined by a dash."""
    end: str
    """Node type of its end."""
    weights: csr_array
    """Damped number of walks from each start to each end. Shape [num_starts, num_ends], float32."""


class Relatives(NamedTuple):
    """A relation within one node type: drug resembles drug, disease is-a disease."""

    edge_type: EdgeType
    name: str
    """Name from `shown_names`."""
    matrix: csr_array
    """0 and 1. Shape [num_nodes, num_nodes], float32."""


def shown_names(graph: KnowledgeGraph) -> dict[EdgeType, str]:
    """Display name of each edge type except drug-disease ones: its relation, with node types if ambiguous.

    It is ambiguous if the relation also joins other node types, or contains a separator, as the steps `a-b`, `c` would
    be named like `a`, `b-c`. Drug-disease edges are ignored, so that treatments do not change the names of the rest.
    """
    walked = [edge_type for edge_type in sorted(graph.edges) if not graph.is_drug_disease(edge_type)]
    times = Counter(edge_type.relation for edge_type in walked)
    return {t: t.relation if times[t.relation] == 1 and JOINTS.isdisjoint(t.relation) else str(t) for t in walked}


def require_relations(graph: KnowledgeGraph, node_type: str) -> None:
    """Check that nodes of a type can be compared by a relation.

    Raises:
        ValueError: If the node type has only drug-disease relations.
    """
    for edge_type, index in graph.edges.items():
        if index.size and node_type in (edge_type.source, edge_type.target) and not graph.is_drug_disease(edge_type):
            return
    raise ValueError(
        f"the {node_type!r} nodes have no relations other than treatments, so they cannot be compared with each other: "
        "the graph needs edges to genes, side effects, symptoms or the like"
    )


def incidence(graph: KnowledgeGraph, edge_type: EdgeType, *, start: str) -> csr_array:
    """Incidence matrix of an edge type seen from one of its ends; direction within one type is ignored.

    Returns:
        0 and 1. Shape [num_nodes of start, num_nodes of the other end], float32.

    Raises:
        ValueError: If the edge type does not join `start`.
    """
    if start not in (edge_type.source, edge_type.target):
        raise ValueError(f"{edge_type} does not join {start!r}")
    source, target = graph.edges[edge_type]
    shape = (graph.num_nodes[edge_type.source], graph.num_nodes[edge_type.target])
    matrix = csr_array((np.ones(len(source), dtype=np.float32), (source, target)), shape=shape)
    if edge_type.source == edge_type.target:
        matrix = csr_array(matrix + matrix.T)
        matrix.data[:] = 1
        return matrix
    return matrix if edge_type.source == start else csr_array(matrix.T)


def damped(matrix: csr_array) -> csr_array:
    """Divide every entry by the square roots of the degrees of its two ends, so that hubs weigh less.

    The symmetric normalisation of a graph convolution (Kipf and Welling 2017, equation 2); a product of such matrices
    is the degree-weighted path count of Himmelstein et al. 2017 with damping exponent 0.5.
    """
    rows = np.maximum(matrix.sum(axis=1), 1) ** -0.5
    columns = np.maximum(matrix.sum(axis=0), 1) ** -0.5
    return csr_array(diags_array(rows) @ matrix @ diags_array(columns), dtype=np.float32)


def walks(graph: KnowledgeGraph, start: str) -> list[Walk]:
    """One-step walks from drugs or diseases to other types, and two-step walks through their genes.

    A step never enters a drug or a disease, nor goes back along the relation of the previous step.

    Returns:
        Sorted by length, then by name, without empty walks.
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
                found.append(
                    Walk(
                        (edge_type, further),
                        name,
                        end,
                        heaviest(csr_array(first @ second), num_starts=graph.num_nodes[start]),
                    )
                )
    return [*direct_walks(graph, start), *_that_lead_somewhere(found)]


def direct_walks(graph: KnowledgeGraph, start: str) -> list[Walk]:
    """One-step walks only, by name, without empty walks."""
    barred, shown = {graph.therapeutic.drug, graph.therapeutic.disease}, shown_names(graph)
    return _that_lead_somewhere(
        Walk((edge_type,), shown[edge_type], end, damped(incidence(graph, edge_type, start=start)))
        for edge_type, end in _steps(graph, start)
        if end not in barred
    )


def _that_lead_somewhere(found: Iterable[Walk]) -> list[Walk]:
    return sorted((walk for walk in found if walk.weights.nnz), key=lambda walk: walk.name)


def gene_relations(graph: KnowledgeGraph, start: str) -> list[EdgeType]:
    """Edge types that join drugs (diseases) to genes: the declared ones, or all if none is declared."""
    names = graph.therapeutic.drug_gene if start == graph.therapeutic.drug else graph.therapeutic.disease_gene
    return [
        edge_type
        for edge_type, end in _steps(graph, start)
        if is_gene_or_pathway(end) and (not names or edge_type.relation in names)
    ]


def gene_node_types(graph: KnowledgeGraph) -> list[str]:
    """Node types of genes and pathways, in the order of the columns of `gene_incidence`."""
    return [node_type for node_type in graph.num_nodes if is_gene_or_pathway(node_type)]


def gene_offsets(graph: KnowledgeGraph) -> dict[str, int]:
    """First column of each node type of genes and pathways in `gene_incidence`."""
    types = gene_node_types(graph)
    starts = np.cumsum([0, *(graph.num_nodes[node_type] for node_type in types)]).tolist()
    return dict(zip(types, starts[:-1], strict=True))


def gene_incidence(graph: KnowledgeGraph, start: str) -> csr_array:
    """Incidence matrix of drugs (diseases) and their genes: 0 and 1, gene node types concatenated.

    Returns:
        Shape [num_starts, num_genes], float32; a row without genes is empty.
    """
    columns = [csr_array((graph.num_nodes[start], 0), dtype=np.float32)]
    for node_type in gene_node_types(graph):
        total = csr_array((graph.num_nodes[start], graph.num_nodes[node_type]), dtype=np.float32)
        for edge_type in gene_relations(graph, start):
            if node_type in (edge_type.source, edge_type.target):
                total = csr_array(total + incidence(graph, edge_type, start=start))
        total.data[:] = 1
        columns.append(total)
    return csr_array(hstack(columns))


def relatives(graph: KnowledgeGraph, start: str) -> list[Relatives]:
    """Non-empty relations within one type, by name of the relation."""
    shown = shown_names(graph)
    return [
        Relatives(edge_type, shown[edge_type], incidence(graph, edge_type, start=start))
        for edge_type in sorted(graph.edges)
        if edge_type.source == edge_type.target == start and graph.edges[edge_type].size
    ]


def unit_rows(matrix: csr_array) -> csr_array:
    """Scale every row to length 1, so that products of rows are cosines; empty rows stay empty. Float32.

    Not scikit-learn's `normalize`, which sums in float64: features then differ by 2e-6, trees split elsewhere, and on
    Hetionet macro AP moved by -.003 to +.002 (mean of 5 folds, four split kinds), as with another seed.
    """
    lengths = np.sqrt(matrix.multiply(matrix).sum(axis=1))
    return csr_array(diags_array(1 / np.maximum(lengths, np.finfo(np.float32).tiny)) @ matrix, dtype=np.float32)


def top_of_rows(matrix: csr_array, count: int) -> csr_array:
    """Keep the `count` largest entries of each row; ties go to the first columns."""
    sizes = np.diff(matrix.indptr)
    if sizes.max(initial=0) <= count:
        return matrix
    row = np.repeat(np.arange(matrix.shape[0]), sizes)
    order = np.lexsort((matrix.indices, -matrix.data, row))
    place = np.arange(len(order)) - matrix.indptr[:-1][row]
    kept = np.sort(order[place < count])
    return csr_array((matrix.data[kept], (row[kept], matrix.indices[kept])), shape=matrix.shape)


def _steps(graph: KnowledgeGraph, start: str) -> Iterator[tuple[EdgeType, str]]:
    """Edge types at a node type, with the node type of the other end."""
    for edge_type in sorted(graph.edges):
        if edge_type.source == start:
            yield edge_type, edge_type.target
        elif edge_type.target == start:
            yield edge_type, edge_type.source


def heaviest(matrix: csr_array, *, num_starts: int) -> csr_array:
    """Keep the heaviest entries of each row of a two-step walk, at most MAX_ENTRIES for all starts together."""
    return top_of_rows(matrix, max(1, MAX_ENTRIES // num_starts))
