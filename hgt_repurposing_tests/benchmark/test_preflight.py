"""What graph and settings say of a run is found at the split, with the numbers, before anything is trained."""

import numpy as np
import pytest

from hgt_repurposing.benchmark.folds import EvaluatedFold
from hgt_repurposing.benchmark.preflight import split_for_learning
from hgt_repurposing.benchmark.protocol import TherapeuticPairs
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.split import SplitConfig, split_drug_disease_pairs
from hgt_repurposing.graph.split_kinds import SPLIT_KINDS
from hgt_repurposing.graph.synthetic import SyntheticConfig, synthetic_knowledge_graph
from hgt_repurposing.repurposing.inputs import PairInputs
from hgt_repurposing.repurposing.labels import UNKNOWN, Labels
from hgt_repurposing.repurposing.masked_cells import masked_cells, masks_of
from hgt_repurposing.repurposing.neighbourhoods import neighbourhoods_of
from hgt_repurposing.repurposing.params import ClassifierParams
from hgt_repurposing.repurposing.vectors import PairVectors
from hgt_repurposing.training.params import EmbeddingParams
from hgt_repurposing_tests.graph.small_graphs import Ends, graph_of
from hgt_repurposing_tests.repurposing.planted import QUICK, fold_scores


def treated(
    num_diseases: int, *, num_drugs: int = 30, related: Ends | None = None, everything: bool = False
) -> KnowledgeGraph:
    """Diseases with two drugs each, or all of them; every drug and disease has a gene of its own."""
    pairs = [(drug, disease) for disease in range(num_diseases) for drug in (2 * disease, 2 * disease + 1)]
    if everything:
        pairs = [(drug, disease) for disease in range(num_diseases) for drug in range(num_drugs)]
    edges: dict[tuple[str, str, str], Ends] = {
        ("drug", "indication", "disease"): pairs,
        ("drug", "target", "gene"): [(drug, drug) for drug in range(num_drugs)],
        ("disease", "associated", "gene"): [(disease, disease) for disease in range(num_diseases)],
    }
    if related:
        edges["disease", "is_a", "disease"] = related
    return graph_of({"drug": num_drugs, "disease": num_diseases, "gene": num_drugs}, edges)


def learn(inner_folds: int = 5) -> ClassifierParams:
    return ClassifierParams(inner_folds=inner_folds)


# folds and inner folds


@pytest.mark.parametrize("num_diseases", [5, 6])
def test_as_many_treated_diseases_as_folds_are_too_few_to_learn_from_what_is_left(num_diseases: int) -> None:
    said = (
        r"^learning hides 5 inner folds in turn and needs at least as many treated diseases without the "
        r"fold \(disease, repeat 0, fold \d\) \(got 4\): set inner_folds of repurposing_model to 4 or fewer, raise"
    )
    with pytest.raises(ValueError, match=said):
        split_for_learning(treated(num_diseases), SplitConfig(), classifier=learn())


def test_seven_will_do() -> None:
    split, _ = split_for_learning(treated(7), SplitConfig(kinds=["disease", "pair", "drug"]), classifier=learn())
    assert {key.kind for key in split.keys} == {"disease", "pair", "drug"}


def test_what_the_sentence_advises_helps() -> None:
    split, _ = split_for_learning(treated(5), SplitConfig(kinds=["disease"]), classifier=learn(4))
    assert len(split.keys) == 5


def test_the_final_model_needs_them_for_every_kind_whichever_is_measured() -> None:
    with pytest.raises(ValueError, match=r"3 inner folds .* treated diseases \(got 2\): lower inner_folds"):
        split_for_learning(treated(2), SplitConfig(kinds=["pair"], num_folds=4), classifier=learn(3))


def test_without_a_classifier_in_the_run_folds_alone_count() -> None:
    split, _ = split_for_learning(treated(5), SplitConfig(kinds=["disease"]))
    assert len(split.keys) == 5


