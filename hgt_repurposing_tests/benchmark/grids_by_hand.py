"""Results of the whole grid made up by hand, with figures that are easy to follow."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from hgt_repurposing.benchmark.assumptions import AS_ASSUMED, OTHER_ASSUMPTIONS, WHOLE_GRID
from hgt_repurposing.benchmark.whole_grid import WholeGrid
from hgt_repurposing.graph.missing import MissingShares
from hgt_repurposing.graph.settings import SETTINGS

SCORERS = {"model": 0.0, "random": -0.4, "drug degree": -0.1, "drug kNN": -0.2}
"""How much better than the model each is, by all metrics; `drug degree` as asked for."""
NUM_FOLDS = 2


def whole_grid(
    own: Mapping[str, float] | None = None,
    *,
    auroc: float = 0.9,
    average_precision: float = 0.3,
    lead: float = 0.1,
    num_positives: Mapping[str, float] | None = None,
    expected: float = 1.0,
    expected_in: Mapping[str, float] | None = None,
    num_diseases: int = 8,
    left_out: Mapping[str, str] | None = None,
    others: bool = True,
) -> WholeGrid:
    """The model with these values over the whole grid, .05 lower in every setting; scorers differ as in `SCORERS`.

    Args:
        own: AUROC of the model by setting or on the whole grid, where another than that.
        auroc: On the whole grid.
        average_precision: Likewise.
        lead: Of the model over `drug degree`, by all metrics.
        num_positives: Hidden treatments per fold by setting; 10 in each otherwise, of 1,000 pairs.
        expected: For each treatment, by the model; 20 times as many in each of two bins with 18 and 19 treatments.
        expected_in: By setting or on the whole grid, where another number than that.
        num_diseases: With a hidden treatment, in turn.
        left_out: Baselines that could not be computed.
        others: Whether two other assumptions were tested.
    """
    counts = dict.fromkeys(SETTINGS, 10.0) | dict(num_positives or {})
    each = dict.fromkeys((WHOLE_GRID, *SETTINGS), expected) | dict(expected_in or {})
    rows, positives, bins = [], [], []
    for assumption in (AS_ASSUMED, *(OTHER_ASSUMPTIONS if others else ())):
        for fold in range(NUM_FOLDS if assumption == AS_ASSUMED else 1):
            of_setting = np.repeat(list(counts), [int(count) for count in counts.values()])
            pair = np.arange(len(of_setting))
            for scorer, better in {**SCORERS, "drug degree": -lead}.items():
                key = {"assumption": assumption, "fold": fold, "scorer": scorer}
                for setting in (WHOLE_GRID, *SETTINGS):
                    count = sum(counts.values()) if setting == WHOLE_GRID else counts[setting]
                    lower = 0.0 if setting == WHOLE_GRID else 0.05
                    row = {
                        **key,
                        "setting": setting,
                        "num_cells": 4000.0 if setting == WHOLE_GRID else 1000.0,
                        "num_scored": 4000.0 if setting == WHOLE_GRID else 1000.0,
                        "num_positives": count,
                        "expected": max(count, 1.0) * each[setting] if scorer == "model" else float("nan"),
                    }
                    if count:
                        row["auroc"] = (own or {}).get(setting, auroc - lower) + better
                        row["average_precision"] = max(average_precision - lower + better, 0)
                    if setting == WHOLE_GRID:
                        row |= {f"found_at_{top}": count / 2 + 5 * better for top in (50, 100, 500, 1000)}
                        row |= {"macro_ap": 0.5 + better, "macro_ap_by_drug": 0.4 + better}
                    rows.append(row)
                spread = 0.01 * (pair % num_diseases - (num_diseases - 1) / 2) if scorer == "model" else 0 * pair
                place = np.clip(auroc + better + spread, 0, 1)
                precision = np.clip(average_precision + better + spread, 0, 1)
                positives.append(
                    pd.DataFrame(
                        {
                            **key,
                            "drug": pair,
                            "disease": pair % num_diseases,
                            "setting": of_setting,
                            "weight": 1.0,
                            "placement": place,
                            "precision": precision,
                            "placement_in_setting": place,
                            "precision_in_setting": precision,
                        }
                    )
                )
            for number, lowest in enumerate((0.001, 0.2)):
                values = {"bin": number, "lowest": lowest, "expected": 20 * expected, "observed": 18.0 + number}
                bins.append({"assumption": assumption, "fold": fold, **values, "num_cells": 3900.0 - 3800 * number})
    return WholeGrid(
        pd.DataFrame(rows),
        pd.concat(positives, ignore_index=True),
        pd.DataFrame(bins),
        MissingShares().in_words(),
        dict(left_out or {}),
        seed=0,
    )
