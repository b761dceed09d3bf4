"""Drugs, diseases and others of which the graph knows nothing go through the whole chain, and are said to."""

from functools import cache

import numpy as np
import pytest

from hgt_repurposing.api import rank
from hgt_repurposing.benchmark.cross_validation import evaluate
from hgt_repurposing.benchmark.results import Evaluation
from hgt_repurposing.embeddings.inference import embed_all_nodes
from hgt_repurposing.embeddings.table import Embeddings
from hgt_repurposing.embeddings.validation import ValidationThresholds, validate_embeddings
from hgt_repurposing.graph.evidence import nodes_without_evidence
from hgt_repurposing.graph.hetero_data import to_hetero_data
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.message_graph import message_graph
from hgt_repurposing.graph.split import SplitConfig, split_drug_disease_pairs
from hgt_repurposing.report.summary import summary_text
from hgt_repurposing.repurposing.candidates import Candidates
from hgt_repurposing.repurposing.inputs import pair_inputs
from hgt_repurposing.repurposing.model import fit_repurposing_model
from hgt_repurposing.repurposing.scorer import Scorer, score_all_pairs
from hgt_repurposing.training.loop import fit
from hgt_repurposing_tests.graph.small_graphs import Ends, graph_of
from hgt_repurposing_tests.repurposing.planted import (
    INDICATION,
    NAMES,
    NUM_DISEASES,
    NUM_DRUGS,
    NUM_EFFECTS,
    NUM_GENES,
    QUICK,
    planted_graph,
)
from hgt_repurposing_tests.training.runs import small

pytestmark = pytest.mark.slow
"""Each fits models of its own."""

NUM_ALONE, NUM_TISSUES = 12, 50
BY_TREATMENTS = [(NUM_DRUGS, 0), (NUM_DRUGS + 1, 1), (2, NUM_DISEASES), (NUM_DRUGS, NUM_DISEASES + 1)]
"""Of two drugs and two diseases of which nothing else is known; ten more of each have no edge."""


@cache
def graph() -> KnowledgeGraph:
    """The planted case beside 74 nodes that no edge touches, or only treatments."""
    planted = planted_graph(contraindications=True)
    pairs = np.concatenate([planted.edges[INDICATION], np.array(BY_TREATMENTS).T], axis=1)
    edges: dict[tuple[str, str, str], Ends] = dict(planted.edges.items())
    return graph_of(
        {
            "drug": NUM_DRUGS + NUM_ALONE,
            "disease": NUM_DISEASES + NUM_ALONE,
            "gene": NUM_GENES,
            "effect": NUM_EFFECTS,
            "tissue": NUM_TISSUES,
        },
        edges | {INDICATION: pairs},
        therapeutic=NAMES,
    )


@cache
def embeddings() -> Embeddings:
    data = to_hetero_data(message_graph(graph()))
    params = small(node_inputs="fastrp", loss="softmax", num_negatives=4)
    return embed_all_nodes(fit(data, params).model, data, graph().nodes)


@cache
def results() -> tuple[Evaluation, Candidates]:
    inputs = pair_inputs(graph(), embeddings(), vectors=["hgt"])
    split = split_drug_disease_pairs(graph(), SplitConfig(num_folds=2, deployment_folds=0))
    model = fit_repurposing_model(inputs, split, QUICK.model_copy(update={"vectors": ["hgt"], "tower_updates": 5}))
    grid = score_all_pairs(Scorer.of_model(model, inputs), graph())
    return evaluate(graph(), inputs, split, model), rank(graph(), grid)


def test_isolated_nodes_do_not_break_the_embeddings() -> None:
    without = validate_embeddings(embeddings(), ValidationThresholds())
    assert without.overall.num_constant > 0.05 * without.overall.num_rows
    assert without.verdict == "broken"
    report = validate_embeddings(embeddings(), ValidationThresholds(), isolated_nodes=nodes_without_evidence(graph()))
    assert report.overall.num_isolated == 2 * NUM_ALONE + NUM_TISSUES
    assert report.overall.num_constant == report.overall.num_constant_isolated
    assert report.verdict != "broken"


def test_every_way_of_splitting_is_measured() -> None:
    assert set(results()[0].folds["split"]) == {"disease", "pair", "drug", "disease_group"}
    assert np.isfinite(results()[0].strict["macro_ap"]).all()


def test_drugs_and_diseases_without_evidence_are_ranked_and_said_to_be() -> None:
    table = results()[1].table
    drugs = table.drop_duplicates("drug_id")["drug_evidence"].value_counts()
    diseases = table.drop_duplicates("disease_id")["disease_evidence"].value_counts()
    assert drugs.to_dict() == {"evidence": NUM_DRUGS, "nothing": NUM_ALONE - 2, "treatments only": 2}
    assert diseases.to_dict() == {"evidence": NUM_DISEASES, "nothing": NUM_ALONE - 2, "treatments only": 2}


def test_all_diseases_without_an_edge_have_one_list() -> None:
    table = results()[1].table
    lists = table[table["disease_evidence"] == "nothing"].groupby("disease_id")["drug_id"].agg(tuple)
    assert len(lists) == NUM_ALONE - 2
    assert lists.nunique() == 1


@pytest.mark.parametrize(
    ("disease", "head"),
    [
        (0, "Best new candidates for"),
        (NUM_DISEASES, "Best new candidates for"),
        (NUM_DISEASES + 2, "Nothing is known about"),
    ],
)
def test_the_summary_says_what_a_list_rests_on(disease: int, head: str) -> None:
    evaluation, candidates = results()
    assert summary_text(evaluation, candidates, f"{disease:04d}").startswith(head)
