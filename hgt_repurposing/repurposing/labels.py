"""Labels of drug-disease pairs: indications, known negatives, and off-label use, which is neither."""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from scipy.sparse import csr_array

from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.schema import BoolArray, FloatArray, IntArray

UNKNOWN, INDICATION, CONTRAINDICATION = 0, 1, 2
"""Class indices."""


@dataclass(frozen=True, eq=False)
class Labels:
    """Known pairs by kind of relation, 1 for each pair. Shape [num_drugs, num_diseases] each."""

    indications: csr_array
    contraindications: csr_array
    """Known negatives: contraindications, and pairs recorded as not indicated."""
    off_label: csr_array
    """Off-label use and palliation: never a training example."""

    @classmethod
    def of_graph(cls, graph: KnowledgeGraph) -> Self:
        """Labels of a graph; an indication overrides whatever else is said of the same pair."""
        shape = graph.grid_shape
        indications = _matrix(graph.indications, shape)
        others = (_matrix(pairs, shape) for pairs in (graph.known_negatives, graph.off_label_pairs))
        return cls(indications, *(csr_array(known - known.multiply(indications)) for known in others))

    @property
    def num_classes(self) -> int:
        """Unknown, indication, and contraindication if the graph has known negatives."""
        return 3 if self.contraindications.nnz else 2

    @property
    def other_labels(self) -> csr_array:
        """Not 0 for known negatives and off-label uses; undeclared relations are no label.

        Shape [num_drugs, num_diseases].
        """
        return csr_array(self.contraindications + self.off_label)

    @property
    def known_otherwise(self) -> IntArray:
        """Pairs of `other_labels`. Shape [2, num_pairs]."""
        return np.stack(self.other_labels.nonzero()).astype(np.int64)

    def with_indications(self, pairs: IntArray) -> Self:
        """A copy with these indications instead. Shape [2, num_pairs]."""
        return replace(self, indications=_matrix(pairs, self.indications.shape))

    def class_of(self, pairs: IntArray) -> IntArray:
        """Class of each pair. Shape [num_pairs]."""
        said = INDICATION * _at(pairs, self.indications) + CONTRAINDICATION * _at(pairs, self.contraindications)
        return np.asarray(said, dtype=np.int64)

    def is_no_example(self, pairs: IntArray) -> BoolArray:
        """True for off-label use and palliation without another label. Shape [num_pairs]."""
        off_label = _at(pairs, self.off_label) > 0
        return np.asarray(off_label & (self.class_of(pairs) == UNKNOWN), dtype=np.bool_)


def _matrix(pairs: IntArray, shape: tuple[int, int]) -> csr_array:
    return csr_array((np.ones(pairs.shape[1], dtype=np.float32), tuple(pairs)), shape=shape)


def _at(pairs: IntArray, known: csr_array) -> FloatArray:
    """Entry of each pair; of none, SciPy would return a sparse array. Shape [num_pairs]."""
    return np.asarray(known[tuple(pairs)] if pairs.shape[1] else [], dtype=np.float64)
