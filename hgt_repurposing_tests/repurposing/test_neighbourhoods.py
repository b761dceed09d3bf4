from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.schema import EdgeType, FloatArray
from hgt_repurposing.graph.walks import relatives, walks
from hgt_repurposing.repurposing import neighbourhoods as module
from hgt_repurposing.repurposing.neighbourhoods import Neighbourhoods, Side, neighbourhoods_of, profile_blocks
from hgt_repurposing_tests.graph.small_graphs import Ends, graph_of
from hgt_repurposing_tests.repurposing.planted import (
    CONTRAINDICATION,
    INDICATION,
    NUM_DISEASES,
    NUM_DRUGS,
    PALLIATION,
    planted_graph,
    planted_pairs,
    with_pairs,
)

GRAPH = planted_graph()
FOUND = neighbourhoods_of(GRAPH)
SIDES = pytest.mark.parametrize(("node_type", "side"), [("drug", FOUND.drugs), ("disease", FOUND.diseases)])


def cosines(weights: FloatArray) -> FloatArray:
    """Of all rows with all rows, 0 where a row is empty or meets itself; by loops."""
    found = np.zeros((len(weights), len(weights)))
    for one, row in enumerate(weights):
        for other, column in enumerate(weights):
            product = np.linalg.norm(row) * np.linalg.norm(column)
            if one != other and product:
                found[one, other] = row @ column / product
    return found


def arrays(found: Neighbourhoods) -> Iterator[tuple[str, FloatArray]]:
    """All that neighbourhoods hold but the anchors, by name."""
    sides: dict[str, Side] = {"drugs": found.drugs, "diseases": found.diseases}
    for which, side in sides.items():
        for name, matrix in side.similarities.items():
            yield f"{which} by {name}", matrix.toarray()
        yield f"{which} average", side.average.toarray()
        yield f"{which} kernel", (side.kernel.vectors * side.kernel.values) @ side.kernel.vectors.T
    for paths in found.paths:
        yield paths.name, (paths.drug_walk @ paths.disease_walk.T).toarray() / paths.mean
    yield "drug genes", found.drug_genes.toarray()
    yield "disease genes", found.disease_genes.toarray()


@SIDES
def test_similarities_are_the_cosines_of_every_walk(node_type: str, side: Side) -> None:
    for walk in walks(GRAPH, node_type):
        expected = cosines(walk.weights.toarray().astype(np.float64))[:, side.anchors]
        np.testing.assert_allclose(side.similarities[walk.name].toarray(), expected, atol=1e-6)  # float32


@SIDES
def test_relations_within_a_type_are_similarities_as_they_are(node_type: str, side: Side) -> None:
    for _, name, matrix in relatives(GRAPH, node_type):
        np.testing.assert_array_equal(side.similarities[name].toarray(), matrix.toarray()[:, side.anchors])


@SIDES
def test_there_is_a_similarity_for_every_walk_and_relation(node_type: str, side: Side) -> None:
    expected = {walk.name for walk in walks(GRAPH, node_type)} | {name for _, name, _ in relatives(GRAPH, node_type)}
    assert set(side.similarities) == expected


@SIDES
def test_nothing_is_similar_to_itself(node_type: str, side: Side) -> None:  # noqa: ARG001  (one parametrisation)
    for matrix in (*side.similarities.values(), side.average):
        assert not matrix.toarray()[side.anchors, np.arange(len(side.anchors))].any()


@SIDES
def test_the_average_is_over_relations_of_one_step_each_in_units_of_its_largest(node_type: str, side: Side) -> None:
    direct = [
        name for name in side.similarities if name in {w.name for w in walks(GRAPH, node_type)} and "-" not in name
    ]
    related = [name for _, name, _ in relatives(GRAPH, node_type)]
    parts = [side.similarities[name].toarray() for name in [*direct, *related]]
    expected = np.mean([part / part.max() for part in parts], axis=0)
    np.testing.assert_allclose(side.average.toarray(), expected, atol=1e-6)


def test_anchors_are_the_drugs_and_diseases_with_a_treatment() -> None:
    found = neighbourhoods_of(planted_graph(np.array([[3, 3, 9], [1, 4, 4]])))
    assert found.drugs.anchors.tolist() == [3, 9]
    assert found.diseases.anchors.tolist() == [1, 4]
    assert (found.drugs.size, found.diseases.size) == (NUM_DRUGS, NUM_DISEASES)
    assert all(matrix.shape == (NUM_DRUGS, 2) for matrix in found.drugs.similarities.values())


