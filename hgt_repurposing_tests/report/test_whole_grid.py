"""The section on the whole grid: what it holds, and its pictures."""

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest

from hgt_repurposing.graph.settings import SETTINGS
from hgt_repurposing.report.grid_plots import height_of_settings, plot_observed_over_expected, plot_settings
from hgt_repurposing.report.png import to_png
from hgt_repurposing.report.whole_grid import (
    COLUMNS,
    WholeGridSection,
    score_parts,
    settings_table,
    whole_grid_section,
)
from hgt_repurposing_tests.benchmark.grids_by_hand import whole_grid
from hgt_repurposing_tests.report.test_page import usual, with_grid
from hgt_repurposing_tests.report.test_plots import coordinates, drawn, legend

PARTS = pd.DataFrame(
    [
        ("warm pair", "linear", True, 0.004),
        ("warm pair", "two towers", True, 0.0),
        ("warm pair", "baselines, stacked", False, 0.396),
        ("warm pair", "drug kNN", False, 0.6),
        ("cold pair", "trees", True, 0.75),
        ("cold pair", "linear", True, 0.25),
    ],
    columns=["setting", "score", "is_learned", "share"],
)


def section(**figures: object) -> WholeGridSection:
    found = whole_grid_section(with_grid(None, **figures))
    assert found is not None
    return found


@cache
def usual_section() -> WholeGridSection:
    return section()


def test_an_evaluation_without_the_whole_grid_has_no_section() -> None:
    assert whole_grid_section(usual()) is None


def test_scorers_have_a_figure_in_every_column_the_model_first_the_others_by_auroc() -> None:
    found = usual_section().scorers
    assert list(found) == ["model", "drug degree", "drug kNN", "random"]
    assert {len(figures) for figures in found.values()} == {len(COLUMNS)}
    assert [figure.text for figure in found["drug degree"]] == [
        "0.800", "0.200", "19.5", "19.5", "19.5", "19.5", "0.400", "0.300",
    ]  # fmt: skip


def test_found_treatments_stand_beside_their_share_of_the_list() -> None:
    found = usual_section().scorers["model"]
    assert [(figure.text, figure.detail) for figure in found[2:6]] == [
        ("20.0", "40 %"), ("20.0", "20 %"), ("20.0", "4.0 %"), ("20.0", "2.0 %"),
    ]  # fmt: skip


def test_a_list_longer_than_the_grid_is_the_whole_grid() -> None:
    grid = whole_grid()
    small = replace(grid, scorers=grid.scorers.assign(num_cells=40.0))
    found = whole_grid_section(replace(usual(), whole_grid=small))
    assert found is not None
    assert {figure.detail for figure in found.scorers["model"][2:6]} == {"50 %"}


def test_the_best_of_every_column_is_marked() -> None:
    found = section(auroc=0.9)
    assert all(figure.best for figure in found.scorers["model"])
    assert not any(figure.best for name in ("drug degree", "random") for figure in found.scorers[name])


def test_every_setting_has_a_row_with_its_leads_and_its_prevalence() -> None:
    found = section(own={"cold drug": 0.6})
    assert [row.name for row in found.rows] == ["whole grid", *SETTINGS]
    row = found.rows[3]
    assert row.auroc is not None
    assert row.average_precision is not None
    assert (row.auroc.own, row.average_precision.own, row.prevalence) == pytest.approx((0.6, 0.25, 0.01))
    assert row.auroc.in_words().startswith("On the whole grid, in the setting cold drug, the model ")


def test_a_setting_without_a_hidden_treatment_has_no_lead_and_expects_some() -> None:
    row = section(num_positives={"cold pair": 0}).rows[-1]
    assert (row.name, row.auroc, row.average_precision, row.num_positives) == ("cold pair", None, None, 0)
    assert row.calibration is not None
    assert (row.calibration.observed, row.calibration.expected, row.calibration.lower) == (0, 2, 0)
    assert row.calibration.upper == pytest.approx(3.689 / 2, abs=0.001)  # 3.689: exact upper limit of no event


def test_a_setting_without_a_pair_has_no_row() -> None:
    grid = whole_grid()
    grid = replace(grid, scorers=grid.scorers[grid.scorers["setting"] != "cold pair"])
    assert grid.calibration("cold pair") is None
    found = whole_grid_section(replace(usual(), whole_grid=grid))
    assert found is not None
    assert [row.name for row in found.rows] == ["whole grid", *SETTINGS[:-1]]


def test_what_mixing_costs_is_the_mean_within_settings_minus_the_whole() -> None:
    found = section(auroc=0.7, own={"warm pair": 0.9, "cold disease": 0.8, "cold drug": 0.7, "cold pair": 0.8})
    assert found.within == pytest.approx(0.8)
    assert found.lost_by_mixing == pytest.approx(0.1)


def test_bins_are_sums_over_folds_the_most_probable_first() -> None:
    bins = usual_section().bins
    assert bins["lowest"].tolist() == [0.2, 0.001]
    assert bins["observed"].tolist() == [38, 36]
    assert bins["expected"].tolist() == [40, 40]


def test_other_assumptions_follow_the_models_with_what_they_hide() -> None:
    found = usual_section().assumptions
    assert [(row.name, row.num_folds) for row in found] == [
        ("as assumed", 2), ("mostly one by one", 1), ("mostly whole diseases and drugs", 1),
    ]  # fmt: skip
    assert [row.shares for row in found][:2] == ["", "20% of treatments, 5% of diseases, 5% of drugs"]
    assert [row.name for row in section(others=False).assumptions] == ["as assumed"]


