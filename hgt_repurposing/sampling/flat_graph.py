"""HeteroData in one flat node space with integer relations: the form that samplers and layers read.

Nodes of all types are numbered in one row, type after type, so a set of flat ids that is sorted is sorted by type too.
Relations are numbered by their place in `relations`, which ends the dependence on dictionary order.
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
    """All nodes in one numbering, all relations by number."""

    metadata: GraphMetadata
    """Types in the order in which they are numbered."""
    type_ptr: tuple[int, ...]
    """First flat id of each node type, then the number of nodes. Length num_types + 1."""
    sources: tuple[Tensor, ...]
    """Flat source ids per relation. Shape [num_edges of the relation]."""
    targets: tuple[Tensor, ...]
    """Flat target ids per relation. Shape [num_edges of the relation]."""
    features: dict[str, Tensor]
    """Given features by node type. Shape [num_nodes of the type, width]."""

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
        """Relation that holds the same edges turned round; the relation itself where it is symmetric."""
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
        """Given features of some nodes by type number. Shape [nodes of the type, width] each.

        Args:
            node_index: Flat ids, sorted by type. Shape [num_nodes].
            type_ptr: Where each type begins in `node_index`.
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
        """Edges of a relation, each counted once also where the relation is symmetric."""
        count = self.sources[relation].numel()
        return count // 2 if self.is_symmetric(relation) else count

    def turned(self, relation: int, edges: Tensor) -> Tensor:
        """Positions in the mirror relation of some edges turned round. Shape [n] in and out."""
        total = self.sources[relation].numel()
        return (edges + total // 2) % total if self.is_symmetric(relation) and total else edges

    @cached_property
    def in_degrees(self) -> tuple[Tensor, ...]:
        """In-edges of each node of the target type, relation by relation. Shape [num_nodes of the type] each, int64."""
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
