"""Baselines that a model must beat: chance, popularity, neighbours by labels or by genes, paths.

Each is a small function over sparse matrices that prepares what all diseases share and returns the scores of any
diseases, shape [num_drugs, num_columns]; none reads held-out pairs. No drugs x drugs or diseases x diseases array is
ever dense: a similarity by labels is sparse; one by genes is a product of two thin matrices, and labels are multiplied
by one of them first. In some rules a training pair contributes to its own score (a drug is most similar to itself);
this changes only the scores of training pairs, which are never ranked.
"""

import numpy as np
from scipy.sparse import csr_array, diags_array

from hgt_repurposing.baselines.baseline import (
    DISEASE_GENES,
    DRUG_GENES,
    KERNELS,
    Baseline,
    BaselineInputs,
    ColumnScores,
)
from hgt_repurposing.baselines.factors import inner_products
from hgt_repurposing.by_path import by_path
from hgt_repurposing.graph.kernel import damped_by_disease, kronecker_ridge
from hgt_repurposing.graph.schema import FloatArray, IntArray

PATH_DAMPING = 0.4  # the exponent of Himmelstein et al. 2017


def random_order(inputs: BaselineInputs) -> ColumnScores:
    """Chance: a uniformly random score per cell, so there are no ties."""
    num_drugs = inputs.train.shape[0]

    def scores(columns: IntArray) -> FloatArray:
        drawn = [inputs.generator_of(column).random(num_drugs) for column in columns.tolist()]
        return np.array(drawn).reshape(len(columns), num_drugs).T

    return scores


def drug_degree(inputs: BaselineInputs) -> ColumnScores:
    """Popularity: number of diseases that a drug is known to treat, the same for every disease."""
    degree = _sums(inputs.train, axis=1)
    return lambda columns: np.repeat(degree[:, None], len(columns), axis=1)


def disease_degree(inputs: BaselineInputs) -> ColumnScores:
    """Number of drugs known to treat a disease, the same for every drug: ranks diseases, never drugs."""
    degree, num_drugs = _sums(inputs.train, axis=0), inputs.train.shape[0]
    return lambda columns: np.repeat(degree[None, columns], num_drugs, axis=0)


def degree_product(inputs: BaselineInputs) -> ColumnScores:
    """(drug degree + 1) x (disease degree + 1), the shortcut behind published AUROCs of .98.

    A disease held out entirely has degree 0; without the + 1 its column would be constant instead of ranking by drug
    degree. Within a column the order is that of `drug_degree`; the two differ only in pooled metrics.
    """
    by_drug, by_disease = drug_degree(inputs), disease_degree(inputs)
    return lambda columns: (by_drug(columns) + 1) * (by_disease(columns) + 1)


def drug_knn(inputs: BaselineInputs) -> ColumnScores:
    """Sum over the other drugs that treat the disease, weighted by cosine similarity to the drug in known uses.

    Diseases and drugs without training pairs score 0 throughout.
    """
    others = _cosines_to_others(inputs.train)
    return lambda columns: _dense(others @ inputs.train[:, columns])


def disease_knn(inputs: BaselineInputs) -> ColumnScores:
    """Sum over the other diseases that the drug treats, weighted by cosine similarity to the disease in known drugs.

    Diseases and drugs without training pairs score 0 throughout.
    """
    others = _cosines_to_others(csr_array(inputs.train.T))
    return lambda columns: _dense(inputs.train @ others[:, columns])


def factorisation(inputs: BaselineInputs) -> ColumnScores:
    """Matrix factorisation of the labels (`factorisation.py`)."""
    scores: ColumnScores = by_path("baselines.factorisation:matrix_factorisation")(inputs)
    return scores


def disease_similarity(inputs: BaselineInputs) -> ColumnScores:
    """Summed gene similarity between the disease and the diseases that the drug treats.

    Similarity is the cosine of the gene sets, each gene weighted by 1 / sqrt(number of diseases linked to it).
    """
    genes = _unit_rows(_rare_first(inputs.disease_genes, inputs.diseases_per_gene))
    treated = inputs.train @ genes
    return lambda columns: _dense(treated @ genes[columns].T)


def drug_similarity(inputs: BaselineInputs) -> ColumnScores:
    """Summed target similarity between the drug and the drugs that treat the disease.

    Similarity is the cosine of the gene sets, each gene weighted by 1 / sqrt(number of drugs linked to it).
    """
    genes = _unit_rows(_rare_first(inputs.drug_genes, inputs.drugs_per_gene))
    return lambda columns: _dense(genes @ (genes.T @ inputs.train[:, columns]))


