"""The demo graph as training reads it."""

from pathlib import Path

import pytest
from torch_geometric.data import HeteroData

from hgt_repurposing.graph.hetero_data import to_hetero_data
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.message_graph import message_graph
from hgt_repurposing.storage.checkpoints import CheckpointFolder


@pytest.fixture(scope="session")
def data(demo_graph: KnowledgeGraph) -> HeteroData:
    """Message graph of the demo graph's drugs, diseases and genes; its other nodes have no edge. Not to be changed.

    A step costs what its relations cost, and more of them would show nothing more.
    """
    few = {"drug", "disease", "gene/protein"}
    others = [edge_type for edge_type in demo_graph.edges if not {edge_type.source, edge_type.target} <= few]
    return to_hetero_data(message_graph(demo_graph.without(others)))


@pytest.fixture(scope="session")
def demo_data(demo_graph: KnowledgeGraph) -> HeteroData:
    """Message graph of the whole demo graph. Not to be changed."""
    return to_hetero_data(message_graph(demo_graph))


@pytest.fixture
def store(tmp_path: Path) -> CheckpointFolder:
    """Checkpoints of a model that has not finished."""
    return CheckpointFolder(tmp_path / "checkpoints", finished=tmp_path / "hgt_model.manifest.json")
