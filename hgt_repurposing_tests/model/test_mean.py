"""Mean aggregation: the formula and its gradient, and the layer around it."""

import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from torch import Tensor

from hgt_repurposing.model.mean import MeanLayer, edge_mean
from hgt_repurposing_tests.model.layers import BACKENDS, fill_vectors, normal
from hgt_repurposing_tests.model.typed_graphs import TypedGraph, typed_graph, typed_graphs

HEADS, HEAD_WIDTH = 2, 3
WIDTH = HEADS * HEAD_WIDTH
BOTH_SIDES = typed_graph((3, 4), {(0, 1): [(0, 0), (0, 1), (1, 2), (0, 1)], (1, 1): [(0, 1), (1, 1), (2, 0), (3, 1)]})
"""Fewer sources than targets, then fewer targets than sources; two targets hear of both relations, one of none."""


def random_inputs(graph: TypedGraph, *, seed: int) -> tuple[Tensor, Tensor]:
    """Values and messages in float64."""
    shapes = ((graph.num_nodes, WIDTH), (len(graph.ends), HEADS, HEAD_WIDTH, HEAD_WIDTH))
    value, message = (normal(*shape, seed=seed + i).double().requires_grad_() for i, shape in enumerate(shapes))
    return value, message


def mean(value: Tensor, message: Tensor, graph: TypedGraph, backend: str) -> Tensor:
    layer = graph.plan().layers[0]
    return edge_mean(
        value, message=message, relations=layer.relations, num_targets=graph.num_nodes, backend=BACKENDS[backend]
    )


def mean_by_definition(value: Tensor, message: Tensor, graph: TypedGraph) -> Tensor:
    """Target by target and relation by relation."""
    edges = graph.flat_edges().T.tolist()
    rows = []
    for target in range(graph.num_nodes):
        means = []
        for number in range(len(graph.ends)):
            matrix = torch.block_diag(*message[number])
            sent = [value[s] @ matrix for s, t, r in edges if (t, r) == (target, number)]
            means += [torch.stack(sent).mean(0)] if sent else []
        rows.append(torch.stack(means).mean(0) if means else 0 * value[target])
    return torch.stack(rows)


@pytest.mark.parametrize("backend", BACKENDS)
@given(typed_graphs(), st.integers(0, 2**31))
@example(BOTH_SIDES, 0)
def test_mean_is_as_defined_in_value_and_gradient(backend: str, graph: TypedGraph, seed: int) -> None:
    inputs = random_inputs(graph, seed=seed)
    weight = normal(graph.num_nodes, WIDTH, seed=seed + 9)
    for ours, defined in zip(
        *(
            (result, *torch.autograd.grad((result * weight).sum(), inputs, materialize_grads=True))
            for result in (mean(*inputs, graph, backend), mean_by_definition(*inputs, graph))
        ),
        strict=True,
    ):
        torch.testing.assert_close(ours, defined, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("backend", BACKENDS)
def test_gradient_is_that_of_finite_differences_on_both_sides(backend: str) -> None:
    assert {edges.side for edges in BOTH_SIDES.plan().layers[0].relations} == {"source", "target"}
    inputs = random_inputs(BOTH_SIDES, seed=0)
    assert torch.autograd.gradcheck(lambda value, message: mean(value, message, BOTH_SIDES, backend), inputs)


@given(st.integers(1, 9))
def test_repeating_every_edge_changes_nothing(times: int) -> None:
    edges = tuple(index.repeat(1, times) for index in BOTH_SIDES.edges)
    inputs = random_inputs(BOTH_SIDES, seed=0)
    repeated = mean(*inputs, BOTH_SIDES._replace(edges=edges), "compiled")
    torch.testing.assert_close(repeated, mean(*inputs, BOTH_SIDES, "compiled"))


def mean_layer(graph: TypedGraph) -> MeanLayer:
    layer = MeanLayer(
        len(graph.type_counts),
        len(graph.ends),
        width_in=WIDTH,
        width_out=WIDTH,
        num_heads=HEADS,
        generator=torch.Generator().manual_seed(0),
    )
    fill_vectors(layer, seed=0)
    return layer


@given(typed_graphs(), st.data())
def test_a_layer_computes_the_same_for_those_who_are_needed_alone(graph: TypedGraph, data: st.DataObject) -> None:
    needed = torch.tensor(
        data.draw(st.lists(st.integers(0, graph.num_nodes - 1), min_size=1, unique=True), label="needed")
    )
    layer, x = mean_layer(graph).double(), normal(graph.num_nodes, WIDTH, seed=1).double()
    plan = graph.plan(needed=needed)
    inputs = x if plan.inputs.places is None else x[plan.inputs.places]
    some = layer(inputs, plan.layers[0])[plan.output_of(needed)]
    torch.testing.assert_close(some, layer(x, graph.plan().layers[0])[needed])


def test_the_ablation_has_no_parameter_of_attention() -> None:
    assert {name.partition(".")[0] for name in mean_layer(BOTH_SIDES).state_dict()} == {
        "value",
        "message",
        "out",
        "skip",
    }
