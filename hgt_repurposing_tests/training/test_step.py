"""One step: similar diseases beside links, and batches of few shapes that leave the loss as it is."""

import logging

import numpy as np
import pandas as pd
import pytest
import torch
from bench_fixed_shapes import Signatures
from torch_geometric.data import HeteroData

from hgt_repurposing.embeddings.inference import embed_all_nodes
from hgt_repurposing.graph.hetero_data import to_hetero_data
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph, build_knowledge_graph
from hgt_repurposing.graph.message_graph import message_graph
from hgt_repurposing.graph.schema import EDGE_COLUMNS, NODE_COLUMNS, TherapeuticRelations
from hgt_repurposing.model.attention_chunked import ChunkedBackend
from hgt_repurposing.model.trained import HGTModel
from hgt_repurposing.training import step
from hgt_repurposing.training.loop import fit
from hgt_repurposing.training.params import EmbeddingParams
from hgt_repurposing.training.step import Batches, losses
from hgt_repurposing_tests.graph.small_graphs import BACK, Back, reversed_by_its_owner
from hgt_repurposing_tests.training.runs import SMALL, STRATEGIES, assert_same_run, same_weights, small

LOGGER = "hgt_repurposing.training.step"


# similar diseases


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_contrastive_loss_moves_the_weights_and_repeats(data: HeteroData, strategy: str) -> None:
    params = small(STRATEGIES[strategy], contrastive_weight=0.5, num_epochs=2)
    first, second = fit(data, params), fit(data, params)
    assert_same_run(first, second)
    assert not same_weights(first, fit(data, small(STRATEGIES[strategy], num_epochs=2)))


def test_without_weight_not_even_the_table_is_made(data: HeteroData, monkeypatch: pytest.MonkeyPatch) -> None:
    def unwanted(*_: object, **__: object) -> None:
        raise AssertionError("the table of similar diseases was made")

    before = fit(data, SMALL)
    monkeypatch.setattr(step, "similar_diseases", unwanted)
    monkeypatch.setattr(step, "contrastive_loss", unwanted)
    assert_same_run(fit(data, small(contrastive_weight=0, similarity_threshold=0.5)), before)


GROUPS, SIZE = 4, 5
"""Of the planted graph: so many groups of so many diseases, each group with genes of its own."""


