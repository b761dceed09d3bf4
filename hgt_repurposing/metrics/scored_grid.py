"""One score on one grid of drugs x diseases: what metrics are computed from."""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, Self

import numpy as np

from hgt_repurposing.graph.schema import BoolArray, FloatArray, IntArray
from hgt_repurposing.metrics.classification import (
    DegreeMatched,
    Pooled,
    UniformOneToOne,
    degree_matched,
    pooled,
    uniform_one_to_one,
)
from hgt_repurposing.metrics.ranking import (
    AveragePrecisions,
    PositiveRanks,
    average_precisions,
    per_drug_ap,
    positive_ranks,
)


class Cells(NamedTuple):
    """A score on a grid of drugs x diseases, and which cells count."""

    scores: FloatArray
    """Higher is better. Shape [num_drugs, num_columns]."""
    positive: BoolArray
    """True where a held-out pair is. Same shape."""
    candidate: BoolArray
    """True where a cell takes part; every positive does. Same shape."""

    def of_drugs(self, drugs: IntArray) -> Self:
        """Rows of these drugs alone."""
        return type(self)(self.scores[drugs], self.positive[drugs], self.candidate[drugs])

    def of_columns(self, chosen: BoolArray) -> Self:
        """These columns alone."""
        return type(self)(self.scores[:, chosen], self.positive[:, chosen], self.candidate[:, chosen])


@dataclass(frozen=True, eq=False)
class ScoredGrid:
    """What metrics are computed from; what several of them need is computed once.

    Raises:
        ValueError: As `positive_ranks` and `degree_matched`, when a metric asks.
    """

    cells: Cells
    """Diseases with a positive against all drugs."""
    drug_degree: IntArray
    """Known treatments of each drug in training. Shape [num_drugs]."""
    disease_degree: IntArray
    """Known treatments of each disease in training. Shape [num_columns]."""
    seed: tuple[int, ...]
    """Of negatives that are drawn."""
    cells_of_drugs: Cells | None = None
    """What a drug is ranked in, if that is more than the diseases with a positive; None: the same cells."""

    @cached_property
    def ranks(self) -> PositiveRanks:
        """Of every positive."""
        return positive_ranks(*self.cells)

    @cached_property
    def filtered_ranks(self) -> FloatArray:
        """Average tie rank of every positive, other positives left out. Shape [num_positives]."""
        return self.ranks.filtered.realistic

    @cached_property
    def by_disease(self) -> AveragePrecisions:
        """Average precision of every disease."""
        return average_precisions(self.ranks)

    @cached_property
    def by_drug(self) -> AveragePrecisions:
        """Average precision of every drug."""
        return per_drug_ap(*(self.cells_of_drugs or self.cells))

    @cached_property
    def pooled(self) -> Pooled:
        """All diseases together."""
        return pooled(*self.cells)

    @cached_property
    def one_to_one(self) -> UniformOneToOne:
        """Against as many negatives, drawn uniformly."""
        return uniform_one_to_one(*self.cells, generator=np.random.default_rng(self.seed))

    @cached_property
    def degree_matched(self) -> DegreeMatched:
        """Against negatives whose drug and disease are as popular."""
        return degree_matched(*self.cells, drug_degree=self.drug_degree, disease_degree=self.disease_degree)
