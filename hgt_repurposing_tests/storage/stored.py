"""Small releases: a few artefacts of one part each."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from hgt_repurposing.benchmark.decision import Decision
from hgt_repurposing.storage.artifacts import write_contents
from hgt_repurposing.storage.catalog import contents_folder, keep_version
from hgt_repurposing.storage.manifest import Manifest, Provenance, header_of
from hgt_repurposing.storage.releases import Release, new_id, promote, record

START = datetime(2026, 11, 2, 3, tzinfo=UTC)


def version(root: Path, name: str, value: object) -> Manifest:
    """A version of an artefact with one part."""
    made = header_of(name, write_contents(contents_folder(root), {f"{name}.json": value}, what=name), Provenance())
    keep_version(made, root=root)
    return made


def release(root: Path, week: int, *, promoted: bool = True, **values: object) -> Release:
    """A release of these artefacts, or of these versions, made in this week."""
    found = {name: _version(root, name, value) for name, value in values.items()}
    versions = {name: manifest.header_sha256 for name, manifest in found.items()}
    run_id = f"run{week:05d}"
    made = Release(
        new_id(run_id, now=START + timedelta(weeks=week)),
        run_id,
        versions,
        {"edges": 100.0 + week},
        Decision(promoted, f"reason of week {week}"),
    )
    record(made, root=root)
    if promoted:
        promote(made, root=root)
    return made


def _version(root: Path, name: str, value: object) -> Manifest:
    return value if isinstance(value, Manifest) else version(root, name, value)


def files(folder: Path) -> set[str]:
    """All files below a folder, but locks."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file() and path.suffix != ".lock"}
