"""Releases: which versions belong together, and which release counts.

A release is what one whole run made: a version of every artefact, with the figures and the decision about it
(`made/<id>.json`). `current.json` names the release that people read, and those that were current before it; it is
replaced in one step, so there is one current release at any time.
"""

import fcntl
import json
import logging
import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple, Self

from hgt_repurposing.benchmark.decision import Decision
from hgt_repurposing.storage.artifacts import open_in_place, write_json
from hgt_repurposing.storage.catalog import RELEASES_FOLDER, version_path
from hgt_repurposing.storage.manifest import Manifest, UnreadableArtifactError, read_header_of_any_format

logger = logging.getLogger(__name__)

RELEASE_FORMAT = 1
ID = re.compile(r"[0-9]{8}T[0-9]{6}Z-[0-9A-Za-z]{1,8}")
CURRENT_FILE = "current.json"
CURRENT, PREVIOUS, NEWEST = "current", "previous", "newest"
"""Names that commands understand besides ids."""


class UnknownReleaseError(ValueError):
    """A name that means no release, or several."""


@dataclass(frozen=True)
class Release:
    """Versions that belong together."""

    id: str
    """Time in UTC and the beginning of the run's id; sorts by time."""
    run_id: str
    """Empty: adopted from a folder of before there were releases."""
    versions: Mapping[str, str]
    """Header digest of the version of each artefact, by name."""
    figures: Mapping[str, float | str | None]
    """Sizes of the graph, metrics and verdicts, by name; None: not measured."""
    decision: Decision
    software: Mapping[str, str] = field(default_factory=dict)
    """Versions of this package, its code, Python and libraries."""

    @property
    def made_at(self) -> datetime:
        """When it was recorded."""
        return datetime.strptime(self.id[:16], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)

    def manifests(self, *, root: Path) -> dict[str, Manifest]:
        """Headers of its versions, by name; those of an older format can only be listed and copied.

        Raises:
            UnreadableArtifactError: If one is missing or damaged.
        """
        found = {}
        for name, header in self.versions.items():
            path = version_path(name, header, root=root)
            if not path.exists():
                raise UnreadableArtifactError(f"release {self.id} is incomplete: {path} is missing", name=name)
            found[name] = read_header_of_any_format(path, name)
        return found

    def to_json(self) -> dict[str, Any]:
        """The inverse of `from_json`. Any: JSON values."""
        return {**vars(self), "decision": self.decision.to_json(), "format": RELEASE_FORMAT}

    @classmethod
    def from_json(cls, entry: Mapping[str, Any]) -> Self:
        """Inverse of `to_json`; entries of later formats are left out."""
        known = {key: value for key, value in entry.items() if key in cls.__dataclass_fields__}
        return cls(**{**known, "decision": Decision.from_json(entry["decision"])})


class Current(NamedTuple):
    """Which release counts."""

    id: str | None
    """None: none yet."""
    before: tuple[str, ...]
    """Those that were current before it, the last one last."""
    withdrawn: tuple[str, ...] = ()
    """Those that were rolled back from, and not promoted again: no run promotes them."""

    def promoted(self, release_id: str) -> Self:
        """With another release as the current one."""
        if self.id == release_id:
            return self
        before = (*self.before, *([self.id] if self.id else []))
        return self._replace(id=release_id, before=before, withdrawn=_without(self.withdrawn, {release_id}))

    def rolled_back(self) -> Self:
        """With the release before it as the current one; there must be one."""
        now = self.before[-1]
        withdrawn = (*_without(self.withdrawn, {now, str(self.id)}), str(self.id))
        return self._replace(id=now, before=self.before[:-1], withdrawn=_without(withdrawn, {now}))

    def knows(self, release_id: str) -> bool:
        """Whether a release is or was the current one."""
        return release_id in (self.id, *self.before, *self.withdrawn)


def new_id(run_id: str, *, now: datetime) -> str:
    """Id of a release that a run makes now."""
    return f"{now.astimezone(UTC):%Y%m%dT%H%M%SZ}-{re.sub('[^0-9A-Za-z]', '', run_id)[:8] or 'x'}"


def made_path(release_id: str, *, root: Path) -> Path:
    """File of a release."""
    return root / RELEASES_FOLDER / "made" / f"{release_id}.json"


def record(release: Release, *, root: Path) -> None:
    """Write down a release, whose versions exist."""
    write_json(made_path(release.id, root=root), release.to_json())


