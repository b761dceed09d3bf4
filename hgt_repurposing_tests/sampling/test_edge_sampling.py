"""Mini graphs: what they hold, what they hide, and that they repeat."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from hgt_repurposing.graph.hetero_data import to_hetero_data
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph, build_knowledge_graph
from hgt_repurposing.graph.message_graph import message_graph
from hgt_repurposing.graph.schema import EDGE_COLUMNS, NODE_COLUMNS, TherapeuticRelations
from hgt_repurposing.sampling.edge_sampling import SUPERVISION_SHARE, EdgeSampler, FullGraphSampler
from hgt_repurposing.sampling.flat_graph import FlatGraph
from hgt_repurposing.sampling.minibatch import MiniBatch
from hgt_repurposing_tests.sampling.batches import assert_same_batch, triples

SamplerType = type[EdgeSampler] | type[FullGraphSampler]


def draw(
    sampler: SamplerType, flat: FlatGraph, *, k: int = 60, num_negatives: int = 1, seed: int = 0, step: int = 0
) -> MiniBatch:
    return sampler(flat, num_edges_per_type=k, num_negatives=num_negatives, seed=seed).sample(step)


@pytest.mark.parametrize("sampler", [EdgeSampler, FullGraphSampler])
def test_every_edge_of_the_mini_graph_is_an_edge_of_the_graph(flat: FlatGraph, sampler: SamplerType) -> None:
    batch = draw(sampler, flat)
    for edges in (batch.messages, batch.positives):
        source, target = batch.node_index[edges.source], batch.node_index[edges.target]
        assert bool(flat.has_edge(edges.relation, source, target).all())


@pytest.mark.parametrize("sampler", [EdgeSampler, FullGraphSampler])
def test_no_supervision_edge_carries_a_message_in_either_direction(flat: FlatGraph, sampler: SamplerType) -> None:
    batch = draw(sampler, flat, k=500)
    scored = triples(batch, batch.positives)
    turned = {(flat.mirror[relation], target, source) for relation, source, target in scored}
    carrying = triples(batch, batch.messages)
    assert not carrying & scored
    assert not carrying & turned


def test_each_edge_type_gives_k_edges(flat: FlatGraph) -> None:
    sampler = EdgeSampler(flat, num_edges_per_type=60, num_negatives=1, seed=0)
    drawn = [draw.at(0).numel() for draw in sampler._draws]
    assert drawn == [min(60, sources.numel()) for sources in flat.sources]


@pytest.mark.parametrize("sampler", [EdgeSampler, FullGraphSampler])
def test_a_pass_scores_no_edge_twice(flat: FlatGraph, sampler: SamplerType) -> None:
    one = sampler(flat, num_edges_per_type=50, num_negatives=1, seed=0)
    scored = [triples(batch, batch.positives) for batch in (one.sample(step) for step in range(8))]
    assert min(sources.numel() for sources in flat.sources) > 8 * 50, "or a second pass would have begun"
    assert sum(map(len, scored)) == len(set().union(*scored)) > 8 * 10


def test_only_touched_nodes_are_kept_and_types_are_told_apart(flat: FlatGraph) -> None:
    batch = draw(EdgeSampler, flat)
    ends = torch.cat([batch.messages.source, batch.messages.target, batch.positives.source, batch.positives.target])
    expected = sum(math.ceil(min(60, sources.numel()) * SUPERVISION_SHARE) for sources in flat.sources)
    dropped = expected - batch.positives.source.numel()  # linked to every target of the type, hence no negative
    assert batch.num_nodes - ends.unique().numel() <= 2 * dropped
    assert dropped < 20
    for number in range(len(flat.metadata.node_types)):
        members = batch.node_index[batch.type_ptr[number] : batch.type_ptr[number + 1]]
        assert bool(((members >= flat.type_ptr[number]) & (members < flat.type_ptr[number + 1])).all())


@given(st.integers(0, 2**31), st.integers(1, 5))
def test_corrupted_targets_keep_the_type_and_are_no_edges(seed: int, num_negatives: int) -> None:
    flat = FlatGraph.from_hetero_data(to_hetero_data(message_graph(_small_graph())))
    batch = draw(FullGraphSampler, flat, k=1000, num_negatives=num_negatives, seed=seed)
    assert batch.negative_target.shape == (batch.positives.source.numel(), num_negatives)
    for s, r, targets in zip(batch.positives.source, batch.positives.relation, batch.negative_target, strict=True):
        wanted = flat.metadata.node_types.index(flat.metadata.relations[int(r)].target)
        assert bool(((targets >= batch.type_ptr[wanted]) & (targets < batch.type_ptr[wanted + 1])).all())
        assert not flat.has_edge(r, batch.node_index[s], batch.node_index[targets]).any()


def test_every_positive_weighs_one(flat: FlatGraph) -> None:
    batch = draw(EdgeSampler, flat)
    assert torch.equal(batch.weight, torch.ones(batch.positives.source.numel()))


@pytest.mark.parametrize("sampler", [EdgeSampler, FullGraphSampler])
def test_a_batch_follows_from_seed_and_step_alone(flat: FlatGraph, sampler: SamplerType) -> None:
    first = sampler(flat, num_edges_per_type=60, num_negatives=2, seed=7)
    there = [first.sample(step) for step in (0, 1, 30, 2)]
    back = [sampler(flat, num_edges_per_type=60, num_negatives=2, seed=7).sample(step) for step in (2, 30, 1, 0)]
    for one, other in zip(there, reversed(back), strict=True):
        assert_same_batch(one, other)


def test_negatives_are_drawn_anew_at_every_step(flat: FlatGraph) -> None:
    # The full graph has the same nodes at every step, so the same random numbers would give the same nodes.
    one = FullGraphSampler(flat, num_edges_per_type=100, num_negatives=1, seed=0)
    first, second = (one.sample(step).negative_target[:25] for step in (0, 1))
    assert int((first == second).sum()) < 3


@pytest.mark.parametrize("sampler", [EdgeSampler, FullGraphSampler])
def test_another_seed_and_another_step_give_another_batch(flat: FlatGraph, sampler: SamplerType) -> None:
    batches = [draw(sampler, flat, seed=seed, step=step) for seed, step in ((0, 0), (0, 1), (1, 0))]
    scored = [triples(batch, batch.positives) for batch in batches]
    assert all(a != b for a, b in itertools.combinations(scored, 2))


def test_the_full_graph_sampler_leaves_out_only_supervision(flat: FlatGraph) -> None:
    batch = draw(FullGraphSampler, flat, k=10)
    total = sum(sources.numel() for sources in flat.sources)
    scored = triples(batch, batch.positives)
    dropped = 10 * flat.num_relations - len(scored)
    assert total - 2 * (len(scored) + dropped) <= batch.messages.source.numel() < total


def _small_graph() -> KnowledgeGraph:
    generator = np.random.default_rng(0)
    nodes = [(t, f"{t}{i}", f"{t}{i}") for t in ("drug", "disease", "gene") for i in range(8)]
    edges = [("drug", "drug0", "indication", "disease", "disease0")]
    for source, relation, target in (("drug", "hits", "gene"), ("disease", "has", "gene"), ("gene", "binds", "gene")):
        ends = generator.integers(8, size=(20, 2))
        edges += [(source, f"{source}{a}", relation, target, f"{target}{b}") for a, b in ends]
    return build_knowledge_graph(
        pd.DataFrame(nodes, columns=list(NODE_COLUMNS)),
        pd.DataFrame(edges, columns=list(EDGE_COLUMNS)),
        therapeutic=TherapeuticRelations(),
    )
