"""Where each artefact lies in the data folder, and who knows its parts.

Owners are named by path and imported when they are needed: torch and xgboost load only with what needs them.
"""

import importlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from hgt_repurposing.artifacts import (
    Manifest,
    Provenance,
    manifest_path,
    read_artifact,
    read_manifest,
    read_one_part,
    write_artifact,
)
from hgt_repurposing.graph.message_graph import SCOPE_PART, MessageScope
from hgt_repurposing.graph.split import DrugDiseaseSplit

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
    "repurposing_evaluation": Place("08_reporting/evaluation", "repurposing.evaluation:Evaluation"),
    "repurposing_report": Place("08_reporting/report", "report:Report"),
}


def data_folder(given: str = "") -> Path:
    """The folder given, else what HGT_REPURPOSING_DATA names, else `data` in the current folder; absolute."""
    return Path(given or os.environ.get(DATA_VARIABLE) or "data").expanduser().resolve()


def folder_of(name: str, *, root: Path) -> Path:
    """Folder of an artefact."""
    return root / PLACES[name].folder


def save(name: str, value: Any, *, root: Path, config: dict[str, Any], inputs: Sequence[str]) -> Manifest:
    """Write an artefact with its configuration and the digests of the artefacts it was made from.

    Args:
        name: One of PLACES.
        value: What its owner can turn into parts (Any: a different type per artefact).
        root: The data folder.
        config: Resolved configuration of the step that made it (Any: JSON values).
        inputs: Names of the artefacts that the step read.
    """
    digests = {parent: manifest_of(parent, root=root).digest for parent in inputs}
    provenance = Provenance(config=config, inputs=digests)
    return write_artifact(folder_of(name, root=root), name, _owner(name).to_parts(value), provenance)


def load(name: str, *, root: Path) -> Any:
    """Read an artefact. Any: what its owner makes of the parts; raises as `read_artifact`."""
    return _owner(name).from_parts(read_artifact(folder_of(name, root=root), name))


def is_there(name: str, *, root: Path) -> bool:
    """Whether an artefact was ever written; it may still be damaged, or of another run."""
    return manifest_path(folder_of(name, root=root), name).exists()


def manifest_of(name: str, *, root: Path) -> Manifest:
    """Header of an artefact; raises as `read_manifest`."""
    return read_manifest(folder_of(name, root=root), name)


def require_made_from(name: str, source: str, *, root: Path) -> None:
    """Refuse an artefact of which any step since the source read another version of its input than lies there now.

    Raises:
        ValueError: If an input on the way was made again since.
        FileNotFoundError, UnreadableArtifactError: As `read_manifest`.
    """
    for parent, digest in manifest_of(name, root=root).inputs.items():
        if parent != source and not _descends_from(parent, source, root=root):
            continue
        if manifest_of(parent, root=root).digest != digest:
            raise ValueError(
                f"{name} was made from another {parent} than lies in {folder_of(parent, root=root)}: "
                f"materialise {name} again"
            )
        require_made_from(parent, source, root=root)


def _descends_from(name: str, source: str, *, root: Path) -> bool:
    parents = manifest_of(name, root=root).inputs
    return source in parents or any(_descends_from(parent, source, root=root) for parent in parents)


def judged_split(split: DrugDiseaseSplit, *, root: Path) -> DrugDiseaseSplit:
    """What of a split the embeddings in the data folder may be used with: all of it, or the one fold they serve.

    Raises:
        ValueError: If the embeddings, their model or their message graph were made for another split.
        FileNotFoundError, UnreadableArtifactError: As `read_manifest`.
    """
    require_made_from("hgt_embeddings", "drug_disease_split", root=root)
    scope = read_one_part(folder_of("hetero_data", root=root), "hetero_data", SCOPE_PART)
    return MessageScope.from_json(scope).judged(split)


def _owner(name: str) -> Any:
    """Class or module with `to_parts` and `from_parts`. Any: either."""
    module, _, attribute = PLACES[name].owner.partition(":")
    loaded = importlib.import_module(f"hgt_repurposing.{module}")
    return getattr(loaded, attribute) if attribute else loaded
