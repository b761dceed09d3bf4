from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.sparse import csr_array
from scipy.special import expit, logit

from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph, build_knowledge_graph
from hgt_repurposing.graph.schema import EDGE_COLUMNS, NODE_COLUMNS, PRIMEKG_RELATIONS, FloatArray, IntArray
from hgt_repurposing.graph.settings import Treated
from hgt_repurposing.repurposing.candidate_ranking import rank_candidates
from hgt_repurposing.repurposing.candidates import Candidates
from hgt_repurposing.repurposing.inputs import PairInputs
from hgt_repurposing.repurposing.learning import Classifiers
from hgt_repurposing.repurposing.model import RepurposingModel, fit_repurposing_model
from hgt_repurposing.repurposing.params import CandidateParams
from hgt_repurposing.repurposing.scorer import Block, Scorer
from hgt_repurposing_tests.conftest import TOY_EDGES, TOY_NODES
from hgt_repurposing_tests.repurposing.planted import (
    NUM_DISEASES,
    QUICK,
    planted_graph,
    planted_inputs,
    planted_split,
)

# Rows D1 D2 D3, columns diseases 1 2 3.
LOG_ODDS = logit(np.array([[0.9, 0.1, 0.5], [0.2, 0.8, 0.5], [0.7, 0.3, 0.5]]))


def toy(edges: Sequence[tuple[str, ...]] = TOY_EDGES, nodes: Sequence[tuple[str, ...]] = TOY_NODES) -> KnowledgeGraph:
    return build_knowledge_graph(
        pd.DataFrame(nodes, columns=list(NODE_COLUMNS)),
        pd.DataFrame(edges, columns=list(EDGE_COLUMNS)),
        therapeutic=PRIMEKG_RELATIONS,
    )


GRAPH = toy()


@cache
def inputs() -> PairInputs:
    return planted_inputs(GRAPH)


def ranked(
    log_odds: FloatArray = LOG_ODDS,
    *,
    against: FloatArray | None = None,
    top_k: int = 100,
    graph: KnowledgeGraph | None = None,
    blocks: Sequence[Sequence[int]] = ((0, 1, 2),),
    on_block: Callable[[int], None] = lambda _: None,
) -> Candidates:
    """Ranked by these log odds of an indication, and of a contraindication if there are any, instead of a model's."""
    table = log_odds[None] if against is None else np.stack([log_odds, against])

    class Said(Scorer):
        def blocks(self, diseases: IntArray) -> Iterator[Block]:
            for block in blocks:
                yield Block(diseases[list(block)], table[:, :, list(block)])

    nothing = csr_array(GRAPH.grid_shape)
    said = Said(Classifiers({}, (), 2), {}, Treated.of(nothing), inputs().vectors, 1 + len(table))
    return rank_candidates(said, graph or GRAPH, CandidateParams(top_k=top_k), on_block=on_block)


def column(of: Candidates, disease: str, name: str) -> list[object]:
    return list(of.table.loc[of.table["disease_id"] == disease, name])


def test_every_disease_lists_its_drugs_best_first() -> None:
    found = ranked()
    assert column(found, "1", "drug_id") == ["D1", "D3", "D2"]
    assert column(found, "2", "drug_id") == ["D2", "D3", "D1"]
    assert column(found, "1", "score") == pytest.approx([0.9, 0.7, 0.2])


def test_ties_rank_in_the_order_of_drug_ids() -> None:
    assert column(ranked(), "3", "drug_id") == ["D1", "D2", "D3"]


def test_rows_are_sorted_by_disease_and_rank() -> None:
    table = ranked().table
    assert list(zip(table["disease_id"], table["rank"], strict=True)) == [(d, r) for d in "123" for r in (1, 2, 3)]


def test_the_table_has_its_columns() -> None:
    expected = ["disease_id", "disease_name", "rank", "drug_id", "drug_name", "score", "contraindication_score"]
    assert list(ranked().table.columns) == [*expected, "known", "status", "drug_evidence", "disease_evidence"]


