"""A small case with a signal: drugs treat diseases of their own module, and the graph shows the module."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from hgt_repurposing.benchmark.folds import EvaluatedFold, prepare_fold, score_fold
from hgt_repurposing.graph.external_pairs import ExternalPairs, ExternalSet
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.missing import MissingShares
from hgt_repurposing.graph.schema import EdgeType, FloatArray, IntArray, TherapeuticRelations
from hgt_repurposing.graph.split import DrugDiseaseSplit, SplitConfig, split_drug_disease_pairs
from hgt_repurposing.repurposing.inputs import PairInputs
from hgt_repurposing.repurposing.labels import Labels
from hgt_repurposing.repurposing.learning import fit_classifiers, gather_examples
from hgt_repurposing.repurposing.neighbourhoods import neighbourhoods_of
from hgt_repurposing.repurposing.params import ClassifierParams
from hgt_repurposing.repurposing.scorer import Scorer
from hgt_repurposing.repurposing.vectors import PairVectors
from hgt_repurposing_tests.graph.small_graphs import Ends, graph_of

NUM_DRUGS, NUM_DISEASES, NUM_GENES, NUM_EFFECTS, NUM_MODULES, NUM_FOLDS = 60, 30, 50, 40, 5, 3
TREATMENTS = 4
"""Per disease, of the 12 drugs of its module: the module alone finds them with an average precision of about .4."""
OWN_GENES, OTHER_GENES = 4, 1
QUICK = ClassifierParams(
    vectors=[],
    tower_updates=40,
    inner_folds=2,
    missing=MissingShares(pairs=0.25, diseases=0.25, drugs=0.25),
    num_trees=20,
    learning_rate=0.3,
    min_child_weight=1,
    negatives_per_positive=10,
    calibration_cells=500,
)
"""Four masks instead of the eight of the default shares: on so small a graph a mask costs as much as its trees."""
NAMES = TherapeuticRelations(contraindication=["contraindication"], off_label=["palliates"])
INDICATION = EdgeType("drug", "indication", "disease")
CONTRAINDICATION = EdgeType("drug", "contraindication", "disease")
PALLIATION = EdgeType("drug", "palliates", "disease")


def planted_pairs(seed: int = 0) -> IntArray:
    """Four drugs of its module for each disease; the module of node i is i % 5. Shape [2, 120], sorted."""
    generator = np.random.default_rng(seed)
    drugs = [
        generator.choice(np.arange(d % NUM_MODULES, NUM_DRUGS, NUM_MODULES), TREATMENTS, replace=False)
        for d in range(NUM_DISEASES)
    ]
    return sorted_pairs(np.concatenate(drugs), np.repeat(np.arange(NUM_DISEASES), TREATMENTS))


def shuffled_pairs(seed: int = 0) -> IntArray:
    """As many pairs, but any. Shape [2, 120], sorted."""
    cells = np.random.default_rng(seed).choice(NUM_DRUGS * NUM_DISEASES, NUM_DISEASES * TREATMENTS, replace=False)
    return sorted_pairs(cells // NUM_DISEASES, cells % NUM_DISEASES)


def planted_contraindications() -> IntArray:
    """Three drugs of the next module for each disease. Shape [2, 90], sorted."""
    generator = np.random.default_rng(1)
    drugs = [
        generator.choice(np.arange((d + 1) % NUM_MODULES, NUM_DRUGS, NUM_MODULES), 3, replace=False)
        for d in range(NUM_DISEASES)
    ]
    return sorted_pairs(np.concatenate(drugs), np.repeat(np.arange(NUM_DISEASES), 3))


def planted_graph(pairs: IntArray | None = None, *, contraindications: bool = False) -> KnowledgeGraph:
    """Drugs and diseases of one module share genes, drugs side effects, diseases symptoms; some diseases are alike.

    Args:
        pairs: The indications; None: the planted ones. Shape [2, num_pairs].
        contraindications: With those, and with a few palliations. Drugs then cause what the diseases present that they
            harm, rather than effects of their own module.
    """
    generator = np.random.default_rng(0)
    edges: dict[tuple[str, str, str], Ends] = {
        INDICATION: planted_pairs() if pairs is None else pairs,
        EdgeType("drug", "targets", "gene"): _within_modules(NUM_DRUGS, NUM_GENES, generator),
        EdgeType("disease", "associates", "gene"): _within_modules(NUM_DISEASES, NUM_GENES, generator),
        EdgeType("gene", "interacts", "gene"): _within_modules(NUM_GENES, NUM_GENES, generator),
        EdgeType("drug", "causes", "effect"): _within_modules(
            NUM_DRUGS, NUM_EFFECTS, generator, shift=-1 if contraindications else 0
        ),
        EdgeType("disease", "presents", "effect"): _within_modules(NUM_DISEASES, NUM_EFFECTS, generator),
        EdgeType("disease", "resembles", "disease"): np.array([[0, 1, 2], [5, 6, 7]]),
    }
    if contraindications:
        edges[CONTRAINDICATION] = planted_contraindications()
        edges[PALLIATION] = np.array([[0, 1, 2], [3, 4, 5]])
    num_nodes = {"drug": NUM_DRUGS, "disease": NUM_DISEASES, "gene": NUM_GENES, "effect": NUM_EFFECTS}
    return graph_of(num_nodes, edges, therapeutic=NAMES)


def with_pairs(graph: KnowledgeGraph, edge_type: EdgeType, pairs: IntArray) -> KnowledgeGraph:
    """The same graph, with these edges of one type."""
    return replace(graph, edges={**graph.edges, edge_type: np.unique(pairs, axis=1)})


def planted_inputs(graph: KnowledgeGraph | None = None, *, vectors: PairVectors | None = None) -> PairInputs:
    """Without vectors unless they are given."""
    graph = planted_graph() if graph is None else graph
    none = PairVectors.none(graph.num_nodes["drug"], graph.num_nodes["disease"])
    return PairInputs(neighbourhoods_of(graph), vectors or none, Labels.of_graph(graph))


def planted_split(
    graph: KnowledgeGraph,
    kinds: Sequence[str] = ("disease",),
    *,
    num_folds: int = NUM_FOLDS,
    num_deployment: int = 0,
    seed: int = 42,
    external: IntArray | None = None,
) -> DrugDiseaseSplit:
    """Three folds of each kind, or as many as are given."""
    pairs = None if external is None else ExternalPairs((ExternalSet("outside", external),))
    config = SplitConfig(num_folds=num_folds, seed=seed, kinds=list(kinds), deployment_folds=num_deployment)
    return split_drug_disease_pairs(graph, config, external=pairs)


def sorted_pairs(drugs: IntArray, diseases: IntArray) -> IntArray:
    order = np.lexsort([diseases, drugs])
    return np.stack([drugs[order], diseases[order]]).astype(np.int64)


def table_of(pairs: IntArray) -> FloatArray:
    """1 where a pair is. Shape [60, 30]."""
    table = np.zeros((NUM_DRUGS, NUM_DISEASES))
    table[pairs[0], pairs[1]] = 1
    return table


def _within_modules(num_sources: int, num_targets: int, generator: np.random.Generator, *, shift: int = 0) -> IntArray:
    """Four targets of its own module, or of another, for each source, and one of any. Shape [2, num_edges]."""
    pairs = set()
    for source in range(num_sources):
        own = np.arange((source + shift) % NUM_MODULES, num_targets, NUM_MODULES)
        chosen = [*generator.choice(own, OWN_GENES, replace=False), *generator.choice(num_targets, OTHER_GENES)]
        pairs |= {(source, int(target)) for target in chosen if num_sources != num_targets or source != target}
    return np.array(sorted(pairs)).T


def planted_scorer(inputs: PairInputs, pairs: IntArray, params: ClassifierParams = QUICK, *, seed: int = 0) -> Scorer:
    """Learned from these pairs, with the vectors of the inputs."""
    labels = inputs.labels.with_indications(pairs)
    case = gather_examples(inputs.neighbourhoods, labels, params=params, seed=(seed,))
    return Scorer.of_case(case, fit_classifiers(case, inputs.vectors, params), inputs.vectors)


def fold_scores(fold: EvaluatedFold, inputs: PairInputs, params: ClassifierParams) -> FloatArray:
    """Log odds of a classifier fitted without a fold. Shape [num_drugs, num_columns]."""
    return score_fold(prepare_fold(fold, inputs, params), inputs.vectors, params)
