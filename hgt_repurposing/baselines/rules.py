"""Baselines that a model must beat: chance, popularity, neighbours by labels or by genes, paths, factorisation.

Each is one small function over sparse matrices, and none looks at a held-out pair. No array of drugs x drugs or of
diseases x diseases is ever dense: a similarity is a product of two thin matrices, and the labels go through one first.
A training pair may speak for itself in some of them (a drug is most similar to itself); that changes only the scores of
training pairs, which no ranking looks at.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from implicit.cpu.als import AlternatingLeastSquares
from scipy.sparse import csr_array, csr_matrix, diags_array
from threadpoolctl import threadpool_limits

from hgt_repurposing.graph.schema import FloatArray, IntArray

HiddenTogether = Literal["pair", "disease", "drug"]
"""What a split holds out as a whole: single pairs, all pairs of a disease, or all pairs of a drug."""

PATH_DAMPING = 0.4  # the exponent of Himmelstein et al. 2017
ALS_FACTORS = 32
ALS_REGULARIZATION = 10.0
ALS_CONFIDENCE = 10.0
ALS_ITERATIONS = 15


@dataclass(frozen=True, eq=False)
class BaselineInputs:
    """All that a baseline may know of one fold. A graph without genes gives gene matrices without entries.

    Raises:
        ValueError: If the matrices disagree on the number of drugs, diseases or genes, or a column does not exist.
    """

    train: csr_array
    """1 where a training pair is. Shape [num_drugs, num_diseases]."""
    columns: IntArray
    """Diseases to score. Shape [num_columns]."""
    drug_genes: csr_array
    """1 where the graph joins a drug and a gene, such as its targets. Shape [num_drugs, num_genes]."""
    disease_genes: csr_array
    """1 where the graph joins a disease and a gene. Shape [num_diseases, num_genes]."""
    hidden: HiddenTogether
    """How the fold was held out: the way in which a baseline that learns hides labels from itself."""
    generator: np.random.Generator
    """Source of randomness, for the baselines that need it."""
    disease_group: IntArray | None = None
    """Diseases of one number, such as near-synonyms, are hidden together; None: each alone. Shape [num_diseases]."""

    def __post_init__(self) -> None:
        num_drugs, num_diseases = self.train.shape
        num_genes = self.drug_genes.shape[1]
        if self.drug_genes.shape[0] != num_drugs:
            raise ValueError(f"drug_genes must have a row per drug, {num_drugs} (got {self.drug_genes.shape[0]})")
        if self.disease_genes.shape != (num_diseases, num_genes):
            raise ValueError(
                f"disease_genes must have the shape [num_diseases, num_genes], {(num_diseases, num_genes)} "
                f"(got {self.disease_genes.shape})"
            )
        if self.disease_group is not None and self.disease_group.shape != (num_diseases,):
            raise ValueError(f"disease_group must have the shape {(num_diseases,)} (got {self.disease_group.shape})")
        outside = (self.columns < 0) | (self.columns >= num_diseases)
        if outside.any():
            raise ValueError(f"columns must be diseases, 0 to {num_diseases - 1} (got {self.columns[outside][0]})")


Baseline = Callable[[BaselineInputs], FloatArray]
"""Higher is better. Shape [num_drugs, num_columns]."""


def random_order(inputs: BaselineInputs) -> FloatArray:
    """Chance: a uniform score per cell, so ties do not occur. Shape [num_drugs, num_columns]."""
    return inputs.generator.random((inputs.train.shape[0], len(inputs.columns)))


def drug_degree(inputs: BaselineInputs) -> FloatArray:
    """Popularity: how many diseases a drug is known to treat, the same for every disease.

    Returns:
        Shape [num_drugs, num_columns].
    """
    return np.repeat(_sums(inputs.train, axis=1)[:, None], len(inputs.columns), axis=1)


def disease_degree(inputs: BaselineInputs) -> FloatArray:
    """How many drugs are known to treat a disease, the same for every drug: it ranks diseases, never drugs.

    Returns:
        Shape [num_drugs, num_columns].
    """
    return np.repeat(_sums(inputs.train, axis=0)[None, inputs.columns], inputs.train.shape[0], axis=0)


def degree_product(inputs: BaselineInputs) -> FloatArray:
    """(drug degree + 1) x (disease degree + 1), the shortcut behind published AUROCs of .98.

    A disease held out whole has degree 0; without the + 1 its column would be constant instead of ranking by drug
    degree. Within a column the order is that of `drug_degree`; only pooled metrics tell the two apart.

    Returns:
        Shape [num_drugs, num_columns].
    """
    return (drug_degree(inputs) + 1) * (disease_degree(inputs) + 1)


def drug_knn(inputs: BaselineInputs) -> FloatArray:
    """Sum over the other drugs that treat the disease, each weighted by its cosine similarity in known treatments.

    A disease without training pairs, and a drug without any, score 0 throughout.

    Returns:
        Shape [num_drugs, num_columns].
    """
    rows = _unit_rows(inputs.train)
    similarity = rows @ rows.T
    others = similarity - diags_array(similarity.diagonal())
    return _dense(others @ inputs.train[:, inputs.columns])


def matrix_factorisation(inputs: BaselineInputs) -> FloatArray:
    """Weighted matrix factorisation of the labels by alternating least squares.

    What has no training pair has the zero vector, so a disease or a drug held out whole scores 0 throughout.

    Returns:
        Shape [num_drugs, num_columns].

    Hu, Koren & Volinsky 2008 (eq. 3), as implemented by `implicit`.
    """
    seed = int(inputs.generator.integers(2**31))
    with threadpool_limits(limits=1, user_api="blas"):  # implicit warns of BLAS threads, which compete with its own
        model = AlternatingLeastSquares(
            factors=ALS_FACTORS,
            regularization=ALS_REGULARIZATION,
            alpha=ALS_CONFIDENCE,
            iterations=ALS_ITERATIONS,
            use_cg=False,  # the exact solution: the labels are few
            num_threads=1,  # the order of sums must not depend on the machine
            random_state=seed,
        )
        model.fit(csr_matrix(inputs.train, dtype=np.float32), show_progress=False)
        scores = model.user_factors @ model.item_factors[inputs.columns].T
    return np.asarray(scores, dtype=np.float64)


def disease_similarity(inputs: BaselineInputs) -> FloatArray:
    """Sum over the diseases that a drug treats of their similarity to the disease by shared genes.

    Similarity is the cosine of the sets of genes, each gene weighted by 1 / sqrt(number of diseases it stands at).

    Returns:
        Shape [num_drugs, num_columns].
    """
    genes = _unit_rows(_rare_first(inputs.disease_genes))
    return _dense((inputs.train @ genes) @ genes[inputs.columns].T)


def drug_similarity(inputs: BaselineInputs) -> FloatArray:
    """Sum over the drugs that treat the disease of their similarity to the drug by shared targets.

    Similarity is the cosine of the sets of genes, each gene weighted by 1 / sqrt(number of drugs it stands at).

    Returns:
        Shape [num_drugs, num_columns].
    """
    genes = _unit_rows(_rare_first(inputs.drug_genes))
    return _dense(genes @ (genes.T @ inputs.train[:, inputs.columns]))


def gene_paths(inputs: BaselineInputs) -> FloatArray:
    """Degree-weighted count of the paths drug - gene - disease; knows no label at all.

    A path counts the product of degree^-0.4 over the four ends of its two edges, degrees by kind of edge.

    Returns:
        Shape [num_drugs, num_columns].

    Himmelstein et al. 2017, Methods: degree-weighted path count (DWPC).
    """
    return _dense(_damped(inputs.drug_genes) @ _damped(inputs.disease_genes)[inputs.columns].T)


RULES: Mapping[str, Baseline] = {
    "random": random_order,
    "drug degree": drug_degree,
    "disease degree": disease_degree,
    "degree product": degree_product,
    "drug kNN": drug_knn,
    "matrix factorisation": matrix_factorisation,
    "disease similarity by genes": disease_similarity,
    "drug similarity by targets": drug_similarity,
    "drug-gene-disease paths": gene_paths,
}
"""Every baseline that is a rule of its own, by its name in the tables; `catalogue.BASELINES` has the blend too."""


def missing_for(name: str, inputs: BaselineInputs) -> str | None:
    """Why a rule has nothing to go by in this graph; None where it has."""
    if name in ("disease similarity by genes", "drug-gene-disease paths") and not inputs.disease_genes.nnz:
        return "the graph joins no disease with a gene"
    if name in ("drug similarity by targets", "drug-gene-disease paths") and not inputs.drug_genes.nnz:
        return "the graph joins no drug with a gene"
    return None


def _sums(matrix: csr_array, *, axis: int) -> FloatArray:
    return np.asarray(matrix.sum(axis=axis), dtype=np.float64)


def _scaled(matrix: csr_array, *, rows: FloatArray, columns: FloatArray) -> csr_array:
    return csr_array(diags_array(rows) @ matrix @ diags_array(columns))


def _power(degrees: FloatArray, exponent: float) -> FloatArray:
    """degree^exponent, 1 where there is no edge to weigh."""
    return np.maximum(degrees, 1) ** exponent


def _rare_first(matrix: csr_array) -> csr_array:
    """Columns weighted by 1 / sqrt(their number of entries)."""
    weights = _power(_sums(matrix, axis=0), -0.5)
    return _scaled(matrix, rows=np.ones(matrix.shape[0]), columns=weights)


def _unit_rows(matrix: csr_array) -> csr_array:
    """Rows of Euclidean length 1; rows without entries stay."""
    lengths = np.sqrt(_sums(matrix.power(2), axis=1))
    return _scaled(matrix, rows=1 / np.where(lengths > 0, lengths, 1), columns=np.ones(matrix.shape[1]))


def _damped(matrix: csr_array) -> csr_array:
    """Every entry weighted by (row degree x column degree)^-0.4."""
    rows, columns = _sums(matrix, axis=1), _sums(matrix, axis=0)
    return _scaled(matrix, rows=_power(rows, -PATH_DAMPING), columns=_power(columns, -PATH_DAMPING))


def _dense(product: csr_array) -> FloatArray:
    return np.asarray(product.toarray(), dtype=np.float64)
