"""The command line: what it prints, and when it fails."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from hgt_repurposing.cli import app
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.storage.catalog import manifest_of, path_of, save
from hgt_repurposing.storage.copies import copy_version
from hgt_repurposing.storage.html_page import HtmlPage
from hgt_repurposing_tests.benchmark.evaluations import evaluated
from hgt_repurposing_tests.defs.test_run_config import of
from hgt_repurposing_tests.report.test_page import TOY_LIST, listed


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


# summary


@pytest.fixture
def results(toy_graph: KnowledgeGraph, tmp_path: Path) -> Path:
    """A data folder with a graph, and candidates and an evaluation that were made from it."""
    graph = save("knowledge_graph", toy_graph, root=tmp_path, config={})
    candidates = save("repurposing_candidates", listed(TOY_LIST), root=tmp_path, config={}, inputs=[graph])
    evaluation = save("repurposing_evaluation", evaluated(), root=tmp_path, config={}, inputs=[graph])
    for made in (graph, candidates, evaluation):
        copy_version(made, root=tmp_path)
    return tmp_path


def test_summary_shows_candidates_evaluation_and_the_files_that_are_there(results: Path) -> None:
    result = invoke("summary", "--data", results, "--disease", "3")
    assert result.exit_code == 0
    assert result.stderr == ""
    assert result.stdout.startswith("Best new candidates for ocular holemia (3)")
    assert "Evaluation, mean over folds" in result.stdout
    files = result.stdout[result.stdout.index("\nFiles") :].splitlines()[2:]
    assert [line.split()[0] for line in files] == ["evaluation", "all"]
    assert all(Path(line.split()[-1]).exists() for line in files)


def test_summary_of_an_unfinished_run_shows_the_candidates_and_warns(results: Path) -> None:
    (results / "releases/working/repurposing_evaluation.manifest.json").unlink()
    result = invoke("summary", "--data", results)
    assert result.exit_code == 0
    assert "WARNING: not evaluated" in result.stdout


def test_summary_warns_of_results_of_several_runs(results: Path, demo_graph: KnowledgeGraph) -> None:
    save("knowledge_graph", demo_graph, root=results, config={})
    result = invoke("summary", "--data", results)
    assert result.exit_code == 0
    assert result.stderr.count("WARNING: this folder mixes results of several runs") == 2
    assert "newer than repurposing_candidates: knowledge_graph" in result.stderr


def test_summary_refuses_an_evaluation_of_something_else_than_the_list(
    results: Path, demo_graph: KnowledgeGraph
) -> None:
    newer = save("knowledge_graph", demo_graph, root=results, config={})
    save("repurposing_evaluation", evaluated(), root=results, config={}, inputs=[newer])
    result = invoke("summary", "--data", results)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr == (
        "error: repurposing_candidates and repurposing_evaluation were made from different versions of "
        "knowledge_graph: materialise repurposing_candidates and repurposing_evaluation again\n"
    )


def test_summary_of_lists_that_were_handed_on_alone_warns_of_nothing(results: Path) -> None:
    (results / "releases/working/knowledge_graph.manifest.json").unlink()
    result = invoke("summary", "--data", results)
    assert (result.exit_code, result.stderr) == (0, "")


def test_summary_without_a_run_says_what_to_do(tmp_path: Path) -> None:
    result = invoke("summary", "--data", tmp_path)
    assert result.exit_code == 1
    assert "error: there is no artefact 'repurposing_candidates'" in result.stderr
    assert ": materialise repurposing_candidates first, or make everything with bash scripts/run.sh" in result.stderr


def test_summary_names_a_disease_that_is_not_there(results: Path) -> None:
    result = invoke("summary", "--data", results, "--disease", "gout")
    assert result.exit_code == 1
    assert result.stderr == "error: no disease has the id or name 'gout'\n"


def test_summary_lists_no_file_of_another_run(results: Path, demo_graph: KnowledgeGraph) -> None:
    newer = save("knowledge_graph", demo_graph, root=results, config={})
    save("repurposing_report", HtmlPage("<p>", {}), root=results, config={}, inputs=[newer])
    result = invoke("summary", "--data", results)
    assert result.exit_code == 0
    (line,) = (line for line in result.stdout.splitlines() if line.startswith("  report"))
    assert "not listed: " in line
    assert "made from different versions of knowledge_graph" in line


def test_a_copy_that_was_changed_changes_nothing(results: Path) -> None:
    file = results / "07_model_output/repurposing_candidates.csv"
    before = invoke("summary", "--data", results).stdout
    file.write_bytes(b"saved by a spreadsheet")
    assert invoke("summary", "--data", results).stdout == before


def test_summary_names_the_stored_file_where_the_copy_is_gone(results: Path) -> None:
    copy = results / "07_model_output/repurposing_candidates.csv"
    copy.unlink()
    result = invoke("summary", "--data", results)
    assert result.exit_code == 0
    (line,) = (line for line in result.stdout.splitlines() if line.startswith("  all candidates"))
    assert f"(its copy {copy} was removed)" in line
    assert Path(line.split()[2]).exists()


def test_summary_refuses_a_list_that_does_not_match_its_manifest(results: Path) -> None:
    made = manifest_of("repurposing_candidates", root=results)
    file = path_of(made, "repurposing_candidates.parquet", root=results)
    file.write_bytes(file.read_bytes()[:-1])
    result = invoke("summary", "--data", results)
    assert result.exit_code == 1
    assert "does not match its manifest" in result.stderr


def test_summary_of_a_disease_without_a_name_is_refused(results: Path) -> None:
    result = invoke("summary", "--data", results, "--disease", "")
    assert result.exit_code == 1
    assert "no disease was named" in result.stderr


# check


def test_check_says_what_is_wrong_and_fails(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(of("embedding_params", "num_epoch: 3"))
    result = invoke("check", file)
    assert result.exit_code == 1
    assert result.stderr == (
        f"error: {file}: embedding_params: there is no setting 'num_epoch': did you mean 'num_epochs'?\n"
    )


def test_check_passes_what_will_do(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(of("embedding_params", "num_epochs: 3"))
    result = invoke("check", file)
    assert result.exit_code == 0
    assert result.stdout.endswith(f"{file}: valid\n")


def test_check_names_a_file_that_is_not_there(tmp_path: Path) -> None:
    result = invoke("check", tmp_path / "absent.yaml")
    assert result.exit_code == 1
    assert "absent.yaml: it cannot be read" in result.stderr
