"""Runs that set out to make a release, and what became of them."""

from datetime import timedelta
from pathlib import Path

from hgt_repurposing.storage.attempts import all_attempts, begin_attempt, end_attempt, forget_attempts
from hgt_repurposing_tests.storage.stored import START


def begin(root: Path, run_id: str, hours: int = 0) -> None:
    begin_attempt(run_id, process="process 1 on here", root=root, now=START + timedelta(hours=hours))


def test_attempts_are_listed_by_time_with_their_end(tmp_path: Path) -> None:
    begin(tmp_path, "b", 1)
    begin(tmp_path, "a", 2)
    begin(tmp_path, "c", 0)
    end_attempt("b", root=tmp_path, failed="no such file")
    end_attempt("c", root=tmp_path, release="20261102T030000Z-c")
    assert [(found.run_id, found.failed, found.release) for found in all_attempts(tmp_path)] == [
        ("c", None, "20261102T030000Z-c"),
        ("b", "no such file", None),
        ("a", None, None),
    ]
    assert all_attempts(tmp_path)[0].started_at == START


def test_a_step_that_begins_later_does_not_begin_the_run_anew(tmp_path: Path) -> None:
    begin(tmp_path, "a")
    begin(tmp_path, "a", 5)
    assert all_attempts(tmp_path)[0].started_at == START


def test_a_run_that_never_began_ends_without_a_trace(tmp_path: Path) -> None:
    end_attempt("a", root=tmp_path, failed="refused")
    assert all_attempts(tmp_path) == []


def test_forgotten_and_damaged_ones_are_left_out(tmp_path: Path) -> None:
    begin(tmp_path, "a")
    begin(tmp_path, "b")
    begin(tmp_path, "c")
    forget_attempts({"a", "never there"}, root=tmp_path)
    (tmp_path / "releases/attempts/b.json").write_text("{")
    assert [found.run_id for found in all_attempts(tmp_path)] == ["c"]
