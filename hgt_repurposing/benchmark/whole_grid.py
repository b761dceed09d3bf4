"""Results of the protocol `deployment`: leads over the whole grid, by setting, and calibration."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
import pandas as pd

from hgt_repurposing.benchmark.assumptions import AS_ASSUMED, ASSUMPTION, SETTING, WHOLE_GRID, DeploymentTables
from hgt_repurposing.benchmark.grid_comparison import AUROC, AVERAGE_PRECISION, GridComparison
from hgt_repurposing.benchmark.protocol import MODEL, SCORER
from hgt_repurposing.benchmark.tables import DEPLOYMENT_SCHEMAS
from hgt_repurposing.benchmark.verdicts import Lead
from hgt_repurposing.graph.settings import SETTINGS
from hgt_repurposing.graph.split_kinds import DEPLOYMENT
from hgt_repurposing.metrics.calibration import ObservedOverExpected, observed_over_expected
from hgt_repurposing.metrics.uncertainty import BootstrapDifference
from hgt_repurposing.table_schema import require_schema


@dataclass(frozen=True, eq=False)
class WholeGrid:
    """The model and every baseline on the whole grid."""

    scorers: pd.DataFrame
    """One row per assumption, fold, scorer and setting (or the whole grid): auroc, average_precision, num_cells,
    num_scored (fewer if the graph is large), num_positives; expected of the model; macro_ap, macro_ap_by_drug (not of
    a sample) and found_at_n of the whole grid."""
    positives: pd.DataFrame
    """One row per assumption, fold, scorer and hidden treatment: drug, disease, setting, weight, placement and
    precision in the whole grid and, with the suffix _in_setting, in its setting."""
    bins: pd.DataFrame
    """One row per assumption, fold and bin of the model's probability: lowest, expected, observed, num_cells."""
    assumed: str
    """The model's assumption, in words."""
    left_out: Mapping[str, str]
    """Baselines that cannot be computed on the graph, with the reason."""
    seed: int
    """Seed of the bootstrap."""

    def __post_init__(self) -> None:
        for name, schema in DEPLOYMENT_SCHEMAS.items():
            require_schema(getattr(self, name), schema, what=f"the deployment table {name!r}")

    @classmethod
    def of_tables(cls, tables: DeploymentTables, *, assumed: str, left_out: Mapping[str, str], seed: int) -> Self:
        """From the rows of all folds."""
        scorers = pd.DataFrame(tables.scorers)
        positives = pd.concat(tables.positives, ignore_index=True)
        return cls(scorers, positives, pd.DataFrame(tables.bins), assumed, left_out, seed)

    @property
    def num_folds(self) -> int:
        """Masks drawn from the model's assumption."""
        return self.under(AS_ASSUMED).num_folds

    @property
    def is_sample(self) -> bool:
        """Whether diseases were sampled, and some stand for others."""
        return bool((self.scorers["num_scored"] < self.scorers["num_cells"] - 0.5).any())

    @property
    def assumptions(self) -> list[str]:
        """The model's own first."""
        return list(self.scorers[ASSUMPTION].unique())

    def under(self, assumption: str) -> GridComparison:
        """Model and baselines where treatments are hidden by one assumption."""
        if assumption not in self._comparisons:
            scorers, positives = (
                table[table[ASSUMPTION] == assumption].drop(columns=ASSUMPTION)
                for table in (self.scorers, self.positives)
            )
            found = GridComparison(scorers, positives, DEPLOYMENT.name, self.left_out, self.seed)
            self._comparisons[assumption] = found
        return self._comparisons[assumption]

    @cached_property
    def _comparisons(self) -> dict[str, GridComparison]:
        """Cache by assumption: each keeps its leads."""
        return {}

    def summary(self, assumption: str = AS_ASSUMED, setting: str = WHOLE_GRID) -> pd.DataFrame:
        """Mean over folds of every metric that was measured, one row per scorer, the model first."""
        return self.under(assumption).summary(setting)

    def mean(self, scorer: str, metric: str, *, setting: str = WHOLE_GRID, assumption: str = AS_ASSUMED) -> float:
        """Mean over folds of one metric of one scorer; NaN if the setting never had a positive."""
        return self.under(assumption).mean(scorer, metric, setting=setting)

    def within_settings(self, scorer: str) -> float:
        """Mean of the AUROCs inside the settings that had positives."""
        return self.under(AS_ASSUMED).within_settings(scorer)

    def lead(self, metric: str = AUROC, *, setting: str = WHOLE_GRID, assumption: str = AS_ASSUMED) -> Lead | None:
        """The model against the best baseline, with a bootstrap over diseases; None if the setting had no positive."""
        return self.under(assumption).lead(metric, setting=setting)

    def own_interval(self, metric: str) -> BootstrapDifference | None:
        """The model's own value over the whole grid, with a bootstrap over diseases; None with too few of them."""
        return self.under(AS_ASSUMED).own_interval(metric)

    def calibration(self, setting: str = WHOLE_GRID, assumption: str = AS_ASSUMED) -> ObservedOverExpected | None:
        """Observed over expected treatments, over all folds; None if no pair fell into the setting.

        Where each cell stands for several, the interval is of the number of cells that were seen.
        """
        rows = self.under(assumption).rows(setting)
        own = rows[rows[SCORER] == MODEL]
        observed, expected = float(own["num_positives"].sum()), float(own["expected"].sum())
        if not expected:
            return None
        each = self._weight_of_positives(setting, assumption)
        return observed_over_expected(observed, expected, stands_for=each)

    def calibration_of_most_probable(self, assumption: str = AS_ASSUMED) -> ObservedOverExpected:
        """Observed over expected treatments in the top bin of all folds: the most probable pairs."""
        top = self.values_by_bin(assumption).iloc[-1]
        each = self._weight_of_positives(WHOLE_GRID, assumption)
        return observed_over_expected(float(top["observed"]), float(top["expected"]), stands_for=each)

    def _weight_of_positives(self, setting: str, assumption: str) -> float:
        """Cells that a positive stands for: of a setting, of all if it has none, and 1 if there are none at all."""
        rows = self.positives[(self.positives[ASSUMPTION] == assumption) & (self.positives[SCORER] == MODEL)]
        own = rows if setting == WHOLE_GRID else rows[rows[SETTING] == setting]
        weight = (own if len(own) else rows)["weight"].to_numpy(dtype=np.float64)
        # Variance of a weighted count over the count (Fay & Feuer 1997): 1 where every cell stands for itself.
        return float(weight @ weight / weight.sum()) if len(weight) else 1.0

    def values_by_bin(self, assumption: str = AS_ASSUMED) -> pd.DataFrame:
        """Expected and observed treatments over all folds, by bin, in ascending order of probability."""
        rows = self.bins[self.bins[ASSUMPTION] == assumption]
        sums = rows.groupby("bin")[["expected", "observed", "num_cells"]].sum()
        return sums.assign(lowest=rows.groupby("bin")["lowest"].mean()).reset_index()

    @property
    def headline_leads(self) -> list[Lead]:
        """By AUROC and by average precision over the whole grid; the second is worded to follow the first."""
        leads = [lead for metric in (AUROC, AVERAGE_PRECISION) if (lead := self.lead(metric))]
        return [*leads[:1], *(lead._replace(where="There") for lead in leads[1:])]

    def headline(self) -> str:
        """In words: AUROC and average precision over the whole grid against the best baselines."""
        return " ".join(lead.in_words() for lead in self.headline_leads)

    def to_parts(self) -> dict[str, Any]:
        """What `artifacts.py` writes; the inverse of `from_parts`. Any: one of its part shapes."""
        return {
            "deployment.parquet": self.scorers,
            "deployment.csv": self.scorers,
            "deployment_positives.parquet": self.positives,
            "deployment_bins.parquet": self.bins,
            "deployment.json": {"assumed": self.assumed, "left_out": dict(self.left_out), "seed": self.seed},
        }

    @classmethod
    def from_parts(cls, parts: Mapping[str, Any]) -> Self | None:
        """Inverse of `to_parts`; None if the protocol was not measured."""
        if "deployment.json" not in parts:
            return None
        about = parts["deployment.json"]
        scorers, positives, bins = (parts[f"deployment{name}.parquet"] for name in ("", "_positives", "_bins"))
        return cls(scorers, positives, bins, about["assumed"], about["left_out"], about["seed"])


def behind(found: WholeGrid) -> list[str]:
    """Settings, or the whole grid, in which the model is behind by more than noise, with the metric."""
    return [
        f"{setting}, {metric}"
        for setting in (WHOLE_GRID, *SETTINGS)
        for metric in (AUROC, AVERAGE_PRECISION)
        if (lead := found.lead(metric, setting=setting)) and lead.standing == "behind"
    ]
