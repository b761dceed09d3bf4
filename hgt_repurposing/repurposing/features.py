"""Named features of a drug-disease pair: treatments among its neighbours, and paths between the two.

A feature that reads treatments must see them as at prediction time, with the pair's own label hidden. Which treatments
can say something depends on the setting (`graph/settings.py`): a cold drug has no uses of its own to compare diseases
by, and who shares treatments with whom is known of warm pairs only. Each setting therefore has its own features. None
counts a drug's or a disease's treatments: popularity is not evidence.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, Self

import numpy as np
import numpy.typing as npt
from scipy.sparse import csc_array, csr_array, diags_array

from hgt_repurposing.baselines.baseline import ColumnScores
from hgt_repurposing.baselines.rules import KRONECKER_RIDGE
from hgt_repurposing.graph.kernel import damped_by_disease
from hgt_repurposing.graph.schema import BoolArray, Features, FloatArray, IntArray
from hgt_repurposing.graph.settings import SETTINGS, Setting
from hgt_repurposing.repurposing.baseline_scores import BaselineScores, fit_baseline_scores
from hgt_repurposing.repurposing.neighbourhoods import Neighbourhoods, Paths, require_distinct

MAX_BLOCK_VALUES = 50_000_000
"""Feature values in memory at a time: 200 MB in float32."""
SPREAD = 30.0
"""Factor before arcsinh, which is linear below 1 and logarithmic above: sums of damped labels are a few hundredths."""

Column = Callable[[IntArray], npt.NDArray[np.floating]]
"""Diseases [num_columns] -> one feature of every drug for each of them. Shape [num_drugs, num_columns]."""


SHARED_TREATMENTS = ("drug kNN", "disease kNN", "matrix factorisation")
"""Baselines that compare drugs and diseases by the treatments that they share: features of warm pairs."""

AGAINST_OTHER_DRUGS = ", against other drugs"
"""End of the name of a feature that is standardised over all drugs."""
Evidence = Literal["similar diseases", "similar drugs", "both", "shared treatments", "paths", "usage"]
EVIDENCE_IN_WORDS: Mapping[Evidence, str] = {
    "similar diseases": "treats diseases that are similar by genes, symptoms and other relations",
    "similar drugs": "is similar to drugs that treat the disease, by targets, side effects and other relations",
    "both": "is similar to drugs that treat similar diseases",
    "shared treatments": "has uses in common with drugs that treat the disease",
    "paths": "paths through the graph that join drug and disease",
    "usage": "how often drug and disease are treated at all",
}
"""Kinds of evidence that features and baselines stand for."""
OF_FEATURE: Mapping[str, Evidence] = {
    "treats similar diseases by ": "similar diseases",
    "most similar treated disease": "similar diseases",
    "similar drugs treat it by ": "similar drugs",
    "most similar treating drug": "similar drugs",
    "similar drugs treat similar diseases": "both",
    KRONECKER_RIDGE: "both",
    **dict.fromkeys(SHARED_TREATMENTS, "shared treatments"),
    "similarity to any treating drug": "usage",
    "paths ": "paths",
}
"""Kind of evidence by the beginning of a feature's name; one beginning fits each name."""


