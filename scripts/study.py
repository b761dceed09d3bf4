"""The whole study of a graph, as a page and as JSON: every split kind, the whole grid, ablations and controls.

    python scripts/study.py --graph hetionet --path FOLDER --out docs/results/hetionet.md

Embeddings are trained on a message graph without drug-disease edges, with the configuration shipped for the graph, and
serve all folds. The default seeds of the splits, 3 and 4, were not used to choose anything. Two runs with the same seed
give the same figures, except for minutes and seconds.

The study has three parts. The figures of each are written to the JSON next to the page as soon as they are there, and
the page is made from the JSON. The same command again measures only the parts that are missing; two processes may
measure different parts at the same time.
"""

import argparse
import json
import logging
import re
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from shipped import shipped_settings
from study_figures import Figures, of_ablations, of_controls, of_evaluation
from study_tables import ALONE, COMPARED, HGT_AND_SVD, study_page
from torch_geometric.data import HeteroData

from hgt_repurposing.benchmark.assumptions import DeploymentTables
from hgt_repurposing.benchmark.cross_validation import Tables, evaluate
from hgt_repurposing.benchmark.deployment import add_fold, deployment_folds
from hgt_repurposing.benchmark.folds import EvaluatedFold, prepare_fold, score_by_towers, score_fold
from hgt_repurposing.benchmark.protocol import TherapeuticPairs
from hgt_repurposing.embeddings.inference import embed_all_nodes
from hgt_repurposing.graph.hetero_data import to_hetero_data
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.message_graph import message_graph
from hgt_repurposing.graph.null_model import permute_edges, shuffled_labels
from hgt_repurposing.graph.sources.source import GraphSource, load_knowledge_graph
from hgt_repurposing.graph.split import SplitConfig, split_drug_disease_pairs
from hgt_repurposing.model.trained import HGTModel
from hgt_repurposing.repurposing.inputs import PairInputs
from hgt_repurposing.repurposing.labels import Labels
from hgt_repurposing.repurposing.learning import fit_classifiers
from hgt_repurposing.repurposing.model import fit_repurposing_model
from hgt_repurposing.repurposing.neighbourhoods import neighbourhoods_of
from hgt_repurposing.repurposing.params import ClassifierParams
from hgt_repurposing.repurposing.scorer import Scorer
from hgt_repurposing.repurposing.vectors import VECTOR_DIM, PairVectors
from hgt_repurposing.storage.artifacts import read_parts, write_artifact, write_json, write_text
from hgt_repurposing.storage.manifest import Provenance, UnreadableArtifactError, manifest_path, read_manifest
from hgt_repurposing.training.loop import fit, untrained
from hgt_repurposing.training.params import EmbeddingParams

INEXACT = ("AeG", "Gr>G", "GpBP", "GpCC", "GpMF")
"""Metaedges of Hetionet that our copy does not have completely; the study leaves them out."""
GRAPHS: Mapping[str, Mapping[str, object]] = {
    "demo": {"mechanism": "module"},
    "drkg": {},
    "hetionet": {"exclude": list(INEXACT)},
}
"""Settings of each graph in addition to those of its shipped configuration."""
SPLIT_SEED = 3
NUM_REPEATS: Mapping[str, int] = {"demo": 2, "drkg": 1, "hetionet": 2}
NUM_DEPLOYMENT = 10
XSWAP_SWAPS_PER_EDGE = 10
SETTINGS_OF_RUN = "settings"
"""Key of the JSON beside the parts."""

_LOGGER = logging.getLogger("study")


class Timed(NamedTuple):
    """Vectors, and the time to make them."""

    vectors: PairVectors
    seconds: float

    def beside(self, other: "Timed") -> "Timed":
        """The columns of both."""
        return Timed(PairVectors.side_by_side([self.vectors, other.vectors]), self.seconds + other.seconds)


class Stopwatch:
    """Minutes by kind of fold, from the names of what is finished."""

    def __init__(self) -> None:
        self.minutes: defaultdict[str, float] = defaultdict(float)
        self._last = time.perf_counter()

    def finished(self, name: str) -> None:
        """Count the time since the last call for the kind of this fold: the first word of its name."""
        kind = re.split(r"\W", name, maxsplit=1)[0]
        now = time.perf_counter()
        self.minutes[kind] += (now - self._last) / 60
        self._last = now
        _LOGGER.info("finished: %s", name)


