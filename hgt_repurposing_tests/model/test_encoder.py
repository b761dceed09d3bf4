"""From inputs to embeddings: what a node starts from, and what the layers make of it."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from hgt_repurposing.model.edge_plan import EncoderPlan
from hgt_repurposing.model.encoder import GraphEncoder
from hgt_repurposing.model.message_layer import TypedLayerNorm
from hgt_repurposing.model.shape import EncoderName, EncoderShape
from hgt_repurposing_tests.model.layers import fill_vectors, normal
from hgt_repurposing_tests.model.typed_graphs import typed_graph


def isolated(*type_counts: int, needed: Tensor | None = None) -> EncoderPlan:
    return typed_graph(type_counts, {(0, 0): []}).plan(num_layers=2, needed=needed)


def encoder(
    *type_counts: int, feature_widths: dict[int, int] | None = None, fingerprints: Tensor | None = None, **shape: object
) -> GraphEncoder:
    small = {"node_inputs": "table", "embedding_dim": 4, "hidden_dim": 8, "num_heads": 2}
    return GraphEncoder(
        type_counts,
        1,
        EncoderShape.model_validate(small | shape),
        feature_widths=feature_widths or {},
        generator=torch.Generator().manual_seed(0),
        fingerprints=fingerprints,
    )


def test_an_isolated_node_keeps_an_embedding_of_its_own() -> None:
    embedded = encoder(3)(torch.arange(3), isolated(3), {})
    assert not torch.allclose(embedded[0], embedded[1])


def test_identical_inputs_give_isolated_nodes_one_embedding() -> None:
    embedded = encoder(3, node_inputs="identical")(torch.arange(3), isolated(3), {})
    assert torch.equal(embedded[0], embedded[1])


def test_a_node_is_known_by_its_global_id() -> None:
    model = encoder(5)
    whole = model(torch.arange(5), isolated(5), {})
    assert torch.equal(model(torch.tensor([3, 1]), isolated(2), {}), whole[[3, 1]])


def test_given_features_reach_the_embedding_of_their_type_alone() -> None:
    model = encoder(2, 2, feature_widths={1: 3})
    without, with_some = (model(torch.arange(4), isolated(2, 2), {1: value * torch.ones(2, 3)}) for value in (0, 1))
    assert torch.equal(without[:2], with_some[:2])
    assert not torch.isclose(without[2:], with_some[2:]).any()


@pytest.mark.parametrize("needed", [[0, 3], [4], [1, 2, 4]])
def test_given_features_reach_their_own_nodes_with_a_pruned_plan(needed: list[int]) -> None:
    model = encoder(2, 3, feature_widths={0: 2, 1: 3})
    features = {0: normal(2, 2, seed=1), 1: normal(3, 3, seed=2)}
    whole = model(torch.arange(5), isolated(2, 3), features)
    plan = isolated(2, 3, needed=torch.tensor(needed))
    some = model(torch.arange(5), plan, features)
    torch.testing.assert_close(some[plan.output_of(torch.tensor(needed))], whole[needed])


def test_heads_must_divide_the_width() -> None:
    with pytest.raises(ValueError, match=r"hidden_dim must be divisible by num_heads \(got 100 and 8\)"):
        EncoderShape(hidden_dim=100, num_heads=8)


def test_fingerprints_are_inputs_through_a_map_of_their_type_and_are_not_trained() -> None:
    given = normal(5, 6, seed=1)
    model = encoder(2, 3, node_inputs="fastrp", encoder="none", fingerprints=given)
    embedded = model(torch.tensor([1, 4]), typed_graph((1, 1), {(0, 0): []}).plan(num_layers=0), {})
    inner = [given[node] @ model.from_fingerprint.weight[kind] for kind, node in enumerate((1, 4))]
    expected = torch.stack([row @ model.out.weight[kind] for kind, row in enumerate(inner)])
    torch.testing.assert_close(embedded, expected)
    assert "fingerprints" in model.state_dict()
    assert "fingerprints" not in dict(model.named_parameters())


@pytest.mark.parametrize(("inputs", "given"), [("table", "some"), ("fastrp", "none")])
def test_fingerprints_are_given_where_they_are_the_inputs_and_nowhere_else(inputs: str, given: str) -> None:
    fingerprints = normal(3, 6, seed=0) if given == "some" else None
    message = rf"fingerprints are required for node_inputs 'fastrp' only \(got {given} for '{inputs}'\)"
    with pytest.raises(ValueError, match=message):
        encoder(3, node_inputs=inputs, fingerprints=fingerprints)


PATH = typed_graph((3,), {(0, 0): [(0, 1), (1, 2)]})


@pytest.mark.parametrize(("name", "depth"), [("hgt", 2), ("mean", 2), ("none", 0)])
def test_a_node_hears_from_as_far_as_there_are_layers(name: EncoderName, depth: int) -> None:
    model = encoder(3, encoder=name)
    plan = PATH.plan(num_layers=depth)
    by_table = torch.autograd.grad(model(torch.arange(3), plan, {})[2, 0], model.input)[0]
    assert by_table.any(dim=1).tolist() == [depth >= 2, depth >= 1, True]


def test_layer_norm_has_a_scale_and_a_shift_per_type() -> None:
    norm = TypedLayerNorm(3, 5)
    fill_vectors(norm, seed=0)
    x = normal(7, 5, seed=1)
    blocks = {0: slice(0, 4), 2: slice(4, 7)}
    expected = [
        functional.layer_norm(x[rows], (5,), norm.weight[kind], norm.bias[kind]) for kind, rows in blocks.items()
    ]
    assert torch.equal(norm(x, (0, 4, 4, 7)), torch.cat(expected))
