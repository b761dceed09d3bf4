"""The report: one HTML page that stands alone, and the few lines a terminal shows at the end of a run."""

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, NamedTuple, Self

import numpy as np
import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from matplotlib.axes import Axes

from hgt_repurposing.embeddings.table import Embeddings
from hgt_repurposing.embeddings.validation import ValidationReport
from hgt_repurposing.evaluation.protocol import SCORER, SPLIT, spread_over_folds
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.schema import NODE_ID, NODE_NAME
from hgt_repurposing.plots import (
    METRIC_NAMES,
    SPLIT_TITLES,
    plot_degrees,
    plot_evaluation,
    plot_loss,
    plot_projection,
    plot_spectrum,
    to_png,
)
from hgt_repurposing.repurposing.candidates import Candidates
from hgt_repurposing.repurposing.evaluation import MODEL, Evaluation
from hgt_repurposing.text_table import aligned

PAGE = "repurposing_report.html"
NUM_SHOWN = 10
MAX_NAME = 40

SPLIT_MEANINGS = {
    "disease": "All known treatments of a disease are hidden, as for a disease that nobody can treat yet.",
    "pair": "Single treatments are hidden; drug and disease may still be known from other pairs, so that rules "
    "over shared treatments do well without a graph.",
    "drug": "All known uses of a drug are hidden, as for a drug that treats nothing yet.",
    "disease_group": "All known treatments of a disease are hidden together with those of its near-synonyms and close "
    "relatives, from which they could otherwise be copied.",
}
METRIC_MEANINGS = {
    "macro_ap": "Average precision: how purely the hidden treatments stand at the top of a disease's list; mean over "
    "diseases. 1 is perfect, chance is the share of treatments among the drugs.",
    "recall_at_10": "Share of a disease's hidden treatments among its 10 best drugs, mean over diseases; Recall@50 and "
    "Recall@100 likewise.",
    "mrr": "1 / rank of a hidden treatment, other treatments left out of the count; mean over treatments.",
    "hits_at_10": "Share of all hidden treatments that come out among the 10 best, other treatments left out of the "
    "count.",
    "auroc": "Chance that a hidden treatment scores above a pair not known to be one, over all diseases together; "
    "0.5 is a coin, and drugs that are popular everywhere raise it.",
}
FLOOR_MEANINGS = {
    "random": "chance",
    "drug degree": "the drug with the most known uses first, the same list for every disease",
    "degree product": "known uses of the drug times known treatments of the disease",
    "drug kNN": "drugs that share known uses with the disease's known treatments",
}

Standing = Literal["ahead", "unsure", "behind"]


@dataclass(frozen=True, eq=False)
class Report:
    """A page, and the pictures in it as files of their own."""

    html: str
    """Self-contained: styles and pictures inside, nothing loaded from elsewhere."""
    figures: Mapping[str, bytes]
    """PNG by file name."""

    def to_parts(self) -> dict[str, Any]:
        """What `artifacts.py` writes; the inverse of `from_parts`. Any: one of its part shapes."""
        return {PAGE: self.html, **self.figures}

    @classmethod
    def from_parts(cls, parts: Mapping[str, Any]) -> Self:
        """Inverse of `to_parts`."""
        return cls(parts[PAGE], {name: part for name, part in parts.items() if name != PAGE})


