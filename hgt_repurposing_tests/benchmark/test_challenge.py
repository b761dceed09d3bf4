"""Champion and challenger: worse, not worse or better, on the same held-out treatments."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hgt_repurposing.benchmark.challenge import (
    Paired,
    compare_evaluations,
    compare_on_own_graphs,
    verdict_of,
)
from hgt_repurposing.benchmark.results import Evaluation
from hgt_repurposing.benchmark.whole_grid import WholeGrid
from hgt_repurposing_tests.benchmark.evaluations import evaluated

NUM = 12


def on_grid(evaluation: Evaluation, placement: float, *, diseases: int = NUM, spread: float = 0.0) -> Evaluation:
    """With a whole grid of one hidden treatment per disease, at this placement, more or less."""
    values = np.clip(placement + spread * np.linspace(-1, 1, diseases), 0, 1)
    key = {"assumption": "as assumed", "fold": 0, "scorer": "model"}
    index = np.arange(diseases)
    sizes = {"num_cells": 100.0, "num_scored": 100.0, "num_positives": float(diseases)}
    scorers = [{**key, "setting": "whole grid", **sizes, "auroc": placement, "average_precision": placement / 2}]
    stand = {"setting": "warm pair", "weight": 1.0, "placement": values, "precision": values / 2}
    positives = pd.DataFrame({**key, "drug": index, "disease": index, **stand})
    bins = [{"assumption": "as assumed", "fold": 0, "bin": 0, "lowest": 0.0, "expected": 1.0, "observed": 1.0,
             "num_cells": 100.0}]  # fmt: skip
    return replace(evaluation, whole_grid=WholeGrid(pd.DataFrame(scorers), positives, pd.DataFrame(bins), "", {}, 0))


def paired(before: float, now: float, *, noise: float = 0.0, num: int = NUM) -> Paired:
    difference = noise * np.resize([1.0, -1.0], num)
    return Paired("here", "auroc", np.full(num, before), now + difference, np.arange(num), np.ones(num))


@pytest.mark.parametrize(
    ("mean", "interval", "margin", "expected"),
    [
        (0.02, (0.01, 0.03), 0.01, "better"),
        (0.02, (-0.01, 0.05), 0.01, "not worse"),
        (-0.005, (-0.02, 0.01), 0.01, "not worse"),
        (-0.02, (-0.05, 0.01), 0.01, "worse"),  # more than the margin, though it could be noise
        (-0.005, (-0.008, -0.002), 0.01, "worse"),  # less than the margin, but not noise
        (-0.02, (-0.05, 0.01), np.inf, "not worse"),
        (-0.02, (None, None), 0.01, "worse"),
        (0.5, (None, None), 0.01, "not worse"),  # too few diseases to call it better
    ],
)
def test_verdicts(mean: float, interval: tuple[float | None, float | None], margin: float, expected: str) -> None:
    assert verdict_of(mean, *interval, margin=margin) == expected


@given(st.floats(-1, 1), st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_swapping_the_two_never_leaves_both_better(mean: float, below: float, above: float, margin: float) -> None:
    one = verdict_of(mean, mean - below, mean + above, margin=margin)
    other = verdict_of(-mean, -mean - above, -mean + below, margin=margin)
    assert {one, other} != {"better"}
    if one == "better":
        assert other == "worse"


def test_a_difference_has_both_values_and_an_interval_over_diseases() -> None:
    found = paired(0.8, 0.9, noise=0.02).difference(margin=0.01, seed=0)
    assert (found.before, found.now, found.mean) == pytest.approx((0.8, 0.9, 0.1))
    assert found.lower is not None
    assert found.upper is not None
    assert 0.08 < found.lower < 0.1 < found.upper < 0.12
    assert found.in_words().startswith("better on here: AUROC 0.900 against 0.800, +0.100 (95 % interval over 12 ")


def test_few_diseases_give_no_interval() -> None:
    found = paired(0.8, 0.9, num=5).difference(margin=0.01, seed=0)
    assert (found.lower, found.upper, found.num_diseases, found.verdict) == (None, None, 5, "not worse")
    assert found.in_words().endswith("+0.100 (over 5 diseases, too few for an interval)")


def test_weights_count() -> None:
    some = paired(0.5, 0.5)
    some = replace(some, now=np.linspace(0, 1, NUM), weight=np.arange(1.0, NUM + 1))
    assert some.difference(margin=0.01, seed=0).now == pytest.approx(2 / 3)


def test_models_are_compared_on_whole_grid_and_held_out_diseases() -> None:
    champion = on_grid(evaluated((0.2, 0.4, 0.6)), 0.8)
    challenger = on_grid(evaluated((0.3, 0.5, 0.7)), 0.7)
    found = compare_evaluations(champion, challenger, margin=0.01)
    assert [(one.what, one.metric, one.verdict) for one in found] == [
        ("the whole grid", "auroc", "worse"),
        ("the whole grid", "average_precision", "worse"),
        ("diseases held out", "macro_ap", "better"),
    ]
    assert [one.mean for one in found] == pytest.approx([-0.1, -0.05, 0.1])


def test_baselines_play_no_part() -> None:
    champion, challenger = evaluated(baseline=0.1), evaluated(baseline=0.5)
    (found,) = compare_evaluations(champion, challenger, margin=0.01)
    assert (found.mean, found.verdict) == (0, "not worse")


def test_what_was_hidden_otherwise_is_not_compared() -> None:
    champion = on_grid(evaluated((0.2, 0.4)), 0.8, diseases=8)
    challenger = on_grid(evaluated((0.2, 0.4, 0.6)), 0.8, diseases=9)
    assert compare_evaluations(champion, challenger, margin=0.01) == []
    assert compare_evaluations(evaluated(), on_grid(evaluated(), 0.8), margin=0.01)[0].what == "diseases held out"


def test_on_different_treatments_only_noise_counts() -> None:
    champion = on_grid(evaluated((0.6, 0.6)), 0.8, diseases=8, spread=0.1)
    slightly = on_grid(evaluated((0.6, 0.6)), 0.78, diseases=9, spread=0.1)
    clearly = on_grid(evaluated((0.6, 0.6)), 0.4, diseases=9, spread=0.1)
    assert [one.verdict for one in compare_on_own_graphs(champion, slightly)] == ["not worse"] * 3
    assert [one.verdict for one in compare_on_own_graphs(champion, clearly)] == ["worse", "worse", "not worse"]
    assert [one.verdict for one in compare_on_own_graphs(clearly, champion)] == ["better", "better", "not worse"]


def test_an_interval_of_two_independent_means_is_wider_than_either() -> None:
    champion, challenger = (on_grid(evaluated(), 0.5, diseases=n, spread=0.3) for n in (8, 9))
    found = compare_on_own_graphs(champion, challenger)[0]
    assert found.lower is not None
    assert found.upper is not None
    one = Paired("", "auroc", np.zeros(8), 0.5 + 0.3 * np.linspace(-1, 1, 8), np.arange(8), np.ones(8))
    alone = one.difference(margin=1, seed=0)
    assert alone.lower is not None
    assert alone.upper is not None
    assert found.upper - found.lower > alone.upper - alone.lower


def test_too_few_diseases_of_their_own_are_not_compared() -> None:
    """Without an interval nothing would ever be worse."""
    champion, challenger = (on_grid(evaluated((0.5,)), 0.9 - n / 10, diseases=n) for n in (4, 5))
    assert compare_on_own_graphs(champion, challenger) == []
