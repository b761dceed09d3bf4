import re
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest

from hgt_repurposing import report as module
from hgt_repurposing.artifacts import Provenance, read_artifact, write_artifact
from hgt_repurposing.embeddings.validation import ValidationThresholds, validate_embeddings
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph, build_knowledge_graph
from hgt_repurposing.graph.schema import PRIMEKG_RELATIONS
from hgt_repurposing.report import Report, build_report, summary_text
from hgt_repurposing.repurposing.candidates import Candidates
from hgt_repurposing.repurposing.evaluation import Evaluation
from hgt_repurposing_tests.test_plots import HISTORY, embedded, evaluated, gaussian

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
        if self._open[-1:] != ["style"]:
            self.text += data

    def of_class(self, name: str) -> list[str]:
        return [tag for tag, attributes in self.tags if name in (attributes.get("class") or "").split()]


def listed(rows: list[tuple[str, int, str, str]], num_filler: int = 0) -> Candidates:
    """Candidates from (disease id, rank, drug name, status), and more new drugs after those of disease 2."""
    more = [("2", 100 + i, f"Filler{i}", "new") for i in range(num_filler)]
    table = pd.DataFrame([*rows, *more], columns=["disease_id", "rank", "drug_name", "status"])
    return Candidates(
        table.assign(
            disease_name=[TREATMENTS[disease][0] for disease in table["disease_id"]],
            drug_id="id of " + table["drug_name"],
            score=1 / (1 + table["rank"]),
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


def report_on(
    graph: KnowledgeGraph,
    evaluation: Evaluation | None = None,
    candidates: Candidates | None = None,
    *,
    num_diseases_shown: int = 12,
    provenance: dict[str, str] | None = None,
) -> Report:
    embeddings = embedded(gaussian(len(graph.nodes), 4), graph.nodes["node_type"].tolist())
    return build_report(
        graph,
        HISTORY,
        embeddings,
        validate_embeddings(embeddings, ValidationThresholds()),
        evaluation or evaluated(),
        candidates or listed(TOY_LIST),
        provenance=provenance or {"seed": "42"},
        num_diseases_shown=num_diseases_shown,
    )


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seven empty pictures: drawing them takes most of the time, and most tests read the text."""
    monkeypatch.setattr(module, "to_png", lambda draw, **size: b"")  # noqa: ARG005  (the signature counts)


def text_of(html: str) -> str:
    return " ".join(Page(html).text.split())


def test_two_builds_give_the_same_bytes(toy_graph: KnowledgeGraph) -> None:
    first, second = report_on(toy_graph), report_on(toy_graph)
    assert first.to_parts() == second.to_parts()


def test_the_report_round_trips_through_its_files(toy_graph: KnowledgeGraph, tmp_path: Path) -> None:
    report = report_on(toy_graph)
    write_artifact(tmp_path, "repurposing_report", report.to_parts(), Provenance())
    assert vars(Report.from_parts(read_artifact(tmp_path, "repurposing_report"))) == vars(report)
    assert (tmp_path / "repurposing_report.html").read_text(encoding="utf-8") == report.html
    assert (tmp_path / "loss.png").read_bytes() == report.figures["loss.png"]


def test_every_picture_stands_in_the_page_and_nothing_is_loaded_from_elsewhere(toy_graph: KnowledgeGraph) -> None:
    report = report_on(toy_graph, evaluated(splits=("pair", "drug", "disease")))
    page = Page(report.html)
    images = [attributes for tag, attributes in page.tags if tag == "img"]
    assert len(images) == len(report.figures) == 7
    assert all((image["src"] or "").startswith("data:image/png;base64,iVBOR") and image["alt"] for image in images)
    assert not {tag for tag, _ in page.tags} & {"script", "link", "iframe", "object"}
    assert not re.search(r"https?:|url\(|@import", report.html)


@pytest.mark.usefixtures("quick")
def test_the_way_of_splitting_that_counts_comes_first(toy_graph: KnowledgeGraph) -> None:
    text = text_of(report_on(toy_graph, evaluated(splits=("drug", "pair", "disease"))).html)
    assert text.index("Diseases held out") < text.index("Pairs held out") < text.index("Drugs held out")


@pytest.mark.usefixtures("quick")
def test_a_model_that_loses_to_its_floor_is_announced_loudly(toy_graph: KnowledgeGraph) -> None:
    evaluation = evaluated(floor=0.5)
    html = report_on(toy_graph, evaluation).html
    assert Page(html).of_class("behind") == ["section"]
    text = text_of(html)
    assert "Warning: the model does not beat its floor" in text
    assert evaluation.headline() in text
    assert text.index("does NOT beat") < text.index("How good is the ranking?")


@pytest.mark.usefixtures("quick")
def test_a_model_that_wins_is_not_warned_about(toy_graph: KnowledgeGraph) -> None:
    html = report_on(toy_graph, evaluated((0.5, 0.5, 0.6))).html
    assert Page(html).of_class("ahead") == ["section"]
    assert "Warning" not in text_of(html)


@pytest.mark.usefixtures("quick")
def test_a_lead_within_its_spread_is_no_win(toy_graph: KnowledgeGraph) -> None:
    html = report_on(toy_graph, evaluated((0.0, 0.1, 0.4))).html
    assert Page(html).of_class("unsure") == ["section"]
    assert "within the noise" in text_of(html)


@pytest.mark.usefixtures("quick")
# headline() takes the standard deviation of a single fold
@pytest.mark.filterwarnings("ignore:Degrees of freedom:RuntimeWarning", "ignore:invalid value:RuntimeWarning")
def test_a_single_fold_is_no_win_and_has_no_spread(toy_graph: KnowledgeGraph) -> None:
    html = report_on(toy_graph, evaluated((0.4,))).html
    assert Page(html).of_class("unsure") == ["section"]
    assert "0.400± -" in text_of(html)
    assert "1 fold, each" in text_of(html)


@pytest.mark.usefixtures("quick")
def test_the_best_value_of_every_column_is_bold_also_where_several_are_best(toy_graph: KnowledgeGraph) -> None:
    html = report_on(toy_graph).html
    equal = ["0.600", "0.800", "0.300", "0.500", "0.700"]
    assert re.findall(r"<strong>(0\.\d{3})</strong>", html) == ["0.400", "0.400", *equal * 3]


@pytest.mark.usefixtures("quick")
def test_a_table_says_on_what_it_was_measured(toy_graph: KnowledgeGraph) -> None:
    text = text_of(report_on(toy_graph).html)
    assert "3 folds, each with 12 hidden treatments of 4 diseases on average." in text
    assert "Macro AP +0.300 (sd 0.200) against the best floor, drug degree" in text


@pytest.mark.usefixtures("quick")
def test_what_a_score_is_worth_follows_from_held_out_diseases(toy_graph: KnowledgeGraph) -> None:
    # 12 treatments of 4 diseases: 3 each. Hits@10 is 0.5, so at most 1.5 of them among the ten best.
    text = text_of(report_on(toy_graph).html)
    assert "3.0 hidden treatments on average. The model brings 40% of them among its ten best drugs, a random" in text
    assert "a random order 10%. So of the ten drugs at the top of such a list, at most 1.5" in text
    assert "It is not the probability that a drug works" in text


@pytest.mark.usefixtures("quick")
def test_the_drug_that_is_everywhere_is_named(toy_graph: KnowledgeGraph) -> None:
    candidates = listed([("1", 1, "A", "new"), ("2", 1, "B", "new"), ("2", 11, "A", "new"), ("3", 9, "B", "new")])
    assert "B stands among the ten best for 2 of 3 diseases" in text_of(report_on(toy_graph, None, candidates).html)


@pytest.mark.usefixtures("quick")
def test_diseases_with_the_most_known_treatments_come_first(toy_graph: KnowledgeGraph) -> None:
    text = text_of(report_on(toy_graph).html)
    places = [text.index(f"{name} ({disease}): {n} known") for disease, (name, n) in TREATMENTS.items()]
    assert places[1] < places[0] < places[2]


@pytest.mark.usefixtures("quick")
def test_a_single_disease_may_be_shown(toy_graph: KnowledgeGraph) -> None:
    text = text_of(report_on(toy_graph, num_diseases_shown=1).html)
    assert "The 1 disease with the most known treatments" in text
    assert "hepatic falitis (2): 2 known treatments, best new candidate Belustat at rank 3" in text
    assert "renal torvosis" not in text


@pytest.mark.usefixtures("quick")
def test_a_contraindicated_drug_is_no_candidate_but_marked_beside_them(toy_graph: KnowledgeGraph) -> None:
    html = report_on(toy_graph).html
    assert Page(html).of_class("contraindication") == ["td"]
    text = text_of(html)
    assert "renal torvosis (1): 1 known treatment, best new candidate Zanolone at rank 3" in text
    assert "2Belustatid of Belustat0.333contraindication" in text


@pytest.mark.usefixtures("quick")
def test_known_pairs_beyond_the_tenth_are_counted(toy_graph: KnowledgeGraph) -> None:
    candidates = listed([("2", rank, f"Drug{rank}", "indication") for rank in range(1, 14)])
    assert "and 3 more among the 13 drugs in the list" in text_of(report_on(toy_graph, None, candidates).html)


@pytest.mark.usefixtures("quick")
def test_a_disease_without_a_new_candidate_says_so(toy_graph: KnowledgeGraph) -> None:
    html = report_on(toy_graph, None, listed([("2", 1, "Zanolone", "indication")])).html
    assert "no new candidate" in text_of(html)
    assert "the graph already says something of every drug in the list (1)" in text_of(html)


@pytest.mark.usefixtures("quick")
def test_names_are_text_wherever_they_stand(toy_nodes: pd.DataFrame, toy_edges: pd.DataFrame) -> None:
    nodes = toy_nodes.replace({"gene/protein": f"gene{HOSTILE}", "hepatic falitis": f"disease{HOSTILE}"})
    edges = toy_edges.replace({"gene/protein": f"gene{HOSTILE}", "drug_protein": f"relation{HOSTILE}"})
    graph = build_knowledge_graph(nodes, edges, therapeutic=PRIMEKG_RELATIONS)
    candidates = listed([*TOY_LIST, ("2", 4, f"drug{HOSTILE}", "new")])
    provenance = {f"key{HOSTILE}": f"value{HOSTILE}"}
    html = report_on(graph, None, candidates, provenance=provenance).html
    page = Page(html)
    assert "b" not in {tag for tag, _ in page.tags}
    for what in ("gene", "disease", "relation", "drug", "id of drug", "key", "value"):
        assert what + HOSTILE in page.text


@pytest.mark.usefixtures("quick")
def test_the_verdict_on_the_embeddings_and_what_all_was_made_with_are_in_the_page(toy_graph: KnowledgeGraph) -> None:
    text = text_of(report_on(toy_graph, provenance={"seed": "42", "split": "digest abc"}).html)
    assert "Verdict: collapsed (failed), 10 embeddings of 4 dimensions" in text
    assert "10 usable rows of 4 dimensions have at most 4 components" in text
    assert toy_graph.digest in text
    assert "seed42" in text
    assert "splitdigest abc" in text


@pytest.mark.usefixtures("quick")
def test_every_node_type_and_edge_type_is_counted(toy_graph: KnowledgeGraph) -> None:
    text = text_of(report_on(toy_graph).html)
    assert "gene/protein4" in text
    assert "drug indication disease 3".replace(" ", "") in text.replace(" ", "")


def test_the_summary_lists_the_ten_best_new_candidates() -> None:
    lines = summary_text(evaluated(), listed(TOY_LIST, num_filler=12)).splitlines()
    assert lines[0].startswith("Best new candidates for hepatic falitis (2)")
    assert lines[3].split() == ["rank", "drug", "id", "score"]
    assert lines[4].split() == ["3", "Belustat", "id", "of", "Belustat", "0.250"]
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


def test_an_unknown_disease_is_named() -> None:
    with pytest.raises(ValueError, match="no disease has the id or the name 'gout'"):
        summary_text(evaluated(), listed(TOY_LIST), "gout")


def test_the_summary_says_when_nothing_is_new() -> None:
    text = summary_text(evaluated(), listed([("2", 1, "Zanolone", "indication")]))
    assert "none: the graph already says something of every drug in its list (1)" in text


def test_the_summary_has_a_line_per_split_and_scorer_and_the_figures_in_it() -> None:
    lines = summary_text(evaluated(splits=("disease", "pair")), listed(TOY_LIST)).splitlines()
    rows = [line.split() for line in lines if line.startswith(("disease", "pair"))]
    assert len(rows) == 6
    assert rows[0] == ["disease", "model", "0.400", "±", "0.200", "0.400", "0.600", "0.800", "0.300", "0.500", "0.700"]


def test_the_tables_of_the_summary_are_aligned_and_fit_a_terminal() -> None:
    long = [("2", 1, "x" * 300, "new"), ("2", 22, "short", "new")]
    table = listed(long).table.assign(disease_name="y" * 300, disease_id="z" * 300)
    text = summary_text(evaluated(splits=("disease", "pair", "drug")), Candidates(table))
    lines = text.splitlines()[:-1]
    assert max(map(len, lines)) <= 110
    assert [line[:6] for line in lines[3:6]] == ["rank  ", "   1  ", "  22  "]
    assert len({len(line) for line in lines[3:6]}) == 1
    assert len({len(line) for line in lines if line.startswith(("split", "disease", "pair", "drug "))}) == 1


def test_a_name_cannot_command_the_terminal() -> None:
    text = summary_text(evaluated(), listed([("2", 1, "\x1b[2J\nDrug", "new")]))
    assert "\x1b" not in text
    assert " [2J Drug" in text


def test_the_summary_ends_with_the_headline() -> None:
    evaluation = evaluated()
    assert summary_text(evaluation, listed(TOY_LIST)).splitlines()[-1] == evaluation.headline()


def test_the_summary_warns_of_a_model_that_loses() -> None:
    evaluation = evaluated(floor=0.5)
    assert summary_text(evaluation, listed(TOY_LIST)).splitlines()[-1] == f"WARNING: {evaluation.headline()}"


def test_nothing_that_is_shown_is_changed(toy_graph: KnowledgeGraph) -> None:
    evaluation, candidates = evaluated(), listed(TOY_LIST)
    folds, table, nodes = evaluation.folds.copy(), candidates.table.copy(), toy_graph.nodes.copy()
    report_on(toy_graph, evaluation, candidates)
    summary_text(evaluation, candidates)
    pd.testing.assert_frame_equal(evaluation.folds, folds)
    pd.testing.assert_frame_equal(candidates.table, table)
    pd.testing.assert_frame_equal(toy_graph.nodes, nodes)
