"""Which artefacts there are, who reads and writes their parts, and the newest version of each.

Below `releases` in the data folder, `contents` holds every part ever written, each content once; `versions` the
manifest of every version; `keys` which version was made of what; `working` the manifest of the newest version of each
artefact, which steps read. No version is ever written over. `releases.py` says which of them belong together and count.

Owners are named by path and imported when needed, so that torch and xgboost are not loaded without need.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from hgt_repurposing.by_path import by_path
from hgt_repurposing.graph.message_graph import SCOPE_PART, MessageScope
from hgt_repurposing.graph.split import DrugDiseaseSplit
from hgt_repurposing.mismatch import MismatchError
from hgt_repurposing.storage.artifacts import (
    content_path,
    read_json,
    read_part,
    write_contents,
    write_header,
    write_json,
)
from hgt_repurposing.storage.manifest import (
    Manifest,
    Provenance,
    UnreadableArtifactError,
    header_of,
    manifest_path,
    read_header,
    read_manifest,
    require_format,
)
from hgt_repurposing.storage.software import code_digest, software
from hgt_repurposing.storage.step_cost import StepCost, cost_part

DATA_VARIABLE = "HGT_REPURPOSING_DATA"
RAW_FOLDER = "01_raw"
RELEASES_FOLDER = "releases"


VERSION_DIGITS = 16
"""Of a manifest's SHA-256, in file names."""


class Place(NamedTuple):
    """An artefact's folder and owner."""

    folder: str
    """Of the copies of the current release that people open. Relative to the data folder."""
    owner: str
    """module or module:Class of this package with `to_parts` and `from_parts`."""


PLACES = {
    "knowledge_graph": Place("03_primary/knowledge_graph", "graph.knowledge_graph:KnowledgeGraph"),
    "drug_disease_split": Place("03_primary/drug_disease_split", "graph.split:DrugDiseaseSplit"),
    "hetero_data": Place("03_primary/hetero_data", "graph.hetero_data"),
    "embedding_params": Place("06_models/embedding_params", "training.params:EmbeddingParams"),
    "hgt_model": Place("06_models/hgt", "training.loop:TrainingResult"),
    "hgt_embeddings": Place("06_models/embeddings", "embeddings.table:Embeddings"),
    "embedding_validation": Place("06_models/embeddings", "embeddings.validation:ValidationReport"),
    "repurposing_model": Place("06_models/repurposing", "repurposing.model:RepurposingModel"),
    "repurposing_scores": Place("07_model_output/scores", "repurposing.score_grid:ScoreGrid"),
    "repurposing_candidates": Place("07_model_output", "repurposing.candidates:Candidates"),
    "repurposing_evaluation": Place("08_reporting/evaluation", "benchmark.results:Evaluation"),
    "release_decision": Place("08_reporting/release_decision", "benchmark.decision:Decision"),
    "repurposing_report": Place("08_reporting/report", "storage.html_page:HtmlPage"),
}

SAID_ABOUT = ("release_decision", "repurposing_report")
"""Artefacts that speak of a release; the others say what it is worth."""


def data_folder(given: str = "") -> Path:
    """The absolute path of `given`, else of HGT_REPURPOSING_DATA, else of `data` in the current folder.

    Raises:
        ValueError: If the variable names a relative path.
    """
    if given:
        return Path(given).expanduser().resolve()
    named = os.environ.get(DATA_VARIABLE)
    return absolute(named, what=DATA_VARIABLE).resolve() if named else Path("data").resolve()


def absolute(named: str, *, what: str) -> Path:
    """A path from the configuration or environment, with `~` expanded.

    Raises:
        ValueError: If it is relative, and would differ between processes.
    """
    path = Path(named).expanduser()
    if not path.is_absolute():
        raise ValueError(f"{what} must be an absolute path, the same for every process (got {named!r})")
    return path


def folder_of(name: str, *, root: Path) -> Path:
    """Folder of the copies of an artefact that people open."""
    return root / PLACES[name].folder


def contents_folder(root: Path) -> Path:
    """Folder of every part of every version."""
    return root / RELEASES_FOLDER / "contents"


def working_folder(root: Path) -> Path:
    """Folder of the newest manifests, and of checkpoints."""
    return root / RELEASES_FOLDER / "working"


