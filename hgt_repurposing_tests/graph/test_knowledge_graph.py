import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph, build_knowledge_graph, degrees, describe
from hgt_repurposing.graph.schema import (
    EDGE_COLUMNS,
    NODE_COLUMNS,
    PRIMEKG_RELATIONS,
    EdgeType,
    TherapeuticRelations,
)
from hgt_repurposing_tests.strategies import INDICATION_ONLY, graph_tables, knowledge_graphs

INDICATION = EdgeType("drug", "indication", "disease")
DRUG_PROTEIN = EdgeType("drug", "drug_protein", "gene/protein")
PROTEIN_PROTEIN = EdgeType("gene/protein", "protein_protein", "gene/protein")


def mirrored(edges: pd.DataFrame) -> pd.DataFrame:
    swapped = edges[["target_type", "target_id", "relation", "source_type", "source_id"]]
    return swapped.set_axis(list(EDGE_COLUMNS), axis=1)


def with_edge(edges: pd.DataFrame, *edge: object) -> pd.DataFrame:
    return pd.concat([edges, pd.DataFrame([edge], columns=list(EDGE_COLUMNS))], ignore_index=True)


def build(nodes: pd.DataFrame, edges: pd.DataFrame, **options: object) -> KnowledgeGraph:
    arguments = {"therapeutic": PRIMEKG_RELATIONS, "source": "edges.csv", "first_row": 2, **options}
    return build_knowledge_graph(nodes, edges, **arguments)  # type: ignore[arg-type]  # options are passed on as given


# worked by hand


def test_nodes_stand_sorted_by_type_and_id(toy_graph: KnowledgeGraph) -> None:
    keys = list(zip(toy_graph.nodes["node_type"], toy_graph.nodes["node_id"], strict=True))
    assert keys == sorted(keys)


def test_nodes_are_counted_per_type(toy_graph: KnowledgeGraph) -> None:
    assert toy_graph.num_nodes == {"disease": 3, "drug": 3, "gene/protein": 4}


def test_types_begin_at_their_offsets(toy_graph: KnowledgeGraph) -> None:
    assert toy_graph.offsets == {"disease": 0, "drug": 3, "gene/protein": 6}


def test_nodes_of_a_type_are_numbered_by_local_index(toy_graph: KnowledgeGraph) -> None:
    assert toy_graph.nodes_of("drug")["node_id"].to_dict() == {0: "D1", 1: "D2", 2: "D3"}


def test_edges_speak_in_local_indices(toy_graph: KnowledgeGraph) -> None:
    assert toy_graph.edges[INDICATION].tolist() == [[0, 0, 1], [0, 1, 1]]


def test_all_edges_are_counted_once(toy_graph: KnowledgeGraph) -> None:
    assert toy_graph.num_edges == 12


def test_same_id_under_two_types_is_two_nodes(toy_graph: KnowledgeGraph) -> None:
    names = [toy_graph.nodes_of(t).set_index("node_id").loc["1", "node_name"] for t in ("disease", "gene/protein")]
    assert names == ["renal torvosis", "TRK12"]


def test_same_name_under_two_ids_is_two_nodes(toy_nodes: pd.DataFrame, toy_edges: pd.DataFrame) -> None:
    assert build(toy_nodes.assign(node_name="namesake"), toy_edges).num_nodes["drug"] == 3


def test_drug_disease_edges_stand_drug_first(toy_nodes: pd.DataFrame, toy_edges: pd.DataFrame) -> None:
    graph = build(toy_nodes, mirrored(toy_edges))
    assert graph.edges[INDICATION].tolist() == [[0, 0, 1], [0, 1, 1]]


def test_symmetric_edges_stand_lower_index_first(toy_nodes: pd.DataFrame, toy_edges: pd.DataFrame) -> None:
    graph = build(toy_nodes, mirrored(toy_edges))
    assert graph.edges[PROTEIN_PROTEIN].tolist() == [[0, 1], [1, 2]]


def test_directed_edges_keep_their_direction(toy_nodes: pd.DataFrame, toy_edges: pd.DataFrame) -> None:
    graph = build(toy_nodes, mirrored(toy_edges), directed_relations=["protein_protein"])
    assert graph.edges[PROTEIN_PROTEIN].tolist() == [[1, 2], [0, 1]]


