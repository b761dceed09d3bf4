"""Four defaults of the classifier, each halved and doubled, on three graphs: one table per graph.

    python scripts/defaults.py --path FOLDER --out docs/results/defaults.md

Trees, negatives, updates of the towers and the penalty of the linear heads were chosen on Hetionet. Here they are
changed on Hetionet (its files are in FOLDER), on the demo graph, and on the same with a quarter of its treatments, both
generated from a seed of their own. Treatments are hidden as assumed (protocol `deployment`), by a seed of its own as
well. Vectors are SVD's alone, which need no training. What another seed of the classifier changes shows how much is
noise. Two runs give the same tables, except for minutes.
"""

import argparse
import logging
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from graphs import demo, few_treatments
from study import graph_of
from study_tables import table_of

from hgt_repurposing.benchmark.assumptions import AS_ASSUMED, ASSUMPTION, SETTING, WHOLE_GRID
from hgt_repurposing.benchmark.deployment import deployment_folds, score_deployment
from hgt_repurposing.benchmark.grid import GridFold, measure
from hgt_repurposing.benchmark.protocol import MODEL
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.schema import FloatArray
from hgt_repurposing.graph.settings import SETTINGS
from hgt_repurposing.metrics.registry import METRICS
from hgt_repurposing.report.wording import shown
from hgt_repurposing.repurposing.inputs import PairInputs
from hgt_repurposing.repurposing.labels import Labels
from hgt_repurposing.repurposing.neighbourhoods import neighbourhoods_of
from hgt_repurposing.repurposing.params import ClassifierParams
from hgt_repurposing.repurposing.vectors import PairVectors
from hgt_repurposing.storage.artifacts import write_text

TRIED = ("num_trees", "negatives_per_positive", "tower_updates", "l2_logistic")
"""Settings that were chosen on Hetionet."""
SHOWN = (
    (WHOLE_GRID, "auroc"),
    (WHOLE_GRID, "average_precision"),
    *((setting, "average_precision") for setting in SETTINGS if setting != "cold pair"),
    (WHOLE_GRID, "macro_ap"),
)
"""Where, and by which metric; few masks hide enough cold pairs."""
SEED_OF_GRAPHS, SEED_OF_MASKS = 13, 7

_LOGGER = logging.getLogger("defaults")


class Values(NamedTuple):
    """What one variant of the settings reaches."""

    name: str
    by_column: Mapping[tuple[str, str], FloatArray]
    """By the columns of SHOWN, one value per mask. Shape [num_masks] each."""


def variants() -> dict[str, ClassifierParams]:
    """The defaults, the same with another seed, and each setting halved and doubled."""
    defaults = ClassifierParams(vectors=["svd"])
    found = {"defaults": defaults, "another seed": _changed(defaults, seed=defaults.seed + 1)}
    for name in TRIED:
        value = getattr(defaults, name)
        for other in (value // 2 if isinstance(value, int) else value / 2, value * 2):
            found[f"`{name}` {other:g}, not {value:g}"] = _changed(defaults, **{name: other})
    return found


def _changed(params: ClassifierParams, **others: float) -> ClassifierParams:
    return ClassifierParams.model_validate({**params.model_dump(), **others})


def folds_as_assumed(graph: KnowledgeGraph, labels: Labels, num_masks: int) -> list[GridFold]:
    """Drawn from the default assumption alone."""
    folds = deployment_folds(
        graph.indications,
        graph.grid_shape,
        ClassifierParams().missing,
        known_otherwise=labels.known_otherwise,
        num_folds=num_masks,
        seed=SEED_OF_MASKS,
    )
    return [fold for fold in folds if fold.key[ASSUMPTION] == AS_ASSUMED]


def values_of(graph: KnowledgeGraph, num_masks: int) -> list[Values]:
    """Every variant on the same masks."""
    labels = Labels.of_graph(graph)
    inputs = PairInputs(neighbourhoods_of(graph), PairVectors.by_svd(graph), labels)
    folds, found = folds_as_assumed(graph, labels, num_masks), []
    for name, params in variants().items():
        rows = [
            {row[SETTING]: row for row in measure(fold, MODEL, score_deployment(fold, inputs, params)).scorers}
            for fold in folds
        ]
        by_column = {
            (where, metric): np.array([of_fold[where].get(metric, np.nan) for of_fold in rows])
            for where, metric in SHOWN
        }
        found.append(Values(name, by_column))
        _LOGGER.info("measured: %s", name)
    return found


def table(found: list[Values]) -> str:
    """Means of the defaults; of every other variant, the mean difference over masks, and the lowest and highest."""
    defaults, *others = found
    rows = [[defaults.name, *(shown(float(np.nanmean(defaults.by_column[column]))) for column in SHOWN)]]
    for variant in others:
        differences = [variant.by_column[column] - defaults.by_column[column] for column in SHOWN]
        rows.append([variant.name, *(_in_words(values[~np.isnan(values)]) for values in differences)])
    titles = [f"{METRICS[metric].title}, {where}" for where, metric in SHOWN]
    return table_of(["settings", *titles], rows)


def _in_words(values: FloatArray) -> str:
    if not len(values):
        return "-"
    mean, lowest, highest = (shown(float(value), "+.3f") for value in (values.mean(), values.min(), values.max()))
    return f"{mean} ({lowest} to {highest})"


def main() -> None:
    """Measure all graphs and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--path", required=True, help="folder of Hetionet's files")
    parser.add_argument("--masks", type=int, default=3, help="masks of each graph")
    parser.add_argument("--out", type=Path, required=True, help="Markdown page")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    graphs: dict[str, Callable[[], KnowledgeGraph]] = {
        "Demo graph": lambda: demo(SEED_OF_GRAPHS),
        "Demo graph with few treatments": lambda: few_treatments(SEED_OF_GRAPHS),
        "Hetionet": lambda: graph_of("hetionet", arguments.path),
    }
    lines = [
        "# Four defaults of the classifier on three graphs",
        "Settings that were chosen on Hetionet, each halved and doubled. Each row has the difference to the defaults, "
        f"mean over {arguments.masks} masks, and the lowest and highest; the row *another seed* shows how much is "
        "noise. Vectors are those of an SVD alone. Made by `scripts/defaults.py`, which says what the graphs are; no "
        "other page has figures of these graphs or masks.",
    ]
    for name, make in graphs.items():
        _LOGGER.info("%s: started", name)
        start = time.perf_counter()
        found = table(values_of(make(), arguments.masks))
        lines += [f"## {name}", found, f"Minutes: {(time.perf_counter() - start) / 60:.0f}."]
        write_text(arguments.out, "\n\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
