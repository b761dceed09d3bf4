import re
import time

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.metrics import average_precision_score

from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph, build_knowledge_graph, degrees
from hgt_repurposing.graph.schema import EDGE_COLUMNS, NODE_COLUMNS, PRIMEKG_RELATIONS, EdgeType, FloatArray, IntArray
from hgt_repurposing.graph.sources.mechanisms import mechanisms_of
from hgt_repurposing.graph.split import SplitConfig, split_drug_disease_pairs
from hgt_repurposing.graph.synthetic import SyntheticConfig, planted_causes, synthetic_knowledge_graph, synthetic_tables

DEMO_NODES = {
    "biological_process": 500,
    "disease": 200,
    "drug": 400,
    "effect/phenotype": 100,
    "gene/protein": 1600,
    "pathway": 200,
}
REFERENCE_NODES = {
    "biological_process": 19_739,
    "disease": 9_020,
    "drug": 7_957,
    "gene/protein": 27_671,
    "pathway": 2_516,
}

Tables = tuple[pd.DataFrame, pd.DataFrame]


@pytest.fixture(scope="session")
def demo_tables() -> Tables:
    return synthetic_tables(SyntheticConfig())


# size


def test_demo_has_its_nodes(demo_graph: KnowledgeGraph) -> None:
    assert demo_graph.num_nodes == DEMO_NODES


def test_demo_has_its_edges(demo_graph: KnowledgeGraph) -> None:
    assert demo_graph.num_edges == 60_000


def test_demo_treats_three_quarters_of_its_diseases(demo_graph: KnowledgeGraph) -> None:
    drugs, diseases = (len(np.unique(end)) for end in demo_graph.indications)
    assert 140 <= diseases <= 155
    assert 210 <= drugs <= 260


def test_demo_has_a_thousand_indications(demo_graph: KnowledgeGraph) -> None:
    assert demo_graph.indications.shape == (2, 1000)


@pytest.mark.slow
def test_reference_has_its_nodes_and_edges_exactly() -> None:
    graph = synthetic_knowledge_graph(SyntheticConfig(preset="reference"))
    assert graph.num_nodes == REFERENCE_NODES
    assert (graph.num_edges, len(graph.edges)) == (1_700_000, 12)


