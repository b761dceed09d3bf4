import base64
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hgt_repurposing.baselines.catalogue import BASELINES
from hgt_repurposing.benchmark.challenge import Difference, PromotionPolicy
from hgt_repurposing.benchmark.decision import Decision
from hgt_repurposing.benchmark.gate import decide
from hgt_repurposing.benchmark.results import Evaluation
from hgt_repurposing.benchmark.trust import calibration_of
from hgt_repurposing.embeddings.table import Embeddings
from hgt_repurposing.embeddings.validation import ValidationReport, ValidationThresholds, validate_embeddings
from hgt_repurposing.graph.attributes import attributes_of
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph, build_knowledge_graph
from hgt_repurposing.graph.schema import PRIMEKG_RELATIONS
from hgt_repurposing.report import page as module
from hgt_repurposing.report.page import build_report
from hgt_repurposing.report.search_script import script_source
from hgt_repurposing.report.summary import summary_text
from hgt_repurposing.report.what_ran import Origin, RanStep
from hgt_repurposing.repurposing.candidates import Candidates
from hgt_repurposing.storage.artifacts import read_artifact, write_artifact
from hgt_repurposing.storage.html_page import HtmlPage
from hgt_repurposing.storage.manifest import Provenance
from hgt_repurposing_tests.benchmark.evaluations import evaluated
from hgt_repurposing_tests.benchmark.grids_by_hand import whole_grid
from hgt_repurposing_tests.graph.small_graphs import graph_of
from hgt_repurposing_tests.report.test_plots import HISTORY, embedded, gaussian
from hgt_repurposing_tests.repurposing.lists import candidates_of

VOID = {"meta", "img", "br", "hr", "link", "input"}
HOSTILE = '<b>&"'
TREATMENTS = {"1": ("renal torvosis", 1), "2": ("hepatic falitis", 2), "3": ("ocular holemia", 0)}


class Page(HTMLParser):
    """Reads a page and insists that every tag is closed where it should be."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open[-1:] not in (["style"], ["script"]):
            self.text += data

    def of_class(self, name: str) -> list[str]:
        return [tag for tag, attributes in self.tags if name in (attributes.get("class") or "").split()]


def listed(rows: list[tuple[str, int, str, str]], num_filler: int = 0, risk: float = float("nan")) -> Candidates:
    """Candidates from (disease id, rank, drug name, status), and more new drugs after those of disease 2."""
    more = [("2", 100 + i, f"Filler{i}", "new") for i in range(num_filler)]
    table = pd.DataFrame([*rows, *more], columns=["disease_id", "rank", "drug_name", "status"])
    return candidates_of(
        table.assign(
            disease_name=[TREATMENTS[disease][0] for disease in table["disease_id"]],
            drug_id="id of " + table["drug_name"],
            score=1 / (1 + table["rank"]),
            contraindication_score=risk,
            known=table["status"] == "indication",
        )
    )


TOY_LIST = [
    ("1", 1, "Velotinib", "indication"),
    ("1", 2, "Belustat", "contraindication"),
    ("1", 3, "Zanolone", "new"),
    ("2", 1, "Zanolone", "indication"),
    ("2", 2, "Velotinib", "indication"),
    ("2", 3, "Belustat", "new"),
    ("3", 1, "Zanolone", "new"),
    ("3", 2, "Belustat", "off-label"),
    ("3", 3, "Velotinib", "new"),
]


def with_more_drugs(graph: KnowledgeGraph, num_more: int = 37) -> KnowledgeGraph:
    """The same graph with drugs that no edge touches, after its own three."""
    more = [("drug", f"D9{i:02d}", f"more {i}") for i in range(num_more)]
    nodes = pd.concat([graph.nodes, pd.DataFrame(more, columns=graph.nodes.columns, dtype="str")])
    return replace(graph, nodes=nodes.sort_values(["node_type", "node_id"]).reset_index(drop=True))


def with_more_diseases(graph: KnowledgeGraph, num_more: int) -> KnowledgeGraph:
    """The same graph with diseases that no edge touches, after its own three."""
    more = [("disease", f"9{i:02d}", f"more {i}") for i in range(num_more)]
    nodes = pd.concat([graph.nodes, pd.DataFrame(more, columns=graph.nodes.columns, dtype="str")])
    return replace(graph, nodes=nodes.sort_values(["node_type", "node_id"]).reset_index(drop=True))


@cache
def usual() -> Evaluation:
    return evaluated()


@cache
def measured(node_types: tuple[str, ...]) -> tuple[Embeddings, ValidationReport]:
    """Embeddings of these nodes, and what their validation says."""
    embeddings = embedded(gaussian(len(node_types), 4), list(node_types))
    return embeddings, validate_embeddings(embeddings, ValidationThresholds())


def report_on(
    graph: KnowledgeGraph,
    evaluation: Evaluation | None = None,
    candidates: Candidates | None = None,
    *,
    num_diseases_shown: int = 600,
    provenance: dict[str, str] | None = None,
) -> HtmlPage:
    """Of what is usual, where nothing else is given: built once for each graph."""
    if evaluation is None and candidates is None and provenance is None:
        return usual_report(graph, num_diseases_shown, vars(module)["to_png"])
    return built(
        graph,
        evaluation or usual(),
        candidates or listed(TOY_LIST),
        num_diseases_shown=num_diseases_shown,
        provenance=provenance or {"seed": "42"},
    )


@cache
def usual_report(graph: KnowledgeGraph, num_diseases_shown: int, to_png: object) -> HtmlPage:
    """Apart by what draws its pictures."""
    assert vars(module)["to_png"] is to_png
    return built(graph, usual(), listed(TOY_LIST), num_diseases_shown=num_diseases_shown, provenance={"seed": "42"})


def built(
    graph: KnowledgeGraph,
    evaluation: Evaluation,
    candidates: Candidates,
    *,
    num_diseases_shown: int,
    provenance: dict[str, str],
    decision: Decision | None = None,
) -> HtmlPage:
    embeddings, validation = measured(tuple(graph.nodes["node_type"]))
    return build_report(
        graph,
        HISTORY,
        embeddings,
        validation,
        evaluation,
        candidates,
        origin=Origin([RanStep("a_step", "d1ge57", provenance, "0.1.0")], decision),
        num_diseases_shown=num_diseases_shown,
    )


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Empty pictures: drawing them takes most of the time, and most tests read the text."""
    monkeypatch.setattr(module, "to_png", empty_picture)


