from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest
from scipy.stats import poisson

from hgt_repurposing.baselines.rules import RANDOM
from hgt_repurposing.benchmark.assumptions import AS_ASSUMED, ASSUMPTION, OTHER_ASSUMPTIONS, WHOLE_GRID
from hgt_repurposing.benchmark.grid import GridFold, SampledDiseases
from hgt_repurposing.benchmark.grid_comparison import AUROC, AVERAGE_PRECISION
from hgt_repurposing.benchmark.protocol import FOLD, MODEL
from hgt_repurposing.benchmark.results import Evaluation
from hgt_repurposing.benchmark.whole_grid import WholeGrid, behind
from hgt_repurposing.graph.external_pairs import no_pairs
from hgt_repurposing.graph.settings import SETTINGS
from hgt_repurposing_tests.benchmark.evaluations import evaluated
from hgt_repurposing_tests.benchmark.measured_grids import FEW, MISSING, SHAPE, SIGNAL, calibration, whole_grid

METRICS = (AUROC, AVERAGE_PRECISION)
EVERYWHERE = (WHOLE_GRID, *SETTINGS)


@cache
def found() -> WholeGrid:
    return whole_grid()


def rows(setting: str, assumption: str = AS_ASSUMED) -> pd.DataFrame:
    own = found().scorers
    return own[(own["assumption"] == assumption) & (own["setting"] == setting)]


# tables


def test_there_is_a_row_per_mask_scorer_and_setting() -> None:
    assert found().num_folds == 3
    assert found().assumptions == [AS_ASSUMED, *OTHER_ASSUMPTIONS]
    masks = 3 + 1 + 1
    assert len(found().scorers) == masks * len(SIGNAL) * len(EVERYWHERE)
    assert len(found().bins) == masks * 10


@pytest.mark.parametrize("assumption", [AS_ASSUMED, *OTHER_ASSUMPTIONS])
@pytest.mark.parametrize("setting", EVERYWHERE)
def test_the_summary_is_the_mean_over_the_masks_with_the_model_first(assumption: str, setting: str) -> None:
    table = found().summary(assumption, setting)
    assert list(table["scorer"]) == list(SIGNAL)
    for scorer in SIGNAL:
        own = rows(setting, assumption)
        own = own[own["scorer"] == scorer]
        said = table.set_index("scorer").loc[scorer]
        for metric in (*METRICS, "num_cells", "num_positives"):
            assert said.get(metric, np.nan) == pytest.approx(own[metric].mean(), nan_ok=True)
        assert found().mean(scorer, AUROC, setting=setting, assumption=assumption) == pytest.approx(
            said.get(AUROC, np.nan), nan_ok=True
        )
    assert ("found_at_100" in table) == (setting == WHOLE_GRID)  # and what else is of the whole grid
    assert ("macro_ap" in table) == (setting == WHOLE_GRID)


def test_the_mean_within_settings_is_that_of_their_aurocs() -> None:
    inside = [found().mean(MODEL, AUROC, setting=setting) for setting in SETTINGS]
    assert found().within_settings(MODEL) == pytest.approx(np.mean(inside))


def test_without_an_auroc_in_any_setting_there_is_no_mean_of_them() -> None:
    bare = found().scorers.assign(auroc=np.nan)
    assert np.isnan(replace(found(), scorers=bare).within_settings(MODEL))


def test_bins_are_summed_over_the_masks_of_one_assumption() -> None:
    table = found().values_by_bin()
    own = found().bins[found().bins["assumption"] == AS_ASSUMED]
    assert table["bin"].tolist() == list(range(10))
    for column in ("expected", "observed", "num_cells"):
        assert table[column].sum() == pytest.approx(own[column].sum())
    assert table["lowest"].tolist() == own.groupby("bin")["lowest"].mean().tolist()


# the model against its baselines


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("setting", EVERYWHERE)
def test_the_lead_is_over_the_best_baseline_fold_by_fold(metric: str, setting: str) -> None:
    lead = found().lead(metric, setting=setting)
    wide = rows(setting).pivot_table(index="fold", columns="scorer", values=metric)
    others = wide.drop(columns=[MODEL, RANDOM.name])
    assert lead is not None
    assert lead.baseline == others.mean().idxmax()
    assert lead.folds == pytest.approx((wide[MODEL] - wide[lead.baseline]).to_numpy())
    assert (lead.split, lead.metric) == ("deployment", metric)
    assert lead.own == pytest.approx(wide[MODEL].mean())
    assert lead.missing == {"paths": "no genes"}