@pytest.mark.slow
def test_primekg_has_its_nodes_edges_and_rows_within_a_minute() -> None:
    start = time.process_time()
    nodes, edges = synthetic_tables(SyntheticConfig(preset="primekg"))
    assert time.process_time() - start < 60  # 12 s measured
    assert len(edges) == pytest.approx(8_100_498, rel=0.01)
    graph = build_knowledge_graph(nodes, edges, therapeutic=PRIMEKG_RELATIONS)
    assert (sum(graph.num_nodes.values()), len(graph.num_nodes)) == (129_375, 10)
    assert (graph.num_edges, len(graph.edges)) == (8_100_498 // 2, 30)


# chance


def test_one_seed_gives_one_graph(demo_graph: KnowledgeGraph) -> None:
    assert synthetic_knowledge_graph(SyntheticConfig(preset="demo", seed=42)).digest == demo_graph.digest


def test_seeds_give_different_graphs(demo_graph: KnowledgeGraph) -> None:
    assert synthetic_knowledge_graph(SyntheticConfig(seed=43)).digest != demo_graph.digest


# dirt


def test_tables_have_the_columns_of_a_source(demo_tables: Tables) -> None:
    assert [list(table) for table in demo_tables] == [list(NODE_COLUMNS), list(EDGE_COLUMNS)]


def test_edge_columns_are_categorical(demo_tables: Tables) -> None:
    assert {str(dtype) for dtype in demo_tables[1].dtypes} == {"category"}


def test_some_nodes_stand_twice(demo_graph: KnowledgeGraph) -> None:
    assert demo_graph.num_duplicate_nodes == 3


def test_some_edges_stand_twice(demo_tables: Tables) -> None:
    assert demo_tables[1].duplicated().sum() >= 60


def test_some_edges_but_not_all_stand_in_both_directions(demo_tables: Tables) -> None:
    forward = set(demo_tables[1].astype(str).itertuples(index=False, name=None))
    backward = {(*row[3:], row[2], *row[:2]) for row in forward}
    assert 0.2 < len(forward & backward) / len(forward) < 0.8


def test_different_types_share_ids(demo_tables: Tables) -> None:
    types_per_id = demo_tables[0].groupby("node_id")["node_type"].nunique()
    assert types_per_id["7"] == 5


def test_every_type_has_namesakes(demo_graph: KnowledgeGraph) -> None:
    repeated = demo_graph.nodes.duplicated(["node_type", "node_name"])
    assert set(demo_graph.nodes.loc[repeated, "node_type"]) == set(DEMO_NODES)


def test_every_type_has_isolated_nodes(demo_graph: KnowledgeGraph) -> None:
    degree = degrees(demo_graph)
    assert set(degree.loc[degree["degree"] == 0, "node_type"]) == set(DEMO_NODES)


def test_no_edge_joins_a_node_to_itself(demo_graph: KnowledgeGraph) -> None:
    symmetric = [index for t, index in demo_graph.edges.items() if t.source == t.target]
    assert not any((index[0] == index[1]).any() for index in symmetric)


def test_degrees_have_a_heavy_tail(demo_graph: KnowledgeGraph) -> None:
    by_type = degrees(demo_graph).groupby("node_type")["degree"]
    assert (by_type.max() / by_type.median() > 4).all()


def test_names_are_words(demo_graph: KnowledgeGraph) -> None:
    assert all(re.fullmatch(r"[A-Z][a-z]{8,}", name) for name in demo_graph.nodes_of("drug")["node_name"])


def test_no_pair_is_indicated_and_contraindicated(demo_graph: KnowledgeGraph) -> None:
    pairs = demo_graph.therapeutic_pairs(["indication", "contraindication", "off-label use"])
    assert pairs.shape[1] == 1000 + 1200 + 150


# the planted signal


def incidence(graph: KnowledgeGraph, source: str, relation: str, target: str) -> sparse.csr_array:
    index = graph.edges[EdgeType(source, relation, target)]
    shape = (graph.num_nodes[source], graph.num_nodes[target])
    return sparse.csr_array((np.ones(index.shape[1]), (index[0], index[1])), shape=shape)


def shared_genes(graph: KnowledgeGraph) -> FloatArray:
    """Targets of a drug that are genes of a disease, or interact with one; hubs count less. Shape [drugs, diseases]."""
    targets = incidence(graph, "drug", "drug_protein", "gene/protein")
    genes = incidence(graph, "disease", "disease_protein", "gene/protein")
    interacts = incidence(graph, "gene/protein", "protein_protein", "gene/protein")
    interacts = interacts + interacts.T
    scale = sparse.diags_array(1 / np.sqrt(np.maximum(interacts.sum(axis=1), 1)))
    smooth = sparse.eye_array(interacts.shape[0]) + scale @ interacts @ scale
    return np.asarray((targets @ smooth @ smooth.T @ genes.T).toarray())


def macro_average_precision(graph: KnowledgeGraph, scores: FloatArray | None) -> float:
    """Mean over held-out diseases, of given scores or of the drugs' numbers of training indications."""
    split = split_drug_disease_pairs(graph, SplitConfig(kinds=["disease"]))
    values = []
    for key in split.keys:
        popularity = np.bincount(split.training_pairs(key)[0], minlength=split.num_drugs).astype(float)
        for disease in np.unique(split.test_pairs(key)[1]):
            label = np.isin(np.arange(split.num_drugs), split.pairs[0, split.pairs[1] == disease])
            values.append(average_precision_score(label, popularity if scores is None else scores[:, disease]))
    return float(np.mean(values))


def test_shared_genes_find_the_drugs_of_held_out_diseases(demo_graph: KnowledgeGraph) -> None:
    assert macro_average_precision(demo_graph, shared_genes(demo_graph)) > 0.5  # .60 measured; random .02


def test_popularity_is_a_baseline_above_chance_and_below_the_mechanism(demo_graph: KnowledgeGraph) -> None:
    assert 0.05 < macro_average_precision(demo_graph, None) < 0.2  # .14 measured


def test_genes_interact_rather_within_a_pathway(demo_graph: KnowledgeGraph) -> None:
    members = incidence(demo_graph, "gene/protein", "pathway_protein", "pathway")
    together = (members @ members.T).toarray() > 0
    source, target = demo_graph.edges[EdgeType("gene/protein", "protein_protein", "gene/protein")]
    shuffled = np.random.default_rng(0).permutation(target)
    assert together[source, target].mean() > 2 * together[source, shuffled].mean()


# causes


@pytest.fixture(scope="session")
def demo_causes(demo_graph: KnowledgeGraph) -> IntArray:
    """Drug, disease and gene. Shape [3, num_causes]."""
    return mechanisms_of(planted_causes(SyntheticConfig()), demo_graph).triples


@pytest.mark.parametrize(
    ("seed", "digest"),
    [
        (7, "69a3e1920dd58466eb35cb223324ebdd818579565530350f30930205509a3028"),
        (42, "bda06cbbbccc0fecd4cb8c34613e837a8cb4ae8eac7635bbbe95cdc32950baf9"),
    ],
)
def test_the_mechanism_of_earlier_versions_gives_their_graphs(seed: int, digest: str) -> None:
    graph = synthetic_knowledge_graph(SyntheticConfig(seed=seed, mechanism="module"))
    assert graph.digest == digest


def test_the_mechanism_changes_no_edge_but_those_to_genes_of_drugs_and_diseases(demo_graph: KnowledgeGraph) -> None:
    other = synthetic_knowledge_graph(SyntheticConfig(mechanism="module"))
    changed = {t.relation for t, index in demo_graph.edges.items() if not np.array_equal(index, other.edges[t])}
    assert changed == {"drug_protein", "disease_protein"}
    assert demo_graph.num_edges == other.num_edges


def test_every_treatment_that_is_not_random_has_one_cause(demo_graph: KnowledgeGraph, demo_causes: IntArray) -> None:
    assert demo_causes.shape == (3, 1000 - 80 + 150 - 12)
    assert np.unique(demo_causes[:2], axis=1).shape == demo_causes[:2].shape
    treats = demo_graph.therapeutic_pairs(["indication", "off-label use"])
    assert set(zip(*demo_causes[:2].tolist(), strict=True)) <= set(zip(*treats.tolist(), strict=True))


def test_the_drug_binds_the_cause_and_the_disease_carries_it(demo_graph: KnowledgeGraph, demo_causes: IntArray) -> None:
    targets = incidence(demo_graph, "drug", "drug_protein", "gene/protein").toarray()
    genes = incidence(demo_graph, "disease", "disease_protein", "gene/protein").toarray()
    drug, disease, gene = demo_causes
    assert (targets[drug, gene] > 0).all()
    assert (genes[disease, gene] > 0).all()


def test_genes_in_common_do_not_give_the_cause_away(demo_graph: KnowledgeGraph, demo_causes: IntArray) -> None:
    targets = incidence(demo_graph, "drug", "drug_protein", "gene/protein").toarray()
    genes = incidence(demo_graph, "disease", "disease_protein", "gene/protein").toarray()
    in_common = (targets[demo_causes[0]] * genes[demo_causes[1]]).sum(axis=1)
    assert (in_common > 1).mean() > 0.5
    assert (targets[demo_causes[0]].sum(axis=1) > in_common).mean() > 0.5  # and other targets that it does not carry


def test_other_drugs_that_bind_the_cause_treat_diseases_that_carry_it(
    demo_graph: KnowledgeGraph, demo_causes: IntArray
) -> None:
    by_gene = np.unique(demo_causes[[0, 2]], axis=1)
    num_drugs = np.bincount(by_gene[1], minlength=demo_graph.num_nodes["gene/protein"])
    assert (num_drugs[demo_causes[2]] > 1).mean() > 0.8


def test_the_mechanism_of_earlier_versions_has_no_causes() -> None:
    assert planted_causes(SyntheticConfig(mechanism="module")).empty