def empty_picture(draw: object, **size: object) -> bytes:  # noqa: ARG001  (the signature counts)
    return b""


def text_of(html: str) -> str:
    return " ".join(Page(html).text.split())


def test_two_builds_give_the_same_bytes(toy_graph: KnowledgeGraph) -> None:
    first, second = report_on(toy_graph), report_on(toy_graph, usual())  # the second is built anew
    assert first.to_parts() == second.to_parts()


def test_the_report_round_trips_through_its_files(toy_graph: KnowledgeGraph, tmp_path: Path) -> None:
    report = report_on(toy_graph)
    write_artifact(tmp_path, "repurposing_report", report.to_parts(), Provenance())
    assert vars(HtmlPage.from_parts(read_artifact(tmp_path, "repurposing_report"))) == vars(report)
    assert (tmp_path / "repurposing_report.html").read_text(encoding="utf-8") == report.html
    assert (tmp_path / "loss.png").read_bytes() == report.figures["loss.png"]


def test_every_picture_stands_in_the_page_and_nothing_is_loaded_from_elsewhere(toy_graph: KnowledgeGraph) -> None:
    report = report_on(toy_graph, evaluated(splits=("pair", "drug", "disease")))
    page = Page(report.html)
    images = [attributes for tag, attributes in page.tags if tag == "img"]
    assert len(images) == len(report.figures) == 7
    assert all((image["src"] or "").startswith("data:image/png;base64,iVBOR") and image["alt"] for image in images)
    assert not {tag for tag, _ in page.tags} & {"link", "iframe", "object"}
    assert [attributes for tag, attributes in page.tags if tag == "script"] == [{}]
    assert not re.search(r"https?:|url\(|@import", report.html)