def test_both_directions_of_a_directed_relation_are_two_edges(toy_nodes: pd.DataFrame, toy_edges: pd.DataFrame) -> None:
    both = pd.concat([toy_edges, mirrored(toy_edges)])
    graph = build(toy_nodes, both, directed_relations=["protein_protein"])
    assert graph.edges[PROTEIN_PROTEIN].shape == (2, 4)


def test_a_directed_relation_is_not_symmetric(toy_nodes: pd.DataFrame, toy_edges: pd.DataFrame) -> None:
    graph = build(toy_nodes, toy_edges, directed_relations=["protein_protein"])
    assert not graph.is_symmetric(PROTEIN_PROTEIN)


def test_a_relation_between_two_types_is_not_symmetric(toy_graph: KnowledgeGraph) -> None:
    assert not toy_graph.is_symmetric(DRUG_PROTEIN)


def test_repeated_edges_are_counted(toy_nodes: pd.DataFrame, toy_edges: pd.DataFrame) -> None:
    assert build(toy_nodes, pd.concat([toy_edges, mirrored(toy_edges)])).num_duplicate_edges == 12


def test_repeated_nodes_are_counted(toy_nodes: pd.DataFrame, toy_edges: pd.DataFrame) -> None:
    assert build(pd.concat([toy_nodes, toy_nodes[:2]]), toy_edges).num_duplicate_nodes == 2


def test_a_node_without_name_goes_by_its_id(toy_nodes: pd.DataFrame, toy_edges: pd.DataFrame) -> None:
    graph = build(toy_nodes.assign(node_name=None), toy_edges)
    assert graph.nodes_of("drug")["node_name"].tolist() == ["D1", "D2", "D3"]


def test_a_name_wins_over_a_missing_one(toy_nodes: pd.DataFrame, toy_edges: pd.DataFrame) -> None:
    graph = build(pd.concat([toy_nodes.assign(node_name=None), toy_nodes]), toy_edges)
    assert graph.nodes_of("drug")["node_name"].tolist() == ["Velotinib", "Zanolone", "Belustat"]


def test_numeric_ids_become_text(toy_nodes: pd.DataFrame, toy_edges: pd.DataFrame) -> None:
    numbered = toy_nodes.assign(node_id=toy_nodes["node_id"].str.strip("D").astype(int))
    ends = {c: toy_edges[c].str.strip("D").astype(int) for c in ("source_id", "target_id")}
    assert build(numbered, toy_edges.assign(**ends)).nodes_of("drug")["node_id"].tolist() == ["1", "2", "3"]


def test_pairs_of_several_relations_are_joined(toy_graph: KnowledgeGraph) -> None:
    pairs = toy_graph.therapeutic_pairs(["contraindication", "off-label use"])
    assert pairs.tolist() == [[2, 2], [0, 2]]


def test_no_relation_has_no_pairs(toy_graph: KnowledgeGraph) -> None:
    assert toy_graph.therapeutic_pairs([]).shape == (2, 0)


def test_without_drops_only_the_named_types(toy_graph: KnowledgeGraph) -> None:
    assert set(toy_graph.edges) - set(toy_graph.without([INDICATION]).edges) == {INDICATION}


def test_degrees_count_every_edge_at_both_ends(toy_graph: KnowledgeGraph) -> None:
    by_name = degrees(toy_graph).set_index("node_name")["degree"]
    assert by_name[["Velotinib", "TRK12", "alone"]].tolist() == [3, 3, 0]


def test_description_begins_with_the_largest_edge_type(toy_graph: KnowledgeGraph) -> None:
    assert describe(toy_graph)["num_edges"].tolist() == [3, 3, 2, 2, 1, 1]


# properties


Tables = tuple[pd.DataFrame, pd.DataFrame]


@given(graph_tables(), st.integers(0, 2**32 - 1))
def test_row_order_does_not_change_the_digest(tables: Tables, seed: int) -> None:
    nodes, edges = (table.sample(frac=1, random_state=seed) for table in tables)
    shuffled = build_knowledge_graph(nodes, edges, therapeutic=INDICATION_ONLY)
    assert shuffled.digest == build_knowledge_graph(*tables, therapeutic=INDICATION_ONLY).digest


