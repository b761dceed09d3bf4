"""What the page and the terminal say about pairs from outside the graph: a row per file, and all files together."""

from collections.abc import Iterator
from typing import NamedTuple

from hgt_repurposing.benchmark.assumptions import LIST_LENGTHS, WHOLE_GRID
from hgt_repurposing.benchmark.external_results import AUROC_OF_NEGATIVES, FILE, ExternalResults
from hgt_repurposing.benchmark.grid_comparison import AUROC, AVERAGE_PRECISION, GridComparison
from hgt_repurposing.benchmark.protocol import MODEL
from hgt_repurposing.benchmark.verdicts import Lead
from hgt_repurposing.graph.external_pairs import POOLED
from hgt_repurposing.graph.settings import IN_WORDS, SETTINGS
from hgt_repurposing.metrics.registry import METRICS
from hgt_repurposing.report.wording import one_line, shown
from hgt_repurposing.text_table import aligned

ALL_FILES = "all files together"
LISTS = {
    "macro_ap": METRICS["macro_ap"].title,
    "macro_ap_by_drug": METRICS["macro_ap_by_drug"].title,
    **{f"found_at_{length}": f"found among the first {length:,}" for length in LIST_LENGTHS},
}
"""Columns of the second table, with their titles."""
MAX_NAME = 28


class Compared(NamedTuple):
    """One figure of the model beside that of the best baseline."""

    own: float
    baseline: str
    best: float
    """The baseline's."""


class ExternalRow(NamedTuple):
    """One file over the whole grid, or in one setting."""

    name: str
    meaning: str
    """Of a setting; empty for a file."""
    num_positives: float
    auroc: Lead | None
    """None without treatments, as the other."""
    average_precision: Lead | None


class ListsRow(NamedTuple):
    """One file in the lists that are made of the grid."""

    name: str
    cells: list[Compared]
    """In the order of LISTS."""


class NegativesRow(NamedTuple):
    """Treatments of one file against its known negatives."""

    name: str
    num_negatives: int
    num_seen: int
    """From which the model has learned."""
    auroc: Compared


class ExternalSection(NamedTuple):
    """Pairs from outside the graph."""

    num_cells: float
    """Pairs about which the graph says nothing, and the treatments of all files."""
    rows: list[ExternalRow]
    lists: list[ListsRow]
    negatives: list[NegativesRow]
    """Of files with treatments and known negatives."""
    empty: list[str]
    """Files without any treatment to look up."""


def external_section(results: ExternalResults | None) -> ExternalSection | None:
    """Tables of the page; None without external pairs."""
    if results is None:
        return None
    shown_files = _shown_files(results)
    return ExternalSection(
        num_cells=results.of(POOLED).mean(MODEL, "num_cells"),
        rows=[row for name in shown_files for row in _rows(_called(name), results.of(name))],
        lists=[
            ListsRow(_called(name), [_compared(results.of(name), metric) for metric in LISTS]) for name in shown_files
        ],
        negatives=list(_negatives(results)),
        empty=[name for name in results.files[FILE] if name not in results.measured],
    )


def external_lines(results: ExternalResults | None) -> list[str]:
    """Table for the terminal; empty without external pairs."""
    if results is None:
        return []
    rows = [
        (one_line(_called(name), MAX_NAME), shown(found.num_positives, ".0f"), *cells)
        for name in _shown_files(results)
        for found in [results.of(name)]
        for cells in _scorer_cells(found)
    ]
    return [
        "Pairs from outside the graph, looked up in the whole grid: the model and its best baselines",
        *aligned([("file", "pairs", "scorer", "AUROC", "pooled AP"), *rows], right=(1, 3, 4)),
    ]


def _shown_files(results: ExternalResults) -> list[str]:
    """Files with treatments; all together only if there are several."""
    return [name for name in results.measured if name != POOLED or len(results.files) > 2]


def _called(name: str) -> str:
    return ALL_FILES if name == POOLED else name


def _rows(name: str, found: GridComparison) -> Iterator[ExternalRow]:
    """The whole grid, then every setting with treatments."""
    yield _row(name, "", found, WHOLE_GRID)
    for setting in SETTINGS:
        if found.mean(MODEL, "num_positives", setting=setting) > 0:
            yield _row(setting, IN_WORDS[setting], found, setting)


def _row(name: str, meaning: str, found: GridComparison, setting: str) -> ExternalRow:
    auroc, average_precision = (found.lead(metric, setting=setting) for metric in (AUROC, AVERAGE_PRECISION))
    return ExternalRow(name, meaning, found.mean(MODEL, "num_positives", setting=setting), auroc, average_precision)


def _compared(found: GridComparison, metric: str) -> Compared:
    best = found.best_baseline(metric)
    return Compared(found.mean(MODEL, metric), best or "", found.mean(best, metric) if best else float("nan"))


def _negatives(results: ExternalResults) -> Iterator[NegativesRow]:
    counts = results.files[[FILE, "num_negatives", "num_negatives_seen"]].itertuples(index=False, name=None)
    sizes = {str(name): (int(num_negatives), int(num_seen)) for name, num_negatives, num_seen in counts}
    for name in _shown_files(results):
        num_negatives, num_seen = sizes[name]
        if num_negatives:
            compared = _compared(results.of(name), AUROC_OF_NEGATIVES)
            yield NegativesRow(_called(name), num_negatives, num_seen, compared)


def _scorer_cells(found: GridComparison) -> Iterator[tuple[str, str, str]]:
    """Name and figures of the model and of the best baseline by each."""
    best = (found.best_baseline(metric) for metric in (AUROC, AVERAGE_PRECISION))
    for scorer in dict.fromkeys((MODEL, *(name for name in best if name))):
        auroc, average_precision = (shown(found.mean(scorer, metric)) for metric in (AUROC, AVERAGE_PRECISION))
        yield scorer, auroc, average_precision