@pytest.mark.parametrize("kind", SPLIT_KINDS)
def test_what_the_split_promises_learning_keeps(kind: str) -> None:
    """Of no fold that the split has let pass are cells left without a score by what learns later."""
    graph = treated(8, related=[(0, 1), (2, 3)])
    params = QUICK.model_copy(update={"inner_folds": 4})
    split, _ = split_for_learning(graph, SplitConfig(kinds=[kind], num_folds=3), classifier=params)
    inputs = PairInputs(neighbourhoods_of(graph), PairVectors.none(*graph.grid_shape), Labels.of_graph(graph))
    said = TherapeuticPairs.of_graph(graph)
    for key in split.keys:
        fold = EvaluatedFold(split, key, said, SPLIT_KINDS[kind].hiding(graph, num_folds=3).group)
        assert np.isfinite(fold_scores(fold, inputs, params)).all()


# groups of related diseases

TREE = [(0, disease) for disease in range(1, 8)]
CHAIN = [(disease, disease + 1) for disease in range(7)]
FAMILIES = [(0, 1), (1, 2), (3, 4), (4, 5), (6, 7)]


@pytest.mark.parametrize("related", [TREE, CHAIN, FAMILIES], ids=["tree", "chain", "families"])
def test_groups_that_are_too_few_are_left_out_with_a_warning_and_the_rest_is_measured(
    related: Ends, caplog: pytest.LogCaptureFixture
) -> None:
    config = SplitConfig(num_folds=2)
    split, _ = split_for_learning(treated(8, related=related), config, classifier=learn(2))
    kinds = {key.kind for key in split.keys}
    assert kinds | set(split.left_out) == set(SPLIT_KINDS)
    if "disease_group" in split.left_out:
        assert "groups of related treated diseases" in split.left_out["disease_group"]
        assert f"the split by disease_group is left out: {split.left_out['disease_group']}" in caplog.text
    else:
        assert caplog.text == ""


def test_a_hierarchy_leaves_one_group_of_two_and_is_left_out() -> None:
    split, _ = split_for_learning(treated(8, related=CHAIN), SplitConfig(num_folds=2), classifier=learn(2))
    assert split.left_out["disease_group"].startswith("learning hides 2 inner folds in turn and needs")


def test_the_demo_of_seed_202_passes_smoke_without_the_groups_it_has_too_few_of() -> None:
    graph = synthetic_knowledge_graph(SyntheticConfig(preset="demo", seed=202, mechanism="module"))
    split, _ = split_for_learning(graph, SplitConfig(num_folds=2), classifier=learn(2))
    assert {key.kind for key in split.keys} == {"disease", "pair", "drug"}
    assert r"(got 1)" in split.left_out["disease_group"]


def test_groups_alone_that_are_too_few_are_an_error_for_nothing_else_would_be_measured() -> None:
    config = SplitConfig(num_folds=2, kinds=["disease_group"])
    with pytest.raises(ValueError, match=r"groups of related treated diseases .*leave disease_group out of the kinds"):
        split_for_learning(treated(8, related=CHAIN), config, classifier=learn(2))


def test_what_was_left_out_comes_back_from_disk() -> None:
    split, _ = split_for_learning(treated(8, related=CHAIN), SplitConfig(num_folds=2), classifier=learn(2))
    back = type(split).from_parts(split.to_parts())
    assert back.left_out == split.left_out
    assert back.digest == split.digest


def test_folds_are_the_same_whether_or_not_learning_is_looked_at(demo_graph: KnowledgeGraph) -> None:
    plain = split_drug_disease_pairs(demo_graph, SplitConfig())
    assert split_for_learning(demo_graph, SplitConfig(), classifier=learn()).split.digest == plain.digest


# nothing to compare by, nothing to rank against


def test_drugs_that_only_treatments_touch_are_said_before_the_training() -> None:
    bare = treated(8).without([t for t in treated(8).edges if t.relation == "target"])
    with pytest.raises(ValueError, match=r"^the 'drug' nodes have no relations other than treatments"):
        split_for_learning(bare, SplitConfig(), classifier=learn())


def test_every_drug_for_every_disease_leaves_nothing_to_learn_from() -> None:
    graph = treated(8, num_drugs=16, everything=True)
    with pytest.raises(
        ValueError, match=r"^every treating drug \(16\) is indicated for every treated disease \(8\): there is no neg"
    ):
        split_for_learning(graph, SplitConfig(kinds=["disease"]), classifier=learn())