def version_path(name: str, header_sha256: str, *, root: Path) -> Path:
    """Manifest of one version of an artefact."""
    return root / RELEASES_FOLDER / "versions" / name / f"{header_sha256[:VERSION_DIGITS]}.json"


def save(
    name: str,
    value: Any,
    *,
    root: Path,
    config: Mapping[str, Any],
    inputs: Iterable[Manifest] = (),
    cost: StepCost | None = None,
) -> Manifest:
    """Write a version of an artefact with its configuration and the digests of everything it was made from.

    It becomes the newest one; older versions stay.

    Args:
        name: One of PLACES.
        value: A value of the owner's type (Any: a different type per artefact).
        root: The data folder.
        config: Resolved configuration of the step that made it (Any: JSON values).
        inputs: Manifests of the artefacts that the step read, at the time of reading.
        cost: What it took to make it; None: not known.

    Raises:
        MismatchError: If the inputs do not belong together.
    """
    read = list(inputs)
    digests = {manifest.name: manifest.digest for manifest in read}
    provenance = Provenance(config=config, inputs=digests, lineage=lineage(read))
    values = {**by_path(PLACES[name].owner).to_parts(value), **({cost_part(name): cost._asdict()} if cost else {})}
    parts = write_contents(contents_folder(root), values, what=name)
    manifest = _first_of(
        header_of(name, parts, provenance), made_before(name, root=root, config=config, inputs=read), root
    )
    keep_version(manifest, root=root)
    write_json(_key_path(name, config, provenance.lineage, root=root), {"version": manifest.header_sha256})
    return manifest


def _first_of(manifest: Manifest, before: Manifest | None, root: Path) -> Manifest:
    """The version that was made before, or the newest one, if nothing but the cost differs; else this one."""
    newest = None
    with suppress(FileNotFoundError, UnreadableArtifactError):
        newest = read_header(manifest_path(working_folder(root), manifest.name), manifest.name)
    for known in (before, newest):
        if known is not None and known.is_same_but_for_cost(manifest) and _is_all_there(known, root=root):
            return known
    return manifest


def made_before(
    name: str, *, root: Path, config: Mapping[str, Any], inputs: Iterable[Manifest] = ()
) -> Manifest | None:
    """The version that was made by this code from these inputs with this configuration; None if there is none.

    Args:
        name: One of PLACES.
        root: The data folder.
        config: Resolved configuration of the step (Any: JSON values).
        inputs: Manifests of the artefacts that the step reads.

    Raises:
        MismatchError: If the inputs do not belong together.
    """
    key_path = _key_path(name, config, lineage(inputs), root=root)
    match read_json(key_path):
        case {"version": str(version)}:
            pass
        case _:
            return None
    try:
        manifest = read_header(version_path(name, version, root=root), name)
    except (FileNotFoundError, UnreadableArtifactError):
        return None  # a damaged one is made again
    return manifest if _is_all_there(manifest, root=root) else None


def _is_all_there(manifest: Manifest, *, root: Path) -> bool:
    return all(_is_whole(manifest, part, root=root) for part in manifest.parts)


def _is_whole(manifest: Manifest, part: str, *, root: Path) -> bool:
    """Whether a part is there with its size; its digest is checked when it is read."""
    path = path_of(manifest, part, root=root)
    return path.exists() and path.stat().st_size == manifest.parts[part]["bytes"]


def _key_path(name: str, config: Mapping[str, Any], made_of: Mapping[str, str], *, root: Path) -> Path:
    """File that names the version made by this code, with this configuration (Any: JSON values), of these digests.

    The libraries count as code: other versions of them may give other numbers.
    """
    made_by = {"code": code_digest(), "libraries": software(), "config": config, "made_of": made_of}
    key = json.dumps(made_by, sort_keys=True)
    digest = hashlib.sha256(key.encode()).hexdigest()
    return root / RELEASES_FOLDER / "keys" / name / f"{digest[:VERSION_DIGITS]}.json"


def keep_version(manifest: Manifest, *, root: Path) -> None:
    """Record a version whose contents have been written, as the newest one.

    If it is the newest one already its file is not touched: its time says when the artefact was made.
    """
    record_version(manifest, root=root)
    newest = manifest_path(working_folder(root), manifest.name)
    with suppress(FileNotFoundError, UnreadableArtifactError):
        if read_header(newest, manifest.name) == manifest:
            return
    write_header(newest, manifest)


