"""What a valid configuration also requires of this machine and this data folder."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hgt_repurposing.defs.run_config import settings_of
from hgt_repurposing.graph.sources.source import GraphSource
from hgt_repurposing.storage.adoption import needs_adoption
from hgt_repurposing.storage.catalog import folder_of, version_path, working_folder
from hgt_repurposing.storage.manifest import UnreadableArtifactError, manifest_path, read_header
from hgt_repurposing.storage.releases import current, release_of


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
    others = [source for source in sources_in(root) if source not in ("auto", "synthetic")]
    if asked.source == "auto" and others:
        raise ValueError(
            f"no graph is named, and the demo graph would replace the results in {root} (source {others[0]}): set "
            "source and path of knowledge_graph, set source: synthetic, or choose another data folder"
        )


def sources_in(root: Path) -> list[str]:
    """Sources of the newest graph, of that of the current release, and of one of before there were releases."""
    name, now = "knowledge_graph", current(root).id
    paths = [manifest_path(working_folder(root), name)]
    if now is not None:
        paths.append(version_path(name, release_of(now, root=root).versions.get(name, ""), root=root))
    if needs_adoption(root):
        paths.append(manifest_path(folder_of(name, root=root), name))
    found = []
    for path in paths:
        try:
            found.append(str(read_header(path, name).config.get("source", "auto")))
        except UnreadableArtifactError:
            found.append("unknown")
        except FileNotFoundError:
            continue
    return found
