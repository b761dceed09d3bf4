"""The report: one self-contained HTML page."""

import base64
from collections.abc import Callable
from functools import cache, partial

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from matplotlib.axes import Axes

from hgt_repurposing.baselines.catalogue import BASELINES
from hgt_repurposing.benchmark.areas import MIN_IN_AREA
from hgt_repurposing.benchmark.cautions import Caution, cautions_of_graph, cautions_of_results, consequence
from hgt_repurposing.benchmark.results import Evaluation
from hgt_repurposing.benchmark.trust import (
    MAX_CALIBRATION_ERROR,
    MAX_FACTOR,
    MIN_TREATMENTS,
    calibration_of,
    misfit,
    why_not_measured,
)
from hgt_repurposing.benchmark.verdicts import MIN_DISEASES, worst
from hgt_repurposing.embeddings.table import Embeddings
from hgt_repurposing.embeddings.validation import ValidationReport
from hgt_repurposing.graph.disease_areas import OTHER_AREAS
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.split_kinds import HELD_OUT
from hgt_repurposing.metrics.registry import METRICS
from hgt_repurposing.report.candidate_list import column_meanings
from hgt_repurposing.report.candidate_sections import MAX_DISEASES, candidate_sections
from hgt_repurposing.report.export import Links
from hgt_repurposing.report.external import LISTS, external_section
from hgt_repurposing.report.frequent import frequent_of
from hgt_repurposing.report.grid_plots import height_of_settings, plot_observed_over_expected, plot_settings
from hgt_repurposing.report.plots import (
    height_of_areas,
    height_of_evaluation,
    plot_areas,
    plot_degrees,
    plot_evaluation,
    plot_loss,
    plot_projection,
    plot_spectrum,
)
from hgt_repurposing.report.png import to_png
from hgt_repurposing.report.sections import (
    AreaSection,
    SplitSection,
    area_sections,
    hidden_treatments,
    popularity_section,
    split_section,
    splits_of,
)
from hgt_repurposing.report.what_ran import Origin, duration, moment, what_ran
from hgt_repurposing.report.whole_grid import COLUMNS, WholeGridSection, score_parts, whole_grid_section
from hgt_repurposing.report.wording import percent, sentence, shown
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
    origin: Origin,
    num_diseases_shown: int = MAX_DISEASES,
) -> HtmlPage:
    """Build the report of one run.

    Args:
        graph: The knowledge graph that everything else was made from.
        history: Training history; columns epoch, loss, chance_loss.
        embeddings: Embeddings of all nodes.
        validation: Validation of these embeddings.
        evaluation: Evaluation of the model and its baselines.
        candidates: The ranked candidates.
        origin: What they were made from, and what was decided about them.
        num_diseases_shown: At most so many diseases, those with the most probable new candidates.
    """
    splits = [split_section(evaluation, split) for split in splits_of(evaluation)]
    areas = area_sections(evaluation, graph)
    whole_grid = whole_grid_section(evaluation)
    leads = evaluation.headline_leads
    figures = {
        **_evaluation_pictures(evaluation, splits),
        **_grid_pictures(whole_grid),
        **_area_pictures(areas),
        "projection.png": to_png(lambda ax: plot_projection(embeddings, ax=ax)),
        "spectrum.png": to_png(lambda ax: plot_spectrum(embeddings, thresholds=validation.thresholds, ax=ax)),
        "loss.png": to_png(lambda ax: plot_loss(history, ax=ax)),
        "degrees.png": to_png(lambda ax: plot_degrees(graph, ax=ax)),
    }
    html = _page_template()(
        leads=leads,
        worst=worst(leads),
        lead=evaluation.lead(evaluation.headline_split),
        whole_grid=whole_grid,
        columns=COLUMNS,
        score_parts=score_parts(evaluation.score_parts),
        not_measured={HELD_OUT[kind].title: reason for kind, reason in evaluation.not_measured.items()},
        graph=graph,
        num_indications=graph.indications.shape[1],
        splits=splits,
        external=external_section(evaluation.external),
        external_lists=list(LISTS.values()),
        areas=areas,
        other_areas=OTHER_AREAS,
        min_in_area=MIN_IN_AREA,
        min_diseases=MIN_DISEASES,
        metric_titles={name: metric.title for name, metric in METRICS.items()},
        metric_meanings={metric.title: metric.meaning for metric in METRICS.values() if metric.meaning},
        baseline_meanings={name: baseline.meaning for name, baseline in BASELINES.items()},
        calibration=calibration_of(evaluation),
        why_not_measured=why_not_measured(evaluation),
        misfit=misfit,
        max_calibration_error=MAX_CALIBRATION_ERROR,
        max_factor=MAX_FACTOR,
        min_treatments=MIN_TREATMENTS,
        popularity=popularity_section(evaluation, graph),
        cautions=_cautions(graph, evaluation, validation),
        consequence=consequence,
        sections=candidate_sections(candidates, graph, most=num_diseases_shown),
        risk_known=bool(candidates.table["contraindication_score"].notna().any()),
        meanings=column_meanings("drug"),
        sentence=sentence,
        frequent=frequent_of(candidates, graph),
        restricted=candidates.chosen.get("drug", ()),
        link=Links(candidates.attributes).of,
        hidden=hidden_treatments(evaluation, graph),
        validation=validation,
        history=history,
        origin=origin,
        ran=what_ran(origin),
        moment=moment,
        duration=duration,
        pictures={name: base64.b64encode(png).decode() for name, png in figures.items()},
        shown=shown,
        percent=percent,
    )
    return HtmlPage(html, figures)


def _cautions(graph: KnowledgeGraph, evaluation: Evaluation, validation: ValidationReport) -> list[Caution]:
    """What to be careful about, the gravest first."""
    num_drugs = graph.num_nodes[graph.therapeutic.drug]
    return [*cautions_of_results(evaluation, validation, num_drugs=num_drugs), *cautions_of_graph(graph)]


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


def _grid_pictures(section: WholeGridSection | None) -> dict[str, bytes]:
    if section is None:
        return {}
    height = height_of_settings(section.rows)
    return {
        "settings.png": to_png(partial(_draw_settings, section), height=height),
        "observed_over_expected.png": to_png(partial(_draw_observed_over_expected, section), height=height),
    }


def _area_pictures(areas: list[AreaSection]) -> dict[str, bytes]:
    return {
        f"areas_{section.name}.png": to_png(
            partial(_draw_areas, section), width=7.6, height=height_of_areas(section.table)
        )
        for section in areas
    }


def _draw_settings(section: WholeGridSection, ax: Axes) -> Axes:
    return plot_settings(section.rows, ax=ax)


def _draw_observed_over_expected(section: WholeGridSection, ax: Axes) -> Axes:
    return plot_observed_over_expected(section.rows, ax=ax)


def _draw_areas(section: AreaSection, ax: Axes) -> Axes:
    return plot_areas(section.table, ax=ax)


def _draw_evaluation(evaluation: Evaluation, split: str, ax: Axes) -> Axes:
    return plot_evaluation(evaluation, split, ax=ax)
