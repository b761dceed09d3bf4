"""The demo graph as samplers read it."""

import pytest

from hgt_repurposing.graph.hetero_data import to_hetero_data
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.message_graph import message_graph
from hgt_repurposing.sampling.flat_graph import FlatGraph


@pytest.fixture(scope="session")
def flat(demo_graph: KnowledgeGraph) -> FlatGraph:
    """Not to be changed."""
    return FlatGraph.from_hetero_data(to_hetero_data(message_graph(demo_graph)))
