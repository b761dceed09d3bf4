"""Type-constrained corruption on a graph of one relation that one can draw."""

import torch

from hgt_repurposing.graph.hetero_data import GraphMetadata
from hgt_repurposing.graph.schema import EdgeType
from hgt_repurposing.sampling.flat_graph import FlatGraph
from hgt_repurposing.sampling.minibatch import TypedEdges
from hgt_repurposing.sampling.negative_draw import NegativeDraw
from hgt_repurposing.sampling.negatives import corrupt_targets

ALL, ALL_BUT_ONE, ONE = 0, 1, 2  # drugs, by how many of the diseases 3, 4 and 5 they are linked to
TREATS = EdgeType("drug", "treats", "disease")
EDGES = [(ALL, 3), (ALL, 4), (ALL, 5), (ALL_BUT_ONE, 3), (ALL_BUT_ONE, 5), (ONE, 3)]


def graph_of(edges: list[tuple[int, int]], *, num_diseases: int = 3) -> FlatGraph:
    """Three drugs, then diseases, under one relation."""
    source, target = torch.tensor(edges).T
    return FlatGraph(
        metadata=GraphMetadata(("drug", "disease"), (3, num_diseases), (TREATS,), rev_index=(0,), feature_widths={}),
        type_ptr=(0, 3, 3 + num_diseases),
        sources=(source,),
        targets=(target,),
        features={},
    )


def corrupt(*, num_negatives: int, draw: NegativeDraw = "uniform") -> tuple[torch.Tensor, torch.Tensor]:
    graph = graph_of(EDGES)
    positives = TypedEdges(graph.sources[0], graph.targets[0], torch.zeros(len(EDGES), dtype=torch.int64))
    generator = torch.Generator().manual_seed(0)
    return corrupt_targets(
        graph, torch.arange(6), graph.type_ptr, positives, num_negatives=num_negatives, generator=generator, draw=draw
    )


def test_a_source_linked_to_every_target_has_no_negative() -> None:
    _, valid = corrupt(num_negatives=9)
    assert valid.tolist() == [source != ALL for source, _ in EDGES]


def test_negatives_that_were_not_found_give_way_to_those_that_were() -> None:
    # 18 targets are drawn for ALL_BUT_ONE; each misses disease 4 in four draws with a chance of (2/3)^4 = 0.2.
    target, _ = corrupt(num_negatives=9)
    assert target[3:5].tolist() == [[4] * 9] * 2
    assert set(target[5].tolist()) == {4, 5}


def test_by_degree_the_often_linked_are_drawn_more_and_the_never_linked_not_at_all() -> None:
    # In-degrees 16, 1, 0 and 1; the drug of the scored edge has only the last, so that the first two remain.
    edges = [(0, 3)] * 16 + [(0, 4), (1, 6)]
    graph = graph_of(edges, num_diseases=4)
    positives = TypedEdges(torch.tensor([1]), torch.tensor([6]), torch.tensor([0]))
    target, _ = corrupt_targets(
        graph, torch.arange(7), graph.type_ptr, positives, num_negatives=9000, draw="degree",
        generator=torch.Generator().manual_seed(0),
    )  # fmt: skip
    counts = target.flatten().bincount(minlength=7)
    assert counts[[5, 6]].tolist() == [0, 0]
    assert abs(counts[3] / 9000 - 8 / 9) < 0.01  # 16^0.75 = 8 to 1; three standard deviations are 0.01


def test_by_degree_only_nodes_of_the_batch_are_drawn_each_by_its_own_degree() -> None:
    graph = graph_of([(0, 3), *[(0, 4)] * 99, (1, 5), *[(2, 6)] * 16], num_diseases=4)
    local = torch.tensor([1, 3, 5, 6])  # drug 1 and three diseases; disease 4 is not in the batch
    positives = TypedEdges(torch.tensor([0]), torch.tensor([2]), torch.tensor([0]))
    generator = torch.Generator().manual_seed(0)
    target, _ = corrupt_targets(
        graph, local, (0, 1, 4), positives, num_negatives=9000, draw="degree", generator=generator
    )
    counts = target.flatten().bincount(minlength=4)
    assert counts[[0, 2]].tolist() == [0, 0]
    assert abs(counts[3] / 9000 - 8 / 9) < 0.01  # as above


def test_by_degree_a_source_linked_to_every_target_has_no_negative() -> None:
    _, valid = corrupt(num_negatives=9, draw="degree")
    assert valid.tolist() == [source != ALL for source, _ in EDGES]


def test_one_negative_per_positive_has_its_column() -> None:
    target, valid = corrupt(num_negatives=1)
    assert target.shape == (6, 1)
    assert valid.shape == (6,)
