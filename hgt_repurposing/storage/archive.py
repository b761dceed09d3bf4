"""Releases as one file: backup, and restoring into any data folder."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from hgt_repurposing.storage.artifacts import keep_contents, unpacked, write_archive, write_header
from hgt_repurposing.storage.catalog import (
    PLACES,
    RELEASES_FOLDER,
    contents_folder,
    is_there,
    keep_version,
    path_of,
    version_path,
)
from hgt_repurposing.storage.copies import refresh_copies
from hgt_repurposing.storage.manifest import Manifest, UnreadableArtifactError, read_header_of_any_format
from hgt_repurposing.storage.releases import (
    CURRENT_FILE,
    Current,
    Release,
    all_releases,
    current,
    follow,
    made_path,
    read_current,
    read_release,
    record,
    release_of,
)


class Restored(NamedTuple):
    """What an archive brought."""

    releases: list[str]
    """Ids of those that were not there before, the oldest first."""
    current: str | None
    """Id of the current release now."""


def back_up(path: Path, releases: Sequence[Release], *, root: Path) -> int:
    """Write releases with all their versions into one tar archive.

    Args:
        path: Compressed if its name ends in `.gz` or `.tgz`.
        releases: At least one.
        root: The data folder.

    Returns:
        Size of the archive in bytes.

    Raises:
        ValueError: If there is no release.
        UnreadableArtifactError: If a version is missing.
    """
    if not releases:
        raise ValueError(f"there is no release in {root} to back up")
    files = {f"made/{release.id}.json": made_path(release.id, root=root) for release in releases}
    for release in releases:
        for manifest in release.manifests(root=root).values():
            version = version_path(manifest.name, manifest.header_sha256, root=root)
            contents = (path_of(manifest, part, root=root) for part in manifest.parts)
            files |= {str(file.relative_to(root / RELEASES_FOLDER)): file for file in (version, *contents)}
    if current(root).id in {release.id for release in releases}:
        files[CURRENT_FILE] = root / RELEASES_FOLDER / CURRENT_FILE
    write_archive(path, files)
    return path.stat().st_size


def restore(path: Path, *, root: Path) -> Restored:
    """Add the releases of an archive to a data folder; nothing that is there is replaced.

    The current release of the archive becomes the current one if the data folder has none.

    Args:
        path: Written by `back_up`.
        root: The data folder; created if absent.

    Raises:
        ValueError: If it is no such archive.
        UnreadableArtifactError: If one of its versions is damaged; then no release is added.
    """
    with unpacked(path, beside=root / RELEASES_FOLDER) as folder:
        found = [read_release(file) for file in sorted((folder / "made").glob("*.json"))]
        if not found:
            raise ValueError(f"{path} holds no release: it is not a backup")
        was = read_current(folder / CURRENT_FILE)
        for manifest in [version for release in found for version in _versions(release, folder)]:
            _take_over(manifest, folder / "contents", root=root)
    there = {release.id for release in all_releases(root)}
    added = [release for release in found if release.id not in there]
    for release in added:
        record(release, root=root)
    if current(root).id is None and was.id is not None:
        known = {release.id for release in all_releases(root)}
        newest = release_of(was.id, root=root).manifests(root=root)
        for manifest in newest.values():
            if not is_there(manifest.name, root=root):
                keep_version(manifest, root=root)
        before, withdrawn = (tuple(each for each in ids if each in known) for ids in (was.before, was.withdrawn))
        follow(Current(was.id, before, withdrawn), root=root)
        refresh_copies(root)
    return Restored([release.id for release in added], current(root).id)


def _versions(release: Release, folder: Path) -> list[Manifest]:
    """Manifests of a release in an unpacked archive."""
    found = []
    for name, header in release.versions.items():
        if name not in PLACES:
            raise ValueError(f"release {release.id} in the archive has an unknown artefact {name!r}")
        path = folder / version_path(name, header, root=Path()).relative_to(RELEASES_FOLDER)
        if not path.exists():
            raise UnreadableArtifactError(f"release {release.id} is incomplete in the archive: no {name}", name=name)
        found.append(read_header_of_any_format(path, name))
    return found


def _take_over(manifest: Manifest, contents: Path, *, root: Path) -> None:
    """Copy one version; its contents must be those that its manifest describes."""
    files = {part: contents / path_of(manifest, part, root=root).relative_to(contents_folder(root))
             for part in manifest.parts}  # fmt: skip
    odd = [part for part in manifest.parts if Path(part).name != part]
    if odd:
        raise ValueError(f"artefact {manifest.name!r} in the archive has a part with an odd name: {odd[0]!r}")
    missing = [part for part, file in files.items() if not file.exists()]
    if missing:
        raise UnreadableArtifactError(
            f"artefact {manifest.name!r} is incomplete in the archive: no {missing[0]}", name=manifest.name
        )
    kept = keep_contents(contents_folder(root), files, what=manifest.name)
    damaged = [part for part, entry in kept.items() if entry != manifest.parts[part]]
    if damaged:
        raise UnreadableArtifactError(
            f"artefact {manifest.name!r} is damaged in the archive: {damaged[0]} does not match its manifest",
            name=manifest.name,
        )
    write_header(version_path(manifest.name, manifest.header_sha256, root=root), manifest)
