"""HeteroData in one flat node space with integer relations: the form that samplers and layers read.

Nodes are numbered consecutively over all types, so sorted flat ids are also sorted by type. Relations are indexed by
their position in `relations`, independent of dictionary order.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import torch
from torch import Tensor
from torch_geometric.data import HeteroData

from hgt_repurposing.graph.hetero_data import GraphMetadata, metadata


@dataclass(frozen=True, eq=False)
class FlatGraph:
    """Nodes by flat id and relations by index."""

    metadata: GraphMetadata
    """Node types in the order of their indices."""
    type_ptr: tuple[int, ...]
    """First flat id of each node type, then the number of nodes. Length num_types + 1."""
    sources: tuple[Tensor, ...]
    """Flat source ids per relation. Shape [num_edges of the relation]."""
    targets: tuple[Tensor, ...]
    """Flat target ids per relation. Shape [num_edges of the relation]."""
    features: dict[str, Tensor]
    """Node features by node type. Shape [num_nodes of the type, width]."""

    @classmethod
    def from_hetero_data(cls, data: HeteroData) -> Self:
        """Number the nodes and relations of a graph made by `to_hetero_data`."""
        meta = metadata(data)
        ptr = [0, *torch.tensor(meta.type_counts).cumsum(0).tolist()]
        first = dict(zip(meta.node_types, ptr, strict=False))
        relations = meta.relations
        return cls(
            metadata=meta,
            type_ptr=tuple(ptr),
            sources=tuple(data[tuple(r)].edge_index[0] + first[r.source] for r in relations),
            targets=tuple(data[tuple(r)].edge_index[1] + first[r.target] for r in relations),
            features={t: data[t].x for t in meta.feature_widths},
        )

    @property
    def mirror(self) -> tuple[int, ...]:
        """Index of each relation's reverse; its own index if it is symmetric."""
        return self.metadata.rev_index

    @property
    def num_nodes(self) -> int:
        """Nodes of all types."""
        return self.type_ptr[-1]

    @property
    def num_relations(self) -> int:
        """Directed edge types, reverse types included."""
        return len(self.metadata.relations)

    def features_at(self, node_index: Tensor, type_ptr: Sequence[int]) -> dict[int, Tensor]:
        """Features of some nodes by type index. Shape [nodes of the type, width] each.

        Args:
            node_index: Flat ids, sorted by type. Shape [num_nodes].
            type_ptr: Offset of each type in `node_index`.
        """
        found = {}
        for number, node_type in enumerate(self.metadata.node_types):
            if node_type in self.features:
                rows = node_index[type_ptr[number] : type_ptr[number + 1]] - self.type_ptr[number]
                found[number] = self.features[node_type][rows]
        return found

    def is_symmetric(self, relation: int) -> bool:
        """Whether the relation holds each of its edges in both directions."""
        return self.mirror[relation] == relation

    def num_base_edges(self, relation: int) -> int:
        """Number of edges of a relation; both directions of a symmetric edge count once."""
        count = self.sources[relation].numel()
        return count // 2 if self.is_symmetric(relation) else count

    def turned(self, relation: int, edges: Tensor) -> Tensor:
        """Indices of the reversed edges in the mirror relation. Shape [n] in and out."""
        total = self.sources[relation].numel()
        return (edges + total // 2) % total if self.is_symmetric(relation) and total else edges

    @cached_property
    def in_degrees(self) -> tuple[Tensor, ...]:
        """In-degrees of the target type's nodes, one tensor per relation. Shape [num_nodes of the type] each, int64."""
        types = self.metadata.node_types
        found = []
        for relation, targets in zip(self.metadata.relations, self.targets, strict=True):
            number = types.index(relation.target)
            count = self.metadata.type_counts[number]
            found.append((targets - self.type_ptr[number]).bincount(minlength=count))
        return tuple(found)

    @cached_property
    def edge_keys(self) -> Tensor:
        """Sorted keys of all edges, for membership tests by bisection. Shape [num_edges of all relations]."""
        triples = zip(range(self.num_relations), self.sources, self.targets, strict=True)
        return torch.cat([self._key(*triple).sort().values for triple in triples])

    def has_edge(self, relation: Tensor | int, source: Tensor, target: Tensor) -> Tensor:
        """Whether these edges exist. Relations and flat ids of shape [n] to booleans of shape [n]."""
        wanted = self._key(relation, source, target)
        place = torch.searchsorted(self.edge_keys, wanted).clamp(max=self.edge_keys.numel() - 1)
        return self.edge_keys[place] == wanted

    def _key(self, relation: Tensor | int, source: Tensor, target: Tensor) -> Tensor:
        return (relation * self.num_nodes + source) * self.num_nodes + target