def gene_paths(inputs: BaselineInputs) -> ColumnScores:
    """Degree-weighted count of drug - gene - disease paths; uses no labels.

    Each path counts the product of degree^-0.4 over the four ends of its two edges; drug-gene and disease-gene degrees
    are counted separately.

    Himmelstein et al. 2017, Methods: degree-weighted path count (DWPC).
    """
    drug_genes = _damped(inputs.drug_genes, inputs.drugs_per_gene)
    disease_genes = _damped(inputs.disease_genes, inputs.diseases_per_gene)
    return lambda columns: _dense(drug_genes @ disease_genes[columns].T)


def ridge_of_pairs(inputs: BaselineInputs) -> ColumnScores:
    """Kronecker ridge: ridge regression on products of a drug kernel and a disease kernel, in closed form.

    Stock et al. 2018 (eq. 12).
    """
    assert inputs.drug_kernel is not None, "KERNELS is required"
    assert inputs.disease_kernel is not None, "KERNELS is required"
    damped = damped_by_disease(inputs.train.astype(np.float32))
    return inner_products(*kronecker_ridge(damped, inputs.drug_kernel, inputs.disease_kernel))


KRONECKER_RIDGE = "Kronecker ridge"
RANDOM = Baseline("random", "chance", random_order, may_be_best=False, is_stacked=False)
DRUG_DEGREE = Baseline(
    "drug degree",
    "drugs by number of known uses, the same list for every disease",
    drug_degree,
    may_be_best=False,
)
DISEASE_DEGREE = Baseline(
    "disease degree",
    "number of known treatments of the disease: cannot rank the drugs of one disease",
    disease_degree,
    may_be_best=False,
)
RULES: tuple[Baseline, ...] = (
    RANDOM,
    DRUG_DEGREE,
    DISEASE_DEGREE,
    Baseline(
        "degree product",
        "number of known uses of the drug times number of known treatments of the disease",
        degree_product,
        may_be_best=False,
    ),
    Baseline("drug kNN", "drugs that share known uses with the disease's known treatments", drug_knn),
    Baseline("disease kNN", "treatments of diseases that share known treatments with this one", disease_knn),
    Baseline(
        "matrix factorisation",
        "latent factors of drugs and diseases from the matrix of known treatments alone (ALS)",
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
        "genes that drug and disease have in common, much-studied genes weighted down",
        gene_paths,
        needs=(DISEASE_GENES, DRUG_GENES),
    ),
    Baseline(
        KRONECKER_RIDGE,
        "known treatments of similar diseases by similar drugs, solved in closed form",
        ridge_of_pairs,
        needs=(KERNELS,),
        is_stacked=False,  # added later: figures of the stacked baselines stay comparable
    ),
)
"""Every baseline that is a single rule, in table order; `catalogue.BASELINES` has the stacked baselines too. To add a
baseline, add an entry here."""


def _sums(matrix: csr_array, *, axis: int) -> FloatArray:
    return np.asarray(matrix.sum(axis=axis), dtype=np.float64)


def _scaled(matrix: csr_array, *, rows: FloatArray, columns: FloatArray) -> csr_array:
    return csr_array(diags_array(rows) @ matrix @ diags_array(columns))


def _power(degrees: FloatArray, exponent: float) -> FloatArray:
    """degree^exponent; 1 for degree 0."""
    return np.maximum(degrees, 1) ** exponent


def _rare_first(matrix: csr_array, degrees: FloatArray) -> csr_array:
    """Columns weighted by 1 / sqrt(degree)."""
    weights = _power(degrees, -0.5)
    return _scaled(matrix, rows=np.ones(matrix.shape[0]), columns=weights)


def _unit_rows(matrix: csr_array) -> csr_array:
    """Rows scaled to Euclidean length 1; rows without entries stay zero."""
    # Not scikit-learn's normalize: report and summary read the baselines' names and meanings without loading it.
    lengths = np.sqrt(_sums(matrix.power(2), axis=1))
    return _scaled(matrix, rows=1 / np.where(lengths > 0, lengths, 1), columns=np.ones(matrix.shape[1]))


def _cosines_to_others(matrix: csr_array) -> csr_array:
    """Cosines between the rows; 0 between a row and itself. Shape [num_rows, num_rows]."""
    rows = _unit_rows(matrix)
    similarity = rows @ rows.T
    return csr_array(similarity - diags_array(similarity.diagonal()))


def _damped(matrix: csr_array, degrees: FloatArray) -> csr_array:
    """Every entry weighted by (row degree x column degree)^-0.4."""
    rows = _sums(matrix, axis=1)
    return _scaled(matrix, rows=_power(rows, -PATH_DAMPING), columns=_power(degrees, -PATH_DAMPING))


def _dense(product: csr_array) -> FloatArray:
    return np.asarray(product.toarray(), dtype=np.float64)
