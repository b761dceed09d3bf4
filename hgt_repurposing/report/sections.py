"""The sections of the report, as values for the template to lay out."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from hgt_repurposing.baselines.rules import RANDOM
from hgt_repurposing.benchmark.areas import AREA, by_area
from hgt_repurposing.benchmark.protocol import MODEL, SCORER, SPLIT, SUITE, suites_of, summarise
from hgt_repurposing.benchmark.results import DISEASE, Evaluation
from hgt_repurposing.benchmark.trust import Popularity, everywhere, num_lists, popularity_of, share_everywhere
from hgt_repurposing.benchmark.verdicts import Lead
from hgt_repurposing.graph.disease_areas import RESERVED
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.split_kinds import HELD_OUT
from hgt_repurposing.metrics.registry import METRICS, Metric, main_metrics
from hgt_repurposing.report.new_diseases import new_diseases_in_words

NUM_SHOWN = 10


class Cell(NamedTuple):
    """One value of an evaluation table."""

    mean: float
    sd: float
    """NaN for a single fold."""
    best: bool
    """Whether no scorer of this table has a higher mean."""


class EvaluationTable(NamedTuple):
    """Scorers by metrics."""

    columns: list[str]
    rows: Mapping[str, list[Cell]]
    """By scorer: the model first, then the baselines sorted by the first column."""


class SplitSection(NamedTuple):
    """Results on one split kind."""

    name: str
    title: str
    is_headline: bool
    meaning: str
    suite: str
    """Which pairs count as positives and negatives, in words."""
    num_folds: int
    num_diseases: float
    """Mean over folds."""
    num_positives: float
    """Mean over folds."""
    lead: Lead
    metric: str
    """Title of the metric that decides the lead."""
    table: EvaluationTable
    open_suite: str | None
    """The same of the open suite; None if it equals the strict one."""
    open_row: list[Cell]
    """The model's values in the open suite."""
    classical: EvaluationTable | None
    """Metrics common in papers, by their full names; None if none was measured."""
    as_new: str | None
    """Of held-out diseases ranked as new ones; None where that was not asked."""


class AreaSection(NamedTuple):
    """Results by disease area on one split kind."""

    name: str
    title: str
    is_headline: bool
    baseline: str
    """The best one of the split kind."""
    num_small: int
    """Areas with a tested disease, but too few for a row of their own."""
    num_untested: int
    """Areas without a tested disease."""
    table: pd.DataFrame
    """Rows of `by_area`."""


class PopularitySection(NamedTuple):
    """How far the rankings follow popularity."""

    by_split: list[tuple[str, Popularity]]
    """Title and measures, by split kind."""
    headline: Popularity | None
    """Of the headline split kind."""
    num_diseases: int
    """Number of top-ten lists in which drugs were counted, one per disease."""
    num_drugs: int
    """In the graph."""
    drugs: list[tuple[str, float]]
    """The most frequent drugs with their number of lists."""
    suspects: list[str]
    """Drugs in a larger share of the lists than `everywhere`."""
    everywhere: float
    """One half, or twice the share by chance if that is more; 1 or more if there are too few drugs to tell."""


class HiddenTreatments(NamedTuple):
    """How many hidden treatments the lists of held-out diseases recover; means over folds."""

    num_treatments: float
    """Hidden treatments per disease."""
    recall_at_10: float
    chance_at_10: float | None
    """Recall of a random order; None if it was not measured."""
    hits_at_10: float
    most_in_ten: float
    """Upper bound on the hidden treatments among a disease's ten best drugs."""


def splits_of(evaluation: Evaluation) -> list[str]:
    """Split kinds that were evaluated, the headline first."""
    measured = set(evaluation.folds[SPLIT])
    return [split for split in HELD_OUT if split in measured]


def split_section(evaluation: Evaluation, split: str) -> SplitSection:
    """Tables and text for one split kind."""
    asked, lead = HELD_OUT[split], evaluation.lead(split)
    main = main_metrics(asks_for_diseases=asked.asks_for_diseases)
    strict_suite, open_suite = suites_of(asked)
    strict, wide = (_summary(evaluation, split, suite.name) for suite in (strict_suite, open_suite))
    own = strict[strict[SCORER] == MODEL].iloc[0]
    classical = [m for m in METRICS.values() if m.role == "classical" and strict[f"{m.name}_mean"].notna().any()]
    return SplitSection(
        name=split,
        title=asked.title,
        is_headline=split == evaluation.headline_split,
        meaning=asked.meaning,
        suite=strict_suite.in_words(),
        num_folds=int(own["num_folds"]),
        num_diseases=own["num_diseases_mean"],
        num_positives=own["num_positives_mean"],
        lead=lead,
        metric=METRICS[lead.metric].title,
        table=_table(strict, main),
        open_suite=open_suite.in_words() if len(wide) else None,
        open_row=_table(wide[wide[SCORER] == MODEL], main).rows[MODEL] if len(wide) else [],
        classical=_table(strict, classical) if classical else None,
        as_new=_as_new(evaluation, split),
    )