@dataclass(frozen=True, eq=False)
class Study:
    """A graph, how it is learned from, and the vectors that were made so far."""

    name: str
    graph: KnowledgeGraph
    embedding: EmbeddingParams
    classifier: ClassifierParams
    seed: int
    num_folds: int
    repeats: int
    deployment_folds: int
    vectors_folder: Path | None
    """Where trained vectors are kept and looked for; None: nowhere."""
    made: dict[str, Timed] = field(default_factory=dict)
    """Vectors by name; filled when they are asked for."""

    @property
    def settings(self) -> Figures:
        """All that figures depend on; parts of different settings are not put on one page."""
        return {
            "graph": self.name,
            "digest": self.graph.digest,
            "seed": self.seed,
            "num_folds": self.num_folds,
            "repeats": self.repeats,
            "deployment_folds": self.deployment_folds,
            "embedding_params": self.embedding.model_dump(mode="json"),
            "repurposing_model": self.classifier.model_dump(mode="json"),
        }

    def split_config(self, **others: object) -> SplitConfig:
        """The study's splits, with other settings as given."""
        own = {"num_folds": self.num_folds, "seed": self.seed, "num_repeats": self.repeats}
        return SplitConfig.model_validate({**own, **others})

    def vectors(self, name: str, make: Callable[[], PairVectors]) -> Timed:
        """Made once; what takes training is also kept in the folder, if there is one."""
        if name not in self.made:
            start = time.perf_counter()
            self.made[name] = Timed(make(), time.perf_counter() - start)
        return self.made[name]

    def svd(self) -> Timed:
        """Singular vectors."""
        return self.vectors("svd", lambda: PairVectors.by_svd(self.graph))

    def untrained(self) -> Timed:
        """An HGT before its first update."""
        return self.vectors("untrained", lambda: self._embedded(self.embedding, untrained))

    def encoded(self, encoder: str) -> Timed:
        """Vectors of an encoder after training."""
        if encoder in self.made:
            return self.made[encoder]
        params = self.embedding.model_copy(update={"encoder": encoder})
        kept = None if self.vectors_folder is None else self._kept(encoder, params)
        if kept is not None:
            self.made[encoder] = kept
        found = self.vectors(encoder, lambda: self._embedded(params, _trained))
        if kept is None and self.vectors_folder is not None:
            arrays = {"drugs": found.vectors.drugs, "diseases": found.vectors.diseases, "seconds": found.seconds}
            name, config = f"{self.name}_{encoder}", params.model_dump(mode="json")
            origin = Provenance(config, {"knowledge_graph": self.graph.digest})
            write_artifact(self.vectors_folder, name, {f"{name}.npz": arrays}, origin)
        return found

    def _kept(self, encoder: str, params: EmbeddingParams) -> Timed | None:
        """Vectors that an earlier run kept; None if there are none of this graph, configuration and version."""
        assert self.vectors_folder, "asked only where there is a folder"
        name = f"{self.name}_{encoder}"
        if not manifest_path(self.vectors_folder, name).exists():
            return None
        try:
            manifest = read_manifest(self.vectors_folder, name)
            arrays = read_parts(self.vectors_folder, manifest)[f"{name}.npz"]
        except UnreadableArtifactError as error:
            _LOGGER.warning("%s: trained again", error)
            return None
        same = manifest.config == params.model_dump(mode="json")
        if not same or manifest.inputs != {"knowledge_graph": self.graph.digest}:
            _LOGGER.warning("%s in %s is of another graph or configuration: trained again", name, self.vectors_folder)
            return None
        return Timed(PairVectors(arrays["drugs"], arrays["diseases"]), float(arrays["seconds"]))

    def _embedded(
        self, params: EmbeddingParams, model_of: Callable[[HeteroData, EmbeddingParams], HGTModel]
    ) -> PairVectors:
        """As the pipeline makes them, from the message graph without drug-disease edges."""
        data = to_hetero_data(message_graph(self.graph))
        embeddings = embed_all_nodes(model_of(data, params), data, self.graph.nodes)
        return PairVectors.of_embeddings(embeddings, self.graph).reduced(VECTOR_DIM)

    def inputs(self) -> PairInputs:
        """As the pipeline makes them: HGT and SVD side by side."""
        vectors = self.encoded("hgt").beside(self.svd()).vectors
        return PairInputs(neighbourhoods_of(self.graph), vectors, Labels.of_graph(self.graph))


