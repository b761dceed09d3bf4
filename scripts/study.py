"""The whole study of a graph: every split, baseline, ablation and control on the same folds, as a table and as JSON.

    python scripts/study.py --graph hetionet --path FOLDER --out docs/results/hetionet.md

Embeddings are trained once, on a message graph without drug-disease edges, with the configuration shipped for the
graph, and serve all folds. The default seeds of the splits, 3 and 4, were not used to choose anything. Two runs with
the same seed give the same figures, except for the seconds.
"""

import argparse
import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from shipped import shipped_settings
from study_tables import WITHOUT_TOWERS, Cost, study_json, study_page
from torch_geometric.data import HeteroData

from hgt_repurposing.benchmark.cross_validation import Tables, evaluate
from hgt_repurposing.benchmark.folds import EvaluatedFold, prepare_fold, score_fold
from hgt_repurposing.benchmark.protocol import SUITE, TherapeuticPairs
from hgt_repurposing.benchmark.results import MODEL, STRICT, Evaluation
from hgt_repurposing.embeddings.inference import embed_all_nodes
from hgt_repurposing.graph.hetero_data import to_hetero_data
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.message_graph import message_graph
from hgt_repurposing.graph.null_model import permute_edges, shuffled_labels
from hgt_repurposing.graph.sources.source import GraphSource, load_knowledge_graph
from hgt_repurposing.graph.split import DrugDiseaseSplit, SplitConfig, split_drug_disease_pairs
from hgt_repurposing.graph.split_kinds import SPLIT_KINDS
from hgt_repurposing.model.trained import HGTModel
from hgt_repurposing.repurposing.inputs import PairInputs
from hgt_repurposing.repurposing.labels import Labels
from hgt_repurposing.repurposing.model import fit_repurposing_model
from hgt_repurposing.repurposing.neighbourhoods import neighbourhoods_of
from hgt_repurposing.repurposing.params import ClassifierParams
from hgt_repurposing.repurposing.vectors import PairVectors
from hgt_repurposing.storage.artifacts import write_json, write_text
from hgt_repurposing.training.loop import fit, untrained
from hgt_repurposing.training.params import EmbeddingParams

INEXACT = ("AeG", "Gr>G", "GpBP", "GpCC", "GpMF")
"""Metaedges of Hetionet that our copy does not have completely; the study leaves them out."""
GRAPHS: dict[str, dict[str, object]] = {
    "hetionet": {"source": "hetionet", "exclude": list(INEXACT)},
    "demo": {"source": "synthetic", "preset": "demo"},
}
SPLIT_SEED = 3
NUM_REPEATS = 2
XSWAP_SWAPS_PER_EDGE = 10

_LOGGER = logging.getLogger("study")


class Timed(NamedTuple):
    """Vectors, the time to make them, and how long the towers train on them."""

    vectors: PairVectors
    seconds: float
    tower_updates: int | None = None
    """None: as configured."""


def trained(data: HeteroData, params: EmbeddingParams) -> HGTModel:
    """An encoder after training; `untrained` is the same encoder before its first update."""
    return fit(data, params).model


def vectors_of(
    graph: KnowledgeGraph, params: EmbeddingParams, model_of: Callable[[HeteroData, EmbeddingParams], HGTModel]
) -> Timed:
    """Vectors that an encoder computes from the message graph without drug-disease edges."""
    start = time.perf_counter()
    data = to_hetero_data(message_graph(graph))
    embeddings = embed_all_nodes(model_of(data, params), data, graph.nodes)
    return Timed(PairVectors.of_embeddings(embeddings, graph), time.perf_counter() - start)


def all_vectors(graph: KnowledgeGraph, params: EmbeddingParams) -> dict[str, Timed]:
    """Every set of vectors to compare, keyed by its name in the table; the pipeline's own is `MODEL`."""
    start = time.perf_counter()
    svd = Timed(PairVectors.by_svd(graph), time.perf_counter() - start)
    made = {}
    for encoder in ("hgt", "mean", "none"):
        made[encoder] = vectors_of(graph, params.model_copy(update={"encoder": encoder}), trained)
        _LOGGER.info("encoder %s: %.0f s", encoder, made[encoder].seconds)
    hgt, mean, no_graph = made["hgt"], made["mean"], made["none"]
    permuted = hgt.vectors.permuted(np.random.default_rng(0))
    nothing = PairVectors.none(len(hgt.vectors.drugs), len(hgt.vectors.diseases))

    def beside_svd(vectors: PairVectors) -> PairVectors:
        return PairVectors.side_by_side([vectors, svd.vectors])

    return {
        MODEL: Timed(beside_svd(hgt.vectors), hgt.seconds + svd.seconds),
        "no vectors": Timed(nothing, 0.0),
        "HGT": hgt,
        "HGT permuted": Timed(permuted, hgt.seconds),
        "mean aggregation": mean,
        "no graph (encoder none)": no_graph,
        "SVD": svd,
        "HGT untrained": vectors_of(graph, params, untrained),
        "HGT permuted + SVD": Timed(beside_svd(permuted), hgt.seconds + svd.seconds),
        WITHOUT_TOWERS: Timed(beside_svd(hgt.vectors), hgt.seconds + svd.seconds, tower_updates=0),
    }