@given(graph_tables(), st.integers(0, 2**32 - 1))
def test_order_of_repeated_nodes_does_not_change_the_digest(tables: Tables, seed: int) -> None:
    nodes, edges = tables
    repeated = pd.concat([nodes, nodes.assign(node_name="zzz"), nodes.assign(node_name="aaa")])
    shuffled = repeated.sample(frac=1, random_state=seed)
    first, second = (build_knowledge_graph(n, edges, therapeutic=INDICATION_ONLY) for n in (repeated, shuffled))
    assert first.digest == second.digest


@given(graph_tables())
def test_both_directions_collapse_into_one_edge(tables: Tables) -> None:
    nodes, edges = tables
    distinct = {(row[2], frozenset([row[:2], row[3:]])) for row in edges.itertuples(index=False, name=None)}
    both = build_knowledge_graph(nodes, pd.concat([edges, mirrored(edges)]), therapeutic=INDICATION_ONLY)
    assert both.num_edges == len(distinct)


@given(graph_tables())
def test_every_row_is_an_edge_or_a_duplicate(tables: Tables) -> None:
    graph = build_knowledge_graph(*tables, therapeutic=INDICATION_ONLY)
    assert graph.num_edges + graph.num_duplicate_edges == len(tables[1])


@given(graph_tables())
def test_every_edge_leads_back_to_a_row(tables: Tables) -> None:
    nodes, edges = tables
    graph = build_knowledge_graph(nodes, edges, therapeutic=INDICATION_ONLY)
    rows = {(row[2], frozenset([row[:2], row[3:]])) for row in edges.itertuples(index=False, name=None)}
    found = set()
    for (source, relation, target), index in graph.edges.items():
        heads = graph.nodes_of(source)["node_id"].iloc[index[0]]
        tails = graph.nodes_of(target)["node_id"].iloc[index[1]]
        ends = zip(heads, tails, strict=True)
        found |= {(relation, frozenset([(source, head), (target, tail)])) for head, tail in ends}
    assert found == rows


@given(graph_tables())
def test_ids_that_collide_across_types_stay_apart(tables: Tables) -> None:
    graph = build_knowledge_graph(*tables, therapeutic=INDICATION_ONLY)
    assert len(graph.nodes) == len(tables[0])


@given(graph_tables())
def test_tables_are_not_changed(tables: Tables) -> None:
    copies = [table.copy() for table in tables]
    build_knowledge_graph(*tables, therapeutic=INDICATION_ONLY)
    assert all(table.equals(copy) for table, copy in zip(tables, copies, strict=True))


@given(graph_tables())
def test_categorical_columns_give_the_same_graph_as_text(tables: Tables) -> None:
    nodes, edges = tables
    as_categories = build_knowledge_graph(nodes, edges.astype("category"), therapeutic=INDICATION_ONLY)
    assert as_categories.digest == build_knowledge_graph(nodes, edges, therapeutic=INDICATION_ONLY).digest


@given(knowledge_graphs())
def test_parts_round_trip(graph: KnowledgeGraph) -> None:
    assert KnowledgeGraph.from_parts(graph.to_parts()).digest == graph.digest


def test_parts_keep_what_the_digest_does_not_cover(toy_nodes: pd.DataFrame, toy_edges: pd.DataFrame) -> None:
    nodes, edges = pd.concat([toy_nodes, toy_nodes[:1]]), pd.concat([toy_edges, toy_edges[:2]])
    graph = build(nodes, edges, directed_relations=["protein_protein"])
    again = KnowledgeGraph.from_parts(graph.to_parts())
    kept = (again.directed, again.num_duplicate_nodes, again.num_duplicate_edges)
    assert kept == (frozenset([PROTEIN_PROTEIN]), 1, 2)


@pytest.mark.parametrize("column", NODE_COLUMNS)
def test_digest_covers_the_node_table(toy_graph: KnowledgeGraph, column: str) -> None:
    changed = toy_graph.nodes.assign(**{column: toy_graph.nodes[column].replace(["alone", "4", "gene/protein"], "~")})
    edges = {t: i for t, i in toy_graph.edges.items() if "gene/protein" not in t}
    before, after = (replace(toy_graph, nodes=nodes, edges=edges) for nodes in (toy_graph.nodes, changed))
    assert before.digest != after.digest


def test_digest_covers_the_ends_of_edges(toy_graph: KnowledgeGraph) -> None:
    moved = {**toy_graph.edges, PROTEIN_PROTEIN: np.array([[0, 1], [1, 3]])}
    assert replace(toy_graph, edges=moved).digest != toy_graph.digest


