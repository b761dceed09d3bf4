"""What page and terminal say about pairs from outside the graph."""

from dataclasses import replace

import pytest

from hgt_repurposing.benchmark.results import Evaluation
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.report import page as module
from hgt_repurposing.report.external import ALL_FILES, LISTS, external_lines, external_section
from hgt_repurposing.report.summary import WIDTH, summary_text
from hgt_repurposing_tests.benchmark.evaluations import evaluated
from hgt_repurposing_tests.benchmark.outside import FIRST, outside_results
from hgt_repurposing_tests.report.test_page import TOY_LIST, listed, report_on, text_of


def with_files() -> Evaluation:
    return replace(evaluated(splits=("disease", "external")), external=outside_results())


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch, toy_graph: KnowledgeGraph) -> str:
    """Text of the page from the section on, with empty pictures."""
    monkeypatch.setattr(module, "to_png", lambda draw, **size: b"")  # noqa: ARG005  (the signature counts)
    text = text_of(report_on(toy_graph, with_files()).html)
    return text[text.index("Pairs from outside the graph") : text.index("What the columns and the baselines mean")]


def test_every_file_and_all_together_have_a_row_beside_the_best_baseline(page: str) -> None:
    for name, num_positives in (("trials", 8), ("catalog", 2), (ALL_FILES, 9)):
        lead = outside_results().of("pooled" if name == ALL_FILES else name).lead("auroc")
        assert lead is not None
        assert f"{name}{num_positives}{lead.own:.3f}{lead.own - lead.mean:.3f}{lead.baseline}" in page


def test_the_page_does_not_compare_macro_ap_of_a_single_fold_where_it_has_leads(page: str) -> None:
    assert "noise cannot be ruled out" not in page


def test_the_page_says_what_the_settings_mean_and_why_nothing_is_expected(page: str) -> None:
    assert "warm pairdrug and disease both have a known treatment" in page
    assert "it is not compared with what the probabilities expect" in page
    assert "negatives only has no treatment to look up." in page


def test_the_page_sets_treatments_against_known_negatives(page: str) -> None:
    found = outside_results().of("trials").mean("model", "auroc_against_known_negatives")
    assert f"trials21{found:.3f}" in page  # two, of which one is in the graph


def test_settings_have_rows_where_they_have_treatments() -> None:
    section = external_section(outside_results())
    assert section is not None
    by_setting = [row for row in section.rows if row.meaning]
    assert all(row.num_positives > 0 for row in by_setting)
    assert sum(row.num_positives for row in by_setting) == 8 + 2 + 9
    assert all(len(row.cells) == len(LISTS) for row in section.lists)


def test_a_single_file_is_not_shown_twice() -> None:
    section = external_section(outside_results((FIRST,)))
    assert section is not None
    assert [row.name for row in section.lists] == ["trials"]


def test_the_terminal_shows_each_file_with_the_model_and_its_best_baselines() -> None:
    lines = external_lines(outside_results())
    own = [line for line in lines[2:] if " model " in line]
    assert [line.split()[0] for line in own] == ["trials", "catalog", "all"]
    text = summary_text(with_files(), listed(TOY_LIST))
    assert "\n".join(lines) in text
    assert text.index(lines[0]) < text.index("On held-out diseases the model ")
    assert max(map(len, text.splitlines())) <= WIDTH


def test_a_long_name_fits_the_terminal_and_cannot_command_it() -> None:
    lines = external_lines(outside_results((replace(FIRST, name="\x1b[2J" + "x" * 300),)))
    assert max(map(len, lines)) <= WIDTH
    assert "\x1b" not in "\n".join(lines)


def test_without_external_pairs_nothing_is_said() -> None:
    assert external_lines(None) == []
    assert external_section(None) is None
