"""What an artefact says about itself: what it was made from, and what its parts must be.

`<name>.manifest.json` holds the format version, the package version, the resolved configuration, the digests of
everything the artefact was made from, and size and SHA-256 of every part. Parts named `measured` or `<name>.measured`
hold the cost of a step, in seconds or GiB: they differ each time and are not covered by the digest.
"""

import hashlib
import importlib.metadata
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

FORMAT_VERSION = 12
PACKAGE = "hgt_repurposing"
MEASURED = "measured"
"""Last word of the name, without suffix, of a part that holds the cost of a step."""


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
        lines = sorted(f"{part} {entry['sha256']}" for part, entry in self._content.items())
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()

    @property
    def _content(self) -> dict[str, Any]:
        """Parts except the measured ones. Any: `bytes` and `sha256`."""
        return {part: entry for part, entry in self.parts.items() if Path(part).stem.rpartition(".")[2] != MEASURED}

    def is_same_but_for_cost(self, other: Self) -> bool:
        """Whether nothing differs but the measured parts, as when a step is repeated."""
        mine, theirs = ({**vars(each), "parts": each._content} for each in (self, other))
        return mine == theirs

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


def manifest_path(folder: Path, name: str) -> Path:
    """Path of an artefact's manifest; an artefact exists if and only if this file does."""
    return folder / f"{name}.manifest.json"


def header_of(name: str, parts: Mapping[str, Mapping[str, Any]], provenance: Provenance) -> Manifest:
    """The header of an artefact made by this package, with `bytes` and `sha256` of each part. Any: these two."""
    return Manifest(
        name=name,
        format_version=FORMAT_VERSION,
        package_version=importlib.metadata.version(PACKAGE),
        config=provenance.config,
        inputs=provenance.inputs,
        lineage=provenance.lineage,
        parts=parts,
    )


def read_manifest(folder: Path, name: str) -> Manifest:
    """Read the header of an artefact.

    Raises:
        FileNotFoundError: If the artefact was never written.
        UnreadableArtifactError: If its format version differs, or the header is truncated or changed.
    """
    path = manifest_path(folder, name)
    if not path.exists():
        raise MissingArtifactError(f"there is no artefact {name!r} in {folder}", name=name)
    return read_header(path, name)


def read_header(path: Path, name: str) -> Manifest:
    """Read a manifest from a file of any name.

    Raises:
        UnreadableArtifactError: As `read_manifest`.
    """
    version, entry = _header(path, name)
    _require_format(version, name, what=str(path))
    return _whole(path, name, entry)


def read_header_of_any_format(path: Path, name: str) -> Manifest:
    """Read the manifest of an artefact whose parts need not be readable by this package.

    Raises:
        UnreadableArtifactError: If the header is truncated, changed or has other entries.
    """
    return _whole(path, name, _header(path, name)[1])


def _header(path: Path, name: str) -> tuple[Any, dict[str, Any]]:
    """Format version, and all entries. Any: JSON values."""
    try:
        entry = json.loads(path.read_text(encoding="utf-8"))
        return entry["format_version"], entry
    except FileNotFoundError:
        raise
    except (KeyError, TypeError, ValueError) as error:
        raise UnreadableArtifactError(f"artefact {name!r} is damaged: {path} is not a manifest", name=name) from error


def _whole(path: Path, name: str, entry: Mapping[str, Any]) -> Manifest:
    """The manifest with these entries (Any: JSON values), if nobody changed them."""
    fields = {key: value for key, value in entry.items() if key not in ("digest", "header_sha256")}
    try:
        manifest = Manifest(**fields)
    except TypeError as error:
        raise UnreadableArtifactError(f"artefact {name!r} is damaged: {path} is not a manifest", name=name) from error
    if manifest.header_sha256 != entry.get("header_sha256"):
        raise UnreadableArtifactError(f"artefact {name!r} is damaged: {path} was changed by hand", name=name)
    return manifest


def require_format(manifest: Manifest) -> None:
    """Refuse an artefact whose parts are of another format.

    Raises:
        UnreadableArtifactError: If its format version differs.
    """
    _require_format(manifest.format_version, manifest.name, what=f"artefact {manifest.name!r}")


def _require_format(version: int, name: str, *, what: str) -> None:
    if version != FORMAT_VERSION:
        raise UnreadableArtifactError(
            f"{what} has format version {version}, but this package reads version {FORMAT_VERSION}", name=name
        )