@dataclass(frozen=True, eq=False)
class VisibleTreatments:
    """What the features of every setting read of the visible treatments."""

    neighbourhoods: Neighbourhoods
    visible: csr_array
    """1 for visible treatments. Shape [num_drugs, num_diseases]."""
    baselines: BaselineScores
    """Fitted on them."""

    @cached_property
    def by_disease(self) -> csr_array:
        """Labels damped by the number of drugs per disease. Shape [num_drugs, num_diseases]."""
        return damped_by_disease(self.visible)

    @cached_property
    def damped_anchors(self) -> csr_array:
        """Labels damped on both sides, for anchor diseases. Shape [num_drugs, num_anchors]."""
        num_diseases = np.asarray(np.maximum(self.visible.sum(axis=1), 1), dtype=np.float64)
        both = csr_array(diags_array(num_diseases**-0.5) @ self.by_disease, dtype=np.float32)
        return csr_array(both[:, self.neighbourhoods.diseases.anchors])

    @cached_property
    def drug_anchor_labels(self) -> csc_array:
        """Labels damped by disease, for anchor drugs. Shape [num_anchors, num_diseases]."""
        return csc_array(self.by_disease[self.neighbourhoods.drugs.anchors])

    @cached_property
    def pushed_by_drugs(self) -> npt.NDArray[np.float32]:
        """Labels damped on both sides, propagated to similar drugs. Shape [num_drugs, num_anchors]."""
        drugs = self.neighbourhoods.drugs
        pushed: npt.NDArray[np.float32] = (drugs.average @ self.damped_anchors[drugs.anchors]).toarray()
        return pushed

    @cached_property
    def to_any_treating_drug(self) -> npt.NDArray[np.float32]:
        """Largest average similarity of a drug to one that treats anything. Shape [num_drugs]."""
        drugs = self.neighbourhoods.drugs
        treating = np.diff(self.visible.indptr)[drugs.anchors] > 0
        largest: npt.NDArray[np.float32] = drugs.average_by_anchor[treating].max(axis=0, initial=0)
        return largest


@dataclass(frozen=True, eq=False)
class PairFeatures:
    """The features of one setting, given the visible treatments."""

    treatments: VisibleTreatments
    setting: Setting

    @classmethod
    def of_every_setting(cls, neighbourhoods: Neighbourhoods, visible: csr_array) -> Mapping[Setting, Self]:
        """The features of each setting; they share what they read of the visible treatments.

        Args:
            neighbourhoods: Similarities and paths, without treatments.
            visible: 1 for visible treatments. Shape [num_drugs, num_diseases].
        """
        treatments = VisibleTreatments(neighbourhoods, visible, fit_baseline_scores(neighbourhoods, visible))
        return {setting: cls(treatments, setting) for setting in SETTINGS}

    @property
    def neighbourhoods(self) -> Neighbourhoods:
        """Similarities and paths, without treatments."""
        return self.treatments.neighbourhoods

    @property
    def visible(self) -> csr_array:
        """1 for visible treatments. Shape [num_drugs, num_diseases]."""
        return self.treatments.visible

    @property
    def baselines(self) -> BaselineScores:
        """Fitted on the visible treatments."""
        return self.treatments.baselines

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
        beside = [f"{name}{AGAINST_OTHER_DRUGS}" for name in self._label_columns]
        names = (*self._label_columns, *beside, *self._further_columns)
        require_distinct(names)
        return names

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """The kind of evidence that each feature stands for."""
        return tuple(next(kind for begin, kind in OF_FEATURE.items() if name.startswith(begin)) for name in self.names)

    @property
    def of_graph(self) -> BoolArray:
        """True for features that use more than the treatments themselves. Shape [num_features]."""
        return np.array([not name.startswith(SHARED_TREATMENTS) for name in self.names])

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

    # The columns are bound to these features: kept here, they would keep them in memory until a collection of cycles.
    @property
    def _label_columns(self) -> Mapping[str, Column]:
        """Features that read treatments; each has a second version, standardised against other drugs."""
        columns: dict[str, Column] = {}
        if self.setting in ("warm pair", "cold disease"):
            for name, matrix in self.neighbourhoods.diseases.similarities.items():
                columns[f"treats similar diseases by {name}"] = _pushed_to_diseases(
                    self.treatments.damped_anchors, matrix
                )
            columns["most similar treated disease"] = self._most_similar_disease
        if self.setting in ("warm pair", "cold drug"):
            for name, matrix in self.neighbourhoods.drugs.similarities.items():
                columns[f"similar drugs treat it by {name}"] = _pushed_to_drugs(
                    matrix, self.treatments.drug_anchor_labels
                )
            columns["most similar treating drug"] = self._most_similar_drug
        columns["similar drugs treat similar diseases"] = _pushed_to_diseases(
            self.treatments.pushed_by_drugs, self.neighbourhoods.diseases.average
        )
        columns[KRONECKER_RIDGE] = self._kronecker_ridge
        if self.setting == "warm pair":
            columns |= {name: _on_the_scale(self.baselines.rules[name]) for name in SHARED_TREATMENTS}
        return columns

    @property
    def _further_columns(self) -> Mapping[str, Column]:
        columns: dict[str, Column] = {"similarity to any treating drug": self._similarity_to_any_treating_drug}
        for paths in self.neighbourhoods.paths:
            columns[f"paths {paths.name}"] = _path_counts(paths)
        return columns

    def _most_similar_disease(self, diseases: IntArray) -> npt.NDArray[np.float32]:
        """Largest average similarity of the disease to one that the drug treats; 0 if it treats none."""
        seen = csr_array(self.visible[:, self.neighbourhoods.diseases.anchors])
        towards = self.neighbourhoods.diseases.average[diseases].T.toarray()
        return _largest_of_groups(towards, seen.indices, seen.indptr)

    def _most_similar_drug(self, diseases: IntArray) -> npt.NDArray[np.float32]:
        """Largest average similarity of the drug to one that treats the disease; 0 if none does."""
        drugs = self.neighbourhoods.drugs
        seen = csr_array(csc_array(self.visible[drugs.anchors])[:, diseases].T)
        return _largest_of_groups(drugs.average_by_anchor, seen.indices, seen.indptr).T

    def _similarity_to_any_treating_drug(self, diseases: IntArray) -> npt.NDArray[np.float32]:
        """The same for every disease."""
        return np.repeat(self.treatments.to_any_treating_drug[:, None], len(diseases), axis=1)

    def _kronecker_ridge(self, diseases: IntArray) -> FloatArray:
        """Same as the baseline of this name, on the scale of the other features."""
        return SPREAD * self.baselines.rules[KRONECKER_RIDGE](diseases)


