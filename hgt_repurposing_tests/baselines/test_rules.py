import warnings
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from scipy.sparse import csr_array
from threadpoolctl import threadpool_info

from hgt_repurposing.baselines.baseline import Baseline, BaselineInputs
from hgt_repurposing.baselines.factorisation import matrix_factorisation
from hgt_repurposing.baselines.rules import (
    RANDOM,
    RULES,
    degree_product,
    disease_degree,
    disease_knn,
    disease_similarity,
    drug_degree,
    drug_knn,
    drug_similarity,
    gene_paths,
    random_order,
)
from hgt_repurposing.graph.schema import FloatArray
from hgt_repurposing_tests.baselines.fold_inputs import (
    DISEASE_GENES,
    DRUG_GENES,
    LABELS,
    fold_inputs,
    folds,
    planted_fold,
    scores_of,
    two_blocks,
    without_genes,
)


def slow_knn(train: FloatArray) -> FloatArray:
    scores = np.zeros_like(train)
    for drug in range(len(train)):
        for other in range(len(train)):
            lengths = np.linalg.norm(train[drug]) * np.linalg.norm(train[other])
            if drug != other and lengths > 0:
                scores[drug] += train[drug] @ train[other] / lengths * train[other]
    return scores


def slow_cosines(genes: FloatArray) -> FloatArray:
    weighted = genes / np.sqrt(np.maximum(genes.sum(axis=0), 1))
    return np.array([[cosine(first, second) for second in weighted] for first in weighted])


def cosine(first: FloatArray, second: FloatArray) -> float:
    lengths = np.linalg.norm(first) * np.linalg.norm(second)
    return float(first @ second / lengths) if lengths else 0.0


def slow_paths(drug_genes: FloatArray, disease_genes: FloatArray) -> FloatArray:
    scores = np.zeros((len(drug_genes), len(disease_genes)))
    for drug, gene in np.argwhere(drug_genes):
        for disease in np.flatnonzero(disease_genes[:, gene]):
            degrees = (
                drug_genes[drug].sum(),
                drug_genes[:, gene].sum(),
                disease_genes[:, gene].sum(),
                disease_genes[disease].sum(),
            )
            scores[drug, disease] += np.prod(np.array(degrees) ** -0.4)
    return scores


# popularity


def test_drug_degree_is_the_number_of_treated_diseases_in_every_column() -> None:
    assert drug_degree(fold_inputs())(np.array([3, 0])).tolist() == [[2, 2], [1, 1], [1, 1], [0, 0]]


def test_disease_degree_is_the_number_of_treating_drugs_in_every_row() -> None:
    assert disease_degree(fold_inputs())(np.array([3, 0])).tolist() == [[0, 2]] * 4


def test_degree_product_adds_one_to_both_degrees() -> None:
    assert degree_product(fold_inputs())(np.array([0, 2])).tolist() == [[9, 6], [6, 4], [6, 4], [3, 2]]


def test_degree_product_still_ranks_the_drugs_of_a_new_disease() -> None:
    assert degree_product(fold_inputs())(np.array([3]))[:, 0].tolist() == [3, 2, 2, 1]


# neighbours


