import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hgt_repurposing.graph.disease_groups import disease_groups, normalised_name, related_diseases
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph, build_knowledge_graph
from hgt_repurposing.graph.schema import EDGE_COLUMNS, NODE_COLUMNS, IntArray, TherapeuticRelations
from hgt_repurposing.graph.split import SplitConfig, crossing_edges, split_drug_disease_pairs


def graph_of(
    names: list[str], related: list[tuple[int, int]], *, treated: list[int] | None = None, directed: bool = False
) -> KnowledgeGraph:
    """Diseases with these names, in this order, and edges between them; drug i treats disease i, if it is treated."""
    ids = [f"{number:03}" for number in range(len(names))]
    nodes = [("drug", number, number) for number in ids]
    nodes += [("disease", number, name) for number, name in zip(ids, names, strict=True)]
    edges = [("drug", ids[i], "indication", "disease", ids[i]) for i in treated or range(len(names))]
    edges += [("disease", ids[one], "is_a", "disease", ids[other]) for one, other in related]
    return build_knowledge_graph(
        pd.DataFrame(nodes, columns=list(NODE_COLUMNS)),
        pd.DataFrame(edges, columns=list(EDGE_COLUMNS)),
        therapeutic=TherapeuticRelations(),
        directed_relations=["is_a"] if directed and len(related) else [],
    )


def members(group: IntArray) -> list[list[int]]:
    """Diseases by group, sorted."""
    return sorted(np.flatnonzero(group == number).tolist() for number in np.unique(group))


LETTERS = [f"{letter}osis" for letter in "abcdefghij"]


@st.composite
def disease_graphs(draw: st.DrawFn) -> KnowledgeGraph:
    names = draw(st.lists(st.sampled_from([*LETTERS, "aosis type 2", "Bosis, familial"]), min_size=2, max_size=12))
    ends = st.integers(0, len(names) - 1)
    related = draw(st.lists(st.tuples(ends, ends), max_size=20))
    treated = draw(st.lists(ends, min_size=1, unique=True))
    return graph_of(names, related, treated=treated, directed=draw(st.booleans()))


# names


@pytest.mark.parametrize(
    ("name", "normal"),
    [
        ("diabetes mellitus, type 2", "diabete mellitus"),
        ("Type 1 Diabetes Mellitus", "diabete mellitus"),
        ("Crohn's disease", "crohn"),
        ("familial Crohn syndrome", "crohn"),
        ("lung cancers", "cancer lung"),
        ("cancer of the lung", "cancer lung"),
        ("Charcot-Marie-Tooth disease type 1A", "charcot marie tooth"),
        ("spinocerebellar ataxia 12", "ataxia spinocerebellar"),
        ("glycogen storage disease XIV", "glycogen storage"),
        ("mucopolysaccharidosis type C", "mucopolysaccharidosis"),
        ("neuropathies", "neuropathy"),
        ("Sj\u00f6gren syndrome", "sjogren"),
        ("systemic lupus erythematosus", "erythematosus lupus systemic"),
        ("hepatitis B", "b hepatitis"),
        ("cell type disorder", "cell type"),
        ("disease", "disease"),
        ("type 2", "type 2"),
    ],
)
def test_what_is_left_of_a_name(name: str, normal: str) -> None:
    assert normalised_name(name) == normal


@given(st.text())
def test_no_name_is_left_empty(name: str) -> None:
    assert normalised_name(name) or not name


# groups by hand


def test_near_synonyms_form_one_group_however_large() -> None:
    names = ["gout", "gout type 1", "Gout, familial", "asthma"]
    assert members(disease_groups(graph_of(names, []), max_treated=1)) == [[0, 1, 2], [3]]


def test_relatives_form_one_group_through_others() -> None:
    chain = graph_of(LETTERS[:4], [(0, 1), (1, 2)])
    assert members(disease_groups(chain, max_treated=3)) == [[0, 1, 2], [3]]


def test_children_of_one_parent_form_one_group() -> None:
    siblings = graph_of(LETTERS[:4], [(0, 3), (1, 3)], treated=[0, 1, 2], directed=True)
    assert members(disease_groups(siblings, max_treated=2)) == [[0, 1, 3], [2]]


def test_a_component_too_large_is_cut_at_its_weakest_link() -> None:
    # Two triangles and a bridge between them: its ends share no relative.
    triangles = graph_of(LETTERS[:6], [(0, 1), (1, 2), (0, 2), (2, 3), (3, 4), (4, 5), (3, 5)])
    assert members(disease_groups(triangles, max_treated=6)) == [[0, 1, 2, 3, 4, 5]]
    assert members(disease_groups(triangles, max_treated=5)) == [[0, 1, 2], [3, 4, 5]]


def test_a_parent_of_many_does_not_hold_a_close_pair_apart() -> None:
    # Disease 0 is related to all; 8 and 9 to each other besides.
    star = graph_of(LETTERS, [*((0, child) for child in range(1, 10)), (8, 9)])
    assert [8, 9] in members(disease_groups(star, max_treated=2))


