"""Artefacts on disk: parts of a few formats under one manifest. The only module that opens files for writing.

An artefact is a set of files in one folder plus `<name>.manifest.json`, which holds the format version, the package
version, the resolved configuration, the digests of everything it was made from, and size and SHA-256 of every part.
Parts are written to a hidden folder in the same place and renamed; the manifest is removed first and written last. So
files without a manifest are not an artefact, and files that do not match their manifest are refused by name.

The suffix of a part's name decides its format: `.parquet` and `.csv` a table, `.npz` named arrays, `.json` a JSON
value, `.html` text, anything else bytes. Nothing is pickled. Parts named `measured` hold the cost of a step, in seconds
or GiB: they differ each time and are not covered by the digest.
"""

import hashlib
import importlib.metadata
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

FORMAT_VERSION = 11
PACKAGE = "hgt_repurposing"
MEASURED = "measured"
"""Name, without suffix, of a part that holds the cost of a step."""


@dataclass(frozen=True)
class Provenance:
    """What an artefact was made from."""

    config: Mapping[str, Any] = field(default_factory=dict)
    """Resolved configuration of the step that made it. Any: JSON values."""
    inputs: Mapping[str, str] = field(default_factory=dict)
    """Digest of every artefact that the step read, by name, at the time of reading."""
    lineage: Mapping[str, str] = field(default_factory=dict)
    """Digests of the inputs and of everything they were made from in turn, by name."""


@dataclass(frozen=True)
class Manifest:
    """An artefact's header."""

    name: str
    format_version: int
    package_version: str
    config: Mapping[str, Any]
    inputs: Mapping[str, str]
    lineage: Mapping[str, str]
    parts: Mapping[str, Mapping[str, Any]]
    """`bytes` and `sha256` of each part."""

    @property
    def digest(self) -> str:
        """SHA-256 of all parts except the measured ones; two runs with the same seed give the same digest."""
        content = {part: entry for part, entry in self.parts.items() if Path(part).stem != MEASURED}
        lines = sorted(f"{part} {entry['sha256']}" for part, entry in content.items())
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()

    @property
    def header_sha256(self) -> str:
        """SHA-256 of the header itself, which reveals manual changes of its configuration or origin."""
        return hashlib.sha256(json.dumps(vars(self), sort_keys=True).encode()).hexdigest()

    @property
    def num_bytes(self) -> int:
        """Total size of all parts."""
        return sum(int(entry["bytes"]) for entry in self.parts.values())


class UnreadableArtifactError(ValueError):
    """An artefact that is damaged, incomplete or of another format version."""

    def __init__(self, reason: str, *, name: str) -> None:
        super().__init__(reason)
        self.stale = (name,)
        """Artefacts to make again."""


class MissingArtifactError(FileNotFoundError):
    """An artefact that was never written."""

    def __init__(self, reason: str, *, name: str) -> None:
        super().__init__(reason)
        self.absent = (name,)
        """Artefacts to make first."""


def write_artifact(folder: Path, name: str, parts: Mapping[str, Any], provenance: Provenance) -> Manifest:
    """Write all parts, or none.

    Args:
        folder: Created if absent; several artefacts may share it.
        name: Name of the artefact and of its manifest.
        parts: Part name to value; the name's suffix decides the format. Any: a value of one of the formats above.
        provenance: Written to the header.

    Raises:
        TypeError, ValueError: If a value does not fit the format of its part.
    """
    folder.mkdir(parents=True, exist_ok=True)
    header_path = manifest_path(folder, name)
    stale = _parts_of_earlier_write(header_path) - set(parts)
    with _staging(folder, name) as staging:
        for part, value in parts.items():
            try:
                _write_part(staging / part, value)
            except Exception as error:
                error.add_note(f"while writing {part} of the artefact {name!r} to {folder}")
                raise
        manifest = Manifest(
            name=name,
            format_version=FORMAT_VERSION,
            package_version=importlib.metadata.version(PACKAGE),
            config=provenance.config,
            inputs=provenance.inputs,
            lineage=provenance.lineage,
            parts={
                part: {"bytes": (staging / part).stat().st_size, "sha256": _sha256(staging / part)} for part in parts
            },
        )
        header = _dump_json({**vars(manifest), "digest": manifest.digest, "header_sha256": manifest.header_sha256})
        (staging / header_path.name).write_text(header, encoding="utf-8")
        header_path.unlink(missing_ok=True)
        for part in parts:
            os.replace(staging / part, folder / part)  # noqa: PTH105  (atomic)
        for part in stale:
            (folder / part).unlink(missing_ok=True)
        os.replace(staging / header_path.name, header_path)  # noqa: PTH105
    return manifest


def read_artifact(folder: Path, name: str) -> dict[str, Any]:
    """Read every part of an artefact, each checked against the manifest. Any: a value of one of the part formats.

    Raises:
        FileNotFoundError: If the artefact was never written.
        UnreadableArtifactError: If its format version differs, or a part is missing, truncated or changed.
    """
    return read_parts(folder, read_manifest(folder, name))


def read_parts(folder: Path, manifest: Manifest) -> dict[str, Any]:
    """Read exactly the parts that a manifest describes. Any: a value of one of the part formats.

    Raises:
        UnreadableArtifactError: If a part is missing, truncated or changed.
    """
    return {part: read_part(folder, manifest, part) for part in manifest.parts}