def star(end: int, *, num_treatments: int = 8) -> KnowledgeGraph:
    """All treatments are of one drug (0) or of one disease (1); other drugs and diseases have none."""
    pairs = [(0, other) if end == 0 else (other, 0) for other in range(num_treatments)]
    bare = treated(8)
    return graph_of(bare.num_nodes, {**dict(bare.edges.items()), ("drug", "indication", "disease"): pairs})


@pytest.mark.parametrize("num_treatments", [1, 2, 8])
@pytest.mark.parametrize("end", [0, 1], ids=["drug", "disease"])
@pytest.mark.parametrize("kind", ["pair", "disease", "drug"])
def test_a_single_drug_or_disease_with_all_treatments_is_refused_at_the_split(
    kind: str, end: int, num_treatments: int
) -> None:
    config = SplitConfig(kinds=[kind], num_folds=2)
    with pytest.raises(ValueError, match=r"need.* at least .* \(got \d\)"):
        split_for_learning(star(end, num_treatments=num_treatments), config, classifier=learn(2))


@pytest.mark.parametrize("end", [0, 1], ids=["drug", "disease"])
def test_a_fold_that_leaves_a_single_drug_or_disease_with_all_treatments_is_refused_at_the_split(end: int) -> None:
    graph = star(end, num_treatments=6)
    pairs = np.concatenate([graph.indications, [[1], [1]]], axis=1)  # it is held out by some fold
    graph = graph_of(graph.num_nodes, {**dict(graph.edges.items()), ("drug", "indication", "disease"): pairs})
    counted = r"treating drug \(1\) .* disease \(5\)" if end == 0 else r"treating drug \(5\) .* disease \(1\)"
    with pytest.raises(
        ValueError, match=rf"^every {counted} without the fold \(pair, repeat 0, fold \d\): there is no"
    ):
        split_for_learning(graph, SplitConfig(kinds=["pair"], num_folds=4), classifier=learn(2))


def test_relations_of_one_edge_each_are_too_few_to_train_on() -> None:
    graph = graph_of(
        {"drug": 8, "disease": 8, "gene": 2},
        {
            ("drug", "indication", "disease"): [(i, i) for i in range(8)],
            ("drug", "target", "gene"): [(0, 0)],
            ("disease", "associated", "gene"): [(0, 0)],
        },
    )
    with pytest.raises(ValueError, match=r"^too few edges to train on: no relation except those between drugs an"):
        split_for_learning(graph, SplitConfig(), classifier=learn(), embedding=EmbeddingParams())


def test_a_contrastive_loss_without_genes_is_said_before_the_training() -> None:
    graph = graph_of(
        {"drug": 8, "disease": 8, "symptom": 2},
        {
            ("drug", "indication", "disease"): [(i, i) for i in range(8)],
            ("drug", "causes", "symptom"): [(0, 0)],
            ("disease", "presents", "symptom"): [(0, 0)],
        },
    )
    with pytest.raises(
        ValueError, match=r"contrastive_weight compares diseases by their genes .*'symptom'\): set it to"
    ):
        split_for_learning(graph, SplitConfig(), embedding=EmbeddingParams(contrastive_weight=0.1))


def test_where_next_to_everything_is_known_the_few_negatives_count() -> None:
    """Random draws alone would miss the one pair that is unknown of 60."""
    graph = treated(4, num_drugs=15, everything=True)
    labels = Labels.of_graph(graph).with_indications(graph.indications[:, 1:])  # drug 0 does not treat disease 0
    hidden = [np.arange(59) % 3 == part for part in range(3)]
    for mask in masks_of(labels, hidden, np.random.default_rng(0)):
        cells = masked_cells(labels, mask, "warm pair", params=QUICK, max_columns=4, generator=np.random.default_rng(0))
        counted = (cells.label == UNKNOWN) & (cells.weight > 0)
        assert cells.pairs[:, counted].tolist() == [[0], [0]]
        assert cells.weight[counted].tolist() == [1]
