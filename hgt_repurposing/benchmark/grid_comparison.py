"""The model against every baseline on folds of the whole grid: means, leads and their bootstrap over diseases."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from hgt_repurposing.baselines.rules import RANDOM
from hgt_repurposing.benchmark.assumptions import SETTING, WHOLE_GRID
from hgt_repurposing.benchmark.protocol import FOLD, MODEL, SCORER
from hgt_repurposing.benchmark.verdicts import MIN_DISEASES, Lead
from hgt_repurposing.graph.settings import SETTINGS
from hgt_repurposing.graph.split_kinds import HELD_OUT
from hgt_repurposing.metrics.uncertainty import BootstrapDifference, bootstrap_difference

AUROC, AVERAGE_PRECISION = "auroc", "average_precision"
OF_POSITIVES: Mapping[str, str] = {AUROC: "placement", AVERAGE_PRECISION: "precision"}
"""Column of the positives whose mean each metric is."""


@dataclass(frozen=True, eq=False)
class GridComparison:
    """Folds of one kind: masks drawn from one assumption, or one set of pairs from outside the graph."""

    scorers: pd.DataFrame
    """One row per fold, scorer and setting (or the whole grid), as measured by `grid.measure`."""
    positives: pd.DataFrame
    """One row per fold, scorer and positive."""
    split: str
    """Name in `split_kinds.HELD_OUT`."""
    left_out: Mapping[str, str]
    """Baselines that cannot be computed on the graph, with the reason."""
    seed: int
    """Seed of the bootstrap."""

    @property
    def num_folds(self) -> int:
        """Number of folds."""
        return int(self.rows()[FOLD].nunique())

    @property
    def num_positives(self) -> float:
        """Pairs to be found, mean over folds."""
        return self.mean(MODEL, "num_positives")

    def rows(self, setting: str = WHOLE_GRID) -> pd.DataFrame:
        """Rows of one setting, or of the whole grid."""
        return self.scorers[self.scorers[SETTING] == setting]

    def summary(self, setting: str = WHOLE_GRID) -> pd.DataFrame:
        """Mean over folds of every metric that was measured, one row per scorer, the model first."""
        rows = self.rows(setting)
        metrics = rows.select_dtypes("number").columns.drop(FOLD)
        return rows.groupby(SCORER, sort=False)[list(metrics)].mean().dropna(axis=1, how="all").reset_index()

    def mean(self, scorer: str, metric: str, *, setting: str = WHOLE_GRID) -> float:
        """Mean over folds of one metric of one scorer; NaN if the setting never had a positive."""
        rows = self.rows(setting)
        return float(rows.loc[rows[SCORER] == scorer, metric].mean())

    def best_baseline(self, metric: str, *, setting: str = WHOLE_GRID) -> str | None:
        """The baseline with the highest mean, chance excepted; None if the setting had no positive."""
        rows = self.rows(setting)
        means = rows[~rows[SCORER].isin((MODEL, RANDOM.name))].groupby(SCORER, sort=True)[metric].mean().dropna()
        return None if means.empty else str(means.idxmax())

    def within_settings(self, scorer: str) -> float:
        """Mean of the AUROCs inside the settings that had positives; NaN if none had one."""
        inside = pd.Series([self.mean(scorer, AUROC, setting=setting) for setting in SETTINGS])
        return float(inside.mean())  # numpy's nanmean warns where all are NaN

    def lead(self, metric: str = AUROC, *, setting: str = WHOLE_GRID) -> Lead | None:
        """The model against the best baseline; None if the setting had no positive.

        The interval is of a paired bootstrap over diseases of the mean over positives that the metric is.
        """
        if (metric, setting) not in self._leads:
            self._leads[metric, setting] = self._lead(metric, setting)
        return self._leads[metric, setting]

    def own_interval(self, metric: str) -> BootstrapDifference | None:
        """The model's own value over the whole grid, with a bootstrap over diseases; None with too few of them."""
        return self._interval(metric, None, WHOLE_GRID)[0]

    @cached_property
    def _leads(self) -> dict[tuple[str, str], Lead | None]:
        """Cache: a page and a summary need each, and a bootstrap takes 10,000 resamples."""
        return {}

    def _lead(self, metric: str, setting: str) -> Lead | None:
        best = self.best_baseline(metric, setting=setting)
        if best is None:
            return None
        wide = self.rows(setting).pivot_table(index=FOLD, columns=SCORER, values=metric)
        interval, num_diseases = self._interval(metric, best, setting)
        return Lead(
            split=self.split,
            metric=metric,
            baseline=best,
            own=float(wide[MODEL].mean()),
            folds=(wide[MODEL] - wide[best]).to_numpy(dtype=np.float64),
            interval=interval,
            num_diseases=num_diseases,
            missing=self.left_out,
            where="" if setting == WHOLE_GRID else f"{HELD_OUT[self.split].where}, in the setting {setting},",
        )

    def _interval(self, metric: str, baseline: str | None, setting: str) -> tuple[BootstrapDifference | None, int]:
        """Bootstrap of the difference (without a baseline: from 0) over diseases, and their number."""
        column = OF_POSITIVES[metric] + ("" if setting == WHOLE_GRID else "_in_setting")
        rows = self.positives.dropna(subset=column)
        if setting != WHOLE_GRID:
            rows = rows[rows[SETTING] == setting]
        wide = rows.pivot_table(index=[FOLD, "disease", "drug"], columns=SCORER, values=column)
        disease = wide.index.get_level_values("disease").to_numpy(dtype=np.int64)
        num_diseases = len(np.unique(disease))
        if num_diseases < MIN_DISEASES:
            return None, num_diseases
        own = wide[MODEL].to_numpy(dtype=np.float64)
        other = np.zeros(len(own)) if baseline is None else wide[baseline].to_numpy(dtype=np.float64)
        weight = rows[rows[SCORER] == MODEL].set_index([FOLD, "disease", "drug"])["weight"].reindex(wide.index)
        found = bootstrap_difference(
            own,
            other,
            disease,
            generator=np.random.default_rng(self.seed),
            weight=weight.to_numpy(dtype=np.float64),
        )
        return found, num_diseases
