"""Heterogeneous mutual attention and message passing over one flat node space (Hu et al., WWW 2020, eq. 3 and 4).

The paper's score of an edge (s, relation r, t) is (K_s W_r) . Q_t * mu_r / sqrt(D). We move W_r to the target's side,
K_s . (Q_t W_r^T), and the message matrix M_r behind the sum, (sum of alpha V_s) M_r. Both are exact, and each relation
then transforms one row per (relation, target) group instead of one per source node or edge.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional


class EdgePlan(NamedTuple):
    """Edges sorted by (relation, target), with the groups they form; built once per batch, shared by the layers."""

    source: Tensor
    """Local source node of each edge. Shape [num_edges]."""
    target: Tensor
    """Local target node of each edge. Shape [num_edges]."""
    group: Tensor
    """Group of each edge, ascending. Shape [num_edges]."""
    group_target: Tensor
    """Target node of each group. Shape [num_groups]."""
    relation_ptr: tuple[int, ...]
    """First group of each relation, then the number of groups. Length num_relations + 1."""
    num_targets: int
    """Nodes that may receive messages."""


def plan_edges(source: Tensor, target: Tensor, relation: Tensor, *, num_relations: int, num_targets: int) -> EdgePlan:
    """Sort and group the edges.

    Args:
        source: Shape [num_edges].
        target: Each below `num_targets`. Shape [num_edges].
        relation: Each below `num_relations`. Shape [num_edges].
        num_relations: Relations of the model, also those without an edge here.
        num_targets: Nodes that may receive messages, also those without an edge here.
    """
    key, order = (relation * num_targets + target).sort(stable=True)
    group_key, group = key.unique_consecutive(return_inverse=True)
    bounds = torch.arange(num_relations + 1, device=key.device) * num_targets
    return EdgePlan(
        source=source[order],
        target=target[order],
        group=group,
        group_target=group_key % num_targets,
        relation_ptr=tuple(torch.searchsorted(group_key, bounds).tolist()),
        num_targets=num_targets,
    )


def block_sizes(ptr: Sequence[int]) -> list[int]:
    """Length of each block, from where the blocks begin and the last one ends."""
    return [stop - start for start, stop in pairwise(ptr)]


def edge_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    *,
    attention: Tensor,
    message: Tensor,
    prior: Tensor,
    plan: EdgePlan,
) -> Tensor:
    """Messages summed at every target, weighted by a softmax over all its incoming edges of all relations.

    Args:
        query: Of the targets. Shape [num_targets, H, D].
        key: Of the sources. Shape [num_sources, H, D].
        value: Of the sources. Shape [num_sources, H, D].
        attention: W of each relation. Shape [num_relations, H, D, D].
        message: M of each relation. Shape [num_relations, H, D, D].
        prior: mu of each relation. Shape [num_relations, H].
        plan: The edges.

    Returns:
        Shape [num_targets, H, D]; zero where no edge arrives.
    """
    num_heads, width = query.shape[1:]
    scale = prior[:, :, None, None] / width**0.5
    asked = _per_relation(functional.embedding(plan.group_target, _flat(query)), attention.mT * scale, plan)
    logits = (_heads(functional.embedding(plan.group, asked), num_heads) * _gather(key, plan.source)).sum(-1)
    weight = _softmax(logits, plan.target, plan.num_targets)
    sent = (weight[:, :, None] * _gather(value, plan.source)).flatten(1)
    per_group = sent.new_zeros(plan.group_target.numel(), sent.shape[1]).index_add(0, plan.group, sent)
    received = _per_relation(per_group, message, plan)
    summed = received.new_zeros(plan.num_targets, received.shape[1]).index_add(0, plan.group_target, received)
    return _heads(summed, num_heads)


def _per_relation(rows: Tensor, weight: Tensor, plan: EdgePlan) -> Tensor:
    """Multiply each group's row by the matrices of its relation. Shape [num_groups, H * D] in and out."""
    num_heads, width = weight.shape[1:3]
    by_head = _heads(rows, num_heads).transpose(0, 1)
    sizes = block_sizes(plan.relation_ptr)
    parts = [part @ w for part, w in zip(by_head.split(sizes, dim=1), weight, strict=True) if part.shape[1]]
    joined = torch.cat(parts, dim=1) if parts else by_head
    return joined.transpose(0, 1).reshape(-1, num_heads * width)


def _softmax(logits: Tensor, target: Tensor, num_targets: int) -> Tensor:
    """Softmax over the edges that share a target. Shape [num_edges, H] in and out."""
    place = target[:, None].expand_as(logits)
    highest = logits.new_full((num_targets, logits.shape[1]), -torch.inf)
    highest = highest.scatter_reduce(0, place, logits.detach(), "amax")
    weight = (logits - highest.index_select(0, target)).exp()
    total = weight.new_zeros(num_targets, logits.shape[1]).index_add(0, target, weight)
    return weight / functional.embedding(target, total)


def _gather(rows: Tensor, index: Tensor) -> Tensor:
    """Rows by index. Unlike `rows[index]`, the backward pass of an embedding lookup is deterministic on the CPU."""
    return _heads(functional.embedding(index, _flat(rows)), rows.shape[1])


def _flat(rows: Tensor) -> Tensor:
    return rows.flatten(1)


def _heads(rows: Tensor, num_heads: int) -> Tensor:
    return rows.reshape(rows.shape[0], num_heads, rows.shape[1] // num_heads)