def test_only_the_nearest_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "NEAREST", 3)
    for name, matrix in neighbourhoods_of(GRAPH).drugs.similarities.items():
        kept, whole = matrix.toarray(), FOUND.drugs.similarities[name].toarray()
        assert ((kept > 0).sum(axis=1) <= 4).all()  # 3, and 1 in place of itself
        for row, all_of_row in zip(kept, whole, strict=True):
            assert set(row[row > 0]) <= set(all_of_row)
            assert row[row > 0].min(initial=1) >= all_of_row[row == 0].max()


@pytest.mark.parametrize("rows", [1, 7, 59])
def test_similarities_in_blocks_are_those_of_all_at_once(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ROWS_PER_BLOCK", rows)
    for name, values in arrays(neighbourhoods_of(GRAPH)):
        np.testing.assert_array_equal(values, dict(arrays(FOUND))[name], err_msg=name)


# no label is read


@pytest.mark.parametrize("edge_type", [CONTRAINDICATION, PALLIATION, EdgeType("disease", "cured_by", "drug")])
def test_edges_between_drugs_and_diseases_of_any_name_change_nothing(edge_type: EdgeType) -> None:
    generator = np.random.default_rng(0)
    sizes = (NUM_DRUGS, NUM_DISEASES) if edge_type.source == "drug" else (NUM_DISEASES, NUM_DRUGS)
    pairs = np.stack([generator.integers(size, size=200) for size in sizes])
    changed = dict(arrays(neighbourhoods_of(with_pairs(GRAPH, edge_type, pairs))))
    assert list(changed) == [name for name, _ in arrays(FOUND)]
    for name, values in arrays(FOUND):
        np.testing.assert_array_equal(values, changed[name], err_msg=name)


@given(st.integers(0, 999))
def test_other_treatments_of_the_same_drugs_and_diseases_change_nothing(seed: int) -> None:
    drugs, diseases = planted_pairs()
    other = with_pairs(GRAPH, INDICATION, np.stack([np.random.default_rng(seed).permutation(drugs), diseases]))
    changed = dict(arrays(neighbourhoods_of(other)))
    for name, values in arrays(FOUND):
        np.testing.assert_array_equal(values, changed[name], err_msg=name)


def test_fewer_treatments_leave_columns_out_and_change_none_that_stays() -> None:
    drugs, diseases = planted_pairs()
    chosen = (drugs < 30) & (diseases < 20)
    found = neighbourhoods_of(planted_graph(np.stack([drugs[chosen], diseases[chosen]])))
    for few, all_ in ((found.drugs, FOUND.drugs), (found.diseases, FOUND.diseases)):
        columns = np.searchsorted(all_.anchors, few.anchors)
        assert 0 < len(columns) < len(all_.anchors)
        for name, matrix in few.similarities.items():
            np.testing.assert_array_equal(matrix.toarray(), all_.similarities[name].toarray()[:, columns])


# paths

TREATS = ("drug", "indication", "disease")
PATH_EDGES: dict[tuple[str, str, str], Ends] = {
    TREATS: [(0, 0)],
    ("drug", "targets", "gene"): [(0, 0), (1, 1)],
    ("disease", "associates", "gene"): [(0, 1), (1, 0)],
    ("gene", "interacts", "gene"): [(0, 1)],
    ("gene", "part_of", "pathway"): [(0, 0), (1, 0)],
    ("gene", "active_in", "pathway"): [(0, 0), (1, 0)],
    ("drug", "causes", "effect"): [(0, 0), (1, 0)],
    ("disease", "presents", "effect"): [(0, 0), (1, 0)],
    ("gene", "linked_to", "effect"): [(0, 0), (1, 0)],
}
PATH_GRAPH = graph_of({"drug": 2, "disease": 2, "gene": 2, "pathway": 1, "effect": 1}, PATH_EDGES)


def test_every_kind_of_path_is_counted_once() -> None:
    names = [paths.name for paths in neighbourhoods_of(PATH_GRAPH).paths]
    assert sorted(names) == [
        "causes ~ associates-linked_to",
        "causes ~ presents",
        "targets ~ associates",
        "targets-active_in ~ associates-active_in",
        "targets-interacts ~ associates",
        "targets-linked_to ~ associates-linked_to",
        "targets-linked_to ~ presents",
        "targets-part_of ~ associates-part_of",
    ]
    # Not: targets ~ associates-interacts, which is the same path from the other end, nor its double over two genes.


def test_a_path_is_there_where_one_can_walk_it() -> None:
    walked = {paths.name: (paths.drug_walk @ paths.disease_walk.T).toarray() > 0 for paths in FOUND.paths}
    targets, associates = FOUND.drug_genes.toarray(), FOUND.disease_genes.toarray()
    one, other = GRAPH.edges[EdgeType("gene", "interacts", "gene")]
    interacts = np.zeros((targets.shape[1],) * 2)
    interacts[one, other] = interacts[other, one] = 1
    assert set(walked) == {"causes ~ presents", "targets ~ associates", "targets-interacts ~ associates"}
    np.testing.assert_array_equal(walked["targets ~ associates"], targets @ associates.T > 0)
    np.testing.assert_array_equal(walked["targets-interacts ~ associates"], targets @ interacts @ associates.T > 0)


def test_the_scale_of_a_path_is_its_mean_where_there_is_one() -> None:
    for paths in FOUND.paths:
        counts = (paths.drug_walk @ paths.disease_walk.T).toarray()
        assert paths.mean == pytest.approx(counts[counts > 0].mean(), rel=1e-6)  # float32


def test_genes_are_those_that_the_graph_joins() -> None:
    assert FOUND.drug_genes.nnz == GRAPH.edges[EdgeType("drug", "targets", "gene")].shape[1]
    assert FOUND.disease_genes.nnz == GRAPH.edges[EdgeType("disease", "associates", "gene")].shape[1]


# one relation between many types


def test_relations_of_one_name_are_as_many_similarities_and_paths_as_if_each_had_its_own() -> None:
    edges = {
        edge_type if GRAPH.is_drug_disease(edge_type) else edge_type._replace(relation="related_to"): index
        for edge_type, index in GRAPH.edges.items()
    }
    related = dict(arrays(neighbourhoods_of(replace(GRAPH, edges=edges))))
    own = dict(arrays(FOUND))
    assert len(related) == len(own)
    left = list(related.values())
    for name, values in own.items():
        same = [
            i for i, other in enumerate(left) if other.shape == values.shape and np.allclose(other, values, atol=1e-6)
        ]
        assert same, name
        del left[same[0]]


def test_names_that_would_join_to_the_same_are_told_apart() -> None:
    edges: dict[tuple[str, str, str], Ends] = {
        TREATS: [(0, 0)],
        ("drug", "a", "gene"): [(0, 0)],
        ("drug", "a-b", "protein"): [(0, 0)],
        ("gene", "b-c", "pathway"): [(0, 0)],
        ("protein", "c", "pathway"): [(0, 0)],
        ("disease", "d", "gene"): [(0, 0)],
    }
    graph = graph_of({"drug": 2, "disease": 2, "gene": 1, "protein": 1, "pathway": 1}, edges)
    assert list(neighbourhoods_of(graph).drugs.similarities) == [
        "(drug, a-b, protein)",
        "a",
        "(drug, a-b, protein)-c",
        "a-(gene, b-c, pathway)",
    ]


# what the decomposition reads


def test_profiles_hold_every_relation_of_one_step_in_rows_of_unit_length() -> None:
    blocks = profile_blocks(GRAPH, "disease")
    assert [block.shape for block in blocks] == [(30, 50), (30, 40), (30, 30)]  # associates, presents, resembles
    for block in blocks:
        np.testing.assert_allclose(np.linalg.norm(block.toarray(), axis=1), 1, rtol=1e-6)


def test_profiles_read_no_treatment() -> None:
    bare = GRAPH.without([INDICATION])
    for ours, theirs in zip(profile_blocks(GRAPH, "drug"), profile_blocks(bare, "drug"), strict=True):
        np.testing.assert_array_equal(ours.toarray(), theirs.toarray())


# nothing to go by


@pytest.mark.parametrize("touched", ["drug", "disease"])
def test_a_side_that_only_treatments_touch_is_an_error(touched: str) -> None:
    edges: dict[tuple[str, str, str], Ends] = {TREATS: [(0, 0)], (touched, "associates", "gene"): [(0, 0)]}
    bare = {"drug": "disease", "disease": "drug"}[touched]
    graph: KnowledgeGraph = graph_of({"drug": 2, "disease": 2, "gene": 2}, edges)
    with pytest.raises(ValueError, match=rf"the '{bare}' nodes have no relations other than .* the graph needs"):
        neighbourhoods_of(graph)
