"""What the owner of a graph may not know of it: legal, but seldom meant."""

import re
from collections.abc import Iterable, Iterator
from itertools import combinations

import numpy as np

from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph, degrees
from hgt_repurposing.graph.schema import NODE_TYPE, EdgeType, IntArray, is_gene_or_pathway

_UNSEEN = re.compile(r"[\s\u200b-\u200f\u2060\ufeff]+")


def notices(graph: KnowledgeGraph) -> Iterator[str]:
    """A sentence on each thing that looks like a mistake of the files."""
    if graph.unnamed_relations:
        yield (
            "the graph joins drugs and diseases by relations that are named neither as indication nor as "
            f"contraindication or off_label ({', '.join(graph.unnamed_relations)}): nothing is learned from them, and "
            "their pairs have the status 'other'"
        )
    yield from _contradictions(graph)
    yield from _misplaced(graph)
    if not any(map(is_gene_or_pathway, graph.num_nodes)):
        yield (
            f"no node type is named after genes, proteins or pathways ({', '.join(map(repr, graph.num_nodes))}): "
            "features and baselines that go through genes are left out"
        )
    yield from _namesakes("relations", {edge_type.relation for edge_type in graph.edges})
    yield from _namesakes("node types", graph.num_nodes)
    for one, other in _turned_round(graph):
        yield (
            f"{one} and {other} hold the same {graph.edges[one].shape[1]:,} edges, each turned round in the other: "
            f"where they say the same, exclude can leave one out ({one.relation!r} or {other.relation!r})"
        )


def isolated_nodes(graph: KnowledgeGraph) -> list[tuple[str, int, int]]:
    """Node types with nodes that no edge touches: name, number of these, and of all its nodes."""
    alone = degrees(graph).query("degree == 0")[NODE_TYPE].value_counts()
    return [(t, int(alone[t]), total) for t, total in graph.num_nodes.items() if t in alone.index]


def _contradictions(graph: KnowledgeGraph) -> Iterator[str]:
    """Pairs that are an indication and something else as well."""
    treats = np.ravel_multi_index(graph.indications, graph.grid_shape)
    for what, pairs in (("contraindications", graph.contraindicated_pairs), ("off-label uses", graph.off_label_pairs)):
        both = int(np.isin(np.ravel_multi_index(pairs, graph.grid_shape), treats).sum())
        if both:
            yield (
                f"{both:,} of {pairs.shape[1]:,} {what} are indications as well: they count, and are listed, as "
                "indications"
            )


def _misplaced(graph: KnowledgeGraph) -> Iterator[str]:
    """Edges of a relation between drugs and diseases that join something else."""
    for edge_type, index in graph.edges.items():
        if edge_type.relation in graph.therapeutic.drug_disease and not graph.is_drug_disease(edge_type):
            yield (
                f"{index.shape[1]:,} edges {edge_type} bear the name of a relation between drugs and diseases and do "
                "not join the two: they are edges like any other"
            )


def _namesakes(what: str, names: Iterable[str]) -> Iterator[str]:
    """Names that differ by case or white space within them alone."""
    first: dict[str, str] = {}
    for name in sorted(names):
        seen = first.setdefault(_UNSEEN.sub("", name).casefold(), name)
        if seen != name:
            yield (
                f"the {what} {seen!r} and {name!r} differ by case or white space only and count as two: "
                "if one is meant, write it in one way"
            )


def _turned_round(graph: KnowledgeGraph) -> Iterator[tuple[EdgeType, EdgeType]]:
    """Pairs of edge types of which each holds exactly the edges of the other from target to source."""
    for one, other in combinations(sorted(graph.edges), 2):
        turned = (one.source, one.target) == (other.target, other.source)
        alike = graph.is_symmetric(one) == graph.is_symmetric(other)
        if turned and alike and 0 < graph.edges[one].shape[1] == graph.edges[other].shape[1]:
            edges = graph.edges[other] if graph.is_symmetric(one) else _sorted(graph.edges[other][::-1])
            if np.array_equal(graph.edges[one], edges):
                yield one, other


def _sorted(index: IntArray) -> IntArray:
    return index[:, np.lexsort((index[1], index[0]))]
