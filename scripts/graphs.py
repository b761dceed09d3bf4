"""The model against its baselines on graphs of different character, with nothing set per graph: one table.

    python scripts/graphs.py --hetionet FOLDER --drkg FOLDER --out docs/results/graphs.md

Three graphs are generated: the demo; one with a quarter of its treatments; and one without side effects and phenotypes,
with genes for one disease in ten. Every graph is split, embedded, evaluated in every split kind and by the protocol
`deployment` with the default settings; the embeddings of all graphs are trained on the full graph. Two runs with the
same seed give the same table, except for minutes.

The rows of each graph are written as soon as they are there, in the place of its earlier rows; those of other graphs
stay. So the graphs may be run one by one, or by several processes at the same time.
"""

import argparse
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from shipped import shipped_settings

from hgt_repurposing.benchmark.assumptions import WHOLE_GRID
from hgt_repurposing.benchmark.cross_validation import evaluate
from hgt_repurposing.benchmark.grid_comparison import AUROC, AVERAGE_PRECISION
from hgt_repurposing.benchmark.results import Evaluation
from hgt_repurposing.benchmark.verdicts import Lead
from hgt_repurposing.embeddings.inference import embed_all_nodes
from hgt_repurposing.graph.hetero_data import to_hetero_data
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.message_graph import message_graph
from hgt_repurposing.graph.settings import SETTINGS
from hgt_repurposing.graph.sources.source import GraphSource, load_knowledge_graph
from hgt_repurposing.graph.split import SplitConfig, split_drug_disease_pairs
from hgt_repurposing.graph.synthetic import SyntheticConfig, synthetic_knowledge_graph
from hgt_repurposing.metrics.registry import METRICS
from hgt_repurposing.repurposing.inputs import pair_inputs
from hgt_repurposing.repurposing.model import fit_repurposing_model
from hgt_repurposing.repurposing.params import ClassifierParams
from hgt_repurposing.storage.artifacts import write_text
from hgt_repurposing.training.loop import fit
from hgt_repurposing.training.params import EmbeddingParams

_LOGGER = logging.getLogger("graphs")
FEW = 0.25
"""Share of the treatments that are kept in the graph with few."""
WITH_GENES = 0.1
"""Share of the diseases that keep their genes in the bare graph."""
MINUTES = "minutes"
BARE_OF = frozenset({"drug_effect", "disease_phenotype_positive", "phenotype_protein"})


def demo() -> KnowledgeGraph:
    """The generated graph of the demo."""
    return synthetic_knowledge_graph(SyntheticConfig(preset="demo", seed=7))


def few_treatments() -> KnowledgeGraph:
    """The demo with a quarter of its treatments."""
    graph, generator = demo(), np.random.default_rng(0)
    edges = {
        edge_type: index[:, generator.random(index.shape[1]) < FEW]
        if graph.is_drug_disease(edge_type) and edge_type.relation in graph.therapeutic.indication
        else index
        for edge_type, index in graph.edges.items()
    }
    return replace(graph, edges=edges)


def bare() -> KnowledgeGraph:
    """The demo without side effects and phenotypes, with genes for one disease in ten."""
    graph, generator = demo(), np.random.default_rng(0)
    disease = graph.therapeutic.disease
    keeps = generator.random(graph.num_nodes[disease]) < WITH_GENES
    edges = {}
    for edge_type, index in graph.edges.items():
        if edge_type.relation == "disease_protein":
            edges[edge_type] = index[:, keeps[index[0 if edge_type.source == disease else 1]]]
        elif edge_type.relation not in BARE_OF:
            edges[edge_type] = index
    return replace(graph, edges=edges)


GENERATED: Mapping[str, Callable[[], KnowledgeGraph]] = {
    "demo": demo,
    "few treatments": few_treatments,
    "no side effects, few genes": bare,
}


REAL = ("hetionet", "drkg")


def read(name: str, path: str) -> KnowledgeGraph:
    """A graph read with the settings of the configuration shipped for it."""
    settings = {**shipped_settings(name, "knowledge_graph"), "path": path}
    return load_knowledge_graph(GraphSource.model_validate(settings), raw_folder=Path())


def evaluated(graph: KnowledgeGraph, config: SplitConfig, log: Callable[[str], None]) -> Evaluation:
    """Everything that the job measures, with the default settings."""
    data = to_hetero_data(message_graph(graph))
    embedding = EmbeddingParams(**shipped_settings("drkg", "embedding_params"))
    embeddings = embed_all_nodes(fit(data, embedding).model, data, graph.nodes)
    params = ClassifierParams()
    inputs = pair_inputs(graph, embeddings, vectors=params.vectors)
    split = split_drug_disease_pairs(graph, config, inner_folds=params.inner_folds)
    return evaluate(graph, inputs, split, fit_repurposing_model(inputs, split, params), on_fold=log)


