"""The sections of the report, as values for the template to lay out."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from hgt_repurposing.baselines.rules import RANDOM
from hgt_repurposing.benchmark.areas import AREA, by_area
from hgt_repurposing.benchmark.protocol import MODEL, SCORER, SPLIT, SUITE, suites_of, summarise
from hgt_repurposing.benchmark.results import DISEASE, Evaluation
from hgt_repurposing.benchmark.trust import EVERYWHERE, Popularity, num_lists, popularity_of
from hgt_repurposing.benchmark.verdicts import Lead
from hgt_repurposing.graph.disease_areas import RESERVED
from hgt_repurposing.graph.evidence import EVIDENCE, Evidence, evidence_of_type
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.schema import NODE_ID, NODE_NAME
from hgt_repurposing.graph.split_kinds import HELD_OUT
from hgt_repurposing.metrics.registry import METRICS, Metric, main_metrics
from hgt_repurposing.repurposing.candidates import Candidates

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
    """Number of top-ten lists in which diseases were counted, one per drug."""
    drugs: list[tuple[str, float]]
    """The most frequent drugs with their number of lists."""
    diseases: list[tuple[str, float]]
    suspects: list[str]
    """Drugs in a larger share of the lists than `everywhere`."""
    everywhere: float
    """One half, or twice the share by chance if that is more; 1 or more if there are too few drugs to tell."""


class DiseaseSection(NamedTuple):
    """Candidates and known treatments of one disease."""

    name: str
    identifier: str
    evidence: Evidence
    """Kind of evidence on the disease in the graph."""
    num_treatments: int
    """In the graph."""
    num_listed: int
    """Drugs in its list, known or new."""
    new: list[Any]
    """The best new candidates: rows of the candidate table. Any: named tuples made by pandas."""
    known: list[Any]
    """The first rows of the list that are not new."""
    num_known: int
    """Number of all such rows in the list."""
    risk_known: bool
    """Whether probabilities of a contraindication are shown."""
    equals: bool
    """Whether some new candidates tie in probability and are therefore ordered by id."""
    marked: list[Evidence]
    """Marks to explain: kinds of evidence, other than full evidence, among the drugs shown."""


class EvidenceCount(NamedTuple):
    """Number of drugs, or of diseases, without evidence."""

    what: str
    """Drugs or diseases."""
    num_nodes: int
    num_nothing: int
    """Without any edge."""
    num_treatments_only: int
    """Without an edge to anything but each other."""


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


class Ubiquitous(NamedTuple):
    """The drug that is most often in the top ten."""

    name: str
    num_lists: int
    num_diseases: int
    """Number of lists."""


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
    )


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
    drugs, diseases = (_frequent(evaluation.frequent, kind) for kind in ("drug", "disease"))
    lists, num_drugs = num_lists(evaluation), graph.num_nodes[graph.therapeutic.drug]
    everywhere = max(EVERYWHERE, 2 * NUM_SHOWN / num_drugs)
    return PopularitySection(
        by_split=[(title, popularity) for title, popularity in found if popularity],
        headline=popularity_of(evaluation, evaluation.headline_split),
        num_diseases=lists,
        num_drugs=num_drugs,
        drugs=drugs,
        diseases=diseases,
        suspects=[name for name, count in drugs if count > everywhere * lists],
        everywhere=everywhere,
    )


def _frequent(table: pd.DataFrame, kind: str) -> list[tuple[str, float]]:
    rows = table[table["kind"] == kind]
    return [(str(name), float(count)) for name, count in zip(rows["name"], rows["num_lists"], strict=True)]


def disease_sections(graph: KnowledgeGraph, candidates: Candidates, num_shown: int) -> list[DiseaseSection]:
    """Sections of the `num_shown` diseases with the most known treatments (ties by name)."""
    nodes = graph.nodes_of(graph.therapeutic.disease)
    nodes["treatments"] = np.bincount(graph.indications[1], minlength=len(nodes))
    nodes = nodes[nodes[NODE_ID].isin(candidates.table["disease_id"])]
    first = nodes.sort_values(["treatments", NODE_NAME, NODE_ID], ascending=[False, True, True]).head(num_shown)
    return [
        _disease_section(node, candidates.table[candidates.table["disease_id"] == node.node_id])
        for node in first.itertuples(index=False)
    ]


def _disease_section(node: Any, rows: pd.DataFrame) -> DiseaseSection:
    """Section of one disease. Any: a row of the node table with its number of treatments, made by pandas."""
    new, known = rows[rows["status"] == "new"].head(NUM_SHOWN), rows[rows["status"] != "new"]
    known_of = {*new["drug_evidence"], *known["drug_evidence"].head(NUM_SHOWN)}
    return DiseaseSection(
        name=node.node_name,
        identifier=node.node_id,
        evidence=rows["disease_evidence"].iloc[0],
        num_treatments=node.treatments,
        num_listed=len(rows),
        new=list(new.itertuples(index=False)),
        known=list(known.head(NUM_SHOWN).itertuples(index=False)),
        num_known=len(known),
        risk_known=bool(rows["contraindication_score"].notna().any()),
        equals=bool(new["score"].duplicated().any()),
        marked=[evidence for evidence in EVIDENCE[1:] if evidence in known_of],
    )


def evidence_section(graph: KnowledgeGraph) -> list[EvidenceCount]:
    """Numbers of diseases and drugs ranked without evidence; left out where there are none."""
    names = graph.therapeutic
    counts = []
    for what, node_type in (("diseases", names.disease), ("drugs", names.drug)):
        found = evidence_of_type(graph, node_type)
        nothing, treatments = (int((found == evidence).sum()) for evidence in ("nothing", "treatments only"))
        counts.append(EvidenceCount(what, len(found), nothing, treatments))
    return [count for count in counts if count.num_nothing or count.num_treatments_only]


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


def ubiquitous(candidates: Candidates) -> Ubiquitous | None:
    """The drug that is most often in the top ten of the list; ties: the first by name. None if no listed one is."""
    top = candidates.table[candidates.table["rank"] <= NUM_SHOWN]
    if top.empty:
        return None
    counts = top.groupby(["drug_name", "drug_id"]).size().reset_index(name="num_diseases")
    first = counts["num_diseases"].argmax()
    return Ubiquitous(
        counts["drug_name"].iloc[first],
        int(counts["num_diseases"].max()),
        int(candidates.table["disease_id"].nunique()),
    )
