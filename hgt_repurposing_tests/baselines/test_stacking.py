from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import csr_array

from hgt_repurposing.baselines.baseline import Baseline, BaselineInputs, ColumnScores
from hgt_repurposing.baselines.rules import RANDOM, gene_paths, random_order
from hgt_repurposing.baselines.stacking import LabelledCells, logistic_regression, masked_cells
from hgt_repurposing.graph.schema import FloatArray
from hgt_repurposing.graph.split_kinds import UNITS, Hiding, Unit
from hgt_repurposing.metrics.ranking import per_disease_ap
from hgt_repurposing_tests.baselines.fold_inputs import fold_inputs, planted_fold, scores_of

PATHS = Baseline("paths", "", gene_paths)


def parts(unit: Unit) -> tuple[BaselineInputs, list[tuple[csr_array, LabelledCells]]]:
    inputs = planted_fold(unit=unit)
    return inputs, list(masked_cells(inputs))


def own_label(inputs: BaselineInputs) -> ColumnScores:
    """A baseline that repeats the labels it is shown: worthless, and perfect on pairs that are not hidden from it."""
    return lambda columns: np.asarray(inputs.train[:, columns].toarray(), dtype=np.float64)


def stack_of(inputs: BaselineInputs, baselines: list[Baseline]) -> FloatArray:
    return scores_of(lambda given: logistic_regression(given, baselines), inputs)


@pytest.mark.parametrize("unit", UNITS)
def test_every_training_pair_is_hidden_once(unit: Unit) -> None:
    inputs, inner = parts(unit)
    seen = np.zeros(inputs.train.shape)
    for _, cells in inner:
        np.add.at(seen, (cells.drug[cells.positive], cells.disease[cells.positive]), 1)
    np.testing.assert_array_equal(seen, inputs.train.toarray())


@pytest.mark.parametrize("unit", UNITS)
def test_what_is_hidden_is_not_visible_and_all_else_is(unit: Unit) -> None:
    inputs, inner = parts(unit)
    for visible, cells in inner:
        together = visible.toarray()
        together[cells.drug[cells.positive], cells.disease[cells.positive]] += 1
        np.testing.assert_array_equal(together, inputs.train.toarray())


def test_a_hidden_disease_has_no_visible_pair() -> None:
    for visible, cells in parts("disease")[1]:
        assert visible[:, np.unique(cells.disease)].sum() == 0


def test_a_hidden_drug_has_no_visible_pair() -> None:
    for visible, cells in parts("drug")[1]:
        assert visible[np.unique(cells.drug)].sum() == 0


def test_diseases_of_a_group_are_hidden_together() -> None:
    group = np.arange(20) // 2
    inputs = replace(planted_fold(), hiding=Hiding("disease", group))
    for visible, cells in masked_cells(inputs):
        together = np.flatnonzero(np.isin(group, group[cells.disease]))
        assert visible[:, together].sum() == 0


@pytest.mark.parametrize("unit", UNITS)
def test_negatives_are_no_known_treatments(unit: Unit) -> None:
    inputs, inner = parts(unit)
    for _, cells in inner:
        negatives = inputs.train.toarray()[cells.drug[~cells.positive], cells.disease[~cells.positive]]
        assert negatives.size > 10 * cells.positive.sum()
        assert not negatives.any()


def test_the_stack_does_not_trust_a_rule_that_repeats_its_input() -> None:
    inputs = planted_fold()
    scores = stack_of(inputs, [Baseline("own label", "", own_label), PATHS])
    without = stack_of(planted_fold(), [PATHS])
    np.testing.assert_allclose(scores, without, atol=1e-9)  # the same draws; a column of zeros gets no weight


def test_the_stack_prefers_the_rule_that_knows_something() -> None:
    inputs = planted_fold(unit="disease")
    truth = np.asarray(inputs.train.toarray() > 0)
    everything = np.ones_like(truth)
    stacked = per_disease_ap(stack_of(inputs, [RANDOM, PATHS]), truth, everything)
    chance = per_disease_ap(scores_of(random_order, inputs), truth, everything)
    assert stacked.precision.mean() > chance.precision.mean() + 0.2


def test_the_stack_repeats_with_the_seed_to_the_bit() -> None:
    rules = [RANDOM, PATHS]
    first, second = (stack_of(planted_fold(seed=5), rules) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_a_stack_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match=r"stacking needs at least one baseline \(got none\)"):
        logistic_regression(planted_fold(), [])


@pytest.mark.parametrize(
    ("unit", "what"),
    [("pair", "indications"), ("disease", "treated diseases"), ("drug", "treating drugs")],
)
def test_a_single_group_cannot_be_hidden_in_turn(unit: Unit, what: str) -> None:
    labels = np.zeros((4, 4))
    labels[1, 2] = 1
    with pytest.raises(ValueError, match=rf"at least two {what} \(got 1\)"):
        logistic_regression(fold_inputs(labels, unit=unit), [PATHS])