def _on_the_scale(scores: ColumnScores) -> Column:
    """A baseline's scores, on the scale of the other features."""
    return lambda diseases: np.arcsinh(SPREAD * scores(diseases))


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
        if isinstance(labels, np.ndarray):
            return np.asarray(np.arcsinh(SPREAD * (labels @ csc_array(similarity[diseases].T))))
        return np.asarray(np.arcsinh(SPREAD * _times_rows(labels, similarity, diseases)))

    return column


def _pushed_to_drugs(similarity: csr_array, labels: csc_array) -> Column:
    """Labels of similar drugs, weighted by similarity. Labels [num_anchors, num_diseases]."""

    def column(diseases: IntArray) -> npt.NDArray[np.floating]:
        return np.asarray(np.arcsinh(SPREAD * _times_rows(similarity, csr_array(labels.T), diseases)))

    return column


def _path_counts(paths: Paths) -> Column:
    """Damped number of paths, divided by its mean over pairs with a path."""

    def column(diseases: IntArray) -> npt.NDArray[np.floating]:
        return np.asarray(np.arcsinh(_times_rows(paths.drug_walk, paths.disease_walk, diseases) / paths.mean))

    return column


def _times_rows(matrix: csr_array, others: csr_array, rows: IntArray) -> npt.NDArray[np.float32]:
    """Product of a sparse matrix with some rows of another, transposed: dense, shape [n, num_rows].

    A single row is multiplied as a dense vector: the same sums in a third of the time.
    """
    product: npt.NDArray[np.float32]
    if len(rows) == 1:
        entries = slice(others.indptr[rows[0]], others.indptr[rows[0] + 1])
        vector = np.zeros(others.shape[1], dtype=others.dtype)
        vector[others.indices[entries]] = others.data[entries]
        product = (matrix @ vector)[:, None]
    else:
        product = csr_array(matrix @ csc_array(others[rows].T)).toarray()
    return product


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
