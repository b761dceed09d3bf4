"""Embeddings of all nodes over all their edges: the encoder's exact forward pass over the whole graph.

No tensor of size edges x width is stored, so memory is a few node tables, independent of the number of edges.
"""

import pandas as pd
import torch
from torch_geometric.data import HeteroData

from hgt_repurposing.embeddings.table import Embeddings
from hgt_repurposing.mismatch import MismatchError
from hgt_repurposing.model.edge_plan import plan_layers
from hgt_repurposing.model.trained import HGTModel
from hgt_repurposing.sampling.flat_graph import FlatGraph
from hgt_repurposing.sampling.minibatch import concatenate


def embed_all_nodes(model: HGTModel, data: HeteroData, nodes: pd.DataFrame) -> Embeddings:
    """Embed every node of the graph, on the CPU.

    Args:
        model: Trained on this graph.
        data: The message graph.
        nodes: Node table in the order of the graph's types and local indices.

    Raises:
        ValueError: If the model was trained on a graph with other nodes or relations.
    """
    graph = FlatGraph.from_hetero_data(data)
    if graph.metadata != model.metadata:
        raise MismatchError("the model was trained on another graph", stale=["hgt_model"])
    edges = concatenate(range(graph.num_relations), graph.sources, graph.targets)
    plan = plan_layers(*edges, type_ptr=graph.type_ptr, num_relations=graph.num_relations, num_layers=model.shape.depth)
    everyone = torch.arange(graph.num_nodes)
    with torch.inference_mode():
        vectors = model.encoder(everyone, plan, graph.features_at(everyone, graph.type_ptr))
    return Embeddings(nodes=nodes[["node_id", "node_type", "node_name"]], vectors=vectors.numpy())
