"""The report: one self-contained HTML page."""

import base64
from collections.abc import Callable, Mapping
from functools import cache, partial

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from matplotlib.axes import Axes

from hgt_repurposing.baselines.catalogue import BASELINES
from hgt_repurposing.benchmark.results import Evaluation
from hgt_repurposing.benchmark.trust import MAX_CALIBRATION_ERROR, MAX_TOP_FACTOR
from hgt_repurposing.embeddings.table import Embeddings
from hgt_repurposing.embeddings.validation import ValidationReport
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.split_kinds import HELD_OUT
from hgt_repurposing.metrics.registry import METRICS
from hgt_repurposing.report.plots import (
    height_of_evaluation,
    plot_calibration,
    plot_degrees,
    plot_evaluation,
    plot_loss,
    plot_projection,
    plot_spectrum,
)
from hgt_repurposing.report.png import to_png
from hgt_repurposing.report.sections import (
    SplitSection,
    calibration_sections,
    disease_sections,
    evidence_section,
    hidden_treatments,
    popularity_section,
    split_section,
    splits_of,
    ubiquitous,
)
from hgt_repurposing.report.wording import percent, shown
from hgt_repurposing.repurposing.candidates import Candidates
from hgt_repurposing.storage.html_page import HtmlPage


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
) -> HtmlPage:
    """Build the report of one run.

    Args:
        graph: The knowledge graph that everything else was made from.
        history: Training history; columns epoch, loss, chance_loss.
        embeddings: Embeddings of all nodes.
        validation: Validation of these embeddings.
        evaluation: Evaluation of the model and its baselines.
        candidates: The ranked candidates.
        provenance: Table in the page footer: configuration, seed, digests.
        num_diseases_shown: Number of diseases shown, those with the most known treatments first (ties by name).
    """
    splits = [split_section(evaluation, split) for split in splits_of(evaluation)]
    calibrations = list(calibration_sections(evaluation))
    figures = {
        **_evaluation_pictures(evaluation, splits),
        **{
            f"calibration_{section.name}.png": to_png(partial(_draw_calibration, evaluation, section.name))
            for section in calibrations
        },
        "projection.png": to_png(lambda ax: plot_projection(embeddings, ax=ax)),
        "spectrum.png": to_png(lambda ax: plot_spectrum(embeddings, thresholds=validation.thresholds, ax=ax)),
        "loss.png": to_png(lambda ax: plot_loss(history, ax=ax)),
        "degrees.png": to_png(lambda ax: plot_degrees(graph, ax=ax)),
    }
    html = _page_template()(
        lead=evaluation.lead(evaluation.headline_split),
        not_measured={HELD_OUT[kind].title: reason for kind, reason in evaluation.not_measured.items()},
        graph=graph,
        num_indications=graph.indications.shape[1],
        splits=splits,
        metric_meanings={metric.title: metric.meaning for metric in METRICS.values() if metric.meaning},
        baseline_meanings={name: baseline.meaning for name, baseline in BASELINES.items()},
        calibrations=calibrations,
        max_calibration_error=MAX_CALIBRATION_ERROR,
        max_top_factor=MAX_TOP_FACTOR,
        popularity=popularity_section(evaluation, graph),
        evidence=evidence_section(graph),
        diseases=disease_sections(graph, candidates, num_diseases_shown),
        ubiquitous=ubiquitous(candidates),
        hidden=hidden_treatments(evaluation, graph),
        validation=validation,
        history=history,
        provenance=provenance,
        pictures={name: base64.b64encode(png).decode() for name, png in figures.items()},
        shown=shown,
        percent=percent,
    )
    return HtmlPage(html, figures)


@cache
def _page_template() -> Callable[..., str]:
    """Compiled once per process: compiling takes longer than rendering."""
    environment = Environment(
        loader=PackageLoader("hgt_repurposing.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html").render


def _evaluation_pictures(evaluation: Evaluation, splits: list[SplitSection]) -> dict[str, bytes]:
    return {
        f"evaluation_{section.name}.png": to_png(
            partial(_draw_evaluation, evaluation, section.name),
            width=7.6,
            height=height_of_evaluation(evaluation, section.name),
        )
        for section in splits
    }


def _draw_evaluation(evaluation: Evaluation, split: str, ax: Axes) -> Axes:
    return plot_evaluation(evaluation, split, ax=ax)


def _draw_calibration(evaluation: Evaluation, split: str, ax: Axes) -> Axes:
    return plot_calibration(evaluation, split, ax=ax)