def test_digest_covers_the_relations(toy_graph: KnowledgeGraph) -> None:
    renamed = {t._replace(relation=t.relation.upper()): index for t, index in toy_graph.edges.items()}
    assert replace(toy_graph, edges=renamed).digest != toy_graph.digest


def test_digest_covers_direction(toy_graph: KnowledgeGraph) -> None:
    assert replace(toy_graph, directed=frozenset([PROTEIN_PROTEIN])).digest != toy_graph.digest


def test_digest_covers_what_is_therapeutic(toy_graph: KnowledgeGraph) -> None:
    assert replace(toy_graph, therapeutic=TherapeuticRelations()).digest != toy_graph.digest


AREAS = {"any": np.array([0, 1, 2]), "renal": np.array([0])}


def test_parts_keep_disease_areas_and_have_none_for_a_graph_without(toy_graph: KnowledgeGraph) -> None:
    graph = replace(toy_graph, disease_areas=AREAS)
    again = KnowledgeGraph.from_parts(graph.to_parts())
    assert {name: index.tolist() for name, index in again.disease_areas.items()} == {"any": [0, 1, 2], "renal": [0]}
    assert again.digest == graph.digest
    assert set(graph.to_parts()) - set(toy_graph.to_parts()) == {"disease_areas.json"}
    assert KnowledgeGraph.from_parts(toy_graph.to_parts()).disease_areas == {}


def test_digest_covers_disease_areas_in_any_order(toy_graph: KnowledgeGraph) -> None:
    graph = replace(toy_graph, disease_areas=AREAS)
    others = [{"any": AREAS["any"]}, {**AREAS, "renal": np.array([1])}, {"all": AREAS["any"], "renal": AREAS["renal"]}]
    digests = {replace(toy_graph, disease_areas=areas).digest for areas in others}
    assert len({graph.digest, toy_graph.digest, *digests}) == 5
    assert replace(toy_graph, disease_areas=dict(reversed(AREAS.items()))).digest == graph.digest


def test_a_graph_without_some_edges_keeps_its_disease_areas(toy_graph: KnowledgeGraph) -> None:
    fewer = replace(toy_graph, disease_areas=AREAS).without([PROTEIN_PROTEIN])
    assert fewer.disease_areas == AREAS
    assert PROTEIN_PROTEIN not in fewer.edges


# errors


@pytest.mark.parametrize("end", ["source", "target"])
def test_unknown_node_is_named_with_row_and_column(toy_nodes: pd.DataFrame, toy_edges: pd.DataFrame, end: str) -> None:
    edge = with_edge(toy_edges, "drug", "D1", "drug_drug", "drug", "D9")
    edges = edge if end == "target" else mirrored(edge)
    message = f"edges.csv: row 14 refers to the unknown node (drug, D9) in '{end}_id'"
    with pytest.raises(ValueError, match=re.escape(message)):
        build(toy_nodes, edges)


def test_unknown_node_type_is_an_unknown_node(toy_nodes: pd.DataFrame, toy_edges: pd.DataFrame) -> None:
    edges = with_edge(toy_edges, "drug", "D1", "drug_drug", "drg", "D2")
    with pytest.raises(ValueError, match=re.escape("row 14 refers to the unknown node (drg, D2) in 'target_id'")):
        build(toy_nodes, edges)


def test_id_of_another_type_is_an_unknown_node(toy_nodes: pd.DataFrame, toy_edges: pd.DataFrame) -> None:
    edges = with_edge(toy_edges, "drug", "D1", "indication", "disease", "4")
    with pytest.raises(ValueError, match=re.escape("(disease, 4)")):
        build(toy_nodes, edges)


@pytest.mark.parametrize("column", EDGE_COLUMNS)
def test_missing_value_of_an_edge_is_named(toy_nodes: pd.DataFrame, toy_edges: pd.DataFrame, column: str) -> None:
    edges = toy_edges.assign(**{column: toy_edges[column].where(toy_edges.index != 3)})
    with pytest.raises(ValueError, match=f"edges.csv: row 5 has no value in column '{column}'"):
        build(toy_nodes, edges)


