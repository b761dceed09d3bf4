"""A small case with a signal: drugs treat diseases of their own module, and the embeddings show the module."""

import numpy as np

from hgt_repurposing.graph.schema import FloatArray, IntArray
from hgt_repurposing.graph.split import DrugDiseaseSplit
from hgt_repurposing.repurposing.classifier import PairClassifier
from hgt_repurposing.repurposing.features import PairFeatures
from hgt_repurposing.repurposing.params import ClassifierParams

NUM_DRUGS, NUM_DISEASES, NUM_MODULES, NUM_FOLDS = 60, 30, 5, 3
TREATMENTS = 4
"""Per disease, of the 12 drugs of its module."""
NO_PAIRS = np.empty((2, 0), dtype=np.int64)
QUICK = ClassifierParams(max_trees=25, learning_rate=0.3, min_child_weight=1, negatives_per_positive=10)


class Lookup(PairClassifier):
    """Scores read from a table instead of a forest."""

    def __init__(self, table: FloatArray) -> None:
        self.table = table

    def score(self, features: PairFeatures, pairs: IntArray) -> FloatArray:  # noqa: ARG002  (the signature counts)
        scores: FloatArray = self.table[pairs[0], pairs[1]]
        return scores


def planted_features(seed: int = 0) -> PairFeatures:
    """The vector of the module, i % 5, and some noise. Shape [60, 8] and [30, 8]."""
    generator = np.random.default_rng(seed)
    modules = generator.standard_normal((NUM_MODULES, 8))
    drugs, diseases = (
        modules[np.arange(num) % NUM_MODULES] + 0.3 * generator.standard_normal((num, 8))
        for num in (NUM_DRUGS, NUM_DISEASES)
    )
    return PairFeatures(drugs.astype(np.float32), diseases.astype(np.float32))


def planted_pairs(seed: int = 0) -> IntArray:
    """Four drugs of its module for each disease. Shape [2, 120]."""
    generator = np.random.default_rng(seed)
    drugs = [
        generator.choice(np.arange(d % NUM_MODULES, NUM_DRUGS, NUM_MODULES), TREATMENTS, replace=False)
        for d in range(NUM_DISEASES)
    ]
    return sorted_pairs(np.concatenate(drugs), np.repeat(np.arange(NUM_DISEASES), TREATMENTS))


def shuffled_pairs(seed: int = 0) -> IntArray:
    """As many pairs, but any. Shape [2, 120]."""
    cells = np.random.default_rng(seed).choice(NUM_DRUGS * NUM_DISEASES, NUM_DISEASES * TREATMENTS, replace=False)
    return sorted_pairs(cells // NUM_DISEASES, cells % NUM_DISEASES)


def sorted_pairs(drugs: IntArray, diseases: IntArray) -> IntArray:
    order = np.lexsort([diseases, drugs])
    return np.stack([drugs[order], diseases[order]]).astype(np.int64)


def split_of(pairs: IntArray) -> DrugDiseaseSplit:
    """Three folds by index; modules and folds, 5 and 3, have nothing to do with each other."""
    drug, disease = pairs
    return DrugDiseaseSplit(
        pairs=pairs,
        folds={
            ("disease", 0): disease % NUM_FOLDS,
            ("pair", 0): np.arange(len(drug)) % NUM_FOLDS,
            ("drug", 0): drug % NUM_FOLDS,
        },
        num_drugs=NUM_DRUGS,
        num_diseases=NUM_DISEASES,
        num_folds=NUM_FOLDS,
        seeds=(0,),
    )


def labels(pairs: IntArray) -> FloatArray:
    """1 where a pair is. Shape [60, 30]."""
    table = np.zeros((NUM_DRUGS, NUM_DISEASES))
    table[pairs[0], pairs[1]] = 1
    return table
