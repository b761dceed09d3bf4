"""Mini graphs around seeds: compared with a naive expansion, and what they leave out."""

from collections import Counter
from collections.abc import Sequence

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from hgt_repurposing.graph.hetero_data import to_hetero_data
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.message_graph import message_graph
from hgt_repurposing.sampling.flat_graph import FlatGraph
from hgt_repurposing.sampling.minibatch import MiniBatch
from hgt_repurposing.sampling.neighbor_sampling import NeighborSampler
from hgt_repurposing_tests.sampling.batches import Triple, assert_same_batch, triples
from hgt_repurposing_tests.strategies import knowledge_graphs


def sampler(
    flat: FlatGraph, *, num_seeds: int = 20, fan_outs: Sequence[int] = (3, 2), num_negatives: int = 2, seed: int = 0
) -> NeighborSampler:
    return NeighborSampler(flat, num_seeds=num_seeds, fan_outs=fan_outs, num_negatives=num_negatives, seed=seed)


def all_triples(flat: FlatGraph) -> Counter[Triple]:
    """Each edge once, but a loop of a symmetric relation twice: it is its own reverse."""
    ends = zip(flat.sources, flat.targets, strict=True)
    return Counter(
        (relation, source, target)
        for relation, (sources, targets) in enumerate(ends)
        for source, target in zip(sources.tolist(), targets.tolist(), strict=True)
    )


def turned(flat: FlatGraph, edges: set[Triple]) -> set[Triple]:
    return {(flat.mirror[relation], target, source) for relation, source, target in edges}


def scored_nodes(batch: MiniBatch) -> set[int]:
    """Global ids of the ends of the positives and of the negatives."""
    places = torch.cat([batch.positives.source, batch.positives.target, batch.negative_target.flatten()])
    return set(batch.node_index[places].tolist())


def naive_expansion(edges: set[Triple], around: set[int], num_hops: int) -> set[Triple]:
    """All edges that arrive, hop by hop."""
    found, new, taken = set(around), set(around), set[Triple]()
    for _ in range(num_hops):
        arriving = {edge for edge in edges if edge[2] in new}
        taken |= arriving
        new = {source for _, source, _ in arriving} - found
        found |= new
    return taken


@given(knowledge_graphs(), st.integers(1, 6), st.integers(1, 3), st.integers(0, 2**31))
def test_with_large_fan_outs_it_is_the_naive_expansion(
    graph: KnowledgeGraph, num_seeds: int, num_hops: int, seed: int
) -> None:
    visible = message_graph(graph)
    assume(visible.num_edges > 0)
    flat = FlatGraph.from_hetero_data(to_hetero_data(visible))
    batch = sampler(flat, num_seeds=num_seeds, fan_outs=[100] * num_hops, seed=seed).sample(0)
    scored = triples(batch, batch.positives)
    edges = all_triples(flat)
    expected = naive_expansion(set(edges) - scored - turned(flat, scored), scored_nodes(batch), num_hops)
    assert triples(batch, batch.messages) == expected
    assert batch.messages.source.numel() == sum(edges[edge] for edge in expected), "no edge is drawn twice"


def test_small_fan_outs_draw_within_the_naive_expansion(flat: FlatGraph) -> None:
    batch = sampler(flat).sample(0)
    everything = naive_expansion(set(all_triples(flat)), scored_nodes(batch), 2)
    assert triples(batch, batch.messages) < everything
    assert triples(batch, batch.positives) <= set(all_triples(flat))


def test_no_node_receives_more_edges_of_a_relation_than_the_fan_out_of_its_hop(flat: FlatGraph) -> None:
    batch = sampler(flat, fan_outs=(3, 5)).sample(0)
    first = scored_nodes(batch)
    arriving = Counter((relation, target) for relation, _, target in triples(batch, batch.messages))
    near = max(count for (_, target), count in arriving.items() if target in first)
    far = max(count for (_, target), count in arriving.items() if target not in first)
    assert (near, far) == (3, 5)


def test_no_scored_edge_carries_a_message_in_either_direction(flat: FlatGraph) -> None:
    batch = sampler(flat, num_seeds=400, fan_outs=(50, 50)).sample(0)
    scored = triples(batch, batch.positives)
    carrying = triples(batch, batch.messages)
    assert {flat.is_symmetric(relation) for relation, _, _ in scored} == {True, False}
    assert not carrying & scored
    assert not carrying & turned(flat, scored)


