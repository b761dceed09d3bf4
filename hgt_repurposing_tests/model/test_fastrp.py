"""Fingerprints: alike surroundings, alike vectors."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hgt_repurposing.graph.schema import FloatArray
from hgt_repurposing.model.fastrp import IndexArray, fingerprints

Relations = list[tuple[IndexArray, IndexArray]]


def edges(*pairs: tuple[int, int]) -> tuple[IndexArray, IndexArray]:
    source, target = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    return source, target


@st.composite
def relations(draw: st.DrawFn, num_nodes: int = 6) -> Relations:
    node = st.integers(0, num_nodes - 1)
    return [
        edges(*draw(st.lists(st.tuples(node, node), max_size=9, unique=True))) for _ in range(draw(st.integers(1, 3)))
    ]


def unit(rows: FloatArray) -> FloatArray:
    lengths: FloatArray = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.maximum(lengths, 1e-30)


def by_definition(given: Relations, random: FloatArray, weights: tuple[float, ...]) -> FloatArray:
    """With dense matrices, in float64."""
    num_nodes, width = random.shape
    spread = np.zeros((num_nodes, num_nodes))
    for source, target in given:
        adjacency = np.zeros((num_nodes, num_nodes))
        adjacency[target, source] = 1
        ends = np.outer(adjacency.sum(1), adjacency.sum(0))
        spread += adjacency / np.sqrt(np.where(adjacency > 0, ends, 1))
    spread /= np.maximum(spread.sum(1, keepdims=True), 1e-30)

    power, total = random, np.zeros(random.shape)
    for weight in weights:
        power = unit(spread @ power)
        total += weight * power
    return unit(total) * float(np.sqrt(width))


@given(relations(), st.integers(0, 2**31))
def test_fingerprints_are_as_defined(given: Relations, seed: int) -> None:
    found = fingerprints(given, num_nodes=6, seed=seed, width=32, power_weights=(1.0, 0.5))
    # Loops alone give back the directions of the random matrix.
    loops = [edges(*((i, i) for i in range(6)))]
    random = fingerprints(loops, num_nodes=6, seed=seed, width=32, power_weights=(1.0,))
    expected = by_definition(given, np.sign(random).astype(np.float64), (1.0, 0.5))
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3)  # float32, and sums that may nearly cancel


def test_entries_of_the_random_matrix_have_the_published_shares() -> None:
    loops = [edges(*((i, i) for i in range(200)))]
    signs = np.sign(fingerprints(loops, num_nodes=200, seed=0, power_weights=(1.0,)))
    for sign, share in ((1, 1 / 6), (0, 2 / 3), (-1, 1 / 6)):
        assert abs((signs == sign).mean() - share) < 0.01  # 25,600 draws: more than three standard deviations


def test_nodes_of_the_same_neighbours_have_the_same_fingerprint_and_others_have_not() -> None:
    table = fingerprints([edges((0, 2), (1, 2), (0, 3), (1, 3), (1, 4))], num_nodes=5, seed=0)
    np.testing.assert_allclose(table[2], table[3])
    assert not np.allclose(table[2], table[4])


def test_length_is_that_of_a_learned_vector_and_zero_without_neighbours() -> None:
    table = fingerprints([edges((0, 2), (1, 2))], num_nodes=3, seed=0, width=64)
    np.testing.assert_allclose(np.linalg.norm(table, axis=1), [0, 0, 8], rtol=1e-6)


def test_a_relation_of_many_edges_does_not_drown_one_of_few() -> None:
    few, many = edges((0, 9)), edges(*((i, 9) for i in range(1, 9)))
    alone, both = (fingerprints(given, num_nodes=10, seed=0, power_weights=(1.0,)) for given in ([few], [few, many]))
    assert both[9] @ alone[9] / 128 > 0.4  # a share of 1 / (1 + sqrt(8)) of the row, the other spread over eight


@pytest.mark.parametrize("seed", [0, 7])
def test_the_seed_decides(seed: int) -> None:
    given = [edges((0, 1), (1, 0))]
    first, again, other = (fingerprints(given, num_nodes=2, seed=s) for s in (seed, seed, seed + 1))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
