from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.special import expit, logit

from hgt_repurposing.graph.attributes import attributes_by_id, attributes_of
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph, build_knowledge_graph
from hgt_repurposing.graph.schema import EDGE_COLUMNS, NODE_COLUMNS, PRIMEKG_RELATIONS, FloatArray
from hgt_repurposing.repurposing import candidate_ranking
from hgt_repurposing.repurposing.candidate_ranking import rank_candidates
from hgt_repurposing.repurposing.candidates import Candidates
from hgt_repurposing.repurposing.inputs import PairInputs
from hgt_repurposing.repurposing.learning import Classifiers
from hgt_repurposing.repurposing.model import RepurposingModel, fit_repurposing_model
from hgt_repurposing.repurposing.params import CandidateParams
from hgt_repurposing.repurposing.score_grid import ScoreGrid, ids_of
from hgt_repurposing.repurposing.scorer import Scorer, score_all_pairs
from hgt_repurposing.storage.artifacts import read_artifact, write_artifact
from hgt_repurposing.storage.manifest import Provenance
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


def grid_of(log_odds: FloatArray, against: FloatArray | None = None, spread: float = 0.0) -> ScoreGrid:
    known = np.full_like(log_odds, np.nan) if against is None else against
    values = (array.astype(np.float32) for array in (log_odds, np.full_like(log_odds, spread), known))
    return ScoreGrid(*ids_of(GRAPH), *values)


def ranked(
    log_odds: FloatArray = LOG_ODDS,
    *,
    against: FloatArray | None = None,
    spread: float = 0.0,
    top_k: int = 100,
    top_k_by_drug: int = 20,
    graph: KnowledgeGraph | None = None,
) -> Candidates:
    """Ranked by these log odds of an indication, and of a contraindication if there are any, instead of a model's."""
    params = CandidateParams(top_k=top_k, top_k_by_drug=top_k_by_drug)
    return rank_candidates(grid_of(log_odds, against, spread), graph or GRAPH, inputs().neighbourhoods, params)


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
    assert " ".join(ranked().table.columns) == (
        "disease_id disease_name rank drug_id drug_name score score_lower score_upper percentile corrected_rank "
        "contraindication_score known status setting evidence drug_degree disease_degree drug_evidence disease_evidence"
    )
    assert list(ranked().by_drug.columns)[:5] == ["drug_id", "drug_name", "rank", "disease_id", "disease_name"]
    assert set(ranked().by_drug.columns) == set(ranked().table.columns)


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
    with pytest.raises(ValueError, match="no disease has the id or name 'gout'"):
        ranked().of_disease("gout")


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
        Candidates(ranked().table.drop(columns="drug_evidence"), ranked().by_drug)


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
        Candidates(ranked().table.assign(**{column: value}), ranked().by_drug)


def test_vectors_of_another_training_are_refused() -> None:
    model = RepurposingModel(Classifiers({}, (), 2), QUICK, split_digest="", vectors_digest="another")
    with pytest.raises(ValueError, match=r"the model was fitted on other embeddings$"):
        Scorer.of_model(model, inputs())


def test_parts_round_trip() -> None:
    found = ranked()
    again = Candidates.from_parts(found.to_parts())
    pd.testing.assert_frame_equal(again.table, found.table)
    pd.testing.assert_frame_equal(again.by_drug, found.by_drug)


def test_a_fitted_model_lists_its_own_scores() -> None:
    graph = planted_graph(contraindications=True)
    own = planted_inputs(graph)
    model = fit_repurposing_model(own, planted_split(graph), QUICK)
    scorer = Scorer.of_model(model, own)
    grid = score_all_pairs(scorer, graph)
    table = rank_candidates(grid, graph, own.neighbourhoods, CandidateParams(top_k=5)).table
    scores = expit(scorer.grid(np.arange(NUM_DISEASES)))
    drug, disease = table["drug_id"].astype(int), table["disease_id"].astype(int)
    np.testing.assert_allclose(table["score"], scores[0, drug, disease], rtol=1e-5)  # kept in single precision
    np.testing.assert_allclose(table["contraindication_score"], scores[1, drug, disease], rtol=1e-5)
    assert (table["rank"] == np.tile(np.arange(1, 6), NUM_DISEASES)).all()
    assert table.loc[table["rank"] == 1, "score"].to_numpy() == pytest.approx(scores[0].max(axis=0))


# by drug


def test_every_drug_lists_its_diseases_best_first() -> None:
    found = ranked().by_drug
    assert found.groupby("drug_id")["disease_id"].agg("".join).to_dict() == {"D1": "132", "D2": "231", "D3": "132"}
    assert found["rank"].tolist() == [1, 2, 3] * 3
    assert found.loc[found["drug_id"] == "D1", "score"].to_numpy() == pytest.approx([0.9, 0.5, 0.1])


