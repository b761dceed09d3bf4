"""Similar diseases: what they share, how much of it, and that the table holds every such pair."""

from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch_geometric.data import HeteroData

from hgt_repurposing.graph.disease_similarity import SimilarDiseases, similar_diseases
from hgt_repurposing.graph.hetero_data import to_hetero_data
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.schema import NODE_COLUMNS, EdgeType, TherapeuticRelations, is_gene_or_pathway

HAS_GENE = EdgeType("disease", "has", "gene")
MARKED_BY = EdgeType("gene", "marks", "disease")
IN_PATHWAY = EdgeType("disease", "disturbs", "pathway")
SHOWS = EdgeType("disease", "shows", "phenotype")
BINDS = EdgeType("gene", "binds", "gene")
MEMBERS = (HAS_GENE, MARKED_BY, IN_PATHWAY)
"""Edge types that make up a disease's set; the others must not."""
NUM_NODES = {"disease": 7, "gene": 5, "pathway": 3, "phenotype": 4}

Ends = list[tuple[int, int]]


def graph(edges: dict[EdgeType, Ends], *, num_nodes: dict[str, int] = NUM_NODES) -> HeteroData:
    """A graph of these edges. Source and target by number."""
    nodes = [(node_type, f"{i:02}", "") for node_type in sorted(num_nodes) for i in range(num_nodes[node_type])]
    knowledge_graph = KnowledgeGraph(
        nodes=pd.DataFrame(nodes, columns=list(NODE_COLUMNS)),
        edges={edge_type: np.array(ends, dtype=np.int64).reshape(-1, 2).T for edge_type, ends in edges.items()},
        therapeutic=TherapeuticRelations(),
    )
    return to_hetero_data(knowledge_graph)


@st.composite
def edge_lists(draw: st.DrawFn) -> dict[EdgeType, Ends]:
    """Edges of every type, some of them more than once and at least one."""
    edges = {
        edge_type: draw(
            st.lists(
                st.tuples(
                    st.integers(0, NUM_NODES[edge_type.source] - 1), st.integers(0, NUM_NODES[edge_type.target] - 1)
                ),
                max_size=15,
            ),
            label=str(edge_type),
        )
        for edge_type in (*MEMBERS, SHOWS, BINDS)
    }
    return {**edges, BINDS: [(0, 0), *edges[BINDS]]}


def sets_of(edges: dict[EdgeType, Ends]) -> list[set[tuple[str, int]]]:
    """Genes and pathways of each disease."""
    sets: list[set[tuple[str, int]]] = [set() for _ in range(NUM_NODES["disease"])]
    for edge_type in MEMBERS:
        for source, target in edges.get(edge_type, []):
            if edge_type.source == "disease":
                sets[source].add((edge_type.target, target))
            else:
                sets[target].add((edge_type.source, source))
    return sets


def rows(similar: SimilarDiseases) -> list[tuple[int, int, float]]:
    """Disease, similar disease and similarity, in the order of the table."""
    disease = np.repeat(np.arange(similar.num_diseases), np.diff(similar.ptr))
    return list(zip(disease.tolist(), similar.neighbour.tolist(), similar.jaccard.tolist(), strict=True))


def test_a_worked_example() -> None:
    # 0: genes 0 and 1, pathway 0; 1: genes 0 and 1; 2: gene 1, pathway 2; 3: gene 4
    data = graph({HAS_GENE: [(0, 0), (0, 1), (1, 0), (1, 1), (2, 1), (3, 4)], IN_PATHWAY: [(0, 0), (2, 2)]})
    similar = similar_diseases(data, threshold=0.3)
    assert similar.ptr.tolist() == [0, 1, 3, 4, 4, 4, 4, 4]
    assert similar.neighbour.tolist() == [1, 0, 2, 1]  # 0 and 2 share one of four
    np.testing.assert_allclose(similar.jaccard, [2 / 3, 2 / 3, 1 / 3, 1 / 3], rtol=1e-6)
    assert (similar.num_diseases, similar.num_pairs) == (7, 4)
    assert similar.jaccard.dtype == np.float32


