from dataclasses import replace

import pytest

from hgt_repurposing.repurposing.candidates import Candidates
from hgt_repurposing.summary import WIDTH, summary_text
from hgt_repurposing_tests.evaluations import evaluated
from hgt_repurposing_tests.test_report import TOY_LIST, listed


def test_the_summary_lists_the_ten_best_new_candidates() -> None:
    lines = summary_text(evaluated(), listed(TOY_LIST, num_filler=12)).splitlines()
    assert lines[0].startswith("Best new candidates for hepatic falitis (2)")
    assert lines[3].split() == ["rank", "drug", "id", "probability"]
    assert lines[4].split() == ["3", "Belustat", "id", "of", "Belustat", "25", "%"]
    assert [line.split()[0] for line in lines[4:14]] == ["3", *(str(100 + i) for i in range(9))]
    assert lines[14] == ""


def test_the_summary_takes_the_disease_with_the_most_known_treatments_and_of_equals_the_first_by_name() -> None:
    tied = [("1", 1, "A", "indication"), ("2", 1, "A", "indication"), ("3", 1, "A", "new"), ("1", 2, "B", "new")]
    assert "hepatic falitis" in summary_text(evaluated(), listed(tied)).splitlines()[0]


@pytest.mark.parametrize("disease", ["3", "ocular holemia"])
def test_the_summary_finds_a_disease_by_id_or_name(disease: str) -> None:
    text = summary_text(evaluated(), listed(TOY_LIST), disease)
    assert text.startswith("Best new candidates for ocular holemia (3)")


def test_of_namesakes_the_summary_shows_one() -> None:
    table = listed(TOY_LIST).table.assign(disease_name="torvosis")
    text = summary_text(evaluated(), Candidates(table), "torvosis")
    assert text.startswith("Best new candidates for torvosis (1)")
    assert text.count("Belustat") == text.count("Velotinib") == 0
    assert text.splitlines()[1:3] == ["another disease of this name: 2", "another disease of this name: 3"]


def test_an_unknown_disease_is_named() -> None:
    with pytest.raises(ValueError, match="no disease has the id or the name 'gout'"):
        summary_text(evaluated(), listed(TOY_LIST), "gout")


def test_a_disease_is_found_whatever_the_case_of_its_letters() -> None:
    assert summary_text(evaluated(), listed(TOY_LIST), "Ocular HOLEMIA").startswith(
        "Best new candidates for ocular holemia (3)"
    )


def test_names_close_to_a_misspelt_one_are_offered() -> None:
    with pytest.raises(ValueError, match="in the candidate list; close to it: 'ocular holemia'"):
        summary_text(evaluated(), listed(TOY_LIST), "occular holemia")


def test_the_summary_says_when_nothing_is_new() -> None:
    text = summary_text(evaluated(), listed([("2", 1, "Zanolone", "indication")]))
    assert "none: the graph already says something of every drug in its list (1)" in text


def test_the_summary_has_the_model_its_best_floor_and_popularity_and_the_figures_in_it() -> None:
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
    lines = summary_text(evaluated(), listed(TOY_LIST, risk=0.0004)).splitlines()
    assert lines[3].split()[-1] == "contraindicated"
    assert lines[4].split()[-5:] == ["25", "%", "<", "0.1", "%"]


def test_the_tables_of_the_summary_are_aligned_and_fit_a_terminal() -> None:
    long = [("2", 1, "x" * 300, "new"), ("2", 22, "short", "new")]
    table = listed(long, risk=0.1).table.assign(disease_name="y" * 300, disease_id="z" * 300)
    evaluation = evaluated(splits=("disease", "pair", "drug", "disease_group", "external"))
    longest = {"scorer": {"drug degree": "logistic regression over floors"}}
    folds, diseases = evaluation.folds.replace(longest), evaluation.diseases.replace(longest)
    lines = summary_text(replace(evaluation, folds=folds, diseases=diseases), Candidates(table)).splitlines()
    assert max(map(len, lines)) <= WIDTH
    assert [line[:6] for line in lines[3:6]] == ["rank  ", "   1  ", "  22  "]
    assert len({len(line) for line in lines[3:6]}) == 1
    assert len({len(line) for line in lines if line.startswith(("split", "disease", "pair", "drug "))}) == 1


def test_a_name_cannot_command_the_terminal() -> None:
    text = summary_text(evaluated(), listed([("2", 1, "\x1b[2J\nDrug", "new")]))
    assert "\x1b" not in text
    assert " [2J Drug" in text


def test_without_an_evaluation_the_list_is_shown_with_a_warning() -> None:
    text = summary_text(None, listed(TOY_LIST), "3")
    assert text.startswith("Best new candidates for ocular holemia (3)")
    assert text.splitlines()[-1].startswith("WARNING: not evaluated")


def test_the_summary_ends_with_the_headline() -> None:
    evaluation = evaluated()
    assert " ".join(summary_text(evaluation, listed(TOY_LIST)).split()).endswith(evaluation.headline())


def test_the_summary_warns_of_a_model_that_loses() -> None:
    evaluation = evaluated(floor=0.5)
    said = " ".join(summary_text(evaluation, listed(TOY_LIST)).split())
    assert said.endswith(f"WARNING: {evaluation.headline()}")