def test_drug_knn_of_the_worked_example() -> None:
    # Drugs 0 and 1 share disease 0: cosine 1 / sqrt(2). Drug 1 inherits disease 1 from drug 0; nobody is like drug 2.
    c = 1 / np.sqrt(2)
    expected = [[c, 0, 0, 0], [c, c, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]
    np.testing.assert_allclose(scores_of(drug_knn, fold_inputs()), expected, rtol=1e-12)


def test_a_drug_is_not_its_own_neighbour() -> None:
    assert scores_of(drug_knn, without_genes(np.array([[1.0, 1.0]]))).tolist() == [[0, 0]]


@given(folds())
def test_drug_knn_agrees_with_the_sum_over_pairs_of_drugs(inputs: BaselineInputs) -> None:
    np.testing.assert_allclose(scores_of(drug_knn, inputs), slow_knn(inputs.train.toarray()), atol=1e-12)


def test_disease_knn_of_the_worked_example() -> None:
    # Diseases 0 and 1 share drug 0: cosine 1 / sqrt(2). Drug 1 inherits disease 1 from disease 0; drug 0 has each of
    # them from the other. Nothing is like disease 2.
    c = 1 / np.sqrt(2)
    expected = [[c, c, 0, 0], [0, c, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]
    np.testing.assert_allclose(scores_of(disease_knn, fold_inputs()), expected, rtol=1e-12)


def test_a_disease_is_not_its_own_neighbour() -> None:
    assert scores_of(disease_knn, without_genes(np.array([[1.0], [1.0]]))).tolist() == [[0], [0]]


@given(folds())
def test_disease_knn_is_drug_knn_of_the_transposed_table(inputs: BaselineInputs) -> None:
    expected = slow_knn(inputs.train.toarray().T).T
    np.testing.assert_allclose(scores_of(disease_knn, inputs), expected, atol=1e-12)


def test_disease_similarity_of_the_worked_example() -> None:
    # Genes 0 and 1 stand at two diseases each and weigh the same; disease 3 has both: cosine 1 / sqrt(2) to 0 and to 1.
    # Drug 0 treats both, drug 1 disease 0, and disease 2 of drug 2 has no gene.
    expected = [2 / np.sqrt(2), 1 / np.sqrt(2), 0, 0]
    np.testing.assert_allclose(scores_of(disease_similarity, fold_inputs())[:, 3], expected, rtol=1e-12)


def test_drug_similarity_of_the_worked_example() -> None:
    # Gene 0 at three drugs, gene 1 at two: drug 1 is sqrt(1/3), sqrt(1/2) long per gene, so its cosine to drugs 0 and
    # 3, who have gene 0 alone, is sqrt(1/3) / sqrt(1/3 + 1/2) = sqrt(2/5). Disease 1 is treated by drug 0 alone.
    expected = [1, np.sqrt(2 / 5), 0, 1]
    np.testing.assert_allclose(scores_of(drug_similarity, fold_inputs())[:, 1], expected, rtol=1e-12)


@given(folds())
def test_disease_similarity_agrees_with_the_sum_over_pairs_of_diseases(inputs: BaselineInputs) -> None:
    expected = inputs.train.toarray() @ slow_cosines(inputs.disease_genes.toarray())
    np.testing.assert_allclose(scores_of(disease_similarity, inputs), expected, atol=1e-12)


@given(folds())
def test_drug_similarity_agrees_with_the_sum_over_pairs_of_drugs(inputs: BaselineInputs) -> None:
    expected = slow_cosines(inputs.drug_genes.toarray()) @ inputs.train.toarray()
    np.testing.assert_allclose(scores_of(drug_similarity, inputs), expected, atol=1e-12)


# paths


def test_gene_paths_of_the_worked_example() -> None:
    # Drug 1 - gene 0 - disease 3: degrees 2, 3, 2, 2; drug 1 - gene 1 - disease 3: degrees 2, 2, 2, 2.
    assert scores_of(gene_paths, fold_inputs())[1, 3] == pytest.approx(24**-0.4 + 16**-0.4)


@given(folds())
def test_gene_paths_agree_with_the_sum_over_paths(inputs: BaselineInputs) -> None:
    expected = slow_paths(inputs.drug_genes.toarray(), inputs.disease_genes.toarray())
    np.testing.assert_allclose(scores_of(gene_paths, inputs), expected, atol=1e-12)


@given(folds())
def test_gene_paths_know_no_label(inputs: BaselineInputs) -> None:
    blind = replace(inputs, train=csr_array(inputs.train.shape))
    np.testing.assert_array_equal(scores_of(gene_paths, inputs), scores_of(gene_paths, blind))


# factorisation


def test_factorisation_finds_the_blocks_of_the_labels() -> None:
    labels = two_blocks()
    labels[0, 0] = labels[11, 9] = 0
    scores = scores_of(matrix_factorisation, without_genes(labels))
    assert min(scores[0, 0], scores[11, 9]) > 10 * np.abs(scores[:6, 5:]).max()


def test_factorisation_repeats_with_the_seed_to_the_bit() -> None:
    first, second = (scores_of(matrix_factorisation, planted_fold(seed=3)) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_factorisation_scores_what_has_no_label_zero() -> None:
    scores = scores_of(matrix_factorisation, fold_inputs())
    assert not scores[:, 3].any()
    assert not scores[3].any()
    assert scores[0, 0] > 0


def test_factorisation_leaves_the_threads_of_blas_as_they_were_and_warns_of_none() -> None:
    before = threadpool_info()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        scores_of(matrix_factorisation, fold_inputs())
    assert caught == []
    assert [pool["num_threads"] for pool in threadpool_info()[: len(before)]] == [p["num_threads"] for p in before]


# chance


def test_random_scores_repeat_with_the_seed() -> None:
    first, second = (scores_of(random_order, fold_inputs(seed=7)) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_random_scores_have_no_ties() -> None:
    scores = scores_of(random_order, planted_fold())
    assert len(np.unique(scores)) == scores.size


def test_no_draw_depends_on_what_was_drawn_before() -> None:
    inputs = planted_fold()
    alone = scores_of(RANDOM.fit, inputs)
    for rule in reversed(RULES):
        scores_of(rule.fit, inputs)
    np.testing.assert_array_equal(scores_of(RANDOM.fit, inputs), alone)


def test_every_rule_has_draws_of_its_own() -> None:
    inputs = planted_fold()
    assert not np.array_equal(scores_of(RANDOM.fit, inputs), scores_of(replace(RANDOM, name="another").fit, inputs))


# all of them


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_every_rule_scores_drugs_by_columns(rule: Baseline) -> None:
    scores = rule.fit(fold_inputs())(np.array([3, 1, 1]))
    assert scores.shape == (4, 3)
    assert scores.dtype == np.float64


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_no_rule_changes_its_inputs(rule: Baseline) -> None:
    inputs = fold_inputs()
    scores_of(rule.fit, inputs)
    np.testing.assert_array_equal(inputs.train.toarray(), LABELS)
    np.testing.assert_array_equal(inputs.drug_genes.toarray(), DRUG_GENES)
    np.testing.assert_array_equal(inputs.disease_genes.toarray(), DISEASE_GENES)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_every_rule_scores_a_graph_without_genes(rule: Baseline) -> None:
    scores = scores_of(rule.fit, without_genes())
    assert np.isfinite(scores).all()


def test_rules_by_genes_have_nothing_to_go_by_without_them() -> None:
    no_disease, no_drug = fold_inputs(disease_genes=np.zeros((4, 3))), fold_inputs(drug_genes=np.zeros((4, 3)))
    assert {rule.name for rule in RULES if rule.missing(no_disease) == "the graph links no disease to a gene"} == {
        "disease similarity by genes",
        "drug-gene-disease paths",
    }
    assert {rule.name for rule in RULES if rule.missing(no_drug) == "the graph links no drug to a gene"} == {
        "drug similarity by targets",
        "drug-gene-disease paths",
    }


# what is refused


def test_drug_genes_of_other_drugs_are_refused() -> None:
    with pytest.raises(ValueError, match=r"drug_genes must have a row per drug, 4 \(got 3\)"):
        fold_inputs(drug_genes=DRUG_GENES[:3])


def test_disease_genes_of_other_genes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"disease_genes must have the shape .* \(4, 3\) \(got \(4, 2\)\)"):
        fold_inputs(disease_genes=DISEASE_GENES[:, :2])


def test_groups_of_other_diseases_are_refused() -> None:
    with pytest.raises(ValueError, match=r"groups must have the shape \(4,\) \(got \(3,\)\)"):
        fold_inputs(group=np.arange(3))
