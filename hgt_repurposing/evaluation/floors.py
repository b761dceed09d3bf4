"""Baselines without learning that a model must beat: chance, popularity and neighbours in the label matrix."""

from collections.abc import Callable, Mapping

import numpy as np
from scipy.sparse import csr_array, diags_array

from hgt_repurposing.graph.schema import FloatArray, IntArray

Floor = Callable[[csr_array, IntArray, np.random.Generator], FloatArray]
"""(training matrix [num_drugs, num_diseases] of 0 and 1, columns, generator) -> scores [num_drugs, num_columns]."""


def random_scores(shape: tuple[int, int], generator: np.random.Generator) -> FloatArray:
    """Chance: a uniform score per cell, so ties do not occur."""
    return generator.random(shape)


def drug_degree(train: csr_array, columns: IntArray) -> FloatArray:
    """Popularity: how many diseases a drug is known to treat, the same for every disease.

    Args:
        train: 1 where a training pair is. Shape [num_drugs, num_diseases].
        columns: Diseases to score. Shape [num_columns].

    Returns:
        Shape [num_drugs, num_columns].
    """
    return np.repeat(_degree(train, axis=1)[:, None], len(columns), axis=1)


def degree_product(train: csr_array, columns: IntArray) -> FloatArray:
    """(drug degree + 1) x (disease degree + 1), the shortcut behind published AUROCs of .98.

    A disease held out whole has degree 0; without the + 1 its column would be constant instead of ranking by drug
    degree. Within a column the order is that of `drug_degree`; only pooled metrics tell the two apart.
    """
    return np.outer(_degree(train, axis=1) + 1, _degree(train, axis=0)[columns] + 1)


def drug_knn(train: csr_array, columns: IntArray) -> FloatArray:
    """Sum over the other drugs that treat the disease, each weighted by its cosine similarity in known treatments.

    A disease without training pairs, and a drug without any, score 0 throughout.
    """
    rows = diags_array(1 / np.sqrt(np.maximum(_degree(train, axis=1), 1))) @ train
    similarity = rows @ rows.T
    others = similarity - diags_array(similarity.diagonal())
    return np.asarray((others @ train[:, columns]).toarray(), dtype=np.float64)


def _degree(train: csr_array, *, axis: int) -> FloatArray:
    return np.asarray(train.sum(axis=axis), dtype=np.float64)


FLOORS: Mapping[str, Floor] = {
    "random": lambda train, columns, generator: random_scores((train.shape[0], len(columns)), generator),
    "drug degree": lambda train, columns, _: drug_degree(train, columns),
    "degree product": lambda train, columns, _: degree_product(train, columns),
    "drug kNN": lambda train, columns, _: drug_knn(train, columns),
}
