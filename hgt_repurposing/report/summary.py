"""The summary of a run for the terminal."""

import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from hgt_repurposing.baselines.rules import DISEASE_DEGREE, DRUG_DEGREE
from hgt_repurposing.benchmark.protocol import MODEL, SCORER, SPLIT
from hgt_repurposing.benchmark.results import Evaluation
from hgt_repurposing.benchmark.verdicts import Lead
from hgt_repurposing.graph.split_kinds import HELD_OUT
from hgt_repurposing.metrics.registry import METRICS
from hgt_repurposing.report.external import external_lines
from hgt_repurposing.report.new_diseases import new_diseases_in_words
from hgt_repurposing.report.whole_grid import GridRow, score_parts, whole_grid_section
from hgt_repurposing.report.wording import one_line, percent, shown
from hgt_repurposing.repurposing.candidates import Candidates
from hgt_repurposing.text_table import aligned

NUM_SHOWN = 10
WIDTH = 100
MAX_NAME = 36
MAX_ID = 24

COLUMNS = {metric.name: metric.short for metric in METRICS.values() if metric.short}
"""Short names of the metrics shown next to the main one."""
HEADS = {
    "evidence": "Best new candidates for",
    "treatments only": "Best new candidates for",
    "nothing": "Nothing is known about",
}
"""Headings, by the evidence on the disease."""
BY_WHAT = {
    "treatments only": "the graph links this disease to drugs only: treatments, contraindications and the like",
    "nothing": "ranked by what is usual for drugs, not by evidence",
}
"""Caveats, by the evidence on the disease."""
MARKS = {"evidence": "", "treatments only": " +", "nothing": " *"}
"""Suffixes of a drug's name, by the evidence on it."""
MARKS_MEAN = {
    "treatments only": "+ the graph links this drug to diseases only: treatments, contraindications and the like",
    "nothing": "* the graph knows nothing about this drug: it is ranked by what is usual, not by evidence",
}
EQUALS = "equal probabilities are ordered by id"
NOT_EVALUATED = "WARNING: not evaluated, so it is unknown how far to trust this list: run the job to completion"


def summary_text(evaluation: Evaluation | None, candidates: Candidates, disease: str | None = None) -> str:
    """New candidates for one disease, the model next to its best baseline and popularity, and the verdict.

    Args:
        evaluation: Evaluation of the model and its baselines; None if there is none.
        candidates: The ranked candidates.
        disease: Id or name; the first one if several share the name. None: the one with the most known treatments in
            its list, ties by name.

    Raises:
        ValueError: If no disease has that id or name.
    """
    rows = _one_disease(candidates, disease)
    name, identifier, evidence = rows.iloc[0][["disease_name", "disease_id", "disease_evidence"]]
    namesakes = candidates.table.loc[candidates.table["disease_name"] == name, "disease_id"].unique()
    return "\n".join(
        [
            f"{HEADS[evidence]} {one_line(name, MAX_NAME)} ({one_line(identifier, MAX_ID)})",
            *(f"another disease with this name: {one_line(i, MAX_ID)}" for i in namesakes if i != identifier),
            *([BY_WHAT[evidence]] if evidence in BY_WHAT else []),
            *(f"listed are only {said}" for said in candidates.chosen.get("drug", ())),
            "rank counts all drugs, known or new; probability: of being a treatment that the graph misses",
            "",
            *_candidate_lines(rows),
            "",
            *([NOT_EVALUATED] if evaluation is None else _evaluation(evaluation)),
        ]
    )


def _one_disease(candidates: Candidates, disease: str | None) -> pd.DataFrame:
    table = candidates.table
    if disease is None:
        treatments = table.groupby(["disease_name", "disease_id"])["known"].sum().reset_index()
        identifier = str(treatments["disease_id"].iloc[treatments["known"].argmax()])  # ties: first by name
    else:
        found = candidates.of_disease(disease)["disease_id"]
        identifier = disease if (found == disease).any() else str(found.iloc[0])
    return table[table["disease_id"] == identifier]


def _candidate_lines(rows: pd.DataFrame) -> list[str]:
    new = rows[rows["status"] == "new"].head(NUM_SHOWN)
    if new.empty:
        return [f"none: the graph already links this disease to every drug in its list ({len(rows)}; see top_k)"]
    head = ["rank", "drug", "id", "probability"]
    risk_known = bool(new["contraindication_score"].notna().any())
    lines = [
        (
            str(row["rank"]),
            _marked(row["drug_name"], row["drug_evidence"]),
            one_line(row["drug_id"], MAX_ID),
            percent(row["score"]),
            percent(row["contraindication_score"]),
        )
        for row in new.to_dict("records")
    ]
    table = [(*head, "known negative"), *lines]
    notes = [meaning for evidence, meaning in MARKS_MEAN.items() if (new["drug_evidence"] == evidence).any()]
    if new["score"].duplicated().any():
        notes.append(EQUALS)
    return [*aligned(table if risk_known else [line[: len(head)] for line in table], right=(0, 3, 4)), *notes]


