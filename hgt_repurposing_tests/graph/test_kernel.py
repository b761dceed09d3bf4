import numpy as np
import pytest
from scipy.sparse import csr_array

from hgt_repurposing.graph import kernel as module
from hgt_repurposing.graph.kernel import Eigenvectors, kernel_rows, kronecker_ridge, similarity_kernel
from hgt_repurposing.graph.schema import FloatArray
from hgt_repurposing.graph.walks import relatives, unit_rows, walks
from hgt_repurposing_tests.repurposing.planted import NUM_DISEASES, planted_graph

GRAPH = planted_graph()
LINKED = [unit_rows(walk.weights) for walk in walks(GRAPH, "disease") if len(walk.steps) == 1]
RELATED = [matrix for _, _, matrix in relatives(GRAPH, "disease")]


def dense_kernel() -> FloatArray:
    """From its definition: mean of cosines in units of their 95th percentile, 1 on the diagonal."""
    parts = []
    for rows in LINKED:
        cosines = (rows.toarray().astype(np.float64)) @ rows.toarray().T
        others = cosines[~np.eye(NUM_DISEASES, dtype=np.bool_)]
        parts.append(cosines / np.percentile(others[others > 0], 95))
    kernel: FloatArray = np.mean([*parts, *(matrix.toarray() for matrix in RELATED)], axis=0)
    np.fill_diagonal(kernel, 1)
    return kernel


def product(found: Eigenvectors) -> FloatArray:
    return (found.vectors * found.strengths) @ found.vectors.T


def test_eigenvectors_give_back_the_kernel_without_its_negative_part() -> None:
    values, vectors = np.linalg.eigh(dense_kernel())
    expected = (vectors * np.maximum(values, 0)) @ vectors.T
    np.testing.assert_allclose(product(similarity_kernel(LINKED, RELATED)), expected, atol=1e-5)  # float32


def test_a_kernel_of_one_relation_is_its_cosines() -> None:
    rows = csr_array(np.array([[1.0, 0, 0], [0.6, 0.8, 0], [0, 0, 0]]))
    # The only cosine of two is .6, hence its own unit.
    np.testing.assert_allclose(product(similarity_kernel([rows], [])), [[1, 1, 0], [1, 1, 0], [0, 0, 1]], atol=1e-12)


def test_negative_eigenvalues_become_zero() -> None:
    ring = csr_array(np.array([[0.0, 1, 1], [1, 0, 0], [1, 0, 0]]))  # 1 on the diagonal: eigenvalues 1 and 1 +- sqrt(2)
    np.testing.assert_allclose(np.sort(similarity_kernel([], [ring]).strengths), [0, 1, 1 + 2**0.5], atol=1e-12)


def test_products_with_the_kernel_find_the_same_leading_eigenvectors(monkeypatch: pytest.MonkeyPatch) -> None:
    exact = similarity_kernel(LINKED, RELATED)
    monkeypatch.setattr(module, "EXACT_SIZE", NUM_DISEASES - 1)
    monkeypatch.setattr(module, "LARGEST_RANK", 8)
    found = similarity_kernel(LINKED, RELATED)
    order = np.argsort(found.values)
    np.testing.assert_allclose(found.values[order], exact.values[-8:], rtol=1e-3)  # the tolerance asked of ARPACK
    overlap = np.abs((found.vectors[:, order] * exact.vectors[:, -8:]).sum(axis=0))
    assert overlap[-4:].min() > 0.99  # the first four stand apart, so that each is one vector


def test_products_with_the_kernel_give_one_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "EXACT_SIZE", 0)
    monkeypatch.setattr(module, "LARGEST_RANK", 5)
    one, other = (similarity_kernel(LINKED, RELATED) for _ in range(2))
    np.testing.assert_array_equal(one.vectors, other.vectors)


def test_a_kernel_of_no_relation_is_refused() -> None:
    with pytest.raises(ValueError, match=r"a kernel needs at least one relation to compare nodes by \(got none\)"):
        similarity_kernel([], [])


