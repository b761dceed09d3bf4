"""Small folds for the tests of the baselines."""

from collections.abc import Callable

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.sparse import csr_array

from hgt_repurposing.baselines.baseline import BaselineInputs, ColumnScores
from hgt_repurposing.graph.kernel import Eigenvectors
from hgt_repurposing.graph.schema import FloatArray, IntArray
from hgt_repurposing.graph.split_kinds import Hiding, Unit

# Drug 0 treats diseases 0 and 1, drug 1 treats 0, drug 2 treats 2, drug 3 treats nothing; disease 3 is new.
LABELS = np.array([[1, 1, 0, 0], [1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]], dtype=np.float64)
# Gene 0 stands at all drugs but one, gene 1 at two, gene 2 at none.
DRUG_GENES = np.array([[1, 0, 0], [1, 1, 0], [0, 1, 0], [1, 0, 0]], dtype=np.float64)
# Diseases 0 and 3 have gene 0, diseases 1 and 3 gene 1; disease 2 has none.
DISEASE_GENES = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 0], [1, 1, 0]], dtype=np.float64)


def fold_inputs(
    train: FloatArray = LABELS,
    *,
    drug_genes: FloatArray = DRUG_GENES,
    disease_genes: FloatArray = DISEASE_GENES,
    unit: Unit = "pair",
    seed: int = 0,
    group: IntArray | None = None,
) -> BaselineInputs:
    """Every drug and every disease is like itself alone."""
    genes = (csr_array(drug_genes), csr_array(disease_genes))
    drugs, diseases = (Eigenvectors(np.eye(size), np.ones(size)) for size in train.shape)
    return BaselineInputs(csr_array(train), *genes, Hiding(unit, group), (seed,), drugs, diseases)


def without_genes(train: FloatArray = LABELS, *, unit: Unit = "pair") -> BaselineInputs:
    """A graph that has no gene."""
    drug_genes, disease_genes = (np.zeros((size, 0)) for size in train.shape)
    return fold_inputs(train, drug_genes=drug_genes, disease_genes=disease_genes, unit=unit)


def scores_of(rule: Callable[[BaselineInputs], ColumnScores], inputs: BaselineInputs) -> FloatArray:
    """Scores of all diseases. Shape [num_drugs, num_diseases]."""
    return rule(inputs)(np.arange(inputs.train.shape[1]))


def two_blocks() -> FloatArray:
    """12 drugs, 10 diseases: the first six treat the first five, the others the others."""
    return np.kron(np.eye(2), np.ones((6, 5))).astype(np.float64)


@st.composite
def folds(draw: st.DrawFn) -> BaselineInputs:
    """Labels and genes of any density, none included."""
    num_drugs, num_diseases, num_genes = (draw(st.integers(1, 6)) for _ in range(3))
    shapes = ((num_drugs, num_diseases), (num_drugs, num_genes), (num_diseases, num_genes))
    train, drug_genes, disease_genes = (
        draw(hnp.arrays(np.float64, shape, elements=st.sampled_from([0.0, 1.0]))) for shape in shapes
    )
    return fold_inputs(train, drug_genes=drug_genes, disease_genes=disease_genes)


def planted_fold(*, unit: Unit = "pair", seed: int = 0) -> BaselineInputs:
    """60 drugs, 20 diseases, 12 genes: a drug treats what it shares a gene with, most of the time."""
    generator = np.random.default_rng(seed)
    drug_genes = generator.random((60, 12)) < 0.12
    disease_genes = generator.random((20, 12)) < 0.15
    treats = (drug_genes.astype(float) @ disease_genes.T > 0) & (generator.random((60, 20)) < 0.6)
    return fold_inputs(
        treats.astype(np.float64),
        drug_genes=drug_genes.astype(np.float64),
        disease_genes=disease_genes.astype(np.float64),
        unit=unit,
        seed=seed,
    )
