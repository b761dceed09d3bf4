"""What a pair's features are, and that no pair speaks for itself.

Which label may reach which feature: with the degree dampings held fixed (`Undamped`), none but the Kronecker ridge and
the baselines of shared treatments reads the label of its own pair; of a cold disease none but the ridge and "similarity
to any treating drug" reads any label of its own disease; of a cold drug none but the ridge reads any label of its own
drug; of a cold pair both hold. A feature "against other drugs" reads what its plain form reads for any drug. The ridge
reads all labels, which is why those who ask hide them first: that is tested in `test_learning.py` and `test_folds.py`.
"""

import gc
import weakref
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array

from hgt_repurposing.graph.schema import Features, FloatArray, IntArray
from hgt_repurposing.graph.settings import SETTINGS, Setting
from hgt_repurposing.repurposing.baseline_scores import fit_baseline_scores
from hgt_repurposing.repurposing.features import SHARED_TREATMENTS, SPREAD, PairFeatures, VisibleTreatments
from hgt_repurposing.repurposing.neighbourhoods import neighbourhoods_of
from hgt_repurposing_tests.graph.small_graphs import graph_of
from hgt_repurposing_tests.repurposing.planted import (
    NUM_DISEASES,
    NUM_DRUGS,
    planted_graph,
    planted_pairs,
    shuffled_pairs,
    table_of,
)

NEIGHBOURHOODS = neighbourhoods_of(planted_graph())
PAIRS, ALL = planted_pairs(), np.arange(NUM_DISEASES)
RIDGE, ANY = "Kronecker ridge", "similarity to any treating drug"
RELATIVE = ", against other drugs"
FLOAT32 = 1e-5

drugs, diseases = st.integers(0, NUM_DRUGS - 1), st.integers(0, NUM_DISEASES - 1)


class Undamped(VisibleTreatments):
    """As if every drug and every disease had one treatment."""

    @property
    def by_disease(self) -> csr_array:
        return self.visible

    @property
    def damped_anchors(self) -> csr_array:
        return csr_array(self.visible[:, self.neighbourhoods.diseases.anchors])


def features(
    pairs: IntArray = PAIRS, setting: Setting = "warm pair", *, kind: type[VisibleTreatments] = VisibleTreatments
) -> PairFeatures:
    return from_table(table_of(pairs), setting, kind=kind)


def from_table(
    table: FloatArray, setting: Setting, *, kind: type[VisibleTreatments] = VisibleTreatments
) -> PairFeatures:
    visible = csr_array(table.astype(np.float32))
    return PairFeatures(kind(NEIGHBOURHOODS, visible, fit_baseline_scores(NEIGHBOURHOODS, visible)), setting)


def column(of: PairFeatures, name: str) -> FloatArray:
    """Shape [num_drugs, num_diseases]."""
    values: FloatArray = of.block(ALL)[:, :, of.names.index(name)].astype(np.float64)
    return values


def apart_from(of: PairFeatures, *names: str) -> Features:
    """All other features. Shape [num_drugs, num_diseases, num_others]."""
    kept = [place for place, name in enumerate(of.names) if name not in names]
    return of.block(ALL)[:, :, kept]


def plain(of: PairFeatures) -> Features:
    """All but the ridge, baselines and those against other drugs. Shape [num_drugs, num_diseases, num_others]."""
    return apart_from(of, RIDGE, *SHARED_TREATMENTS, *(name for name in of.names if name.endswith(RELATIVE)))


# what they are, by definition

TABLE = table_of(PAIRS)
DAMPED = TABLE / np.sqrt(TABLE.sum(axis=1, keepdims=True).clip(1)) / np.sqrt(TABLE.sum(axis=0).clip(1))
DRUG_SIDE, DISEASE_SIDE = NEIGHBOURHOODS.drugs, NEIGHBOURHOODS.diseases


def squashed(values: FloatArray) -> FloatArray:
    return np.arcsinh(SPREAD * values)


@pytest.mark.parametrize("name", list(DISEASE_SIDE.similarities))
def test_labels_are_pushed_to_similar_diseases(name: str) -> None:
    expected = squashed(DAMPED[:, DISEASE_SIDE.anchors] @ DISEASE_SIDE.similarities[name].toarray().T)
    np.testing.assert_allclose(column(features(), f"treats similar diseases by {name}"), expected, atol=FLOAT32)


@pytest.mark.parametrize("name", list(DRUG_SIDE.similarities))
def test_labels_are_pushed_to_similar_drugs(name: str) -> None:
    labels = (TABLE / np.sqrt(TABLE.sum(axis=0).clip(1)))[DRUG_SIDE.anchors]
    expected = squashed(DRUG_SIDE.similarities[name].toarray() @ labels)
    np.testing.assert_allclose(column(features(), f"similar drugs treat it by {name}"), expected, atol=FLOAT32)


def test_labels_are_pushed_to_both_sides() -> None:
    anchored = DAMPED[np.ix_(DRUG_SIDE.anchors, DISEASE_SIDE.anchors)]
    expected = squashed(DRUG_SIDE.average.toarray() @ anchored @ DISEASE_SIDE.average.toarray().T)
    np.testing.assert_allclose(column(features(), "similar drugs treat similar diseases"), expected, atol=FLOAT32)