def test_both_lists_say_the_same_of_a_pair() -> None:
    key = ["drug_id", "disease_id"]
    columns = [name for name in ranked().table.columns if name not in ("rank", "corrected_rank")]
    mine, other = (found.sort_values(key, ignore_index=True)[columns] for found in (ranked().table, ranked().by_drug))
    pd.testing.assert_frame_equal(mine, other)


def test_lists_of_a_drug_have_a_length_of_their_own() -> None:
    found = ranked(top_k=3, top_k_by_drug=1)
    assert (len(found.table), len(found.by_drug)) == (9, 3)


# beside the score


def test_an_interval_is_two_standard_deviations_of_the_ensemble_wide() -> None:
    first = ranked(spread=0.5).table.iloc[0]
    assert first["score_lower"] == pytest.approx(expit(logit(0.9) - 1))
    assert first["score_upper"] == pytest.approx(expit(logit(0.9) + 1))


def test_a_percentile_counts_the_pairs_with_a_lower_score() -> None:
    table = ranked().table
    found = dict(zip(zip(table["drug_id"], table["disease_id"], strict=True), table["percentile"], strict=True))
    assert found["D1", "1"] == pytest.approx(800 / 9)
    assert found["D1", "2"] == 0
    assert found["D1", "3"] == found["D2", "3"] == pytest.approx(300 / 9)  # of .1 .2 .3 .5 .5 .5 .7 .8 .9


def test_a_drug_that_scores_high_everywhere_is_not_first_once_that_is_taken_off() -> None:
    # D1 is always likely, D2 for disease 1 more than for any other.
    found = ranked(np.array([[3.0, 3.0, 3.0], [2.0, -2.0, -2.0], [0.0, 0.0, 0.0]])).table
    of_first = found[found["disease_id"] == "1"]
    assert of_first["drug_id"].tolist() == ["D1", "D2", "D3"]
    assert of_first["corrected_rank"].tolist() == [2, 1, 3]


def test_diseases_with_and_without_a_treatment_are_corrected_apart() -> None:
    """Other classifiers score them: disease 3 alone has no treatment, so nothing is left to tell its drugs apart."""
    found = ranked(np.array([[1.0, 2.0, 9.0], [0.0, 4.0, 3.0], [0.0, 0.0, 5.0]])).table
    assert found.loc[found["disease_id"] == "3", "drug_id"].tolist() == ["D1", "D3", "D2"]
    assert found.loc[found["disease_id"] == "3", "corrected_rank"].tolist() == [1, 3, 2]  # ties, by id
    assert found.loc[found["disease_id"] == "1", "drug_id"].tolist() == ["D1", "D2", "D3"]
    assert found.loc[found["disease_id"] == "1", "corrected_rank"].tolist() == [2, 3, 1]  # -.5, -2 and 0


def test_a_setting_says_which_end_has_a_known_treatment() -> None:
    table = ranked().table
    found = dict(zip(zip(table["drug_id"], table["disease_id"], strict=True), table["setting"], strict=True))
    assert found["D1", "1"] == found["D2", "1"] == "warm pair"
    assert found["D1", "3"] == "cold disease"
    assert found["D3", "1"] == "cold drug"
    assert found["D3", "3"] == "cold pair"


def test_degrees_count_all_edges() -> None:
    table = ranked().table
    assert dict(zip(table["drug_id"], table["drug_degree"], strict=True)) == {"D1": 3, "D2": 2, "D3": 3}
    assert dict(zip(table["disease_id"], table["disease_degree"], strict=True)) == {"1": 3, "2": 3, "3": 1}


def test_scores_of_another_graph_are_refused() -> None:
    other = replace(grid_of(LOG_ODDS), drug_ids=pd.Index(["D1", "D2", "D4"]))
    with pytest.raises(ValueError, match=r"scores of \(3, 3\) drugs and diseases are not of this graph"):
        rank_candidates(other, GRAPH, inputs().neighbourhoods, CandidateParams())