def _trained(data: HeteroData, params: EmbeddingParams) -> HGTModel:
    return fit(data, params).model


def sets_of_vectors(study: Study) -> dict[str, Timed]:
    """Every set of vectors to compare, by its name in the table."""
    svd, hgt, mean = study.svd(), study.encoded("hgt"), study.encoded("mean")
    permuted = Timed(hgt.vectors.permuted(np.random.default_rng(0)), hgt.seconds)
    return {
        "no vectors": Timed(PairVectors.none(len(svd.vectors.drugs), len(svd.vectors.diseases)), 0.0),
        "HGT": hgt,
        "mean aggregation": mean,
        "SVD": svd,
        "mean aggregation + SVD": mean.beside(svd),
        "HGT permuted + SVD": permuted.beside(svd),
        "HGT untrained + SVD": study.untrained().beside(svd),
        HGT_AND_SVD: hgt.beside(svd),
    }


def evaluation(study: Study) -> Figures:
    """The model and every baseline, in every split kind and on the whole grid."""
    config = study.split_config(deployment_folds=study.deployment_folds)
    watch = Stopwatch()
    split = split_drug_disease_pairs(study.graph, config, inner_folds=study.classifier.inner_folds)
    inputs = study.inputs()
    model = fit_repurposing_model(inputs, split, study.classifier)
    watch.finished("vectors, and the final model")
    return of_evaluation(evaluate(study.graph, inputs, split, model, on_fold=watch.finished), watch.minutes)


def ablations(study: Study) -> Figures:
    """The model with each set of vectors, and the towers alone, on held-out diseases."""
    start = time.perf_counter()
    sets, inputs, params = sets_of_vectors(study), study.inputs(), study.classifier
    config = study.split_config(kinds=["disease"], deployment_folds=0)
    split, tables = split_drug_disease_pairs(study.graph, config), Tables()
    seconds = dict.fromkeys(sets, 0.0)
    for key in split.keys:
        fold = EvaluatedFold(split, key, TherapeuticPairs.of_graph(study.graph))
        prepared = prepare_fold(fold, inputs, params)
        for name, (vectors, _) in sets.items():
            begun = time.perf_counter()
            classifiers = fit_classifiers(prepared.case, vectors, params)
            scorer = Scorer.of_case(prepared.case, classifiers, vectors)
            tables.add(fold, name, scorer.indications(fold.columns), seed=params.seed)
            alone = score_by_towers(prepared, classifiers)
            if alone is not None:
                tables.add(fold, name + ALONE, alone, seed=params.seed)
            seconds[name] += (time.perf_counter() - begun) / len(split.keys)
        _LOGGER.info("ablations on %s", key)
    costs = {name: {"vectors": round(sets[name].seconds, 1), "fold": round(seconds[name], 1)} for name in sets}
    minutes = (time.perf_counter() - start) / 60
    return of_ablations(tables, COMPARED, ALONE, seconds=costs, minutes=minutes, seed=params.seed)


def controls(study: Study) -> Figures:
    """Results that must be at chance or well below the model: shuffled labels, and a graph with permuted edges."""
    start = time.perf_counter()
    generator, params = np.random.default_rng(0), study.classifier
    worlds = {
        "shuffled labels": shuffled_labels(study.graph, preserving="count", generator=generator),
        "permuted graph": permute_edges(study.graph, swaps_per_edge=XSWAP_SWAPS_PER_EDGE, generator=generator),
    }
    tables, grids = Tables(), {}
    for name, world in worlds.items():
        config = SplitConfig(seed=study.seed, kinds=["disease", "pair"], deployment_folds=1)
        split = split_drug_disease_pairs(world, config)
        inputs = PairInputs(neighbourhoods_of(world), PairVectors.by_svd(world), Labels.of_graph(world))
        for key in split.keys:
            fold = EvaluatedFold(split, key, TherapeuticPairs.of_graph(world))
            tables.add(fold, name, score_fold(prepare_fold(fold, inputs, params), inputs.vectors, params), seed=0)
        grids[name] = DeploymentTables([], [], [])
        shape = split.num_drugs, split.num_diseases
        known = inputs.labels.known_otherwise
        for mask in deployment_folds(
            split.pairs, shape, params.missing, known_otherwise=known, num_folds=1, seed=study.seed
        ):
            add_fold(mask, inputs, params, grids[name])
        _LOGGER.info("control: %s", name)
    return of_controls(tables, grids, minutes=(time.perf_counter() - start) / 60)


