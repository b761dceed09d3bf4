"""The model against its baselines on graphs of different character, with nothing set per graph: one table.

    python scripts/graphs.py --studies docs/results/hetionet.json docs/results/drkg.json --out docs/results/graphs.md

Three graphs are generated: the demo; one with a quarter of its treatments; and one without side effects and phenotypes,
with genes for one disease in ten. Each is split, embedded, evaluated in every split kind and by the protocol
`deployment` with the default settings. Real graphs are those of studies (`scripts/study.py`): the same settings, but
embeddings of the full graph. Two runs with the same seed give the same table, except for minutes.

The figures of each generated graph are written to the JSON next to the page as soon as they are there. The same command
again measures only the graphs that are missing.
"""

import argparse
import json
import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from study import Stopwatch
from study_figures import Figures, of_evaluation
from study_tables import interval_of, table_of

from hgt_repurposing.benchmark.cross_validation import evaluate
from hgt_repurposing.embeddings.inference import embed_all_nodes
from hgt_repurposing.graph.hetero_data import to_hetero_data
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.message_graph import message_graph
from hgt_repurposing.graph.split import SplitConfig, split_drug_disease_pairs
from hgt_repurposing.graph.synthetic import SyntheticConfig, synthetic_knowledge_graph
from hgt_repurposing.metrics.registry import METRICS
from hgt_repurposing.report.wording import shown
from hgt_repurposing.repurposing.inputs import pair_inputs
from hgt_repurposing.repurposing.model import fit_repurposing_model
from hgt_repurposing.repurposing.params import ClassifierParams
from hgt_repurposing.storage.artifacts import write_json, write_text
from hgt_repurposing.training.loop import fit
from hgt_repurposing.training.params import EmbeddingParams

_LOGGER = logging.getLogger("graphs")
FEW = 0.25
"""Share of the treatments that are kept in the graph with few."""
WITH_GENES = 0.1
"""Share of the diseases that keep their genes in the bare graph."""
SEED = "seed"
"""Key of the JSON beside the graphs."""
BARE_OF = frozenset({"drug_effect", "disease_phenotype_positive", "phenotype_protein"})


def demo(seed: int = 7) -> KnowledgeGraph:
    """The generated graph of the demo, which has seed 7."""
    return synthetic_knowledge_graph(SyntheticConfig(preset="demo", seed=seed, mechanism="module"))


def few_treatments(seed: int = 7) -> KnowledgeGraph:
    """The demo with a quarter of its treatments."""
    graph, generator = demo(seed), np.random.default_rng(0)
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


def measured(graph: KnowledgeGraph, config: SplitConfig) -> Figures:
    """Everything that the job measures, with the default settings."""
    watch = Stopwatch()
    data = to_hetero_data(message_graph(graph))
    embeddings = embed_all_nodes(fit(data, EmbeddingParams(device="cpu")).model, data, graph.nodes)
    params = ClassifierParams()
    inputs = pair_inputs(graph, embeddings, vectors=params.vectors)
    split = split_drug_disease_pairs(graph, config, inner_folds=params.inner_folds)
    model = fit_repurposing_model(inputs, split, params)
    watch.finished("vectors, and the final model")
    return of_evaluation(evaluate(graph, inputs, split, model, on_fold=watch.finished), watch.minutes)


def leads(figures: Figures) -> Iterator[tuple[str, str, Figures]]:
    """Where, by which metric, and the lead: one per split kind; of the whole grid and each setting, one per metric."""
    for split, found in figures["leads"].items():
        yield f"held out: {split}", found["metric"], found["decided"]
    if figures["whole_grid"] is None:
        return
    for setting, row in figures["whole_grid"]["settings"].items():
        for metric in ("auroc", "average_precision"):
            if row[metric]:
                yield setting, metric, row[metric]


