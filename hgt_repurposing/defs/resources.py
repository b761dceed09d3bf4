"""The data folder, and the one IO manager, which reads and writes assets as artefacts with their provenance."""

import json
from pathlib import Path
from typing import Any

import dagster as dg
from pydantic import Field

from hgt_repurposing.graph.split import DrugDiseaseSplit
from hgt_repurposing.layout import RAW_FOLDER, data_folder, folder_of, judged_split, load, manifest_of, save

DATA_FOLDER = Field("", description="data folder; empty: the environment variable HGT_REPURPOSING_DATA, else ./data")


class ArtifactStore(dg.ConfigurableResource[Any]):  # Any: the resource is handed to assets as itself
    """The data folder."""

    data_folder: str = DATA_FOLDER

    @property
    def root(self) -> Path:
        """Absolute path of the data folder."""
        return data_folder(self.data_folder)

    @property
    def raw_folder(self) -> Path:
        """Where graph files lie if no path is given."""
        return self.root / RAW_FOLDER

    def folder(self, asset: str) -> Path:
        """Folder of an asset's artefact."""
        return folder_of(asset, root=self.root)

    def digest(self, asset: str) -> str:
        """Digest of an asset's artefact."""
        return manifest_of(asset, root=self.root).digest

    def judged_split(self, split: DrugDiseaseSplit) -> DrugDiseaseSplit:
        """What of a split the embeddings in the data folder may be used with; raises as the layout's function."""
        return judged_split(split, root=self.root)

    def provenance(self, *assets: str) -> dict[str, str]:
        """Digest and configuration of artefacts, as text."""
        manifests = {asset: manifest_of(asset, root=self.root) for asset in assets}
        return {
            asset: f"digest {manifest.digest[:12]}, configuration {json.dumps(dict(manifest.config), sort_keys=True)}"
            for asset, manifest in manifests.items()
        }


class ArtifactIOManager(dg.ConfigurableIOManager):
    """Assets to and from artefacts."""

    data_folder: str = DATA_FOLDER

    def handle_output(self, context: dg.OutputContext, obj: Any) -> None:
        """Write an asset's value. Any: whatever the asset makes."""
        asset = context.asset_key.to_user_string()
        root = data_folder(self.data_folder)
        manifest = save(asset, obj, root=root, config=_config(context), inputs=_parents(context))
        context.add_output_metadata(
            {
                "dagster/uri": folder_of(asset, root=root).as_uri(),
                "dagster/size_bytes": manifest.num_bytes,
                "digest": manifest.digest,
            }
        )

    def load_input(self, context: dg.InputContext) -> Any:
        """Read an upstream asset's value. Any: whatever the asset made."""
        return load(context.asset_key.to_user_string(), root=data_folder(self.data_folder))


def _config(context: dg.OutputContext) -> dict[str, Any]:
    """Configuration of the step as it ran. Any: JSON values."""
    return dict(context.step_context.op_config or {})


def _parents(context: dg.OutputContext) -> list[str]:
    """Names of the assets that this one was made from."""
    parents = context.step_context.job_def.asset_layer.get(context.asset_key).parent_keys
    return sorted(key.to_user_string() for key in parents)