PARTS: Mapping[str, Callable[[Study], Figures]] = {
    "evaluation": evaluation,
    "ablations": ablations,
    "controls": controls,
}


def graph_of(name: str, path: str) -> KnowledgeGraph:
    """A graph with the settings of its study, from the folder of its files."""
    settings = {**shipped_settings(name, "knowledge_graph"), **GRAPHS[name], "path": path}
    return load_knowledge_graph(GraphSource.model_validate(settings), raw_folder=Path())


def figures_so_far(path: Path, settings: Figures) -> Figures:
    """What earlier runs with the same settings have measured.

    Raises:
        ValueError: If the file holds parts that were measured with other settings.
    """
    if not path.exists():
        return {SETTINGS_OF_RUN: settings}
    found: Figures = json.loads(path.read_text(encoding="utf-8"))
    if SETTINGS_OF_RUN not in found:
        _LOGGER.warning("%s is not of this script, or of an earlier version of it: written anew", path)
        return {SETTINGS_OF_RUN: settings}
    before = found[SETTINGS_OF_RUN]
    other = [name for name in settings if before.get(name) != settings[name]]
    if other:
        said = ", ".join(f"{name} {before.get(name)!r}, now {settings[name]!r}" for name in other)
        raise ValueError(
            f"{path} holds parts of a study with other settings ({said}): give the same settings, or another --out, "
            "or remove that file"
        )
    return found


def run(
    out: Path, settings: Figures, measures: Mapping[str, Callable[[], Figures]], parts: Sequence[str] | None
) -> None:
    """Measure parts of the study, and write figures and page after each.

    Args:
        out: The page; the figures lie next to it as .json.
        settings: All that figures depend on.
        measures: What measures each part, by name.
        parts: Measured even if they were before; None: those that were not.

    Raises:
        ValueError: As `figures_so_far`.
    """
    path = out.with_suffix(".json")
    found = figures_so_far(path, settings)
    for name in measures if parts is None else parts:
        if parts is None and name in found:
            _LOGGER.info("%s: measured before and kept; --parts %s measures it again", name, name)
            continue
        figures = measures[name]()
        found = {**figures_so_far(path, settings), name: figures}  # another process may have measured another part
        write_json(path, found)
        write_text(out, study_page(found))
    write_text(out, study_page(found))


def main() -> None:
    """Run the study and write its page and figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--graph", choices=sorted(GRAPHS), required=True)
    parser.add_argument("--path", default="", help="folder of the graph's files; not needed for the demo")
    parser.add_argument(
        "--out", type=Path, required=True, help="Markdown page; the figures are written next to it as .json"
    )
    parser.add_argument("--seed", type=int, default=SPLIT_SEED, help="seed of the first split, and of the masks")
    parser.add_argument(
        "--repeats", type=int, help="number of splits, each with a seed of its own; default: 2, on drkg 1"
    )
    parser.add_argument(
        "--deployment-folds",
        type=int,
        default=NUM_DEPLOYMENT,
        help="how often the whole grid is scored; half as often, at most twice, under each other assumption",
    )
    parser.add_argument(
        "--parts", nargs="+", choices=list(PARTS), help="parts to measure; default: those that the .json does not have"
    )
    parser.add_argument(
        "--vectors", type=Path, help="folder to keep trained vectors in, which saves training them again; default: none"
    )
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    name = arguments.graph
    study = Study(
        name,
        graph_of(name, arguments.path),
        EmbeddingParams(**shipped_settings(name, "embedding_params")),
        ClassifierParams(**shipped_settings(name, "repurposing_model")),
        arguments.seed,
        SplitConfig(**shipped_settings(name, "drug_disease_split")).num_folds,
        NUM_REPEATS[name] if arguments.repeats is None else arguments.repeats,
        arguments.deployment_folds,
        arguments.vectors,
    )
    measures = {part: partial(measure, study) for part, measure in PARTS.items()}
    run(arguments.out, study.settings, measures, arguments.parts)


if __name__ == "__main__":
    main()
