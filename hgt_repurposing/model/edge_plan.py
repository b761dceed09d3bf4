"""Plan which nodes and edges each layer computes on a batch: only those that a later layer or the loss needs.

A plan is made once per batch, on the CPU, from indices alone. Working backwards from the loss, each layer has a set of
output nodes; it computes queries only for those that receive messages, and keys and values only for nodes that send
them. What is skipped could not affect any output, so all values and gradients are exact.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal, NamedTuple, Self

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

Index = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

NEARLY_ALL = 0.9
"""Share of needed nodes from which all are computed, since copying most rows would cost more."""


class RelationEdges(NamedTuple):
    """Edges of one relation by target (rows), and again by source (columns); int32 except for node lists.

    `key_row` hides which side is transformed: keys and values are read either from the table of all senders (side
    "target") or from a table with one row per sender of this relation (side "source").
    """

    relation: int
    side: Literal["source", "target"]
    """Side whose vectors are transformed by the relation's matrices: the one with fewer nodes."""
    sources: Tensor
    """Senders of this relation, ascending, as indices into the layer's senders. Shape [S], int64."""
    targets: Tensor
    """Receivers of this relation, ascending, as indices into the layer's receivers. Shape [T], int64."""
    row_ptr: Tensor
    """First edge of each target, then the number of edges. Shape [T + 1]."""
    column: Tensor
    """Row of the key table for each edge; edges sorted by target. Shape [E]."""
    column_ptr: Tensor
    """First edge of each source in the transposed order, then the number of edges. Shape [S + 1]."""
    row: Tensor
    """Index into `targets` of each edge's target, in the transposed order. Shape [E]."""
    edge: Tensor
    """Index into the edges sorted by target of each edge, in the transposed order. Shape [E]."""
    key_row: Tensor
    """Row of the key table of each source. Shape [S]."""

    def to(self, device: torch.device) -> Self:
        """The same on another device, by blocking copies."""
        return self._replace(**{name: part.to(device) for name, part in self._asdict().items() if name in ARRAYS})


ARRAYS = ("sources", "targets", "row_ptr", "column", "column_ptr", "row", "edge", "key_row")


class Nodes(NamedTuple):
    """A subset of a layer's input nodes, sorted by type."""

    places: Tensor | None
    """Indices into the layer's inputs, ascending; None for all. Shape [n], int64."""
    type_ptr: tuple[int, ...]
    """First node of each type, then the number of nodes. Length num_types + 1."""

    def to(self, device: torch.device) -> Self:
        """The same on another device, by a blocking copy."""
        return self if self.places is None else self._replace(places=self.places.to(device))

    @property
    def num_nodes(self) -> int:
        """Number of nodes in the subset."""
        return self.type_ptr[-1]


class LayerPlan(NamedTuple):
    """One layer's nodes and edges. Nodes are indices into its inputs, which are the outputs of the layer below."""

    senders: Nodes
    """Nodes for which keys and values are computed."""
    receivers: Nodes
    """Nodes for which queries are computed."""
    outputs: Nodes
    """Nodes whose outputs are computed."""
    receiver_outputs: Tensor | None
    """Indices of the receivers in the outputs; None if they are the same. Shape [num_receivers], int64."""
    relations: tuple[RelationEdges, ...]
    """Relations with an edge in this layer."""

    def to(self, device: torch.device) -> Self:
        """The same on another device, by blocking copies."""
        places = self.receiver_outputs
        return self._replace(
            senders=self.senders.to(device),
            receivers=self.receivers.to(device),
            outputs=self.outputs.to(device),
            receiver_outputs=None if places is None else places.to(device),
            relations=tuple(edges.to(device) for edges in self.relations),
        )


class EncoderPlan(NamedTuple):
    """All layers of one forward pass."""

    layers: tuple[LayerPlan, ...]
    """Layers from input to output."""
    type_ptr: tuple[int, ...]
    """First node of each type in the batch, then the number of nodes. Length num_types + 1."""
    inputs: Nodes
    """Nodes of the batch that are inputs of the first layer."""
    output_row: Tensor | None
    """Row of the last layer's output for each node of the batch, -1 if it has none; None for one row per node.

    Shape [num_nodes], int64.
    """

    def to(self, device: torch.device) -> Self:
        """The same on another device, by blocking copies."""
        row = self.output_row
        return self._replace(
            layers=tuple(layer.to(device) for layer in self.layers),
            inputs=self.inputs.to(device),
            output_row=None if row is None else row.to(device),
        )

    @property
    def output_type_ptr(self) -> tuple[int, ...]:
        """First output of each node type, then the number of outputs; without layers, inputs are outputs."""
        return (self.layers[-1].outputs if self.layers else self.inputs).type_ptr

    def output_of(self, nodes: Tensor) -> Tensor:
        """Output rows of batch nodes, which must be needed ones. Any shape in, the same out."""
        return nodes if self.output_row is None else self.output_row[nodes]