def planted_groups() -> KnowledgeGraph:
    """Diseases of a group share all six genes of the group; phenotypes, which do not count, join all diseases."""
    sizes = {"drug": 6, "disease": GROUPS * SIZE, "gene": 6 * GROUPS, "phenotype": 10}
    nodes = [(kind, f"{kind}{i:02}", f"{kind} {i}") for kind, size in sizes.items() for i in range(size)]
    genes = [(i, 6 * (i // SIZE) + j) for i in range(GROUPS * SIZE) for j in range(6)]
    signs = [(i, (i + j) % 10) for i in range(GROUPS * SIZE) for j in range(3)]
    edges = [("disease", f"disease{i:02}", "disease_gene", "gene", f"gene{j:02}") for i, j in genes]
    edges += [("disease", f"disease{i:02}", "disease_phenotype", "phenotype", f"phenotype{j:02}") for i, j in signs]
    edges += [("drug", f"drug{i:02}", "drug_gene", "gene", f"gene{3 * i:02}") for i in range(6)]
    edges += [("drug", "drug00", "indication", "disease", "disease00")]
    return build_knowledge_graph(
        pd.DataFrame(nodes, columns=list(NODE_COLUMNS)),
        pd.DataFrame(edges, columns=list(EDGE_COLUMNS)),
        therapeutic=TherapeuticRelations(),
    )


def lead_of_own_group(weight: float) -> float:
    """Mean cosine of diseases of one group less that of diseases of two, after training on the planted graph."""
    graph = planted_groups()
    data = to_hetero_data(message_graph(graph))
    model = fit(data, small(contrastive_weight=weight)).model
    table = embed_all_nodes(model, data, graph.nodes)
    vectors = table.vectors[(table.nodes["node_type"] == "disease").to_numpy()]
    vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    group = np.arange(GROUPS * SIZE) // SIZE
    cosine, same = vectors @ vectors.T, group[:, None] == group
    return float(cosine[same & ~np.eye(len(same), dtype=bool)].mean() - cosine[~same].mean())


def test_similar_diseases_end_closer_to_each_other_than_others() -> None:
    """Early in training; later, links alone bring them together, too."""
    assert lead_of_own_group(1.0) > lead_of_own_group(0.0) + 0.15


def test_a_graph_without_similar_diseases_is_said_once_and_trained_on_links_alone(
    toy_graph: KnowledgeGraph, caplog: pytest.LogCaptureFixture
) -> None:
    toy = to_hetero_data(message_graph(toy_graph))
    with caplog.at_level(logging.WARNING, LOGGER):
        result = fit(toy, small(contrastive_weight=1))
    assert [record.getMessage() for record in caplog.records] == [
        "no two diseases have a Jaccard index of genes and pathways of 0.1 or more: contrastive loss is off"
    ]
    assert same_weights(result, fit(toy, SMALL))


def test_the_contrastive_loss_is_added_with_its_weight(data: HeteroData) -> None:
    def loss(weight: float) -> float:
        batches = Batches.of_graph(data, small(contrastive_weight=weight))
        return losses(fresh(batches), batches.prepare(0), batches.params, backend=ChunkedBackend())[0].item()

    alone, once, twice = loss(0.0), loss(1.0), loss(2.0)
    assert once > alone + 0.1
    assert twice - once == pytest.approx(once - alone, rel=1e-4)  # float32


# a relation of the owner's that is called as a reverse


@pytest.mark.parametrize("back", BACK)
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_graph_with_a_relation_called_as_a_reverse_is_trained_on(strategy: str, back: Back) -> None:
    graph = to_hetero_data(message_graph(reversed_by_its_owner(back)))
    result = fit(graph, small(STRATEGIES[strategy], num_epochs=1))
    assert len(result.model.metadata.relations) == 6
    assert np.isfinite(result.history["loss"]).all()


# fixed shapes


def fresh(batches: Batches) -> HGTModel:
    generator = torch.Generator().manual_seed(0)
    return HGTModel.build(batches.graph.metadata, batches.params.shape, generator=generator)


def new_signatures(data: HeteroData, params: EmbeddingParams, *, fixed_shapes: bool, num_steps: int) -> list[int]:
    """How many signatures every step adds, forwards and backwards."""
    batches = Batches.of_graph(data, params, fixed_shapes=fixed_shapes)
    model, backend = fresh(batches), ChunkedBackend()
    prepared = [batches.prepare(number) for number in range(num_steps)]
    watch, added = Signatures(), []
    for one in prepared:
        before = len(watch.seen)
        with watch:
            losses(model, one, params, backend=backend)[0].backward()
        added.append(len(watch.seen) - before)
    return added


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["edge", "neighbor"])
def test_padded_steps_soon_bring_no_new_shapes_and_unpadded_ones_never_stop(data: HeteroData, strategy: str) -> None:
    params = small(STRATEGIES[strategy])
    padded = new_signatures(data, params, fixed_shapes=True, num_steps=20)
    plain = new_signatures(data, params, fixed_shapes=False, num_steps=6)
    assert sum(padded[2:]) <= padded[0] / 20  # 0 of 451 and 7 of 829 when this was written
    assert min(plain) > padded[0]


@pytest.mark.parametrize("strategy", ["edge", "neighbor"])
def test_padding_leaves_loss_and_gradients_as_they_are(data: HeteroData, strategy: str) -> None:
    params = small(STRATEGIES[strategy], contrastive_weight=0.1, num_negatives=2)
    found = []
    for fixed_shapes in (False, True):
        batches = Batches.of_graph(data, params, fixed_shapes=fixed_shapes)
        model = fresh(batches)
        # The chosen diseases are drawn among the batch's, which padding does not change in number or order.
        loss, _ = losses(model, batches.prepare(3), params, backend=ChunkedBackend())
        loss.backward()
        found.append((loss, [parameter.grad for parameter in model.network.parameters()]))
    (loss, gradients), (padded_loss, padded_gradients) = found
    torch.testing.assert_close(padded_loss, loss, rtol=1e-5, atol=1e-6)  # sums in another order, float32
    for padded, plain in zip(padded_gradients, gradients, strict=True):
        torch.testing.assert_close(padded, plain, rtol=1e-3, atol=1e-5)
