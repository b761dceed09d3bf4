from dataclasses import replace

import pandas as pd
import pytest

from hgt_repurposing.benchmark.results import Evaluation
from hgt_repurposing.report.summary import MARKS_MEAN, WIDTH, summary_text
from hgt_repurposing_tests.benchmark.evaluations import evaluated
from hgt_repurposing_tests.benchmark.grids_by_hand import whole_grid
from hgt_repurposing_tests.report.test_page import TOY_LIST, listed, usual, without_evidence
from hgt_repurposing_tests.repurposing.lists import candidates_of


def test_the_summary_lists_the_ten_best_new_candidates() -> None:
    lines = summary_text(usual(), listed(TOY_LIST, num_filler=12)).splitlines()
    assert lines[0].startswith("Best new candidates for hepatic falitis (2)")
    assert lines[3].split() == ["rank", "drug", "id", "probability"]
    assert lines[4].split() == ["3", "Belustat", "id", "of", "Belustat", "25", "%"]
    assert [line.split()[0] for line in lines[4:14]] == ["3", *(str(100 + i) for i in range(9))]
    assert lines[14] == ""


def test_the_summary_takes_the_disease_with_the_most_known_treatments_and_of_equals_the_first_by_name() -> None:
    tied = [("1", 1, "A", "indication"), ("2", 1, "A", "indication"), ("3", 1, "A", "new"), ("1", 2, "B", "new")]
    assert "hepatic falitis" in summary_text(usual(), listed(tied)).splitlines()[0]


@pytest.mark.parametrize("disease", ["3", "ocular holemia"])
def test_the_summary_finds_a_disease_by_id_or_name(disease: str) -> None:
    text = summary_text(usual(), listed(TOY_LIST), disease)
    assert text.startswith("Best new candidates for ocular holemia (3)")


def test_of_namesakes_the_summary_shows_one() -> None:
    table = listed(TOY_LIST).table.assign(disease_name="torvosis")
    text = summary_text(usual(), candidates_of(table), "torvosis")
    assert text.startswith("Best new candidates for torvosis (1)")
    assert text.count("Belustat") == text.count("Velotinib") == 0
    assert text.splitlines()[1:3] == ["another disease with this name: 2", "another disease with this name: 3"]


def test_an_unknown_disease_is_named() -> None:
    with pytest.raises(ValueError, match=r"no disease has the id or name 'gout'$"):
        summary_text(usual(), listed(TOY_LIST), "gout")


def test_a_disease_is_found_whatever_the_case_of_its_letters() -> None:
    assert summary_text(usual(), listed(TOY_LIST), "Ocular HOLEMIA").startswith(
        "Best new candidates for ocular holemia (3)"
    )


def test_names_close_to_a_misspelt_one_are_offered() -> None:
    with pytest.raises(ValueError, match="; did you mean ocular holemia"):
        summary_text(usual(), listed(TOY_LIST), "occular holemia")


def test_the_summary_says_when_nothing_is_new() -> None:
    text = summary_text(usual(), listed([("2", 1, "Zanolone", "indication")]))
    assert "none: the graph already links this disease to every drug in its list (1; see top_k)" in text


def test_the_summary_has_the_model_its_best_baseline_and_popularity_and_the_figures_in_it() -> None:
    lines = summary_text(evaluated(splits=("disease", "pair")), listed(TOY_LIST)).splitlines()
    rows = [line.split() for line in lines if line.startswith(("disease", "pair"))]
    assert [row[:2] for row in rows] == [["disease", "model"], ["disease", "drug"], ["pair", "model"], ["pair", "drug"]]
    assert rows[0] == ["disease", "model", "0.400", "±", "0.200", "0.400", "0.800", "0.300", "0.500", "0.700"]


def test_where_drugs_are_held_out_the_summary_shows_the_figure_by_drug() -> None:
    lines = summary_text(evaluated(splits=("disease", "drug")), listed(TOY_LIST)).splitlines()
    assert next(line for line in lines if line.startswith("drug")).split()[:5] == [
        "drug",
        "model",
        "0.200",
        "±",
        "0.100",
    ]


def test_a_contraindication_stands_beside_the_probability_where_the_graph_knows_any() -> None:
    lines = summary_text(usual(), listed(TOY_LIST, risk=0.0004)).splitlines()
    assert lines[3].endswith("known negative")
    assert lines[4].split()[-5:] == ["25", "%", "<", "0.1", "%"]


def test_the_tables_of_the_summary_are_aligned_and_fit_a_terminal() -> None:
    long = [("2", 1, "x" * 300, "new"), ("2", 22, "short", "new")]
    table = listed(long, risk=0.1).table.assign(disease_name="y" * 300, disease_id="z" * 300)
    evaluation = evaluated(splits=("disease", "pair", "drug", "disease_group", "external"))
    longest = {"scorer": {"drug degree": "stacked baselines"}}
    folds, diseases = evaluation.folds.replace(longest), evaluation.diseases.replace(longest)
    lines = summary_text(replace(evaluation, folds=folds, diseases=diseases), candidates_of(table)).splitlines()
    assert max(map(len, lines)) <= WIDTH
    assert [line[:6] for line in lines[3:6]] == ["rank  ", "   1  ", "  22  "]
    assert len({len(line) for line in lines[3:6]}) == 1
    assert len({len(line) for line in lines if line.startswith(("split", "disease", "pair", "drug "))}) == 1


