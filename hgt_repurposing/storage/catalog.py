"""The folder of each artefact, and the class or module that reads and writes its parts.

Owners are named by path and imported when needed, so that torch and xgboost are not loaded without need.
"""

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
    Manifest,
    Provenance,
    UnreadableArtifactError,
    manifest_path,
    read_manifest,
    read_part,
    read_parts,
    write_artifact,
)

DATA_VARIABLE = "HGT_REPURPOSING_DATA"
RAW_FOLDER = "01_raw"


class Place(NamedTuple):
    """An artefact's folder and owner."""

    folder: str
    """Relative to the data folder."""
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
    "repurposing_candidates": Place("07_model_output", "repurposing.candidates:Candidates"),
    "repurposing_evaluation": Place("08_reporting/evaluation", "benchmark.results:Evaluation"),
    "repurposing_report": Place("08_reporting/report", "storage.html_page:HtmlPage"),
}


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
    """Folder of an artefact."""
    return root / PLACES[name].folder


def save(name: str, value: Any, *, root: Path, config: Mapping[str, Any], inputs: Iterable[Manifest] = ()) -> Manifest:
    """Write an artefact with its configuration and the digests of everything it was made from.

    Args:
        name: One of PLACES.
        value: A value of the owner's type (Any: a different type per artefact).
        root: The data folder.
        config: Resolved configuration of the step that made it (Any: JSON values).
        inputs: Manifests of the artefacts that the step read, at the time of reading.

    Raises:
        MismatchError: If the inputs do not belong together.
    """
    read = list(inputs)
    digests = {manifest.name: manifest.digest for manifest in read}
    provenance = Provenance(config=config, inputs=digests, lineage=lineage(read))
    return write_artifact(folder_of(name, root=root), name, by_path(PLACES[name].owner).to_parts(value), provenance)


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
    return Described(by_path(PLACES[name].owner).from_parts(read_parts(folder_of(name, root=root), manifest)), manifest)


def load_part(name: str, part: str, *, root: Path) -> Described:
    """Read one part of an artefact as stored, without loading the others; raises as `read_artifact`."""
    manifest = manifest_of(name, root=root)
    return Described(read_part(folder_of(name, root=root), manifest, part), manifest)


def is_there(name: str, *, root: Path) -> bool:
    """Whether an artefact exists; it may still be damaged, or come from another run."""
    return manifest_path(folder_of(name, root=root), name).exists()


def manifest_of(name: str, *, root: Path) -> Manifest:
    """Header of an artefact; raises as `read_manifest`."""
    return read_manifest(folder_of(name, root=root), name)


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


def made_again_since(manifest: Manifest, *, root: Path) -> list[str]:
    """Inputs of an artefact, direct or not, that have been rewritten since; missing or unreadable ones are skipped."""
    found = []
    for name, digest in manifest.lineage.items():
        with suppress(FileNotFoundError, UnreadableArtifactError):
            if manifest_of(name, root=root).digest != digest:
                found.append(name)
    return found


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
