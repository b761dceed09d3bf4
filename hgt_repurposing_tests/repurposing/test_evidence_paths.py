"""Paths from a drug to a disease: which there are, what they weigh, and that they are those of the features."""

from collections.abc import Iterator
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.schema import EdgeType
from hgt_repurposing.repurposing import evidence_paths
from hgt_repurposing.repurposing.evidence_paths import Node, Path, PathFinder
from hgt_repurposing.repurposing.neighbourhoods import neighbourhoods_of
from hgt_repurposing_tests.graph.small_graphs import graph_of
from hgt_repurposing_tests.repurposing.planted import NUM_DISEASES, NUM_DRUGS, planted_graph

BINDS, CARRIES = EdgeType("drug", "binds", "gene"), EdgeType("disease", "carries", "gene")
INTERACTS = EdgeType("gene", "interacts", "gene")
GRAPH = graph_of(
    {"drug": 2, "disease": 2, "gene": 3},
    {
        ("drug", "indication", "disease"): [(1, 1)],
        BINDS: [(0, 0), (0, 1), (1, 2)],
        CARRIES: [(0, 0), (1, 2)],
        INTERACTS: [(0, 1)],
    },
)


def finder(graph: KnowledgeGraph = GRAPH) -> PathFinder:
    return PathFinder(graph, neighbourhoods_of(graph).paths)


@cache
def planted() -> PathFinder:
    return finder(planted_graph())


def in_short(path: Path) -> tuple[str, ...]:
    return tuple(f"{node.node_type} {node.local_index}" for node in path.nodes)


def test_every_path_is_named_node_by_node() -> None:
    found = finder().paths(0, 0, top=10)
    assert {in_short(path) for path in found} == {
        ("drug 0", "gene 0", "disease 0"),
        ("drug 0", "gene 1", "gene 0", "disease 0"),
    }
    (direct,) = (path for path in found if len(path.nodes) == 3)
    assert direct.edges == (BINDS, CARRIES)
    (longer,) = (path for path in found if len(path.nodes) == 4)
    assert longer.edges == (BINDS, INTERACTS, CARRIES)


def test_where_nothing_joins_the_two_there_is_no_path() -> None:
    assert finder().paths(0, 1, top=10) == []


def test_treatments_are_no_paths() -> None:
    for drug, disease in np.ndindex(2, 2):
        for path in finder().paths(drug, disease, top=100):
            assert all(edge.relation != "indication" for edge in path.edges)
            assert [node.node_type for node in path.nodes].count("drug") == 1


pairs = (st.integers(0, NUM_DRUGS - 1), st.integers(0, NUM_DISEASES - 1))


@given(*pairs)
def test_the_shares_of_all_paths_sum_to_one(drug: int, disease: int) -> None:
    found = all_paths(drug, disease)
    if found:
        assert sum(path.share for path in found) == pytest.approx(1, abs=1e-5)
        assert [path.share for path in found] == sorted((path.share for path in found), reverse=True)


def all_paths(drug: int, disease: int) -> list[Path]:
    """However many."""
    many = pytest.MonkeyPatch()
    with many.context() as patch:
        patch.setattr(evidence_paths, "ENDS_PER_METAPATH", 10**6)
        patch.setattr(evidence_paths, "WAYS_PER_END", 10**6)
        return planted().paths(drug, disease, top=10**6)


def joined(graph: KnowledgeGraph) -> set[tuple[Node, Node, EdgeType]]:
    """Every edge, in both directions."""
    found = set()
    for edge_type, index in graph.edges.items():
        for source, target in index.T.tolist():
            ends = Node(edge_type.source, source), Node(edge_type.target, target)
            found |= {(*ends, edge_type), (*ends[::-1], edge_type)}
    return found


@given(*pairs)
def test_every_step_is_an_edge_of_the_graph(drug: int, disease: int) -> None:
    edges = joined(planted().graph)
    for path in planted().paths(drug, disease, top=50):
        steps: Iterator[tuple[Node, Node]] = pairwise(path.nodes)
        assert all((*ends, edge) in edges for ends, edge in zip(steps, path.edges, strict=True))
        assert path.nodes[0] == Node("drug", drug)
        assert path.nodes[-1] == Node("disease", disease)


def test_the_heaviest_are_kept_where_there_are_many() -> None:
    few, everything = planted().paths(0, 0, top=3), all_paths(0, 0)
    assert few == everything[:3]


def test_where_only_some_ends_are_followed_they_are_the_heaviest(monkeypatch: pytest.MonkeyPatch) -> None:
    everything = all_paths(0, 0)
    monkeypatch.setattr(evidence_paths, "ENDS_PER_METAPATH", 1)
    monkeypatch.setattr(evidence_paths, "WAYS_PER_END", 10**6)
    by_end: dict[tuple[str, int], float] = {}
    direct = [path for path in everything if len(path.nodes) == 3]
    for path in direct:
        key = (path.metapath, path.nodes[1].local_index)
        by_end[key] = by_end.get(key, 0) + path.share
    for metapath in {path.metapath for path in direct}:
        best = max((share, end) for (name, end), share in by_end.items() if name == metapath)[0]
        (followed,) = {
            path.nodes[1].local_index for path in planted().paths(0, 0, top=10**6) if path.metapath == metapath
        }
        assert by_end[metapath, followed] == pytest.approx(best)


def test_an_edge_that_was_taken_out_is_on_no_path() -> None:
    graph = GRAPH.without([INTERACTS])
    assert {in_short(path) for path in finder(graph).paths(0, 0, top=10)} == {("drug 0", "gene 0", "disease 0")}
