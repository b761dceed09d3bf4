"""What the report says: each section of the page as values that the template only has to lay out."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from hgt_repurposing.baselines.rules import RANDOM
from hgt_repurposing.benchmark.protocol import SCORER, SPLIT, SUITE, suites_of, summarise
from hgt_repurposing.benchmark.results import MODEL, Evaluation
from hgt_repurposing.benchmark.trust import (
    EVERYWHERE,
    Calibration,
    Popularity,
    calibration_of,
    num_lists,
    popularity_of,
)
from hgt_repurposing.benchmark.verdicts import Lead
from hgt_repurposing.graph.evidence import EVIDENCE, Evidence, evidence_of_type
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.schema import NODE_ID, NODE_NAME
from hgt_repurposing.graph.split_kinds import HELD_OUT
from hgt_repurposing.metrics.registry import METRICS, Metric, main_metrics
from hgt_repurposing.repurposing.candidates import Candidates

NUM_SHOWN = 10


class Cell(NamedTuple):
    """One figure of an evaluation table."""

    mean: float
    sd: float
    """NaN for a single fold."""
    best: bool
    """Whether no scorer of this table has a higher mean."""


class EvaluationTable(NamedTuple):
    """Scorers by metrics."""

    columns: list[str]
    rows: Mapping[str, list[Cell]]
    """By scorer, the model first, then the baselines by the first column."""


class SplitSection(NamedTuple):
    """One way of splitting: what was asked, who answered how well."""

    name: str
    title: str
    is_headline: bool
    meaning: str
    suite: str
    """What counts as right and as wrong, in words."""
    num_folds: int
    num_diseases: float
    """Mean over folds."""
    num_positives: float
    """Mean over folds."""
    lead: Lead
    metric: str
    """Of the lead, by its name."""
    table: EvaluationTable
    open_suite: str | None
    """What the open suite counts, in words; None where it is the same as the strict."""
    open_row: list[Cell]
    """The model's figures there."""
    classical: EvaluationTable | None
    """Figures of papers, by their full names; None where none was measured."""


class CalibrationSection(NamedTuple):
    """Probabilities against what turned out to be true."""

    name: str
    title: str
    calibration: Calibration


class PopularitySection(NamedTuple):
    """Lists against what is popular anyway."""

    by_split: list[tuple[str, Popularity]]
    """Title and figures."""
    headline: Popularity | None
    """Of the way of splitting that counts."""
    num_diseases: int
    """Lists of ten drugs that the drugs were counted in."""
    num_drugs: int
    """Lists of ten diseases that the diseases were counted in."""
    drugs: list[tuple[str, float]]
    """Most frequent ones with the number of lists."""
    diseases: list[tuple[str, float]]
    suspects: list[str]
    """Drugs that stand in a larger share of the lists than `everywhere`."""
    everywhere: float
    """Half, or twice what a drug has by chance; 1 or more where there are so few drugs that this tells nothing."""


class DiseaseSection(NamedTuple):
    """What the page shows of one disease."""

    name: str
    identifier: str
    evidence: Evidence
    """What the graph knows of it."""
    num_treatments: int
    """In the graph."""
    num_listed: int
    """Drugs in its list, known or new."""
    new: list[Any]
    """The best new candidates: rows of the candidate table. Any: named tuples made by pandas."""
    known: list[Any]
    """The first pairs in the list of which the graph says something."""
    num_known: int
    """All such pairs in the list."""
    risk_known: bool
    """Whether probabilities of a contraindication stand beside the drugs."""
    equals: bool
    """Whether some of the new ones have one probability, so that their ids order them."""
    marked: list[Evidence]
    """What is known of those of the drugs shown on which there is no evidence."""


class EvidenceCount(NamedTuple):
    """Drugs, or diseases, of which there is nothing to go by."""

    what: str
    """Drugs or diseases."""
    num_nodes: int
    num_nothing: int
    """Without any edge."""
    num_treatments_only: int
    """Without an edge to anything but each other."""


class HiddenTreatments(NamedTuple):
    """What held-out diseases say of a list that the reader sees; means over folds."""

    num_treatments: float
    """Hidden treatments per disease."""
    recall_at_10: float
    chance_at_10: float | None
    """The same of a random order; None if it was not measured."""
    hits_at_10: float
    most_in_ten: float
    """Upper bound on the hidden treatments among a disease's ten best drugs."""


