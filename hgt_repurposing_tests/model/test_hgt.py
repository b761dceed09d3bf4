"""The layer is PyG's HGTConv in another form: same weights in, same numbers and gradients out."""

from copy import deepcopy

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch_geometric.nn import HGTConv

from hgt_repurposing.model.hgt import HGTLayer
from hgt_repurposing_tests.model.layers import (
    BACKENDS,
    Computed,
    compute,
    fill_vectors,
    largest_error,
    normal,
    random_layer,
)
from hgt_repurposing_tests.model.typed_graphs import TypedGraph, random_graph, typed_graph, typed_graphs

PARITY = 1e-5
"""Largest difference from HGTConv, relative to the largest number of the tensor; float32 rounds at 6e-8."""
VANISHING = {torch.float32: 0.1, torch.float64: 1e-9}
"""See `largest_error`. In float32 such a tensor may be 1e-6 of the largest number off, which is rounding in a few
steps; float64 holds even tensors that all but vanish to the limit."""
WIDTHS = st.tuples(st.integers(1, 4), st.integers(1, 5)).flatmap(
    lambda heads: st.tuples(
        st.just(heads[0] * heads[1]) | st.integers(1, 9), st.just(heads[0] * heads[1]), st.just(heads[0])
    )
)
"""Widths in and out, which are often the same, and heads."""
EXTREMES = {
    "no edges at all": typed_graph((3, 2), {(0, 1): [], (1, 0): []}),
    "one node with a loop": typed_graph((1,), {(0, 0): [(0, 0)]}),
    "parallel edges": typed_graph((2, 1), {(0, 1): [(0, 0), (0, 0), (1, 0), (0, 0)]}),
    "a hub in two relations": typed_graph((9, 1), {(0, 1): [(i, 0) for i in range(9)], (1, 1): [(0, 0)]}),
    "a node without in-edges": typed_graph((2, 2), {(0, 1): [(0, 0), (1, 0)], (1, 0): [(1, 0)]}),
    "a type without nodes": typed_graph((2, 0, 1), {(0, 2): [(1, 0)], (1, 2): [], (2, 0): [(0, 1)]}),
}


def names(graph: TypedGraph) -> tuple[list[str], list[tuple[str, str, str]]]:
    """Node types and relations under names whose alphabetical order is not that of their numbers."""
    types = [f"type{-number}" for number in range(len(graph.type_counts))]
    return types, [(types[s], f"relation{-number}", types[t]) for number, (s, t) in enumerate(graph.ends)]


def known_to_pyg(graph: TypedGraph) -> Tensor:
    """Nodes of types that some relation ends at: to others HGTConv gives no output. Shape [num_nodes], bool."""
    reached = torch.tensor([kind in {target for _, target in graph.ends} for kind in range(len(graph.type_counts))])
    return reached.repeat_interleave(torch.tensor(graph.type_counts))


def compute_by_pyg(layer: HGTLayer, graph: TypedGraph, x: Tensor, weight: Tensor) -> Computed:
    """The same from a float64 `HGTConv` with the layer's weights, under the layer's names."""
    types, relations = names(graph)
    conv = layer.to_pyg(types, relations).double()
    x = x.double().requires_grad_()
    inputs = dict(zip(types, x.split(graph.type_counts), strict=True))
    found = conv(inputs, dict(zip(relations, graph.edges, strict=True)))  # in the order of the metadata: it matters
    output = torch.cat([found[name] for name in types if name in found])
    (output * weight[known_to_pyg(graph)]).sum().backward()
    gradients = HGTLayer.from_pyg(gradients_as_weights(conv))
    assert x.grad is not None
    return {"output": output.detach(), "input": x.grad} | {
        n: p.detach().double() for n, p in gradients.named_parameters()
    }


def gradients_as_weights(conv: HGTConv) -> HGTConv:
    """A layer whose weights are the gradients of this one."""
    gradients = deepcopy(conv)
    with torch.no_grad():
        for parameter, original in zip(gradients.parameters(), conv.parameters(), strict=True):
            parameter.copy_(torch.zeros_like(original) if original.grad is None else original.grad)
    return gradients


def error_against_pyg(
    graph: TypedGraph,
    widths: tuple[int, int, int],
    backend: str,
    *,
    seed: int,
    dtype: torch.dtype = torch.float32,
    vanishing: float = 0.0,
) -> float:
    width_in, width_out, num_heads = widths
    layer = random_layer(graph, width_in=width_in, width_out=width_out, num_heads=num_heads, seed=seed)
    x, weight = normal(graph.num_nodes, width_in, seed=seed + 1), normal(graph.num_nodes, width_out, seed=seed + 2)
    known = known_to_pyg(graph)
    weight[~known] = 0
    exact = compute_by_pyg(layer, graph, x, weight)
    ours = compute(layer.to(dtype), x.to(dtype), graph.plan().layers[0], weight.to(dtype), BACKENDS[backend])
    ours["output"] = ours["output"][known]
    return largest_error(ours, exact, vanishing=vanishing)


# parity with PyG


