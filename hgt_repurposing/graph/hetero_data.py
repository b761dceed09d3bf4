"""KnowledgeGraph to PyG HeteroData, with reverse edge types, and HeteroData to arrays on disk.

Convention that the samplers rely on: the graph's attribute `rev_index` holds, for each edge type in order, the index of
its reverse edge type, whose edge j is edge j reversed. A symmetric relation within one type is its own reverse: it
holds its E edges first, then the same E edges reversed. Never infer this from names: a reverse is shown as
`rev_<relation>`, but a user's own relation may have such a name too.
"""

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
from torch_geometric.data import HeteroData

from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.message_graph import SCOPE_PART, MessageScope
from hgt_repurposing.graph.schema import EdgeType, FloatArray, IntArray

_REVERSE_PREFIX = "rev_"


def to_hetero_data(
    graph: KnowledgeGraph, *, features: Mapping[str, FloatArray] | None = None, scope: MessageScope | None = None
) -> HeteroData:
    """Build the graph that messages pass over.

    Args:
        graph: Without the edges that training must not see.
        features: Node features by type. Shape [num_nodes of the type, width], float32.
        scope: What models of the graph may be evaluated on; kept as the graph's attribute `scope`.

    Raises:
        ValueError: If the shape of features does not match their nodes, or the graph has no edge.
    """
    if graph.num_edges == 0:
        raise ValueError("the message graph has no edges to learn from: it needs edges other than drug-disease edges")
    data = HeteroData()
    data.drug_type = graph.therapeutic.drug
    data.disease_type = graph.therapeutic.disease
    if scope:
        data.scope = scope
    for node_type, count in graph.num_nodes.items():
        data[node_type].num_nodes = count
    for node_type, x in (features or {}).items():
        if x.ndim != 2 or x.shape[0] != graph.num_nodes.get(node_type):
            raise ValueError(
                f"features of {node_type!r} must have one row per node "
                f"(got shape {x.shape} for {graph.num_nodes.get(node_type, 0)} nodes)"
            )
        data[node_type].x = torch.from_numpy(np.ascontiguousarray(x, dtype=np.float32))
    taken, rev_index = set(graph.edges), list[int]()
    for edge_type, index in graph.edges.items():
        edge_index = torch.from_numpy(index)
        if graph.is_symmetric(edge_type):
            data[tuple(edge_type)].edge_index = torch.cat([edge_index, edge_index.flip(0)], dim=1)
            rev_index.append(len(rev_index))
        else:
            backward = _reverse(edge_type, taken)
            taken.add(backward)
            data[tuple(edge_type)].edge_index = edge_index
            data[tuple(backward)].edge_index = edge_index.flip(0)
            rev_index += [len(rev_index) + 1, len(rev_index)]
    data.rev_index = rev_index
    return data


def scope_of(data: HeteroData) -> MessageScope | None:
    """What models of the graph may be evaluated on; None if it was made without a split."""
    scope: MessageScope | None = getattr(data, "scope", None)  # PyG keeps no attribute that is None
    return scope


class GraphMetadata(NamedTuple):
    """What a model needs to know about a graph: its types, in a fixed order."""

    node_types: tuple[str, ...]
    type_counts: tuple[int, ...]
    """Nodes of each type."""
    relations: tuple[EdgeType, ...]
    """Directed edge types, reverse types included; a relation's index is its position here."""
    rev_index: tuple[int, ...]
    """Index of each relation's reverse; its own index if it is symmetric."""
    feature_widths: dict[str, int]
    """Width of the given features by node type; types without features are absent."""


def metadata(data: HeteroData) -> GraphMetadata:
    """Types, counts and widths of a graph made by `to_hetero_data`."""
    return GraphMetadata(
        node_types=tuple(data.node_types),
        type_counts=tuple(int(data[node_type].num_nodes) for node_type in data.node_types),
        relations=tuple(EdgeType(*names) for names in data.edge_types),
        rev_index=tuple(data.rev_index),
        feature_widths={t: int(data[t].x.shape[1]) for t in data.node_types if "x" in data[t]},
    )


def _reverse(edge_type: EdgeType, taken: Collection[EdgeType]) -> EdgeType:
    """An unused name for the reverse edge type."""
    name = _REVERSE_PREFIX + edge_type.relation
    while EdgeType(edge_type.target, name, edge_type.source) in taken:
        name = _REVERSE_PREFIX + name
    return EdgeType(edge_type.target, name, edge_type.source)


def edge_arrays(data: HeteroData) -> dict[EdgeType, IntArray]:
    """Edge indices per edge type, reverse types included. Shape [2, num_edges] each."""
    return {EdgeType(*names): data[names].edge_index.numpy() for names in data.edge_types}


def count_edges(data: HeteroData) -> pd.DataFrame:
    """Edge types with the number of directed edges: columns edge_type, num_edges."""
    rows = [
        {"edge_type": str(edge_type), "num_edges": index.shape[1]} for edge_type, index in edge_arrays(data).items()
    ]
    return pd.DataFrame(rows)


def to_parts(data: HeteroData) -> dict[str, Any]:
    """What `artifacts.py` writes; the inverse of `from_parts`. Any: one of its part shapes."""
    with_features = [node_type for node_type in data.node_types if "x" in data[node_type]]
    scope = scope_of(data)
    arrays = {f"edges_{i}": data[names].edge_index.numpy() for i, names in enumerate(data.edge_types)}
    arrays |= {f"features_{i}": data[node_type].x.numpy() for i, node_type in enumerate(with_features)}
    return {
        "hetero_data.npz": arrays,
        "hetero_data.json": {
            "num_nodes": {node_type: data[node_type].num_nodes for node_type in data.node_types},
            "edge_types": [list(names) for names in data.edge_types],
            "rev_index": list(data.rev_index),
            "with_features": with_features,
            "drug_type": data.drug_type,
            "disease_type": data.disease_type,
        },
        SCOPE_PART: scope.to_json() if scope else None,
    }


def from_parts(parts: Mapping[str, Any]) -> HeteroData:
    """Inverse of `to_parts`."""
    meta, arrays = parts["hetero_data.json"], parts["hetero_data.npz"]
    data = HeteroData()
    data.drug_type, data.disease_type = meta["drug_type"], meta["disease_type"]
    scope = parts[SCOPE_PART]
    if scope:
        data.scope = MessageScope.from_json(scope)
    for node_type, count in meta["num_nodes"].items():
        data[node_type].num_nodes = count
    for i, node_type in enumerate(meta["with_features"]):
        data[node_type].x = torch.from_numpy(arrays[f"features_{i}"])
    for i, names in enumerate(meta["edge_types"]):
        data[tuple(names)].edge_index = torch.from_numpy(arrays[f"edges_{i}"])
    data.rev_index = list(meta["rev_index"])
    return data
