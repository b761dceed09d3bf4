"""Checks of graph and settings before a run: problems show at the split, within seconds, not after the training."""

from typing import NamedTuple

import numpy as np

from hgt_repurposing.benchmark.protocol import TherapeuticPairs, fold_grid, suites_of
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.schema import is_gene_or_pathway
from hgt_repurposing.graph.sources.pairs import ExternalPairs, load_external_pairs
from hgt_repurposing.graph.split import DrugDiseaseSplit, SplitConfig, split_drug_disease_pairs
from hgt_repurposing.graph.split_kinds import SPLIT_KINDS
from hgt_repurposing.graph.walks import require_relations
from hgt_repurposing.repurposing.params import ClassifierParams
from hgt_repurposing.training.params import EmbeddingParams


class PreparedSplit(NamedTuple):
    """A split that can be learned from, and its external pairs."""

    split: DrugDiseaseSplit
    external: ExternalPairs


def split_for_learning(
    graph: KnowledgeGraph,
    config: SplitConfig,
    *,
    classifier: ClassifierParams | None = None,
    embedding: EmbeddingParams | None = None,
) -> PreparedSplit:
    """Split the indications, and reject early what later steps cannot work with.

    Args:
        graph: Its indications are split.
        config: How to split, and the file of external pairs.
        classifier: Parameters of the classifiers to be fitted; None: none will be.
        embedding: Parameters of the embeddings to be trained; None: none will be.

    Raises:
        FileNotFoundError: If the file of external pairs does not exist.
        ValueError: If that file is invalid, there is less to hold out or to hide than folds, drugs or diseases have no
            edges other than treatments, there are too few edges to train on, a fold leaves no negatives to rank
            against, or training needs genes and there are none.
    """
    if classifier is not None:
        for node_type in (graph.therapeutic.drug, graph.therapeutic.disease):
            require_relations(graph, node_type)
    if embedding is not None and embedding.contrastive_weight and not any(map(is_gene_or_pathway, graph.num_nodes)):
        raise ValueError(
            "embedding_params: contrastive_weight compares diseases by their genes and pathways, but no node type has "
            f"such a name (node types: {', '.join(map(repr, graph.num_nodes))}): set it to 0"
        )
    if embedding is not None:
        _require_edges(graph)
    external = load_external_pairs(config.external_pairs, graph)
    inner_folds = None if classifier is None else classifier.inner_folds
    split = split_drug_disease_pairs(graph, config, external=external.pairs, inner_folds=inner_folds)
    if classifier is not None:
        _require_negatives(graph, split)
    return PreparedSplit(split, external)


def _require_edges(graph: KnowledgeGraph) -> None:
    """The loss never scores the only edge of a relation, since none would be left to pass messages."""
    counts = {str(t): index.shape[1] for t, index in graph.edges.items() if not graph.is_drug_disease(t)}
    if max(counts.values(), default=0) < 2:
        raise ValueError(
            f"too few edges to train on: no relation except those between drugs and diseases has more than one edge "
            f"(got {', '.join(counts) or 'no other relation'})"
        )


def _require_negatives(graph: KnowledgeGraph, split: DrugDiseaseSplit) -> None:
    num_treated = len(np.unique(split.pairs[1]))
    if split.pairs.shape[1] == split.num_drugs * num_treated:
        raise ValueError(
            f"every drug ({split.num_drugs}) is indicated for every treated disease ({num_treated}): there is no "
            "negative pair to learn from"
        )
    pairs = TherapeuticPairs.of_graph(graph)
    for key in split.keys:
        _, wide = suites_of(SPLIT_KINDS[key.kind])
        fold_grid(split, key, ignored=wide.ignored(pairs))  # raises if no negatives are left to rank against
