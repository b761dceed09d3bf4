from functools import cache

import numpy as np
import pytest
import torch
from scipy.sparse import csr_array
from sklearn.metrics import roc_auc_score

from hgt_repurposing.graph.schema import FloatArray
from hgt_repurposing.repurposing import tower_training, two_towers
from hgt_repurposing.repurposing.tower_training import BY_DRUG, _loss, _scaled, fit_each, fit_two_towers
from hgt_repurposing.repurposing.two_towers import WIDTH, TwoTowers
from hgt_repurposing.repurposing.vectors import PairVectors
from hgt_repurposing_tests.repurposing.planted import (
    NUM_DISEASES,
    NUM_DRUGS,
    planted_graph,
    planted_pairs,
    shuffled_pairs,
    table_of,
)

HELD_OUT = np.arange(NUM_DISEASES) % 3 == 0
EVERY_PAIR = np.stack(np.meshgrid(np.arange(NUM_DRUGS), np.arange(NUM_DISEASES), indexing="ij")).reshape(2, -1)


@cache
def planted_vectors() -> PairVectors:
    return PairVectors.by_svd(planted_graph(), dim=16)


def visible(table: FloatArray) -> csr_array:
    return csr_array(table.astype(np.float32))


@cache
def fitted(seed: int = 0, num_updates: int = 80) -> TwoTowers:
    """On all planted pairs."""
    return fit_two_towers(visible(table_of(planted_pairs())), planted_vectors(), num_updates=num_updates, seed=seed)


def grid_of(towers: TwoTowers) -> FloatArray:
    """Shape [num_drugs, num_diseases]."""
    return towers.log_probabilities(np.arange(NUM_DISEASES))


def auroc_on_held_out_diseases(table: FloatArray, vectors: PairVectors, *, seed: int) -> float:
    seen = visible(table * ~HELD_OUT)
    scores = grid_of(fit_two_towers(seen, vectors, num_updates=80, seed=seed))
    return float(roc_auc_score(table[:, HELD_OUT].ravel(), scores[:, HELD_OUT].ravel()))


# what it learns


def test_drugs_of_hidden_diseases_are_found() -> None:
    table = table_of(planted_pairs())
    found = [auroc_on_held_out_diseases(table, planted_vectors(), seed=seed) for seed in range(3)]
    assert min(found) > 0.75  # .83 to .88 measured; who treats within a module is chance


@pytest.mark.slow
def test_vectors_of_other_nodes_say_nothing_of_hidden_diseases() -> None:
    table, generator = table_of(planted_pairs()), np.random.default_rng(0)
    found = [auroc_on_held_out_diseases(table, planted_vectors().permuted(generator), seed=seed) for seed in range(9)]
    assert np.mean(found) == pytest.approx(0.5, abs=0.1)  # one has a standard deviation of some .07: four of the mean's


@pytest.mark.slow
def test_shuffled_labels_are_not_found() -> None:
    found = [
        auroc_on_held_out_diseases(table_of(shuffled_pairs(seed)), planted_vectors(), seed=seed) for seed in range(9)
    ]
    assert np.mean(found) == pytest.approx(0.5, abs=0.07)  # 40 positives in 600 cells: .05, and .017 for the mean


def test_seen_treatments_are_likelier_than_before_training() -> None:
    seen = table_of(planted_pairs()) > 0
    assert grid_of(fitted())[seen].mean() > grid_of(fitted(num_updates=1))[seen].mean() + 1


# what it says


def test_probabilities_of_all_drugs_sum_to_one_for_each_disease() -> None:
    np.testing.assert_allclose(np.exp(grid_of(fitted())).sum(axis=0), 1, rtol=1e-5)


def test_both_sides_lie_on_the_unit_sphere() -> None:
    towers = fitted()
    assert towers.drugs.shape == (NUM_DRUGS, WIDTH)
    assert towers.diseases.shape == (NUM_DISEASES, WIDTH)
    for side in (towers.drugs, towers.diseases):
        np.testing.assert_allclose(np.linalg.norm(side, axis=1), 1, rtol=1e-5)


