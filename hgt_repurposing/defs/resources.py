"""Where artefacts lie, and the one IO manager that reads and writes them through `artifacts.py`.

Classes are named by path and imported when they are needed: torch and xgboost stay out of the code location.
"""

import importlib
import json
import os
from pathlib import Path
from typing import Any, NamedTuple

import dagster as dg

from hgt_repurposing.artifacts import Provenance, read_artifact, read_manifest, write_artifact


class Place(NamedTuple):
    """Where an asset's artefact lies and who knows its parts."""

    folder: str
    """Below the data folder."""
    owner: str
    """module or module:Class that has `to_parts` and `from_parts`."""


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


def default_data_folder() -> str:
    """HGT_REPURPOSING_DATA, else `data` in the current folder."""
    return os.environ.get("HGT_REPURPOSING_DATA") or "data"


class ArtifactStore(dg.ConfigurableResource[Any]):  # Any: the resource is handed to assets as itself
    """The data folder."""

    data_folder: str = ""

    @property
    def root(self) -> Path:
        """Absolute path of the data folder."""
        return Path(self.data_folder or default_data_folder()).resolve()

    def folder(self, asset: str) -> Path:
        """Folder of an asset's artefact."""
        return self.root / PLACES[asset].folder

    def provenance(self, *assets: str) -> dict[str, str]:
        """Configuration and digest of artefacts, as text."""
        manifests = {asset: read_manifest(self.folder(asset), asset) for asset in assets}
        return {
            asset: f"digest {manifest.digest[:12]}, configuration {json.dumps(dict(manifest.config), sort_keys=True)}"
            for asset, manifest in manifests.items()
        }

    def load(self, asset: str) -> Any:
        """Read an asset's value. Any: what its owner makes of the parts."""
        return _owner(asset).from_parts(read_artifact(self.folder(asset), asset))


class ArtifactIOManager(dg.ConfigurableIOManager):
    """Assets to and from artefacts, with their provenance."""

    store: ArtifactStore

    def handle_output(self, context: dg.OutputContext, obj: Any) -> None:
        """Write an asset's value with configuration and input digests. Any: a value of the asset's owner."""
        asset = context.asset_key.to_user_string()
        folder = self.store.folder(asset)
        provenance = Provenance(config=_config(context), inputs=self._input_digests(context))
        manifest = write_artifact(folder, asset, _owner(asset).to_parts(obj), provenance)
        context.add_output_metadata(
            {
                "dagster/uri": folder.as_uri(),
                "dagster/size_bytes": manifest.num_bytes,
                "digest": manifest.digest,
            }
        )

    def load_input(self, context: dg.InputContext) -> Any:
        """Read an upstream asset's value. Any: what its owner makes of the parts."""
        return self.store.load(context.asset_key.to_user_string())

    def _input_digests(self, context: dg.OutputContext) -> dict[str, str]:
        parents = context.step_context.job_def.asset_layer.get(context.asset_key).parent_keys
        names = sorted(key.to_user_string() for key in parents)
        return {name: read_manifest(self.store.folder(name), name).digest for name in names}


def _config(context: dg.OutputContext) -> dict[str, Any]:
    """Configuration of the step as it ran. Any: JSON values."""
    return dict(context.step_context.op_config or {})


def _owner(asset: str) -> Any:
    """Class or module with `to_parts` and `from_parts`. Any: either."""
    module, _, name = PLACES[asset].owner.partition(":")
    loaded = importlib.import_module(f"hgt_repurposing.{module}")
    return getattr(loaded, name) if name else loaded
