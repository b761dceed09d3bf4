"""Spectral vectors: the best approximation of what nodes are linked to, always the same."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array

from hgt_repurposing.graph.spectral import spectral_vectors


def block(num_rows: int, num_columns: int, *, seed: int) -> csr_array:
    """Uniform numbers in three tenths of the cells."""
    generator = np.random.default_rng(seed)
    values = generator.random((num_rows, num_columns))
    return csr_array(np.where(generator.random(values.shape) < 0.3, values, 0))


def scaled(blocks: list[csr_array]) -> npt.NDArray[np.float64]:
    """Blocks of one energy side by side, rows of length 1; dense."""
    parts = [part.toarray() for part in blocks]
    energies = [(part**2).sum() / len(part) for part in parts]
    rows = np.hstack([part / np.sqrt(energy or 1) for part, energy in zip(parts, energies, strict=True)])
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(lengths > 0, lengths, 1)


@given(st.integers(2, 12), st.integers(1, 9), st.integers(1, 9), st.integers(1, 14), st.integers(0, 99))
def test_inner_products_are_those_of_the_best_approximation(n: int, left: int, right: int, dim: int, seed: int) -> None:
    blocks = [block(n, left, seed=seed), block(n, right, seed=seed + 1)]
    rows = scaled(blocks)
    u, s, _ = np.linalg.svd(rows, full_matrices=False)
    kept = min(dim, len(s))
    if kept < len(s) and s[kept - 1] - s[kept] < 1e-6:
        return  # two best approximations
    vectors = spectral_vectors(blocks, dim=dim, seed=0)
    assert vectors.shape == (n, dim)
    np.testing.assert_allclose(vectors @ vectors.T, (u[:, :kept] * s[:kept] ** 2) @ u[:, :kept].T, atol=1e-8)


def test_the_iteration_for_large_matrices_finds_the_same() -> None:
    blocks = [block(80, 200, seed=0), block(80, 50, seed=1)]
    u, s, _ = np.linalg.svd(scaled(blocks), full_matrices=False)
    vectors = spectral_vectors(blocks, dim=8, seed=0)
    np.testing.assert_allclose(np.abs(vectors), np.abs(u[:, :8] * s[:8]), atol=1e-7)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_neither_runs_nor_seeds_change_a_sign(seed: int) -> None:
    blocks = [block(40, 60, seed=3)]
    first, other = spectral_vectors(blocks, dim=6, seed=seed), spectral_vectors(blocks, dim=6, seed=seed + 10)
    assert np.array_equal(first, spectral_vectors(blocks, dim=6, seed=seed))
    np.testing.assert_allclose(other, first, atol=1e-8)
    assert (first[np.abs(first).argmax(axis=0), np.arange(6)] > 0).all()


def test_a_block_counts_alike_whatever_its_unit() -> None:
    one, other = block(20, 30, seed=0), block(20, 300, seed=1)
    plain, louder = (spectral_vectors([one * factor, other], dim=4, seed=0) for factor in (1, 1000))
    np.testing.assert_allclose(louder, plain, atol=1e-8)


def test_columns_beyond_the_rank_and_nodes_without_links_are_zero() -> None:
    rows = csr_array(np.array([[1.0, 0.0], [1.0, 1.0], [0.0, 0.0]]))
    vectors = spectral_vectors([rows, csr_array((3, 4))], dim=5, seed=0)
    assert not vectors[2].any()
    assert not vectors[:, 2:].any()


def test_nothing_at_all_gives_zeros() -> None:
    assert np.array_equal(spectral_vectors([csr_array((3, 4))], dim=2, seed=0), np.zeros((3, 2)))


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(ValueError, match=r"dim must be at least 1 \(got 0\)"):
        spectral_vectors([csr_array((3, 4))], dim=0, seed=0)
    with pytest.raises(ValueError, match=r"blocks must have the same number of rows \(got no block\)"):
        spectral_vectors([], dim=2, seed=0)
    with pytest.raises(ValueError, match=r"blocks must have the same number of rows \(got \[3, 4\]\)"):
        spectral_vectors([csr_array((3, 4)), csr_array((4, 4))], dim=2, seed=0)
