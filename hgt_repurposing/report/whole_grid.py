"""The section on the whole grid, as values for the template and the plots to lay out."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from hgt_repurposing.benchmark.assumptions import AS_ASSUMED, ASSUMPTION, LIST_LENGTHS, OTHER_ASSUMPTIONS, WHOLE_GRID
from hgt_repurposing.benchmark.cautions import NEGLIGIBLE
from hgt_repurposing.benchmark.grid_comparison import AUROC, AVERAGE_PRECISION
from hgt_repurposing.benchmark.protocol import FOLD, MODEL, SCORER
from hgt_repurposing.benchmark.results import Evaluation
from hgt_repurposing.benchmark.verdicts import Lead
from hgt_repurposing.benchmark.whole_grid import WholeGrid
from hgt_repurposing.graph.settings import IN_WORDS, SETTINGS
from hgt_repurposing.metrics.calibration import ObservedOverExpected
from hgt_repurposing.metrics.registry import METRICS
from hgt_repurposing.metrics.uncertainty import BootstrapDifference
from hgt_repurposing.report.wording import percent, shown

COLUMNS = (
    "AUROC",
    "average precision",
    *(f"found among {top:,}" for top in LIST_LENGTHS),
    "macro AP",
    "macro AP by drug",
)
"""Of the table of scorers."""


class Figure(NamedTuple):
    """One value of the table of scorers."""

    text: str
    detail: str
    """Beside it; may be empty."""
    best: bool
    """Whether no scorer has a higher value."""


class GridRow(NamedTuple):
    """The model and its best baselines on the whole grid or in one setting."""

    name: str
    meaning: str
    """The setting in words; empty for the whole grid."""
    auroc: Lead | None
    """None without a hidden treatment."""
    average_precision: Lead | None
    num_cells: float
    """Mean over folds, as the following."""
    num_positives: float
    calibration: ObservedOverExpected | None
    """Over all folds; None without a pair."""

    @property
    def prevalence(self) -> float:
        """Share of hidden treatments; NaN without a pair."""
        return self.num_positives / self.num_cells if self.num_cells else float("nan")


class AssumptionRow(NamedTuple):
    """The whole grid, when treatments are missing otherwise than the model assumes."""

    name: str
    shares: str
    """What is hidden, in words; empty for the model's own assumption."""
    num_folds: int
    row: GridRow
    scorers: Mapping[str, list[Figure]]
    """As in the section."""


class ScoreParts(NamedTuple):
    """What the scores of one setting are made of."""

    setting: str
    learned: list[tuple[str, float]]
    """Heads with their shares of the influence, the largest first, without those of next to none."""
    baselines: list[tuple[str, float]]
    """The same of the baselines and of the regression over them."""

    @property
    def of_learned(self) -> str:
        """The heads and their shares in words."""
        return _listed(self.learned)

    @property
    def of_baselines(self) -> str:
        """The baselines and their shares in words."""
        return _listed(self.baselines)

    @property
    def baselines_alone(self) -> bool:
        """Whether nothing that was learned from features of the graph counts."""
        return not self.learned


class WholeGridSection(NamedTuple):
    """Results on the whole grid."""

    assumed: str
    """The model's assumption about what is missing, in words."""
    num_folds: int
    is_sample: bool
    """Whether some diseases stand for others."""
    own_intervals: Mapping[str, BootstrapDifference]
    """Of the model's AUROC and average precision, over diseases; empty with too few, or if all are scored."""
    scorers: Mapping[str, list[Figure]]
    """By name, in the order of `COLUMNS`: the model first, then the baselines by AUROC."""
    rows: list[GridRow]
    """The whole grid, then every setting with a pair."""
    within: float
    """Mean of the model's AUROCs inside the settings."""
    bins: pd.DataFrame
    """Bins of the model's probability, the most probable first: columns lowest, expected, observed, num_cells."""
    assumptions: list[AssumptionRow]
    """The model's own first."""

    @property
    def whole(self) -> GridRow:
        """The row of the whole grid."""
        return self.rows[0]

    @property
    def lost_by_mixing(self) -> float:
        """How much lower the AUROC over the whole grid is than inside the settings."""
        return self.within - (self.whole.auroc.own if self.whole.auroc else float("nan"))