def test_every_drug_has_the_probability_that_it_harms() -> None:
    harms = logit(np.array([[0.01, 0.02, 0.03], [0.04, 0.05, 0.06], [0.07, 0.08, 0.09]]))
    found = ranked(against=harms)
    assert column(found, "1", "drug_id") == ["D1", "D3", "D2"]
    assert column(found, "1", "contraindication_score") == pytest.approx([0.01, 0.07, 0.04])


def test_without_contraindications_that_probability_is_missing() -> None:
    assert ranked().table["contraindication_score"].isna().all()


def test_names_are_those_of_the_graph() -> None:
    first = ranked().table.iloc[0]
    assert (first["disease_name"], first["drug_name"]) == ("renal torvosis", "Velotinib")


@pytest.mark.parametrize("top_k", [1, 2, 3])
def test_no_more_than_top_k_are_listed(top_k: int) -> None:
    assert column(ranked(top_k=top_k), "1", "rank") == list(range(1, top_k + 1))


def test_a_top_k_above_the_number_of_drugs_lists_all() -> None:
    assert len(ranked(top_k=1000).table) == 9


def test_known_pairs_keep_their_place_and_are_marked() -> None:
    found = ranked()
    assert column(found, "1", "status") == ["indication", "contraindication", "new"]
    assert column(found, "2", "status") == ["indication", "new", "indication"]
    assert column(found, "3", "status") == ["new", "new", "off-label"]


def test_known_means_indicated() -> None:
    table = ranked().table
    assert table.loc[table["known"], "status"].unique().tolist() == ["indication"]
    assert table["known"].sum() == 3


@pytest.mark.parametrize(
    ("said", "status"),
    [
        (["contraindication", "off-label use"], "contraindication"),
        (["off-label use", "indication", "contraindication"], "indication"),
    ],
)
def test_the_stronger_word_counts_where_a_graph_says_several(said: list[str], status: str) -> None:
    more = [("drug", "D2", relation, "disease", "3") for relation in said]
    assert column(ranked(graph=toy([*TOY_EDGES, *more])), "3", "status")[1] == status


def test_a_pair_joined_by_a_relation_that_nobody_named_is_not_new() -> None:
    more = [("drug", "D2", "palliates", "disease", "1"), ("disease", "1", "listed with", "drug", "D1")]
    found = ranked(graph=toy([*TOY_EDGES, *more]))
    assert column(found, "1", "status") == ["indication", "contraindication", "other"]
    assert not column(found, "1", "known")[2]


def test_drugs_without_any_known_pair_are_all_new() -> None:
    found = ranked()
    rows = found.table[(found.table["drug_id"] == "D2") & (found.table["disease_id"] != "2")]
    assert rows["status"].tolist() == ["new", "new"]


def test_namesakes_stay_apart() -> None:
    nodes = [(t, i, "renal torvosis" if t == "disease" and i == "3" else name) for t, i, name in TOY_NODES]
    found = ranked(graph=toy(nodes=nodes))
    assert column(found, "1", "drug_id") == ["D1", "D3", "D2"]
    assert column(found, "3", "drug_id") == ["D1", "D2", "D3"]
    assert found.of_disease("renal torvosis")["disease_id"].tolist() == ["1", "1", "1", "3", "3", "3"]


def test_a_disease_is_found_by_id_and_by_name() -> None:
    found = ranked()
    pd.testing.assert_frame_equal(found.of_disease("2"), found.of_disease("hepatic falitis"))
    assert found.of_disease("2")["drug_id"].tolist() == ["D2", "D3", "D1"]


def test_an_unknown_disease_is_named() -> None:
    with pytest.raises(ValueError, match="no disease in the candidate list has the id or name 'gout'"):
        ranked().of_disease("gout")


@pytest.mark.parametrize("blocks", [[[0], [1], [2]], [[2], [0, 1]], [[1, 2], [0]]], ids=str)
def test_ranking_in_blocks_of_any_order_changes_nothing(blocks: list[list[int]]) -> None:
    pd.testing.assert_frame_equal(ranked(blocks=blocks).table, ranked().table)