def test_the_nearest_neighbour_with_a_treatment_counts() -> None:
    to_drugs, to_diseases = np.zeros((NUM_DRUGS, NUM_DRUGS)), np.zeros((NUM_DISEASES, NUM_DISEASES))
    to_drugs[:, DRUG_SIDE.anchors] = DRUG_SIDE.average.toarray()
    to_diseases[:, DISEASE_SIDE.anchors] = DISEASE_SIDE.average.toarray()
    disease, drug, treating = (np.zeros((NUM_DRUGS, NUM_DISEASES)) for _ in range(3))
    for c, d in np.ndindex(NUM_DRUGS, NUM_DISEASES):
        disease[c, d] = max(to_diseases[d, TABLE[c] > 0], default=0)
        drug[c, d] = max(to_drugs[c, TABLE[:, d] > 0], default=0)
        treating[c, d] = max(to_drugs[c, TABLE.any(axis=1)])
    np.testing.assert_allclose(column(features(), "most similar treated disease"), disease, atol=FLOAT32)
    np.testing.assert_allclose(column(features(), "most similar treating drug"), drug, atol=FLOAT32)
    np.testing.assert_allclose(column(features(), ANY), treating, atol=FLOAT32)


def test_paths_are_counted_in_units_of_their_mean() -> None:
    for paths in NEIGHBOURHOODS.paths:
        counts = (paths.drug_walk @ paths.disease_walk.T).toarray()
        expected = np.arcsinh(counts / counts[counts > 0].mean())
        np.testing.assert_allclose(column(features(), f"paths {paths.name}"), expected, atol=FLOAT32)


def test_the_kronecker_ridge_is_the_solution_of_kernel_ridge_regression() -> None:
    edges = {
        ("drug", "indication", "disease"): [(0, 0), (1, 0), (2, 1), (3, 2)],
        ("drug", "targets", "gene"): [(0, 0), (0, 1), (1, 1), (2, 2), (3, 2), (3, 0), (4, 1)],
        ("disease", "associates", "gene"): [(0, 1), (1, 2), (2, 0), (2, 2), (1, 0)],
    }
    graph = graph_of({"drug": 5, "disease": 3, "gene": 3}, edges)
    near = neighbourhoods_of(graph)
    visible = np.zeros((5, 3), dtype=np.float32)
    visible[tuple(graph.indications)] = 1
    one, other = (
        (side.kernel.vectors * side.kernel.values) @ side.kernel.vectors.T for side in (near.drugs, near.diseases)
    )
    of_pairs = np.kron(one, other)  # kernel of all 15 pairs
    labels = (visible / np.sqrt(visible.sum(axis=0).clip(1))).ravel()
    expected = of_pairs @ np.linalg.solve(of_pairs + np.eye(15), labels)
    of = PairFeatures.of_every_setting(near, csr_array(visible))["warm pair"]
    found = of.block(np.arange(3))[..., of.names.index("Kronecker ridge")]
    np.testing.assert_allclose(found.ravel(), SPREAD * expected, atol=FLOAT32)


def test_features_leave_memory_with_their_last_reference() -> None:
    # On a graph of 7,829 drugs, those of eleven masks waited for a collection of cycles: 12.8 GiB instead of 1.
    gc.disable()
    try:
        of = features()
        of.block(ALL)
        kept = weakref.ref(of.treatments)
        del of
        assert kept() is None
    finally:
        gc.enable()


# a set of features for each setting


def test_an_end_without_a_treatment_is_not_asked_about_treatments() -> None:
    names = {setting: set(features(setting=setting).names) for setting in SETTINGS}
    by_disease = {name for name in names["warm pair"] if name.startswith(("treats similar", "most similar treated"))}
    by_drug = {
        name for name in names["warm pair"] if name.startswith(("similar drugs treat it", "most similar treating"))
    }
    shared = {name for name in names["warm pair"] if name.startswith(SHARED_TREATMENTS)}
    assert (len(by_disease), len(by_drug), len(shared)) == (10, 8, 6)  # each plain, and against other drugs
    assert names["cold disease"] == names["warm pair"] - by_drug - shared
    assert names["cold drug"] == names["warm pair"] - by_disease - shared
    assert names["cold pair"] == names["warm pair"] - by_disease - by_drug - shared


@pytest.mark.parametrize("name", SHARED_TREATMENTS)
def test_baselines_of_shared_treatments_are_features_of_warm_pairs_on_the_same_scale(name: str) -> None:
    of = features()
    np.testing.assert_allclose(column(of, name), squashed(of.baselines.rules[name](ALL)), atol=FLOAT32)


@pytest.mark.parametrize("setting", SETTINGS)
def test_what_settings_share_is_the_same(setting: Setting) -> None:
    pair, own = features(), features(setting=setting)
    for name in own.names:
        np.testing.assert_array_equal(column(own, name), column(pair, name), err_msg=name)


