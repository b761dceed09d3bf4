"""Signs of life of the runs that use a data folder, or wait for it.

`heartbeats/<run id>.json` names the run's process, and the time at which a step of it was last alive. On the same host
the process itself can be looked up, so a dead run is recognised at once; a run of another host counts as dead when its
heartbeat is old.
"""

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from hgt_repurposing.storage.artifacts import remove_leftovers, write_json
from hgt_repurposing.storage.run_lock import Holder

logger = logging.getLogger(__name__)

HEARTBEATS = "heartbeats"
"""Folder in the data folder."""
INTERVAL = 20.0
"""Seconds between two heartbeats, and between two questions whether the run is over."""
PATIENCE = 600.0
"""Seconds after which a run without a sign of life counts as dead: a step's process may take a minute to begin, and
compiled code may keep the thread that beats from running."""


class Heartbeat(NamedTuple):
    """The last sign of life of a run."""

    holder: Holder
    at: float
    """Seconds since 1970, by the clock of the run's host."""


@contextmanager
def beating(
    root: Path,
    me: Holder,
    *,
    is_over: Callable[[], bool],
    on_over: Callable[[], None],
    every: float = INTERVAL,
) -> Iterator[None]:
    """Write heartbeats of a run from a thread, and notice when the run is over although this process is not.

    Args:
        root: The data folder.
        me: The run, with the process that it lives and dies with.
        is_over: Whether the run has ended, in whatever way.
        on_over: Called once, from the thread, if the block goes on for `every` seconds after the run was found over.
        every: Seconds between two heartbeats.
    """
    _write(root, me)
    ended = threading.Event()
    thread = threading.Thread(target=_beat, args=(root, me, ended, every, is_over, on_over), daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(timeout=every)
        if me.is_here:  # a step in its own process leaves the heartbeat for later steps
            _path(root, me.run_id).unlink(missing_ok=True)


def heartbeat_of(run_id: str, *, root: Path) -> Heartbeat | None:
    """The last heartbeat of a run; None if it never had one, has ended by itself, or left a damaged one."""
    try:
        written = json.loads(_path(root, run_id).read_text(encoding="utf-8"))
        return Heartbeat(at=float(written.pop("at")), holder=Holder(**written))
    except (OSError, KeyError, TypeError, ValueError, AttributeError):
        return None


def remove_old_heartbeats(root: Path, *, has_ended: Callable[[str], bool]) -> None:
    """Remove what runs that have ended left behind."""
    for path in (root / HEARTBEATS).glob("*"):
        run_id = path.name.removeprefix(".").partition(".json")[0]
        if has_ended(run_id):
            remove_leftovers(path.parent, f"{run_id}.json")
            _path(root, run_id).unlink(missing_ok=True)


def why_dead(beat: Heartbeat | None, holder: Holder | None, *, quiet: float, now: float) -> str:
    """Why an unfinished run counts as dead; empty: it may be alive.

    Args:
        beat: Its last heartbeat.
        holder: The run as the holder of its data folder; None if it does not hold it.
        quiet: Seconds since its last event.
        now: Seconds since 1970.
    """
    process = beat.holder if beat else holder
    if process is None:
        return f"it has no process, and has been silent for {quiet / 60:.0f} minutes" if quiet > PATIENCE else ""
    if not process.is_alive:
        return f"its process {process.pid} on {process.host} is gone"
    if beat and not process.is_on_this_host and now - beat.at > PATIENCE:
        return f"its host {process.host} has given no sign of life for {(now - beat.at) / 60:.0f} minutes"
    return ""


def _beat(
    root: Path,
    me: Holder,
    ended: threading.Event,
    every: float,
    is_over: Callable[[], bool],
    on_over: Callable[[], None],
) -> None:
    while not ended.wait(every):
        try:
            _write(root, me)
            over = is_over()
        except Exception:  # a full disk, a locked database: the next heartbeat may work, and the step must not suffer
            logger.warning("a heartbeat of run %s is left out", me.run_id, exc_info=True)
            continue
        if over and not ended.wait(every):
            on_over()
            return


def _write(root: Path, me: Holder) -> None:
    write_json(_path(root, me.run_id), {**me._asdict(), "at": time.time()})


def _path(root: Path, run_id: str) -> Path:
    return root / HEARTBEATS / f"{run_id}.json"
