"""Every metric of the evaluation's tables: one entry each says how it is computed and how people read of it.

To add one is to add an entry here. Tables, report and terminal take names, order and meaning from it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from hgt_repurposing.metrics.ranking import macro_recall

if TYPE_CHECKING:  # names and meanings are read without scikit-learn, which the grid needs
    from hgt_repurposing.metrics.scored_grid import ScoredGrid


@dataclass(frozen=True)
class Metric:
    """One column of the evaluation's tables."""

    name: str
    """Of the column."""
    value: "Callable[[ScoredGrid], float]"
    title: str
    """As people read it."""
    meaning: str = ""
    """For a reader of the report; empty: explained with another one, or by its title."""
    role: Literal["main", "classical", "count"] = "main"
    """In the tables that decide; beside them, for comparison with papers; or a number of items."""
    by_drug: bool = False
    """Whether lists of diseases are measured, which is of interest where drugs are held out."""
    short: str = ""
    """Head of its column in the terminal; empty: not shown there."""


MACRO_AP = Metric(
    "macro_ap",
    lambda grid: float(grid.by_disease.precision.mean()),
    "macro AP",
    "Average precision: how purely the hidden treatments stand at the top of a disease's list; mean over diseases. 1 "
    "is perfect, chance is the share of treatments among the drugs.",
)
MACRO_AP_BY_DRUG = Metric(
    "macro_ap_by_drug",
    lambda grid: float(grid.by_drug.precision.mean()),
    "macro AP by drug",
    "The same the other way round: how purely the hidden uses stand at the top of a drug's list of diseases; mean over "
    "the drugs held out.",
    by_drug=True,
)
AUROC_DEGREE_MATCHED = Metric(
    "auroc_degree_matched",
    lambda grid: grid.degree_matched.auroc_degree_matched,
    "AUROC, degree-matched",
    "The same against pairs whose drug and disease are as well known as those of the treatment: popularity alone is "
    "worth about 0.5 here.",
)
METRICS: Mapping[str, Metric] = {
    metric.name: metric
    for metric in (
        MACRO_AP,
        MACRO_AP_BY_DRUG,
        Metric(
            "recall_at_10",
            lambda grid: macro_recall(grid.ranks, 10),
            "Recall@10",
            "Share of a disease's hidden treatments among its 10 best drugs, mean over diseases; Recall@50 and "
            "Recall@100 likewise.",
            short="R@10",
        ),
        Metric("recall_at_50", lambda grid: macro_recall(grid.ranks, 50), "Recall@50"),
        Metric("recall_at_100", lambda grid: macro_recall(grid.ranks, 100), "Recall@100", short="R@100"),
        Metric(
            "mrr",
            lambda grid: float((1 / grid.filtered_ranks).mean()),
            "MRR",
            "1 / rank of a hidden treatment, other treatments left out of the count; mean over treatments.",
            short="MRR",
        ),
        Metric(
            "hits_at_10",
            lambda grid: float((grid.filtered_ranks <= 10).mean()),
            "Hits@10",
            "Share of all hidden treatments that come out among the 10 best, other treatments left out of the count.",
            short="Hits@10",
        ),
        Metric(
            "auroc",
            lambda grid: grid.pooled.auroc,
            "AUROC",
            "Chance that a hidden treatment scores above a pair not known to be one, over all diseases together; 0.5 "
            "is a coin, and drugs that are popular everywhere raise it.",
            short="AUROC",
        ),
        AUROC_DEGREE_MATCHED,
        Metric(
            "auroc_uniform_1_to_1",
            lambda grid: grid.one_to_one.auroc_uniform_1_to_1,
            "AUROC against as many uniformly drawn negatives (1:1)",
            role="classical",
        ),
        Metric(
            "average_precision_uniform_1_to_1",
            lambda grid: grid.one_to_one.average_precision_uniform_1_to_1,
            "average precision against as many uniformly drawn negatives (1:1)",
            role="classical",
        ),
        Metric(
            "average_precision",
            lambda grid: grid.pooled.average_precision,
            "average precision over all pairs together",
            role="classical",
        ),
        Metric("num_diseases", lambda grid: len(grid.by_disease.indices), "diseases", role="count"),
        Metric("num_positives", lambda grid: len(grid.ranks.row), "held-out pairs", role="count"),
    )
}
"""Every metric by the name of its column, in the order of the tables."""


def metrics_of(grid: "ScoredGrid") -> dict[str, float]:
    """Every metric of one score on one grid, by name; ties are defined throughout."""
    return {name: metric.value(grid) for name, metric in METRICS.items()}


def deciding_metric(*, asks_for_diseases: bool) -> Metric:
    """The one that decides: a held-out drug asks for diseases, everything else for drugs."""
    return MACRO_AP_BY_DRUG if asks_for_diseases else MACRO_AP


def main_metrics(*, asks_for_diseases: bool) -> list[Metric]:
    """Those of the tables that decide, the deciding one first."""
    first = deciding_metric(asks_for_diseases=asks_for_diseases)
    others = (m for m in METRICS.values() if m.role == "main" and m != first and (asks_for_diseases or not m.by_drug))
    return [first, *others]
