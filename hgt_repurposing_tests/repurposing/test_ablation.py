"""A pair scored without its evidence: what is taken out, and what becomes of the pair."""

from collections.abc import Sequence
from functools import cache
from itertools import pairwise

import numpy as np
import pytest

from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.repurposing import ablation
from hgt_repurposing.repurposing.ablation import Ablation, Ablator, Deletion, Place, ranked_evidence
from hgt_repurposing.repurposing.evidence_paths import Node
from hgt_repurposing.repurposing.explanation import Explainer
from hgt_repurposing.repurposing.neighbourhoods import Neighbourhoods
from hgt_repurposing.repurposing.reduced_neighbourhoods import WholeGraph, reduced_neighbourhoods
from hgt_repurposing_tests.repurposing.planted import INDICATION, NUM_DISEASES, planted_pairs
from hgt_repurposing_tests.repurposing.test_explanation import explainer


def ablated(drug: int, disease: int, *, num_draws: int = 1) -> Ablation:
    found = explainer().explain(drug, disease)
    return Ablator(explainer()).ablate(found, np.random.default_rng(0), num_draws=num_draws)


@cache
def graphs_of(drug: int, disease: int) -> list[KnowledgeGraph]:
    """The graphs that are scored instead: without the evidence, then without random edges."""
    seen: list[KnowledgeGraph] = []

    def kept(whole: WholeGraph, left: KnowledgeGraph, of: int) -> Neighbourhoods:
        seen.append(left)
        return reduced_neighbourhoods(whole, left, of)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("hgt_repurposing.repurposing.ablation.reduced_neighbourhoods", kept)
        ablated(drug, disease)
    return seen


def test_before_is_the_score_of_the_model() -> None:
    scores = explainer().scorer.indications(np.array([8]))[:, 0]
    before = ablated(3, 8).before
    assert before.log_odds == pytest.approx(scores[3])
    assert before.rank == 1 + (scores > scores[3]).sum()


def test_the_edges_of_the_named_paths_are_gone() -> None:
    without, _ = graphs_of(3, 8)
    for path in explainer().explain(3, 8).paths[: ablation.NUM_PATHS]:
        for edge_type, (one, other) in zip(path.edges, zip(path.nodes, path.nodes[1:], strict=False), strict=True):
            left = set(map(tuple, without.edges[edge_type].T.tolist()))
            ends = (one.local_index, other.local_index)
            stored = ends if one.node_type == edge_type.source else ends[::-1]
            assert stored not in left


def test_the_treatments_of_the_most_similar_are_gone() -> None:
    without, _ = graphs_of(3, 8)
    found, left = explainer().explain(3, 8), set(map(tuple, without.edges[INDICATION].T.tolist()))
    gone = {(each.node.local_index, 8) for each in found.similar_drugs[: ablation.NUM_SIMILAR]}
    gone |= {(3, each.node.local_index) for each in found.similar_diseases[: ablation.NUM_SIMILAR]}
    assert gone
    assert left == set(map(tuple, planted_pairs().T.tolist())) - gone


def test_as_many_random_edges_of_the_same_types_are_gone() -> None:
    without, random = graphs_of(3, 8)
    sizes = [{t: index.shape[1] for t, index in graph.edges.items()} for graph in (without, random)]
    assert sizes[0] == sizes[1]
    assert sum(sizes[0].values()) < explainer().graph.num_edges


@pytest.mark.slow
def test_kernels_are_not_computed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = ablated(3, 8)

    def computed(*_: object) -> None:
        raise AssertionError("they take most of the time")

    monkeypatch.setattr("hgt_repurposing.repurposing.neighbourhoods.similarity_kernel", computed)
    assert ablated(3, 8) == expected


def test_evidence_matters_more_than_random_edges() -> None:
    """For treatments by a drug of the disease's module, whose neighbours treat it, too."""
    treatments = planted_pairs().T[::10].tolist()
    found = [ablated(drug, disease) for drug, disease in treatments]
    assert np.mean([each.matters for each in found]) >= 0.75


