"""The command line of releases."""

from pathlib import Path

import pytest

from hgt_repurposing.storage.attempts import begin_attempt, end_attempt
from hgt_repurposing.storage.catalog import folder_of, save
from hgt_repurposing.storage.copies import refresh_copies
from hgt_repurposing.storage.releases import current
from hgt_repurposing_tests.report.test_page import TOY_LIST, listed
from hgt_repurposing_tests.repurposing.lists import candidates_of
from hgt_repurposing_tests.storage.stored import START, release
from hgt_repurposing_tests.test_cli import invoke


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Three releases, the last one kept aside, and two runs that made none."""
    for week in range(3):
        release(tmp_path, week, promoted=week < 2, knowledge_graph="same", hgt_model=week)
    begin_attempt("failed-run", process="process 7 on here", root=tmp_path, now=START.replace(day=20))
    end_attempt("failed-run", root=tmp_path, failed="edges.csv is empty")
    begin_attempt("killed-run", process="process 8 on here", root=tmp_path, now=START.replace(day=25))
    refresh_copies(tmp_path)
    return tmp_path


def test_the_list_has_every_release_and_every_run_without_one_newest_first(root: Path) -> None:
    result = invoke("releases", "list", "--data", root)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert [line.split()[2:5] for line in lines[1:6]] == [
        ["none,", "run", "killed-r"],
        ["none,", "run", "failed-r"],
        ["20261116T030000Z-run00002", "102", "-"],
        ["current", "20261109T030000Z-run00001", "101"],
        ["previous", "20261102T030000Z-run00000", "100"],
    ]
    assert "was killed or ended from outside (process 8 on here)" in lines[1]
    assert "failed: edges.csv is empty" in lines[2]
    assert "kept aside: reason of week 2" in lines[3]
    assert lines[-1] == "stored: 0 MB, each content once"


@pytest.mark.usefixtures("another_run")
def test_a_run_that_is_on_is_not_called_killed(root: Path) -> None:
    begin_attempt("theirs", process="process 9 on here", root=root, now=START.replace(day=26))
    assert "is running" in invoke("releases", "list", "--data", root).stdout.splitlines()[1]


def test_without_a_release_the_list_says_what_makes_one(tmp_path: Path) -> None:
    result = invoke("releases", "list", "--data", tmp_path)
    assert result.exit_code == 0
    assert f"no release in {tmp_path} yet: a run of every asset makes one" in result.stdout


def test_show_has_the_decision_the_figures_and_every_file(root: Path) -> None:
    result = invoke("releases", "show", "previous", "--data", root)
    assert result.stdout.startswith("release 20261102T030000Z-run00000 (previous)\nmade 2026-11-02 03:00:00 UTC by ")
    assert "decision: promoted: reason of week 0" in result.stdout
    files = [line.split() for line in result.stdout[result.stdout.index("\nFiles") :].splitlines()[2:]]
    assert {part for part, _ in files} == {"knowledge_graph.json", "hgt_model.json"}
    assert all(Path(path).exists() for _, path in files)


def test_rollback_takes_one_command_and_the_files_follow(root: Path) -> None:
    result = invoke("releases", "rollback", "--data", root)
    assert result.exit_code == 0
    assert result.stdout.startswith("current release: 20261102T030000Z-run00000\n")
    assert (folder_of("hgt_model", root=root) / "hgt_model.json").read_text() == "0\n"
    again = invoke("releases", "rollback", "--data", root)
    assert again.exit_code == 1
    assert "was current before the one that is now" in again.stderr


def test_what_was_kept_aside_can_be_promoted(root: Path) -> None:
    assert invoke("releases", "promote", "newest", "--data", root).exit_code == 0
    assert current(root).id == "20261116T030000Z-run00002"
    assert (folder_of("hgt_model", root=root) / "hgt_model.json").read_text() == "2\n"


@pytest.mark.parametrize("command", [("promote", "2025"), ("show", "2025"), ("compare", "current", "2025")])
def test_a_name_that_means_no_release_is_refused_in_one_sentence(root: Path, command: tuple[str, ...]) -> None:
    result = invoke("releases", *command, "--data", root)
    assert result.exit_code == 1
    assert result.stderr.startswith("error: '2025' is no release of ")


def test_compare_says_what_differs_in_figures_versions_and_lists(tmp_path: Path) -> None:
    first = listed(TOY_LIST)
    table = first.table.assign(score=first.table["score"] / 2)
    table["drug_name"] = table["drug_name"].where(table["rank"] > 1, table["drug_name"] + " forte")
    table["drug_id"] = table["drug_id"].where(table["rank"] > 1, table["drug_id"] + "f")
    for week, candidates in enumerate((first, candidates_of(table))):
        made = save("repurposing_candidates", candidates, root=tmp_path, config={})
        release(tmp_path, week, knowledge_graph="same", repurposing_candidates=made)
    result = invoke("releases", "compare", "previous", "current", "--data", tmp_path)
    assert result.exit_code == 0, result.stderr
    assert result.stdout.splitlines()[1].split() == ["edges", "100", "101", "+1"]
    assert "same versions: knowledge_graph" in result.stdout
    entered = [line.split() for line in result.stdout.splitlines() if " forte  entered " in line]
    assert {tuple(line[-3:]) for line in entered} == {("entered", "-", "1")}
    (counts,) = (line for line in result.stdout.splitlines() if line.startswith("ten best new drugs"))
    assert " entered, " in counts
    one = invoke("releases", "compare", "previous", "current", "--data", tmp_path, "--disease", "nothing like it")
    assert "nothing changed for a disease with the id or name 'nothing like it'" in one.stdout


def test_lists_that_cannot_be_read_are_said_to_be_so(root: Path) -> None:
    result = invoke("releases", "compare", "previous", "current", "--data", root)
    assert result.exit_code == 0
    assert "the lists cannot be compared: one of the two has no table of candidates" in result.stdout


def test_prune_says_what_it_removed(root: Path) -> None:
    result = invoke("releases", "prune", "--keep", "0", "--data", root)
    assert result.stdout == "removed 20261116T030000Z-run00002; 0 versions, 0 MB\n"


def test_backup_and_restore_move_releases_to_another_folder(root: Path, tmp_path: Path) -> None:
    file, other = tmp_path / "all.tar.gz", tmp_path / "other"
    assert invoke("releases", "backup", file, "--data", root).exit_code == 0
    result = invoke("releases", "restore", file, "--data", other)
    assert result.exit_code == 0
    assert "current release: 20261109T030000Z-run00001" in result.stdout
    assert (folder_of("hgt_model", root=other) / "hgt_model.json").read_text() == "1\n"


@pytest.mark.parametrize("command", [("prune",), ("backup", "x.tar"), ("restore", "x.tar"), ("make",)])
def test_what_needs_the_folder_alone_waits_for_no_run(
    root: Path, another_run: object, command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(root)
    result = invoke("releases", *command, "--data", root)
    assert result.exit_code == 1
    assert f"is in use by {another_run}" in result.stderr
    assert not (root / "x.tar").exists()


def test_make_needs_every_artefact(root: Path) -> None:
    result = invoke("releases", "make", "--data", root)
    assert result.exit_code == 1
    assert result.stderr.startswith("error: there is no artefact 'drug_disease_split' in ")
