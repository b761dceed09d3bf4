import numpy as np
import pytest

from hgt_repurposing.embeddings.table import Embeddings
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.repurposing.inputs import pair_inputs
from hgt_repurposing.repurposing.vectors import PairVectors, vectors_named
from hgt_repurposing_tests.repurposing.planted import INDICATION, NUM_DISEASES, NUM_DRUGS, planted_graph, shuffled_pairs


def embedded(graph: KnowledgeGraph) -> Embeddings:
    """The vector of a node is its row number, twice."""
    rows = np.arange(len(graph.nodes), dtype=np.float32)
    return Embeddings(graph.nodes[["node_id", "node_type", "node_name"]], np.column_stack([rows, rows]))


def test_drugs_and_diseases_of_a_graph_stand_in_its_order(toy_graph: KnowledgeGraph) -> None:
    found = PairVectors.of_embeddings(embedded(toy_graph), toy_graph)
    assert found.diseases[:, 0].tolist() == [0, 1, 2]  # disease, drug, gene/protein
    assert found.drugs[:, 0].tolist() == [3, 4, 5]
    assert found.width == 4


def test_embeddings_of_other_nodes_are_refused(toy_graph: KnowledgeGraph) -> None:
    embeddings = embedded(toy_graph)
    others = embeddings.nodes.assign(node_id=embeddings.nodes["node_id"].replace({"D3": "D4"}))
    with pytest.raises(ValueError, match=r"embeddings of 'drug' belong to other nodes than the graph's$"):
        PairVectors.of_embeddings(Embeddings(others, embeddings.vectors), toy_graph)


def test_embeddings_in_another_order_are_refused(toy_graph: KnowledgeGraph) -> None:
    embeddings = embedded(toy_graph)
    turned = Embeddings(embeddings.nodes[::-1].reset_index(drop=True), embeddings.vectors[::-1].copy())
    with pytest.raises(ValueError, match="embeddings of 'drug' belong to other nodes than the graph's"):
        PairVectors.of_embeddings(turned, toy_graph)


def test_a_type_without_embeddings_is_named(toy_graph: KnowledgeGraph) -> None:
    embeddings = embedded(toy_graph)
    kept = (embeddings.nodes["node_type"] != "disease").to_numpy()
    few = Embeddings(embeddings.nodes[kept], np.ascontiguousarray(embeddings.vectors[kept]))
    with pytest.raises(ValueError, match="no embedding of a node of type 'disease'"):
        PairVectors.of_embeddings(few, toy_graph)


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_embeddings_that_are_not_finite_are_refused(wrong: float, toy_graph: KnowledgeGraph) -> None:
    embeddings = embedded(toy_graph)
    embeddings.vectors[0, 1] = wrong
    with pytest.raises(ValueError, match="embeddings of 'disease' have values that are not finite: train again"):
        PairVectors.of_embeddings(embeddings, toy_graph)


def test_a_gene_without_a_vector_does_not_matter(toy_graph: KnowledgeGraph) -> None:
    embeddings = embedded(toy_graph)
    embeddings.vectors[-1] = np.nan
    assert len(PairVectors.of_embeddings(embeddings, toy_graph).drugs) == 3


@pytest.mark.parametrize(("names", "width"), [([], 0), (["hgt"], 4), (["svd"], 128), (["hgt", "svd"], 132)])
def test_vectors_are_those_asked_for_side_by_side(names: list[str], width: int) -> None:
    graph = planted_graph()
    found = vectors_named(names, embedded(graph), graph)
    assert found.width == width
    assert (len(found.drugs), len(found.diseases)) == (NUM_DRUGS, NUM_DISEASES)
    assert found.drugs.dtype == found.diseases.dtype == np.float32


def test_vectors_stand_in_the_order_asked_for() -> None:
    graph = planted_graph()
    first = vectors_named(["hgt", "svd"], embedded(graph), graph)
    second = vectors_named(["svd", "hgt"], embedded(graph), graph)
    np.testing.assert_array_equal(first.drugs[:, :2], second.drugs[:, -2:])
    assert first.digest != second.digest


def test_the_decomposition_reads_no_treatment() -> None:
    one, other = PairVectors.by_svd(planted_graph()), PairVectors.by_svd(planted_graph(shuffled_pairs()))
    assert one.digest == other.digest == PairVectors.by_svd(planted_graph().without([INDICATION])).digest


def test_permuted_vectors_are_the_same_at_other_nodes() -> None:
    found = PairVectors.by_svd(planted_graph())
    control = found.permuted(np.random.default_rng(0))
    for ours, theirs in ((control.drugs, found.drugs), (control.diseases, found.diseases)):
        assert sorted(map(tuple, ours.tolist())) == sorted(map(tuple, theirs.tolist()))
        assert not np.array_equal(ours, theirs)


def test_any_change_of_a_vector_or_a_shape_changes_the_digest() -> None:
    found = PairVectors(np.zeros((2, 3), np.float32), np.zeros((3, 3), np.float32))
    changed = PairVectors(np.zeros((2, 3), np.float32), np.full((3, 3), 1e-9, np.float32))
    turned = PairVectors(np.zeros((3, 3), np.float32), np.zeros((2, 3), np.float32))
    assert found.digest == PairVectors(found.drugs.copy(), found.diseases.copy()).digest
    assert len({found.digest, changed.digest, turned.digest}) == 3


def test_inputs_hold_all_that_the_graph_says() -> None:
    graph = planted_graph(contraindications=True)
    found = pair_inputs(graph, embedded(graph), vectors=["hgt"])
    assert found.vectors.width == 4
    assert np.array_equal(np.stack(found.labels.indications.nonzero()), graph.indications)
    assert np.array_equal(np.stack(found.labels.contraindications.nonzero()), graph.contraindicated_pairs)