def test_pairs_are_answered_in_their_order_whatever_stands_beside_them(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = np.random.default_rng(0).permutation(EVERY_PAIR.shape[1])[:500]
    whole = grid_of(fitted()).ravel()[chosen]
    monkeypatch.setattr(two_towers, "DISEASES_AT_ONCE", 4)
    np.testing.assert_allclose(fitted().log_probability(EVERY_PAIR[:, chosen]), whole, atol=1e-5)
    assert fitted().log_probability(EVERY_PAIR[:, :0]).shape == (0,)


def test_diseases_are_answered_in_their_order_in_blocks_of_any_size(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = np.random.default_rng(0).permutation(NUM_DISEASES)[:10]
    whole = grid_of(fitted())[:, chosen]
    monkeypatch.setattr(two_towers, "DISEASES_AT_ONCE", 4)
    np.testing.assert_allclose(fitted().log_probabilities(chosen), whole, atol=1e-5)
    assert fitted().log_probabilities(chosen[:0]).shape == (NUM_DRUGS, 0)


def test_the_fields_round_trip() -> None:
    back = TwoTowers(**fitted().to_arrays())
    np.testing.assert_array_equal(grid_of(back), grid_of(fitted()))


# how it is fitted


def test_the_loss_is_both_softmaxes_with_each_side_damped() -> None:
    closeness = torch.tensor([[1.0, 2.0], [0.0, -1.0], [0.5, 3.0]])
    seen = torch.tensor([[1.0, 1.0], [1.0, 0.0], [0.0, 0.0]])
    by_disease, by_drug = (torch.log_softmax(closeness, dim=dim).numpy() for dim in (0, 1))
    two, one = 2**-0.5, 1.0  # the first disease has two drugs, the second one; the first drug two diseases
    expected = -(two * by_disease[0, 0] + two * by_disease[1, 0] + one * by_disease[0, 1]) / (2 * two + one)
    expected -= BY_DRUG * (two * by_drug[0, 0] + two * by_drug[0, 1] + one * by_drug[1, 0]) / (2 * two + one)
    assert float(_loss(closeness, seen)) == pytest.approx(expected, rel=1e-6)


def test_one_seed_gives_the_same_towers_also_beside_others() -> None:
    seen, threads = visible(table_of(planted_pairs())), torch.get_num_threads()
    first, again = (fit_each([seen] * 3, planted_vectors(), num_updates=10, seed=1) for _ in range(2))
    second, *_ = fit_each([seen], planted_vectors(), num_updates=10, seed=2)
    for one, other in zip([*first, first[1]], [*again, second], strict=True):
        np.testing.assert_array_equal(one.drugs, other.drugs)
        np.testing.assert_array_equal(one.diseases, other.diseases)
    assert not np.array_equal(first[0].drugs, first[1].drugs)
    assert torch.get_num_threads() == threads


def test_the_random_state_of_torch_stays_as_it_was() -> None:
    before = torch.get_rng_state()
    fit_each([visible(table_of(planted_pairs()))], planted_vectors(), num_updates=2, seed=0)
    torch.testing.assert_close(torch.get_rng_state(), before)


def test_the_units_of_the_vectors_do_not_matter() -> None:
    vectors = planted_vectors()
    other = PairVectors(vectors.drugs * np.float32(1000) + 7, vectors.diseases / np.float32(1000))
    seen = visible(table_of(planted_pairs()))
    found = fit_two_towers(seen, other, num_updates=5, seed=0)
    np.testing.assert_allclose(grid_of(found), grid_of(fitted(num_updates=5)), atol=0.05)


def test_diseases_without_treatments_change_nothing_but_the_scale_of_their_vectors() -> None:
    # Negatives of a disease are drugs; a disease that nothing treats takes no part in the loss.
    table = table_of(planted_pairs()) * ~HELD_OUT
    vectors = planted_vectors()
    moved = vectors.diseases.copy()
    moved[HELD_OUT] = np.random.default_rng(0).permutation(moved[HELD_OUT])  # mean and spread stay
    one, other = (
        fit_two_towers(visible(table), PairVectors(vectors.drugs, diseases), num_updates=20, seed=0)
        for diseases in (vectors.diseases, moved)
    )
    np.testing.assert_allclose(one.drugs, other.drugs, atol=1e-3)


def test_more_diseases_than_fit_an_update_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tower_training, "TREATED_AT_ONCE", 4)
    table = table_of(planted_pairs())
    assert auroc_on_held_out_diseases(table, planted_vectors(), seed=0) > 0.7


def test_an_update_ranks_the_drugs_of_its_treatments_and_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tower_training, "DRUGS_AT_ONCE", 20)
    seen = torch.zeros(50, 3)
    seen[[4, 30, 49], [0, 1, 1]] = 1
    drawn = [tower_training._ranked(seen, torch.Generator().manual_seed(seed)) for seed in (1, 2)]
    for ranked in drawn:
        assert len(ranked) == len(ranked.unique()) == 20
        assert {4, 30, 49} <= set(ranked.tolist())
    assert set(drawn[0].tolist()) != set(drawn[1].tolist())
    monkeypatch.setattr(tower_training, "DRUGS_AT_ONCE", 2)
    assert sorted(tower_training._ranked(seen, torch.Generator()).tolist()) == [4, 30, 49]


def test_more_drugs_than_fit_an_update_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tower_training, "DRUGS_AT_ONCE", NUM_DRUGS // 2)
    table = table_of(planted_pairs())
    assert auroc_on_held_out_diseases(table, planted_vectors(), seed=0) > 0.7


def test_one_treated_disease_is_enough() -> None:
    table = table_of(planted_pairs())
    only = visible(table * (np.arange(NUM_DISEASES) == 3))
    towers = fit_two_towers(only, planted_vectors(), num_updates=80, seed=0)
    seen = table[:, 3] > 0
    column = grid_of(towers)[:, 3]
    assert column[seen].min() > column[~seen].max()


def test_a_column_without_spread_does_no_harm() -> None:
    vectors = planted_vectors()
    flat = PairVectors(
        *(np.concatenate([s, np.ones((len(s), 1), np.float32)], axis=1) for s in (vectors.drugs, vectors.diseases))
    )
    found = fit_two_towers(visible(table_of(planted_pairs())), flat, num_updates=3, seed=0)
    assert np.isfinite(grid_of(found)).all()


@pytest.mark.parametrize("what", ["treatments", "vectors"])
def test_nothing_to_learn_from_is_refused(what: str) -> None:
    table = table_of(planted_pairs()) * (what != "treatments")
    vectors = PairVectors.none(NUM_DRUGS, NUM_DISEASES) if what == "vectors" else planted_vectors()
    with pytest.raises(ValueError, match=r"two towers need visible treatments and vectors \(got .* treatments and"):
        fit_two_towers(visible(table), vectors, num_updates=3, seed=0)


def test_a_number_that_all_nodes_share_is_nothing_to_a_tower() -> None:
    rows = np.random.default_rng(0).random((20_000, 4), dtype=np.float32)
    rows[:, 1] = 0.1  # sums of it in float32 are off, as if the nodes differed
    scaled = _scaled(rows)
    assert not scaled[:, 1].any()
    # Three of four columns have a mean square of 1/4; of 60,000 float32 numbers.
    assert np.square(scaled).sum(axis=1).mean() == pytest.approx(0.75, rel=1e-5)