@given(edge_lists(), st.fractions(Fraction(1, 8), 1, max_denominator=8))
def test_the_table_is_that_of_comparing_all_sets(edges: dict[EdgeType, Ends], threshold: Fraction) -> None:
    sets = sets_of(edges)
    expected = {
        (i, j): len(a & b) / len(a | b)
        for i, a in enumerate(sets)
        for j, b in enumerate(sets)
        if i != j and a | b and Fraction(len(a & b), len(a | b)) >= threshold
    }
    found = rows(similar_diseases(graph(edges), threshold=float(threshold)))
    assert [(i, j) for i, j, _ in found] == sorted(expected)
    np.testing.assert_allclose([jaccard for *_, jaccard in found], [expected[key] for key in sorted(expected)], 1e-6)


@given(edge_lists(), st.integers(1, 8))
def test_the_size_of_a_block_changes_nothing(edges: dict[EdgeType, Ends], rows_per_block: int) -> None:
    data = graph(edges)
    whole = similar_diseases(data, threshold=0.2)
    assert rows(similar_diseases(data, threshold=0.2, rows_per_block=rows_per_block)) == rows(whole)


def test_no_block_changes_anything_on_a_larger_graph(demo_graph: KnowledgeGraph) -> None:
    data = to_hetero_data(demo_graph)
    whole = similar_diseases(data, threshold=0.05)
    assert whole.num_pairs > 1000
    assert rows(similar_diseases(data, threshold=0.05, rows_per_block=7)) == rows(whole)


@pytest.mark.parametrize(("num_shared", "size"), [(1, 10), (3, 10), (7, 10), (1, 3), (2, 3), (1, 49), (1, 1)])
def test_a_similarity_of_just_the_threshold_is_enough(num_shared: int, size: int) -> None:
    ends = [*((0, gene) for gene in range(size)), *((1, gene) for gene in range(num_shared))]
    data = graph({HAS_GENE: ends}, num_nodes={"disease": 2, "gene": size})
    just, over = num_shared / size, np.nextafter(num_shared / size, 2)
    assert similar_diseases(data, threshold=just).num_pairs == 2
    if over <= 1:
        assert similar_diseases(data, threshold=over).num_pairs == 0


def test_diseases_without_genes_and_pathways_are_similar_to_none() -> None:
    similar = similar_diseases(graph({SHOWS: [(0, 0), (1, 0)], BINDS: [(0, 1)]}), threshold=0.1)
    assert similar.ptr.tolist() == [0] * 8
    assert similar.neighbour.size == similar.jaccard.size == 0


def test_a_gene_and_a_pathway_of_one_number_are_two_things() -> None:
    assert similar_diseases(graph({HAS_GENE: [(0, 1)], IN_PATHWAY: [(1, 1)]}), threshold=0.1).num_pairs == 0


@pytest.mark.parametrize("threshold", [0.0, -0.1, 1.01, float("nan")])
def test_a_threshold_out_of_range_is_refused(threshold: float) -> None:
    with pytest.raises(ValueError, match=rf"threshold must be above 0 and at most 1 \(got {threshold}\)"):
        similar_diseases(graph({HAS_GENE: [(0, 0)]}), threshold=threshold)


def test_a_graph_without_genes_and_pathways_is_refused() -> None:
    data = graph({SHOWS: [(0, 0)]}, num_nodes={"disease": 1, "phenotype": 1})
    with pytest.raises(ValueError, match=r"no node type is named after them \(node types: 'disease', 'phenotype'\)"):
        similar_diseases(data, threshold=0.3)


@pytest.mark.parametrize("name", ["gene/protein", "pathway", "Gene", "Pathway", "proteins", "human_genes", "PROTEIN 2"])
def test_names_of_genes_and_pathways_are_known(name: str) -> None:
    assert is_gene_or_pathway(name)


@pytest.mark.parametrize("name", ["disease", "genetic_disease", "pathogen", "biological_process", "Pathological sign"])
def test_other_names_are_told_apart(name: str) -> None:
    assert not is_gene_or_pathway(name)