@pytest.mark.usefixtures("quick")
def test_the_one_script_is_the_one_that_a_server_may_allow(toy_graph: KnowledgeGraph) -> None:
    (script,) = re.findall(r"<script>(.*?)</script>", report_on(toy_graph).html, flags=re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert script_source() == f"'sha256-{digest}'"


@pytest.mark.usefixtures("quick")
def test_the_search_is_hidden_where_there_is_no_script_and_nothing_else_is(toy_graph: KnowledgeGraph) -> None:
    hidden = [attributes.get("id") for _, attributes in Page(report_on(toy_graph).html).tags if "hidden" in attributes]
    assert hidden == ["search"]


@pytest.mark.usefixtures("quick")
def test_trust_comes_first_then_candidates_who_is_frequent_and_what_ran(toy_graph: KnowledgeGraph) -> None:
    page = Page(report_on(toy_graph, with_grid()).html)
    sections = [attributes["id"] for tag, attributes in page.tags if tag == "section"]
    assert sections == ["trust", "candidates", "frequent", "ran", "evaluation", "embeddings", "graph"]
    targets = {attributes["id"] for _, attributes in page.tags if "id" in attributes}
    links = {str(attributes["href"]) for tag, attributes in page.tags if tag == "a"}
    assert links <= {f"#{target}" for target in targets}


@pytest.mark.usefixtures("quick")
def test_the_way_of_splitting_that_counts_comes_first(toy_graph: KnowledgeGraph) -> None:
    text = text_of(report_on(toy_graph, evaluated(splits=("drug", "pair", "disease"))).html)
    assert text.index("Diseases held out") < text.index("Pairs held out") < text.index("Drugs held out")


@pytest.mark.usefixtures("quick")
def test_a_model_that_loses_to_its_baseline_is_announced_loudly(toy_graph: KnowledgeGraph) -> None:
    evaluation = evaluated(baseline=0.5)
    html = report_on(toy_graph, evaluation).html
    assert Page(html).of_class("behind") == ["div"]
    text = text_of(html)
    assert "Warning: the model is behind its best baseline" in text
    assert evaluation.headline() in text
    assert text.index("is behind the best baseline") < text.index("looked up in its ranking of all drugs")


@pytest.mark.usefixtures("quick")
def test_a_model_that_wins_is_not_warned_about(toy_graph: KnowledgeGraph) -> None:
    html = report_on(toy_graph, evaluated((0.5, 0.5, 0.6))).html
    assert Page(html).of_class("ahead") == ["div"]
    assert "Warning" not in text_of(html)


@pytest.mark.usefixtures("quick")
def test_a_lead_within_its_spread_is_no_win(toy_graph: KnowledgeGraph) -> None:
    html = report_on(toy_graph, evaluated((0.0, 0.1, 0.4))).html
    assert Page(html).of_class("tied") == ["div"]
    assert "could be noise" in text_of(html)


@pytest.mark.usefixtures("quick")
def test_a_single_fold_has_no_spread_and_is_decided_by_its_diseases(toy_graph: KnowledgeGraph) -> None:
    html = report_on(toy_graph, evaluated((0.4,), num_diseases=6)).html
    assert Page(html).of_class("ahead") == ["div"]
    assert "0.400± -" in text_of(html)
    assert "1 fold, each" in text_of(html)


@pytest.mark.usefixtures("quick")
def test_the_best_value_of_every_column_is_bold_also_where_several_are_best(toy_graph: KnowledgeGraph) -> None:
    html = report_on(toy_graph).html
    main, classical = ["0.600", "0.800", "0.300", "0.500", "0.700", "0.800"], ["0.980", "0.970", "0.200"]
    bold = re.findall(r"<strong>(0\.\d{3})</strong>", html)
    assert bold == ["0.400", "0.400", *main * 3, *classical * 3]


@pytest.mark.usefixtures("quick")
def test_the_model_stands_first_and_the_baselines_after_it_by_what_counts(toy_graph: KnowledgeGraph) -> None:
    html = report_on(toy_graph).html
    table = html[html.index("looked up in its ranking") :]
    scorers = re.findall(r"<tr[^>]*><td>([a-z ]+)(?:<small>best baseline</small>)?</td>", table)
    assert scorers[:3] == ["model", "drug degree", "random"]


@pytest.mark.usefixtures("quick")
def test_where_drugs_are_held_out_the_figure_by_drug_comes_first(toy_graph: KnowledgeGraph) -> None:
    text = text_of(report_on(toy_graph, evaluated(splits=("drug",))).html)
    assert "scorermacro AP by drugmacro AP" in text
    assert "On held-out drugs the model beats the best baseline (drug degree): macro AP by drug 0.200, +0.150 (" in text


@pytest.mark.usefixtures("quick")
def test_a_suite_says_what_is_right_and_what_is_wrong(toy_graph: KnowledgeGraph) -> None:
    text = text_of(report_on(toy_graph, evaluated(open_suite=True)).html)
    assert "all indications of the held-out diseases. Left out: training pairs. Negatives: contra" in text
    assert "The open suite has the same positives with fewer negatives." in text
    assert "model, open suite0.450± 0.200" in text


@pytest.mark.usefixtures("quick")
def test_an_open_suite_that_is_the_strict_one_is_not_shown(toy_graph: KnowledgeGraph) -> None:
    assert "open suite" not in text_of(report_on(toy_graph).html)


@pytest.mark.usefixtures("quick")
def test_figures_of_papers_stand_under_their_full_names_and_folded(toy_graph: KnowledgeGraph) -> None:
    html = report_on(toy_graph).html
    folded = html[html.index("Metrics common in papers") :]
    assert "AUROC against equally many uniformly drawn negatives (1:1)" in folded
    assert "1:1" not in html[: html.index("Metrics common in papers")]


@pytest.mark.usefixtures("quick")
def test_external_pairs_have_a_table_and_nothing_that_takes_folds(toy_graph: KnowledgeGraph) -> None:
    text = text_of(report_on(toy_graph, evaluated(splits=("disease", "external"))).html)
    external = text[text.index("Pairs from outside the graph") :]
    assert "1 fold, each with 12 hidden treatments" in external
    assert "with a single fold, noise cannot be ruled out" in external


@pytest.mark.usefixtures("quick")
def test_without_held_out_diseases_the_first_way_of_splitting_is_the_headline(toy_graph: KnowledgeGraph) -> None:
    text = text_of(report_on(toy_graph, evaluated(splits=("pair",))).html)
    assert "Pairs held out (the headline)" in text
    assert "How many candidates come true" not in text


def test_every_baseline_is_explained() -> None:
    assert all(baseline.meaning for baseline in BASELINES.values())


@pytest.mark.usefixtures("quick")
def test_a_baseline_that_was_left_out_is_named_with_its_reason(toy_graph: KnowledgeGraph) -> None:
    evaluation = evaluated(left_out={"drug-gene-disease paths": "the graph links no drug to a gene"})
    text = text_of(report_on(toy_graph, evaluation).html)
    assert "drug-gene-disease paths: the graph links no drug to a gene" in text
    assert text.index("drug-gene-disease paths: the graph") < text.index("Diseases held out (the headline)")
    assert "could not be computed" not in text_of(report_on(toy_graph).html)


@pytest.mark.usefixtures("quick")
def test_ahead_of_the_baselines_that_are_left_is_no_win(toy_graph: KnowledgeGraph) -> None:
    evaluation = evaluated(left_out={"drug-gene-disease paths": "the graph links no drug to a gene"})
    html = report_on(toy_graph, evaluation).html
    text = text_of(html)
    assert Page(html).of_class("tied") == ["div"]
    assert "The model is ahead only of the baselines that could be computed" in text
    assert "more than noise" not in text
    assert "beats" not in text


@pytest.mark.usefixtures("quick")
def test_a_difference_of_nothing_is_no_win_and_no_loss(toy_graph: KnowledgeGraph) -> None:
    html = report_on(toy_graph, evaluated((0.1, 0.1, 0.1))).html
    assert Page(html).of_class("tied") == ["div"]
    assert "The model cannot be told apart from its best baseline" in text_of(html)


@pytest.mark.usefixtures("quick")
def test_the_headline_of_held_out_drugs_is_that_of_their_table(toy_graph: KnowledgeGraph) -> None:
    # By disease the model is 0.2 ahead; by drug, which counts, 0.15 with a spread of 0.16.
    evaluation = evaluated((0.1, 0.2, 0.75), splits=("drug",))
    html = report_on(toy_graph, evaluation).html
    assert Page(html).of_class("tied") == ["div"]
    assert text_of(html).count(evaluation.headline()) == 2


@pytest.mark.usefixtures("quick")
def test_probabilities_that_are_calibrated_are_said_to_be(toy_graph: KnowledgeGraph) -> None:
    evaluation = with_grid()
    html = report_on(toy_graph, evaluation).html
    calibration = calibration_of(evaluation)
    assert calibration is not None
    assert '<span class="mark good">calibrated</span>' in html
    assert calibration.in_words() in text_of(html)


@pytest.mark.usefixtures("quick")
def test_probabilities_that_are_too_high_are_marked(toy_graph: KnowledgeGraph) -> None:
    html = report_on(toy_graph, with_grid(expected_in={"cold drug": 5.0})).html
    assert '<span class="mark borderline">overconfident (cold drug)</span>' in html


@pytest.mark.usefixtures("quick")
def test_without_the_whole_grid_the_page_says_that_calibration_is_not_known(toy_graph: KnowledgeGraph) -> None:
    text = text_of(report_on(toy_graph).html)
    assert "Not known. Probabilities were not compared with hidden treatments" in text
    assert "set deployment_folds of drug_disease_split to 1 or more" in text


@pytest.mark.usefixtures("quick")
def test_popularity_in_disguise_is_marked(toy_graph: KnowledgeGraph) -> None:
    html = report_on(toy_graph, evaluated(spearman=0.95, matched=0.52)).html
    assert '<span class="mark borderline">Is it popularity in disguise? Popularity in disguise.</span>' in html


@pytest.mark.usefixtures("quick")
def test_drugs_in_more_than_half_of_the_lists_are_suspicious(toy_graph: KnowledgeGraph) -> None:
    # Twelve diseases were held out; Everol stands in nine lists, Raril in 2.5.
    text = text_of(report_on(with_more_drugs(toy_graph)).html)
    assert "Suspicious: on held-out diseases, Everol is in the top ten for more than half" in text
    assert "One drug is in most lists. Everol: in the ten best for more than 50 % of the held-out diseases." in text


@pytest.mark.usefixtures("quick")
def test_of_fewer_drugs_more_lists_make_one_suspicious(toy_graph: KnowledgeGraph) -> None:
    # Ten of 25 drugs stand in a list by chance in 40 % of the lists; nine of twelve are fewer than twice as many.
    text = text_of(report_on(with_more_drugs(toy_graph, num_more=22)).html)
    assert (
        "On held-out diseases, no drug is in the top ten for more than 80 % of the 12 diseases; the most frequent"
        in text
    )


@pytest.mark.usefixtures("quick")
def test_where_ten_places_hold_half_of_the_drugs_none_is_suspicious(toy_graph: KnowledgeGraph) -> None:
    text = text_of(report_on(toy_graph).html)
    assert "Suspicious" not in text
    assert "With 3 drugs, the top ten holds half of them or more for any disease" in text


@pytest.mark.usefixtures("quick")
def test_where_ten_places_hold_every_drug_nothing_is_said_of_them(toy_graph: KnowledgeGraph) -> None:
    assert "How many candidates come true" not in text_of(report_on(toy_graph).html)


@pytest.mark.usefixtures("quick")
def test_a_contraindication_stands_beside_the_probability_where_the_graph_knows_any(toy_graph: KnowledgeGraph) -> None:
    assert "indicated" not in re.findall(r"<th class=\"n metric\">contra&shy;(\w+)", report_on(toy_graph).html)
    html = report_on(toy_graph, None, listed(TOY_LIST, risk=0.034)).html
    assert "contra&shy;indicated" in html
    assert "3.4 %" in html


@pytest.mark.usefixtures("quick")
def test_a_table_says_on_what_it_was_measured(toy_graph: KnowledgeGraph) -> None:
    text = text_of(report_on(toy_graph).html)
    assert "3 folds, each with 12 hidden treatments for 4 diseases on average." in text
    assert evaluated().lead("disease").in_words() in text


@pytest.mark.usefixtures("quick")
def test_what_a_score_is_worth_follows_from_held_out_diseases(toy_graph: KnowledgeGraph) -> None:
    # 12 treatments of 4 diseases: 3 each. Hits@10 is 0.5, so at most 1.5 of them among the ten best.
    text = text_of(report_on(with_more_drugs(toy_graph)).html)
    assert (
        "How many candidates come true can be seen on held-out diseases. Such a disease has 3.0 hidden treatments"
        in text
    )
    assert "The model ranks 40% of them in its top ten, a random order 10%. If a treatment is ranked without" in text
    assert "its chance of being in the top ten is 50%. So at most 1.5 of the top ten drugs" in text
    assert (
        "It is the probability that the pair is a treatment which the graph misses, not that the drug will work."
        in text
    )


def without_evidence(disease: str, evidence: str, drugs: Mapping[str, str] | None = None) -> Candidates:
    """The toy list with other words on what is known of a disease, and of drugs by name."""
    table = listed(TOY_LIST).table
    known = table["drug_name"].map(lambda name: (drugs or {}).get(name, "evidence"))
    table.loc[table["disease_id"] == disease, "disease_evidence"] = evidence
    return candidates_of(table.assign(drug_evidence=known))


@pytest.mark.usefixtures("quick")
def test_a_list_without_evidence_does_not_pretend(toy_graph: KnowledgeGraph) -> None:
    text = text_of(report_on(toy_graph, None, without_evidence("2", "nothing")).html)
    assert "The graph knows nothing about this disease: its drugs are ranked by what is usual, not by evidence." in text
    assert "hepatic falitis 2 · 2 known treatments, nothing else is known about it" in text
    assert text.count("best new:") == 2  # of the two other diseases
    assert "Belustat" in text


@pytest.mark.usefixtures("quick")
def test_a_disease_known_by_its_treatments_alone_is_said_to_be(toy_graph: KnowledgeGraph) -> None:
    text = text_of(report_on(toy_graph, None, without_evidence("2", "treatments only")).html)
    assert "The graph links this disease to drugs only: treatments, contraindications and the like." in text


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(("evidence", "mark"), [("nothing", "nothing known"), ("treatments only", "treatments only")])
def test_a_drug_without_evidence_is_marked_where_it_is_listed(
    evidence: str, mark: str, toy_graph: KnowledgeGraph
) -> None:
    candidates = without_evidence("1", "evidence", {"Belustat": evidence})  # new for disease 2
    text = text_of(report_on(toy_graph, None, candidates).html)
    assert f"id of Belustat{mark}" in text
    assert f"{mark.capitalize()}: the graph" in text
    assert f"{mark.capitalize()}: the graph" not in text_of(report_on(toy_graph).html)


@pytest.mark.usefixtures("quick")
def test_drugs_and_diseases_without_evidence_are_counted(toy_graph: KnowledgeGraph) -> None:
    # Disease 3 has an off-label use and nothing else; four more drugs have no edge.
    text = text_of(report_on(with_more_drugs(toy_graph, num_more=4)).html)
    assert "Some diseases are known by treatments only. 1 of 3 has only edges between drugs and diseases" in text
    assert "Nothing is known about some drugs. 4 of 7 have no edge. Their ranks reflect what is usual" in text


@pytest.mark.usefixtures("quick")
def test_where_there_is_evidence_on_all_nothing_is_counted(toy_nodes: pd.DataFrame, toy_edges: pd.DataFrame) -> None:
    more = pd.DataFrame([("disease", "3", "disease_protein", "gene/protein", "1")], columns=toy_edges.columns)
    graph = build_knowledge_graph(toy_nodes, pd.concat([toy_edges, more]), therapeutic=PRIMEKG_RELATIONS)
    text = text_of(report_on(graph).html)
    assert "known by treatments only." not in text
    assert "Nothing is known about" not in text


@pytest.mark.usefixtures("quick")
def test_new_drugs_of_one_probability_are_said_to_stand_by_id(toy_graph: KnowledgeGraph) -> None:
    candidates = listed([("2", 1, "A", "new"), ("2", 2, "B", "new"), ("1", 3, "C", "new")])
    said = "Equal probabilities are ordered by id."
    assert said not in text_of(report_on(toy_graph, None, candidates).html)
    assert said in text_of(report_on(toy_graph, None, candidates_of(candidates.table.assign(score=0.1))).html)


@pytest.mark.usefixtures("quick")
def test_the_most_frequent_drugs_and_diseases_are_counted_with_what_the_graph_knows_of_them(
    toy_graph: KnowledgeGraph,
) -> None:
    rows = [("1", 1, "A", "new"), ("1", 2, "B", "indication"), ("2", 1, "B", "new"), ("3", 1, "A", "new")]
    text = text_of(report_on(toy_graph, None, listed(rows)).html)
    assert "Among the ten best new candidates of the 3 diseases that have any: 2 different drugs" in text
    assert "Aid of A20 Bid of B10" in text
    assert "Among the ten best new diseases of the 2 drugs that have any" in text
    assert "hepatic falitis212 ocular holemia310 renal torvosis111" in text


@pytest.mark.usefixtures("quick")
def test_ids_are_links_where_the_vocabulary_is_known_and_a_restricted_list_says_so(toy_graph: KnowledgeGraph) -> None:
    mondo = "http://purl.obolibrary.org/obo/MONDO_0000001"
    known = pd.DataFrame([("disease", "1", "MONDO")], columns=["node_type", "node_id", "source"])
    lists = listed([("1", 1, "A", "new"), ("2", 1, "B", "new")])
    chosen = replace(lists, attributes=attributes_of(known), chosen={"drug": ["<b> only"]})
    html = report_on(toy_graph, None, chosen).html
    links = [attributes.get("href") for tag, attributes in Page(html).tags if tag == "a"]
    assert links.count(mondo) == 1
    assert "The list was made to hold only &lt;b&gt; only." in html
    assert mondo not in report_on(toy_graph, None, lists).html


@pytest.mark.usefixtures("quick")
def test_only_the_ten_best_new_ones_count_as_frequent(toy_graph: KnowledgeGraph) -> None:
    rows = [
        ("2", 1, "Z", "new"),
        *[("2", rank, f"F{rank:02d}", "indication" if rank < 4 else "new") for rank in range(2, 20)],
    ]
    text = text_of(report_on(toy_graph, None, listed(rows)).html)
    assert "of the 1 disease that has any: 10 different drugs" in text
    assert "F12id of F1210 Zid of Z10" in text  # ranks 1 and 4 to 12


@pytest.mark.usefixtures("quick")
def test_every_disease_has_its_place_that_with_the_most_probable_new_drug_first(toy_graph: KnowledgeGraph) -> None:
    page = Page(report_on(toy_graph).html)
    assert "All 3 diseases, that with the most probable new candidate first" in " ".join(page.text.split())
    places = [page.text.index(f"\n{TREATMENTS[disease][0]} {disease}") for disease in ("3", "2", "1")]
    assert places == sorted(places)
    ids = [attributes["id"] for tag, attributes in page.tags if tag == "details" and "id" in attributes]
    assert ids == ["d0", "d1", "d2"]
    links = [attributes["href"] for tag, attributes in page.tags if tag == "a" and "href" in attributes]
    assert [link for link in links if link in ("#d0", "#d1", "#d2")] == ["#d1", "#d0", "#d2"]  # by name


@pytest.mark.usefixtures("quick")
def test_of_a_large_graph_it_says_which_diseases_are_left_out_and_where_they_are(toy_graph: KnowledgeGraph) -> None:
    text = text_of(report_on(toy_graph, num_diseases_shown=1).html)
    assert "of 3 diseases, the 1 whose best new candidate has the highest probability are shown, and 2 are left" in text
    assert "hgt-repurposing candidates --disease NAME or hgt-repurposing explore" in text
    assert "ocular holemia 3 · no known treatments · best new: Zanolone, 50 %" in text
    assert "hepatic falitis 2 ·" not in text


@pytest.mark.usefixtures("quick")
def test_a_graph_with_nothing_but_drugs_diseases_and_one_gene_has_a_report(toy_graph: KnowledgeGraph) -> None:
    graph = graph_of(
        {"drug": 3, "disease": 1, "gene": 1},
        {("drug", "indication", "disease"): [(0, 0)], ("drug", "CbG", "gene"): [(1, 0)]},
    )
    text = text_of(report_on(graph).html)
    assert "over a knowledge graph of 5 nodes and 2 edges: 3 drugs, 1 disease, 1 known treatment." in text
    assert "Few known treatments. The graph has 1." in text
    assert graph.digest in text
    assert toy_graph.digest not in text


@pytest.mark.usefixtures("quick")
def test_a_list_of_one_disease_is_a_report_as_well(toy_graph: KnowledgeGraph) -> None:
    text = text_of(report_on(toy_graph, None, listed(TOY_LIST[:3])).html)
    assert "The one disease of the graph, with its best new drugs." in text
    assert "Index of" not in text
    assert "renal torvosis 1 · 1 known treatment · best new: Zanolone, 25 %" in text


@pytest.mark.usefixtures("quick")
def test_a_drug_that_is_not_indicated_is_no_candidate_but_marked_beside_them(toy_graph: KnowledgeGraph) -> None:
    rows = [(d, rank, name, status.replace("contraindication", "not indicated")) for d, rank, name, status in TOY_LIST]
    html = report_on(toy_graph, None, listed(rows)).html
    assert Page(html).of_class("not-indicated") == ["span"]
    text = text_of(html)
    assert "renal torvosis 1 · 1 known treatment · best new: Zanolone, 25 %" in text
    assert "Velotinib (1), Belustat (2, not indicated). In brackets: the rank, and what is known if it is not" in text


@pytest.mark.usefixtures("quick")
def test_a_contraindicated_drug_is_no_candidate_but_marked_beside_them(toy_graph: KnowledgeGraph) -> None:
    html = report_on(toy_graph).html
    assert Page(html).of_class("contraindication") == ["span"]
    text = text_of(html)
    assert "renal torvosis 1 · 1 known treatment · best new: Zanolone, 25 %" in text
    assert "Already known, in the same list: Velotinib (1), Belustat (2, contraindication)." in text
    assert "Already known, in the same list: Zanolone (1), Velotinib (2). In brackets: the rank." in text


@pytest.mark.usefixtures("quick")
def test_known_pairs_beyond_the_tenth_are_counted(toy_graph: KnowledgeGraph) -> None:
    candidates = listed([("2", rank, f"Drug{rank}", "indication") for rank in range(1, 14)])
    assert "Drug10 (10) and 3 more. In brackets" in text_of(report_on(toy_graph, None, candidates).html)


@pytest.mark.usefixtures("quick")
def test_a_disease_without_a_new_candidate_says_so(toy_graph: KnowledgeGraph) -> None:
    html = report_on(toy_graph, None, listed([("2", 1, "Zanolone", "indication")])).html
    assert "no new candidate" in text_of(html)
    assert "the graph already links this disease to every drug in the list (1)" in text_of(html)


@pytest.mark.usefixtures("quick")
def test_names_are_text_wherever_they_stand(toy_nodes: pd.DataFrame, toy_edges: pd.DataFrame) -> None:
    nodes = toy_nodes.replace({"gene/protein": f"gene{HOSTILE}"})
    edges = toy_edges.replace({"gene/protein": f"gene{HOSTILE}", "drug_protein": f"relation{HOSTILE}"})
    graph = build_knowledge_graph(nodes, edges, therapeutic=PRIMEKG_RELATIONS)
    table = listed([*TOY_LIST, ("2", 4, f"drug{HOSTILE}", "new"), ("2", 5, f"known{HOSTILE}", "indication")]).table
    named = {"disease_name": f"disease{HOSTILE}", "disease_id": f"2{HOSTILE}", "evidence": f"binds{HOSTILE}"}
    candidates = candidates_of(table.mask(table["disease_id"] == "2", table.assign(**named)))
    provenance = {f"key{HOSTILE}": f"value{HOSTILE}"}
    html = report_on(graph, None, candidates, provenance=provenance).html
    page = Page(html)
    assert "b" not in {tag for tag, _ in page.tags}
    for what in ("gene", "disease", "2", "binds", "relation", "drug", "id of drug", "known"):
        assert what + HOSTILE in page.text
    assert json.dumps(provenance) in page.text
    assert HOSTILE not in html


@pytest.mark.usefixtures("quick")
def test_the_verdict_on_the_embeddings_and_what_all_was_made_with_are_in_the_page(toy_graph: KnowledgeGraph) -> None:
    text = text_of(report_on(toy_graph, provenance={"seed": "42", "split": "abc"}).html)
    assert "Verdict: collapsed (failed), 10 embeddings of 4 dimensions" in text
    assert "The embeddings are collapsed. They fail, by" in text
    assert "10 usable rows of 4 dimensions have at most 4 components" in text
    assert toy_graph.digest in text
    assert 'a_step{"seed": "42", "split": "abc"}' in text
    assert "a_stepnot recordednot recordednot recorded0.1.0d1ge57" in text


@pytest.mark.usefixtures("quick")
def test_every_node_type_and_edge_type_is_counted(toy_graph: KnowledgeGraph) -> None:
    text = text_of(report_on(toy_graph).html)
    assert "gene/protein4" in text
    assert "drug indication disease 3".replace(" ", "") in text.replace(" ", "")


def test_nothing_that_is_shown_is_changed(toy_graph: KnowledgeGraph) -> None:
    evaluation, candidates = evaluated(), listed(TOY_LIST)
    folds, table, nodes = evaluation.folds.copy(), candidates.table.copy(), toy_graph.nodes.copy()
    report_on(toy_graph, evaluation, candidates)
    summary_text(evaluation, candidates)
    pd.testing.assert_frame_equal(evaluation.folds, folds)
    pd.testing.assert_frame_equal(candidates.table, table)
    pd.testing.assert_frame_equal(toy_graph.nodes, nodes)


# by disease area

AREAS = {"renal": np.array([0, 1, 2]), HOSTILE: np.array([0, 1, 2]), "small": np.array([1]), "tiny": np.array([2])}


@pytest.mark.usefixtures("quick")
def test_a_graph_without_disease_areas_has_no_section_of_them(toy_graph: KnowledgeGraph) -> None:
    assert "By disease area" not in text_of(report_on(toy_graph).html)


@pytest.mark.usefixtures("quick")
def test_every_area_has_a_row_with_its_diseases_and_the_lead(toy_graph: KnowledgeGraph) -> None:
    report = report_on(replace(toy_graph, disease_areas=AREAS))
    text = text_of(report.html)
    section = text[text.index("By disease area") :]
    assert "The graph has 4 disease areas; a disease in several counts in each." in section
    assert "Diseases held out (the headline) against drug degree" in section
    assert "renal30.1950.100+0.095too few" in section
    assert "other areas2 with fewer than 3 tested diseases each2" in section
    assert "no area90.4680.100+0.368+0.2" in section
    assert "areas_disease.png" in report.figures


@pytest.mark.usefixtures("quick")
def test_where_only_drugs_are_held_out_it_is_said_that_areas_are_not_compared(toy_graph: KnowledgeGraph) -> None:
    said = "Not broken down by disease area"
    graph = replace(toy_graph, disease_areas=AREAS)
    assert said in text_of(report_on(graph, evaluated(splits=("drug",))).html)
    assert said not in text_of(report_on(graph).html)
    assert said not in text_of(report_on(toy_graph, evaluated(splits=("drug",))).html)


@pytest.mark.usefixtures("quick")
def test_the_name_of_an_area_cannot_inject_html(toy_graph: KnowledgeGraph) -> None:
    html = report_on(replace(toy_graph, disease_areas=AREAS)).html
    assert HOSTILE in text_of(html)
    assert HOSTILE not in html


@pytest.mark.usefixtures("quick")
def test_areas_without_a_tested_disease_are_counted(toy_graph: KnowledgeGraph) -> None:
    graph = with_more_diseases(toy_graph, 20)
    areas = {"renal": np.array([0, 1, 2]), "untested": np.array([20, 21])}
    assert "1 area has no tested disease." in text_of(report_on(replace(graph, disease_areas=areas)).html)
    assert "no tested disease" not in text_of(report_on(replace(toy_graph, disease_areas=AREAS)).html)


@pytest.mark.usefixtures("quick")
def test_every_way_of_holding_out_diseases_is_broken_down_the_headline_open(toy_graph: KnowledgeGraph) -> None:
    evaluation = evaluated(splits=("pair", "drug", "disease"))
    report = report_on(replace(toy_graph, disease_areas=AREAS), evaluation)
    assert [name for name in report.figures if name.startswith("areas_")] == ["areas_disease.png", "areas_pair.png"]
    section = report.html[report.html.index("By disease area") : report.html.index("<h2>Embeddings")]
    assert re.findall(r"<details( open)?>", section) == [" open", ""]


# the whole grid


def with_grid(evaluation: Evaluation | None = None, **figures: object) -> Evaluation:
    """An evaluation with these values on the whole grid."""
    return replace(evaluation or usual(), whole_grid=whole_grid(**figures))  # type: ignore[arg-type]


@pytest.mark.usefixtures("quick")
def test_without_the_whole_grid_the_page_says_nothing_of_it_but_that_the_assumption_was_not_tested(
    toy_graph: KnowledgeGraph,
) -> None:
    report = report_on(toy_graph)
    text = text_of(report.html)
    assert "The whole grid" not in text
    assert "(setting missing), which this run did not test on the whole grid" in text
    assert "settings.png" not in report.figures


@pytest.mark.usefixtures("quick")
def test_a_whole_grid_that_could_not_be_measured_is_said_with_the_reason(toy_graph: KnowledgeGraph) -> None:
    evaluation = replace(usual(), not_measured={"deployment": "of 6 treatments, none would be hidden"})
    text = text_of(report_on(toy_graph, evaluation).html)
    assert "Not measured: the whole grid (of 6 treatments, none would be hidden)." in text


@pytest.mark.usefixtures("quick")
def test_the_first_thing_said_is_the_whole_grid_then_held_out_diseases(toy_graph: KnowledgeGraph) -> None:
    evaluation = with_grid(evaluated((0.5, 0.5, 0.6), num_diseases=6))
    text = text_of(report_on(toy_graph, evaluation).html)
    said = ["The model beats its baselines", *(lead.in_words() for lead in evaluation.headline_leads)]
    places = [text.index(sentence) for sentence in said]
    assert places == sorted(places)
    assert places[-1] < text.index("looked up in its ranking of all drugs")
    assert [lead.split for lead in evaluation.headline_leads] == ["deployment", "deployment", "disease"]


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    ("figures", "model", "standing"),
    [
        ({}, (0.5, 0.5, 0.6), "ahead"),
        ({"lead": 0.0}, (0.5, 0.5, 0.6), "tied"),
        ({"lead": -0.1}, (0.5, 0.5, 0.6), "behind"),
        ({}, (0.05, 0.0, 0.1), "behind"),
    ],
)
def test_the_banner_is_that_of_the_worst_of_them(
    figures: dict[str, object], model: tuple[float, ...], standing: str, toy_graph: KnowledgeGraph
) -> None:
    html = report_on(toy_graph, with_grid(evaluated(model, num_diseases=6), **figures)).html
    assert Page(html).of_class(standing) == ["div"]
    assert ("Warning" in text_of(html)) == (standing == "behind")