@pytest.mark.parametrize(
    ("without", "random", "matters"),
    [
        (Place(0.0, 9), [Place(1.0, 3)], True),
        (Place(0.0, 3), [Place(1.0, 3)], True),  # same rank, lower score
        (Place(1.0, 3), [Place(1.0, 3)], False),
        (Place(0.0, 3), [Place(1.0, 2), Place(1.0, 5)], False),
    ],
)
def test_ranks_count_before_scores(without: Place, random: list[Place], *, matters: bool) -> None:
    assert Ablation(Place(2.0, 1), without, tuple(random), {}).matters is matters


def curve(drug: int, disease: int, counts: Sequence[int] = (1, 2, 4, 8, 1000)) -> Deletion:
    found = explainer().explain(drug, disease)
    return Ablator(explainer()).deletion(found, counts, np.random.default_rng(0))


def test_evidence_is_ranked_by_what_it_stands_for() -> None:
    found, graph = explainer().explain(3, 8), explainer().graph
    pieces = ranked_evidence(found, graph)
    worth = [piece.log_odds for piece in pieces]
    assert worth == sorted(worth, reverse=True)
    assert len({(piece.edge_type, piece.column) for piece in pieces}) == len(pieces)
    named = {(piece.edge_type, *graph.edges[piece.edge_type][:, piece.column].tolist()) for piece in pieces}
    treatments = {(INDICATION, each.node.local_index, 8) for each in found.similar_drugs}
    treatments |= {(INDICATION, 3, each.node.local_index) for each in found.similar_diseases}
    assert treatments == {edge for edge in named if edge[0] == INDICATION}
    ends = {frozenset(pair) for path in found.paths for pair in pairwise(path.nodes)}
    of_paths = {
        frozenset((Node(edge_type.source, source), Node(edge_type.target, target)))
        for edge_type, source, target in named
        if edge_type != INDICATION
    }
    assert of_paths == ends


def test_what_a_kind_of_evidence_adds_is_shared_by_its_edges() -> None:
    found, graph = explainer().explain(3, 8), explainer().graph
    group = found.decomposition.by_group
    worth = sum(
        max(group[kind] + (group["both"] + group["shared treatments"]) / 2, ablation.LEAST_WORTH)
        for kind in ("similar drugs", "similar diseases")
    )
    pieces = ranked_evidence(found, graph)
    assert sum(p.log_odds for p in pieces if p.edge_type == INDICATION) == pytest.approx(worth)


def test_more_and_more_of_the_evidence_is_taken_out() -> None:
    """For treatments; a count beyond all evidence takes out all."""
    curves = [curve(drug, disease, counts=(1, 8, 1000)) for drug, disease in planted_pairs().T[::30].tolist()]
    assert all(len(each.without_evidence) == len(each.without_random) == 3 for each in curves)
    assert all(0 < each.num_pieces < 1000 for each in curves)
    first, some, every = np.mean([[place.log_odds for place in each.without_evidence] for each in curves], axis=0)
    before = np.mean([each.before.log_odds for each in curves])
    assert every < some < first < before


def test_without_any_edge_taken_out_nothing_changes() -> None:
    found = curve(3, 8, counts=(0,))
    assert found.without_evidence == found.without_random == (found.before,)


def test_the_same_seed_gives_the_same_draws() -> None:
    assert ablated(3, 8, num_draws=2) == ablated(3, 8, num_draws=2)
    assert len(ablated(3, 8, num_draws=2).without_random) == 2


def test_the_explainer_is_as_before() -> None:
    before = explainer().scorer.indications(np.arange(NUM_DISEASES))
    ablated(3, 8)
    assert isinstance(explainer(), Explainer)
    np.testing.assert_array_equal(explainer().scorer.indications(np.arange(NUM_DISEASES)), before)
