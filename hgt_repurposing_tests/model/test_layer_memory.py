"""What an edge costs a layer in memory."""

import ctypes
import multiprocessing
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest
import torch

from hgt_repurposing.model.mean import MeanLayer
from hgt_repurposing.model.message_layer import MessageLayer
from hgt_repurposing_tests.model.layers import BACKENDS, normal, random_layer
from hgt_repurposing_tests.model.typed_graphs import random_graph

WIDTH, HEADS = 256, 8
NUM_NODES = 5_000
FEWER, MORE = 100_000, 300_000
M_MMAP_THRESHOLD = -3
"""Number of this parameter in glibc's malloc.h."""
MOST_BYTES_PER_EDGE = 200
"""A vector of the layer's width would take 1024."""


def peak_of_a_step(num_edges: int, num_relations: int, backend: str, kind: str) -> int:
    """Highest resident memory of one forward and backward pass above what was held before, bytes.

    By the kernel's own mark, which it begins anew when 5 is written there: looking often would miss the peak where the
    machine is busy.
    """
    graph = random_graph((NUM_NODES,), ((0, 0),) * num_relations, num_edges=num_edges // num_relations, seed=0)
    layer: MessageLayer = random_layer(graph, width_in=WIDTH, width_out=WIDTH, num_heads=HEADS, seed=0)
    if kind == "mean":
        generator = torch.Generator().manual_seed(0)
        layer = MeanLayer(1, num_relations, width_in=WIDTH, width_out=WIDTH, num_heads=HEADS, generator=generator)
    x, plan = normal(NUM_NODES, WIDTH, seed=1).requires_grad_(), graph.plan().layers[0]
    Path("/proc/self/clear_refs").write_text("5")
    before = highest_resident()
    layer(x, plan, backend=BACKENDS[backend]).sum().backward()
    return highest_resident() - before


def highest_resident() -> int:
    """Since the mark was begun anew, bytes."""
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:"))
    return 1024 * int(line.split()[1])


def bytes_per_edge(num_relations: int, backend: str, kind: str) -> float:
    """How the peak grows with the edges, in a process in which freed memory does not hide what is needed."""
    torch.set_num_threads(1)
    ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, 2**16)
    peak_of_a_step(FEWER // 4, num_relations, backend, kind)  # compiles, and libraries take what they keep
    fewer, more = (peak_of_a_step(num_edges, num_relations, backend, kind) for num_edges in (FEWER, MORE))
    return (more - fewer) / (MORE - FEWER)


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[ProcessPoolExecutor]:
    """A process whose allocator may be told to return freed memory."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield pool


@pytest.mark.skipif(sys.platform != "linux", reason="other allocators cannot be told to return freed memory at once")
@pytest.mark.parametrize(
    ("num_relations", "backend"),
    [
        (1, "compiled"),
        pytest.param(4, "compiled", marks=pytest.mark.slow),
        pytest.param(1, "chunked", marks=pytest.mark.slow),
    ],
)
def test_an_edge_costs_a_layer_no_vector(elsewhere: ProcessPoolExecutor, num_relations: int, backend: str) -> None:
    slope = elsewhere.submit(bytes_per_edge, num_relations, backend, "hgt").result()
    # One relation at a time keeps two numbers per edge and head, 64 bytes; below 0 the measurement would be broken.
    assert 0 < slope <= MOST_BYTES_PER_EDGE


@pytest.mark.skipif(sys.platform != "linux", reason="other allocators cannot be told to return freed memory at once")
@pytest.mark.slow
@pytest.mark.parametrize("backend", ["compiled", "chunked"])
def test_an_edge_costs_a_mean_no_number_of_its_own(elsewhere: ProcessPoolExecutor, backend: str) -> None:
    slope = elsewhere.submit(bytes_per_edge, 1, backend, "mean").result()
    assert abs(slope) <= MOST_BYTES_PER_EDGE / 4  # nothing but the place of each edge's target, where there are chunks