def rows(name: str, evaluation: Evaluation) -> Iterator[dict[str, Any]]:
    """One row per split kind, and per setting of the whole grid. Any: names and numbers."""
    for split in dict.fromkeys(evaluation.folds["split"]):
        yield _row(name, f"held out: {split}", evaluation.lead(split))
    if evaluation.whole_grid is None:
        return
    for setting in (WHOLE_GRID, *SETTINGS):
        for metric in (AUROC, AVERAGE_PRECISION):
            lead = evaluation.whole_grid.lead(metric, setting=setting)
            if lead:
                yield _row(name, setting, lead)


def _row(graph: str, where: str, lead: Lead) -> dict[str, Any]:
    interval = "" if lead.interval is None else f"{lead.interval.lower:+.3f} to {lead.interval.upper:+.3f}"
    return {
        "graph": graph,
        "where": where,
        "metric": METRICS[lead.metric].title,
        "model": f"{lead.own:.3f}",
        "best baseline": lead.baseline,
        "lead": f"{lead.mean:+.3f}",
        "folds ahead": f"{lead.num_ahead} of {len(lead.folds)}",
        "95 % interval": interval,
        "standing": lead.standing,
    }


def with_rows(path: Path, graph: str, found: pd.DataFrame) -> pd.DataFrame:
    """The table in the file with the rows of one graph replaced, real graphs first."""
    if not path.exists():
        return found
    before = pd.read_csv(path, dtype=str, keep_default_na=False)
    table = pd.concat([before[before["graph"] != graph], found], ignore_index=True)
    order = [*REAL, *GENERATED]
    return table.sort_values("graph", key=lambda names: names.map(order.index), kind="stable", ignore_index=True)


def page(table: pd.DataFrame, seed: int) -> str:
    """The table as Markdown."""
    minutes = table.groupby("graph", sort=False)[MINUTES].first()
    shown = table.drop(columns=MINUTES)
    standings = table["standing"].value_counts()
    cells = [list(shown.columns), ["---"] * len(shown.columns), *shown.to_numpy().tolist()]
    lines = [
        "# The model against its baselines on graphs of different character",
        "",
        f"Ahead of the best baseline in {standings.get('ahead', 0)} of {len(table)} comparisons, tied with it in "
        f"{standings.get('tied', 0)}, behind by more than noise in {standings.get('behind', 0)}. "
        f"Made by `scripts/graphs.py` with the default settings on every graph and seed {seed}; the script says what "
        "each graph is.",
        "",
        *(f"| {' | '.join(map(str, row))} |" for row in cells),
        "",
        "Minutes: " + ", ".join(f"{name} {float(value):.0f}" for name, value in minutes.items()) + ".",
        "",
    ]
    return "\n".join(lines)


def main() -> None:
    """Run the comparison and write its page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hetionet", default="", help="folder of Hetionet's files; empty: left out")
    parser.add_argument("--drkg", default="", help="folder of DRKG's tables; empty: left out")
    parser.add_argument("--only", nargs="*", help="names of the graphs to run; default: all")
    parser.add_argument("--seed", type=int, default=3, help="seed of the splits and masks")
    parser.add_argument("--kinds", nargs="*", default=None, help="split kinds; default: all")
    parser.add_argument("--deployment-folds", type=int, default=5, help="masks drawn from the assumption")
    parser.add_argument("--out", type=Path, required=True, help="Markdown page; a .csv is written next to it")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    given = dict(zip(REAL, (arguments.hetionet, arguments.drkg), strict=True))
    worlds = {name: partial(read, name, path) for name, path in given.items() if path} | dict(GENERATED)
    settings = {"seed": arguments.seed, "deployment_folds": arguments.deployment_folds}
    config = SplitConfig(**settings, **({"kinds": arguments.kinds} if arguments.kinds else {}))
    path = arguments.out.with_suffix(".csv")
    for name, world in worlds.items():
        if arguments.only and name not in arguments.only:
            continue
        start = time.perf_counter()
        evaluation = evaluated(world(), config, partial(_LOGGER.info, "%s: %s", name))
        found = pd.DataFrame(rows(name, evaluation))
        found[MINUTES] = f"{(time.perf_counter() - start) / 60:.1f}"
        table = with_rows(path, name, found)
        write_text(path, table.to_csv(index=False))
        write_text(arguments.out, page(table, arguments.seed))
        print(found.to_string())


if __name__ == "__main__":
    main()
