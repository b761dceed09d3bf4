"""The first system's values of `embedding_params`: what costs are compared with, and wide enough to show a device."""

from importlib.resources import files

import yaml

from hgt_repurposing.training.params import EmbeddingParams


def first_system(**changes: object) -> EmbeddingParams:
    """Those of the run configuration `first_system`, with some of them changed."""
    shipped = yaml.safe_load((files("hgt_repurposing") / "configs" / "first_system.yaml").read_text())
    return EmbeddingParams.model_validate(shipped["ops"]["embedding_params"]["config"] | changes)
