"""The classifier's defaults, each halved and doubled, on three graphs of different character: one table per graph.

    python scripts/defaults.py --path FOLDER --out docs/results/defaults.md

The graphs are Hetionet (its files are in FOLDER), the demo graph, and the same with a quarter of its treatments, both
generated from a seed that no other figure comes from. Treatments are hidden as assumed (protocol `deployment`), by a
seed of their own as well. Vectors are SVD's, which need no training. Two runs give the same tables, except for minutes.
"""

import argparse
import logging
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from graphs import demo, few_treatments
from shipped import shipped_settings
from study import GRAPHS
from study_tables import table_of

from hgt_repurposing.benchmark.assumptions import AS_ASSUMED, ASSUMPTION, SETTING, WHOLE_GRID
from hgt_repurposing.benchmark.deployment import deployment_folds, score_deployment
from hgt_repurposing.benchmark.grid import GridFold, measure
from hgt_repurposing.benchmark.protocol import MODEL, spread_over_folds
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.schema import FloatArray
from hgt_repurposing.graph.sources.source import GraphSource, load_knowledge_graph
from hgt_repurposing.report.wording import shown
from hgt_repurposing.repurposing.inputs import PairInputs
from hgt_repurposing.repurposing.labels import Labels
from hgt_repurposing.repurposing.neighbourhoods import neighbourhoods_of
from hgt_repurposing.repurposing.params import ClassifierParams
from hgt_repurposing.repurposing.vectors import PairVectors
from hgt_repurposing.storage.artifacts import write_text

TRIED = ("num_trees", "negatives_per_positive", "tower_updates", "l2_logistic")
"""Settings that were chosen on Hetionet."""
METRICS_SHOWN = {"auroc": "AUROC", "average_precision": "AP", "macro_ap": "macro AP by disease"}
SEED_OF_GRAPHS, SEED_OF_MASKS = 11, 5

_LOGGER = logging.getLogger("defaults")


class Values(NamedTuple):
    """What one variant of the settings reaches."""

    name: str
    by_metric: Mapping[str, FloatArray]
    """On the whole grid, one value per mask. Shape [num_masks] each."""
    minutes: float


def variants() -> dict[str, ClassifierParams]:
    """The defaults first, then each setting halved and doubled."""
    defaults = ClassifierParams()
    found = {"the defaults": defaults}
    for name in TRIED:
        value = getattr(defaults, name)
        for changed in (value / 2, value * 2):
            of_type = type(value)(changed)
            found[f"`{name}` {of_type:g}, not {value:g}"] = defaults.model_copy(update={name: of_type})
    return found


def masks_of(graph: KnowledgeGraph, labels: Labels, num_masks: int) -> list[GridFold]:
    """Drawn from the default assumption alone."""
    missing = ClassifierParams().missing
    folds = deployment_folds(
        graph.indications, labels.known_otherwise, graph.grid_shape, missing, num_folds=num_masks, seed=SEED_OF_MASKS
    )
    return [fold for fold in folds if fold.key[ASSUMPTION] == AS_ASSUMED]


def values_of(graph: KnowledgeGraph, num_masks: int) -> list[Values]:
    """Every variant on the same masks."""
    labels = Labels.of_graph(graph)
    inputs = PairInputs(neighbourhoods_of(graph), PairVectors.by_svd(graph), labels)
    masks, found = masks_of(graph, labels, num_masks), []
    for name, params in variants().items():
        start = time.perf_counter()
        rows = [
            row
            for fold in masks
            for row in measure(fold, MODEL, score_deployment(fold, inputs, params)).scorers
            if row[SETTING] == WHOLE_GRID
        ]
        by_metric = {metric: np.array([row[metric] for row in rows]) for metric in METRICS_SHOWN}
        found.append(Values(name, by_metric, (time.perf_counter() - start) / 60))
        _LOGGER.info("measured: %s", name)
    return found


def table(found: list[Values]) -> str:
    """Means of the defaults; of every other variant, the mean difference over masks and its standard deviation."""
    defaults, *others = found
    rows = [[defaults.name, *(shown(float(defaults.by_metric[name].mean())) for name in METRICS_SHOWN)]]
    for variant in others:
        cells = []
        for name in METRICS_SHOWN:
            difference = variant.by_metric[name] - defaults.by_metric[name]
            cells.append(f"{shown(float(difference.mean()), '+.3f')} ± {shown(spread_over_folds(difference))}")
        rows.append([variant.name, *cells])
    minutes = [f"{variant.minutes:.1f}" for variant in found]
    return table_of(
        ["settings", *METRICS_SHOWN.values(), "minutes"], [[*r, m] for r, m in zip(rows, minutes, strict=True)]
    )


def hetionet(path: str) -> KnowledgeGraph:
    """As the study reads it."""
    settings = {**shipped_settings("hetionet", "knowledge_graph"), **GRAPHS["hetionet"], "path": path}
    return load_knowledge_graph(GraphSource.model_validate(settings), raw_folder=Path())


def main() -> None:
    """Measure all graphs and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--path", required=True, help="folder of Hetionet's files")
    parser.add_argument("--masks", type=int, default=3, help="masks of each graph")
    parser.add_argument("--out", type=Path, required=True, help="Markdown page")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    graphs: dict[str, Callable[[], KnowledgeGraph]] = {
        "Demo": lambda: demo(SEED_OF_GRAPHS),
        "Few treatments": lambda: few_treatments(SEED_OF_GRAPHS),
        "Hetionet": lambda: hetionet(arguments.path),
    }
    lines = [
        "# The classifier's defaults on three graphs",
        "Settings that were chosen on Hetionet, each halved and doubled: the difference to the defaults on the whole "
        f"grid, mean over {arguments.masks} masks ± standard deviation. Made by `scripts/defaults.py`, which says what "
        "the graphs are and where masks come from; no other figure does. Vectors are SVD's alone.",
    ]
    for name, make in graphs.items():
        _LOGGER.info("%s: started", name)
        lines += [f"## {name}", table(values_of(make(), arguments.masks))]
        write_text(arguments.out, "\n\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
