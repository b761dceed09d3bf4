"""Which diseases are so close that holding out one of them while training on the other would prove little."""

import numpy as np

from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.schema import NODE_NAME, IntArray


def disease_groups(graph: KnowledgeGraph) -> IntArray:
    """Number of the group that each disease belongs to. Shape [num_diseases]."""
    names = graph.nodes_of(graph.therapeutic.disease)[NODE_NAME].str.lower()
    return np.unique(names.to_numpy(dtype=str), return_inverse=True)[1].astype(np.int64)
