"""Padding: few shapes, and nothing of what was there is changed."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch

from hgt_repurposing.graph.hetero_data import to_hetero_data
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.message_graph import message_graph
from hgt_repurposing.model.edge_plan import plan_layers
from hgt_repurposing.model.shape import EncoderShape
from hgt_repurposing.model.trained import HGTModel
from hgt_repurposing.sampling.edge_sampling import EdgeSampler
from hgt_repurposing.sampling.flat_graph import FlatGraph
from hgt_repurposing.sampling.minibatch import MiniBatch, TypedEdges
from hgt_repurposing.sampling.neighbor_sampling import NeighborSampler
from hgt_repurposing.sampling.padding import SERIES, PaddedSampler, Sizes, pad_batch
from hgt_repurposing_tests.sampling.batches import Triple, assert_same_batch, triples


def edge_sampler(flat: FlatGraph) -> EdgeSampler:
    return EdgeSampler(flat, num_edges_per_type=300, num_negatives=2, seed=0)


def batches(flat: FlatGraph) -> list[MiniBatch]:
    around = NeighborSampler(flat, num_seeds=30, fan_outs=(4, 2), num_negatives=3, seed=0)
    return [
        edge_sampler(flat).sample(0),
        EdgeSampler(flat, num_edges_per_type=7, num_negatives=1, seed=0).sample(0),
        around.sample(0),
    ]


def signature(batch: MiniBatch, flat: FlatGraph) -> tuple[int, ...]:
    return tuple(torch.cat(Sizes.of(batch, num_relations=flat.num_relations)).tolist())


def is_dummy(padded: MiniBatch, batch: MiniBatch) -> torch.Tensor:
    """Which local nodes lie behind the true ones of their type."""
    marks = torch.ones(padded.num_nodes, dtype=torch.bool)
    for number, start in enumerate(padded.type_ptr[:-1]):
        marks[start : start + batch.type_ptr[number + 1] - batch.type_ptr[number]] = False
    return marks


def true_edges(edges: TypedEdges, dummy: torch.Tensor) -> TypedEdges:
    return TypedEdges(*(part[~dummy[edges.source]] for part in edges))


def weighted(batch: MiniBatch) -> Counter[tuple[Triple, tuple[int, ...], float]]:
    """Positives in global ids with their negatives and weights, those of weight 0 left out."""
    global_id = batch.node_index.tolist()
    rows = zip(
        *(part.tolist() for part in batch.positives), batch.negative_target.tolist(), batch.weight.tolist(), strict=True
    )
    return Counter(
        ((relation, global_id[source], global_id[target]), tuple(global_id[place] for place in negatives), weight)
        for source, target, relation, negatives, weight in rows
        if weight
    )


def test_every_size_is_one_of_the_series_or_none(flat: FlatGraph) -> None:
    allowed = {0, *SERIES.tolist()}
    for batch in batches(flat):
        assert set(signature(pad_batch(batch, flat), flat)) <= allowed
        assert not set(signature(batch, flat)) <= allowed


def test_the_series_has_four_steps_per_doubling() -> None:
    assert SERIES[:9].tolist() == [16, 20, 24, 28, 32, 40, 48, 56, 64]


def test_padding_costs_less_than_half_of_a_large_batch(flat: FlatGraph) -> None:
    # A size and its dummies are each rounded up by 1.25 at the most, and messages for the dummies of both.
    batch = EdgeSampler(flat, num_edges_per_type=2000, num_negatives=1, seed=0).sample(0)
    padded = pad_batch(batch, flat)
    assert padded.messages.source.numel() < 1.5 * batch.messages.source.numel()
    assert padded.positives.source.numel() < 1.25 * batch.positives.source.numel()


def test_true_nodes_messages_and_positives_stay_what_they_were(flat: FlatGraph) -> None:
    for batch in batches(flat):
        padded = pad_batch(batch, flat)
        dummy = is_dummy(padded, batch)
        assert torch.equal(padded.node_index[~dummy], batch.node_index)
        messages = true_edges(padded.messages, dummy)
        assert messages.source.numel() == batch.messages.source.numel()
        assert triples(padded, messages) == triples(batch, batch.messages)
        assert weighted(padded) == weighted(batch)


def test_dummies_touch_nothing_but_dummies_and_their_positives_weigh_nothing(flat: FlatGraph) -> None:
    for batch in batches(flat):
        padded = pad_batch(batch, flat)
        dummy = is_dummy(padded, batch)
        for edges in (padded.messages, padded.positives):
            assert torch.equal(dummy[edges.source], dummy[edges.target])
            assert dummy[edges.source].any()
        of_dummies = dummy[padded.positives.source]
        assert torch.equal(of_dummies, padded.weight == 0)
        assert dummy[padded.negative_target[of_dummies]].all()
        assert not dummy[padded.negative_target[~of_dummies]].any()


def test_ends_and_nodes_keep_their_types_and_edges_their_order(flat: FlatGraph) -> None:
    types = flat.metadata.node_types
    for batch in batches(flat):
        padded = pad_batch(batch, flat)
        local_type = torch.bucketize(torch.arange(padded.num_nodes), torch.tensor(padded.type_ptr), right=True) - 1
        global_type = torch.bucketize(padded.node_index, torch.tensor(flat.type_ptr), right=True) - 1
        assert torch.equal(local_type, global_type)
        target_type = torch.tensor([types.index(relation.target) for relation in flat.metadata.relations])
        source_type = torch.tensor([types.index(relation.source) for relation in flat.metadata.relations])
        for edges in (padded.messages, padded.positives):
            assert bool((edges.relation.diff() >= 0).all())
            assert torch.equal(local_type[edges.source], source_type[edges.relation])
            assert torch.equal(local_type[edges.target], target_type[edges.relation])
        negative_type = local_type[padded.negative_target]
        assert bool((negative_type == target_type[padded.positives.relation][:, None]).all())


def test_what_is_empty_stays_empty(flat: FlatGraph) -> None:
    batch = edge_sampler(flat).sample(0)
    keep, scored = batch.messages.relation != 0, batch.positives.relation != 1
    bare = replace(
        batch,
        messages=TypedEdges(*(part[keep] for part in batch.messages)),
        positives=TypedEdges(*(part[scored] for part in batch.positives)),
        negative_target=batch.negative_target[scored],
        weight=batch.weight[scored],
    )
    sizes = Sizes.of(pad_batch(bare, flat), num_relations=flat.num_relations)
    assert [sizes.messages[0], sizes.sources[0], sizes.targets[0], sizes.positives[1]] == [0, 0, 0, 0]
    assert min(sizes.messages[1], sizes.positives[0]) > 0


def test_positives_get_dummies_also_where_there_is_no_message_and_the_nodes_are_as_many_as_allowed(
    flat: FlatGraph,
) -> None:
    types, relations = flat.metadata.node_types, flat.metadata.relations
    number = next(i for i, relation in enumerate(relations) if relation.source == relation.target)
    own_type = types.index(relations[number].source)
    ends = torch.arange(3)
    batch = MiniBatch(
        node_index=torch.arange(16) + flat.type_ptr[own_type],
        type_ptr=tuple(16 * (place > own_type) for place in range(len(types) + 1)),
        messages=TypedEdges(*[torch.empty(0, dtype=torch.int64)] * 3),
        positives=TypedEdges(ends, ends + 5, torch.full_like(ends, number)),
        negative_target=ends[:, None] + 9,
        weight=torch.ones(3),
        features={},
    )
    padded = pad_batch(batch, flat)
    assert weighted(padded) == weighted(batch)
    assert padded.num_nodes == 20
    assert padded.positives.source.tolist() == [0, 1, 2, *([16, 17, 18, 19] * 4)[:13]]
    assert padded.messages.source.numel() == 0


def test_padding_keeps_its_input(flat: FlatGraph) -> None:
    batch = edge_sampler(flat).sample(0)
    pad_batch(batch, flat)
    assert_same_batch(batch, edge_sampler(flat).sample(0))


def test_padding_brings_no_node_in_that_was_not_there(flat: FlatGraph) -> None:
    # Or the contrastive loss, which takes each disease of a batch once, would find one more.
    for batch in batches(flat):
        assert set(pad_batch(batch, flat).node_index.tolist()) == set(batch.node_index.tolist())


def test_dummies_repeat_the_features_of_the_first_node_of_their_type_in_the_batch(demo_graph: KnowledgeGraph) -> None:
    visible = message_graph(demo_graph)
    node_type, count = next(iter(visible.num_nodes.items()))
    given = np.arange(2.0 * count).reshape(count, 2)
    flat = FlatGraph.from_hetero_data(to_hetero_data(visible, features={node_type: given}))
    number = flat.metadata.node_types.index(node_type)
    batch = edge_sampler(flat).sample(0)
    padded = pad_batch(batch, flat)
    num_true = batch.features[number].shape[0]
    assert torch.equal(padded.features[number][:num_true], batch.features[number])
    assert padded.features[number].shape[0] == padded.type_ptr[number + 1] - padded.type_ptr[number] > num_true
    first = given[batch.node_index[batch.type_ptr[number]] - flat.type_ptr[number]]
    assert bool((padded.features[number][num_true:] == torch.from_numpy(first).float()).all())


def test_true_nodes_get_the_embeddings_that_they_get_unpadded(flat: FlatGraph) -> None:
    shape = EncoderShape(node_inputs="table", embedding_dim=8, hidden_dim=8, num_heads=2, num_layers=2)
    model = HGTModel.build(flat.metadata, shape, generator=torch.Generator().manual_seed(0))
    batch = edge_sampler(flat).sample(0)
    padded = pad_batch(batch, flat)
    with torch.no_grad():
        plain, with_dummies = (
            model.encoder(
                one.node_index,
                plan_layers(
                    *one.messages, type_ptr=one.type_ptr, num_relations=flat.num_relations, num_layers=shape.num_layers
                ),
                one.features,
            )
            for one in (batch, padded)
        )
    # Larger matrix products may add in another order.
    torch.testing.assert_close(with_dummies[~is_dummy(padded, batch)], plain, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("num_edges_per_type", [60, 300])
def test_a_padded_sampler_gives_few_shapes(flat: FlatGraph, num_edges_per_type: int) -> None:
    plain = EdgeSampler(flat, num_edges_per_type=num_edges_per_type, num_negatives=1, seed=0)
    padded = PaddedSampler(plain, flat)
    assert len({signature(plain.sample(step), flat) for step in range(40)}) == 40
    assert len({signature(padded.sample(step), flat) for step in range(40)}) <= 3


def test_a_padded_sampler_pads_the_batch_of_its_step(flat: FlatGraph) -> None:
    padded = PaddedSampler(edge_sampler(flat), flat)
    for step in (30, 0):
        assert weighted(padded.sample(step)) == weighted(edge_sampler(flat).sample(step))
        assert_same_batch(padded.sample(step), PaddedSampler(edge_sampler(flat), flat).sample(step))