def read_part(folder: Path, manifest: Manifest, part: str) -> Any:
    """Read one part that a manifest describes; raises as `read_parts`. Any: a value of one of the part formats."""
    path, entry, name = folder / part, manifest.parts[part], manifest.name
    if not path.exists():
        raise UnreadableArtifactError(f"artefact {name!r} is incomplete: {path} is missing", name=name)
    if path.stat().st_size != entry["bytes"] or _sha256(path) != entry["sha256"]:
        raise UnreadableArtifactError(
            f"artefact {name!r} is damaged: {path} does not match its manifest "
            f"({path.stat().st_size} bytes, expected {entry['bytes']})",
            name=name,
        )
    match path.suffix:
        case ".parquet":
            return pd.read_parquet(path)
        case ".csv":
            return path  # for people and other tools; this package reads the Parquet file or the arrays
        case ".npz":
            with np.load(path, allow_pickle=False) as arrays:
                return dict(arrays)
        case ".json":
            return json.loads(path.read_text(encoding="utf-8"))
        case ".html":
            return path.read_bytes().decode("utf-8")
        case _:
            return path.read_bytes()


def read_manifest(folder: Path, name: str) -> Manifest:
    """Read the header of an artefact.

    Raises:
        FileNotFoundError: If the artefact was never written.
        UnreadableArtifactError: If its format version differs, or the header is truncated or changed.
    """
    path = manifest_path(folder, name)
    if not path.exists():
        raise MissingArtifactError(f"there is no artefact {name!r} in {folder}", name=name)
    try:
        entry = json.loads(path.read_text(encoding="utf-8"))
        version = entry["format_version"]
    except (KeyError, TypeError, ValueError) as error:
        raise UnreadableArtifactError(f"artefact {name!r} is damaged: {path} is not a manifest", name=name) from error
    if version != FORMAT_VERSION:
        raise UnreadableArtifactError(
            f"{path} has format version {version}, but this package reads version {FORMAT_VERSION}", name=name
        )
    entry.pop("digest")
    written = entry.pop("header_sha256", None)
    manifest = Manifest(**entry)
    if manifest.header_sha256 != written:
        raise UnreadableArtifactError(f"artefact {name!r} is damaged: {path} was changed by hand", name=name)
    return manifest


def manifest_path(folder: Path, name: str) -> Path:
    """Path of an artefact's manifest; an artefact exists if and only if this file does."""
    return folder / f"{name}.manifest.json"


def remove_artifact(folder: Path, name: str) -> None:
    """Remove an artefact, or the remains of a killed write, together with its folder, which it must not share.

    The manifest is removed first, so that an incomplete removal leaves no artefact.
    """
    manifest_path(folder, name).unlink(missing_ok=True)
    shutil.rmtree(folder)


def remove_leftovers(folder: Path, name: str) -> None:
    """Remove the hidden folders that killed writes of an artefact left behind."""
    for staging in folder.glob(f".{name}.*"):
        shutil.rmtree(staging)


def write_json(path: Path, value: Any) -> None:
    """Write one JSON file atomically. Any: a JSON value."""
    write_text(path, _dump_json(value))


def write_text(path: Path, text: str) -> None:
    """Write one text file atomically; its folder is created if absent."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with _staging(path.parent, path.name) as staging:
        (staging / path.name).write_text(text, encoding="utf-8")
        os.replace(staging / path.name, path)  # noqa: PTH105


@contextmanager
def open_in_place(path: Path) -> Iterator[TextIO]:
    """Open a text file for reading and writing in place; an empty one is created if absent.

    Only for lock files: a lock is tied to the file itself, which renaming would replace.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    with os.fdopen(descriptor, "r+", encoding="utf-8") as file:
        yield file


@contextmanager
def _staging(folder: Path, name: str) -> Iterator[Path]:
    """A temporary hidden folder on the same disk. Unlike mkstemp's, files in it get the usual permissions."""
    staging = Path(tempfile.mkdtemp(prefix=f".{name}.", dir=folder))
    try:
        yield staging
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _parts_of_earlier_write(header_path: Path) -> set[str]:
    """Part names, for any format version; none if the manifest is damaged, so that it can be written again."""
    try:
        return set(json.loads(header_path.read_text(encoding="utf-8"))["parts"])
    except (FileNotFoundError, KeyError, TypeError, ValueError):
        return set()


def _dump_json(value: Any) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write_part(path: Path, value: Any) -> None:
    match path.suffix:
        case ".parquet":
            pa.parquet.write_table(pa.Table.from_pandas(value, preserve_index=False), path)
        case ".csv":
            pa.csv.write_csv(pa.Table.from_pandas(value, preserve_index=False), path)
        case ".npz":
            with path.open("wb") as file:
                # In C order: otherwise the bytes would depend on each array's memory layout.
                np.savez(
                    file, allow_pickle=False, **{key: np.asarray(array, order="C") for key, array in value.items()}
                )
        case ".json":
            path.write_text(_dump_json(value), encoding="utf-8")
        case ".html":
            path.write_bytes(value.encode("utf-8"))  # as text, line endings would change on some systems
        case _:
            path.write_bytes(value)
