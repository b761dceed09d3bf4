"""Every metric of the evaluation's tables: how it is computed, named and explained.

To add a metric, add an entry here. Tables, report and terminal take names, order and explanations from it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from hgt_repurposing.metrics.ranking import macro_recall

if TYPE_CHECKING:  # names and meanings are read without loading scikit-learn, which the grid needs
    from hgt_repurposing.metrics.scored_grid import ScoredGrid


@dataclass(frozen=True)
class Metric:
    """One column of the evaluation's tables."""

    name: str
    """Column name."""
    value: "Callable[[ScoredGrid], float]"
    title: str
    """Display name."""
    meaning: str = ""
    """Explanation in the report; empty: explained with another metric, or by its title."""
    role: Literal["main", "classical", "count"] = "main"
    """Shown in the main tables; beside them, for comparison with papers; or a number of items."""
    by_drug: bool = False
    """Whether it evaluates lists of diseases, as is relevant where drugs are held out."""
    short: str = ""
    """Column header in the terminal; empty: not shown there."""


MACRO_AP = Metric(
    "macro_ap",
    lambda grid: float(grid.by_disease.precision.mean()),
    "macro AP",
    "Average precision: how well a disease's hidden treatments are concentrated at the top of its list; mean over "
    "diseases. 1 is perfect, chance is the share of treatments among the drugs.",
)
MACRO_AP_BY_DRUG = Metric(
    "macro_ap_by_drug",
    lambda grid: float(grid.by_drug.precision.mean()),
    "macro AP by drug",
    "The same for drugs: how well a drug's hidden uses are concentrated at the top of its list of diseases; mean over "
    "held-out drugs.",
    by_drug=True,
)
AUROC_DEGREE_MATCHED = Metric(
    "auroc_degree_matched",
    lambda grid: grid.degree_matched.auroc_degree_matched,
    "AUROC, degree-matched",
    "The same against pairs whose drug and disease are about as well known as those of the treatment: popularity alone "
    "scores about 0.5.",
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
            "Share of a disease's hidden treatments that rank among its top 10 drugs, mean over diseases; Recall@50 "
            "and Recall@100 likewise.",
            short="R@10",
        ),
        Metric("recall_at_50", lambda grid: macro_recall(grid.ranks, 50), "Recall@50"),
        Metric("recall_at_100", lambda grid: macro_recall(grid.ranks, 100), "Recall@100", short="R@100"),
        Metric(
            "mrr",
            lambda grid: float((1 / grid.filtered_ranks).mean()),
            "MRR",
            "Mean of 1 / rank over hidden treatments, not counting other hidden treatments of the disease.",
            short="MRR",
        ),
        Metric(
            "hits_at_10",
            lambda grid: float((grid.filtered_ranks <= 10).mean()),
            "Hits@10",
            "Share of hidden treatments that rank in the top 10, not counting other hidden treatments of the disease.",
            short="Hits@10",
        ),
        Metric(
            "auroc",
            lambda grid: grid.pooled.auroc,
            "AUROC",
            "Probability that a hidden treatment scores above a pair not known to be one, all diseases pooled; 0.5 is "
            "chance, and drugs that are popular everywhere raise it.",
            short="AUROC",
        ),
        AUROC_DEGREE_MATCHED,
        Metric(
            "auroc_uniform_1_to_1",
            lambda grid: grid.one_to_one.auroc_uniform_1_to_1,
            "AUROC against equally many uniformly drawn negatives (1:1)",
            role="classical",
        ),
        Metric(
            "average_precision_uniform_1_to_1",
            lambda grid: grid.one_to_one.average_precision_uniform_1_to_1,
            "average precision against equally many uniformly drawn negatives (1:1)",
            role="classical",
        ),
        Metric(
            "average_precision",
            lambda grid: grid.pooled.average_precision,
            "pooled average precision",
            role="classical",
        ),
        Metric("num_diseases", lambda grid: len(grid.by_disease.indices), "diseases", role="count"),
        Metric("num_positives", lambda grid: len(grid.ranks.row), "held-out pairs", role="count"),
    )
}
"""Every metric by column name, in table order."""


def metrics_of(grid: "ScoredGrid") -> dict[str, float]:
    """Every metric of one scored grid, by name; all of them define how ties count."""
    return {name: metric.value(grid) for name, metric in METRICS.items()}


def deciding_metric(*, asks_for_diseases: bool) -> Metric:
    """The deciding metric: held-out drugs are evaluated by their lists of diseases, all else by lists of drugs."""
    return MACRO_AP_BY_DRUG if asks_for_diseases else MACRO_AP


def main_metrics(*, asks_for_diseases: bool) -> list[Metric]:
    """Metrics of the main tables, the deciding one first."""
    first = deciding_metric(asks_for_diseases=asks_for_diseases)
    others = (m for m in METRICS.values() if m.role == "main" and m != first and (asks_for_diseases or not m.by_drug))
    return [first, *others]
