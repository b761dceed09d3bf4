"""Scores of a model with factors for drugs and for diseases: their inner products."""

import numpy as np

from hgt_repurposing.baselines.baseline import ColumnScores
from hgt_repurposing.graph.schema import FloatArray, IntArray


def inner_products(drugs: FloatArray, diseases: FloatArray) -> ColumnScores:
    """Inner products of the factors of all drugs and of some diseases, in float64.

    Args:
        drugs: Shape [num_drugs, num_factors].
        diseases: Shape [num_diseases, num_factors].
    """

    def scores(columns: IntArray) -> FloatArray:
        # One product per column: how a product of several is rounded depends on how many they are.
        by_column = np.empty((len(columns), len(drugs)))
        for row, column in zip(by_column, columns, strict=True):
            row[:] = drugs @ diseases[column]
        return by_column.T

    return scores