@pytest.mark.usefixtures("quick")
def test_the_whole_grid_is_said_with_its_assumption_and_what_a_probability_means(toy_graph: KnowledgeGraph) -> None:
    text = text_of(report_on(toy_graph, with_grid()).html)
    assert text.count("t is assumed that the graph misses 10% of the treatments one by one") == 2
    assert "hidden in the same way, twice, and all pairs about which the graph then says nothing (4,000 pairs" in text
    assert (
        "the probabilities of all pairs of a setting about which the graph says nothing sum to the number of "
        "treatments assumed to be missing there" in text
    )
    assert text.index("The whole grid") < text.index("looked up in its ranking of all drugs")


@pytest.mark.usefixtures("quick")
def test_every_table_of_the_whole_grid_is_there(toy_graph: KnowledgeGraph) -> None:
    report = report_on(toy_graph, with_grid())
    text = text_of(report.html)
    assert "model0.9000.30020.040 %20.020 %20.04.0 %20.02.0 %0.5000.400" in text
    assert "cold drugthe drug has no known use1,00010.01.0 %0.850+0.100drug degree+0.087 to +0.1150.250" in text
    assert "cold drug20.0201.000.61 to 1.54" in text
    assert "mostly one by one20% of treatments, 5% of diseases, 5% of drugs1" in text
    assert "20 %20040.0380.95" in text
    assert {"settings.png", "observed_over_expected.png"} <= report.figures.keys()


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(("auroc", "costs"), [(0.9, False), (0.7, True)])
def test_what_mixing_the_settings_costs_is_said(auroc: float, *, costs: bool, toy_graph: KnowledgeGraph) -> None:
    inside = {"warm pair": 0.85, "cold disease": 0.85, "cold drug": 0.85, "cold pair": 0.85}
    text = text_of(report_on(toy_graph, with_grid(own=inside, auroc=auroc)).html)
    assert ("mixing the settings in one list costs 0.150" in text) == costs
    assert ("nothing is lost by mixing them in one list" in text) != costs