def record_version(manifest: Manifest, *, root: Path) -> None:
    """Record a version whose contents have been written, without making it the newest one."""
    write_header(version_path(manifest.name, manifest.header_sha256, root=root), manifest)


def load(name: str, *, root: Path) -> Any:
    """Read an artefact; raises as `read_artifact`. Any: the owner's type."""
    return load_described(name, root=root).value


class Described(NamedTuple):
    """A value with the manifest under which it was read."""

    value: Any
    """Any: the owner's type, or that of one part."""
    manifest: Manifest


def load_described(name: str, *, root: Path) -> Described:
    """Read an artefact and its manifest, which belong together even if it is rewritten; raises as `read_artifact`."""
    manifest = manifest_of(name, root=root)
    return Described(read_version(manifest, root=root), manifest)


def read_version(manifest: Manifest, *, root: Path) -> Any:
    """The value of a version; raises as `read_artifact`. Any: the owner's type."""
    require_format(manifest)
    of_owner = [part for part in manifest.parts if part != cost_part(manifest.name)]
    parts = {part: read_part_of(manifest, part, root=root) for part in of_owner}
    return by_path(PLACES[manifest.name].owner).from_parts(parts)


def read_part_of(manifest: Manifest, part: str, *, root: Path) -> Any:
    """One part of a version as stored; raises as `read_artifact`. Any: a value of one of the part formats."""
    return read_part(path_of(manifest, part, root=root), manifest, part)


def cost_of(manifest: Manifest, *, root: Path) -> StepCost | None:
    """What it took to make a version; None if that was not recorded. Raises as `read_artifact`."""
    part = cost_part(manifest.name)
    return StepCost.from_json(read_part_of(manifest, part, root=root)) if part in manifest.parts else None


def path_of(manifest: Manifest, part: str, *, root: Path) -> Path:
    """Where a part of a version lies."""
    return content_path(contents_folder(root), part, manifest.parts[part]["sha256"])


def load_part(name: str, part: str, *, root: Path) -> Described:
    """Read one part of an artefact as stored, without loading the others; raises as `read_artifact`."""
    manifest = manifest_of(name, root=root)
    return Described(read_part_of(manifest, part, root=root), manifest)


def is_there(name: str, *, root: Path) -> bool:
    """Whether an artefact exists; it may still be damaged, or come from another run."""
    return manifest_path(working_folder(root), name).exists()


def manifest_of(name: str, *, root: Path) -> Manifest:
    """Header of the newest version of an artefact; raises as `read_manifest`."""
    return read_manifest(working_folder(root), name)


def lineage(manifests: Iterable[Manifest]) -> dict[str, str]:
    """Digests of these artefacts and of everything they were made from, by name.

    Raises:
        MismatchError: If two of them were made from different versions of one artefact.
    """
    digest_of: dict[str, str] = {}
    known_by: dict[str, str] = {}
    for manifest in manifests:
        for name, digest in (*manifest.lineage.items(), (manifest.name, manifest.digest)):
            if digest_of.setdefault(name, digest) != digest:
                raise _two_versions(name, known_by[name], manifest.name)
            known_by.setdefault(name, manifest.name)
    return digest_of


def _two_versions(name: str, one: str, other: str) -> MismatchError:
    """The error for two artefacts that refer to different versions of `name`; one of the two may be `name` itself."""
    if name in (one, other):
        stale = other if name == one else one
        return MismatchError(f"{stale} was made from another {name} than the current one", stale=[stale])
    return MismatchError(f"{one} and {other} were made from different versions of {name}", stale=[one, other])


def evaluated_split(split: DrugDiseaseSplit, embeddings: Manifest, *, root: Path) -> DrugDiseaseSplit:
    """The part of a split on which these embeddings may be evaluated: all of it, or the one fold they were made for.

    Args:
        split: Of the same graph.
        embeddings: Manifest of the embeddings, as they were read.
        root: The data folder with the message graph they were made from.

    Raises:
        MismatchError: If the embeddings, or their message graph, were made for another split.
        FileNotFoundError, UnreadableArtifactError: As `read_manifest`.
    """
    scope, data = load_part("hetero_data", SCOPE_PART, root=root)
    if data.digest != embeddings.lineage["hetero_data"]:
        raise _two_versions("hetero_data", "hetero_data", embeddings.name)
    return MessageScope.from_json(scope).evaluated(split)
