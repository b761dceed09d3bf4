"""Where each artefact lies in the data folder, and who knows its parts.

Owners are named by path and imported when they are needed: torch and xgboost load only with what needs them.
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
    """Where an artefact lies and who knows its parts."""

    folder: str
    """Below the data folder."""
    owner: str
    """module or module:Class of this package that has `to_parts` and `from_parts`."""


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
    """The folder given, else what HGT_REPURPOSING_DATA names, else `data` in the current folder; absolute.

    Raises:
        ValueError: If the variable names a relative path.
    """
    if given:
        return Path(given).expanduser().resolve()
    named = os.environ.get(DATA_VARIABLE)
    return absolute(named, what=DATA_VARIABLE).resolve() if named else Path("data").resolve()


def absolute(named: str, *, what: str) -> Path:
    """A path that configuration or environment names, with `~` resolved.

    Raises:
        ValueError: If it is relative, and would mean another file for every process.
    """
    path = Path(named).expanduser()
    if not path.is_absolute():
        raise ValueError(f"{what} must be an absolute path, to mean the same for every process (got {named!r})")
    return path


def folder_of(name: str, *, root: Path) -> Path:
    """Folder of an artefact."""
    return root / PLACES[name].folder


def save(name: str, value: Any, *, root: Path, config: Mapping[str, Any], inputs: Iterable[Manifest] = ()) -> Manifest:
    """Write an artefact with its configuration and the digests of all that it was made from.

    Args:
        name: One of PLACES.
        value: What its owner can turn into parts (Any: a different type per artefact).
        root: The data folder.
        config: Resolved configuration of the step that made it (Any: JSON values).
        inputs: Of the artefacts that the step read, as they were when it read them.

    Raises:
        MismatchError: If the inputs do not belong together.
    """
    read = list(inputs)
    digests = {manifest.name: manifest.digest for manifest in read}
    provenance = Provenance(config=config, inputs=digests, lineage=lineage(read))
    return write_artifact(folder_of(name, root=root), name, by_path(PLACES[name].owner).to_parts(value), provenance)


def load(name: str, *, root: Path) -> Any:
    """Read an artefact. Any: what its owner makes of the parts; raises as `read_artifact`."""
    return load_described(name, root=root).value


class Described(NamedTuple):
    """A value with the manifest that it was read by."""

    value: Any
    """Any: what its owner makes of the parts, or one part."""
    manifest: Manifest


def load_described(name: str, *, root: Path) -> Described:
    """Read an artefact with its manifest, which is that of the value read; raises as `read_artifact`."""
    manifest = manifest_of(name, root=root)
    return Described(by_path(PLACES[name].owner).from_parts(read_parts(folder_of(name, root=root), manifest)), manifest)


def load_part(name: str, part: str, *, root: Path) -> Described:
    """Read one part of an artefact, as it is, without what the others would load; raises as `read_artifact`."""
    manifest = manifest_of(name, root=root)
    return Described(read_part(folder_of(name, root=root), manifest, part), manifest)


def is_there(name: str, *, root: Path) -> bool:
    """Whether an artefact was ever written; it may still be damaged, or of another run."""
    return manifest_path(folder_of(name, root=root), name).exists()


def manifest_of(name: str, *, root: Path) -> Manifest:
    """Header of an artefact; raises as `read_manifest`."""
    return read_manifest(folder_of(name, root=root), name)


def lineage(manifests: Iterable[Manifest]) -> dict[str, str]:
    """Digest of every artefact that these were made from, themselves included, by name.

    Raises:
        MismatchError: If they do not belong together: two of them were made from different versions of one artefact.
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
    """What to say of an artefact of which two others know different versions, one of them maybe itself."""
    if name in (one, other):
        stale = other if name == one else one
        return MismatchError(f"{stale} was made from another {name} than the current one", stale=[stale])
    return MismatchError(f"{one} and {other} were made from different versions of {name}", stale=[one, other])


def made_again_since(manifest: Manifest, *, root: Path) -> list[str]:
    """What lies here in another version than an artefact was made from; what is gone, or unreadable, is not counted."""
    found = []
    for name, digest in manifest.lineage.items():
        with suppress(FileNotFoundError, UnreadableArtifactError):
            if manifest_of(name, root=root).digest != digest:
                found.append(name)
    return found


def evaluated_split(split: DrugDiseaseSplit, embeddings: Manifest, *, root: Path) -> DrugDiseaseSplit:
    """What of a split these embeddings may be used with: all of it, or the one fold they serve.

    Args:
        split: Of the same graph.
        embeddings: Manifest of the embeddings, as they were read.
        root: The data folder, where the message graph lies that they were made from.

    Raises:
        MismatchError: If the embeddings, or their message graph, were made for another split.
        FileNotFoundError, UnreadableArtifactError: As `read_manifest`.
    """
    scope, data = load_part("hetero_data", SCOPE_PART, root=root)
    if data.digest != embeddings.lineage["hetero_data"]:
        raise _two_versions("hetero_data", "hetero_data", embeddings.name)
    return MessageScope.from_json(scope).evaluated(split)
