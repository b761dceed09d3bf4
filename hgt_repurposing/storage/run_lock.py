"""One run at a time in a data folder.

`run.lock` in the data folder names the run that holds it: its id, and host, process and start of that process. Every
process of the run keeps a shared lock of the operating system on the file for as long as it lives, and whoever writes
another name into it must hold the exclusive one. So a dead run's folder is taken over only once its last step is gone,
several steps of one run work side by side, and nothing needs to be cleaned up after `kill -9`.
"""

import fcntl
import json
import logging
import os
import random
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import NamedTuple, Self, TextIO

import psutil

from hgt_repurposing.storage.artifacts import open_in_place

logger = logging.getLogger(__name__)

LOCK_FILE = "run.lock"
START_TOLERANCE = 2.0
"""Seconds by which two readings of one process's start may differ when the clock is set meanwhile."""
POLL = 0.2
"""Seconds between two looks at a lock that is held."""
LAST_STEP_PATIENCE = 20.0
"""Seconds that the last steps of a dead run are given to end by themselves."""


class FolderInUseError(ValueError):
    """Another run holds the data folder."""


class Holder(NamedTuple):
    """A run and the process whose death ends it."""

    run_id: str
    host: str
    pid: int
    started: float
    """When the process started, seconds since 1970."""
    since: str
    """When the run took the folder, for people."""

    @classmethod
    def of_process(cls, pid: int, run_id: str, *, now: datetime) -> Self:
        """A run that lives as long as a process of this machine."""
        return cls(run_id, socket.gethostname(), pid, psutil.Process(pid).create_time(), f"{now:%Y-%m-%d %H:%M:%S %Z}")

    @property
    def is_here(self) -> bool:
        """Whether this very process is the one."""
        return self.host == socket.gethostname() and self.pid == os.getpid()

    @property
    def is_alive(self) -> bool:
        """Whether the process still runs; of another host nobody can tell, so it counts as alive."""
        if self.host != socket.gethostname():
            return True
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.started) < START_TOLERANCE
            return same and process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False

    def __str__(self) -> str:
        return f"run {self.run_id} (process {self.pid} on {self.host}, since {self.since.strip()})"


@contextmanager
def held(
    root: Path,
    me: Holder,
    *,
    wait: bool,
    on_wait: Callable[[str], None] = logger.info,
    has_ended: Callable[[str], bool] = lambda _: False,
) -> Iterator[Callable[[], None]]:
    """Hold the data folder for a run, alone or beside other steps of the same run.

    Args:
        root: The data folder; made if absent.
        me: The run that wants it.
        wait: Whether to wait for another run that holds it, rather than to stop.
        on_wait: Told once whom it waits for.
        has_ended: Whether the run of an id is known to have ended, though its process may live on for others.

    Yields:
        What raises FolderInUseError if the folder is not this run's any more.

    Raises:
        FolderInUseError: If another run holds the folder, or a step of a dead one does not end.
    """
    path = root / LOCK_FILE
    with open_in_place(path) as file:
        _take(file, path, me, wait=wait, on_wait=on_wait, has_ended=has_ended)
        try:
            yield lambda: _require(file, path, me)
        finally:
            if me.is_here:  # a step in a process of its own leaves the name to the steps after it
                _lock(file, fcntl.LOCK_EX)
                if _read(file) == me:
                    _write(file, None)


def _take(
    file: TextIO,
    path: Path,
    me: Holder,
    *,
    wait: bool,
    on_wait: Callable[[str], None],
    has_ended: Callable[[str], bool],
) -> None:
    said: Holder | None = None
    patience = time.monotonic() + LAST_STEP_PATIENCE

    def holds(holder: Holder | None) -> bool:
        return holder is not None and holder.is_alive and not has_ended(holder.run_id)

    while not (attempt := _attempt(file, me, holds)).succeeded:
        holder = attempt.holder
        if holder is not None and holds(holder):
            if not wait:
                raise FolderInUseError(_in_use(holder, path))
            if said != holder:
                on_wait(f"waiting for {holder}, which uses the data folder {path.parent}")
                said = holder
            patience = time.monotonic() + LAST_STEP_PATIENCE
        elif not wait and time.monotonic() > patience:
            raise FolderInUseError(
                f"the data folder {path.parent} is still used by a process of {holder or 'another run'}, although "
                "that run is over: end its processes, then run again"
            )
        time.sleep(random.uniform(POLL / 2, POLL))  # noqa: S311  (two that try at once must not meet again)


class _Attempt(NamedTuple):
    succeeded: bool
    holder: Holder | None
    """Whose name stands in the file, where that is not ours."""


def _attempt(file: TextIO, me: Holder, holds: Callable[[Holder | None], bool]) -> _Attempt:
    """Try once, without waiting, to hold the folder."""
    if not _lock(file, fcntl.LOCK_SH | fcntl.LOCK_NB):  # somebody writes his name just now
        return _Attempt(succeeded=False, holder=None)
    found = _read(file)
    if found is not None and found.run_id == me.run_id:
        return _Attempt(succeeded=True, holder=None)  # the lock is shared with the other steps of this run
    if not holds(found) and _lock(file, fcntl.LOCK_EX | fcntl.LOCK_NB):
        found = _read(file)  # the change of locks lets go for a moment
        if not holds(found):
            if found:
                logger.info("the data folder is taken over from %s, which is over", found)
            _write(file, me)
            _lock(file, fcntl.LOCK_SH)
            return _Attempt(succeeded=True, holder=None)
    _lock(file, fcntl.LOCK_UN)
    return _Attempt(succeeded=False, holder=found)


def _require(file: TextIO, path: Path, me: Holder) -> None:
    found = _read(file)
    if found is None or found.run_id != me.run_id:
        raise FolderInUseError(
            f"the data folder {path.parent} is not this run's any more ({found or 'nobody'} holds it): nothing is "
            f"written"
        )


def _in_use(holder: Holder, path: Path) -> str:
    elsewhere = holder.host != socket.gethostname()
    gone = f"; if that run is gone, which cannot be seen from here, remove {path}" if elsewhere else ""
    return (
        f"the data folder {path.parent} is in use by {holder}: wait until it has ended, choose another data folder, or "
        f"set if_busy to wait{gone}"
    )


def _lock(file: TextIO, operation: int) -> bool:
    """Whether the operating system granted it."""
    try:
        fcntl.flock(file, operation)
    except BlockingIOError:
        return False
    return True


def _read(file: TextIO) -> Holder | None:
    """Whose name stands there; None for nobody's, and for what a killed writer left."""
    file.seek(0)
    try:
        found = Holder(**json.load(file))
    except (TypeError, ValueError):
        return None
    whole = isinstance(found.pid, int) and isinstance(found.started, int | float)
    return found if whole and all(isinstance(text, str) for text in (found.run_id, found.host, found.since)) else None


def _write(file: TextIO, holder: Holder | None) -> None:
    file.seek(0)
    file.truncate()
    if holder is not None:
        json.dump(holder._asdict(), file)
    file.flush()