def whole_grid_section(evaluation: Evaluation) -> WholeGridSection | None:
    """The section; None if the whole grid was not measured."""
    found = evaluation.whole_grid
    if found is None:
        return None
    bins = found.values_by_bin().sort_values("bin", ascending=False).drop(columns="bin")
    return WholeGridSection(
        assumed=found.assumed,
        num_folds=found.num_folds,
        is_sample=found.is_sample,
        own_intervals={
            METRICS[metric].title: interval
            for metric in (AUROC, AVERAGE_PRECISION)
            if found.is_sample and (interval := found.own_interval(metric))
        },
        scorers=_scorers(found),
        rows=grid_rows(found),
        within=found.within_settings(MODEL),
        bins=bins,
        assumptions=[_assumption(found, name) for name in found.assumptions],
    )


def grid_rows(found: WholeGrid) -> list[GridRow]:
    """The whole grid, then every setting with a pair."""
    return [row for name in (WHOLE_GRID, *SETTINGS) if (row := _row(found, name)).num_cells]


def settings_table(found: WholeGrid) -> pd.DataFrame:
    """The whole grid and every setting with a pair, one row each, for a table in the UI."""
    rows = []
    for row in grid_rows(found):
        record = {"setting": row.name, "pairs": row.num_cells, "hidden_treatments": row.num_positives}
        for metric, lead in ((AUROC, row.auroc), (AVERAGE_PRECISION, row.average_precision)):
            record |= {
                metric: lead.own if lead else float("nan"),
                f"{metric}_lead": lead.mean if lead else float("nan"),
                f"{metric}_best_baseline": lead.baseline if lead else "",
                f"{metric}_standing": lead.standing if lead else "",
            }
        if row.calibration:
            record |= {
                "observed_over_expected": row.calibration.ratio,
                "lower": row.calibration.lower,
                "upper": row.calibration.upper,
            }
        rows.append(record)
    return pd.DataFrame(rows)


def _scorers(found: WholeGrid, assumption: str = AS_ASSUMED) -> dict[str, list[Figure]]:
    """The table of scorers; equal scorers keep their order."""
    shares = [AUROC, AVERAGE_PRECISION, *(f"found_at_{top}" for top in LIST_LENGTHS), "macro_ap", "macro_ap_by_drug"]
    table = found.summary(assumption).reindex(columns=[SCORER, "num_cells", *shares])
    num_cells = float(table["num_cells"].iloc[0])
    order = np.lexsort((-table[AUROC], table[SCORER] != MODEL))
    best = table[shares].max()
    scorers = {}
    for record in table.iloc[order].to_dict("records"):
        figures = []
        for name in shares:
            value, detail = record[name], ""
            if name.startswith("found_at_"):
                detail = percent(value / min(int(name.removeprefix("found_at_")), num_cells)) if value else "none"
            text = shown(value, ".1f" if detail else ".3f")
            figures.append(Figure(text, detail, value == best[name]))
        scorers[str(record[SCORER])] = figures
    return scorers


def _row(found: WholeGrid, setting: str, assumption: str = AS_ASSUMED) -> GridRow:
    rows = found.summary(assumption, setting)
    own = rows[rows[SCORER] == MODEL].to_dict("records") or [{"num_cells": 0.0, "num_positives": 0.0}]
    return GridRow(
        setting,
        next((words for name, words in IN_WORDS.items() if name == setting), ""),
        found.lead(AUROC, setting=setting, assumption=assumption),
        found.lead(AVERAGE_PRECISION, setting=setting, assumption=assumption),
        own[0]["num_cells"],
        own[0]["num_positives"],
        found.calibration(setting, assumption),
    )


def _assumption(found: WholeGrid, name: str) -> AssumptionRow:
    rows, other = found.scorers, OTHER_ASSUMPTIONS.get(name)
    return AssumptionRow(
        name,
        other.shares_in_words() if other else "",
        int(rows.loc[rows[ASSUMPTION] == name, FOLD].nunique()),
        _row(found, WHOLE_GRID, name),
        _scorers(found, name),
    )


def score_parts(table: pd.DataFrame) -> list[ScoreParts]:
    """What the scores of a model are made of, by setting; empty if it is not known.

    Args:
        table: Columns of `ScorePart`, one row per setting and score.
    """
    found = []
    for setting, rows in table.groupby("setting", sort=False):
        large = rows[rows["share"] >= NEGLIGIBLE].sort_values("share", ascending=False, kind="stable")
        is_learned = large["is_learned"].astype(bool)
        learned, baselines = (
            [(str(name), float(share)) for name, share in zip(part["score"], part["share"], strict=True)]
            for part in (large[is_learned], large[~is_learned])
        )
        found.append(ScoreParts(str(setting), learned, baselines))
    return found


def _listed(parts: list[tuple[str, float]]) -> str:
    return "; ".join(f"{name} {percent(share)}" for name, share in parts) or "nothing"
