"""Signs of life: written while a run uses or awaits the folder, and what their absence means."""

import itertools
import json
import logging
import os
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hgt_repurposing.storage.heartbeat import (
    HEARTBEATS,
    PATIENCE,
    Heartbeat,
    beating,
    heartbeat_of,
    remove_old_heartbeats,
    why_dead,
)
from hgt_repurposing.storage.run_lock import Holder, held, holder_of

OFTEN = 0.01
NOW = 1_800_000_000.0


def me(run_id: str = "mine") -> Holder:
    return Holder.of_process(os.getpid(), run_id, now=datetime(2026, 11, 27, tzinfo=UTC))


def never() -> bool:
    return False


def no_end() -> None:
    raise AssertionError("the process would have been ended")


def until(happened: Callable[[], object]) -> None:
    """Wait for something that another thread does."""
    limit = time.monotonic() + 30
    while not happened():
        assert time.monotonic() < limit
        time.sleep(OFTEN)


def beats(root: Path) -> list[str]:
    return sorted(path.name for path in (root / HEARTBEATS).glob("*"))


def test_a_run_shows_life_before_the_block_begins_and_nothing_after_it(tmp_path: Path) -> None:
    with beating(tmp_path, me(), is_over=never, on_over=no_end):
        beat = heartbeat_of("mine", root=tmp_path)
        assert beat is not None
        assert beat.holder == me()
        assert abs(beat.at - time.time()) < 60
    assert beats(tmp_path) == []


def test_it_beats_again_and_again(tmp_path: Path) -> None:
    seen: set[float] = set()

    def three() -> bool:
        beat = heartbeat_of("mine", root=tmp_path)
        seen.update([beat.at] if beat else [])
        return len(seen) >= 3

    with beating(tmp_path, me(), is_over=never, on_over=no_end, every=OFTEN):
        until(three)


def test_a_step_in_its_own_process_leaves_the_sign_for_later_steps(tmp_path: Path) -> None:
    run_process = me()._replace(pid=os.getppid())
    with beating(tmp_path, run_process, is_over=never, on_over=no_end):
        pass
    assert beats(tmp_path) == ["mine.json"]


def test_a_run_that_was_ended_while_the_block_goes_on_is_noticed_once(tmp_path: Path) -> None:
    ends: list[float] = []
    with beating(tmp_path, me(), is_over=lambda: True, on_over=lambda: ends.append(time.time()), every=OFTEN):
        until(lambda: ends)
        time.sleep(20 * OFTEN)
    assert len(ends) == 1


def test_a_run_that_ends_by_itself_has_the_time_to_do_so(tmp_path: Path) -> None:
    asked = threading.Event()

    def over() -> bool:
        asked.set()
        return True

    with beating(tmp_path, me(), is_over=over, on_over=no_end, every=0.3):
        assert asked.wait(30)  # the run has ended, and the block ends before the next heartbeat
    time.sleep(0.4)
    assert beats(tmp_path) == []


def test_what_goes_wrong_in_a_heartbeat_does_not_stop_the_next(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    answers = iter([OSError("the database is locked"), True, True])
    ends: list[None] = []

    def over() -> bool:
        answer = next(answers)
        if isinstance(answer, OSError):
            raise answer
        return bool(answer)

    with (
        caplog.at_level(logging.WARNING),
        beating(tmp_path, me(), is_over=over, on_over=lambda: ends.append(None), every=OFTEN),
    ):
        until(lambda: ends)
    assert caplog.messages == ["a heartbeat of run mine is left out"]


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "3", '{"at": 3}', '{"run_id": "mine"}', '{"at": "soon", "run_id": "mine"}']
)
def test_a_damaged_sign_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / HEARTBEATS).mkdir()
    (tmp_path / HEARTBEATS / "mine.json").write_text(text)
    assert heartbeat_of("mine", root=tmp_path) is None


def test_only_the_signs_of_runs_that_have_ended_are_removed(tmp_path: Path) -> None:
    folder = tmp_path / HEARTBEATS
    (folder / ".old.json.x7").mkdir(parents=True)  # what `kill -9` in the middle of a heartbeat leaves
    (folder / ".new.json.x8").mkdir()
    for run_id in ("old", "new"):
        (folder / f"{run_id}.json").write_text(json.dumps({**me(run_id)._asdict(), "at": NOW}))
    remove_old_heartbeats(tmp_path, has_ended=lambda run_id: run_id == "old")
    assert beats(tmp_path) == [".new.json.x8", "new.json"]


def test_a_folder_without_signs_of_life_needs_no_clearing(tmp_path: Path) -> None:
    remove_old_heartbeats(tmp_path, has_ended=lambda _: True)
    assert list(tmp_path.iterdir()) == []


ALIVE = me()
DEAD = me()._replace(started=0.0)
ELSEWHERE = me()._replace(host="elsewhere", started=0.0)
"""A process that cannot be looked up."""
PROCESSES = (None, ALIVE, DEAD, ELSEWHERE)


@pytest.mark.parametrize("silent", [0.0, PATIENCE + 1], ids=["young beat", "old beat"])
@pytest.mark.parametrize("quiet", [0.0, PATIENCE + 1], ids=["an event just now", "no event for long"])
def test_a_run_is_dead_if_its_process_is_gone_or_unknown_and_silent(silent: float, quiet: float) -> None:
    for beaten, locked in itertools.product(PROCESSES, PROCESSES):
        beat = None if beaten is None else Heartbeat(beaten, at=NOW - silent)
        said = why_dead(beat, locked, quiet=quiet, now=NOW)
        process = beaten or locked
        if process is None:
            expected = "it has no process, and has been silent for 10 minutes" if quiet else ""
        elif process == DEAD:
            expected = f"its process {os.getpid()} on {DEAD.host} is gone"
        elif beaten == ELSEWHERE and silent:
            expected = "its host elsewhere has given no sign of life for 10 minutes"
        else:
            expected = ""
        assert said == expected, (beaten, locked)


def test_the_lock_tells_who_holds_the_folder(tmp_path: Path) -> None:
    assert holder_of(tmp_path) is None
    with held(tmp_path, me(), wait=False):
        assert holder_of(tmp_path) == me()
    assert holder_of(tmp_path) is None
