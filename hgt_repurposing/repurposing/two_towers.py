"""Two towers: drugs and diseases in one space, where a drug lies near the diseases it treats.

A small network for drugs and one for diseases move vectors that never saw a treatment into that space: the supervised
phase (`tower_training.py`). A pair's score is its drug's share of a softmax over cosines, sharpened by a factor, as
between queries and documents (Huang et al., CIKM 2013, equations 3 and 4).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp

from hgt_repurposing.graph.schema import FloatArray, IntArray
from hgt_repurposing.repurposing.features import Features

WIDTH = 64
"""Numbers per drug and disease in the common space."""
SHARPNESS = 16.0
"""Factor of the cosines, gamma of the paper's equation 4."""
DISEASES_AT_ONCE = 128
"""Diseases whose softmax is made at a time."""


@dataclass(frozen=True, eq=False)
class TwoTowers:
    """Where every drug and disease lies in the common space."""

    drugs: Features
    """Rows of length 1. Shape [num_drugs, WIDTH]."""
    diseases: Features
    """Rows of length 1. Shape [num_diseases, WIDTH]."""

    def log_probability(self, pairs: IntArray) -> FloatArray:
        """Logarithm of what a pair's drug has of its disease's softmax over all drugs.

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
        """The same of every drug with some diseases.

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
        """Where a block of diseases begins, and its logarithms. Shape [num_drugs, up to DISEASES_AT_ONCE]."""
        for start in range(0, len(diseases), DISEASES_AT_ONCE):
            closeness = SHARPNESS * (self.drugs @ self.diseases[diseases[start : start + DISEASES_AT_ONCE]].T)
            yield start, closeness - logsumexp(closeness, axis=0)

    def to_arrays(self) -> dict[str, Features]:
        """By the names of the fields."""
        return {"drugs": self.drugs, "diseases": self.diseases}
