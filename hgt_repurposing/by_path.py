"""Parts of this package by their path: a heavy library loads only with what needs it."""

import importlib
from typing import Any


def by_path(path: str) -> Any:
    """Import what `module:attribute`, or `module`, names below this package. Any: whatever that is."""
    module, _, attribute = path.partition(":")
    loaded = importlib.import_module(f"hgt_repurposing.{module}")
    return getattr(loaded, attribute) if attribute else loaded