@pytest.mark.parametrize("cells_at_once", [1, 3, 4, 100])
def test_ranking_in_blocks_changes_nothing(cells_at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = ranked()
    monkeypatch.setattr(candidate_ranking, "CELLS_AT_ONCE", cells_at_once)
    pd.testing.assert_frame_equal(ranked().table, whole.table)
    pd.testing.assert_frame_equal(ranked().by_drug, whole.by_drug)


@given(hnp.arrays(np.float64, (3, 3), elements=st.integers(0, 2).map(float)), st.integers(1, 4))
def test_lists_agree_with_sorting_by_score_and_then_by_drug(scores: FloatArray, top_k: int) -> None:
    found = ranked(scores, top_k=top_k)
    for disease in range(3):
        best = sorted(range(3), key=lambda drug: (-scores[drug, disease], drug))[:top_k]
        assert column(found, str(disease + 1), "drug_id") == [f"D{drug + 1}" for drug in best]


# what is listed

WITH_ATTRIBUTES = replace(
    GRAPH,
    attributes=attributes_of(
        pd.DataFrame(
            [("drug", "D1", "no", "A1"), ("drug", "D2", "yes", "A2"), ("drug", "D3", "yes", None)],
            columns=["node_type", "node_id", "approved", "atc"],
        )
    ),
)


def restricted(graph: KnowledgeGraph = WITH_ATTRIBUTES, **params: Any) -> Candidates:  # Any: settings
    grid = grid_of(LOG_ODDS)
    return rank_candidates(grid, graph, inputs().neighbourhoods, CandidateParams(**params))


def test_lists_hold_the_best_of_those_that_are_chosen_with_their_ranks_among_all() -> None:
    found = restricted(drug_attributes={"approved": ["yes"]})
    every = ranked()
    assert column(found, "1", "drug_id") == ["D3", "D2"]
    assert column(found, "1", "rank") == [2, 3]
    rows = every.table[every.table["drug_id"] != "D1"].reset_index(drop=True)
    pd.testing.assert_frame_equal(found.table, rows)
    pd.testing.assert_frame_equal(found.by_drug, every.by_drug)
    assert column(restricted(drug_attributes={"approved": ["yes"]}, top_k=1), "1", "rank") == [2]


def test_diseases_are_chosen_for_the_lists_by_drug(tmp_path: Path) -> None:
    mine = tmp_path / "mine.txt"
    mine.write_text("# ours\n3\n1\n")
    found = restricted(only_diseases=str(mine), drug_attributes={"atc": ["A1*"]})
    assert found.by_drug.loc[found.by_drug["drug_id"] == "D2", ["rank", "disease_id"]].to_numpy().tolist() == [
        [2, "3"],
        [3, "1"],
    ]
    assert set(found.table["disease_id"]) == {"1", "2", "3"}
    assert found.chosen == {
        "drug": ("drugs with atc A1* (1 of 3 drugs have no value)",),
        "disease": ("the 2 diseases of mine.txt",),
    }


def test_what_is_listed_and_the_attributes_are_stored_with_the_lists(tmp_path: Path) -> None:
    found = restricted(drug_attributes={"approved": ["yes"]})
    write_artifact(tmp_path, "lists", found.to_parts(), Provenance())
    again = Candidates.from_parts(read_artifact(tmp_path, "lists"))
    assert again.chosen == {"drug": ["drugs with approved yes"]}
    pd.testing.assert_frame_equal(again.attributes, found.attributes)
    assert attributes_by_id(again.attributes_of("drug"))["D2"] == {"approved": "yes", "atc": "A2"}
    assert again.attributes_of("disease").empty
    assert len(ranked().to_parts()) == 4  # as before there were attributes


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"drug_attributes": {"aproved": ["yes"]}}, "drugs have no attribute 'aproved': did you mean 'approved'"),
        ({"drug_attributes": {"approved": ["maybe"]}}, "no drug has 'maybe' as approved; values found: 'no', 'yes'"),
        ({"disease_attributes": {"approved": ["yes"]}}, "diseases have no attribute 'approved': no disease has"),
        (
            {"drug_attributes": {"approved": ["no"], "atc": ["A2"]}},
            r"no drug is left to list: drugs with approved no, and drugs with atc A2 \(1 of 3",
        ),
        ({"only_drugs": "/no/such/file"}, "No such file"),
    ],
)
def test_a_choice_that_cannot_be_is_refused(params: dict[str, Any], said: str) -> None:
    with pytest.raises((ValueError, FileNotFoundError), match=said):
        restricted(**params)


def test_values_of_attributes_are_texts() -> None:
    assert CandidateParams.model_validate({"drug_attributes": {"phase": [4, "4+"]}}).drug_attributes == {
        "phase": ["4", "4+"]
    }
    for wrong, said in (
        ({"approved": [True]}, "write values in quotes, as 'yes' or 'true'"),
        ({"approved": []}, "name at least one value of the attribute 'approved'"),
    ):
        with pytest.raises(ValueError, match=said):
            CandidateParams.model_validate({"drug_attributes": wrong})
