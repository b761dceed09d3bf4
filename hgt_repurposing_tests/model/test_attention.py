"""Edge attention: the formula and its gradient, whatever the logits and whichever way the edges are run through."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from hgt_repurposing.model.attention import BackendName, backend_for, edge_attention
from hgt_repurposing.model.edge_plan import RelationEdges
from hgt_repurposing_tests.model.layers import BACKENDS, CPU, normal
from hgt_repurposing_tests.model.typed_graphs import TypedGraph, typed_graph, typed_graphs

HEADS, HEAD_WIDTH = 2, 3
BOTH_SIDES = typed_graph((3, 4), {(0, 1): [(0, 0), (0, 1), (1, 2), (0, 1)], (1, 1): [(0, 1), (1, 1), (2, 0), (3, 1)]})
"""Fewer sources than targets, then fewer targets than sources; two targets hear of both relations, one of none."""


def relations(graph: TypedGraph) -> tuple[RelationEdges, ...]:
    return graph.plan().layers[0].relations


def random_inputs(graph: TypedGraph, *, seed: int) -> tuple[Tensor, ...]:
    """Query, keys beside values, attention, message and prior in float64."""
    width, num_relations = HEADS * HEAD_WIDTH, len(graph.ends)
    matrices = (num_relations, HEADS, HEAD_WIDTH, HEAD_WIDTH)
    shapes = ((graph.num_nodes, width), (graph.num_nodes, 2 * width), matrices, matrices, (num_relations, HEADS))
    return tuple(normal(*shape, seed=seed + i).double().requires_grad_() for i, shape in enumerate(shapes))


def attend(inputs: tuple[Tensor, ...], graph: TypedGraph, backend: str) -> Tensor:
    query, key_value, attention, message, prior = inputs
    return edge_attention(
        query,
        key_value,
        attention=attention,
        message=message,
        prior=prior,
        relations=relations(graph),
        backend=BACKENDS[backend],
    )


def attend_by_definition(inputs: tuple[Tensor, ...], graph: TypedGraph) -> Tensor:
    """The paper's equations 3 and 4, target by target and head by head."""
    query, key_value, attention, message, prior = inputs
    edges = graph.flat_edges().T.tolist()
    num_heads, head_width = attention.shape[1:3]
    q = query.unflatten(1, (num_heads, head_width))
    k, v = key_value.unflatten(1, (2, num_heads, head_width)).unbind(1)
    rows = []
    for target in range(graph.num_nodes):
        arriving = [(s, r) for s, t, r in edges if t == target]
        for h in range(num_heads):
            logits = [(k[s, h] @ attention[r, h] @ q[target, h]) * prior[r, h] / head_width**0.5 for s, r in arriving]
            messages = [v[s, h] @ message[r, h] for s, r in arriving]
            weights = torch.stack(logits).softmax(0).unbind() if logits else ()
            rows.append(sum((w * m for w, m in zip(weights, messages, strict=True)), 0 * q[target, h]))
    return torch.cat(rows).view(graph.num_nodes, -1)


def value_and_gradients(result: Tensor, inputs: tuple[Tensor, ...], weight: Tensor) -> tuple[Tensor, ...]:
    gradients = torch.autograd.grad((result * weight).sum(), inputs, materialize_grads=True)
    return (result.detach(), *gradients)


# the formula