def build_report(
    graph: KnowledgeGraph,
    history: pd.DataFrame,
    embeddings: Embeddings,
    validation: ValidationReport,
    evaluation: Evaluation,
    candidates: Candidates,
    *,
    provenance: Mapping[str, str],
    num_diseases_shown: int = 12,
) -> Report:
    """Everything a reader asks of a run, in the order of asking.

    Args:
        graph: What everything else was made from.
        history: Of the training; columns epoch, loss.
        embeddings: Of all nodes.
        validation: Of these embeddings.
        evaluation: Of the model and its floors; at least by disease.
        candidates: The list that users see.
        provenance: What the foot of the page says of the run: configuration, seed, digests.
        num_diseases_shown: So many diseases, those with the most known treatments first (ties by name).
    """
    figures = _figures(graph, history, embeddings, validation, evaluation)
    environment = Environment(
        loader=PackageLoader("hgt_repurposing"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    html = environment.get_template("report.html").render(
        headline=evaluation.headline(),
        standing=_standing(evaluation, "disease"),
        graph=graph,
        num_indications=graph.indications.shape[1],
        splits=[_split_section(evaluation, split) for split in _splits(evaluation)],
        metric_names=METRIC_NAMES,
        metric_meanings={METRIC_NAMES[metric]: meaning for metric, meaning in METRIC_MEANINGS.items()},
        floor_meanings=FLOOR_MEANINGS,
        diseases=_disease_sections(graph, candidates, num_diseases_shown),
        ubiquitous=_ubiquitous(candidates),
        trust=_trust(evaluation),
        validation=validation,
        history=history,
        provenance=provenance,
        pictures={name: base64.b64encode(png).decode() for name, png in figures.items()},
        shown=_shown,
    )
    return Report(html, figures)


def summary_text(evaluation: Evaluation, candidates: Candidates, disease: str | None = None) -> str:
    """The end of a run in a terminal: new candidates of one disease, the evaluation table, the verdict.

    Args:
        evaluation: Of the model and its floors.
        candidates: The list that users see.
        disease: Id or name; of namesakes the first. None takes the one with the most known treatments in its list,
            ties by name.

    Raises:
        ValueError: If no disease is called that.
    """
    rows = _one_disease(candidates, disease)
    new = rows[rows["status"] == "new"].head(NUM_SHOWN)
    name, identifier = rows["disease_name"].iloc[0], rows["disease_id"].iloc[0]
    best = [
        (str(row.rank), _short(str(row.drug_name)), _short(str(row.drug_id)), f"{row.score:.3f}")
        for row in new.itertuples(index=False)
    ]
    listed = aligned([("rank", "drug", "id", "score"), *best], right=(0, 3))
    nothing = [f"none: the graph already says something of every drug in its list ({len(rows)})"]
    headline = evaluation.headline()
    return "\n".join(
        [
            f"Best new candidates for {_short(name)} ({_short(identifier)})",
            "rank counts all drugs, known or new",
            "",
            *(listed if best else nothing),
            "",
            "Evaluation, mean over folds; macro AP with standard deviation",
            "",
            *_evaluation_lines(evaluation),
            "",
            headline if _standing(evaluation, "disease") != "behind" else f"WARNING: {headline}",
        ]
    )


class _Cell(NamedTuple):
    """One figure of the evaluation table."""

    mean: float
    sd: float
    """NaN for a single fold."""
    best: bool
    """Whether no scorer of this split has a higher mean."""


class _SplitSection(NamedTuple):
    """One evaluation table with what it was measured on."""

    name: str
    title: str
    meaning: str
    num_folds: int
    num_diseases: float
    """Mean over folds."""
    num_positives: float
    """Mean over folds."""
    standing: Standing
    floor: str
    """The best one by macro AP."""
    lead: float
    """Macro AP of the model minus that of this floor."""
    lead_sd: float
    rows: Mapping[str, list[_Cell]]
    """One cell per metric, by scorer."""


class _DiseaseSection(NamedTuple):
    """What the page shows of one disease."""

    name: str
    identifier: str
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


class _Trust(NamedTuple):
    """What held-out diseases say of a list that the reader sees; means over folds."""

    num_treatments: float
    """Hidden treatments per disease."""
    recall_at_10: float
    chance_at_10: float | None
    """The same of a random order; None if it was not measured."""
    hits_at_10: float
    most_in_ten: float
    """Upper bound on the hidden treatments among a disease's ten best drugs."""


def _figures(
    graph: KnowledgeGraph,
    history: pd.DataFrame,
    embeddings: Embeddings,
    validation: ValidationReport,
    evaluation: Evaluation,
) -> dict[str, bytes]:
    splits = {
        f"evaluation_{split}.png": to_png(partial(_draw_evaluation, evaluation, split), height=2.6)
        for split in _splits(evaluation)
    }
    return {
        **splits,
        "projection.png": to_png(lambda ax: plot_projection(embeddings, ax=ax)),
        "spectrum.png": to_png(lambda ax: plot_spectrum(embeddings, thresholds=validation.thresholds, ax=ax)),
        "loss.png": to_png(lambda ax: plot_loss(history, ax=ax)),
        "degrees.png": to_png(lambda ax: plot_degrees(graph, ax=ax)),
    }


def _splits(evaluation: Evaluation) -> list[str]:
    """Ways of splitting that were measured, the headline first."""
    measured = set(evaluation.folds[SPLIT])
    return [split for split in SPLIT_TITLES if split in measured]


def _standing(evaluation: Evaluation, split: str) -> Standing:
    """Whether the model leads its best floor by more than the lead varies between folds."""
    lead = evaluation.lead(split, "macro_ap")
    if not lead.mean() > 0:
        return "behind"
    return "ahead" if lead.mean() > spread_over_folds(lead) else "unsure"  # never ahead by a single fold: NaN


def _split_section(evaluation: Evaluation, split: str) -> _SplitSection:
    records = [record for record in evaluation.summary.to_dict("records") if record[SPLIT] == split]
    own = next(record for record in records if record[SCORER] == MODEL)
    best = {metric: max(record[f"{metric}_mean"] for record in records) for metric in METRIC_NAMES}
    lead = evaluation.lead(split, "macro_ap")
    rows = {
        record[SCORER]: [
            _Cell(record[f"{metric}_mean"], record[f"{metric}_sd"], best=record[f"{metric}_mean"] == best[metric])
            for metric in METRIC_NAMES
        ]
        for record in records
    }
    return _SplitSection(
        name=split,
        title=SPLIT_TITLES[split],
        meaning=SPLIT_MEANINGS[split],
        num_folds=own["num_folds"],
        num_diseases=own["num_diseases_mean"],
        num_positives=own["num_positives_mean"],
        standing=_standing(evaluation, split),
        floor=evaluation.best_floor(split, "macro_ap"),
        lead=float(lead.mean()),
        lead_sd=spread_over_folds(lead),
        rows=rows,
    )


def _disease_sections(graph: KnowledgeGraph, candidates: Candidates, num_shown: int) -> list[_DiseaseSection]:
    nodes = graph.nodes_of(graph.therapeutic.disease)
    nodes["treatments"] = np.bincount(graph.indications[1], minlength=len(nodes))
    nodes = nodes[nodes[NODE_ID].isin(candidates.table["disease_id"])]
    first = nodes.sort_values(["treatments", NODE_NAME, NODE_ID], ascending=[False, True, True]).head(num_shown)
    return [
        _disease_section(node, candidates.table[candidates.table["disease_id"] == node.node_id])
        for node in first.itertuples(index=False)
    ]


def _disease_section(node: Any, rows: pd.DataFrame) -> _DiseaseSection:
    """What one disease's list says. Any: a row of the node table with its number of treatments, made by pandas."""
    new, known = rows[rows["status"] == "new"], rows[rows["status"] != "new"]
    return _DiseaseSection(
        name=node.node_name,
        identifier=node.node_id,
        num_treatments=node.treatments,
        num_listed=len(rows),
        new=list(new.head(NUM_SHOWN).itertuples(index=False)),
        known=list(known.head(NUM_SHOWN).itertuples(index=False)),
        num_known=len(known),
    )


def _trust(evaluation: Evaluation) -> _Trust:
    rows = evaluation.folds[evaluation.folds[SPLIT] == "disease"]
    own, chance = rows[rows[SCORER] == MODEL], rows[rows[SCORER] == "random"]
    treatments = own["num_positives"] / own["num_diseases"]
    # Leaving other treatments out of the count only moves a treatment up, so Hits@10 counts at least those in the ten.
    most_in_ten = np.minimum(own["hits_at_10"] * treatments, 10)
    return _Trust(
        num_treatments=float(treatments.mean()),
        recall_at_10=float(own["recall_at_10"].mean()),
        chance_at_10=float(chance["recall_at_10"].mean()) if len(chance) else None,
        hits_at_10=float(own["hits_at_10"].mean()),
        most_in_ten=float(most_in_ten.mean()),
    )


def _ubiquitous(candidates: Candidates) -> tuple[str, int, int]:
    """The drug that stands among the ten best most often: its name, in how many diseases, of how many."""
    top = candidates.table[candidates.table["rank"] <= 10]
    counts = top.groupby(["drug_name", "drug_id"]).size().reset_index(name="num_diseases")
    first = counts["num_diseases"].argmax()  # of equals the first by name
    return counts["drug_name"].iloc[first], counts["num_diseases"].max(), candidates.table["disease_id"].nunique()


def _one_disease(candidates: Candidates, disease: str | None) -> pd.DataFrame:
    table = candidates.table
    if disease is None:
        treatments = table.groupby(["disease_name", "disease_id"])["known"].sum().reset_index()
        identifier = str(treatments["disease_id"].iloc[treatments["known"].argmax()])  # of equals the first by name
    else:
        found = candidates.of_disease(disease)["disease_id"]
        identifier = disease if (found == disease).any() else str(found.iloc[0])
    return table[table["disease_id"] == identifier]


def _evaluation_lines(evaluation: Evaluation) -> list[str]:
    head = ("split", "scorer", *METRIC_NAMES.values())
    rows = [tuple(_evaluation_cells(record)) for record in evaluation.summary.to_dict("records")]
    return aligned([head, *rows], right=range(2, len(head)))


def _evaluation_cells(record: Mapping[Any, Any]) -> Iterator[str]:
    """Cells of one line. Any: a row of the summary holds text and numbers."""
    yield record[SPLIT]
    yield record[SCORER]
    for metric in METRIC_NAMES:
        mean, sd = _shown(record[f"{metric}_mean"]), _shown(record[f"{metric}_sd"])
        yield f"{mean} ± {sd}" if metric == "macro_ap" else mean


def _draw_evaluation(evaluation: Evaluation, split: str, ax: Axes) -> Axes:
    return plot_evaluation(evaluation, split, "macro_ap", ax=ax)


def _shown(value: float | None, form: str = ".3f") -> str:
    """A number for people; a dash where there is none."""
    return "-" if value is None or np.isnan(value) else format(value, form)


def _short(text: str) -> str:
    """One printable line of at most MAX_NAME characters: names are data of others."""
    line = "".join(character if character.isprintable() else " " for character in text)
    return line if len(line) <= MAX_NAME else line[: MAX_NAME - 1] + "…"
