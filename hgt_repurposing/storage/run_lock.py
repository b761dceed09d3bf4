"""One run at a time in a data folder.

`run.lock` in the data folder names the run that holds it: its id, host, process and the start of that process. Every
process of the run holds a shared lock of the operating system on the file while it lives, and writing another name into
the file requires the exclusive lock. So a dead run's folder is taken over only after its last step has ended, steps of
one run can work in parallel, and nothing needs to be cleaned up after `kill -9`.
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
"""Seconds by which two readings of a process's start time may differ if the clock is adjusted in between."""
POLL = 0.2
"""Seconds between two attempts to take a lock that is held."""
LAST_STEP_PATIENCE = 20.0
"""Seconds allowed for the last steps of a dead run to end by themselves."""


class FolderInUseError(ValueError):
    """Another run holds the data folder."""


class Holder(NamedTuple):
    """A run and the process it lives and dies with."""

    run_id: str
    host: str
    pid: int
    started: float
    """When the process started, in seconds since 1970."""
    since: str
    """When the run took the folder, as text."""

    @classmethod
    def of_process(cls, pid: int, run_id: str, *, now: datetime) -> Self:
        """The holder for a run that ends with a process on this machine."""
        return cls(run_id, socket.gethostname(), pid, psutil.Process(pid).create_time(), f"{now:%Y-%m-%d %H:%M:%S %Z}")

    @property
    def is_here(self) -> bool:
        """Whether it is this very process."""
        return self.is_on_this_host and self.pid == os.getpid()

    @property
    def is_on_this_host(self) -> bool:
        """Whether the process can be looked up here."""
        return self.host == socket.gethostname()

    @property
    def is_alive(self) -> bool:
        """Whether the process is still running; on another host this is unknown, and it counts as alive."""
        if not self.is_on_this_host:
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
    """Hold the data folder for a run, alone or together with other steps of the same run.

    Args:
        root: The data folder; created if absent.
        me: The run that wants it.
        wait: Whether to wait for another run that holds it instead of stopping.
        on_wait: Called once with a message that names the other run.
        has_ended: Whether the run with a given id is known to have ended, even if its process lives on.

    Yields:
        A function that raises FolderInUseError if this run no longer holds the folder.

    Raises:
        FolderInUseError: If another run holds the folder, or a step of a dead run does not end.
    """
    path = root / LOCK_FILE
    with open_in_place(path) as file:
        _take(file, path, me, wait=wait, on_wait=on_wait, has_ended=has_ended)
        try:
            yield lambda: _require(file, path, me)
        finally:
            if me.is_here:  # a step in its own process leaves the name for later steps
                _lock(file, fcntl.LOCK_EX)
                if _read(file) == me:
                    _write(file, None)


def holder_of(root: Path) -> Holder | None:
    """The run that `run.lock` names; None if there is none. It may be dead."""
    try:
        with (root / LOCK_FILE).open(encoding="utf-8") as file:
            return _read(file)
    except OSError:
        return None


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
                "that run has ended: end its processes, then run again"
            )
        time.sleep(random.uniform(POLL / 2, POLL))  # noqa: S311  (random, so that two runs do not keep colliding)


class _Attempt(NamedTuple):
    succeeded: bool
    holder: Holder | None
    """The run named in the file, if it is another one."""


def _attempt(file: TextIO, me: Holder, holds: Callable[[Holder | None], bool]) -> _Attempt:
    """Try once, without waiting, to hold the folder."""
    if not _lock(file, fcntl.LOCK_SH | fcntl.LOCK_NB):  # another process is writing its name
        return _Attempt(succeeded=False, holder=None)
    found = _read(file)
    if found is not None and found.run_id == me.run_id:
        return _Attempt(succeeded=True, holder=None)  # the lock is shared with the other steps of this run
    if not holds(found) and _lock(file, fcntl.LOCK_EX | fcntl.LOCK_NB):
        found = _read(file)  # the upgrade releases the lock for a moment
        if not holds(found):
            if found:
                logger.info("the data folder is taken over from %s, which has ended", found)
            _write(file, me)
            _lock(file, fcntl.LOCK_SH)
            return _Attempt(succeeded=True, holder=None)
    _lock(file, fcntl.LOCK_UN)
    return _Attempt(succeeded=False, holder=found)


def _require(file: TextIO, path: Path, me: Holder) -> None:
    found = _read(file)
    if found is None or found.run_id != me.run_id:
        raise FolderInUseError(
            f"the data folder {path.parent} no longer belongs to this run (held by {found or 'nobody'}): nothing is "
            f"written"
        )


def _in_use(holder: Holder, path: Path) -> str:
    elsewhere = holder.host != socket.gethostname()
    gone = f"; if that run has died, which cannot be detected from this host, remove {path}" if elsewhere else ""
    return (
        f"the data folder {path.parent} is in use by {holder}: wait until it has ended, choose another data folder, or "
        f"set if_busy to wait{gone}"
    )


def _lock(file: TextIO, operation: int) -> bool:
    """Whether the operating system granted the lock."""
    try:
        fcntl.flock(file, operation)
    except BlockingIOError:
        return False
    return True


def _read(file: TextIO) -> Holder | None:
    """The run named in the file; None if the file is empty or was left incomplete by a killed writer."""
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
