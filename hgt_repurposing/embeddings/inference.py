"""Embeddings of all nodes over all their edges, layer by layer, in bounded memory.

A layer needs its input at every node, and then works on some target nodes at a time: memory beyond the node tables
grows with the edges that arrive at `node_batch_size` nodes, not with the graph.
"""

from collections.abc import Sequence

import pandas as pd
import torch
from torch import Tensor
from torch_geometric.data import HeteroData

from hgt_repurposing.embeddings.table import Embeddings
from hgt_repurposing.model.attention import EdgePlan, plan_edges
from hgt_repurposing.model.hgt import HGTLayer
from hgt_repurposing.model.trained import HGTModel
from hgt_repurposing.sampling.flat_graph import FlatGraph
from hgt_repurposing.sampling.minibatch import concatenate


def embed_all_nodes(model: HGTModel, data: HeteroData, nodes: pd.DataFrame, *, node_batch_size: int) -> Embeddings:
    """Embed every node of the graph, on the CPU.

    Args:
        model: Trained on this graph.
        data: The message graph.
        nodes: Node table in the order of the graph's types and local indices.
        node_batch_size: Target nodes computed at a time.

    Raises:
        ValueError: If the model was trained on a graph with other nodes or relations.
    """
    graph = FlatGraph.from_hetero_data(data)
    if graph.metadata != model.metadata:
        raise ValueError("the model was trained on another graph: materialise hgt_model again for this one")
    with torch.inference_mode():
        everyone = torch.arange(graph.num_nodes)
        x = model.encoder.inputs(everyone, graph.type_ptr, graph.features_at(everyone, graph.type_ptr))
        plans = _plans(graph, node_batch_size)
        for layer, norm in zip(model.encoder.layers, model.encoder.norms, strict=True):
            assert isinstance(layer, HGTLayer)
            x = norm(_layer_over_all_nodes(layer, x, graph.type_ptr, plans))
        vectors = model.encoder.outputs(x, graph.type_ptr)
    return Embeddings(nodes=nodes[["node_id", "node_type", "node_name"]], vectors=vectors.numpy())


def _plans(graph: FlatGraph, node_batch_size: int) -> list[EdgePlan]:
    """Edges by blocks of target nodes, targets numbered within their block."""
    source, target, relation = concatenate(range(graph.num_relations), graph.sources, graph.targets)
    target, order = target.sort(stable=True)
    source, relation = source[order], relation[order]
    starts = list(range(0, graph.num_nodes, node_batch_size))
    ends = [min(start + node_batch_size, graph.num_nodes) for start in starts]
    bounds = torch.searchsorted(target, torch.tensor([*starts, graph.num_nodes])).tolist()
    return [
        plan_edges(
            source[low:high],
            target[low:high] - start,
            relation[low:high],
            num_relations=graph.num_relations,
            num_targets=end - start,
        )
        for start, end, low, high in zip(starts, ends, bounds[:-1], bounds[1:], strict=True)
    ]


def _layer_over_all_nodes(layer: HGTLayer, x: Tensor, type_ptr: Sequence[int], plans: Sequence[EdgePlan]) -> Tensor:
    query, key, value = layer.queries_keys_values(x, type_ptr)
    blocks = query.split([plan.num_targets for plan in plans])
    received = [layer.attend(block, key, value, plan) for block, plan in zip(blocks, plans, strict=True)]
    return layer.update(x, torch.cat(received), type_ptr)
