"""The evaluation table: the model and every floor on the same grids, fold by fold."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from hgt_repurposing.evaluation.floor_table import floors_for
from hgt_repurposing.evaluation.floors import FloorInputs
from hgt_repurposing.evaluation.protocol import (
    FOLD,
    REPEAT,
    SCORER,
    SPLIT,
    FoldGrid,
    fold_grid,
    spread_over_folds,
    summarise,
)
from hgt_repurposing.evaluation.ranking import grid_metrics
from hgt_repurposing.graph.schema import FloatArray, IntArray
from hgt_repurposing.graph.split import SPLIT_KINDS, DrugDiseaseSplit, SplitKind
from hgt_repurposing.repurposing.features import PairFeatures
from hgt_repurposing.repurposing.scoring import score_grid

if TYPE_CHECKING:  # plots read an Evaluation, and must not load xgboost for it
    from hgt_repurposing.repurposing.model import RepurposingModel

MODEL = "model"


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Metrics of the model and of the floors."""

    folds: pd.DataFrame
    """One row per split, scorer, repeat and fold: columns of these names, then one per metric of GridMetrics."""

    @property
    def summary(self) -> pd.DataFrame:
        """Mean and spread over folds, one row per split and scorer."""
        return summarise(self.folds)

    def mean(self, split: str, scorer: str, metric: str) -> float:
        """Mean over folds of one metric of one scorer."""
        rows = self.folds[(self.folds[SPLIT] == split) & (self.folds[SCORER] == scorer)]
        return float(rows[metric].mean())

    def best_floor(self, split: str, metric: str) -> str:
        """Name of the floor with the highest mean."""
        rows = self.folds[(self.folds[SPLIT] == split) & (self.folds[SCORER] != MODEL)]
        return str(rows.groupby(SCORER, sort=False)[metric].mean().idxmax())

    def lead(self, split: str, metric: str) -> FloatArray:
        """The model's value minus the best floor's, fold by fold. Shape [num_folds]."""
        rows = self.folds[self.folds[SPLIT] == split].pivot_table(index=[REPEAT, FOLD], columns=SCORER, values=metric)
        return (rows[MODEL] - rows[self.best_floor(split, metric)]).to_numpy(dtype=np.float64)

    def headline(self) -> str:
        """In one sentence, whether the model beats its best floor on held-out diseases, and by how much."""
        lead = self.lead("disease", "macro_ap")
        floor = self.best_floor("disease", "macro_ap")
        verb = "beats" if lead.mean() > 0 else "does NOT beat"
        return (
            f"On held-out diseases the model {verb} the best floor ({floor}): macro AP {lead.mean():+.3f} "
            f"(standard deviation {spread_over_folds(lead):.3f} over {len(lead)} folds, ahead in {(lead > 0).sum()})."
        )

    def to_parts(self) -> dict[str, Any]:
        """What `artifacts.py` writes; the inverse of `from_parts`. Any: one of its part shapes."""
        return {
            "evaluation_folds.parquet": self.folds,
            "evaluation_folds.csv": self.folds,
            "evaluation.csv": self.summary,
            "evaluation.json": {"headline": self.headline()},
        }

    @classmethod
    def from_parts(cls, parts: Mapping[str, Any]) -> Self:
        """Inverse of `to_parts`."""
        return cls(parts["evaluation_folds.parquet"])


def evaluate(
    model: "RepurposingModel", features: PairFeatures, split: DrugDiseaseSplit, *, off_label: IntArray, seed: int
) -> Evaluation:
    """Measure the model of each fold, and the floors, on the pairs that the fold holds out.

    Args:
        model: Fitted on this split.
        features: The embeddings it was fitted on.
        split: All indications with their folds.
        off_label: Pairs left out of the ranking, being neither positive nor negative. Shape [2, num_off_label].
        seed: Of the random floor.

    Raises:
        ValueError: If the model was fitted on another split or on other embeddings.
    """
    model.require_fitted_on(features)
    if model.split_digest != split.digest:
        raise ValueError("the model was fitted on another split: materialise repurposing_model again")
    rows = []
    for key in split.keys:
        grid = fold_grid(split, key, ignored=off_label)
        own = score_grid(model.folds[key], features, grid.columns)
        generator = np.random.default_rng([seed, SPLIT_KINDS.index(key.kind), key.repeat, key.fold])
        for scorer, scores in [(MODEL, own), *_floor_scores(grid, key.kind, generator)]:
            metrics = grid_metrics(scores, grid.positive, grid.candidate)
            rows.append({SPLIT: key.kind, SCORER: scorer, REPEAT: key.repeat, FOLD: key.fold, **metrics._asdict()})
    return Evaluation(pd.DataFrame(rows))


def _floor_scores(grid: FoldGrid, kind: SplitKind, generator: np.random.Generator) -> Iterator[tuple[str, FloatArray]]:
    no_drug_genes, no_disease_genes = (csr_array((size, 0)) for size in grid.train.shape)
    inputs = FloorInputs(
        grid.train,
        grid.columns,
        no_drug_genes,
        no_disease_genes,
        hidden="disease" if kind == "disease_group" else kind,
        generator=generator,
    )
    for name, floor in floors_for(inputs).floors.items():
        yield name, floor(inputs)
