"""Notices about a graph: valid, but probably unintended."""

import re
from collections.abc import Iterable, Iterator
from itertools import combinations

import numpy as np

from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph, degrees
from hgt_repurposing.graph.schema import NODE_TYPE, EdgeType, IntArray, is_gene_or_pathway

_UNSEEN = re.compile(r"[\s\u200b-\u200f\u2060\ufeff]+")


def notices(graph: KnowledgeGraph) -> Iterator[str]:
    """Describe everything that looks like a mistake in the files, one sentence each."""
    if graph.unnamed_relations:
        yield (
            "the graph has drug-disease relations whose meaning is undeclared "
            f"({', '.join(graph.unnamed_relations)}): their pairs get the status "
            "'other', and the model takes them for pairs without a treatment"
        )
    yield from _contradictions(graph)
    yield from _misplaced(graph)
    if not any(map(is_gene_or_pathway, graph.num_nodes)):
        yield (
            f"no node type is named after genes, proteins or pathways ({', '.join(map(repr, graph.num_nodes))}): "
            "features and baselines that use genes are left out"
        )
    yield from _namesakes("relations", {edge_type.relation for edge_type in graph.edges})
    yield from _namesakes("node types", graph.num_nodes)
    yield from _area_notices(graph)
    for one, other in _turned_round(graph):
        yield (
            f"{one} and {other} hold the same {graph.edges[one].shape[1]:,} edges in opposite directions: if they "
            f"mean the same, leave one out with exclude ({one.relation!r} or {other.relation!r})"
        )


def _area_notices(graph: KnowledgeGraph) -> Iterator[str]:
    """Disease areas that tell nothing about the diseases with a treatment, or that are hardly more than diseases."""
    if not graph.disease_areas:
        return
    yield from _namesakes("disease areas", graph.disease_areas)
    inside = np.unique(np.concatenate(list(graph.disease_areas.values())))
    treated = np.unique(graph.indications[1])
    if not np.isin(treated, inside).any():
        yield (
            f"none of the {len(treated):,} diseases with a treatment is in a disease area, so there is nothing to "
            "break the evaluation down by"
        )
    if 2 * len(graph.disease_areas) > len(inside):
        yield (
            f"there are {len(graph.disease_areas):,} disease areas for {len(inside):,} diseases: a relation in is_a "
            "must lead from the narrower disease to the broader one, and a file of areas must group diseases"
        )


def isolated_nodes(graph: KnowledgeGraph) -> list[tuple[str, int, int]]:
    """Node types with isolated nodes: name, number of isolated nodes, number of nodes."""
    alone = degrees(graph).query("degree == 0")[NODE_TYPE].value_counts()
    return [(t, int(alone[t]), total) for t, total in graph.num_nodes.items() if t in alone.index]


def _contradictions(graph: KnowledgeGraph) -> Iterator[str]:
    """Pairs that are an indication and also something else: a contraindication, not indicated, an off-label use."""
    treats = np.ravel_multi_index(graph.indications, graph.grid_shape)
    for what, pairs in (
        ("contraindications", graph.contraindicated_pairs),
        ("pairs recorded as not indicated", graph.not_indicated_pairs),
        ("off-label uses", graph.off_label_pairs),
    ):
        both = int(np.isin(np.ravel_multi_index(pairs, graph.grid_shape), treats).sum())
        if both:
            yield (
                f"{both:,} of {pairs.shape[1]:,} {what} are also indications: they count and are listed as indications"
            )


def _misplaced(graph: KnowledgeGraph) -> Iterator[str]:
    """Edges of a drug-disease relation between other node types."""
    for edge_type, index in graph.edges.items():
        if edge_type.relation in graph.therapeutic.drug_disease and not graph.is_drug_disease(edge_type):
            yield (
                f"{index.shape[1]:,} edges {edge_type} have the name of a drug-disease relation but join other node "
                "types: they are treated as ordinary edges"
            )


def _namesakes(what: str, names: Iterable[str]) -> Iterator[str]:
    """Names that differ only by case or white space."""
    first: dict[str, str] = {}
    for name in sorted(names):
        seen = first.setdefault(_UNSEEN.sub("", name).casefold(), name)
        if seen != name:
            yield (
                f"the {what} {seen!r} and {name!r} differ only by case or white space but count as two: "
                "if they are the same, spell them alike"
            )


def _turned_round(graph: KnowledgeGraph) -> Iterator[tuple[EdgeType, EdgeType]]:
    """Pairs of edge types that hold the same edges in opposite directions."""
    for one, other in combinations(sorted(graph.edges), 2):
        turned = (one.source, one.target) == (other.target, other.source)
        alike = graph.is_symmetric(one) == graph.is_symmetric(other)
        if turned and alike and 0 < graph.edges[one].shape[1] == graph.edges[other].shape[1]:
            edges = graph.edges[other] if graph.is_symmetric(one) else _sorted(graph.edges[other][::-1])
            if np.array_equal(graph.edges[one], edges):
                yield one, other


def _sorted(index: IntArray) -> IntArray:
    return index[:, np.lexsort((index[1], index[0]))]
