"""Embedding all nodes: the encoder's forward pass over the whole graph."""

import pytest
import torch
from torch_geometric.data import HeteroData

from hgt_repurposing.embeddings.inference import embed_all_nodes
from hgt_repurposing.graph.hetero_data import metadata, to_hetero_data
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.message_graph import message_graph
from hgt_repurposing.model.attention_chunked import ChunkedBackend
from hgt_repurposing.model.edge_plan import plan_layers
from hgt_repurposing.model.shape import EncoderShape
from hgt_repurposing.model.trained import HGTModel
from hgt_repurposing.sampling.flat_graph import FlatGraph
from hgt_repurposing.sampling.minibatch import concatenate

SHAPE = EncoderShape(node_inputs="table", embedding_dim=24, hidden_dim=16, num_heads=2)


@pytest.fixture
def toy(toy_graph: KnowledgeGraph) -> HeteroData:
    return to_hetero_data(message_graph(toy_graph))


def model_of(data: HeteroData) -> HGTModel:
    return HGTModel.build(metadata(data), SHAPE, generator=torch.Generator().manual_seed(0))


def test_it_is_the_forward_pass_over_all_edges_in_whatever_order(toy: HeteroData, toy_graph: KnowledgeGraph) -> None:
    model, graph = model_of(toy), FlatGraph.from_hetero_data(toy)
    edges = concatenate(range(graph.num_relations), graph.sources, graph.targets)
    order = torch.randperm(edges.source.numel(), generator=torch.Generator().manual_seed(0))
    plan = plan_layers(
        *(part[order] for part in edges),
        type_ptr=graph.type_ptr,
        num_relations=graph.num_relations,
        num_layers=SHAPE.num_layers,
    )
    with torch.inference_mode():
        whole = model.encoder(torch.arange(graph.num_nodes), plan, {}, backend=ChunkedBackend(3))
    embedded = torch.from_numpy(embed_all_nodes(model, toy, toy_graph.nodes).vectors)
    torch.testing.assert_close(embedded, whole, rtol=1e-4, atol=1e-5)  # sums in another order, float32


def test_every_node_gets_a_row_also_one_without_edges(toy: HeteroData, toy_graph: KnowledgeGraph) -> None:
    embeddings = embed_all_nodes(model_of(toy), toy, toy_graph.nodes)
    assert embeddings.nodes["node_name"].tolist() == toy_graph.nodes["node_name"].tolist()
    assert embeddings.vectors.shape == (10, 24)


def test_a_model_of_another_graph_is_refused(
    toy: HeteroData, demo_graph: KnowledgeGraph, toy_graph: KnowledgeGraph
) -> None:
    demo = to_hetero_data(message_graph(demo_graph))
    with pytest.raises(ValueError, match=r"the model was trained on another graph$"):
        embed_all_nodes(model_of(toy), demo, toy_graph.nodes)
