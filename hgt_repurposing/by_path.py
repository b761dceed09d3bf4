"""Lazy import of parts of this package by path, so that heavy libraries load only when needed."""

import importlib
from typing import Any


def by_path(path: str) -> Any:
    """Import `module:attribute` or `module`, relative to this package. Any: the imported object."""
    module, _, attribute = path.partition(":")
    loaded = importlib.import_module(f"hgt_repurposing.{module}")
    return getattr(loaded, attribute) if attribute else loaded
