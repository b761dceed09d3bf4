"""Ranking of candidate drugs per disease, by a fitted model."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy.special import expit

from hgt_repurposing.graph.evidence import evidence_of_type
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.schema import NODE_ID, NODE_NAME, FloatArray, IntArray
from hgt_repurposing.repurposing.candidates import STATUS, Candidates
from hgt_repurposing.repurposing.labels import CONTRAINDICATION, INDICATION
from hgt_repurposing.repurposing.params import CandidateParams
from hgt_repurposing.repurposing.scorer import Block, Scorer


def rank_candidates(
    scorer: Scorer,
    graph: KnowledgeGraph,
    params: CandidateParams,
    *,
    on_block: Callable[[int], None] = lambda _: None,
) -> Candidates:
    """Score all drugs for all diseases and keep the best of each disease.

    Ties are broken by drug id. Known pairs keep their rank and are marked, as are drugs and diseases without edges, or
    without edges other than treatments.

    Args:
        scorer: The final model's.
        graph: Source of names and of known pairs.
        params: Length of the lists.
        on_block: Called after each block with its number of diseases.
    """
    num_diseases = graph.num_nodes[graph.therapeutic.disease]
    status = _status(graph)
    blocks = []
    for block in scorer.blocks(np.arange(num_diseases)):
        blocks.append(_best(block, params.top_k))
        on_block(len(block.diseases))
    columns = [np.concatenate(column) for column in zip(*blocks, strict=True)]
    order = np.argsort(columns[0], kind="stable")
    disease, rank, drug, score, against = (column[order] for column in columns)
    drugs, names = graph.nodes_of(graph.therapeutic.drug), graph.nodes_of(graph.therapeutic.disease)
    known_as = status.reindex(np.ravel_multi_index((drug, disease), graph.grid_shape), fill_value="new").to_numpy()
    table = pd.DataFrame(
        {
            "disease_id": names[NODE_ID].to_numpy()[disease],
            "disease_name": names[NODE_NAME].to_numpy()[disease],
            "rank": rank,
            "drug_id": drugs[NODE_ID].to_numpy()[drug],
            "drug_name": drugs[NODE_NAME].to_numpy()[drug],
            "score": score,
            "contraindication_score": against,
            "known": known_as == "indication",
            "status": known_as,
            "drug_evidence": evidence_of_type(graph, graph.therapeutic.drug)[drug],
            "disease_evidence": evidence_of_type(graph, graph.therapeutic.disease)[disease],
        }
    )
    return Candidates(table)


def _best(block: Block, top_k: int) -> tuple[IntArray, IntArray, IntArray, FloatArray, FloatArray]:
    """Disease, rank, drug, and probabilities of indication and contraindication, for the best drugs per column."""
    scores = block.log_odds[INDICATION - 1]
    k = min(top_k, scores.shape[0])
    order = np.argsort(-scores, axis=0, kind="stable")[:k]
    rank = np.tile(np.arange(1, k + 1), len(block.diseases))
    known_against = len(block.log_odds) >= CONTRAINDICATION
    against = block.log_odds[CONTRAINDICATION - 1] if known_against else np.full_like(scores, np.nan)
    best, risk = (expit(np.take_along_axis(values, order, axis=0)).T.ravel() for values in (scores, against))
    return np.repeat(block.diseases, k), rank, order.T.ravel(), best, risk


def _status(graph: KnowledgeGraph) -> "pd.Series[str]":
    """Status of each pair in the graph, by flat index into the grid of all pairs."""
    names = graph.therapeutic
    said: dict[int, str] = {}
    relations = (
        graph.unnamed_relations,
        names.off_label,
        names.not_indicated,
        names.contraindication,
        names.indication,
    )
    for status, those in zip(STATUS[1:], relations, strict=True):
        drug, disease = graph.therapeutic_pairs(those)
        said |= dict.fromkeys(np.ravel_multi_index((drug, disease), graph.grid_shape).tolist(), status)
    return pd.Series(said, dtype="str")