def plan_layers(
    source: Tensor,
    target: Tensor,
    relation: Tensor,
    *,
    type_ptr: Sequence[int],
    num_relations: int,
    num_layers: int,
    needed: Tensor | None = None,
) -> EncoderPlan:
    """Plan the layers of one forward pass.

    Args:
        source: Sending node of the batch. Shape [num_edges].
        target: Receiving node of the batch. Shape [num_edges].
        relation: Relation index, below `num_relations`. Shape [num_edges].
        type_ptr: First node of each type in the batch, then the number of nodes.
        num_relations: Relations of the model, including those without an edge here.
        num_layers: Number of layers; 0 for an encoder without messages.
        needed: Nodes whose outputs are needed, in any order, repeats allowed; None for all nodes at every layer, which
            also keeps shapes independent of the edges.
    """
    ends = _Edges(source.numpy(), target.numpy(), relation.numpy()).by_relation(num_relations)
    num_nodes = type_ptr[-1]
    wanted = np.ones(num_nodes, dtype=bool)
    if needed is not None:
        wanted[:] = False
        wanted[needed.numpy()] = True
    bounds = np.asarray(type_ptr)
    outputs = last = _settled(wanted)
    layers: list[LayerPlan] = []
    for _ in range(num_layers):
        if needed is not None or not layers:  # else every layer computes all nodes, by one plan
            plan, outputs = _plan_layer(ends, outputs, bounds, num_relations, prune=needed is not None)
        layers.insert(0, plan)
    inputs = _nodes(outputs, np.ones(num_nodes, dtype=bool), bounds)
    return EncoderPlan(tuple(layers), tuple(type_ptr), inputs, _rows(last))


class _Edges(NamedTuple):
    """Edges of a batch as arrays."""

    source: Index
    target: Index
    relation: Index

    def by_relation(self, num_relations: int) -> "_Edges":
        """Sort by relation, if not already sorted."""
        assert not self.relation.size or self.relation.max() < num_relations
        if np.all(self.relation[1:] >= self.relation[:-1]):
            return self
        return self.where(np.argsort(self.relation, kind="stable"))

    def where(self, chosen: Mask | Index) -> "_Edges":
        return _Edges(self.source[chosen], self.target[chosen], self.relation[chosen])


def block_sizes(ptr: Sequence[int]) -> list[int]:
    """Length of each block, from the block offsets and the total."""
    return [stop - start for start, stop in pairwise(ptr)]


def rows_of(table: Tensor, index: Tensor | None) -> Tensor:
    """Rows at these indices; the table itself for None."""
    return table if index is None else table.index_select(0, index)


def _plan_layer(
    edges: _Edges, outputs: Mask, bounds: Index, num_relations: int, *, prune: bool
) -> tuple[LayerPlan, Mask]:
    """Plan the layer that computes these outputs; returns it with the mask of the inputs it needs."""
    arriving = outputs[edges.target]
    if not arriving.all():
        edges = edges.where(arriving)
    if prune:
        sending, receiving = (np.zeros_like(outputs) for _ in range(2))
        sending[edges.source] = True
        receiving[edges.target] = True
        inputs = _settled(outputs | sending)
        senders = sending if sending.sum() < NEARLY_ALL * inputs.sum() else inputs
        receivers = receiving if receiving.sum() < NEARLY_ALL * outputs.sum() else outputs
    else:
        inputs = senders = receivers = outputs
    first = np.searchsorted(edges.relation, np.arange(num_relations + 1)).tolist()
    from_node, to_node = _numbered(senders)[edges.source], _numbered(receivers)[edges.target]
    relations = tuple(
        _relation_edges(number, from_node[low:high], to_node[low:high])
        for number, (low, high) in enumerate(pairwise(first))
        if low < high
    )
    same = receivers is outputs
    plan = LayerPlan(
        senders=_nodes(senders, inputs, bounds),
        receivers=_nodes(receivers, inputs, bounds),
        outputs=_nodes(outputs, inputs, bounds),
        receiver_outputs=None if same else torch.from_numpy(_numbered(outputs)[receivers]),
        relations=relations,
    )
    return plan, inputs


def _relation_edges(relation: int, source: Index, target: Index) -> RelationEdges:
    by_target = _order(target)
    source, target = source[by_target], target[by_target]
    by_source = _order(source)
    targets, row_ptr = _runs(target)
    sources, column_ptr = _runs(source[by_source])
    row = np.repeat(np.arange(len(targets)), np.diff(row_ptr))
    side: Literal["source", "target"] = "source" if len(sources) < len(targets) else "target"
    key_row = np.arange(len(sources)) if side == "source" else sources
    column = np.empty(len(source), dtype=np.int32)
    column[by_source] = np.repeat(key_row, np.diff(column_ptr))
    return RelationEdges(
        relation=relation,
        side=side,
        sources=torch.from_numpy(sources),
        targets=torch.from_numpy(targets),
        row_ptr=_int32(row_ptr),
        column=torch.from_numpy(column),
        column_ptr=_int32(column_ptr),
        row=_int32(row[by_source]),
        edge=_int32(by_source),
        key_row=_int32(key_row),
    )


def _order(key: Index) -> Index:
    """Stable argsort of small integers; sorting words that pack key and index is faster than numpy's."""
    place = np.arange(len(key))
    return np.sort(key * len(key) + place) % max(len(key), 1)


def _runs(ascending: Index) -> tuple[Index, Index]:
    """Distinct values, and the offset of each, then the length."""
    begins = np.flatnonzero(np.diff(ascending, prepend=-1))
    return ascending[begins], np.append(begins, len(ascending))


def _settled(mask: Mask) -> Mask:
    """The mask, or all nodes if it covers nearly all."""
    return mask if mask.sum() < NEARLY_ALL * mask.size else np.ones_like(mask)


def _numbered(mask: Mask) -> Index:
    """Index of each node among the chosen ones; meaningless for the others."""
    return np.cumsum(mask) - 1


def _nodes(chosen: Mask, among: Mask, bounds: Index) -> Nodes:
    index = None if chosen is among or chosen.sum() == among.sum() else torch.from_numpy(_numbered(among)[chosen])
    before = np.concatenate([[0], np.cumsum(chosen)])
    return Nodes(index, tuple(before[bounds].tolist()))


def _rows(outputs: Mask) -> Tensor | None:
    return None if outputs.all() else torch.from_numpy(np.where(outputs, _numbered(outputs), -1))


def _int32(values: Index) -> Tensor:
    return torch.from_numpy(values.astype(np.int32))