def test_untreated_diseases_do_not_fill_a_group() -> None:
    chain = graph_of(LETTERS[:5], [(0, 1), (1, 2), (2, 3), (3, 4)], treated=[0, 4])
    assert members(disease_groups(chain, max_treated=2)) == [[0, 1, 2, 3, 4]]


def test_a_graph_without_edges_between_diseases_has_groups_by_name_alone(toy_graph: KnowledgeGraph) -> None:
    assert members(disease_groups(toy_graph, max_treated=9)) == [[0], [1], [2]]


def test_an_edge_from_a_disease_to_itself_relates_nothing() -> None:
    assert related_diseases(graph_of(LETTERS[:2], [(0, 0), (0, 1), (1, 0)], directed=True)).tolist() == [[0], [1]]


# properties


@given(disease_graphs(), st.integers(1, 12))
def test_near_synonyms_are_never_parted(graph: KnowledgeGraph, max_treated: int) -> None:
    group = pd.Series(disease_groups(graph, max_treated=max_treated))
    names = graph.nodes_of("disease")["node_name"].map(normalised_name)
    assert group.groupby(names).nunique().max() == 1


@given(disease_graphs(), st.integers(1, 12))
def test_a_group_is_larger_than_allowed_by_near_synonyms_alone(graph: KnowledgeGraph, max_treated: int) -> None:
    group = disease_groups(graph, max_treated=max_treated)
    names = graph.nodes_of("disease")["node_name"].map(normalised_name)
    treated = np.unique(graph.indications[1])
    for number in np.unique(group[treated]):
        inside = treated[group[treated] == number]
        assert len(inside) <= max_treated or len(set(names[inside])) == 1


@given(disease_graphs())
def test_related_diseases_are_not_parted_where_all_fit(graph: KnowledgeGraph) -> None:
    one, other = disease_groups(graph, max_treated=12)[related_diseases(graph)]
    np.testing.assert_array_equal(one, other)


@given(disease_graphs(), st.integers(0, 100))
def test_no_group_crosses_folds_and_folds_differ_by_the_largest_group_at_most(graph: KnowledgeGraph, seed: int) -> None:
    treated = np.unique(graph.indications[1])
    group = disease_groups(graph, max_treated=len(treated) // 2)
    size = pd.Series(group[treated]).value_counts()
    config = SplitConfig(num_folds=2, seed=seed, kinds=["disease_group"])
    if len(size) < 2:
        with pytest.raises(ValueError, match=r"need at least 2 groups of related treated diseases \(got 1\): lower"):
            split_drug_disease_pairs(graph, config)
        return
    split = split_drug_disease_pairs(graph, config)
    fold = split.folds["disease_group", 0]
    assert pd.Series(fold).groupby(group[split.pairs[1]]).nunique().max() == 1
    counts = [len(np.unique(split.test_pairs(key)[1])) for key in split.keys]
    assert len(counts) == 2
    assert abs(counts[0] - counts[1]) <= size.max()


@pytest.mark.parametrize("seed", range(5))
def test_large_groups_are_dealt_first_so_that_small_ones_fill_up(seed: int) -> None:
    triangle_and_three = graph_of(LETTERS[:6], [(0, 1), (1, 2), (0, 2)])
    split = split_drug_disease_pairs(triangle_and_three, SplitConfig(num_folds=2, seed=seed, kinds=["disease_group"]))
    assert sorted(split.test_pairs(key)[1].tolist() for key in split.keys) == [[0, 1, 2], [3, 4, 5]]


# edges that cross


def test_edges_that_cross_folds_are_counted() -> None:
    # A chain of four, all treated, in two folds of two: the groups are 0-1 and 2-3, and the edge 1-2 crosses.
    chain = graph_of(LETTERS[:4], [(0, 1), (1, 2), (2, 3)])
    split = split_drug_disease_pairs(chain, SplitConfig(num_folds=2, kinds=["disease_group", "pair"]))
    expected = {"split": "disease_group", "repeat": 0, "edges": 3, "crossing_edges": 1, "crossing_share": 1 / 3}
    assert crossing_edges(split, chain).to_dict("records") == [expected]


def test_without_edges_between_diseases_there_is_no_share(toy_graph: KnowledgeGraph) -> None:
    split = split_drug_disease_pairs(toy_graph, SplitConfig(num_folds=2, kinds=["disease"]))
    found = crossing_edges(split, toy_graph)
    assert found["edges"].tolist() == [0]
    assert found["crossing_share"].isna().all()


def test_ids_that_stand_in_for_names_are_no_near_synonyms() -> None:
    nodes = [(kind, f"MONDO:{number:07}", None) for kind in ("drug", "disease") for number in range(3)]
    edges = [("drug", f"MONDO:{i:07}", "indication", "disease", f"MONDO:{i:07}") for i in range(3)]
    graph = build_knowledge_graph(
        pd.DataFrame(nodes, columns=list(NODE_COLUMNS)),
        pd.DataFrame(edges, columns=list(EDGE_COLUMNS)),
        therapeutic=TherapeuticRelations(),
    )
    assert members(disease_groups(graph, max_treated=1)) == [[0], [1], [2]]
