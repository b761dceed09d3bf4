"""Mini graphs around seed nodes, a few in-neighbours per node, relation and hop.

Hamilton et al., NeurIPS 2017 (arXiv:1706.02216), section 3.1, with the fan-out per relation as in PyG's NeighborLoader.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from hgt_repurposing.sampling.draws import WithoutReplacement, derived_generator
from hgt_repurposing.sampling.flat_graph import FlatGraph
from hgt_repurposing.sampling.in_edges import InEdges
from hgt_repurposing.sampling.minibatch import MiniBatch, TypedEdges, edges_at, relabel
from hgt_repurposing.sampling.negative_draw import NegativeDraw
from hgt_repurposing.sampling.negatives import corrupt_targets
from hgt_repurposing.sampling.supervision import HiddenEdges


class NeighborSampler:
    """Draws seed nodes without replacement, pass after pass, and scores one of their out-edges per relation."""

    def __init__(
        self,
        graph: FlatGraph,
        *,
        num_seeds: int,
        fan_outs: Sequence[int],
        num_negatives: int,
        seed: int,
        negatives: NegativeDraw = "uniform",
    ) -> None:
        """Sort the edges of the graph, once for all steps.

        Args:
            graph: The whole message graph.
            num_seeds: Seed nodes per batch over all types.
            fan_outs: In-edges per node and relation for each hop, starting at the scored nodes.
            num_negatives: Corrupted targets per scored edge, drawn from all nodes of the type.
            seed: Seed of all draws.
            negatives: How corrupted targets are drawn.

        Raises:
            ValueError: If fan_outs is empty or one is not positive.
        """
        if not fan_outs or min(fan_outs) < 1:
            raise ValueError(f"fan_outs must have at least one hop of at least one edge each (got {tuple(fan_outs)})")
        self._graph = graph
        self._fan_outs = tuple(fan_outs)
        self._num_negatives = num_negatives
        self._negatives = negatives
        self._seed = seed
        self._in_edges = InEdges(graph)
        self._candidates = _marked(graph.num_nodes, graph.sources).nonzero().squeeze(1)
        self._draw = WithoutReplacement(self._candidates.numel(), num_seeds, seed=seed, stream=0)

    def sample(self, step: int) -> MiniBatch:
        """The mini graph of a step: scored edges, corrupted targets, and the neighbourhoods of all their nodes."""
        graph, generator = self._graph, derived_generator(self._seed, step)
        supervised = self._out_edges(self.seed_nodes(step), generator=generator)
        drawn = edges_at(graph, supervised)
        negative, valid = corrupt_targets(
            graph, torch.arange(graph.num_nodes), graph.type_ptr, drawn,
            num_negatives=self._num_negatives, generator=generator, draw=self._negatives,
        )  # fmt: skip
        kept = valid.split([edges.numel() for edges in supervised])
        hidden = HiddenEdges(graph, [edges[keep] for edges, keep in zip(supervised, kept, strict=True)])
        scored = TypedEdges(*(part[valid] for part in drawn))
        corrupted = TypedEdges(
            scored.source.repeat_interleave(self._num_negatives),
            negative[valid].flatten(),
            scored.relation.repeat_interleave(self._num_negatives),
        )
        around = (scored.source, scored.target, corrupted.target)
        surroundings = self._expand(around, hidden, generator=generator)
        node_index, type_ptr, (messages, positives, negatives) = relabel(graph, [surroundings, scored, corrupted])
        return MiniBatch(
            node_index=node_index,
            type_ptr=type_ptr,
            messages=messages,
            positives=positives,
            negative_target=negatives.target.view(-1, self._num_negatives),
            weight=torch.ones(positives.source.numel()),
            features=graph.features_at(node_index, type_ptr),
        )

    def seed_nodes(self, step: int) -> Tensor:
        """Flat ids of a step's seed nodes, ascending; all have an out-edge. Shape [num_seeds]."""
        return self._candidates[self._draw.at(step)].sort().values

    def _out_edges(self, nodes: Tensor, *, generator: torch.Generator) -> list[Tensor]:
        """Draw one out-edge per node and relation, as a reversed in-edge of the mirror relation."""
        arriving = self._in_edges.draw(nodes, 1, generator=generator)
        return [self._graph.turned(mirror, arriving[mirror]) for mirror in self._graph.mirror]

    def _expand(self, around: Sequence[Tensor], hidden: HiddenEdges, *, generator: torch.Generator) -> TypedEdges:
        """Draw the in-edges of some nodes, hop by hop, in flat ids.

        The in-edges of a node are drawn once, when it is reached; nodes of the last hop get none. Hidden edges are
        drawn like any other and then dropped, so no node is reached through them.
        """
        graph = self._graph
        found = _marked(graph.num_nodes, around)
        new = found
        hops = []
        for fan_out in self._fan_outs:
            drawn = self._in_edges.draw(new.nonzero().squeeze(1), fan_out, generator=generator)
            hops.append([hidden.without(relation, edges) for relation, edges in enumerate(drawn)])
            reached = [sources[edges] for sources, edges in zip(graph.sources, hops[-1], strict=True)]
            new = _marked(graph.num_nodes, reached) & ~found
            found = found | new
        return edges_at(graph, [torch.cat(parts) for parts in zip(*hops, strict=True)])


def _marked(num_nodes: int, nodes: Sequence[Tensor]) -> Tensor:
    """Mask of these flat ids. Shape [num_nodes], bool."""
    marked = torch.zeros(num_nodes, dtype=torch.bool)
    marked[torch.cat(list(nodes))] = True
    return marked
