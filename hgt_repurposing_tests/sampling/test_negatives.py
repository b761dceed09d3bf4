"""Type-constrained corruption on a graph of one relation that one can draw."""

import torch

from hgt_repurposing.graph.hetero_data import GraphMetadata
from hgt_repurposing.graph.schema import EdgeType
from hgt_repurposing.sampling.flat_graph import FlatGraph
from hgt_repurposing.sampling.minibatch import TypedEdges
from hgt_repurposing.sampling.negatives import corrupt_targets

ALL, ALL_BUT_ONE, ONE = 0, 1, 2  # drugs, by how many of the diseases 3, 4 and 5 they are linked to
EDGES = [(ALL, 3), (ALL, 4), (ALL, 5), (ALL_BUT_ONE, 3), (ALL_BUT_ONE, 5), (ONE, 3)]


def corrupt(*, num_negatives: int) -> tuple[torch.Tensor, torch.Tensor]:
    source, target = torch.tensor(EDGES).T
    graph = FlatGraph(
        metadata=GraphMetadata(("drug", "disease"), (3, 3), (EdgeType("drug", "treats", "disease"),), {}),
        type_ptr=(0, 3, 6),
        sources=(source,),
        targets=(target,),
        mirror=(0,),
        features={},
    )
    positives = TypedEdges(source, target, torch.zeros_like(source))
    generator = torch.Generator().manual_seed(0)
    return corrupt_targets(
        graph, torch.arange(6), graph.type_ptr, positives, num_negatives=num_negatives, generator=generator
    )


def test_a_source_linked_to_every_target_has_no_negative() -> None:
    _, valid = corrupt(num_negatives=9)
    assert valid.tolist() == [source != ALL for source, _ in EDGES]


def test_negatives_that_were_not_found_give_way_to_those_that_were() -> None:
    # 18 targets are drawn for ALL_BUT_ONE; each misses disease 4 in four draws with a chance of (2/3)^4 = 0.2.
    target, _ = corrupt(num_negatives=9)
    assert target[3:5].tolist() == [[4] * 9] * 2
    assert set(target[5].tolist()) == {4, 5}


def test_one_negative_per_positive_has_its_column() -> None:
    target, valid = corrupt(num_negatives=1)
    assert target.shape == (6, 1)
    assert valid.shape == (6,)