def test_a_name_cannot_command_the_terminal() -> None:
    text = summary_text(usual(), listed([("2", 1, "\x1b[2J\nDrug", "new")]))
    assert "\x1b" not in text
    assert " [2J Drug" in text


def test_a_list_without_evidence_does_not_pretend() -> None:
    lines = summary_text(usual(), without_evidence("3", "nothing"), "3").splitlines()
    assert lines[:2] == [
        "Nothing is known about ocular holemia (3)",
        "ranked by what is usual for drugs, not by evidence",
    ]
    assert "Best new candidates" not in "\n".join(lines)
    assert any("Zanolone" in line for line in lines)


def test_a_disease_known_by_its_treatments_alone_is_said_to_be() -> None:
    lines = summary_text(usual(), without_evidence("2", "treatments only"), "2").splitlines()
    assert lines[:2] == [
        "Best new candidates for hepatic falitis (2)",
        "the graph links this disease to drugs only: treatments, contraindications and the like",
    ]


@pytest.mark.parametrize(("evidence", "mark"), [("nothing", "*"), ("treatments only", "+")])
def test_a_drug_without_evidence_is_marked_and_the_mark_explained(evidence: str, mark: str) -> None:
    lines = summary_text(usual(), without_evidence("2", "evidence", {"Belustat": evidence}), "2").splitlines()
    assert lines[4].split() == ["3", "Belustat", mark, "id", "of", "Belustat", "25", "%"]
    assert lines[5] == MARKS_MEAN[evidence]
    assert lines[5].startswith(f"{mark} the graph ")


def test_a_marked_drug_with_a_long_name_fits_a_terminal() -> None:
    table = listed([("2", 1, "x" * 300, "new"), ("2", 22, "short", "new")], risk=0.1).table
    lines = summary_text(usual(), candidates_of(table.assign(drug_evidence="nothing"))).splitlines()
    assert max(map(len, lines)) <= WIDTH
    assert "… *" in lines[4]


def test_new_drugs_of_one_probability_are_said_to_stand_by_id() -> None:
    table = listed(TOY_LIST).table
    said = "equal probabilities are ordered by id"
    assert said in summary_text(usual(), candidates_of(table.assign(score=0.1)), "3").splitlines()
    assert said not in summary_text(usual(), candidates_of(table), "3").splitlines()


@pytest.mark.parametrize(
    "evaluation",
    [
        evaluated(baseline=0.5),
        evaluated((0.0, 0.1, 0.4)),
        evaluated((0.1, 0.2, 0.9), splits=("drug",)),
        evaluated(left_out={"drug-gene-disease paths": "the graph links no drug to a gene"}),
    ],
)
def test_the_summary_warns_of_every_model_that_is_not_ahead(evaluation: Evaluation) -> None:
    said = " ".join(summary_text(evaluation, listed(TOY_LIST)).split())
    assert said.endswith(f"WARNING: {evaluation.headline()}")


def test_the_summary_does_not_warn_of_a_model_that_is_ahead() -> None:
    for splits in (("disease",), ("drug",), ("pair",)):
        assert "WARNING" not in summary_text(evaluated((0.5, 0.5, 0.6), splits=splits), listed(TOY_LIST))


def test_without_an_evaluation_the_list_is_shown_with_a_warning() -> None:
    text = summary_text(None, listed(TOY_LIST), "3")
    assert text.startswith("Best new candidates for ocular holemia (3)")
    assert text.splitlines()[-1].startswith("WARNING: not evaluated")


def test_the_summary_ends_with_the_headline() -> None:
    evaluation = usual()
    assert " ".join(summary_text(evaluation, listed(TOY_LIST)).split()).endswith(evaluation.headline())


def test_the_whole_grid_comes_first_with_its_settings_and_its_assumption() -> None:
    evaluation = replace(evaluated((0.5, 0.5, 0.6)), whole_grid=whole_grid(num_positives={"cold pair": 0}))
    text = summary_text(evaluation, listed(TOY_LIST))
    lines = text.splitlines()
    assert max(map(len, lines)) <= WIDTH
    rows = {
        " ".join(line.split()[:2]): line.split()[2:] for line in lines if line.startswith(("whole", "cold", "warm"))
    }
    assert rows["whole grid"] == ["4,000", "30.0", "0.900", "+0.100", "0.300", "+0.100", "1.00"]
    assert rows["cold pair"] == ["1,000", "0.0", "-", "-", "-", "-", "0.00"]
    assert list(rows) == ["whole grid", "warm pair", "cold disease", "cold drug", "cold pair"]
    said = " ".join(text.split())
    assert said.index("The whole grid: all pairs") < said.index("It is assumed that") < said.index("Evaluation, mean")
    assert said.endswith(evaluation.headline())
    assert "WARNING" not in said


def test_without_the_whole_grid_the_summary_says_nothing_of_it() -> None:
    text = summary_text(usual(), listed(TOY_LIST))
    assert "whole grid" not in text
    evaluation = replace(usual(), not_measured={"deployment": "too few treatments"})
    assert "Not measured: deployment (too few treatments)" in summary_text(evaluation, listed(TOY_LIST))


def test_the_summary_says_where_baselines_alone_are_used() -> None:
    parts = pd.DataFrame({"setting": ["warm pair"], "score": ["drug kNN"], "is_learned": [False], "share": [1.0]})
    evaluation = replace(usual(), whole_grid=whole_grid(), score_parts=parts)
    said = "warm pair: a blend of baselines alone was found to be best, and is what the list uses"
    assert said in summary_text(evaluation, listed(TOY_LIST)).splitlines()
