"""Settings as the shipped run configurations have them, so that no script spells them out again."""

from importlib.resources import files
from typing import Any

import yaml

from hgt_repurposing.training.params import EmbeddingParams


def shipped_settings(config: str, asset: str) -> dict[str, Any]:
    """What a shipped run configuration tells an asset; nothing where it leaves the defaults. Any: YAML values."""
    assets = yaml.safe_load((files("hgt_repurposing") / "configs" / f"{config}.yaml").read_text())["ops"]
    settings: dict[str, Any] = assets.get(asset, {}).get("config", {})
    return settings


def first_system(**changes: object) -> EmbeddingParams:
    """The first system's values of `embedding_params`, with some of them changed.

    What costs are compared with, and wide enough to show what a device is worth.
    """
    return EmbeddingParams.model_validate(shipped_settings("first_system", "embedding_params") | changes)
