"""What the study keeps of each part: JSON values, from which its page can be made again."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from hgt_repurposing.benchmark.assumptions import (
    AS_ASSUMED,
    ASSUMPTION,
    OTHER_ASSUMPTIONS,
    SETTING,
    WHOLE_GRID,
    DeploymentTables,
)
from hgt_repurposing.benchmark.cross_validation import Tables
from hgt_repurposing.benchmark.grid_comparison import AUROC
from hgt_repurposing.benchmark.protocol import FOLD, MODEL, REPEAT, SCORER, SPLIT, SUITE, spread_over_folds
from hgt_repurposing.benchmark.results import AP, DISEASE, STRICT, Evaluation
from hgt_repurposing.benchmark.trust import calibration_of
from hgt_repurposing.benchmark.verdicts import Lead
from hgt_repurposing.benchmark.whole_grid import WholeGrid
from hgt_repurposing.graph.schema import FloatArray
from hgt_repurposing.graph.settings import SETTINGS
from hgt_repurposing.metrics.uncertainty import BootstrapDifference, bootstrap_difference
from hgt_repurposing.report.whole_grid import grid_rows

Figures = dict[str, Any]
"""A JSON object. Any: JSON values."""

SHOWN = {
    "macro_ap": "macro AP",
    "macro_ap_by_drug": "AP by drug",
    "recall_at_10": "R@10",
    "recall_at_50": "R@50",
    "recall_at_100": "R@100",
    "mrr": "MRR",
    "hits_at_10": "Hits@10",
    "auroc": "AUROC",
    "average_precision": "pooled AP",
    "auroc_degree_matched": "matched AUROC",
}
"""Metrics of the split kinds, with their titles."""
CLASSICAL = {
    "auroc_uniform_1_to_1": "AUROC, uniform 1:1",
    "average_precision_uniform_1_to_1": "average precision, uniform 1:1",
}
OF_GRID = {
    "auroc": "AUROC",
    "average_precision": "AP",
    "found_at_50": "found in 50",
    "found_at_100": "in 100",
    "found_at_500": "in 500",
    "found_at_1000": "in 1,000",
    "precision_at_100": "P@100",
    "macro_ap": "macro AP by disease",
    "macro_ap_by_drug": "by drug",
}
"""Metrics of the whole grid."""
IN_SETTING = ("auroc", "average_precision")
POPULARITY = "degree product"
DIGITS = 6


def number(value: float) -> float | None:
    """Rounded; None for NaN, which JSON does not have."""
    return None if np.isnan(value) else round(float(value), DIGITS)


def series(values: FloatArray) -> Figures:
    """Mean and standard deviation (n - 1) over the folds that have a value, and all values. Shape [num_folds]."""
    known = values[~np.isnan(values)]
    return {
        "mean": number(known.mean()) if len(known) else None,
        "sd": number(spread_over_folds(known)),
        "folds": [number(value) for value in values],
    }


def nested(rows: pd.DataFrame, keys: Sequence[str], order: Sequence[str], metrics: Sequence[str]) -> Figures:
    """{first key: {second key: {metric: series}}} for any number of keys; metrics without a value are left out."""
    result: Figures = {}
    for key, part in rows.groupby(list(keys), sort=False):
        ordered, place = part.sort_values(list(order)), result
        for name in key[:-1]:
            place = place.setdefault(str(name), {})
        place[str(key[-1])] = {
            metric: series(ordered[metric].to_numpy(dtype=np.float64))
            for metric in metrics
            if metric in ordered and ordered[metric].notna().any()
        }
    return result


def of_folds(rows: pd.DataFrame) -> Figures:
    """{split: {scorer: {metric: series}}}, ordered by repeat and fold."""
    return nested(rows, (SPLIT, SCORER), (REPEAT, FOLD), (*SHOWN, *CLASSICAL))


def strict(tables: Tables) -> pd.DataFrame:
    """Rows of the strict suite, without its name."""
    rows = pd.DataFrame(tables.folds)
    return rows[rows[SUITE] == STRICT].drop(columns=SUITE)


def of_lead(lead: Lead | None) -> Figures | None:
    """A lead with its interval and verdict; None if there is none."""
    if lead is None:
        return None
    return {
        "baseline": lead.baseline,
        "own": number(lead.own),
        **series(lead.folds),
        **_interval(lead.interval),
        "standing": lead.standing,
    }


def of_evaluation(evaluation: Evaluation, minutes: Mapping[str, float]) -> Figures:
    """All that the page says of the split kinds and of the whole grid.

    Args:
        evaluation: With or without the whole grid.
        minutes: By split kind, and of `deployment`.
    """
    folds = evaluation.folds
    opened = folds[(folds[SUITE] != STRICT) & (folds[SCORER] == MODEL)]
    splits = list(dict.fromkeys(evaluation.strict[SPLIT]))
    return {
        "minutes": {name: round(value, 1) for name, value in minutes.items()},
        "headline": evaluation.headline(),
        "scorers": of_folds(evaluation.strict),
        "open": nested(opened, (SPLIT, SCORER), (REPEAT, FOLD), ("macro_ap",)) if len(opened) else {},
        "leads": {split: _split_leads(evaluation, split) for split in splits},
        "whole_grid": None if evaluation.whole_grid is None else _of_grid(evaluation, evaluation.whole_grid),
        "trust": [
            {name: number(value) if isinstance(value, float) else value for name, value in row.items()}
            for row in evaluation.trust.to_dict("records")
        ],
        "frequent": {
            str(kind): [[row["name"], row["num_lists"]] for row in part.to_dict("records")]
            for kind, part in evaluation.frequent.groupby("kind", sort=False)
        },
        "left_out": dict(evaluation.left_out),
        "not_measured": dict(evaluation.not_measured),
    }


def of_ablations(
    tables: Tables, compared: Sequence[tuple[str, str]], alone: str, *, seconds: Figures, minutes: float, seed: int
) -> Figures:
    """Sets of vectors and their differences, in the whole model and by the towers alone.

    Args:
        tables: Rows of every set, and of those with towers once more under their names with `alone` behind.
        compared: Sets whose difference is wanted.
        alone: End of the names of the rows of towers.
        seconds: Of each set.
        minutes: Of this part.
        seed: Of the bootstrap.
    """
    rows = strict(tables)
    by_disease = pd.concat(tables.diseases, ignore_index=True).pivot_table(
        index=[REPEAT, FOLD, DISEASE], columns=SCORER, values=AP
    )
    by_fold = rows.pivot_table(index=[REPEAT, FOLD], columns=SCORER, values="macro_ap")
    differences: Figures = {}
    for one, other in compared:
        differences[" - ".join(f"({name})" if "+" in name else name for name in (one, other))] = {
            where: _difference(by_disease, by_fold, one + end, other + end, seed)
            for where, end in (("whole", ""), ("towers", alone))
            if {one + end, other + end} <= set(by_fold.columns)
        }
    return {
        "minutes": round(minutes, 1),
        "scorers": of_folds(rows),
        "num_diseases": int(by_disease.index.get_level_values(DISEASE).nunique()),
        "differences": differences,
        "seconds": seconds,
    }


def of_controls(tables: Tables, grids: Mapping[str, DeploymentTables], *, minutes: float) -> Figures:
    """Controls by split kind, and by setting of one mask each."""
    of_grids: Figures = {}
    for name, found in grids.items():
        rows = {(row[SETTING], row[SCORER]): row for row in found.scorers}
        of_grids[name] = {
            setting: {
                "num_positives": number(rows[setting, MODEL]["num_positives"]),
                **{scorer: number(rows[setting, scorer].get(AUROC, np.nan)) for scorer in (MODEL, POPULARITY)},
            }
            for setting in (WHOLE_GRID, *SETTINGS)
            if (setting, MODEL) in rows
        }
    return {"minutes": round(minutes, 1), "scorers": of_folds(strict(tables)), "whole_grid": of_grids}


def _of_grid(evaluation: Evaluation, found: WholeGrid) -> Figures:
    rows = found.scorers.copy()
    rows["precision_at_100"] = rows["found_at_100"] / rows["num_cells"].clip(upper=100)
    own, whole = rows[rows[ASSUMPTION] == AS_ASSUMED], rows[rows[SETTING] == WHOLE_GRID]
    calibration = calibration_of(evaluation)
    settings = {}
    for row in grid_rows(found):
        expected = row.calibration
        settings[row.name] = {
            "num_cells": number(row.num_cells),
            "num_positives": number(row.num_positives),
            "auroc": of_lead(row.auroc),
            "average_precision": of_lead(row.average_precision),
            "calibration": expected and {name: number(value) for name, value in expected._asdict().items()},
        }
    return {
        "assumed": found.assumed,
        "is_sample": found.is_sample,
        "assumptions": {
            name: {
                "shares": OTHER_ASSUMPTIONS[name].shares_in_words() if name in OTHER_ASSUMPTIONS else "",
                "scorers": nested(whole[whole[ASSUMPTION] == name], (SETTING, SCORER), (FOLD,), tuple(OF_GRID))[
                    WHOLE_GRID
                ],
            }
            for name in found.assumptions
        },
        "by_setting": nested(own[own[SETTING] != WHOLE_GRID], (SETTING, SCORER), (FOLD,), IN_SETTING),
        "settings": settings,
        "within": number(found.within_settings(MODEL)),
        "calibration": calibration and f"{calibration.verdict}. {calibration.in_words()}",
    }


def _split_leads(evaluation: Evaluation, split: str) -> Figures:
    """The verdict with its lead, and the lead in macro AP over diseases, which held-out drugs are not decided by."""
    lead = evaluation.lead(split)
    return {
        "metric": lead.metric,
        "decided": of_lead(lead),
        "in_words": lead.in_words(),
        "baseline": evaluation.best_baseline(split, "macro_ap"),
        **series(evaluation.differences(split, "macro_ap")),
        **_interval(evaluation.lead_interval(split)),
    }


def _interval(found: BootstrapDifference | None) -> Figures:
    """Ends of the 95 % interval; None with too few diseases."""
    return {"lower": found and number(found.lower), "upper": found and number(found.upper)}


def _difference(by_disease: pd.DataFrame, by_fold: pd.DataFrame, one: str, other: str, seed: int) -> Figures:
    """Paired difference in macro AP: over folds, with a bootstrap over diseases."""
    found = bootstrap_difference(
        by_disease[one].to_numpy(dtype=np.float64),
        by_disease[other].to_numpy(dtype=np.float64),
        by_disease.index.get_level_values(DISEASE).to_numpy(dtype=np.int64),
        generator=np.random.default_rng(seed),
    )
    return {**series((by_fold[one] - by_fold[other]).to_numpy(dtype=np.float64)), **_interval(found)}