@pytest.mark.parametrize("backend", BACKENDS)
@given(typed_graphs(), st.integers(0, 2**31))
def test_attention_is_as_defined_in_value_and_gradient(backend: str, graph: TypedGraph, seed: int) -> None:
    inputs = random_inputs(graph, seed=seed)
    weight = normal(*inputs[0].shape, seed=seed + 9)
    found = value_and_gradients(attend(inputs, graph, backend), inputs, weight)
    expected = value_and_gradients(attend_by_definition(inputs, graph), inputs, weight)
    for ours, defined in zip(found, expected, strict=True):
        torch.testing.assert_close(ours, defined, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("backend", BACKENDS)
def test_gradient_is_that_of_finite_differences_on_both_sides(backend: str) -> None:
    assert {edges.side for edges in relations(BOTH_SIDES)} == {"source", "target"}
    assert torch.autograd.gradcheck(
        lambda *inputs: attend(inputs, BOTH_SIDES, backend), random_inputs(BOTH_SIDES, seed=0)
    )


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_node_that_no_edge_reaches_receives_zero(backend: str) -> None:
    received = attend(random_inputs(BOTH_SIDES, seed=0), BOTH_SIDES, backend)
    reached = sorted(set(BOTH_SIDES.flat_edges()[1].tolist()))
    assert received.any(dim=1).nonzero().flatten().tolist() == reached


# the softmax


def one_target(logits: list[list[float]], dtype: torch.dtype) -> tuple[TypedGraph, tuple[Tensor, ...]]:
    """A target whose edges have these logits, relation by relation, one source each; logits are exact in any precision.

    There is one head of width 1; query, matrices and priors are 1, so that a logit is its source's key.
    """
    flat = [logit for part in logits for logit in part]
    first = 1
    by_relation = []
    for part in logits:
        by_relation.append(torch.tensor([[first + i for i in range(len(part))], [0] * len(part)]))
        first += len(part)
    graph = TypedGraph((1 + len(flat),), ((0, 0),) * len(logits), tuple(by_relation))
    keys = torch.tensor([0.0, *flat])
    key_value = torch.stack([keys, normal(len(keys), seed=0)], dim=1).to(dtype)
    query = torch.ones(len(keys), 1, dtype=dtype)
    ones = (torch.ones(len(logits), *shape, dtype=dtype) for shape in ((1, 1, 1), (1, 1, 1), (1,)))
    return graph, tuple(tensor.requires_grad_() for tensor in (query, key_value, *ones))


UP, DOWN = [float(logit) for logit in range(-200, 201)], [float(logit) for logit in range(200, -201, -1)]
STEPS = [float(logit) for logit in range(-200, 201, 25)]
LARGE = {
    "ever higher": [UP],
    "ever lower": [DOWN],
    "up by 25 at each edge": [STEPS],
    "up by 25 at each relation": [[logit] for logit in STEPS],
    "down by 25 at each relation": [[logit] for logit in reversed(STEPS)],
    "all low": [[-200.0, -200.0, -199.0]],
    "all high": [[200.0, 199.0], [200.0]],
    "high, low, high": [[200.0, -200.0, 200.0], [-200.0], [200.0, 198.0]],
    "just below the next reference": [[0.0] + [20.0] * 50],
}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("logits", LARGE.values(), ids=LARGE)
def test_softmax_is_exact_for_logits_of_200(logits: list[list[float]], backend: str) -> None:
    graph, inputs = one_target(logits, torch.float32)
    found = value_and_gradients(attend(inputs, graph, backend), inputs, torch.tensor(1.0))
    _, exact_inputs = one_target(logits, torch.float64)
    exact = value_and_gradients(attend_by_definition(exact_inputs, graph), exact_inputs, torch.tensor(1.0))
    largest_term = 200  # in the gradients by query, matrices and prior: a logit times its weight
    for ours, expected in zip(found, exact, strict=True):
        assert ours.isfinite().all()
        torch.testing.assert_close(ours.double(), expected, rtol=1e-5, atol=largest_term * 1e-6)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_key_that_is_not_a_number_reaches_its_targets_alone(backend: str) -> None:
    inputs = random_inputs(BOTH_SIDES, seed=0)
    with torch.no_grad():
        inputs[1][1, : HEADS * HEAD_WIDTH] = torch.nan  # its key: as a logit it must not be lost
    received = attend(inputs, BOTH_SIDES, backend)
    heard = BOTH_SIDES.flat_edges()[1, BOTH_SIDES.flat_edges()[0] == 1]
    assert received.isnan().any(dim=1).nonzero().flatten().tolist() == heard.tolist()


# which backend


@pytest.mark.parametrize(("device", "name"), [("cpu", "compiled"), ("cuda", "chunked"), ("mps", "chunked")])
def test_backend_suits_the_device(device: str, name: BackendName) -> None:
    assert backend_for(torch.device(device)) == backend_for(CPU, name)


def test_chunked_backend_has_the_chunks_asked_for() -> None:
    assert backend_for(CPU, "chunked", chunk_edges=5) != backend_for(CPU, "chunked", chunk_edges=6)


def test_compiled_loops_run_on_the_cpu_only() -> None:
    with pytest.raises(ValueError, match=r"compiled loops run on the CPU only \(got cuda\)"):
        backend_for(torch.device("cuda"), "compiled")
