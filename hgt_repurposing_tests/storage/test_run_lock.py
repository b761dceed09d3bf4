"""One run at a time in a data folder: who holds it, who waits, who stops, and what becomes of the dead."""

import fcntl
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import pytest

from hgt_repurposing.storage import run_lock
from hgt_repurposing.storage.artifacts import open_in_place
from hgt_repurposing.storage.run_lock import LOCK_FILE, FolderInUseError, Holder, held

NOW = datetime(2026, 11, 26, 11, 20, tzinfo=UTC)


def me(run_id: str = "mine") -> Holder:
    return Holder.of_process(os.getpid(), run_id, now=NOW)


@pytest.fixture
def other_process() -> Iterator[int]:
    """Number of a process that lives as long as the test."""
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(99)"]) as process:
        yield process.pid
        process.kill()


def of_process(pid: int, run_id: str, **changed: Any) -> Holder:  # Any: fields of a holder
    holder = Holder(run_id, me().host, pid, psutil.Process(pid).create_time(), "2026-11-26 11:00:00 UTC")
    return holder._replace(**changed)


def dead(run_id: str = "theirs") -> Holder:
    """A run whose process is gone: its number is ours, its start is not."""
    return me(run_id)._replace(started=0.0)


def write(root: Path, holder: Holder | None) -> None:
    with open_in_place(root / LOCK_FILE) as file:
        run_lock._write(file, holder)


def read(root: Path) -> Holder | None:
    with open_in_place(root / LOCK_FILE) as file:
        return run_lock._read(file)


def test_the_folder_is_made_and_bears_the_name_of_the_run(tmp_path: Path) -> None:
    root = tmp_path / "not" / "there"
    with held(root, me(), wait=False):
        assert read(root) == me()


def test_it_bears_nobodys_name_afterwards(tmp_path: Path) -> None:
    with held(tmp_path, me(), wait=False):
        pass
    assert read(tmp_path) is None


def test_an_error_lets_go_too(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), held(tmp_path, me(), wait=False):
        raise ZeroDivisionError
    with held(tmp_path, me("next"), wait=False):
        pass


def test_a_second_run_stops_with_one_sentence_that_names_the_first(tmp_path: Path, other_process: int) -> None:
    write(tmp_path, of_process(other_process, "theirs"))
    said = rf"in use by run theirs \(process {other_process} on .*, since 2026-11-26 11:00:00 UTC\): wait until it has"
    with pytest.raises(FolderInUseError, match=said), held(tmp_path, me(), wait=False):
        pass
    assert read(tmp_path) == of_process(other_process, "theirs")


def test_a_second_run_that_stops_does_not_disturb_the_first(tmp_path: Path) -> None:
    with held(tmp_path, me("first"), wait=False) as require:
        with pytest.raises(FolderInUseError, match="run first"), held(tmp_path, me("second"), wait=False):
            pass
        require()


def test_a_run_that_waits_says_for_whom_and_takes_its_turn(tmp_path: Path) -> None:
    said: list[str] = []
    order: list[str] = []

    def second() -> None:
        with held(tmp_path, me("second"), wait=True, on_wait=said.append):
            order.append("second")

    thread = threading.Thread(target=second)
    with held(tmp_path, me("first"), wait=False):
        thread.start()
        while not said:
            time.sleep(0.01)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]
    (sentence,) = said
    assert sentence.startswith("waiting for run first (process ")


def test_steps_of_one_run_work_side_by_side(tmp_path: Path, other_process: int) -> None:
    step = of_process(other_process, "theirs")
    with held(tmp_path, step, wait=False), held(tmp_path, step, wait=False) as require:
        require()
    assert read(tmp_path) == step, "steps to come find the name that the first one wrote"


@pytest.mark.parametrize(
    "stale",
    [dead(), me("theirs")._replace(pid=2**22 + 1)],
    ids=["number given anew", "no such process"],
)
def test_a_dead_runs_folder_is_taken_over_with_a_sentence(
    tmp_path: Path, stale: Holder, caplog: pytest.LogCaptureFixture
) -> None:
    write(tmp_path, stale)
    with caplog.at_level("INFO"), held(tmp_path, me(), wait=False):
        assert read(tmp_path) == me()
    assert f"is taken over from {stale}, which has ended" in caplog.text


def test_a_run_that_is_known_to_have_ended_holds_nothing_though_its_process_lives_on(
    tmp_path: Path, other_process: int
) -> None:
    """As a code server does, which starts one run after the other."""
    write(tmp_path, of_process(other_process, "theirs"))
    with held(tmp_path, me(), wait=False, has_ended=lambda run_id: run_id == "theirs"):
        assert read(tmp_path) == me()


def test_a_zombie_is_dead(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    holder = of_process(process.pid, "theirs")
    while psutil.Process(process.pid).status() != psutil.STATUS_ZOMBIE:
        time.sleep(0.01)
    write(tmp_path, holder)
    with held(tmp_path, me(), wait=False):
        pass
    process.wait()


@pytest.mark.parametrize(
    "left",
    [
        "", "{", "[1, 2]", '{"run_id": "x"}', "\x00\x00",
        '{"run_id": "x", "host": "vm", "pid": "abc", "started": null, "since": 5}',
    ],
)  # fmt: skip
def test_what_a_killed_writer_left_holds_nobody_up(tmp_path: Path, left: str) -> None:
    (tmp_path / LOCK_FILE).write_text(left)
    with held(tmp_path, me(), wait=False):
        assert read(tmp_path) == me()


def test_of_another_host_nobody_can_tell_so_it_counts_and_the_way_out_is_said(tmp_path: Path) -> None:
    write(tmp_path, dead()._replace(host="elsewhere"))
    said = r"on elsewhere.*cannot be detected from this host, remove .*run\.lock"
    with pytest.raises(FolderInUseError, match=said), held(tmp_path, me(), wait=False):
        pass


def test_a_step_that_outlives_its_run_keeps_the_folder_until_it_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_lock, "LAST_STEP_PATIENCE", 0.3)
    write(tmp_path, dead())
    with open_in_place(tmp_path / LOCK_FILE) as orphan:
        fcntl.flock(orphan, fcntl.LOCK_SH)
        said = "still used by a process of run theirs"
        with pytest.raises(FolderInUseError, match=said), held(tmp_path, me(), wait=False):
            pass
        assert read(tmp_path) == dead()
    with held(tmp_path, me(), wait=False):
        pass


def test_who_lost_the_folder_may_not_write(tmp_path: Path) -> None:
    with held(tmp_path, me(), wait=False) as require:
        write(tmp_path, me("theirs"))  # as someone may who removed the file of a run on another host
        with pytest.raises(FolderInUseError, match=r"no longer belongs to this run \(held by run theirs"):
            require()
    assert read(tmp_path) == me("theirs"), "and does not take the other's name away"


HOLD_IN_TURN = """
import os, sys, time
from datetime import UTC, datetime
from pathlib import Path
from hgt_repurposing.storage.run_lock import Holder, held

root, number = Path(sys.argv[1]), sys.argv[2]
with held(root, Holder.of_process(os.getpid(), number, now=datetime.now(UTC)), wait=True):
    mark = root / "inside"
    mark.mkdir()  # fails if anybody else is inside
    time.sleep(0.02)
    mark.rmdir()
"""


def test_of_many_that_come_at_once_one_is_inside_at_a_time(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLD_IN_TURN, str(tmp_path)]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    runs = [subprocess.Popen([*command, str(number)], env=environment) for number in range(3)]  # noqa: S603
    assert [run.wait() for run in runs] == [0] * 3
