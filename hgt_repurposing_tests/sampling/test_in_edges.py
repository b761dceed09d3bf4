"""Some in-edges per node and relation: which, how many, and equally likely."""

import itertools
from collections import Counter, defaultdict

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from hgt_repurposing.sampling.flat_graph import FlatGraph
from hgt_repurposing.sampling.in_edges import InEdges, draw_subsets


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def naive_in_edges(flat: FlatGraph, relation: int) -> dict[int, set[int]]:
    """Positions of the edges that arrive at each node."""
    arriving = defaultdict(set)
    for position, target in enumerate(flat.targets[relation].tolist()):
        arriving[target].add(position)
    return arriving


@given(st.lists(st.integers(3, 30)), st.integers(1, 3), st.integers(0, 2**31))
def test_a_subset_holds_k_different_numbers_below_n(sizes: list[int], k: int, seed: int) -> None:
    subsets = draw_subsets(torch.tensor(sizes, dtype=torch.int64), k, generator=seeded(seed)).T.tolist()
    assert len(subsets) == len(sizes)
    for size, subset in zip(sizes, subsets, strict=True):
        assert len(set(subset)) == k
        assert set(subset) <= set(range(size))


@pytest.mark.parametrize(("size", "k", "bound"), [(6, 3, 43.8), (7, 1, 22.5), (5, 4, 18.5)])
def test_every_subset_is_equally_likely(size: int, k: int, bound: float) -> None:
    # Pearson's statistic; the bound is the 99.9 % quantile of chi-squared with one degree less than there are subsets.
    num_draws = 20_000
    drawn = draw_subsets(torch.full((num_draws,), size), k, generator=seeded()).T.sort().values.tolist()
    seen = Counter(map(tuple, drawn))
    subsets = list(itertools.combinations(range(size), k))
    expected = num_draws / len(subsets)
    assert sum((seen[subset] - expected) ** 2 / expected for subset in subsets) < bound


def test_each_node_gets_its_fan_out_or_all_its_edges(flat: FlatGraph) -> None:
    nodes = torch.arange(0, flat.num_nodes, 3)
    drawn = InEdges(flat).draw(nodes, 4, generator=seeded())
    assert len(drawn) == flat.num_relations
    for relation, positions in enumerate(drawn):
        arriving = naive_in_edges(flat, relation)
        assert positions.unique().numel() == positions.numel()
        got = Counter(flat.targets[relation][positions].tolist())
        assert got == {node: min(4, len(arriving[node])) for node in nodes.tolist() if arriving[node]}


def test_with_a_large_fan_out_all_in_edges_come(flat: FlatGraph) -> None:
    nodes = torch.arange(100, 900, 7)
    for relation, positions in enumerate(InEdges(flat).draw(nodes, flat.num_nodes, generator=seeded())):
        arriving = naive_in_edges(flat, relation)
        assert set(positions.tolist()) == set().union(*(arriving[node] for node in nodes.tolist()))


def test_no_node_gives_no_edge(flat: FlatGraph) -> None:
    drawn = InEdges(flat).draw(torch.empty(0, dtype=torch.int64), 4, generator=seeded())
    assert [positions.numel() for positions in drawn] == [0] * flat.num_relations
