"""The evaluation: the model and every baseline on the same grids, and whether the difference is more than noise."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Self

import numpy as np
import pandas as pd

from hgt_repurposing.benchmark.external_results import ExternalResults
from hgt_repurposing.benchmark.new_disease_results import NewDiseases
from hgt_repurposing.benchmark.protocol import FOLD, MODEL, REPEAT, SCORER, SPLIT, SUITE, summarise
from hgt_repurposing.benchmark.tables import SCHEMAS, require_tables
from hgt_repurposing.benchmark.verdicts import MIN_DISEASES, Lead
from hgt_repurposing.benchmark.whole_grid import WholeGrid
from hgt_repurposing.graph.schema import FloatArray
from hgt_repurposing.graph.split_kinds import HELD_OUT
from hgt_repurposing.metrics.registry import MACRO_AP, Metric, deciding_metric
from hgt_repurposing.metrics.uncertainty import BootstrapDifference, bootstrap_difference
from hgt_repurposing.repurposing.blend import ScorePart

STRICT = "strict"
DISEASE = "disease"
AP = "average_precision"


def no_score_parts() -> pd.DataFrame:
    """The table of what scores are made of, without a row."""
    return pd.DataFrame(columns=list(ScorePart._fields))


def headline_of(measured: Collection[str]) -> str:
    """The first of SPLIT_KINDS that was measured, else the external pairs."""
    return next(split for split in HELD_OUT if split in measured)


def metric_of(split: str) -> Metric:
    """The deciding metric of a split kind or of external pairs."""
    return deciding_metric(asks_for_diseases=HELD_OUT[split].asks_for_diseases)


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Metrics of the model and of the baselines, and how far the model's lists follow popularity."""

    folds: pd.DataFrame
    """One row per split, suite, scorer, repeat and fold: columns of these names, then one per metric."""
    diseases: pd.DataFrame
    """Average precision by disease: columns split, scorer, repeat, fold, disease, average_precision."""
    trust: pd.DataFrame
    """One row per split: spearman_with_degree, drug_entropy, top_10_overlap between repeats (NaN with one)."""
    frequent: pd.DataFrame
    """Most frequent entries of top-10 lists on held-out diseases: columns kind (drug or disease), name, num_lists."""
    left_out: Mapping[str, str]
    """Baselines that cannot be computed on the graph, with the reason."""
    seed: int
    """Seed of the bootstrap."""
    not_measured: Mapping[str, str] = field(default_factory=dict)
    """Requested split kinds that the graph is too small for, with the reason."""
    whole_grid: WholeGrid | None = None
    """Results of the protocol `deployment`; None if it was not measured."""
    external: ExternalResults | None = None
    """Results on pairs from outside the graph, by file; None without any."""
    new_diseases: NewDiseases | None = None
    """Held-out diseases ranked as new ones; None if whole diseases were not held out."""
    score_parts: pd.DataFrame = field(default_factory=no_score_parts)
    """What the scores of the evaluated model are blended from: columns of `ScorePart`; empty: not known."""

    def __post_init__(self) -> None:
        require_tables({name: getattr(self, name) for name in SCHEMAS})

    @property
    def strict(self) -> pd.DataFrame:
        """Rows of the strict suite, without its name."""
        return self.folds[self.folds[SUITE] == STRICT].drop(columns=SUITE)

    @property
    def summary(self) -> pd.DataFrame:
        """Mean and spread over folds in the strict suite, one row per split and scorer."""
        return summarise(self.strict)

    def mean(self, split: str, scorer: str, metric: str) -> float:
        """Mean over folds of one metric of one scorer."""
        rows = self.strict
        return float(rows.loc[(rows[SPLIT] == split) & (rows[SCORER] == scorer), metric].mean())

    @property
    def headline_split(self) -> str:
        """The split kind that the headline reports."""
        return headline_of(set(self.folds[SPLIT]))

    def missing_baselines(self, split: str) -> dict[str, str]:
        """Baselines that could not be computed, or were not measured on every fold of a split, with the reason."""
        rows = self.strict
        own = rows[rows[SPLIT] == split]
        num_folds = int((own[SCORER] == MODEL).sum())
        measured = own.dropna(subset=metric_of(split).name).groupby(SCORER).size()
        partly = {
            str(name): f"measured on {measured.get(name, 0)} of {num_folds} folds"
            for name in rows[SCORER].unique()
            if name != MODEL and measured.get(name, 0) < num_folds
        }
        return {**partly, **self.left_out}

    def best_baseline(self, split: str, metric: str) -> str:
        """Name of the baseline with the highest mean, of those that were measured on every fold.

        Raises:
            ValueError: If there is none.
        """
        rows = self.strict
        rows = rows[
            (rows[SPLIT] == split) & (rows[SCORER] != MODEL) & ~rows[SCORER].isin(self.missing_baselines(split))
        ]
        if rows.empty:
            raise ValueError(
                f"no baseline was measured on every fold of the split {split!r}: there is nothing to compare with"
            )
        return str(rows.groupby(SCORER, sort=False)[metric].mean().idxmax())

    def differences(self, split: str, metric: str) -> FloatArray:
        """The model's value minus the best baseline's, fold by fold. Shape [num_folds]."""
        rows = self.strict
        rows = rows[rows[SPLIT] == split].pivot_table(index=[REPEAT, FOLD], columns=SCORER, values=metric)
        return (rows[MODEL] - rows[self.best_baseline(split, metric)]).to_numpy(dtype=np.float64)

    def lead(self, split: str) -> Lead:
        """The model compared with the best baseline, with its verdict: all verdicts come from here."""
        if split not in self._leads:
            self._leads[split] = self._lead(split)
        return self._leads[split]

    @cached_property
    def _leads(self) -> dict[str, Lead]:
        """Cache by split: a page needs each several times, and a bootstrap takes 10,000 resamples."""
        return {}

    def _lead(self, split: str) -> Lead:
        metric = metric_of(split)
        measured = self.diseases[(self.diseases[SPLIT] == split) & (self.diseases[SCORER] == MODEL)]
        by_disease = metric is MACRO_AP and len(measured) > 0
        return Lead(
            split=split,
            metric=metric.name,
            baseline=self.best_baseline(split, metric.name),
            own=self.mean(split, MODEL, metric.name),
            folds=self.differences(split, metric.name),
            interval=self.lead_interval(split) if by_disease else None,
            num_diseases=measured[DISEASE].nunique() if by_disease else 0,
            missing=self.missing_baselines(split),
        )

    def lead_interval(self, split: str) -> BootstrapDifference | None:
        """Bootstrap over diseases of the lead in average precision; None with fewer than `MIN_DISEASES`."""
        rows = self.diseases[self.diseases[SPLIT] == split]
        wide = rows.pivot_table(index=[REPEAT, FOLD, DISEASE], columns=SCORER, values=AP)
        disease = wide.index.get_level_values(DISEASE).to_numpy(dtype=np.int64)
        if len(np.unique(disease)) < MIN_DISEASES:
            return None
        return bootstrap_difference(
            wide[MODEL].to_numpy(dtype=np.float64),
            wide[self.best_baseline(split, MACRO_AP.name)].to_numpy(dtype=np.float64),
            disease,
            generator=np.random.default_rng(self.seed),
        )

    def headline(self) -> str:
        """In words: whether the model beats its best baseline, by how much, and whether that is more than noise.

        On the whole grid first, as people get the list, then on the first split kind.
        """
        return " ".join(lead.in_words() for lead in self.headline_leads)

    @property
    def headline_leads(self) -> list[Lead]:
        """What the headline says, in its order."""
        first = [] if self.whole_grid is None else self.whole_grid.headline_leads
        return [*first, self.lead(self.headline_split)]

    def to_parts(self) -> dict[str, Any]:
        """What `artifacts.py` writes; the inverse of `from_parts`. Any: one of its part shapes."""
        return {
            "evaluation_folds.parquet": self.folds,
            "evaluation_folds.csv": self.folds,
            "evaluation.csv": summarise(self.folds),
            "evaluation_diseases.parquet": self.diseases,
            "trust.parquet": self.trust,
            "frequent.parquet": self.frequent,
            **({} if self.whole_grid is None else self.whole_grid.to_parts()),
            **({} if self.external is None else self.external.to_parts()),
            **({} if self.new_diseases is None else self.new_diseases.to_parts()),
            "evaluation.json": {
                "headline": self.headline(),
                "left_out": dict(self.left_out),
                "seed": self.seed,
                "not_measured": dict(self.not_measured),
                "score_parts": self.score_parts.to_dict("records"),
            },
        }

    @classmethod
    def from_parts(cls, parts: Mapping[str, Any]) -> Self:
        """Inverse of `to_parts`."""
        about = parts["evaluation.json"]
        return cls(
            folds=parts["evaluation_folds.parquet"],
            diseases=parts["evaluation_diseases.parquet"],
            trust=parts["trust.parquet"],
            frequent=parts["frequent.parquet"],
            left_out=about["left_out"],
            seed=about["seed"],
            not_measured=about["not_measured"],
            whole_grid=WholeGrid.from_parts(parts),
            external=ExternalResults.from_parts(parts),
            new_diseases=NewDiseases.from_parts(parts),
            score_parts=pd.DataFrame(about["score_parts"], columns=list(ScorePart._fields)),
        )