@pytest.mark.parametrize("ranks", [(4, 2), (2, 4), (3, 3)])
def test_the_ridge_has_as_many_factors_as_the_kernel_of_lower_rank(ranks: tuple[int, int]) -> None:
    generator = np.random.default_rng(0)
    drugs, diseases = (
        Eigenvectors(np.linalg.qr(generator.standard_normal((size, size)))[0][:, :rank], generator.random(rank))
        for size, rank in zip((6, 5), ranks, strict=True)
    )
    labels = generator.random((6, 5))
    strength = np.outer(drugs.values, diseases.values)
    inner = (drugs.vectors.T @ labels @ diseases.vectors) * strength / (strength + 1)
    found = kronecker_ridge(csr_array(labels), drugs, diseases)
    assert found.drugs.shape[1] == found.diseases.shape[1] == min(ranks)
    np.testing.assert_allclose(found.drugs @ found.diseases.T, drugs.vectors @ inner @ diseases.vectors.T, atol=1e-12)


def similarities(size: int, seed: int) -> FloatArray:
    """Symmetric, 1 on the diagonal, with negative eigenvalues."""
    values = np.random.default_rng(seed).random((size, size))
    whole = (values + values.T) / 2
    np.fill_diagonal(whole, 1)
    return np.asarray(whole)


def eigenvectors_of(matrix: FloatArray) -> Eigenvectors:
    values, vectors = np.linalg.eigh(matrix)
    return Eigenvectors(vectors, values)


@pytest.mark.parametrize("sizes", [(12, 9), (9, 12)])
def test_a_further_node_is_scored_as_if_the_kernel_had_it(sizes: tuple[int, int]) -> None:
    drugs, diseases = (similarities(size, seed) for seed, size in enumerate(sizes))
    labels = (np.random.default_rng(2).random(sizes) < 0.3).astype(np.float64)
    labels[:, -1] = 0
    assert np.linalg.eigvalsh(diseases).min() < 0
    whole = kronecker_ridge(csr_array(labels), eigenvectors_of(drugs), eigenvectors_of(diseases))
    longer = eigenvectors_of(diseases[:-1, :-1])._replace(further=diseases[-1:, :-1])
    found = kronecker_ridge(csr_array(labels), eigenvectors_of(drugs), longer)
    np.testing.assert_allclose(found.drugs @ found.diseases[-1], whole.drugs @ whole.diseases[-1], atol=1e-12)
    turned = kronecker_ridge(csr_array(labels.T), longer, eigenvectors_of(drugs))
    np.testing.assert_allclose(turned.diseases @ turned.drugs[-1], found.drugs @ found.diseases[-1], atol=1e-12)


def test_further_nodes_change_no_other_score() -> None:
    drugs, diseases = eigenvectors_of(similarities(7, 0)), eigenvectors_of(similarities(5, 1))
    labels = (np.random.default_rng(2).random((7, 5)) < 0.3).astype(np.float64)
    before = kronecker_ridge(csr_array(labels), drugs, diseases)
    longer = diseases._replace(further=np.random.default_rng(3).random((2, 5)))
    after = kronecker_ridge(csr_array(np.pad(labels, [(0, 0), (0, 2)])), drugs, longer)
    np.testing.assert_allclose(after.drugs @ after.diseases[:5].T, before.drugs @ before.diseases.T, atol=1e-12)


def test_the_kernel_of_further_nodes_is_that_of_the_same_nodes() -> None:
    cut = [rows[:-2] for rows in LINKED]
    found = kernel_rows([rows[-2:] for rows in LINKED], cut, [matrix[-2:, :-2] for matrix in RELATED])
    shares = [rows.toarray() for rows in cut]
    expected = np.zeros((2, NUM_DISEASES - 2))
    for rows, known in zip(LINKED, shares, strict=True):
        cosines = known.astype(np.float64) @ known.T
        others = cosines[~np.eye(len(known), dtype=np.bool_)]
        expected += (rows[-2:] @ known.T) / np.percentile(others[others > 0], 95)
    expected += sum(matrix.toarray()[-2:, :-2] for matrix in RELATED)
    np.testing.assert_allclose(found, expected / (len(LINKED) + len(RELATED)), atol=1e-5)