def _marked(name: str, evidence: str) -> str:
    mark = MARKS[evidence]
    return one_line(name, MAX_NAME - len(mark)) + mark


def _evaluation(evaluation: Evaluation) -> list[str]:
    return [
        *_whole_grid_lines(evaluation),
        "Evaluation, mean over folds: the model, its best baseline, popularity",
        "AP: macro average precision with standard deviation, by drug where drugs are held out",
        "",
        *_evaluation_lines(evaluation),
        "",
        *_outside(evaluation),
        *_new_diseases(evaluation),
        *(line for lead in evaluation.headline_leads for line in _verdict(lead)),
        *(
            line
            for split, reason in evaluation.not_measured.items()
            for line in textwrap.wrap(f"Not measured: {split} ({reason})", WIDTH)
        ),
    ]


def _outside(evaluation: Evaluation) -> list[str]:
    found = external_lines(evaluation.external)
    return [*found, ""] if found else []


def _new_diseases(evaluation: Evaluation) -> list[str]:
    found = evaluation.new_diseases
    return [] if found is None else [*textwrap.wrap(new_diseases_in_words(found), WIDTH), ""]


def _verdict(lead: Lead) -> list[str]:
    return textwrap.wrap(f"{'' if lead.standing == 'ahead' else 'WARNING: '}{lead.in_words()}", WIDTH)


def _whole_grid_lines(evaluation: Evaluation) -> list[str]:
    """The whole grid and its settings, with the assumption; nothing if it was not measured."""
    section = whole_grid_section(evaluation)
    if section is None:
        return []
    head = ("setting", "pairs", "hidden", "AUROC", "lead", "AP", "lead", "observed/expected")
    return [
        "The whole grid: all pairs about which the graph then says nothing, in one list, and by setting",
        "lead: over the best baseline; AP: average precision; observed/expected: of the probabilities",
        "",
        *aligned([head, *(tuple(_grid_cells(row)) for row in section.rows)], right=range(1, len(head))),
        "",
        *textwrap.wrap(f"{section.assumed} A probability holds under this assumption.", WIDTH),
        *(
            f"{parts.setting}: a blend of baselines alone was found to be best, and is what the list uses"
            for parts in score_parts(evaluation.score_parts)
            if parts.baselines_alone
        ),
        "",
    ]


def _grid_cells(row: GridRow) -> Iterator[str]:
    """Cells of one line."""
    yield row.name
    yield f"{row.num_cells:,.0f}"
    yield f"{row.num_positives:,.1f}"
    for lead in (row.auroc, row.average_precision):
        yield shown(lead and lead.own)
        yield shown(lead and lead.mean, "+.3f")
    yield shown(row.calibration and row.calibration.ratio, ".2f")


def _evaluation_lines(evaluation: Evaluation) -> list[str]:
    head = (SPLIT, SCORER, "AP", *COLUMNS.values())
    rows = [cells for split in evaluation.folds[SPLIT].unique() for cells in _split_rows(evaluation, split)]
    return aligned([head, *rows], right=range(2, len(head)))


def _split_rows(evaluation: Evaluation, split: str) -> Iterator[tuple[str, ...]]:
    lead = evaluation.lead(split)
    summary = evaluation.summary
    records = {record[SCORER]: record for record in summary[summary[SPLIT] == split].to_dict("records")}
    popularity = DISEASE_DEGREE if HELD_OUT[split].asks_for_diseases else DRUG_DEGREE
    wanted = dict.fromkeys((MODEL, lead.baseline, popularity.name))
    for scorer in (name for name in wanted if name in records):
        yield tuple(_cells(records[scorer], lead.metric))


def _cells(record: Mapping[Any, Any], metric: str) -> Iterator[str]:
    """Cells of one line. Any: a row of the summary holds text and numbers."""
    yield record[SPLIT]
    yield record[SCORER]
    yield f"{shown(record[f'{metric}_mean'])} ± {shown(record[f'{metric}_sd'])}"
    for name in COLUMNS:
        yield shown(record[f"{name}_mean"])