class Ubiquitous(NamedTuple):
    """The drug that stands among the ten best most often."""

    name: str
    num_lists: int
    num_diseases: int
    """Lists in all."""


def splits_of(evaluation: Evaluation) -> list[str]:
    """Ways of splitting that were measured, the headline first."""
    measured = set(evaluation.folds[SPLIT])
    return [split for split in HELD_OUT if split in measured]


def split_section(evaluation: Evaluation, split: str) -> SplitSection:
    """Tables and words for one way of splitting."""
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
    """Metrics that were measured, in their order; scorers that are equal keep theirs."""
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


def calibration_sections(evaluation: Evaluation) -> Iterator[CalibrationSection]:
    """One for each way of splitting that has probabilities."""
    for split in splits_of(evaluation):
        calibration = calibration_of(evaluation, split)
        if calibration:
            yield CalibrationSection(split, HELD_OUT[split].title, calibration)


def popularity_section(evaluation: Evaluation, graph: KnowledgeGraph) -> PopularitySection:
    """Who fills the first places, and how far that follows from popularity."""
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
    """So many diseases, those with the most known treatments first (ties by name)."""
    nodes = graph.nodes_of(graph.therapeutic.disease)
    nodes["treatments"] = np.bincount(graph.indications[1], minlength=len(nodes))
    nodes = nodes[nodes[NODE_ID].isin(candidates.table["disease_id"])]
    first = nodes.sort_values(["treatments", NODE_NAME, NODE_ID], ascending=[False, True, True]).head(num_shown)
    return [
        _disease_section(node, candidates.table[candidates.table["disease_id"] == node.node_id])
        for node in first.itertuples(index=False)
    ]


def _disease_section(node: Any, rows: pd.DataFrame) -> DiseaseSection:
    """What one disease's list says. Any: a row of the node table with its number of treatments, made by pandas."""
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
    """Diseases and drugs that are ranked without evidence; those of which there are none are left out."""
    names = graph.therapeutic
    counts = []
    for what, node_type in (("diseases", names.disease), ("drugs", names.drug)):
        found = evidence_of_type(graph, node_type)
        nothing, treatments = (int((found == evidence).sum()) for evidence in ("nothing", "treatments only"))
        counts.append(EvidenceCount(what, len(found), nothing, treatments))
    return [count for count in counts if count.num_nothing or count.num_treatments_only]


def hidden_treatments(evaluation: Evaluation, graph: KnowledgeGraph) -> HiddenTreatments | None:
    """How many hidden treatments a list finds; None where no disease was held out, or ten places hold every drug."""
    split, rows = evaluation.headline_split, evaluation.strict
    rows = rows[rows[SPLIT] == split]
    if HELD_OUT[split].setting != "cold disease" or graph.num_nodes[graph.therapeutic.drug] <= NUM_SHOWN:
        return None
    own, chance = rows[rows[SCORER] == MODEL], rows[rows[SCORER] == RANDOM.name]
    treatments = own["num_positives"] / own["num_diseases"]
    # Leaving other treatments out of the count only moves a treatment up, so Hits@10 counts at least those in the ten.
    most_in_ten = np.minimum(own["hits_at_10"] * treatments, 10)
    return HiddenTreatments(
        num_treatments=float(treatments.mean()),
        recall_at_10=float(own["recall_at_10"].mean()),
        chance_at_10=float(chance["recall_at_10"].mean()) if len(chance) else None,
        hits_at_10=float(own["hits_at_10"].mean()),
        most_in_ten=float(most_in_ten.mean()),
    )


def ubiquitous(candidates: Candidates) -> Ubiquitous:
    """The drug that stands among the ten best of the list most often; of equals the first by name."""
    top = candidates.table[candidates.table["rank"] <= NUM_SHOWN]
    counts = top.groupby(["drug_name", "drug_id"]).size().reset_index(name="num_diseases")
    first = counts["num_diseases"].argmax()
    return Ubiquitous(
        counts["drug_name"].iloc[first],
        int(counts["num_diseases"].max()),
        int(candidates.table["disease_id"].nunique()),
    )
