"""The files that people open: copies of the current release, never links, as someone will change and save them.

`copied.json` says whose copies lie in the folders of the data folder. Before they are replaced it is emptied, so a
killed replacement is noticed and finished later.
"""

import fcntl
from collections.abc import Collection
from pathlib import Path

from hgt_repurposing.storage.artifacts import copy_content, open_in_place, read_json, write_header, write_json
from hgt_repurposing.storage.catalog import PLACES, RELEASES_FOLDER, folder_of, path_of
from hgt_repurposing.storage.manifest import Manifest, manifest_path
from hgt_repurposing.storage.releases import PREVIOUS, Release, current, promote, release_of, roll_back


def refresh_copies(root: Path) -> bool:
    """Make the folders hold the current release; whether anything was to be done. Without a release nothing happens.

    Raises:
        UnreadableArtifactError, OSError: If a version is damaged, or a file cannot be written.
    """
    now = current(root).id
    if now is None or _copied(root) == now:
        return False
    with open_in_place(root / RELEASES_FOLDER / "copies.lock") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        return _refresh(root)


def _refresh(root: Path) -> bool:
    """As `refresh_copies`, alone."""
    now = current(root).id
    if now is None or _copied(root) == now:
        return False
    manifests = release_of(now, root=root).manifests(root=root)
    write_json(_copied_path(root), {"id": None})
    for name in PLACES:
        if name in manifests:
            copy_version(manifests[name], root=root)
        else:
            _remove(name, root=root)
    write_json(_copied_path(root), {"id": now})
    return True


def switch_to(given: str, *, root: Path) -> Release:
    """Make a release the current one, and copy its files.

    Args:
        given: As for `release_of`; `previous` rolls back.
        root: The data folder.

    Raises:
        UnknownReleaseError: If it means no release, or several.
        UnreadableArtifactError: If one of its versions is missing; then nothing changes.
    """
    found = release_of(given, root=root)
    found.manifests(root=root)
    if given == PREVIOUS:
        found = roll_back(root)
    else:
        promote(found, root=root)
    try:
        refresh_copies(root)
    except OSError as error:
        raise ValueError(
            f"release {found.id} is the current one now, but its files could not be copied ({error}): free disk space, "
            "then any command copies them"
        ) from error
    return found


def copy_version(manifest: Manifest, *, root: Path) -> None:
    """Copy one version to the folder of its artefact; parts of another version are removed."""
    folder = folder_of(manifest.name, root=root)
    _remove(manifest.name, root=root, but=manifest.parts)
    for part in manifest.parts:
        copy_content(path_of(manifest, part, root=root), folder / part)
    write_header(manifest_path(folder, manifest.name), manifest)


def _remove(name: str, *, root: Path, but: Collection[str] = ()) -> None:
    """Remove the copies of an artefact that are not among these; other files in its folder stay."""
    header = manifest_path(folder_of(name, root=root), name)
    match read_json(header):
        case {"parts": dict(parts)}:
            pass
        case _:
            return
    header.unlink(missing_ok=True)
    for part in parts:
        if part not in but:
            (header.parent / part).unlink(missing_ok=True)


def _copied(root: Path) -> str | None:
    match read_json(_copied_path(root)):
        case {"id": str(found)}:
            return found
        case _:
            return None


def _copied_path(root: Path) -> Path:
    return root / RELEASES_FOLDER / "copied.json"
