"""Plans hold the edges they were made from, and leave out what cannot reach an output."""

from collections import Counter
from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from hgt_repurposing.model.edge_plan import EncoderPlan, LayerPlan, Nodes, RelationEdges, plan_layers
from hgt_repurposing.model.encoder import GraphEncoder
from hgt_repurposing.model.shape import EncoderShape
from hgt_repurposing_tests.model.layers import Computed, fill_vectors, largest_error, normal
from hgt_repurposing_tests.model.typed_graphs import TypedGraph, random_graph, typed_graph, typed_graphs

PATH = typed_graph((20,), {(0, 0): [(node, node + 1) for node in range(19)]})
"""0 -> 1 -> ... -> 19."""
NOTHING = torch.empty(0, dtype=torch.int64)


@st.composite
def graphs_with_needed(draw: st.DrawFn) -> tuple[TypedGraph, Tensor]:
    """A graph and some of its nodes, in any order and with repeats."""
    graph = draw(typed_graphs())
    nodes = st.integers(0, graph.num_nodes - 1)
    return graph, torch.tensor(draw(st.lists(nodes, min_size=1, max_size=6), label="needed"))


def places(nodes: Nodes) -> Tensor:
    """Their places among the layer's inputs, also where these are all."""
    return torch.arange(nodes.num_nodes) if nodes.places is None else nodes.places


def edges_by_target(layer: LayerPlan, edges: RelationEdges) -> list[tuple[int, int]]:
    """Source and target of each edge as places among the layer's inputs, in the order of the rows."""
    key = edges.sources if edges.side == "source" else torch.arange(layer.senders.num_nodes)
    sources = key[edges.column.long()]
    targets = edges.targets.repeat_interleave(edges.row_ptr.diff())
    return pairs(places(layer.senders)[sources], places(layer.receivers)[targets])


def edges_by_source(layer: LayerPlan, edges: RelationEdges) -> list[tuple[int, int]]:
    """The same in the order of the columns."""
    sources = edges.sources.repeat_interleave(edges.column_ptr.diff())
    targets = edges.targets[edges.row.long()]
    return pairs(places(layer.senders)[sources], places(layer.receivers)[targets])


def pairs(left: Tensor, right: Tensor) -> list[tuple[int, int]]:
    return list(zip(left.tolist(), right.tolist(), strict=True))


def encoder_of(graph: TypedGraph, num_layers: int) -> GraphEncoder:
    shape = EncoderShape(node_inputs="table", embedding_dim=3, hidden_dim=4, num_heads=2, num_layers=num_layers)
    generator = torch.Generator().manual_seed(0)
    encoder = GraphEncoder(
        graph.type_counts,
        len(graph.ends),
        shape,
        feature_widths={0: 2},
        generator=generator,
    )
    fill_vectors(encoder, seed=0)
    return encoder.double()


def embed(encoder: GraphEncoder, graph: TypedGraph, plan: EncoderPlan, nodes: Tensor) -> Computed:
    """Embeddings of these nodes, and the gradients of their weighted sum by all parameters."""
    features = {0: normal(graph.type_counts[0], 2, seed=1).double()}
    embedded = encoder(torch.arange(graph.num_nodes), plan, features)[plan.output_of(nodes)]
    loss = (embedded * normal(*embedded.shape, seed=2)).sum()
    parameters = dict(encoder.named_parameters())
    gradients = torch.autograd.grad(loss, tuple(parameters.values()), materialize_grads=True)
    return {"output": embedded.detach()} | dict(zip(parameters, gradients, strict=True))


def num_edges(layer: LayerPlan) -> int:
    return sum(edges.column.numel() for edges in layer.relations)


# what a plan holds


@given(typed_graphs(), st.integers(0, 2**31))
def test_a_plan_holds_every_edge_once_by_target_and_once_by_source(graph: TypedGraph, seed: int) -> None:
    source, target, relation = graph.flat_edges()
    order = torch.randperm(len(source), generator=torch.Generator().manual_seed(seed))
    layer = graph.plan(order=order).layers[0]
    assert [edges.relation for edges in layer.relations] == sorted(set(relation.tolist()))
    for edges in layer.relations:
        of_relation = relation == edges.relation
        expected = Counter(pairs(source[of_relation], target[of_relation]))
        by_target, by_source = edges_by_target(layer, edges), edges_by_source(layer, edges)
        assert Counter(by_target) == Counter(by_source) == expected
        assert [by_target[place] for place in edges.edge.tolist()] == by_source


@given(typed_graphs())
def test_rows_and_columns_are_ascending_and_none_is_empty(graph: TypedGraph) -> None:
    for edges in graph.plan().layers[0].relations:
        for nodes, ptr in ((edges.targets, edges.row_ptr), (edges.sources, edges.column_ptr)):
            assert len(ptr) == len(nodes) + 1
            assert all(first < second for first, second in pairwise(nodes.tolist()))
            assert all(first < second for first, second in pairwise(ptr.tolist()))


@given(typed_graphs())
def test_keys_are_read_from_one_table_in_both_orders(graph: TypedGraph) -> None:
    for edges in graph.plan().layers[0].relations:
        by_source = edges.key_row.repeat_interleave(edges.column_ptr.diff())
        assert torch.equal(edges.column[edges.edge.long()], by_source)


def test_the_side_with_fewer_nodes_is_transformed() -> None:
    fan_out, fan_in = [(0, 1), (0, 2), (1, 0)], [(1, 0), (2, 0), (0, 1)]
    graph = typed_graph((3, 3), {(0, 1): fan_out, (1, 0): fan_in})
    assert [edges.side for edges in graph.plan().layers[0].relations] == ["source", "target"]