@pytest.mark.usefixtures("quick")
def test_settings_without_a_hidden_treatment_have_a_dash(toy_graph: KnowledgeGraph) -> None:
    text = text_of(report_on(toy_graph, with_grid(num_positives={"cold pair": 0})).html)
    assert "cold pairneither drug nor disease has a known treatment1,0000.0none----" in text


@pytest.mark.usefixtures("quick")
def test_the_page_says_where_a_blend_of_baselines_alone_was_best(toy_graph: KnowledgeGraph) -> None:
    columns = ["setting", "score", "is_learned", "share"]
    parts = pd.DataFrame(
        [("warm pair", "drug kNN", False, 1.0), ("cold drug", f"trees{HOSTILE}", True, 1.0)], columns=columns
    )
    for evaluation in (usual(), with_grid()):
        text = text_of(report_on(toy_graph, replace(evaluation, score_parts=parts)).html)
        assert "In the setting warm pair a blend of baselines alone was found to be best, and that is what" in text
        assert "In the setting cold drug a blend" not in text
        assert f"warm pairnothingdrug kNN > 99 % cold drugtrees{HOSTILE} > 99 %nothing" in text
        assert "What the score is made of" not in text_of(report_on(toy_graph, evaluation).html)


# the release


@pytest.mark.usefixtures("quick")
def test_the_page_says_whether_and_why_it_was_promoted(toy_graph: KnowledgeGraph) -> None:
    found = Difference("the whole grid", "auroc", 0.9, 0.95, 0.01, 0.09, 12, "better")
    decision = decide(
        PromotionPolicy(), against="20261102T030000Z-a", objections=[], comparisons=[found], notes=["the same graph"]
    )
    text = text_of(with_decision(toy_graph, decision))
    assert "Promoted to the current release when it was made: better on the whole grid: AUROC 0.950 against" in text
    assert "Compared with release 20261102T030000Z-a. The same graph." in text
    assert "+0.010 to +0.090" in text


@pytest.mark.usefixtures("quick")
def test_the_page_of_a_release_that_was_kept_aside_names_every_objection(toy_graph: KnowledgeGraph) -> None:
    objections = [f"the graph lost{HOSTILE}", "the embeddings learned less"]
    html = with_decision(toy_graph, decide(PromotionPolicy(), against="a", objections=objections, comparisons=[]))
    assert "Kept aside: not the current release when it was made:" in text_of(html)
    assert "the embeddings learned less" in html
    assert HOSTILE not in html


def with_decision(graph: KnowledgeGraph, decision: Decision) -> str:
    page = built(graph, usual(), listed(TOY_LIST), num_diseases_shown=1, provenance={}, decision=decision)
    return page.html
