"""Named features of a drug-disease pair: treatments among its neighbours, and paths between the two.

A feature that reads treatments must see them as at prediction time: with the pair's own label hidden, and all others
that its setting hides. Each setting (`graph/split_kinds.py`) therefore has its own feature set. No feature counts a
drug's or a disease's treatments; popularity is not evidence.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy.sparse import csc_array, csr_array, diags_array

from hgt_repurposing.graph.kernel import damped_by_disease, kronecker_ridge
from hgt_repurposing.graph.schema import FloatArray, IntArray
from hgt_repurposing.graph.split_kinds import Setting
from hgt_repurposing.repurposing.neighbourhoods import Neighbourhoods, Paths, require_distinct

MAX_BLOCK_VALUES = 50_000_000
"""Feature values in memory at a time: 200 MB in float32."""
SPREAD = 30.0
"""Factor before arcsinh, which is linear below 1 and logarithmic above: sums of damped labels are a few hundredths."""

Features = npt.NDArray[np.float32]
Column = Callable[[IntArray], npt.NDArray[np.floating]]
"""Diseases [num_columns] -> one feature of every drug for each of them. Shape [num_drugs, num_columns]."""


@dataclass(frozen=True, eq=False)
class PairFeatures:
    """The features of one setting, given the visible treatments."""

    neighbourhoods: Neighbourhoods
    visible: csr_array
    """1 for visible treatments. Shape [num_drugs, num_diseases]."""
    setting: Setting

    @property
    def num_drugs(self) -> int:
        """Rows of every block."""
        return self.neighbourhoods.drugs.size

    @property
    def names(self) -> tuple[str, ...]:
        """Distinct feature names, in the order of the last axis of a block.

        Raises:
            ValueError: If two are the same, which relation names should never cause.
        """
        beside = [f"{name}, against other drugs" for name in self._label_columns]
        names = (*self._label_columns, *beside, *self._further_columns)
        require_distinct(names)
        return names

    def blocks_of(self, diseases: IntArray) -> Iterator[IntArray]:
        """Split diseases into blocks whose features for every drug fit into `MAX_BLOCK_VALUES`."""
        per_block = max(1, MAX_BLOCK_VALUES // (self.num_drugs * len(self.names)))
        for start in range(0, len(diseases), per_block):
            yield diseases[start : start + per_block]

    def block(self, diseases: IntArray) -> Features:
        """Features of every drug for some diseases.

        Args:
            diseases: Local indices. Shape [num_columns].

        Returns:
            Shape [num_drugs, num_columns, num_features], not contiguous.
        """
        # Feature by feature in memory: written pair by pair, each value would cost a cache line.
        values = np.empty((len(self.names), self.num_drugs, len(diseases)), dtype=np.float32)
        num_label = len(self._label_columns)
        for place, column in enumerate(self._label_columns.values()):
            found = column(diseases)
            values[place] = found
            values[num_label + place] = _against_other_drugs(found)
        for place, column in enumerate(self._further_columns.values(), start=2 * num_label):
            values[place] = column(diseases)
        return np.moveaxis(values, 0, -1)

    @cached_property
    def _label_columns(self) -> Mapping[str, Column]:
        """Features that read treatments; each has a second version, standardised against other drugs."""
        columns: dict[str, Column] = {}
        if self.setting != "cold drug":
            for name, matrix in self.neighbourhoods.diseases.similarities.items():
                columns[f"treats similar diseases by {name}"] = _pushed_to_diseases(self._damped_anchors, matrix)
            columns["most similar treated disease"] = self._most_similar_disease
        if self.setting != "cold disease":
            for name, matrix in self.neighbourhoods.drugs.similarities.items():
                columns[f"similar drugs treat it by {name}"] = _pushed_to_drugs(matrix, self._drug_anchor_labels)
            columns["most similar treating drug"] = self._most_similar_drug
        columns["similar drugs treat similar diseases"] = _pushed_to_diseases(
            self._pushed_by_drugs, self.neighbourhoods.diseases.average
        )
        columns["Kronecker ridge"] = self._kronecker_ridge
        return columns

    @cached_property
    def _further_columns(self) -> Mapping[str, Column]:
        columns: dict[str, Column] = {"similarity to any treating drug": self._similarity_to_any_treating_drug}
        for paths in self.neighbourhoods.paths:
            columns[f"paths {paths.name}"] = _path_counts(paths)
        return columns

    @cached_property
    def _num_diseases_of_drug(self) -> FloatArray:
        return np.asarray(np.maximum(self.visible.sum(axis=1), 1), dtype=np.float64)

    @cached_property
    def _by_disease(self) -> csr_array:
        """Labels damped by the number of drugs per disease. Shape [num_drugs, num_diseases]."""
        return damped_by_disease(self.visible)

    @cached_property
    def _damped_anchors(self) -> csr_array:
        """Labels damped on both sides, for anchor diseases. Shape [num_drugs, num_anchors]."""
        both = csr_array(diags_array(self._num_diseases_of_drug**-0.5) @ self._by_disease, dtype=np.float32)
        return csr_array(both[:, self.neighbourhoods.diseases.anchors])

    @cached_property
    def _drug_anchor_labels(self) -> csc_array:
        """Labels damped by disease, for anchor drugs. Shape [num_anchors, num_diseases]."""
        return csc_array(self._by_disease[self.neighbourhoods.drugs.anchors])

    @cached_property
    def _pushed_by_drugs(self) -> npt.NDArray[np.float32]:
        """Labels damped on both sides, propagated to similar drugs. Shape [num_drugs, num_anchors]."""
        drugs = self.neighbourhoods.drugs
        pushed: npt.NDArray[np.float32] = (drugs.average @ self._damped_anchors[drugs.anchors]).toarray()
        return pushed

    def _most_similar_disease(self, diseases: IntArray) -> npt.NDArray[np.float32]:
        """Largest average similarity of the disease to one that the drug treats; 0 if it treats none."""
        seen = csr_array(self.visible[:, self.neighbourhoods.diseases.anchors])
        towards = self.neighbourhoods.diseases.average[diseases].T.toarray()
        return _largest_of_groups(towards, seen.indices, seen.indptr)

    def _most_similar_drug(self, diseases: IntArray) -> npt.NDArray[np.float32]:
        """Largest average similarity of the drug to one that treats the disease; 0 if none does."""
        seen = csr_array(csc_array(self.visible[self.neighbourhoods.drugs.anchors])[:, diseases].T)
        return _largest_of_groups(self._dense_drug_average.T, seen.indices, seen.indptr).T

    @cached_property
    def _dense_drug_average(self) -> npt.NDArray[np.float32]:
        dense: npt.NDArray[np.float32] = self.neighbourhoods.drugs.average.toarray()
        return dense

    def _similarity_to_any_treating_drug(self, diseases: IntArray) -> npt.NDArray[np.float32]:
        """The same for every disease."""
        return np.repeat(self._to_any_treating_drug[:, None], len(diseases), axis=1)

    @cached_property
    def _to_any_treating_drug(self) -> npt.NDArray[np.float32]:
        """Largest average similarity of a drug to one that treats anything. Shape [num_drugs]."""
        drugs = self.neighbourhoods.drugs
        treating = np.diff(self.visible.indptr)[drugs.anchors] > 0
        largest: npt.NDArray[np.float32] = self._dense_drug_average[:, treating].max(axis=1, initial=0)
        return largest

    @cached_property
    def _ridge_of_drugs(self) -> FloatArray:
        """Kronecker ridge before its last product. Shape [num_drugs, rank of the diseases' kernel]."""
        return kronecker_ridge(self._by_disease, self.neighbourhoods.drugs.kernel, self.neighbourhoods.diseases.kernel)

    def _kronecker_ridge(self, diseases: IntArray) -> FloatArray:
        """Same as the baseline of this name, on the scale of the other features."""
        return SPREAD * (self._ridge_of_drugs @ self.neighbourhoods.diseases.kernel.vectors[diseases].T)


def _against_other_drugs(values: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
    """Standardised over all drugs, because diseases differ in how much is known about their neighbours.

    Argument and result: shape [num_drugs, num_columns].
    """
    # Not scikit-learn's StandardScaler, which copies to float64 and takes more than twice as long on these blocks.
    spread = values.std(axis=0)
    return np.asarray((values - values.mean(axis=0)) / np.where(spread > 0, spread, 1))


def _pushed_to_diseases(labels: csr_array | npt.NDArray[np.float32], similarity: csr_array) -> Column:
    """Labels of similar diseases, weighted by similarity. Labels [num_drugs, num_anchors]."""

    def column(diseases: IntArray) -> npt.NDArray[np.floating]:
        pushed = labels @ csc_array(similarity[diseases].T)
        return np.arcsinh(SPREAD * (pushed if isinstance(pushed, np.ndarray) else pushed.toarray()))

    return column


def _pushed_to_drugs(similarity: csr_array, labels: csc_array) -> Column:
    """Labels of similar drugs, weighted by similarity. Labels [num_anchors, num_diseases]."""

    def column(diseases: IntArray) -> npt.NDArray[np.floating]:
        return np.arcsinh(SPREAD * csr_array(similarity @ labels[:, diseases]).toarray())

    return column


def _path_counts(paths: Paths) -> Column:
    """Damped number of paths, divided by its mean over pairs with a path."""

    def column(diseases: IntArray) -> npt.NDArray[np.floating]:
        counts = csr_array(paths.drug_walk @ csc_array(paths.disease_walk[diseases].T))
        return np.arcsinh(counts.toarray() / paths.mean)

    return column


def _largest_of_groups(
    values: npt.NDArray[np.float32], members: npt.NDArray[np.integer], bounds: npt.NDArray[np.integer]
) -> npt.NDArray[np.float32]:
    """Elementwise maximum over the rows of each group; 0 for an empty group.

    Args:
        values: Non-negative. Shape [num_items, width].
        members: Item indices, group by group. Shape [num_members].
        bounds: Start of each group, then the end. Shape [num_groups + 1].

    Returns:
        Shape [num_groups, width].
    """
    result = np.zeros((len(bounds) - 1, values.shape[1]), dtype=np.float32)
    filled = np.flatnonzero(np.diff(bounds))
    if len(filled):
        result[filled] = np.maximum.reduceat(values[members], bounds[:-1][filled], axis=0)
    return result
