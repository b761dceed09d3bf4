"""The evaluation broken down by disease area: where the model is ahead of its best baseline, and of how many diseases.

The baseline is the best one of the split kind as a whole, the same in every area: choosing the best one of each area
would compare the model with the luckiest of many.
"""

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from hgt_repurposing.benchmark.protocol import FOLD, MODEL, REPEAT, SCORER, SPLIT
from hgt_repurposing.benchmark.results import AP, DISEASE, Evaluation, metric_of
from hgt_repurposing.benchmark.verdicts import MIN_DISEASES
from hgt_repurposing.graph.disease_areas import NO_AREA, OTHER_AREAS
from hgt_repurposing.graph.schema import IntArray
from hgt_repurposing.graph.split_kinds import HELD_OUT
from hgt_repurposing.metrics.registry import MACRO_AP
from hgt_repurposing.metrics.uncertainty import bootstrap_difference

AREA = "area"
COLUMNS = (
    SPLIT, AREA, "num_diseases", MACRO_AP.name, "baseline", "baseline_macro_ap", "lead", "lower", "upper",
)  # fmt: skip

MIN_IN_AREA = 3
"""Areas with fewer tested diseases share one row."""


def by_area(evaluation: Evaluation, areas: Mapping[str, IntArray]) -> pd.DataFrame:
    """The model and the best baseline by split kind and disease area.

    Split kinds that rank diseases for a drug have no rows, nor have pairs without values by disease (external ones).
    The mean is over all values of an area's diseases, one per fold that tests the disease.

    Args:
        evaluation: Its average precisions by disease.
        areas: Local indices of the diseases in each area, as in `KnowledgeGraph.disease_areas`; a disease in several
            areas counts in each.

    Returns:
        Columns split, area, num_diseases (tested ones), macro_ap, baseline (its name), baseline_macro_ap, lead, and
        lower and upper end of its 95 % interval over the diseases (NaN for fewer than `MIN_DISEASES`). Areas with the
        most tested diseases first, ties by name; then those with fewer than `MIN_IN_AREA` together as `OTHER_AREAS`,
        and the diseases in no area as `NO_AREA`. Areas without a tested disease have no row; without areas, there are
        no rows.
    """
    measured = evaluation.diseases.loc[evaluation.diseases[SCORER] == MODEL, SPLIT].unique()
    rows = [
        {SPLIT: split, AREA: area, **_compared(evaluation, split, values)}
        for split in HELD_OUT
        if areas and split in measured and metric_of(split) is MACRO_AP
        for area, values in _values_by_area(evaluation, split, areas)
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _values_by_area(
    evaluation: Evaluation, split: str, areas: Mapping[str, IntArray]
) -> Iterator[tuple[str, pd.DataFrame]]:
    """Rows of each area: average precision by scorer, with a row per repeat, fold and disease."""
    rows = evaluation.diseases[evaluation.diseases[SPLIT] == split]
    values = rows.pivot_table(index=[REPEAT, FOLD, DISEASE], columns=SCORER, values=AP)
    disease = values.index.get_level_values(DISEASE).to_numpy(dtype=np.int64)
    tested = {area: np.intersect1d(index, disease) for area, index in areas.items()}
    large = sorted(
        (area for area in tested if len(tested[area]) >= MIN_IN_AREA), key=lambda area: (-len(tested[area]), area)
    )
    small = [index for area, index in tested.items() if area not in large]
    outside = np.setdiff1d(disease, np.concatenate(list(tested.values())))
    members = {area: tested[area] for area in large}
    members |= {OTHER_AREAS: np.unique(np.concatenate(small)) if small else outside[:0], NO_AREA: outside}
    for area, index in members.items():
        if len(index):
            yield area, values[np.isin(disease, index)]


def _compared(evaluation: Evaluation, split: str, values: pd.DataFrame) -> dict[str, str | int | float]:
    """One row of the table, without its split and area."""
    baseline = evaluation.best_baseline(split, MACRO_AP.name)
    own, other = (values[name].to_numpy(dtype=np.float64) for name in (MODEL, baseline))
    disease = values.index.get_level_values(DISEASE).to_numpy(dtype=np.int64)
    num_diseases, lower, upper = len(np.unique(disease)), float("nan"), float("nan")
    if num_diseases >= MIN_DISEASES:
        found = bootstrap_difference(own, other, disease, generator=np.random.default_rng(evaluation.seed))
        lower, upper = found.lower, found.upper
    return {
        "num_diseases": num_diseases,
        MACRO_AP.name: float(own.mean()),
        "baseline": baseline,
        "baseline_macro_ap": float(other.mean()),
        "lead": float((own - other).mean()),
        "lower": lower,
        "upper": upper,
    }