def test_chance_is_never_the_best_baseline() -> None:
    lead = whole_grid({**SIGNAL, RANDOM.name: 3.0}).lead()
    assert lead is not None
    assert lead.baseline == "drug kNN"


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("setting", EVERYWHERE)
def test_the_interval_is_of_the_mean_over_positives_that_the_metric_is(metric: str, setting: str) -> None:
    lead = found().lead(metric, setting=setting)
    assert lead is not None
    own = found().positives
    own = own[(own["assumption"] == AS_ASSUMED) & (own["scorer"] == MODEL)]
    own = own if setting == WHOLE_GRID else own[own["setting"] == setting]
    num_diseases = own["disease"].nunique()
    assert lead.num_diseases == num_diseases
    if num_diseases < 6:
        assert lead.interval is None
        return
    assert lead.interval is not None
    assert lead.interval.lower <= lead.interval.mean <= lead.interval.upper
    # The metric is a mean over masks of means over their positives, which differ in number; the interval weighs all
    # positives alike. Masks hide between a third and twice their mean of a setting.
    assert lead.interval.mean == pytest.approx(lead.mean, abs=0.15)


@pytest.mark.parametrize("metric", METRICS)
def test_of_one_mask_the_interval_is_of_the_lead_itself(metric: str) -> None:
    lead = whole_grid(num_folds=1).lead(metric, setting="cold drug")
    assert lead is not None
    assert lead.interval is not None
    assert lead.interval.mean == pytest.approx(lead.mean)


def test_a_model_that_knows_more_than_its_baselines_is_ahead() -> None:
    lead, of_all = found().lead(), replace(found(), left_out={}).lead()
    assert lead is not None
    assert of_all is not None
    assert (lead.standing, lead.doubt) == ("tied", "baselines missing")  # a rule that may be best was left out
    assert of_all.standing == "ahead"


def test_a_model_that_knows_less_is_behind_where_that_is_more_than_noise() -> None:
    worse = whole_grid({**SIGNAL, MODEL: 0.0})
    leads = {
        f"{setting}, {metric}": worse.lead(metric, setting=setting) for setting in EVERYWHERE for metric in METRICS
    }
    assert behind(worse) == [where for where, lead in leads.items() if lead and lead.standing == "behind"]
    assert {f"{WHOLE_GRID}, {metric}" for metric in METRICS} <= set(behind(worse)) < set(leads)


def test_a_model_that_is_ahead_is_behind_nowhere() -> None:
    assert behind(found()) == []


def test_the_headline_says_both_metrics_of_the_whole_grid() -> None:
    said = found().headline()
    first, second = found().lead(AUROC), found().lead(AVERAGE_PRECISION)
    assert first is not None
    assert second is not None
    assert said == f"{first.in_words()} {second._replace(where='There').in_words()}"
    assert said.startswith("On the whole grid the model ")
    assert " There the model " in said
    assert "AUROC" in said
    assert "average precision" in said
    assert "paths (no genes)" in said


# calibration


def test_observed_over_expected_is_counted_over_all_masks() -> None:
    for setting in EVERYWHERE:
        own = rows(setting)
        own = own[own["scorer"] == MODEL]
        said = calibration(found(), setting)
        assert said.observed == own["num_positives"].sum()
        assert said.expected == pytest.approx(own["expected"].sum())
        assert said.ratio == pytest.approx(said.observed / said.expected)
        assert said.lower < said.ratio < said.upper


def test_its_interval_is_the_exact_one_of_a_poisson_mean() -> None:
    for setting in EVERYWHERE:
        said = calibration(found(), setting)
        # With the mean at either end, as many or more (fewer) are seen with probability 2.5 %.
        assert poisson.sf(said.observed - 1, said.lower * said.expected) == pytest.approx(0.025)
        assert poisson.cdf(said.observed, said.upper * said.expected) == pytest.approx(0.025)


def test_where_cells_stand_for_several_the_interval_is_wider() -> None:
    table, positives = found().scorers.copy(), found().positives.copy()
    positives["weight"] = 4.0
    table[["num_positives", "expected"]] *= 4
    one, four = calibration(found()), calibration(replace(found(), scorers=table, positives=positives))
    assert (four.ratio, four.lower, four.upper) == pytest.approx((one.ratio, one.lower, one.upper))  # as many were seen
    assert (four.observed, four.expected) == pytest.approx((4 * one.observed, 4 * one.expected))