def _as_new(evaluation: Evaluation, split: str) -> str | None:
    found = evaluation.new_diseases if HELD_OUT[split].brings_back_diseases else None
    return None if found is None else new_diseases_in_words(found)


def _summary(evaluation: Evaluation, split: str, suite: str) -> pd.DataFrame:
    rows = evaluation.folds
    return summarise(rows[(rows[SPLIT] == split) & (rows[SUITE] == suite)])


def _table(summary: pd.DataFrame, metrics: Sequence[Metric]) -> EvaluationTable:
    """Table of the metrics that were measured, in their order; tied scorers keep theirs."""
    shown = [metric for metric in metrics if summary[f"{metric.name}_mean"].notna().any()]
    order = np.lexsort((-summary[f"{shown[0].name}_mean"], summary[SCORER] != MODEL))
    best = {metric.name: summary[f"{metric.name}_mean"].max() for metric in shown}
    rows = {
        record[SCORER]: [
            Cell(record[f"{name}_mean"], record[f"{name}_sd"], best=record[f"{name}_mean"] == best[name])
            for name in best
        ]
        for record in summary.iloc[order].to_dict("records")
    }
    return EvaluationTable([metric.title for metric in shown], rows)


def area_sections(evaluation: Evaluation, graph: KnowledgeGraph) -> list[AreaSection]:
    """One section for each split kind that is broken down by disease area; none for a graph without areas."""
    found, rows = by_area(evaluation, graph.disease_areas), evaluation.diseases
    sections = []
    for split, table in found.groupby(SPLIT, sort=False):
        tested = rows.loc[rows[SPLIT] == split, DISEASE].unique()
        num_tested = sum(bool(np.isin(index, tested).any()) for index in graph.disease_areas.values())
        sections.append(
            AreaSection(
                name=str(split),
                title=HELD_OUT[str(split)].title,
                is_headline=split == evaluation.headline_split,
                baseline=table["baseline"].iloc[0],
                num_small=num_tested - int((~table[AREA].isin(RESERVED)).sum()),
                num_untested=len(graph.disease_areas) - num_tested,
                table=table,
            )
        )
    return sections


def popularity_section(evaluation: Evaluation, graph: KnowledgeGraph) -> PopularitySection:
    """Which drugs and diseases fill the top ten, and how far that follows popularity."""
    found = [(HELD_OUT[split].title, popularity_of(evaluation, split)) for split in splits_of(evaluation)]
    rows = evaluation.frequent[evaluation.frequent["kind"] == "drug"]
    num_drugs = graph.num_nodes[graph.therapeutic.drug]
    return PopularitySection(
        by_split=[(title, popularity) for title, popularity in found if popularity],
        headline=popularity_of(evaluation, evaluation.headline_split),
        num_diseases=num_lists(evaluation),
        num_drugs=num_drugs,
        drugs=[(str(name), float(count)) for name, count in zip(rows["name"], rows["num_lists"], strict=True)],
        suspects=everywhere(evaluation, num_drugs),
        everywhere=share_everywhere(num_drugs),
    )


def hidden_treatments(evaluation: Evaluation, graph: KnowledgeGraph) -> HiddenTreatments | None:
    """How many hidden treatments a list recovers; None if no disease was held out or there are at most ten drugs."""
    split, rows = evaluation.headline_split, evaluation.strict
    rows = rows[rows[SPLIT] == split]
    if HELD_OUT[split].unit != "disease" or graph.num_nodes[graph.therapeutic.drug] <= NUM_SHOWN:
        return None
    own, chance = rows[rows[SCORER] == MODEL], rows[rows[SCORER] == RANDOM.name]
    treatments = own["num_positives"] / own["num_diseases"]
    # Filtering out other treatments can only improve a rank, so Hits@10 counts at least the treatments in the top ten.
    most_in_ten = np.minimum(own["hits_at_10"] * treatments, 10)
    return HiddenTreatments(
        num_treatments=float(treatments.mean()),
        recall_at_10=float(own["recall_at_10"].mean()),
        chance_at_10=float(chance["recall_at_10"].mean()) if len(chance) else None,
        hits_at_10=float(own["hits_at_10"].mean()),
        most_in_ten=float(most_in_ten.mean()),
    )
