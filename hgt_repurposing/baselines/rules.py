"""Baselines that a model must beat: chance, popularity, neighbours by labels or by genes, paths.

Each is one small function over sparse matrices, and none looks at a held-out pair. No array of drugs x drugs or of
diseases x diseases is ever dense: a similarity is a product of two thin matrices, and the labels go through one first.
A training pair may speak for itself in some of them (a drug is most similar to itself); that changes only the scores of
training pairs, which no ranking looks at.
"""

import numpy as np
from scipy.sparse import csr_array, diags_array

from hgt_repurposing.baselines.baseline import DISEASE_GENES, DRUG_GENES, KERNELS, Baseline, BaselineInputs
from hgt_repurposing.by_path import by_path
from hgt_repurposing.graph.kernel import damped_by_disease, kronecker_ridge
from hgt_repurposing.graph.schema import FloatArray

PATH_DAMPING = 0.4  # the exponent of Himmelstein et al. 2017


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


def factorisation(inputs: BaselineInputs) -> FloatArray:
    """Matrix factorisation of the labels (`factorisation.py`). Shape [num_drugs, num_columns]."""
    scores: FloatArray = by_path("baselines.factorisation:matrix_factorisation")(inputs)
    return scores


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


def ridge_of_pairs(inputs: BaselineInputs) -> FloatArray:
    """Kronecker ridge: ridge regression on products of a drug kernel and a disease kernel, in closed form.

    Returns:
        Shape [num_drugs, num_columns].

    Stock et al. 2018 (eq. 12).
    """
    assert inputs.drug_kernel is not None, "KERNELS is asked before"
    assert inputs.disease_kernel is not None, "as well"
    by_drug = kronecker_ridge(
        damped_by_disease(inputs.train.astype(np.float32)), inputs.drug_kernel, inputs.disease_kernel
    )
    return np.asarray(by_drug @ inputs.disease_kernel.vectors[inputs.columns].T)


RANDOM = Baseline("random", "chance", random_order, may_be_best=False, is_stacked=False)
DRUG_DEGREE = Baseline(
    "drug degree",
    "the drug with the most known uses first, the same list for every disease",
    drug_degree,
    may_be_best=False,
)
DISEASE_DEGREE = Baseline(
    "disease degree",
    "known treatments of the disease: it cannot order the drugs of one disease",
    disease_degree,
    may_be_best=False,
)
RULES: tuple[Baseline, ...] = (
    RANDOM,
    DRUG_DEGREE,
    DISEASE_DEGREE,
    Baseline(
        "degree product",
        "known uses of the drug times known treatments of the disease",
        degree_product,
        may_be_best=False,
    ),
    Baseline("drug kNN", "drugs that share known uses with the disease's known treatments", drug_knn),
    Baseline(
        "matrix factorisation",
        "hidden factors of drugs and diseases from the table of known treatments alone (ALS)",
        factorisation,
    ),
    Baseline(
        "disease similarity by genes",
        "treatments of diseases that share genes with this one",
        disease_similarity,
        needs=(DISEASE_GENES,),
    ),
    Baseline(
        "drug similarity by targets",
        "drugs that share target genes with the disease's known treatments",
        drug_similarity,
        needs=(DRUG_GENES,),
    ),
    Baseline(
        "drug-gene-disease paths",
        "genes that drug and disease have in common, the much-studied ones counting less",
        gene_paths,
        needs=(DISEASE_GENES, DRUG_GENES),
    ),
    Baseline(
        "Kronecker ridge",
        "known treatments of all similar diseases by all similar drugs at once, by a formula",
        ridge_of_pairs,
        needs=(KERNELS,),
        is_stacked=False,  # it joined later: the figures of the stacked baselines stay comparable
    ),
)
"""Every baseline that is a rule of its own, in the order of the tables; `catalogue.BASELINES` has the stacked ones too.
To add one is to add an entry here."""


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