def test_only_touched_nodes_are_in_the_mini_graph(flat: FlatGraph) -> None:
    batch = sampler(flat).sample(0)
    ends = {node for _, source, target in triples(batch, batch.messages) for node in (source, target)}
    assert set(batch.node_index.tolist()) == ends | scored_nodes(batch)


def test_a_pass_starts_from_every_node_with_an_out_edge_once(flat: FlatGraph) -> None:
    leaving = torch.cat(flat.sources).unique()
    num_seeds = 50
    one = sampler(flat, num_seeds=num_seeds)
    seeds = torch.cat([one.seed_nodes(step) for step in range(leaving.numel() // num_seeds)])
    assert seeds.unique().numel() == seeds.numel() > leaving.numel() - num_seeds
    assert set(seeds.tolist()) <= set(leaving.tolist())


def test_each_seed_scores_one_edge_of_every_relation_that_leaves_it(flat: FlatGraph) -> None:
    one = sampler(flat, num_seeds=40, num_negatives=20)  # so many that a negative is found for every edge
    batch = one.sample(0)
    seeds = set(one.seed_nodes(0).tolist())
    leaving = {(relation, source) for relation, source, _ in all_triples(flat) if source in seeds}
    scored = Counter((relation, source) for relation, source, _ in triples(batch, batch.positives))
    assert scored == dict.fromkeys(leaving, 1)


@pytest.mark.parametrize("symmetric", [True, False])
def test_the_scored_edge_is_any_out_edge_of_the_seed(flat: FlatGraph, *, symmetric: bool) -> None:
    relation = next(r for r in range(flat.num_relations) if flat.is_symmetric(r) is symmetric)
    sources, targets = flat.sources[relation], flat.targets[relation]
    seed_node = int((sources.bincount() == 6).nonzero()[0])
    one, drawn = sampler(flat), set()
    for seed in range(6 * 20):
        edges = one._out_edges(torch.tensor([seed_node]), generator=torch.Generator().manual_seed(seed))[relation]
        assert sources[edges].tolist() == [seed_node]
        drawn.add(int(targets[edges]))
    assert drawn == set(targets[sources == seed_node].tolist())  # each of the six is missed with a chance of e^-20


def test_negatives_come_from_all_nodes_of_the_target_type_and_are_no_edges(flat: FlatGraph) -> None:
    batch = sampler(flat, num_seeds=5, fan_outs=(1,), num_negatives=50).sample(0)
    types, edges = flat.metadata.node_types, set(all_triples(flat))
    for relation, source, targets in zip(
        batch.positives.relation, batch.positives.source, batch.negative_target, strict=True
    ):
        number = types.index(flat.metadata.relations[int(relation)].target)
        nodes = batch.node_index[targets].tolist()
        assert all(flat.type_ptr[number] <= node < flat.type_ptr[number + 1] for node in nodes)
        assert not {(int(relation), int(batch.node_index[source]), node) for node in nodes} & edges
        assert len(set(nodes)) > 25


def test_a_batch_follows_from_seed_and_step_alone(flat: FlatGraph) -> None:
    first, second = sampler(flat, seed=3), sampler(flat, seed=3)
    there = {step: first.sample(step) for step in (0, 1, 90)}
    for step in (90, 0, 1):
        assert_same_batch(second.sample(step), there[step])
    assert triples(there[0], there[0].positives) != triples(there[1], there[1].positives)
    other = sampler(flat, seed=4).sample(0)
    assert triples(there[0], there[0].positives) != triples(other, other.positives)


def test_types_are_told_apart(flat: FlatGraph) -> None:
    batch = sampler(flat).sample(0)
    for number in range(len(flat.metadata.node_types)):
        members = batch.node_index[batch.type_ptr[number] : batch.type_ptr[number + 1]]
        assert bool(((members >= flat.type_ptr[number]) & (members < flat.type_ptr[number + 1])).all())


@pytest.mark.parametrize("fan_outs", [(), (3, 0)])
def test_fan_outs_must_say_something(flat: FlatGraph, fan_outs: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"fan_outs must have at least one hop .*\(got "):
        sampler(flat, fan_outs=fan_outs)
