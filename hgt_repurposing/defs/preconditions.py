"""What a valid configuration also requires of this machine and this data folder."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hgt_repurposing.defs.run_config import settings_of
from hgt_repurposing.graph.sources.source import GraphSource
from hgt_repurposing.storage.catalog import is_there, manifest_of
from hgt_repurposing.storage.manifest import UnreadableArtifactError


def require_device(config: Mapping[str, Any]) -> None:
    """Refuse a device that is set by name but not available; this loads torch.

    Raises:
        ValueError: If this machine has no such device.
    """
    name = settings_of("embedding_params", config).device
    if name in ("cuda", "mps"):
        from hgt_repurposing.training.device import ComputeDevice

        ComputeDevice.pick(name)


def demo_over_another_graph(config: Mapping[str, Any], *, root: Path) -> None:
    """Refuse to replace results of a real graph with the demo graph unless it was requested.

    Raises:
        ValueError: If the configuration names no graph and the data folder contains another graph than the demo.
    """
    asked: GraphSource = settings_of("knowledge_graph", config)
    if asked.source != "auto" or not is_there("knowledge_graph", root=root):
        return
    try:
        here = manifest_of("knowledge_graph", root=root).config.get("source", "auto")
    except UnreadableArtifactError:
        here = "unknown"
    if here not in ("auto", "synthetic"):
        raise ValueError(
            f"no graph is named, and the demo graph would replace the results in {root} (source {here}): set source "
            "and path of knowledge_graph, set source: synthetic, or choose another data folder"
        )
