"""One scored grid of drugs x diseases: what metrics are computed from."""

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
    """Scores on a grid of drugs x diseases, and which cells count."""

    scores: FloatArray
    """Higher is better. Shape [num_drugs, num_columns]."""
    positive: BoolArray
    """True for held-out pairs. Same shape."""
    candidate: BoolArray
    """True where a cell is evaluated; includes every positive. Same shape."""

    def of_drugs(self, drugs: IntArray) -> Self:
        """Only the rows of these drugs."""
        return type(self)(self.scores[drugs], self.positive[drugs], self.candidate[drugs])

    def of_columns(self, chosen: BoolArray) -> Self:
        """Only these columns."""
        return type(self)(self.scores[:, chosen], self.positive[:, chosen], self.candidate[:, chosen])


@dataclass(frozen=True, eq=False)
class ScoredGrid:
    """Input of the metrics; results that several of them need are computed once.

    Raises:
        ValueError: As `positive_ranks` and `degree_matched`, on first use by a metric.
    """

    cells: Cells
    """Diseases with a positive against all drugs."""
    drug_degree: IntArray
    """Known treatments of each drug in training. Shape [num_drugs]."""
    disease_degree: IntArray
    """Known treatments of each disease in training. Shape [num_columns]."""
    seed: tuple[int, ...]
    """Seed of the drawn negatives."""
    cells_of_drugs: Cells | None = None
    """Cells in which drugs are ranked, if more than the diseases with a positive; None: the same cells."""

    @cached_property
    def ranks(self) -> PositiveRanks:
        """Ranks of every positive."""
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
        """Over all diseases, pooled."""
        return pooled(*self.cells)

    @cached_property
    def one_to_one(self) -> UniformOneToOne:
        """Against equally many uniformly drawn negatives."""
        return uniform_one_to_one(*self.cells, generator=np.random.default_rng(self.seed))

    @cached_property
    def degree_matched(self) -> DegreeMatched:
        """Against negatives whose drug and disease have similar degrees."""
        return degree_matched(*self.cells, drug_degree=self.drug_degree, disease_degree=self.disease_degree)