@pytest.mark.parametrize(("scored", "is_sample"), [(4000.0, False), (3999.0, True)])
def test_where_fewer_pairs_are_scored_than_counted_diseases_are_a_sample(scored: float, *, is_sample: bool) -> None:
    grid = whole_grid()
    grid.scorers.loc[0, "num_scored"] = scored
    found = whole_grid_section(replace(usual(), whole_grid=grid))
    assert found is not None
    assert found.is_sample is is_sample


def sampled_section(**figures: object) -> WholeGridSection:
    """Where one pair less than counted was scored."""
    grid = whole_grid(**figures)  # type: ignore[arg-type]  # as whole_grid takes them
    fewer = grid.scorers.assign(num_scored=grid.scorers["num_scored"] - 1)
    found = whole_grid_section(replace(usual(), whole_grid=replace(grid, scorers=fewer)))
    assert found is not None
    return found


def test_the_models_own_figures_have_an_interval_over_diseases() -> None:
    interval = sampled_section().own_intervals["AUROC"]
    assert interval.lower < interval.mean < interval.upper
    own = whole_grid().positives.query("scorer == 'model' and assumption == 'as assumed'")
    assert interval.mean == pytest.approx(own["placement"].mean())
    assert sampled_section(num_diseases=2).own_intervals == {}
    assert usual_section().own_intervals == {}


def test_every_scorer_is_shown_under_every_assumption() -> None:
    found = usual_section()
    assert [list(row.scorers) for row in found.assumptions] == [list(found.scorers)] * 3


def test_lists_by_drug_are_left_blank_where_diseases_are_sampled() -> None:
    grid = whole_grid()
    sampled = replace(grid, scorers=grid.scorers.assign(macro_ap_by_drug=float("nan")))
    found = whole_grid_section(replace(usual(), whole_grid=sampled))
    assert found is not None
    assert {figures[COLUMNS.index("macro AP by drug")].text for figures in found.scorers.values()} == {"-"}


def test_the_table_for_the_ui_has_a_row_for_the_whole_grid_and_every_setting() -> None:
    table = settings_table(whole_grid(num_positives={"cold pair": 0}))
    assert table["setting"].tolist() == ["whole grid", *SETTINGS]
    assert table["auroc_best_baseline"].tolist() == ["drug degree"] * 4 + [""]
    assert table["auroc_lead"].tolist()[:4] == pytest.approx([0.1] * 4)
    assert table["auroc_standing"].tolist() == ["ahead"] * 4 + [""]
    assert np.isnan(table["auroc"].iloc[-1])


# what the score is made of


def test_parts_of_a_score_are_listed_the_largest_first_without_those_that_hardly_count() -> None:
    warm, cold = score_parts(PARTS)
    assert (warm.setting, warm.of_learned, warm.of_baselines) == (
        "warm pair", "nothing", "drug kNN 60 %; baselines, stacked 40 %",
    )  # fmt: skip
    assert (cold.of_learned, cold.of_baselines) == ("trees 75 %; linear 25 %", "nothing")


def test_where_nothing_learned_counts_baselines_are_alone() -> None:
    assert [parts.baselines_alone for parts in score_parts(PARTS)] == [True, False]


def test_of_a_model_that_is_not_known_nothing_is_said() -> None:
    assert score_parts(usual().score_parts) == []


# pictures

PICTURES = {
    "settings": lambda ax: plot_settings(usual_section().rows, ax=ax),
    "observed over expected": lambda ax: plot_observed_over_expected(usual_section().rows, ax=ax),
}


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_the_same_png_twice_and_small(name: str) -> None:
    png = to_png(PICTURES[name])
    assert png == to_png(PICTURES[name])
    assert len(png) < 100_000


def test_model_and_best_baseline_are_drawn_at_their_auroc() -> None:
    rows = section(own={"cold drug": 0.6}).rows
    ax = drawn(lambda ax: plot_settings(rows, ax=ax))
    other, own = (next(line for line in ax.lines if line.get_marker() == marker) for marker in "so")
    np.testing.assert_allclose(coordinates(own)[:, 0], [0.9, 0.85, 0.85, 0.6, 0.85])
    np.testing.assert_allclose(coordinates(other)[:, 0], [0.8, 0.75, 0.75, 0.5, 0.75])
    names = [label.get_text() for label in ax.get_yticklabels()]
    assert names == ["whole grid (80)", *(f"{setting} (20)" for setting in SETTINGS)]
    assert legend(ax) == ["chance", "best baseline of the row", "model"]


def test_a_setting_without_a_hidden_treatment_is_named_without_a_point() -> None:
    rows = section(num_positives={"cold pair": 0}).rows
    ax = drawn(lambda ax: plot_settings(rows, ax=ax))
    own = next(line for line in ax.lines if line.get_marker() == "o")
    assert np.isnan(coordinates(own)[-1, 0])
    assert "nothing was hidden" in [text.get_text() for text in ax.texts]
    assert height_of_settings(rows) > height_of_settings(rows[:2])


def test_observed_over_expected_has_its_interval_and_stays_in_the_picture() -> None:
    ax = drawn(lambda ax: plot_observed_over_expected(section(expected=0.5).rows, ax=ax))
    dots = [line for line in ax.lines if line.get_marker() == "o"]
    assert [np.asarray(dot.get_xdata())[0] for dot in dots] == pytest.approx([2.0] * 5)
    far = drawn(lambda ax: plot_observed_over_expected(section(expected=0.001).rows, ax=ax))
    assert np.asarray(far.lines[-1].get_xdata())[0] == 10
