"""What an edge costs in memory: the peak of one layer on few and on many random edges between the same nodes."""

import torch
from engines import EngineName, build_encoder, draw_weights
from measuring import CPU, MIB, return_freed_memory_from

from hgt_repurposing.graph.hetero_data import GraphMetadata
from hgt_repurposing.graph.schema import EdgeType
from hgt_repurposing.process_memory import GIB
from hgt_repurposing.sampling.minibatch import MiniBatch, TypedEdges
from hgt_repurposing.training.device import PeakWatch

RANDOM_NODES, RANDOM_RELATIONS, RANDOM_WIDTH = 5_000, 8, 256
RANDOM_EDGES = {"split": (500_000, 1_000_000), "ours": (2_000_000, 8_000_000)}
"""Few enough for PyG's layer to fit, and enough for the edges to be seen beside the nodes with ours."""


def slope(peaks: tuple[float, float], num_edges: tuple[int, int]) -> float:
    """Bytes per edge, from the peaks (GiB) on few and on many."""
    return (peaks[1] - peaks[0]) * GIB / (num_edges[1] - num_edges[0])


def layer_peak(engine: EngineName, *, num_edges: int, num_heads: int) -> float:
    """Peak memory (GiB) of one layer's forward and backward pass over random edges, in this process."""
    generator = torch.Generator().manual_seed(0)
    relations = tuple(EdgeType("node", f"relation_{number}", "node") for number in range(RANDOM_RELATIONS))
    metadata = GraphMetadata(("node",), (RANDOM_NODES,), relations, tuple(range(RANDOM_RELATIONS)), {})
    batch = random_batch(num_edges, generator)
    widths = (RANDOM_WIDTH, RANDOM_WIDTH)
    layer = build_encoder(engine, metadata, draw_weights(metadata, widths, num_heads=num_heads, generator=generator))
    rows = torch.randn(RANDOM_NODES, RANDOM_WIDTH, generator=generator, requires_grad=True)
    return_freed_memory_from(bytes_at_least=MIB)
    layer(rows, random_batch(RANDOM_RELATIONS, generator)).sum().backward()  # compiles the loops
    rows.grad = None
    layer.zero_grad(set_to_none=True)
    CPU.release()
    with PeakWatch(CPU) as watch:
        layer(rows, batch).square().sum().backward()
    return watch.peak_above_start


def random_batch(num_edges: int, generator: torch.Generator) -> MiniBatch:
    """Edges between random nodes, the relations in equal shares; the loss scores nothing."""
    source, target = torch.randint(RANDOM_NODES, (2, num_edges), generator=generator)
    relation = torch.arange(num_edges) * RANDOM_RELATIONS // num_edges
    none = torch.empty(0, dtype=torch.int64)
    return MiniBatch(
        node_index=torch.arange(RANDOM_NODES),
        type_ptr=(0, RANDOM_NODES),
        messages=TypedEdges(source, target, relation),
        positives=TypedEdges(none, none, none),
        negative_target=none[:, None],
        weight=torch.empty(0),
        features={},
    )