@given(typed_graphs())
def test_all_that_has_the_size_of_the_edges_is_int32(graph: TypedGraph) -> None:
    for edges in graph.plan().layers[0].relations:
        held = edges._asdict()
        wide = {name for name, part in held.items() if isinstance(part, Tensor) and part.dtype != torch.int32}
        assert wide == {"sources", "targets"}


@given(graphs_with_needed())
def test_a_plan_moves_with_all_its_tensors(case: tuple[TypedGraph, Tensor]) -> None:
    graph, needed = case
    moved = graph.plan(num_layers=2, needed=needed).to(torch.device("meta"))
    assert {tensor.device.type for tensor in tensors(moved)} <= {"meta"}


def tensors(value: object) -> list[Tensor]:
    """Every tensor inside nested tuples."""
    if isinstance(value, Tensor):
        return [value]
    return [tensor for part in value for tensor in tensors(part)] if isinstance(value, tuple) else []


# what a plan leaves out


def test_of_a_path_each_layer_keeps_one_more_edge_than_the_next() -> None:
    plan = PATH.plan(num_layers=3, needed=torch.tensor([9]))
    assert [num_edges(layer) for layer in plan.layers] == [3, 2, 1]
    assert [layer.outputs.num_nodes for layer in plan.layers] == [3, 2, 1]
    assert [layer.senders.num_nodes for layer in plan.layers] == [3, 2, 1]
    assert places(plan.inputs).tolist() == [6, 7, 8, 9]


def test_a_layer_makes_queries_for_receivers_and_keys_for_senders_alone() -> None:
    graph = typed_graph((20, 20), {(0, 1): [(0, 0), (1, 0)]})
    (layer,) = graph.plan(needed=torch.arange(20, 30)).layers
    assert layer.senders.num_nodes == 2
    assert layer.receivers.num_nodes == 1
    assert layer.outputs.num_nodes == 10
    assert layer.receiver_outputs is not None
    assert layer.receiver_outputs.tolist() == [0]


def test_no_edge_stays_where_none_arrives_at_a_needed_node() -> None:
    plan = PATH.plan(num_layers=2, needed=torch.tensor([0]))
    assert [layer.relations for layer in plan.layers] == [(), ()]


def test_nothing_is_left_out_when_all_nodes_are_wanted() -> None:
    plan = PATH.plan(num_layers=2)
    for layer in plan.layers:
        assert num_edges(layer) == 19
        assert [nodes.num_nodes for nodes in layer[:3]] == [20, 20, 20]


@pytest.mark.parametrize("needed", [None, NOTHING], ids=["all nodes", "no node"])
@pytest.mark.parametrize("type_counts", [(0,), (3, 2)])
def test_an_empty_graph_has_a_plan(type_counts: tuple[int, ...], needed: Tensor | None) -> None:
    graph = typed_graph(type_counts, {(0, 0): []})
    plan = graph.plan(num_layers=2, needed=needed)
    encoder = encoder_of(graph, 2)
    embedded = encoder(torch.arange(graph.num_nodes), plan, {0: torch.ones(type_counts[0], 2, dtype=torch.float64)})
    embedded.sum().backward()
    assert embedded.shape == (graph.num_nodes if needed is None else 0, 3)


# numbers stay exact


@given(graphs_with_needed(), st.integers(1, 3))
def test_pruning_changes_no_needed_output_and_no_gradient(case: tuple[TypedGraph, Tensor], num_layers: int) -> None:
    graph, needed = case
    encoder = encoder_of(graph, num_layers)
    whole, pruned = (
        embed(encoder, graph, graph.plan(num_layers=num_layers, needed=wanted), needed) for wanted in (None, needed)
    )
    # float64: matrices with other rows beside them are multiplied in another order
    assert largest_error(pruned, whole, vanishing=1e-3) < 1e-10


def test_pruning_a_larger_graph_leaves_work_out_and_changes_nothing() -> None:
    graph = random_graph((200, 300, 50), ((0, 1), (1, 2), (2, 0), (1, 1)), num_edges=150, seed=0)
    needed = torch.tensor([7, 220, 520, 7])
    encoder = encoder_of(graph, 2)
    plans = [graph.plan(num_layers=2, needed=wanted) for wanted in (None, needed)]
    assert sum(map(num_edges, plans[1].layers)) < 0.7 * sum(map(num_edges, plans[0].layers))
    assert plans[1].inputs.num_nodes < 0.5 * graph.num_nodes
    whole, pruned = (embed(encoder, graph, plan, needed) for plan in plans)
    assert largest_error(pruned, whole) < 1e-10


def test_rows_of_the_output_are_found_by_node() -> None:
    plan = PATH.plan(needed=torch.tensor([7, 3, 7, 5]))
    assert plan.output_of(torch.tensor([[3, 5], [7, 3]])).tolist() == [[0, 1], [2, 0]]
    assert PATH.plan().output_of(torch.tensor([4, 2])).tolist() == [4, 2]


def test_edges_and_needed_nodes_are_not_changed() -> None:
    edges, needed = PATH.flat_edges().flip(1), torch.tensor([5, 2])
    given_ones = edges.clone(), needed.clone()
    plan_layers(*edges, type_ptr=(0, 20), num_relations=1, num_layers=2, needed=needed)
    assert torch.equal(edges, given_ones[0])
    assert torch.equal(needed, given_ones[1])
