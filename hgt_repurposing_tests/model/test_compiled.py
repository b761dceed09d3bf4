"""Compiled loops: the same numbers in any number of threads and in any process, and compiled once for all of them."""

import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor

import pytest
import torch
from numba.core.dispatcher import Dispatcher

from hgt_repurposing.model import attention_compiled, decoder_compiled
from hgt_repurposing.model.attention import edge_attention
from hgt_repurposing.model.compiled import WORTH_A_THREAD
from hgt_repurposing.model.decoder import LinkDecoder
from hgt_repurposing_tests.model.layers import BACKENDS, Computed, compute, normal, random_layer
from hgt_repurposing_tests.model.typed_graphs import TypedGraph, random_graph

WIDTH, HEADS = 64, 4
ENDS = ((0, 1), (1, 0))
"""More sources than targets, then the other way round: both sides are transformed."""
WORTH_TWO_THREADS = 2 * WORTH_A_THREAD // WIDTH + 1
"""Edges of a relation, and links to be scored, that two threads share."""


@pytest.fixture(params=[1, 2])
def in_threads(request: pytest.FixtureRequest) -> Iterator[None]:
    """Runs a test in one thread and in two, and puts torch's setting back."""
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield
    torch.set_num_threads(before)


def in_1_and_2_threads(work: Callable[[], Computed]) -> tuple[Computed, Computed]:
    before = torch.get_num_threads()
    found = []
    for num_threads in (1, 2):
        torch.set_num_threads(num_threads)
        found.append(work())
    torch.set_num_threads(before)
    return found[0], found[1]


def graph_of(num_edges: int) -> TypedGraph:
    """So many edges of each relation."""
    return random_graph((900, 300), ENDS, num_edges=num_edges, seed=0)


def attend(graph: TypedGraph) -> Computed:
    """Edge attention alone: its value and the gradient by each input."""
    matrices = (len(ENDS), HEADS, WIDTH // HEADS, WIDTH // HEADS)
    inputs = {
        "query": normal(graph.num_nodes, WIDTH, seed=0),
        "key_value": normal(graph.num_nodes, 2 * WIDTH, seed=1),
        "attention": normal(*matrices, seed=2) / 4,
        "message": normal(*matrices, seed=3),
        "prior": normal(len(ENDS), HEADS, seed=4),
    }
    for value in inputs.values():
        value.requires_grad_()
    layer_plan = graph.plan().layers[0]
    assert {edges.side for edges in layer_plan.relations} == {"source", "target"}
    result = edge_attention(**inputs, relations=layer_plan.relations, backend=BACKENDS["compiled"])
    gradients = torch.autograd.grad(result, tuple(inputs.values()), normal(*result.shape, seed=5))
    return {"result": result.detach()} | dict(zip(inputs, gradients, strict=True))


def run_layer(graph: TypedGraph, backend: str) -> Computed:
    layer = random_layer(graph, width_in=WIDTH, width_out=WIDTH, num_heads=HEADS, seed=0)
    x, weight = (normal(graph.num_nodes, WIDTH, seed=seed) for seed in (1, 2))
    return compute(layer, x, graph.plan().layers[0], weight, BACKENDS[backend])


def score(num_links: int) -> Computed:
    """Scores of links with two targets each, and the gradient by the embeddings and each parameter."""
    decoder = LinkDecoder(2, WIDTH)
    embeddings = normal(500, WIDTH, seed=0).requires_grad_()
    generator = torch.Generator().manual_seed(0)
    shapes = ((500, (num_links,)), (2, (num_links,)), (500, (num_links, 2)))
    logit = decoder(embeddings, *(torch.randint(size, shape, generator=generator) for size, shape in shapes))
    inputs = {"embeddings": embeddings} | dict(decoder.named_parameters())
    gradients = torch.autograd.grad(logit, tuple(inputs.values()), normal(num_links, 2, seed=1))
    return {"logit": logit.detach()} | dict(zip(inputs, gradients, strict=True))


def different(first: Computed, second: Computed) -> list[str]:
    """Names of what is not equal bit for bit."""
    assert first.keys() == second.keys()
    return [name for name, value in first.items() if not torch.equal(value, second[name])]


# in threads


@pytest.mark.parametrize(("backend", "num_edges"), [("compiled", WORTH_TWO_THREADS), ("chunked", 5000)])
@pytest.mark.usefixtures("in_threads")
def test_two_runs_of_a_layer_are_equal_bit_for_bit(backend: str, num_edges: int) -> None:
    graph = graph_of(num_edges)
    assert different(run_layer(graph, backend), run_layer(graph, backend)) == []


def test_threads_change_no_bit_of_the_attention() -> None:
    graph = graph_of(WORTH_TWO_THREADS)
    assert different(*in_1_and_2_threads(lambda: attend(graph))) == []


def test_threads_change_no_bit_of_the_scores() -> None:
    assert different(*in_1_and_2_threads(lambda: score(WORTH_TWO_THREADS))) == []


def test_threads_change_no_bit_of_a_layer_but_in_sums_over_nodes() -> None:
    graph = graph_of(WORTH_TWO_THREADS)
    first, second = in_1_and_2_threads(lambda: run_layer(graph, "compiled"))
    # The gradient by a matrix sums over all nodes of a type, in as many parts as the BLAS has threads.
    by_matrix = {"query.weight", "key_value.weight", "out.weight"}
    assert set(different(first, second)) <= by_matrix
    for name in by_matrix:
        torch.testing.assert_close(first[name], second[name], rtol=1e-5, atol=1e-5 * float(first[name].abs().max()))


# in other processes


def compute_and_count() -> tuple[dict[str, list[float]], int, int]:
    """What a small layer and the scores compute here; how many loops were compiled for it, and how many read."""
    graph = random_graph((6, 3), ENDS, num_edges=20, seed=0)
    found = run_layer(graph, "compiled") | score(30)
    modules = (attention_compiled, decoder_compiled)
    stats = [loop.stats for module in modules for loop in vars(module).values() if isinstance(loop, Dispatcher)]
    compiled, read = (sum(sum(getattr(s, kind).values()) for s in stats) for kind in ("cache_misses", "cache_hits"))
    return {name: value.flatten().tolist() for name, value in found.items()}, compiled, read


@pytest.mark.slow
def test_a_spawned_process_computes_the_same_and_compiles_nothing_anew() -> None:
    here, _, _ = compute_and_count()
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        there, num_compiled, num_read = pool.submit(compute_and_count).result()
    assert there == here
    assert num_compiled == 0
    assert num_read > 0
