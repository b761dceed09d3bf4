"""What must hold besides for a right configuration to run: on this machine, and in this data folder."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hgt_repurposing.defs.run_config import settings_of
from hgt_repurposing.graph.sources.source import GraphSource
from hgt_repurposing.storage.artifacts import UnreadableArtifactError
from hgt_repurposing.storage.catalog import is_there, manifest_of


def require_device(config: Mapping[str, Any]) -> None:
    """Refuse a device that is asked for by name and is not there; torch is loaded to see.

    Raises:
        ValueError: If there is no such device on this machine.
    """
    name = settings_of("embedding_params", config).device
    if name in ("cuda", "mps"):
        from hgt_repurposing.training.device import ComputeDevice

        ComputeDevice.pick(name)


def demo_over_another_graph(config: Mapping[str, Any], *, root: Path) -> None:
    """Refuse to replace results of a real graph by those of the invented one that nobody asked for.

    Raises:
        ValueError: If the configuration names no graph, and the data folder holds another than the demo.
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
            f"no graph is named, and the demo graph would replace what lies in {root} (source {here}): name source and "
            "path of knowledge_graph, or say source: synthetic, or choose another data folder"
        )
