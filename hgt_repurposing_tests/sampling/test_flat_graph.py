"""Edge membership and reverses, compared with sets."""

import torch

from hgt_repurposing.sampling.flat_graph import FlatGraph


def test_an_edge_is_known_by_relation_source_and_target(flat: FlatGraph) -> None:
    generator = torch.Generator().manual_seed(0)
    for relation, (sources, targets) in enumerate(zip(flat.sources, flat.targets, strict=True)):
        edges = set(zip(sources.tolist(), targets.tolist(), strict=True))
        strangers = targets[torch.randperm(targets.numel(), generator=generator)]
        expected = [pair in edges for pair in zip(sources.tolist(), strangers.tolist(), strict=True)]
        assert flat.has_edge(relation, sources, strangers).tolist() == expected
        assert True in expected
        assert False in expected


def test_a_turned_edge_lies_at_the_position_given(flat: FlatGraph) -> None:
    for relation, (sources, targets) in enumerate(zip(flat.sources, flat.targets, strict=True)):
        turned = flat.turned(relation, torch.arange(sources.numel()))
        mirror = flat.mirror[relation]
        assert torch.equal(flat.sources[mirror][turned], targets)
        assert torch.equal(flat.targets[mirror][turned], sources)