def page(graphs: Mapping[str, Figures], seed: int) -> str:
    """The table as Markdown.

    Args:
        graphs: Figures of each graph's evaluation.
        seed: Of the generated graphs' splits and masks.
    """
    standings = Counter(lead["standing"] for figures in graphs.values() for *_, lead in leads(figures))
    lines = [
        "# The model against its baselines on graphs of different character",
        f"With nothing set per graph, the model is ahead of the best baseline in {standings['ahead']} of "
        f"{standings.total()} comparisons, tied with it in {standings['tied']}, and behind by more than noise in "
        f"{standings['behind']}.",
        "Made by `scripts/graphs.py`, which says what each generated graph is. All graphs have the default settings; "
        "those of studies, of which only names differ, have embeddings of the full graph. The best baseline is the "
        "best by the mean of the folds. *Tied*: the interval over diseases includes 0; where drugs are ranked by drug, "
        f"the lead is within the spread over folds. Seed of the generated graphs: {seed}; seeds of the others are in "
        "their studies.",
        _standings(graphs),
    ]
    for name, figures in graphs.items():
        lines += [f"## {name.capitalize()}", figures["headline"], _table(figures)]
    minutes = ", ".join(f"{name} {sum(figures['minutes'].values()):.0f}" for name, figures in graphs.items())
    return "\n\n".join([*lines, f"Minutes: {minutes}."]) + "\n"


def _standings(graphs: Mapping[str, Figures]) -> str:
    """A row for each comparison, a column for each graph."""
    by_place: dict[tuple[str, str], dict[str, Figures]] = {}
    for name, figures in graphs.items():
        for where, metric, lead in leads(figures):
            by_place.setdefault((where, metric), {})[name] = lead
    rows = [
        [where, METRICS[metric].title, *(_standing(found.get(name)) for name in graphs)]
        for (where, metric), found in by_place.items()
    ]
    return table_of(["where", "metric", *graphs], rows)


def _standing(lead: Figures | None) -> str:
    return "-" if lead is None else f"{lead['standing']} ({shown(lead['mean'], '+.3f')})"


def _table(figures: Figures) -> str:
    rows = [
        [
            where,
            METRICS[metric].title,
            shown(lead["own"]),
            lead["baseline"],
            shown(lead["mean"], "+.3f"),
            f"{sum(value is not None and value > 0 for value in lead['folds'])} of {len(lead['folds'])}",
            interval_of(lead),
            lead["standing"],
        ]
        for where, metric, lead in leads(figures)
    ]
    titles = ["where", "metric", "model", "best baseline", "lead", "folds ahead", "95 % interval", "standing"]
    return table_of(titles, rows)


def kept(path: Path, seed: int) -> dict[str, Figures]:
    """Figures of the graphs that earlier runs with the same seed have measured.

    Raises:
        ValueError: If the file holds those of another seed.
    """
    if not path.exists():
        return {}
    found: Figures = json.loads(path.read_text(encoding="utf-8"))
    if found.pop(SEED) != seed:
        raise ValueError(f"{path} holds figures of another seed: give the same --seed, or another --out")
    return found


def of_studies(paths: Sequence[Path]) -> dict[str, Figures]:
    """Figures of each study's evaluation, by the name of its graph."""
    studies = [json.loads(path.read_text(encoding="utf-8")) for path in paths]
    return {study["settings"]["graph"]: study["evaluation"] for study in studies}


def main() -> None:
    """Measure the graphs that are missing and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", nargs="*", type=Path, default=[], help="JSON files of scripts/study.py")
    parser.add_argument("--seed", type=int, default=3, help="seed of the splits and masks of the generated graphs")
    parser.add_argument("--deployment-folds", type=int, default=5, help="masks drawn from the assumption")
    parser.add_argument("--out", type=Path, required=True, help="Markdown page; the figures lie next to it as .json")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    studies = of_studies(arguments.studies)
    config = SplitConfig(seed=arguments.seed, deployment_folds=arguments.deployment_folds)
    path = arguments.out.with_suffix(".json")
    found = kept(path, arguments.seed)
    for name, generate in GENERATED.items():
        if name not in found:
            _LOGGER.info("%s: started", name)
            found[name] = measured(generate(), config)
            write_json(path, {SEED: arguments.seed, **found})
        write_text(arguments.out, page({**studies, **found}, arguments.seed))


if __name__ == "__main__":
    main()
