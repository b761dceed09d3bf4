import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from hgt_repurposing.embeddings.table import Embeddings
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.repurposing.features import Features, PairFeatures

DRUGS = np.array([[3, 4], [0, 0], [-4, 3]], dtype=np.float32)
DISEASES = np.array([[6, 8], [4, -3]], dtype=np.float32)

entries = st.floats(width=32, allow_nan=False, allow_infinity=False)


def embedded(graph: KnowledgeGraph) -> Embeddings:
    """The vector of a node is its row number, twice."""
    rows = np.arange(len(graph.nodes), dtype=np.float32)
    return Embeddings(graph.nodes[["node_id", "node_type", "node_name"]], np.column_stack([rows, rows]))


def test_features_are_the_drug_the_disease_and_their_cosine() -> None:
    pairs = np.array([[0, 0, 2], [0, 1, 1]])
    expected = [[3, 4, 6, 8, 1], [3, 4, 4, -3, 0], [-4, 3, 4, -3, -1]]
    np.testing.assert_allclose(PairFeatures(DRUGS, DISEASES).of(pairs), expected, atol=1e-6)  # float32


def test_a_vector_of_zeros_has_cosine_zero() -> None:
    assert PairFeatures(DRUGS, DISEASES).of(np.array([[1], [0]]))[0, -1] == 0


def test_no_pairs_have_no_features() -> None:
    features = PairFeatures(DRUGS, DISEASES)
    assert features.of(np.empty((2, 0), dtype=np.int64)).shape == (0, features.num_features) == (0, 5)


@given(
    hnp.arrays(np.float32, st.tuples(st.integers(1, 5), st.just(3)), elements=entries),
    hnp.arrays(np.float32, st.tuples(st.integers(1, 4), st.just(3)), elements=entries),
)
def test_the_cosine_is_between_minus_one_and_one(drugs: Features, diseases: Features) -> None:
    cells = np.indices((len(drugs), len(diseases))).reshape(2, -1)
    cosine = PairFeatures(drugs, diseases).of(cells)[:, -1]
    assert np.abs(cosine).max() <= 1 + 1e-6  # float32


@given(st.integers(1, 70), st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3)), min_size=1))
def test_a_pair_has_the_same_features_in_any_company(width: int, pairs: list[tuple[int, int]]) -> None:
    generator = np.random.default_rng(width)
    drugs, diseases = (generator.standard_normal((num, width), dtype=np.float32) for num in (5, 4))
    features = PairFeatures(drugs, diseases)
    alone = [features.of(np.array([[drug], [disease]]))[0] for drug, disease in pairs]
    np.testing.assert_array_equal(features.of(np.array(pairs).T), alone)


def test_drugs_and_diseases_of_a_graph_stand_in_its_order(toy_graph: KnowledgeGraph) -> None:
    features = PairFeatures.of_graph(embedded(toy_graph), toy_graph)
    assert features.diseases[:, 0].tolist() == [0, 1, 2]  # disease, drug, gene/protein
    assert features.drugs[:, 0].tolist() == [3, 4, 5]


def test_embeddings_of_other_nodes_are_refused(toy_graph: KnowledgeGraph) -> None:
    embeddings = embedded(toy_graph)
    others = embeddings.nodes.assign(node_id=embeddings.nodes["node_id"].replace({"D3": "D4"}))
    with pytest.raises(ValueError, match=r"embeddings of 'drug' are of other nodes than the graph's: materialise"):
        PairFeatures.of_graph(Embeddings(others, embeddings.vectors), toy_graph)


def test_embeddings_in_another_order_are_refused(toy_graph: KnowledgeGraph) -> None:
    embeddings = embedded(toy_graph)
    turned = Embeddings(embeddings.nodes[::-1].reset_index(drop=True), embeddings.vectors[::-1].copy())
    with pytest.raises(ValueError, match="embeddings of 'drug' are of other nodes than the graph's"):
        PairFeatures.of_graph(turned, toy_graph)


def test_a_type_without_embeddings_is_named(toy_graph: KnowledgeGraph) -> None:
    with pytest.raises(ValueError, match="no embedding of a node of type 'compound'"):
        PairFeatures.from_embeddings(embedded(toy_graph), drug="compound", disease="disease")


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_embeddings_that_are_not_finite_are_refused(wrong: float, toy_graph: KnowledgeGraph) -> None:
    embeddings = embedded(toy_graph)
    embeddings.vectors[0, 1] = wrong
    with pytest.raises(ValueError, match="embeddings of 'disease' hold values that are not finite: train again"):
        PairFeatures.of_graph(embeddings, toy_graph)


def test_a_gene_without_a_vector_does_not_matter(toy_graph: KnowledgeGraph) -> None:
    embeddings = embedded(toy_graph)
    embeddings.vectors[-1] = np.nan
    assert len(PairFeatures.of_graph(embeddings, toy_graph).drugs) == 3
