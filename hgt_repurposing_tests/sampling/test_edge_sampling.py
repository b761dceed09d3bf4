"""Mini graphs: what they hold, what they hide, and that they repeat."""

import math

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from hgt_repurposing.graph.hetero_data import to_hetero_data
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph, build_knowledge_graph
from hgt_repurposing.graph.schema import EDGE_COLUMNS, NODE_COLUMNS, TherapeuticRelations
from hgt_repurposing.graph.split import message_graph
from hgt_repurposing.sampling.edge_sampling import SUPERVISION_SHARE, EdgeSampler, FullGraphSampler
from hgt_repurposing.sampling.flat_graph import FlatGraph
from hgt_repurposing.sampling.minibatch import MiniBatch, TypedEdges

Sampler = type[EdgeSampler] | type[FullGraphSampler]


@pytest.fixture(scope="module")
def flat(demo_graph: KnowledgeGraph) -> FlatGraph:
    return FlatGraph.from_hetero_data(to_hetero_data(message_graph(demo_graph)))


def draw(sampler: Sampler, flat: FlatGraph, *, k: int = 60, seed: int = 0) -> MiniBatch:
    generator = torch.Generator().manual_seed(seed)
    return sampler(flat, num_edges_per_type=k, generator=generator).sample_subgraph()


def keys(batch: MiniBatch, edges: TypedEdges, num_nodes: int) -> set[tuple[int, int, int]]:
    """Edges as (relation, global source, global target)."""
    source, target = batch.node_index[edges.source], batch.node_index[edges.target]
    assert int(source.max()) < num_nodes
    return set(zip(edges.relation.tolist(), source.tolist(), target.tolist(), strict=True))


@pytest.mark.parametrize("sampler", [EdgeSampler, FullGraphSampler])
def test_every_edge_of_the_mini_graph_is_an_edge_of_the_graph(flat: FlatGraph, sampler: Sampler) -> None:
    batch = draw(sampler, flat)
    for edges in (batch.messages, batch.positives):
        for relation, source, target in keys(batch, edges, flat.num_nodes):
            assert flat.has_edge(relation, torch.tensor([source]), torch.tensor([target])).item()


@pytest.mark.parametrize("sampler", [EdgeSampler, FullGraphSampler])
def test_no_supervision_edge_carries_a_message_in_either_direction(flat: FlatGraph, sampler: Sampler) -> None:
    batch = draw(sampler, flat, k=500)
    scored = keys(batch, batch.positives, flat.num_nodes)
    turned = {(flat.mirror[relation], target, source) for relation, source, target in scored}
    carrying = keys(batch, batch.messages, flat.num_nodes)
    assert not carrying & scored
    assert not carrying & turned


def test_each_edge_type_gives_k_edges(flat: FlatGraph) -> None:
    generator = torch.Generator().manual_seed(0)
    sampler = EdgeSampler(flat, num_edges_per_type=60, generator=generator)
    drawn = [sampler._draw(relation) for relation in range(flat.num_relations)]
    assert [edges.numel() for edges in drawn] == [min(60, sources.numel()) for sources in flat.sources]


def test_a_pass_draws_no_edge_twice(flat: FlatGraph) -> None:
    sampler = EdgeSampler(flat, num_edges_per_type=50, generator=torch.Generator().manual_seed(0))
    total = flat.sources[0].numel()
    drawn = torch.cat([sampler._draw(0) for _ in range(total // 50)])
    assert drawn.unique().numel() == drawn.numel()


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


@given(st.integers(0, 2**31))
def test_corrupted_targets_keep_the_type_and_are_no_edges(seed: int) -> None:
    flat = FlatGraph.from_hetero_data(to_hetero_data(message_graph(_small_graph())))
    batch = draw(FullGraphSampler, flat, k=1000, seed=seed)
    source, _, relation = batch.positives
    for s, r, t in zip(source, relation, batch.negative_target, strict=True):
        wanted = flat.metadata.node_types.index(flat.metadata.relations[int(r)].target)
        assert batch.type_ptr[wanted] <= int(t) < batch.type_ptr[wanted + 1]
        ends = batch.node_index[s : s + 1], batch.node_index[t : t + 1]
        assert not flat.has_edge(int(r), *ends).item()


@pytest.mark.parametrize("sampler", [EdgeSampler, FullGraphSampler])
def test_one_seed_gives_one_batch(flat: FlatGraph, sampler: Sampler) -> None:
    first, second = draw(sampler, flat, seed=7), draw(sampler, flat, seed=7)
    assert torch.equal(first.node_index, second.node_index)
    assert all(torch.equal(a, b) for a, b in zip(first.messages, second.messages, strict=True))
    assert torch.equal(first.negative_target, second.negative_target)


def test_the_full_graph_sampler_leaves_out_only_supervision(flat: FlatGraph) -> None:
    batch = draw(FullGraphSampler, flat, k=10)
    total = sum(sources.numel() for sources in flat.sources)
    scored = keys(batch, batch.positives, flat.num_nodes)
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
