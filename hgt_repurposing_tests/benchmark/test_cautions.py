"""What a reader of the lists has to be careful about."""

from dataclasses import replace

import pandas as pd
import pytest

from hgt_repurposing.baselines.rules import RANDOM
from hgt_repurposing.benchmark.cautions import (
    NOT_EVALUATED,
    Caution,
    baselines_alone,
    cautions_of_graph,
    cautions_of_results,
    consequence,
)
from hgt_repurposing.benchmark.results import Evaluation
from hgt_repurposing.embeddings.validation import Measure, ValidationReport, ValidationThresholds, validate_embeddings
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing_tests.benchmark.evaluations import evaluated
from hgt_repurposing_tests.benchmark.grids_by_hand import whole_grid
from hgt_repurposing_tests.graph.small_graphs import graph_of
from hgt_repurposing_tests.report.test_plots import embedded, gaussian

WINS = (0.5, 0.5, 0.6)


def found(evaluation: Evaluation | None, validation: ValidationReport | None = None) -> dict[str, Caution]:
    return {each.title: each for each in cautions_of_results(evaluation, validation, num_drugs=400)}


def winner(**figures: object) -> Evaluation:
    """Ahead everywhere but for these figures on the whole grid, without a drug that is in most lists."""
    evaluation = evaluated(WINS, num_diseases=6)
    frequent = evaluation.frequent.assign(num_lists=1.0)
    return replace(evaluation, frequent=frequent, whole_grid=whole_grid(**figures))  # type: ignore[arg-type]


def test_of_a_model_that_wins_nothing_is_said() -> None:
    assert found(winner()) == {}


def test_lists_that_were_not_evaluated_say_nothing_else() -> None:
    assert found(None) == {NOT_EVALUATED.title: NOT_EVALUATED}


@pytest.mark.parametrize(
    ("lead", "title", "is_grave"),
    [
        (-0.1, "The scores are worse than those of a simple rule", True),
        (0.0, "The scores are not shown to be better than those of a simple rule", False),
    ],
)
def test_a_model_that_is_not_ahead_is_said_with_places_and_what_follows(
    lead: float, title: str, *, is_grave: bool
) -> None:
    evaluation = winner(lead=lead)
    said = found(evaluation)[title]
    assert said.is_grave == is_grave
    assert "On the whole grid: AUROC" in said.text
    assert said.text.endswith(consequence(evaluation.headline_leads[0]))


def test_too_little_held_out_is_no_noise() -> None:
    assert "Too little was held out to tell what the scores are worth" in found(evaluated(WINS[:1], num_diseases=2))


def test_without_the_usual_rules_a_lead_says_little() -> None:
    said = found(evaluated(WINS, num_diseases=6, left_out={"drug-gene-disease paths": "no drug has a gene"}))
    assert "check first that the gene relations" in said["The rules that are usually best could not be computed"].text


def test_the_gravest_comes_first() -> None:
    titles = list(found(replace(winner(lead=-0.1), not_measured={"drug": "too few drugs"})))
    assert titles[0] == "The scores are worse than those of a simple rule"
    assert titles[-1] == "Not everything was measured"


def test_what_was_not_measured_is_said_with_the_reason() -> None:
    said = found(replace(winner(), not_measured={"drug": "too few drugs"}))
    assert said["Not everything was measured"].text == "Drugs held out: not measured (too few drugs)."


def test_without_the_whole_grid_nobody_knows_whether_probabilities_are_right() -> None:
    assert "set deployment_folds" in found(evaluated(WINS))["It is not known whether the probabilities are right"].text


def test_probabilities_that_are_too_high_are_said_to_be_with_the_numbers() -> None:
    said = found(winner(expected=10.0))["The probabilities are poorly calibrated"].text
    assert "fewer treatments were found than expected" in said
    assert "so probabilities are too high" in said


def test_lists_that_follow_popularity_are_grave() -> None:
    said = found(evaluated(WINS, spearman=0.95, matched=0.52))["The lists say little beyond popularity"]
    assert said.is_grave
    assert "follow how well known a drug is (Spearman correlation with known uses +0.95)" in said.text


def test_settings_of_baselines_alone_are_named() -> None:
    rows = [
        ("warm pair", "trees", True, 0.004),
        ("warm pair", RANDOM.name, False, 0.996),
        ("cold drug", "trees", True, 0.9),
        ("cold pair", RANDOM.name, False, 1.0),
    ]
    parts = pd.DataFrame(rows, columns=["setting", "score", "is_learned", "share"])
    assert baselines_alone(parts) == ["warm pair", "cold pair"]
    said = found(replace(winner(), score_parts=parts))["Some scores are those of simple rules"].text
    assert said.startswith("In the settings warm pair, cold pair, a blend of baselines alone")


def test_embeddings_that_are_not_good_are_said_to_be_by_what() -> None:
    report = validate_embeddings(embedded(gaussian(50, 40)), ValidationThresholds())
    weak = Measure(name="mean cosine similarity", value=0.61, bound="good below 0.5", verdict="borderline")
    some = report.model_copy(update={"verdict": "borderline", "measures": (weak, *report.measures[1:2])})
    said = found(winner(), some)["The embeddings are borderline"]
    assert said.text == (
        "The vectors of nodes are more alike than they should be, by 1 of 2 measures: "
        "mean cosine similarity: 0.61 (good below 0.5)."
    )
    assert not said.is_grave
    broken = some.model_copy(update={"verdict": "broken"})
    assert found(winner(), broken)["The embeddings are broken"].is_grave
    assert found(winner(), report.model_copy(update={"verdict": "good"})) == {}


def known(num_diseases: int, num_treated: int, num_drugs: int = 30) -> KnowledgeGraph:
    """Every drug treats the first diseases; all have a gene."""
    pairs = [(drug, disease) for drug in range(num_drugs) for disease in range(num_treated)]
    return graph_of(
        {"drug": num_drugs, "disease": num_diseases, "gene": 1},
        {
            ("drug", "indication", "disease"): pairs,
            ("drug", "binds", "gene"): [(drug, 0) for drug in range(num_drugs)],
            ("disease", "associates", "gene"): [(disease, 0) for disease in range(num_diseases)],
        },
    )


def test_of_a_graph_with_enough_of_all_nothing_is_said() -> None:
    assert cautions_of_graph(known(10, 10)) == []


def test_few_treatments_and_many_untreated_diseases_are_said() -> None:
    titles = {each.title: each.text for each in cautions_of_graph(known(10, 4))}
    assert list(titles) == ["Few known treatments", "Most diseases have no known treatment"]
    assert titles["Few known treatments"].startswith("The graph has 120.")
    assert titles["Most diseases have no known treatment"].startswith("6 of 10.")


def test_what_the_graph_does_not_know_is_counted(toy_graph: KnowledgeGraph) -> None:
    texts = " ".join(f"{each.title}. {each.text}" for each in cautions_of_graph(toy_graph))
    assert "Some diseases are known by treatments only. 1 of 3 has only edges between drugs and diseases" in texts
    assert "Nothing is known about" not in texts
