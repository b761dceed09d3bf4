"""The layer is PyG's HGTConv in another form: same weights in, same numbers and gradients out."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch_geometric.nn import HGTConv

from hgt_repurposing.model.attention import plan_edges
from hgt_repurposing.model.hgt import HGTEncoder, HGTLayer
from hgt_repurposing.model.shape import EncoderShape

TYPES = ("a", "b")
RELATIONS = (("a", "r", "a"), ("a", "s", "b"), ("b", "rev_s", "a"), ("b", "none", "b"))
WIDTH, HEADS = 8, 2


def random_case(seed: int, counts: tuple[int, int], num_edges: int) -> tuple[Tensor, list[Tensor]]:
    """Node inputs, and an edge index per relation in indices of its types; relation `none` has no edge."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(sum(counts), WIDTH, generator=generator)
    size = dict(zip(TYPES, counts, strict=True))
    edges = []
    for source, name, target in RELATIONS:
        total = 0 if name == "none" else num_edges
        ends = [torch.randint(size[t], (total,), generator=generator) for t in (source, target)]
        edges.append(torch.stack(ends))
    return x, edges


def stock_layer(layer: HGTLayer) -> HGTConv:
    """PyG's layer with the weights of ours."""
    conv = HGTConv(WIDTH, WIDTH, (list(TYPES), list(RELATIONS)), heads=HEADS)
    with torch.no_grad():
        for number, name in enumerate(TYPES):
            query, key, value = layer.project.weight[number].chunk(3, dim=1)
            q_bias, k_bias, v_bias = layer.project.bias[number].chunk(3)
            conv.kqv_lin.lins[name].weight.copy_(torch.cat([key, query, value], dim=1).T)
            conv.kqv_lin.lins[name].bias.copy_(torch.cat([k_bias, q_bias, v_bias]))
            conv.out_lin.lins[name].weight.copy_(layer.out.weight[number].T)
            conv.out_lin.lins[name].bias.copy_(layer.out.bias[number])
            conv.skip[name].copy_(layer.skip[number : number + 1])
        # PyG numbers its matrices head by head, relation within head.
        conv.k_rel.weight.copy_(layer.attention.transpose(0, 1).flatten(0, 1))
        conv.v_rel.weight.copy_(layer.message.transpose(0, 1).flatten(0, 1))
        for number, relation in enumerate(RELATIONS):
            conv.p_rel["__".join(relation)].copy_(layer.prior[number : number + 1])
    return conv


def both_outputs(seed: int, counts: tuple[int, int], num_edges: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Ours and PyG's outputs, and the gradients of a weighted sum of them by the inputs."""
    generator = torch.Generator().manual_seed(seed)
    layer = HGTLayer(len(TYPES), len(RELATIONS), width=WIDTH, num_heads=HEADS, generator=generator)
    with torch.no_grad():
        for parameter in (layer.prior, layer.skip, layer.project.bias, layer.out.bias):
            parameter.copy_(torch.randn(parameter.shape, generator=generator))
    conv = stock_layer(layer)
    x, edges = random_case(seed, counts, num_edges)
    first = dict(zip(TYPES, (0, counts[0]), strict=True))
    source = torch.cat([index[0] + first[r[0]] for index, r in zip(edges, RELATIONS, strict=True)])
    target = torch.cat([index[1] + first[r[2]] for index, r in zip(edges, RELATIONS, strict=True)])
    relation = torch.cat([torch.full((index.shape[1],), i) for i, index in enumerate(edges)])
    plan = plan_edges(source, target, relation, num_relations=len(RELATIONS), num_targets=len(x))
    ours_in, stock_in = x.clone().requires_grad_(), x.clone().requires_grad_()
    ours = layer(ours_in, (0, counts[0], sum(counts)), plan)
    inputs = dict(zip(TYPES, stock_in.split(list(counts)), strict=True))
    outputs = conv(inputs, dict(zip(RELATIONS, edges, strict=True)))
    stock = torch.cat([outputs[name] for name in TYPES])
    weight = torch.randn(ours.shape, generator=generator)
    (ours * weight).sum().backward()
    (stock * weight).sum().backward()
    assert ours_in.grad is not None
    assert stock_in.grad is not None
    return ours, stock, ours_in.grad, stock_in.grad


@given(st.integers(0, 2**31), st.tuples(st.integers(1, 6), st.integers(1, 6)), st.integers(0, 12))
def test_layer_equals_hgtconv_in_output_and_gradient(seed: int, counts: tuple[int, int], num_edges: int) -> None:
    ours, stock, our_gradient, stock_gradient = both_outputs(seed, counts, num_edges)
    # float32: sums of at most 12 terms in another order
    torch.testing.assert_close(ours, stock, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(our_gradient, stock_gradient, rtol=1e-4, atol=1e-5)


@given(st.integers(0, 2**31))
def test_order_of_the_edges_does_not_matter(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    layer = HGTLayer(1, 2, width=WIDTH, num_heads=HEADS, generator=generator)
    source, target = torch.randint(5, (2, 14), generator=generator)
    relation = torch.randint(2, (14,), generator=generator)
    x = torch.randn(5, WIDTH, generator=generator)
    order = torch.randperm(14, generator=generator)
    plans = [
        plan_edges(source[o], target[o], relation[o], num_relations=2, num_targets=5) for o in (torch.arange(14), order)
    ]
    torch.testing.assert_close(layer(x, (0, 5), plans[0]), layer(x, (0, 5), plans[1]))


def test_an_isolated_node_keeps_an_embedding_of_its_own() -> None:
    generator = torch.Generator().manual_seed(0)
    shape = EncoderShape(embedding_dim=4, hidden_dim=8, num_heads=2)
    encoder = HGTEncoder([3], 1, shape, node_inputs="learned", feature_widths={}, generator=generator)
    nothing = torch.empty(0, dtype=torch.int64)
    plan = plan_edges(nothing, nothing, nothing, num_relations=1, num_targets=3)
    embedded = encoder(torch.arange(3), (0, 3), plan, {})
    assert not torch.allclose(embedded[0], embedded[1])


def test_identical_inputs_give_isolated_nodes_one_embedding() -> None:
    generator = torch.Generator().manual_seed(0)
    shape = EncoderShape(embedding_dim=4, hidden_dim=8, num_heads=2)
    encoder = HGTEncoder([3], 1, shape, node_inputs="identical", feature_widths={}, generator=generator)
    nothing = torch.empty(0, dtype=torch.int64)
    plan = plan_edges(nothing, nothing, nothing, num_relations=1, num_targets=3)
    embedded = encoder(torch.arange(3), (0, 3), plan, {})
    assert torch.equal(embedded[0], embedded[1])


def test_given_features_reach_the_embedding() -> None:
    generator = torch.Generator().manual_seed(0)
    shape = EncoderShape(embedding_dim=4, hidden_dim=8, num_heads=2)
    encoder = HGTEncoder([2, 2], 1, shape, node_inputs="learned", feature_widths={1: 3}, generator=generator)
    nothing = torch.empty(0, dtype=torch.int64)
    plan = plan_edges(nothing, nothing, nothing, num_relations=1, num_targets=4)
    without, given_ones = (encoder(torch.arange(4), (0, 2, 4), plan, {1: value * torch.ones(2, 3)}) for value in (0, 1))
    assert torch.equal(without[:2], given_ones[:2])
    assert not torch.allclose(without[2:], given_ones[2:])


def test_heads_must_divide_the_width() -> None:
    with pytest.raises(ValueError, match=r"hidden_dim must be divisible by num_heads \(got 100 and 8\)"):
        EncoderShape(hidden_dim=100, num_heads=8)
