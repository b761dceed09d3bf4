"""A pair scored without its evidence: what is taken out, and what becomes of the pair."""

from functools import cache

import numpy as np
import pytest

from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.repurposing import ablation
from hgt_repurposing.repurposing.ablation import Ablation, Ablator, Place
from hgt_repurposing.repurposing.explanation import Explainer
from hgt_repurposing.repurposing.neighbourhoods import Neighbourhoods, neighbourhoods_of
from hgt_repurposing_tests.repurposing.planted import INDICATION, NUM_DISEASES, planted_pairs
from hgt_repurposing_tests.repurposing.test_explanation import explainer


def ablated(drug: int, disease: int, *, num_draws: int = 1) -> Ablation:
    found = explainer().explain(drug, disease)
    return Ablator(explainer()).ablate(found, np.random.default_rng(0), num_draws=num_draws)


@cache
def graphs_of(drug: int, disease: int) -> list[KnowledgeGraph]:
    """The graphs that are scored instead: without the evidence, then without random edges."""
    seen: list[KnowledgeGraph] = []

    def kept(graph: KnowledgeGraph) -> Neighbourhoods:
        seen.append(graph)
        return neighbourhoods_of(graph)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("hgt_repurposing.repurposing.ablation.neighbourhoods_of", kept)
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


def test_the_same_seed_gives_the_same_draws() -> None:
    assert ablated(3, 8, num_draws=2) == ablated(3, 8, num_draws=2)
    assert len(ablated(3, 8, num_draws=2).without_random) == 2


def test_the_explainer_is_as_before() -> None:
    before = explainer().scorer.indications(np.arange(NUM_DISEASES))
    ablated(3, 8)
    assert isinstance(explainer(), Explainer)
    np.testing.assert_array_equal(explainer().scorer.indications(np.arange(NUM_DISEASES)), before)
