"""Two towers: drugs and diseases in a common space, where a drug is close to the diseases it treats.

A small network for drugs and one for diseases map vectors that have not seen treatments into that space: the supervised
phase (`tower_training.py`). A pair's score is its drug's probability in a softmax over scaled cosines, as between
queries and documents (Huang et al., CIKM 2013, equations 3 and 4).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp

from hgt_repurposing.graph.schema import Features, FloatArray, IntArray

WIDTH = 64
"""Dimension of the common space."""
SHARPNESS = 16.0
"""Scale of the cosines, gamma in the paper's equation 4."""
DISEASES_AT_ONCE = 128
"""Diseases whose softmax is computed at a time."""


@dataclass(frozen=True, eq=False)
class TwoTowers:
    """Vectors of all drugs and diseases in the common space."""

    drugs: Features
    """Rows of length 1. Shape [num_drugs, WIDTH]."""
    diseases: Features
    """Rows of length 1. Shape [num_diseases, WIDTH]."""

    def log_probability(self, pairs: IntArray) -> FloatArray:
        """Log probability of each pair's drug in the softmax of its disease over all drugs.

        Args:
            pairs: Drug and disease. Shape [2, num_pairs].

        Returns:
            Shape [num_pairs].
        """
        drug, disease = pairs
        chosen, column = np.unique(disease, return_inverse=True)
        found = np.empty(len(drug))
        for start, block in self._blocks(chosen):
            asked = np.flatnonzero((column >= start) & (column < start + block.shape[1]))
            found[asked] = block[drug[asked], column[asked] - start]
        return found

    def log_probabilities(self, diseases: IntArray) -> FloatArray:
        """The same for every drug and some diseases.

        Args:
            diseases: Local indices. Shape [num_columns].

        Returns:
            Shape [num_drugs, num_columns].
        """
        found = np.empty((len(self.drugs), len(diseases)))
        for start, block in self._blocks(diseases):
            found[:, start : start + block.shape[1]] = block
        return found

    def _blocks(self, diseases: IntArray) -> Iterator[tuple[int, Features]]:
        """Start of each block of diseases, and its log probabilities. Shape [num_drugs, up to DISEASES_AT_ONCE]."""
        for start in range(0, len(diseases), DISEASES_AT_ONCE):
            closeness = SHARPNESS * (self.drugs @ self.diseases[diseases[start : start + DISEASES_AT_ONCE]].T)
            yield start, closeness - logsumexp(closeness, axis=0)

    def to_arrays(self) -> dict[str, Features]:
        """Arrays by field name."""
        return {"drugs": self.drugs, "diseases": self.diseases}
