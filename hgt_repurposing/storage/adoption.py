"""A data folder of before there were releases: its artefacts become the first release, of whatever format they are."""

import logging
from datetime import UTC, datetime
from pathlib import Path

from hgt_repurposing.benchmark.decision import Decision
from hgt_repurposing.mismatch import MismatchError
from hgt_repurposing.storage.artifacts import keep_contents
from hgt_repurposing.storage.catalog import (
    PLACES,
    SAID_ABOUT,
    contents_folder,
    folder_of,
    keep_version,
    lineage,
    record_version,
    working_folder,
)
from hgt_repurposing.storage.manifest import (
    FORMAT_VERSION,
    Manifest,
    UnreadableArtifactError,
    manifest_path,
    read_header_of_any_format,
)
from hgt_repurposing.storage.releases import Release, new_id, promote, record

logger = logging.getLogger(__name__)

EARLIER = "earlier"
REASON = "it was there before there were releases"


def needs_adoption(root: Path) -> bool:
    """Whether a data folder has artefacts but no releases."""
    return not working_folder(root).exists() and any(_header(name, root).exists() for name in PLACES)


def adopt(root: Path) -> Release | None:
    """Make the artefacts that lie in the folders of a data folder its first release, if it needs that.

    Damaged artefacts, and those made from other versions than lie beside them, are left out with a warning.

    Args:
        root: The data folder; no run may use it meanwhile.
    """
    if not needs_adoption(root):
        return None
    when = max(_header(name, root).stat().st_mtime for name in PLACES if _header(name, root).exists())
    found = _together(root)
    for manifest in found.values():
        record_version(manifest, root=root)
    missing = [name for name in PLACES if name not in (*found, *SAID_ABOUT)]
    release = Release(
        new_id(EARLIER, now=datetime.fromtimestamp(when, UTC)),
        "",
        {name: manifest.header_sha256 for name, manifest in found.items()},
        _figures(found, root),
        Decision(promoted=not missing, reason=f"{REASON}, without {', '.join(missing)}" if missing else REASON),
    )
    record(release, root=root)
    if not missing:  # an incomplete one could not be compared with, and would keep all others aside
        promote(release, root=root)
    for manifest in found.values():
        keep_version(manifest, root=root)  # last: from now on nothing is left to adopt
    logger.info("the results in %s are release %s now", root, release.id)
    return release


def _together(root: Path) -> dict[str, Manifest]:
    """Whole artefacts that belong together, by name."""
    found: dict[str, Manifest] = {}
    for name in PLACES:
        if not _header(name, root).exists():
            continue
        try:
            manifest = _kept(name, root)
            lineage([*found.values(), manifest])
        except (UnreadableArtifactError, MismatchError) as error:
            logger.warning("not part of the first release: %s", error)
        else:
            found[name] = manifest
    return found


def _kept(name: str, root: Path) -> Manifest:
    """Manifest of an artefact whose files are those it describes; they are among the contents then.

    Raises:
        UnreadableArtifactError: If a file is missing or was changed.
    """
    manifest = read_header_of_any_format(_header(name, root), name)
    files = {part: folder_of(name, root=root) / part for part in manifest.parts}
    gone = [path for path in files.values() if not path.exists()]
    if gone:
        raise UnreadableArtifactError(f"artefact {name!r} is incomplete: {gone[0]} is missing", name=name)
    entries = keep_contents(contents_folder(root), files, what=name)
    changed = [files[part] for part, entry in entries.items() if entry != manifest.parts[part]]
    if changed:
        raise UnreadableArtifactError(f"artefact {name!r} is damaged: {changed[0]} was changed", name=name)
    return manifest


def _figures(found: dict[str, Manifest], root: Path) -> dict[str, float | str | None]:
    """Those of a release, if all are there in the format of this package."""
    if not found:
        return {}
    if any(manifest.format_version != FORMAT_VERSION for manifest in found.values()):
        return {"format": float(next(iter(found.values())).format_version)}
    from hgt_repurposing.storage.released import ReleasedValues  # noqa: PLC0415  (loads SciPy's statistics)

    try:
        return ReleasedValues(found, root).figures()
    except (KeyError, UnreadableArtifactError):
        return {}


def _header(name: str, root: Path) -> Path:
    return manifest_path(folder_of(name, root=root), name)
