"""Checks of graph and settings before a run: problems show at the split, within seconds, not after the training."""

import logging
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from hgt_repurposing.benchmark.assumptions import require_measurable
from hgt_repurposing.benchmark.protocol import TherapeuticPairs, fold_grid, suites_of
from hgt_repurposing.graph.external_pairs import ExternalPairs
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.missing import MissingShares, require_something_hidden
from hgt_repurposing.graph.schema import IntArray, is_gene_or_pathway
from hgt_repurposing.graph.sources.pairs import load_external_pairs
from hgt_repurposing.graph.split import DrugDiseaseSplit, SplitConfig, split_drug_disease_pairs
from hgt_repurposing.graph.split_kinds import DEPLOYMENT, SPLIT_KINDS
from hgt_repurposing.graph.walks import require_relations
from hgt_repurposing.repurposing.params import ClassifierParams
from hgt_repurposing.training.params import EmbeddingParams

_logger = logging.getLogger(__name__)


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
        config: How to split, and the files of external pairs.
        classifier: Parameters of the classifiers to be fitted; None: none will be.
        embedding: Parameters of the embeddings to be trained; None: none will be.

    Raises:
        FileNotFoundError: If a file of external pairs does not exist.
        ValueError: If such a file is invalid, there is less to hold out or to hide than folds, drugs or diseases have
            no edges other than treatments, there are too few edges to train on, there are no negatives to learn from, a
            fold leaves none to rank against, a share of missing treatments is so small that nothing is hidden, or
            training needs genes and there are none.
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
    external = load_external_pairs(config.external_files, graph)
    inner_folds = None if classifier is None else classifier.inner_folds
    split = split_drug_disease_pairs(graph, config, external=external, inner_folds=inner_folds)
    if classifier is not None:
        _require_negatives(graph, split)
        require_something_hidden(split.pairs, classifier.missing, num_masks=classifier.num_masks)
        split = _measurable(split, classifier.missing)
    return PreparedSplit(split, external)


def _measurable(split: DrugDiseaseSplit, missing: MissingShares) -> DrugDiseaseSplit:
    """The split, without the masks of the whole grid if there are too few treatments for them."""
    try:
        require_measurable(split.pairs, missing, num_folds=split.num_deployment, seed=split.seeds[0])
    except ValueError as error:
        _logger.warning("the whole grid is left out of the evaluation: %s", error)
        return replace(split, num_deployment=0, left_out={**split.left_out, DEPLOYMENT.name: str(error)})
    return split


def _require_edges(graph: KnowledgeGraph) -> None:
    """The loss never scores the only edge of a relation, since none would be left to pass messages."""
    counts = {str(t): index.shape[1] for t, index in graph.edges.items() if not graph.is_drug_disease(t)}
    if max(counts.values(), default=0) < 2:
        raise ValueError(
            f"too few edges to train on: no relation except those between drugs and diseases has more than one edge "
            f"(got {', '.join(counts) or 'no other relation'})"
        )


def _require_negatives(graph: KnowledgeGraph, split: DrugDiseaseSplit) -> None:
    _require_unknown(split.pairs)
    pairs = TherapeuticPairs.of_graph(graph)
    for key in split.keys:
        _require_unknown(split.training_pairs(key), without=f" without the fold ({key})")
        _, wide = suites_of(SPLIT_KINDS[key.kind])
        fold_grid(split, key, ignored=wide.ignored(pairs))  # raises if no negatives are left to rank against


def _require_unknown(pairs: IntArray, *, without: str = "") -> None:
    """Negatives are pairs of a drug and a disease that both have a treatment, as a single drug's never are."""
    num_drugs, num_diseases = (len(np.unique(ends)) for ends in pairs)
    if pairs.shape[1] == num_drugs * num_diseases:
        raise ValueError(
            f"every treating drug ({num_drugs}) is indicated for every treated disease ({num_diseases}){without}: "
            "there is no negative pair to learn from; use a graph with more treatments"
        )
