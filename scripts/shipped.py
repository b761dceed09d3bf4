"""Settings of the shipped run configurations, so that scripts need not repeat them."""

from importlib.resources import files
from typing import Any

import yaml

from hgt_repurposing.training.params import EmbeddingParams


def shipped_settings(config: str, asset: str) -> dict[str, Any]:
    """Settings of an asset in a shipped run configuration; empty if it keeps the defaults. Any: YAML values."""
    assets = yaml.safe_load((files("hgt_repurposing") / "configs" / f"{config}.yaml").read_text())["ops"]
    settings: dict[str, Any] = assets.get(asset, {}).get("config", {})
    return settings


def first_system(**changes: object) -> EmbeddingParams:
    """`embedding_params` of `configs/first_system.yaml`, with some values changed.

    This is the reference that costs are compared with; it is wide enough to show the speed of a device.
    """
    return EmbeddingParams.model_validate(shipped_settings("first_system", "embedding_params") | changes)
