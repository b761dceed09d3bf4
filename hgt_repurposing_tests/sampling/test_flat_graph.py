"""Edge membership and reverses, compared with sets."""

import pytest
import torch

from hgt_repurposing.graph.hetero_data import to_hetero_data
from hgt_repurposing.graph.message_graph import message_graph
from hgt_repurposing.sampling.edge_sampling import EdgeSampler
from hgt_repurposing.sampling.flat_graph import FlatGraph
from hgt_repurposing_tests.graph.small_graphs import BACK, Back, reversed_by_its_owner
from hgt_repurposing_tests.sampling.batches import triples


def test_an_edge_is_known_by_relation_source_and_target(flat: FlatGraph) -> None:
    generator = torch.Generator().manual_seed(0)
    for relation, (sources, targets) in enumerate(zip(flat.sources, flat.targets, strict=True)):
        edges = set(zip(sources.tolist(), targets.tolist(), strict=True))
        strangers = targets[torch.randperm(targets.numel(), generator=generator)]
        expected = [pair in edges for pair in zip(sources.tolist(), strangers.tolist(), strict=True)]
        assert flat.has_edge(relation, sources, strangers).tolist() == expected
        assert True in expected
        assert False in expected


def of_reversed(back: Back) -> FlatGraph:
    return FlatGraph.from_hetero_data(to_hetero_data(message_graph(reversed_by_its_owner(back))))


@pytest.mark.parametrize("back", BACK)
def test_a_relation_called_as_a_reverse_is_turned_edge_by_edge(back: Back) -> None:
    test_a_turned_edge_lies_at_the_position_given(of_reversed(back))


@pytest.mark.parametrize("back", BACK)
def test_no_supervision_edge_of_a_relation_called_as_a_reverse_carries_a_message(back: Back) -> None:
    flat = of_reversed(back)
    for step in range(4):
        batch = EdgeSampler(flat, num_edges_per_type=9, num_negatives=1, seed=0).sample(step)
        scored, carrying = triples(batch, batch.positives), triples(batch, batch.messages)
        assert scored
        assert not carrying & scored
        assert not carrying & {(flat.mirror[relation], target, source) for relation, source, target in scored}


def test_a_turned_edge_lies_at_the_position_given(flat: FlatGraph) -> None:
    for relation, (sources, targets) in enumerate(zip(flat.sources, flat.targets, strict=True)):
        turned = flat.turned(relation, torch.arange(sources.numel()))
        mirror = flat.mirror[relation]
        assert torch.equal(flat.sources[mirror][turned], targets)
        assert torch.equal(flat.targets[mirror][turned], sources)
