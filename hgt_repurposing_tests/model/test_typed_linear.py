"""One affine map per node type."""

import pytest
import torch
from torch import Tensor
from torch.func import functional_call
from torch.nn import functional

from hgt_repurposing.model.edge_plan import Nodes
from hgt_repurposing.model.shape import MatmulPrecision
from hgt_repurposing.model.typed_linear import TypedLinear, glorot, per_node
from hgt_repurposing_tests.model.layers import fill_vectors, normal

NUM_TYPES, WIDTH_IN, WIDTH_OUT = 3, 4, 5
TYPE_PTR = (0, 3, 3, 7)
"""Three nodes of the first type, none of the second, four of the third."""
CHOSEN = {
    "all nodes": Nodes(None, TYPE_PTR),
    "some nodes": Nodes(torch.tensor([0, 2, 5]), (0, 2, 2, 3)),
    "no node": Nodes(torch.empty(0, dtype=torch.int64), (0, 0, 0, 0)),
}


def random_linear(precision: MatmulPrecision = "float32") -> TypedLinear:
    linear = TypedLinear(
        NUM_TYPES, WIDTH_IN, WIDTH_OUT, generator=torch.Generator().manual_seed(0), precision=precision
    )
    fill_vectors(linear, seed=0)
    return linear


def type_by_type(linear: TypedLinear, x: Tensor, nodes: Nodes) -> Tensor:
    rows = x if nodes.places is None else x[nodes.places]
    kinds = torch.arange(NUM_TYPES).repeat_interleave(torch.tensor(nodes.type_ptr).diff())
    mapped = [functional.linear(row, linear.weight[k].T, linear.bias[k]) for row, k in zip(rows, kinds, strict=True)]
    return torch.stack(mapped) if mapped else x.new_empty(0, WIDTH_OUT)


@pytest.mark.parametrize("nodes", CHOSEN.values(), ids=CHOSEN)
def test_each_row_is_mapped_by_the_weights_of_its_type(nodes: Nodes) -> None:
    linear, x = random_linear(), normal(7, WIDTH_IN, seed=1)
    torch.testing.assert_close(linear(x, nodes), type_by_type(linear, x, nodes))


@pytest.mark.parametrize("nodes", CHOSEN.values(), ids=CHOSEN)
def test_gradient_is_that_of_finite_differences(nodes: Nodes) -> None:
    linear = random_linear().double()
    names, parameters = zip(*linear.named_parameters(), strict=True)

    def apply(x: Tensor, *values: Tensor) -> Tensor:
        result: Tensor = functional_call(linear, dict(zip(names, values, strict=True)), (x, nodes))
        return result

    assert torch.autograd.gradcheck(apply, (normal(7, WIDTH_IN, seed=1).double().requires_grad_(), *parameters))


@pytest.mark.parametrize("nodes", CHOSEN.values(), ids=CHOSEN)
def test_weights_learn_where_the_input_does_not(nodes: Nodes) -> None:
    frozen, learning = (random_linear() for _ in range(2))
    x = normal(7, WIDTH_IN, seed=1)
    frozen(x, nodes).square().sum().backward()
    learning(x.clone().requires_grad_(), nodes).square().sum().backward()
    for one, other in zip(frozen.parameters(), learning.parameters(), strict=True):
        assert one.grad is not None
        assert other.grad is not None
        assert torch.equal(one.grad, other.grad)


@pytest.mark.parametrize("nodes", CHOSEN.values(), ids=CHOSEN)
def test_bfloat16_is_near_and_gives_float32(nodes: Nodes) -> None:
    exact, rounded = random_linear(), random_linear("bfloat16")
    x = normal(7, WIDTH_IN, seed=1)
    result = rounded(x, nodes)
    # Two factors with 8 bits each; a sum of four such products of numbers of about 1.
    torch.testing.assert_close(result, exact(x, nodes), rtol=0.02, atol=0.02)
    result.sum().backward()
    assert {p.grad.dtype for p in rounded.parameters() if p.grad is not None} == {torch.float32}


def test_one_row_per_type_is_spread_over_the_nodes() -> None:
    per_type = torch.tensor([[1.0], [2.0], [3.0]])
    assert per_node(per_type, TYPE_PTR).flatten().tolist() == [1, 1, 1, 3, 3, 3, 3]


def test_first_weights_lie_evenly_within_the_bound_of_glorot() -> None:
    weight = glorot(10, 40, 60, generator=torch.Generator().manual_seed(0)).detach()
    bound = (6 / 100) ** 0.5
    assert 0.99 * bound < weight.abs().max() <= bound
    assert abs(weight.std() / (bound / 3**0.5) - 1) < 0.02
