"""The pipeline from a graph to ranked drugs as nine functions, for scripts and notebooks; no files are written.

Each function does the same as that step of the pipeline, with the same defaults, and returns a value for later steps.
"""

from collections.abc import Callable
from pathlib import Path

from hgt_repurposing.benchmark import cross_validation
from hgt_repurposing.benchmark.preflight import split_for_learning
from hgt_repurposing.benchmark.results import Evaluation
from hgt_repurposing.embeddings.inference import embed_all_nodes
from hgt_repurposing.embeddings.table import Embeddings
from hgt_repurposing.embeddings.validation import ValidationReport, ValidationThresholds, validate_embeddings
from hgt_repurposing.graph.evidence import nodes_without_evidence
from hgt_repurposing.graph.hetero_data import to_hetero_data
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.message_graph import message_graph
from hgt_repurposing.graph.sources.external import ExternalFile
from hgt_repurposing.graph.sources.source import GraphSource, load_knowledge_graph
from hgt_repurposing.graph.split import DrugDiseaseSplit, SplitConfig
from hgt_repurposing.repurposing.candidate_ranking import rank_candidates
from hgt_repurposing.repurposing.candidates import Candidates
from hgt_repurposing.repurposing.inputs import pair_inputs
from hgt_repurposing.repurposing.model import RepurposingModel, fit_repurposing_model
from hgt_repurposing.repurposing.neighbourhoods import neighbourhoods_of
from hgt_repurposing.repurposing.params import CandidateParams, ClassifierParams
from hgt_repurposing.repurposing.score_grid import ScoreGrid
from hgt_repurposing.repurposing.scorer import Scorer, score_all_pairs
from hgt_repurposing.training.loop import TrainingResult, fit
from hgt_repurposing.training.params import EmbeddingParams

__all__ = [
    "CandidateParams",
    "ClassifierParams",
    "EmbeddingParams",
    "ExternalFile",
    "GraphSource",
    "SplitConfig",
    "embed",
    "evaluate",
    "fit_hgt",
    "fit_model",
    "load_graph",
    "rank",
    "score",
    "split_pairs",
    "validate",
]


def load_graph(source: GraphSource | None = None) -> KnowledgeGraph:
    """Load a knowledge graph, or generate one.

    Args:
        source: Format, path, and names of types and relations; None: the generated demo graph.

    Raises:
        FileNotFoundError: If a file is missing.
        ValueError: If a file does not match its format, or a given name does not occur in it.
    """
    return load_knowledge_graph(source or GraphSource(source="synthetic"), raw_folder=Path())


def split_pairs(
    graph: KnowledgeGraph, config: SplitConfig | None = None, *, classifier: ClassifierParams | None = None
) -> DrugDiseaseSplit:
    """Split the indications into folds: by disease, by pair, by drug and by group of related diseases.

    Args:
        graph: The graph with the indications.
        config: Folds, shuffles and split kinds; None: the defaults.
        classifier: Settings of the classifier that has to be fitted on each fold; None: the defaults.

    Raises:
        ValueError: If there is too little to hold out for the folds, or to learn from for the inner folds.
    """
    return split_for_learning(graph, config or SplitConfig(), classifier=classifier or ClassifierParams()).split


def fit_hgt(graph: KnowledgeGraph, params: EmbeddingParams | None = None) -> TrainingResult:
    """Train the Heterogeneous Graph Transformer by link prediction; it sees no edge between a drug and a disease.

    Args:
        graph: The graph to embed.
        params: Sizes, sampling, loss and device; None: the defaults.

    Returns:
        `.model`, and `.history` with one row per epoch.

    Raises:
        ValueError: If the device is not available, the memory budget is too small, or the loss becomes non-finite.
    """
    return fit(to_hetero_data(message_graph(graph)), params or EmbeddingParams())


def embed(graph: KnowledgeGraph, trained: TrainingResult) -> Embeddings:
    """Embed every node, over all edges at once.

    Args:
        graph: The graph that the model was trained on.
        trained: Result of `fit_hgt`.

    Raises:
        MismatchError: If the model was trained on another graph.
    """
    return embed_all_nodes(trained.model, to_hetero_data(message_graph(graph)), graph.nodes)


def validate(graph: KnowledgeGraph, embeddings: Embeddings) -> ValidationReport:
    """Check whether embeddings collapsed: cosine similarity, principal components, separation of the node types.

    Args:
        graph: The graph whose nodes the embeddings must cover.
        embeddings: Embeddings of its nodes.
    """
    return validate_embeddings(
        embeddings,
        ValidationThresholds(),
        expected_nodes=graph.nodes,
        isolated_nodes=nodes_without_evidence(graph),
    )


def fit_model(
    graph: KnowledgeGraph,
    embeddings: Embeddings,
    split: DrugDiseaseSplit,
    params: ClassifierParams | None = None,
    *,
    on_fit: Callable[[str], None] = lambda _: None,
) -> RepurposingModel:
    """Fit the classifiers of drug-disease pairs on all indications of the graph.

    Args:
        graph: Source of features and treatments.
        embeddings: Embeddings of its nodes.
        split: Split of its indications.
        params: Vectors, heads and inner folds; None: the defaults.
        on_fit: Called with the name of each classifier that has been fitted.

    Raises:
        ValueError: If drugs or diseases have relations only to each other.
        MismatchError: If the embeddings are of other nodes.
    """
    chosen = params or ClassifierParams()
    return fit_repurposing_model(pair_inputs(graph, embeddings, vectors=chosen.vectors), split, chosen, on_fit=on_fit)


def score(
    graph: KnowledgeGraph,
    embeddings: Embeddings,
    model: RepurposingModel,
    *,
    on_block: Callable[[int], None] = lambda _: None,
) -> ScoreGrid:
    """Score every drug for every disease.

    Args:
        graph: Source of features and known treatments.
        embeddings: The embeddings that the model was fitted on.
        model: Result of `fit_model`.
        on_block: Called with the number of diseases in each finished block.

    Raises:
        MismatchError: If the model was fitted on other embeddings.
    """
    return score_all_pairs(Scorer.of_model(model, model.inputs_of(graph, embeddings)), graph, on_block=on_block)


def rank(graph: KnowledgeGraph, scores: ScoreGrid, params: CandidateParams | None = None) -> Candidates:
    """Rank all drugs for every disease and the reverse; `.table` and `.by_drug` hold the best of each.

    Args:
        graph: Source of names, known pairs and evidence.
        scores: Result of `score`.
        params: How many drugs and diseases to list; None: the defaults.

    Raises:
        ValueError: If the scores are of other drugs or diseases.
    """
    return rank_candidates(scores, graph, neighbourhoods_of(graph), params or CandidateParams())


def evaluate(
    graph: KnowledgeGraph,
    embeddings: Embeddings,
    split: DrugDiseaseSplit,
    model: RepurposingModel,
    *,
    on_fold: Callable[[str], None] = lambda _: None,
) -> Evaluation:
    """Refit the model without each fold in turn, and rank the fold's held-out pairs, next to the baselines.

    Args:
        graph: Source of features and treatments.
        embeddings: The embeddings that the model was fitted on.
        split: The split that the model was fitted with.
        model: Result of `fit_model`; its settings are used to refit.
        on_fold: Called with the name of each finished fold.

    Returns:
        `.headline()` is the result in words, `.summary` its table.

    Raises:
        MismatchError: If model, split and embeddings do not belong together.
        ValueError: If a fold cannot be fitted or evaluated.
    """
    return cross_validation.evaluate(graph, model.inputs_of(graph, embeddings), split, model, on_fold=on_fold)