def ablations(
    graph: KnowledgeGraph,
    inputs: PairInputs,
    split: DrugDiseaseSplit,
    columns: Mapping[str, Timed],
    params: ClassifierParams,
) -> tuple[Tables, dict[str, float]]:
    """The same model with each set of vectors, on every fold; and seconds per fold, without the shared features."""
    therapeutic = TherapeuticPairs.of_graph(graph)
    group = {kind: SPLIT_KINDS[kind].hiding(graph, num_folds=split.num_folds).group for kind, _ in split.folds}
    tables = Tables()
    seconds = dict.fromkeys(columns, 0.0)
    for key in split.keys:
        fold = EvaluatedFold(split, key, therapeutic, group[key.kind])
        prepared = prepare_fold(fold, inputs, params)
        for name, timed in columns.items():
            updates = params.tower_updates if timed.tower_updates is None else timed.tower_updates
            start = time.perf_counter()
            scores = score_fold(prepared, timed.vectors, params.model_copy(update={"tower_updates": updates}))
            seconds[name] += (time.perf_counter() - start) / len(split.keys)
            tables.add(fold, name, scores, seed=params.seed)
        _LOGGER.info("ablations on %s", key)
    return tables, seconds


def controls(graph: KnowledgeGraph, config: SplitConfig, params: ClassifierParams) -> Tables:
    """Results that must be at chance or well below the model: shuffled labels, and a graph with permuted edges."""
    generator = np.random.default_rng(0)
    tables = Tables()
    worlds = {
        "shuffled labels": shuffled_labels(graph, preserving="count", generator=generator),
        "permuted graph": permute_edges(graph, swaps_per_edge=XSWAP_SWAPS_PER_EDGE, generator=generator),
    }
    for name, world in worlds.items():
        split = split_drug_disease_pairs(world, config)
        inputs = PairInputs(neighbourhoods_of(world), PairVectors.by_svd(world), Labels.of_graph(world))
        for key in split.keys:
            fold = EvaluatedFold(split, key, TherapeuticPairs.of_graph(world))
            scores = score_fold(prepare_fold(fold, inputs, params), inputs.vectors, params)
            tables.add(fold, name, scores, seed=0)
        _LOGGER.info("control: %s", name)
    return tables


def run(
    graph: KnowledgeGraph, embedding: EmbeddingParams, params: ClassifierParams, *, seed: int, repeats: int
) -> Iterator[tuple[str, Any]]:
    """Yield every part of the study with its name. Any: Evaluation, Tables or costs."""
    split = split_drug_disease_pairs(graph, SplitConfig(seed=seed, num_repeats=repeats))
    columns = all_vectors(graph, embedding)
    inputs = PairInputs(neighbourhoods_of(graph), columns[MODEL].vectors, Labels.of_graph(graph))
    start = time.perf_counter()
    model = fit_repurposing_model(inputs, split, params)
    yield "seconds_final_fit", time.perf_counter() - start
    yield "evaluation", evaluate(graph, inputs, split, model, on_fold=lambda fold: _LOGGER.info("evaluated %s", fold))
    others = {name: timed for name, timed in columns.items() if name != MODEL}
    narrow = split_drug_disease_pairs(
        graph, SplitConfig(seed=seed, num_repeats=repeats, kinds=["disease", "pair", "drug"])
    )
    tables, seconds = ablations(graph, inputs, narrow, others, params)
    yield "ablations", tables
    yield "costs", {name: Cost(timed.seconds, seconds.get(name)) for name, timed in columns.items()}
    yield "controls", controls(graph, SplitConfig(seed=seed, kinds=["disease", "pair", "drug"]), params)


def strict(tables: Tables) -> pd.DataFrame:
    """Rows of the strict suite, without its name."""
    rows = pd.DataFrame(tables.folds)
    return rows[rows[SUITE] == STRICT].drop(columns=SUITE)


def main() -> None:
    """Run the study and write its page and figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--graph", choices=sorted(GRAPHS), required=True)
    parser.add_argument("--path", default="", help="folder of the graph's files; not needed for the demo")
    parser.add_argument(
        "--out", type=Path, required=True, help="Markdown page; the figures are written next to it as .json"
    )
    parser.add_argument("--seed", type=int, default=SPLIT_SEED, help="seed of the first split")
    parser.add_argument(
        "--repeats", type=int, default=NUM_REPEATS, help="number of splits, each with a seed of its own"
    )
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    start = time.perf_counter()
    source = GraphSource.model_validate(GRAPHS[arguments.graph] | {"path": arguments.path})
    graph = load_knowledge_graph(source, raw_folder=Path())
    embedding = EmbeddingParams(**shipped_settings(arguments.graph, "embedding_params"))
    params = ClassifierParams(**shipped_settings(arguments.graph, "repurposing_model"))
    parts = dict(run(graph, embedding, params, seed=arguments.seed, repeats=arguments.repeats))
    evaluation: Evaluation = parts["evaluation"]
    rows = pd.concat([evaluation.strict, *(strict(parts[name]) for name in ("ablations", "controls"))])
    minutes = (time.perf_counter() - start) / 60
    page = study_page(arguments.graph, evaluation, rows, parts["costs"], minutes=minutes, seed=arguments.seed)
    write_text(arguments.out, page)
    write_json(arguments.out.with_suffix(".json"), study_json(rows))
    print(json.dumps({"minutes": round(minutes, 1), "headline": evaluation.headline()}))


if __name__ == "__main__":
    main()