@pytest.mark.parametrize(("observed", "lower", "upper"), [(0, 0, 3.689), (1, 0.0253, 5.572), (10, 4.795, 18.390)])
def test_its_interval_is_that_of_published_tables(observed: int, lower: float, upper: float) -> None:
    table = found().scorers.copy()
    own = (table["scorer"] == MODEL) & (table["setting"] == WHOLE_GRID) & (table["assumption"] == AS_ASSUMED)
    table.loc[own, "expected"] = 1 / 3  # one in three masks
    table.loc[own, "num_positives"] = [float(observed), 0.0, 0.0]
    said = calibration(replace(found(), scorers=table))
    assert [said.lower, said.upper] == pytest.approx([lower, upper], abs=6e-4)
    assert said.ratio == pytest.approx(observed)


# settings without anything


def no_cold_drug() -> WholeGrid:
    """Every drug is seen to treat disease 2 or 3; what is hidden is of diseases that nothing is seen to treat."""
    drugs = np.arange(SHAPE[0])
    visible = np.stack([drugs, 2 + drugs % 2])
    hidden = np.stack([drugs[:4], [1, 1, 5, 6]])
    key: dict[str, str | int] = {ASSUMPTION: AS_ASSUMED, FOLD: 0}
    every_disease = SampledDiseases(np.arange(SHAPE[1]), np.ones(SHAPE[1]))
    fold = GridFold(
        key=key,
        name="by hand",
        visible=visible,
        positives=hidden,
        known_otherwise=no_pairs(),
        shape=SHAPE,
        sample=every_disease,
    )
    return whole_grid(folds=[fold])


@pytest.mark.parametrize("setting", ["warm pair", "cold drug"], ids=["without a positive", "without a cell"])
def test_where_nothing_was_hidden_there_is_no_lead(setting: str) -> None:
    grid = no_cold_drug()
    assert grid.lead(setting=setting) is None
    assert np.isnan(grid.mean(MODEL, AUROC, setting=setting))
    assert grid.within_settings(MODEL) == grid.mean(MODEL, AUROC, setting="cold disease")
    assert behind(grid) == []


def test_a_setting_without_a_cell_is_neither_well_nor_badly_calibrated() -> None:
    assert no_cold_drug().calibration("cold drug") is None


def test_a_setting_without_a_positive_has_a_calibration() -> None:
    said = calibration(no_cold_drug(), "warm pair")
    assert (said.observed, said.ratio, said.lower) == (0, 0, 0)
    assert 0 < said.upper < np.inf


# parts


def assert_equal(one: WholeGrid | None, other: WholeGrid | None) -> None:
    assert one is not None
    assert other is not None
    for name in ("scorers", "positives", "bins"):
        pd.testing.assert_frame_equal(getattr(one, name), getattr(other, name), check_exact=True)
    assert (one.assumed, one.left_out, one.seed) == (other.assumed, other.left_out, other.seed)


def test_parts_round_trip() -> None:
    assert_equal(WholeGrid.from_parts(found().to_parts()), found())
    assert found().assumed == MISSING.in_words()


def test_what_was_not_measured_has_no_part() -> None:
    assert WholeGrid.from_parts({}) is None
    assert Evaluation.from_parts(evaluated().to_parts()).whole_grid is None


def test_an_evaluation_keeps_it_and_begins_with_it() -> None:
    both = replace(evaluated(), whole_grid=found())
    back = Evaluation.from_parts(both.to_parts())
    assert_equal(back.whole_grid, found())
    assert back.headline() == both.headline() == f"{found().headline()} {evaluated().headline()}"
    assert both.to_parts()["evaluation.json"]["headline"] == both.headline()


def test_two_tables_of_one_seed_are_equal() -> None:
    assert_equal(whole_grid(), found())


def test_a_table_that_is_no_table_of_it_is_refused() -> None:
    with pytest.raises(ValueError, match="the deployment table 'scorers'"):
        replace(found(), scorers=found().scorers.assign(auroc=2.0))


def test_the_pairs_are_those_of_the_graph() -> None:
    listed = found().positives[["drug", "disease"]].drop_duplicates().to_numpy().tolist()
    assert {tuple(pair) for pair in listed} <= {tuple(pair) for pair in FEW.T.tolist()}