def all_releases(root: Path) -> list[Release]:
    """Every release, the oldest first; damaged ones are left out with a warning."""
    found = []
    for path in sorted(made_path("", root=root).parent.glob("[0-9]*.json")):
        try:
            found.append(read_release(path))
        except ValueError as error:
            logger.warning("%s", error)
    return found


def read_release(path: Path) -> Release:
    """Read the file of a release.

    Raises:
        ValueError: If it is damaged.
    """
    try:
        found = Release.from_json(json.loads(path.read_text(encoding="utf-8")))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is damaged: it is not a release") from error
    if not ID.fullmatch(found.id):
        raise ValueError(f"{path} is damaged: {found.id!r} is no id of a release")
    return found


def release_of(given: str, *, root: Path) -> Release:
    """The release with an id, the beginning of one, or a name: current, previous, newest.

    Raises:
        UnknownReleaseError: If there is none, or more than one.
    """
    releases = all_releases(root)
    now = current(root)
    if given == PREVIOUS:
        _require_previous(now, root)
    wanted = {CURRENT: now.id, PREVIOUS: now.before[-1] if now.before else None}.get(given, given)
    if given == NEWEST:
        found = releases[-1:]
    else:
        found = [release for release in releases if wanted and release.id.startswith(wanted)]
        found = [release for release in found if release.id == wanted] or found
    if len(found) == 1:
        return found[0]
    ids = ", ".join(release.id for release in found or releases) or "none yet"
    problem = "names several releases" if found else "is no release"
    raise UnknownReleaseError(f"{given!r} {problem} of {root}: {ids}")


def current(root: Path) -> Current:
    """Which release counts.

    Raises:
        ValueError: If the file is damaged.
    """
    return read_current(_current_path(root))


def read_current(path: Path) -> Current:
    """Read the file that says which release counts; nothing counts if it is not there. Raises as `current`."""
    try:
        entry = json.loads(path.read_text(encoding="utf-8"))
        return Current(entry["id"], tuple(entry["before"]), tuple(entry.get("withdrawn", ())))
    except FileNotFoundError:
        return Current(None, ())
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is damaged: remove it, then promote a release") from error


def promote(release: Release, *, root: Path) -> None:
    """Make a release the current one; the one before can be rolled back to.

    Raises:
        UnknownReleaseError: If it was removed meanwhile.
    """
    with _switching(root):
        now = current(root)
        if not made_path(release.id, root=root).exists():
            raise UnknownReleaseError(f"{release.id!r} is no release of {root} any more")
        _switch(now.promoted(release.id), root=root)


def roll_back(root: Path) -> Release:
    """Make the release current that was so before.

    Raises:
        UnknownReleaseError: If there is none.
    """
    with _switching(root):
        now = current(root)
        _require_previous(now, root)
        before = release_of(now.before[-1], root=root)
        _switch(now.rolled_back(), root=root)
    return before


def forget_old(num_kept: int, *, root: Path) -> list[Release]:
    """Remove from the list all but the newest releases, the current one and the one before it.

    Args:
        num_kept: Newest releases that are kept in any case.
        root: The data folder.

    Returns:
        Those that were removed, the oldest first; their versions stay.
    """
    with _switching(root):
        now, releases = current(root), all_releases(root)
        kept = {now.id, *now.before[-1:], *(release.id for release in releases[max(0, len(releases) - num_kept) :])}
        old = [release for release in releases if release.id not in kept]
        gone = {release.id for release in old}
        left = now._replace(before=_without(now.before, gone), withdrawn=_without(now.withdrawn, gone))
        _switch(left, root=root)
        for release in old:
            made_path(release.id, root=root).unlink()
    return old


def follow(now: Current, *, root: Path) -> None:
    """Take over which release counts and which did before, where none did so far."""
    with _switching(root):
        if current(root).id is None:
            _switch(now, root=root)


def _require_previous(now: Current, root: Path) -> None:
    if not now.before:
        raise UnknownReleaseError(
            f"no release of {root} was current before the one that is now; the newest is called newest"
        )


def _current_path(root: Path) -> Path:
    return root / RELEASES_FOLDER / CURRENT_FILE


def _switch(to: Current, *, root: Path) -> None:
    write_json(_current_path(root), to._asdict())


def _without(release_ids: tuple[str, ...], gone: Collection[str]) -> tuple[str, ...]:
    return tuple(release_id for release_id in release_ids if release_id not in gone)


@contextmanager
def _switching(root: Path) -> Iterator[None]:
    """One switch at a time; they take milliseconds, so the others wait."""
    with open_in_place(root / RELEASES_FOLDER / "current.lock") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