def test_every_disease_is_reported_once() -> None:
    done: list[int] = []
    ranked(on_block=done.append)
    assert sum(done) == 3


def known_of(found: Candidates, what: str) -> dict[str, str]:
    return dict(zip(found.table[f"{what}_id"], found.table[f"{what}_evidence"], strict=True))


def test_a_list_says_what_the_graph_knows_of_drugs_and_diseases() -> None:
    gone = {("drug", "D3", "drug_protein"), ("disease", "2", "disease_protein"), ("drug", "D3", "off-label use")}
    edges = [edge for edge in TOY_EDGES if edge[:3] not in gone]
    edges.append(("drug", "D3", "off-label use", "disease", "1"))
    found = ranked(graph=toy(edges))
    assert known_of(found, "drug") == {"D1": "evidence", "D2": "evidence", "D3": "treatments only"}
    assert known_of(found, "disease") == {"1": "evidence", "2": "treatments only", "3": "nothing"}


def test_a_list_without_a_column_is_refused() -> None:
    with pytest.raises(
        ValueError, match=r"a candidate list must have the columns .* \(got none called 'drug_evidence'"
    ):
        Candidates(ranked().table.drop(columns="drug_evidence"))


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("rank", [0, 1, 2] * 3, r"column 'rank' must be at least 1 \(got 0 in row 1\)"),
        ("rank", 1, r"must have each disease_id, rank once \(got 1, 1 again in row 2\)"),
        ("score", 1.5, r"column 'score' must be between 0 and 1 \(got 1.5 in row 1\)"),
        ("score", np.nan, r"column 'score' must have no missing value \(got one in row 1\)"),
        ("known", "no", r"column 'known' must be bool \(got str\)"),
        ("status", "maybe", r"column 'status' must be one of new, .*, indication \(got 'maybe' in row 1\)"),
        ("drug_evidence", "some", r"column 'drug_evidence' must be one of evidence, .* \(got 'some' in row 1\)"),
    ],
)
def test_a_list_that_breaks_a_rule_is_refused(column: str, value: Any, said: str) -> None:
    with pytest.raises(ValueError, match=rf"^a candidate list:? {said}$"):
        Candidates(ranked().table.assign(**{column: value}))


def test_vectors_of_another_training_are_refused() -> None:
    model = RepurposingModel(Classifiers({}, (), 2), QUICK, split_digest="", vectors_digest="another")
    with pytest.raises(ValueError, match=r"the model was fitted on other embeddings$"):
        Scorer.of_model(model, inputs())


def test_parts_round_trip() -> None:
    found = ranked()
    pd.testing.assert_frame_equal(Candidates.from_parts(found.to_parts()).table, found.table)


def test_a_fitted_model_lists_its_own_scores() -> None:
    graph = planted_graph(contraindications=True)
    own = planted_inputs(graph)
    model = fit_repurposing_model(own, planted_split(graph), QUICK)
    scorer = Scorer.of_model(model, own)
    table = rank_candidates(scorer, graph, CandidateParams(top_k=5)).table
    scores = expit(scorer.grid(np.arange(NUM_DISEASES)))
    drug, disease = table["drug_id"].astype(int), table["disease_id"].astype(int)
    np.testing.assert_array_equal(table["score"], scores[0, drug, disease])
    np.testing.assert_array_equal(table["contraindication_score"], scores[1, drug, disease])
    assert (table["rank"] == np.tile(np.arange(1, 6), NUM_DISEASES)).all()
    assert table.loc[table["rank"] == 1, "score"].to_numpy() == pytest.approx(scores[0].max(axis=0))


@given(hnp.arrays(np.float64, (3, 3), elements=st.integers(0, 2).map(float)), st.integers(1, 4))
def test_lists_agree_with_sorting_by_score_and_then_by_drug(scores: FloatArray, top_k: int) -> None:
    found = ranked(scores, top_k=top_k)
    for disease in range(3):
        best = sorted(range(3), key=lambda drug: (-scores[drug, disease], drug))[:top_k]
        assert column(found, str(disease + 1), "drug_id") == [f"D{drug + 1}" for drug in best]
