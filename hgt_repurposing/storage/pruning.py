"""Which releases are kept, and the removal of every version that no kept release and no newest artefact names."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from hgt_repurposing.storage.artifacts import remove_leftovers
from hgt_repurposing.storage.attempts import all_attempts, forget_attempts
from hgt_repurposing.storage.catalog import RELEASES_FOLDER, contents_folder, path_of, version_path, working_folder
from hgt_repurposing.storage.manifest import Manifest, read_header_of_any_format
from hgt_repurposing.storage.releases import all_releases, forget_old

NUM_KEPT = 5
"""Newest releases that are kept besides the current one and its predecessor."""


class Pruned(NamedTuple):
    """What was removed."""

    releases: list[str]
    """Ids, the oldest first."""
    num_versions: int
    num_bytes: int
    """Of parts."""


def prune(root: Path, *, num_kept: int = NUM_KEPT) -> Pruned:
    """Remove old releases and all that only they named; no run may use the data folder meanwhile.

    Args:
        root: The data folder.
        num_kept: Newest releases to keep besides the current one and the one before it.

    Raises:
        ValueError: If `num_kept` is negative, or a release or manifest is damaged.
    """
    if num_kept < 0:
        raise ValueError(f"the number of releases to keep must be at least 0 (got {num_kept})")
    old = forget_old(num_kept, root=root)
    _forget_attempts(root, {release.run_id for release in old}, num_kept)
    remove_leftovers(contents_folder(root), "")
    return _collect(root, [release.id for release in old])


def num_bytes_stored(root: Path) -> int:
    """Size of all parts of all versions, each content once."""
    num_bytes = 0
    for path in _files(contents_folder(root)):
        with suppress(FileNotFoundError):  # a run may write meanwhile
            num_bytes += path.stat().st_size
    return num_bytes


def _forget_attempts(root: Path, runs: set[str], num_kept: int) -> None:
    """Forget the runs of these releases, and all but the newest failed ones."""
    failed = [attempt.run_id for attempt in all_attempts(root) if not attempt.release]
    forget_attempts(runs | set(failed[: max(0, len(failed) - num_kept)]), root=root)


def _collect(root: Path, removed: list[str]) -> Pruned:
    kept = list(_named(root))
    versions = {version_path(manifest.name, manifest.header_sha256, root=root) for manifest in kept}
    contents = {path_of(manifest, part, root=root) for manifest in kept for part in manifest.parts}
    old_versions = [path for path in _files(root / RELEASES_FOLDER / "versions") if path not in versions]
    old_contents = [path for path in _files(contents_folder(root)) if path not in contents]
    num_bytes = sum(path.stat().st_size for path in old_contents)
    for path in (*old_versions, *old_contents):  # manifests first: an interrupted removal leaves no broken version
        path.unlink()
    return Pruned(removed, len(old_versions), num_bytes)


def _named(root: Path) -> Iterator[Manifest]:
    """Every version that a release names, or that is the newest."""
    for release in all_releases(root):
        yield from release.manifests(root=root).values()
    for path in working_folder(root).glob("*.manifest.json"):
        yield read_header_of_any_format(path, path.name.removesuffix(".manifest.json"))


def _files(folder: Path) -> Iterable[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]