def test_missing_id_of_a_node_is_named(toy_nodes: pd.DataFrame, toy_edges: pd.DataFrame) -> None:
    nodes = toy_nodes.assign(node_id=toy_nodes["node_id"].where(toy_nodes.index != 1))
    with pytest.raises(ValueError, match="nodes: row 3 has no value in column 'node_id'"):
        build(nodes, toy_edges)


def test_no_edge_at_all_is_an_error(toy_nodes: pd.DataFrame, toy_edges: pd.DataFrame) -> None:
    with pytest.raises(ValueError, match=r"edges.csv: a knowledge graph needs at least one edge \(got none\)"):
        build(toy_nodes, toy_edges[:0])


def test_no_drug_disease_pair_is_an_error(toy_nodes: pd.DataFrame, toy_edges: pd.DataFrame) -> None:
    types = "node types found: 'disease', 'drug', 'gene/protein'"
    with pytest.raises(ValueError, match=f"none, so there are no drug-disease pairs; {types}"):
        build(toy_nodes, toy_edges[5:])


def test_unknown_therapeutic_relation_is_named_beside_those_found(
    toy_nodes: pd.DataFrame, toy_edges: pd.DataFrame
) -> None:
    message = (
        "no edge 'treats' between a 'drug' and a 'disease' (setting `indication`); "
        "relations found between them: 'contraindication'"
    )
    with pytest.raises(ValueError, match=re.escape(message)):
        build(toy_nodes, toy_edges, therapeutic=TherapeuticRelations(indication=["treats"]))


def test_unsorted_nodes_are_refused(toy_graph: KnowledgeGraph) -> None:
    with pytest.raises(ValueError, match="nodes must be sorted"):
        replace(toy_graph, nodes=toy_graph.nodes[::-1].reset_index(drop=True))


def test_repeated_nodes_are_refused(toy_graph: KnowledgeGraph) -> None:
    with pytest.raises(ValueError, match="unique"):
        replace(toy_graph, nodes=toy_graph.nodes.iloc[[0, *range(10)]].reset_index(drop=True))


def test_no_nodes_are_refused(toy_graph: KnowledgeGraph) -> None:
    with pytest.raises(ValueError, match=re.escape("at least one node (got none)")):
        replace(toy_graph, nodes=toy_graph.nodes[:0])


def test_other_node_columns_are_refused(toy_graph: KnowledgeGraph) -> None:
    with pytest.raises(ValueError, match="node table must have the columns"):
        replace(toy_graph, nodes=toy_graph.nodes.rename(columns={"node_name": "name"}))


@pytest.mark.parametrize("index", [np.zeros((2, 1), dtype=np.int32), np.zeros((3, 1), dtype=np.int64)])
def test_malformed_edge_index_is_refused(toy_graph: KnowledgeGraph, index: np.ndarray) -> None:
    with pytest.raises(ValueError, match="must be int64 of shape"):
        replace(toy_graph, edges={INDICATION: index})


@pytest.mark.parametrize("worst", [-1, 3])
def test_edge_index_out_of_range_is_refused(toy_graph: KnowledgeGraph, worst: int) -> None:
    with pytest.raises(ValueError, match=f"got {worst}, but there are 3 nodes of type 'disease'"):
        replace(toy_graph, edges={INDICATION: np.array([[0], [worst]])})


def test_edge_type_without_nodes_is_refused(toy_graph: KnowledgeGraph) -> None:
    with pytest.raises(ValueError, match="has node type 'tissue', but the graph has no such node"):
        replace(toy_graph, edges={EdgeType("drug", "in", "tissue"): np.zeros((2, 1), dtype=np.int64)})


@pytest.mark.parametrize(
    ("index", "message"),
    [
        ([0, 3], "index out of range for the disease area 'renal': got 3, but there are 3 nodes of type 'disease'"),
        ([-1, 0], "index out of range for the disease area 'renal': got -1, but there are 3 nodes of type 'disease'"),
        ([1, 1], "disease area 'renal' must hold at least one disease, as sorted and unique int64 indices (got int64"),
        ([2, 0], "sorted and unique int64 indices"),
        ([], "disease area 'renal' must hold at least one disease"),
    ],
)
def test_malformed_disease_areas_are_refused(toy_graph: KnowledgeGraph, index: list[int], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        replace(toy_graph, disease_areas={"renal": np.array(index, dtype=np.int64)})
