"""Runs that set out to make a release, whatever became of them: so that none ends without a word.

`attempts/<run id>.json` is written when such a run takes the data folder, and again when it fails with a sentence or
makes a release. A run that was killed leaves the first version behind.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from hgt_repurposing.storage.artifacts import read_json, write_json
from hgt_repurposing.storage.catalog import RELEASES_FOLDER


@dataclass(frozen=True)
class Attempt:
    """A run that set out to make a release."""

    run_id: str
    started: str
    """ISO 8601, UTC."""
    process: str
    """Where it runs or ran."""
    failed: str | None = None
    """Why it failed, one sentence; None: it did not, as far as it could still say."""
    release: str | None = None
    """Id of the release that it made."""

    @property
    def started_at(self) -> datetime:
        """When it took the data folder."""
        return datetime.fromisoformat(self.started)

    @classmethod
    def from_json(cls, entry: Mapping[str, Any]) -> Self:
        """From `vars`; unknown entries are left out. Any: JSON values."""
        return cls(**{key: value for key, value in entry.items() if key in cls.__dataclass_fields__})


def begin_attempt(run_id: str, *, process: str, root: Path, now: datetime) -> None:
    """Write down that a run begins; a retried step of the same run changes nothing."""
    if _read(_path(run_id, root=root)) is None:
        _write(Attempt(run_id, now.astimezone(UTC).isoformat(timespec="seconds"), process), root=root)


def end_attempt(run_id: str, *, root: Path, failed: str | None = None, release: str | None = None) -> None:
    """Write down how a run ended; nothing happens if it never began."""
    found = _read(_path(run_id, root=root))
    if found is not None:
        _write(Attempt(found.run_id, found.started, found.process, failed, release), root=root)


def all_attempts(root: Path) -> list[Attempt]:
    """Every attempt, the oldest first; damaged ones are left out."""
    found = [_read(path) for path in _path("", root=root).parent.glob("*.json")]
    return sorted((attempt for attempt in found if attempt), key=lambda attempt: (attempt.started, attempt.run_id))


def forget_attempts(run_ids: set[str], *, root: Path) -> None:
    """Remove attempts from the list."""
    for run_id in run_ids:
        _path(run_id, root=root).unlink(missing_ok=True)


def _write(attempt: Attempt, *, root: Path) -> None:
    write_json(_path(attempt.run_id, root=root), vars(attempt))


def _path(run_id: str, *, root: Path) -> Path:
    return root / RELEASES_FOLDER / "attempts" / f"{run_id}.json"


def _read(path: Path) -> Attempt | None:
    try:
        return Attempt.from_json(read_json(path))
    except (AttributeError, TypeError):  # not there, or damaged
        return None