@pytest.mark.parametrize("dtype", VANISHING, ids=str)
@pytest.mark.parametrize("backend", ["compiled", "chunks of 3"])
@given(typed_graphs(), WIDTHS, st.integers(0, 2**31))
def test_layer_equals_hgtconv_in_output_and_every_gradient(
    backend: str, dtype: torch.dtype, graph: TypedGraph, widths: tuple[int, int, int], seed: int
) -> None:
    error = error_against_pyg(graph, widths, backend, seed=seed, dtype=dtype, vanishing=VANISHING[dtype])
    assert error <= PARITY


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("widths", [(6, 6, 2), (5, 6, 3)], ids=["with residual", "without"])
@pytest.mark.parametrize("graph", EXTREMES.values(), ids=EXTREMES)
def test_layer_equals_hgtconv_where_graphs_are_extreme(
    graph: TypedGraph, widths: tuple[int, int, int], backend: str
) -> None:
    assert error_against_pyg(graph, widths, backend, seed=0, vanishing=VANISHING[torch.float32]) <= PARITY


@pytest.mark.parametrize("backend", ["compiled", "chunked"])
@pytest.mark.parametrize("widths", [(64, 64, 8), (32, 64, 4)])
def test_layer_equals_hgtconv_at_ordinary_size(widths: tuple[int, int, int], backend: str) -> None:
    ends = ((0, 1), (1, 0), (1, 1), (2, 1), (0, 2))
    graph = random_graph((150, 200, 30), ends, num_edges=1500, seed=0)
    assert error_against_pyg(graph, widths, backend, seed=0) <= PARITY


@given(typed_graphs(), WIDTHS, st.integers(0, 2**31))
def test_layer_survives_the_way_to_pyg_and_back(graph: TypedGraph, widths: tuple[int, int, int], seed: int) -> None:
    width_in, width_out, num_heads = widths
    layer = random_layer(graph, width_in=width_in, width_out=width_out, num_heads=num_heads, seed=seed)
    back = HGTLayer.from_pyg(layer.to_pyg(*names(graph)))
    expected = layer.state_dict()
    assert back.state_dict().keys() == expected.keys()
    assert all(torch.equal(value, expected[name]) for name, value in back.state_dict().items())


@pytest.mark.parametrize(("num_types", "num_relations"), [(1, 1), (2, 2)])
def test_pyg_layer_must_have_as_many_types_and_relations(num_types: int, num_relations: int) -> None:
    layer = random_layer(EXTREMES["parallel edges"], width_in=4, width_out=4, num_heads=2, seed=0)
    types = ["a", "b"][:num_types]
    relations = [("a", "r", "a"), ("a", "s", "a")][:num_relations]
    got = rf"\({num_types}, {num_relations}\)"
    with pytest.raises(ValueError, match=rf"the layer has \(2, 1\) node types and relations \(got {got}\)"):
        layer.to_pyg(types, relations)


# what a layer does


@given(typed_graphs(), st.integers(0, 2**31))
def test_order_of_the_edges_does_not_matter(graph: TypedGraph, seed: int) -> None:
    order = torch.randperm(graph.flat_edges().shape[1], generator=torch.Generator().manual_seed(seed))
    layer = random_layer(graph, width_in=6, width_out=6, num_heads=2, seed=0)
    x, weight = (normal(graph.num_nodes, 6, seed=seed) for seed in (1, 2))
    first, shuffled = (compute(layer, x, graph.plan(order=o).layers[0], weight) for o in (None, order))
    # float32: the edges of a target are summed in another order
    exact = {name: value.double() for name, value in first.items()}
    assert largest_error(shuffled, exact, vanishing=VANISHING[torch.float32]) <= PARITY


def test_dropout_sets_a_share_to_zero_and_keeps_the_expectation() -> None:
    graph = random_graph((100, 100), ((0, 1), (1, 0)), num_edges=300, seed=0)
    layer = HGTLayer(
        2, 2, width_in=16, width_out=32, num_heads=4, generator=torch.Generator().manual_seed(0), dropout=0.25
    )
    fill_vectors(layer, seed=0)  # or nodes without in-edges give zeros
    x, plan = normal(200, 16, seed=1), graph.plan().layers[0]
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(0)
        whole, dropped = layer.eval()(x, plan), layer.train()(x, plan)
    kept = dropped != 0
    torch.testing.assert_close(dropped[kept], whole[kept] / 0.75)
    assert abs(kept.double().mean() - 0.75) < 0.03  # 6400 draws: more than five standard deviations


def test_dropout_is_off_in_evaluation() -> None:
    graph = EXTREMES["a node without in-edges"]
    dropping, plain = (
        HGTLayer(2, 2, width_in=4, width_out=4, num_heads=2, generator=torch.Generator().manual_seed(0), dropout=share)
        for share in (0.9, 0.0)
    )
    x, plan = normal(4, 4, seed=1), graph.plan().layers[0]
    assert torch.equal(dropping.eval()(x, plan), plain(x, plan))


def test_bfloat16_rounds_products_and_nothing_else() -> None:
    graph = random_graph((60, 80), ((0, 1), (1, 0)), num_edges=400, seed=0)
    computed = []
    for precision in ("float32", "bfloat16"):
        layer = HGTLayer(
            2,
            2,
            width_in=64,
            width_out=64,
            num_heads=4,
            generator=torch.Generator().manual_seed(0),
            precision=precision,
        )
        computed.append(compute(layer, normal(140, 64, seed=1), graph.plan().layers[0], normal(140, 64, seed=2)))
    exact, rounded = computed
    assert {value.dtype for value in rounded.values()} == {torch.float32}
    # Factors of 8 bits are 0.4 % off at most, by chance up or down; a gradient goes through four products.
    assert 1e-4 < largest_error(rounded, {name: value.double() for name, value in exact.items()}) < 0.03