def test_settings_share_their_baselines() -> None:
    every = PairFeatures.of_every_setting(NEIGHBOURHOODS, features().visible)
    assert tuple(every) == SETTINGS == tuple(of.setting for of in every.values())
    assert len({id(of.baselines) for of in every.values()}) == 1


# blocks


@pytest.mark.parametrize("setting", SETTINGS)
@given(chosen=st.lists(diseases, max_size=6))
def test_a_disease_has_the_same_features_in_any_block(setting: Setting, chosen: list[int]) -> None:
    of, asked = features(setting=setting), np.array(chosen, dtype=np.int64)
    np.testing.assert_allclose(of.block(asked), of.block(ALL)[:, asked], atol=1e-6)  # BLAS sums in another order


def test_a_block_of_no_disease_is_empty() -> None:
    of = features()
    assert of.block(ALL[:0]).shape == (NUM_DRUGS, 0, len(of.names))


@pytest.mark.parametrize("setting", SETTINGS)
def test_without_any_label_only_paths_are_left(setting: Setting) -> None:
    of = features(PAIRS[:, :0], setting)
    paths = tuple(name for name in of.names if name.startswith("paths"))
    assert not apart_from(of, *paths).any()
    assert of.block(ALL).any()


# no pair speaks for itself


@given(drugs, diseases, st.integers(0, 9))
def test_no_feature_but_the_ridge_and_shared_treatments_reads_the_label_of_its_pair(
    drug: int, disease: int, seed: int
) -> None:
    hidden, shown = table_of(shuffled_pairs(seed)), table_of(shuffled_pairs(seed))
    hidden[drug, disease], shown[drug, disease] = 0, 1
    without, with_ = (from_table(table, "warm pair", kind=Undamped) for table in (hidden, shown))
    np.testing.assert_array_equal(plain(without)[drug, disease], plain(with_)[drug, disease])
    assert column(without, RIDGE)[drug, disease] < column(with_, RIDGE)[drug, disease]


@pytest.mark.parametrize("setting", ["cold disease", "cold pair"])
@given(disease=diseases, seed=st.integers(0, 9))
def test_no_feature_but_the_named_reads_a_label_of_its_cold_disease(setting: Setting, disease: int, seed: int) -> None:
    table = table_of(shuffled_pairs(seed))
    bare = table.copy()
    bare[:, disease] = 0
    without, with_ = (from_table(values, setting, kind=Undamped) for values in (bare, table))
    ours, theirs = (apart_from(of, RIDGE, RIDGE + RELATIVE, ANY)[:, disease] for of in (without, with_))
    np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("setting", ["cold drug", "cold pair"])
@given(drug=drugs, seed=st.integers(0, 9))
def test_no_feature_but_the_ridge_reads_a_label_of_its_cold_drug(setting: Setting, drug: int, seed: int) -> None:
    table = table_of(shuffled_pairs(seed))
    bare = table.copy()
    bare[drug] = 0
    without, with_ = (from_table(values, setting, kind=Undamped) for values in (bare, table))
    np.testing.assert_array_equal(plain(without)[drug], plain(with_)[drug])


@pytest.mark.parametrize("setting", SETTINGS)
def test_against_other_drugs_is_in_standard_deviations_of_the_column(setting: Setting) -> None:
    of = features(setting=setting)
    relative = [name for name in of.names if name.endswith(RELATIVE)]
    assert f"{RIDGE}{RELATIVE}" in relative
    for name in relative:
        values = column(of, name.removesuffix(RELATIVE))
        expected = (values - values.mean(axis=0)) / np.where(values.std(axis=0) > 0, values.std(axis=0), 1)
        np.testing.assert_allclose(column(of, name), expected, atol=1e-3)  # float32 in, float32 out


def test_damping_by_degree_is_all_that_is_left_of_the_own_label() -> None:
    drug, disease = PAIRS[:, 0]
    hidden = TABLE.copy()
    hidden[drug, disease] = 0
    before, after = features(), from_table(hidden, "warm pair")
    name = "similar drugs treat it by targets"
    ratio = np.sinh(column(after, name)[drug, disease]) / np.sinh(column(before, name)[drug, disease])
    assert ratio == pytest.approx(np.sqrt(4 / 3), rel=1e-4)  # the disease has 3 instead of 4 treatments; float32


# one relation between many types


@pytest.mark.parametrize("setting", SETTINGS)
def test_relations_of_one_name_give_as_many_features_of_the_same_values(setting: Setting) -> None:
    graph = planted_graph()
    edges = {
        edge_type if graph.is_drug_disease(edge_type) else edge_type._replace(relation="related_to"): index
        for edge_type, index in graph.edges.items()
    }
    own = features(setting=setting)
    related = PairFeatures.of_every_setting(neighbourhoods_of(replace(graph, edges=edges)), own.visible)[setting]
    assert len(related.names) == len(set(related.names)) == len(own.names)
    ours, theirs = (np.moveaxis(of.block(ALL), -1, 0) for of in (own, related))
    for values in ours:
        assert any(np.allclose(values, other, atol=1e-4) for other in theirs)  # float32, "against" divides by spreads
