"""Plots of the whole grid and its settings."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, NullFormatter

from hgt_repurposing.benchmark.trust import MAX_FACTOR
from hgt_repurposing.report.whole_grid import GridRow

_MODEL_COLOUR, _BASELINE_COLOUR, _MARK_COLOUR = "tab:blue", "0.55", "0.35"
MAX_RATIO = 10.0
"""Ratios are drawn from 1 / 10 to 10; beyond that, at the edge."""


def plot_settings(rows: Sequence[GridRow], *, ax: Axes) -> Axes:
    """Plot the AUROC of the model and of its best baseline, on the whole grid and in every setting.

    Args:
        rows: Drawn from top to bottom; those without a hidden treatment have a line without a point.
        ax: Axes to draw on.
    """
    nothing = float("nan")
    own = np.array([row.auroc.own if row.auroc else nothing for row in rows])
    other = own - np.array([row.auroc.mean if row.auroc else nothing for row in rows])
    place = np.arange(len(rows))
    ax.axvline(0.5, color=_MARK_COLOUR, linestyle="--", linewidth=1, label="chance", zorder=1)
    ax.hlines(place, np.fmin(own, other), np.fmax(own, other), color="0.8", linewidth=3, zorder=2)
    ax.plot(other, place, "s", color=_BASELINE_COLOUR, label="best baseline of the row", zorder=3)
    ax.plot(own, place, "o", color=_MODEL_COLOUR, label="model", zorder=4)
    for number, row in enumerate(rows):
        said = f"{own[number]:.3f}" if row.auroc else "nothing was hidden"
        at = max(own[number], other[number]) if row.auroc else 0.5
        ax.annotate(said, (at, number), (8, 0), textcoords="offset points", va="center", fontsize="small")
    ax.set_xlim(min(0.45, np.nanmin(np.append(other, 0.5)) - 0.05), 1.08)
    ax.set_xlabel("AUROC (0 to 1, higher is better), mean over folds")
    ax.set_title("Model and best baseline, by setting (n = hidden treatments)")
    _name_rows(ax, rows)
    ax.legend(frameon=False, fontsize="small", loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=3)
    return ax


def plot_observed_over_expected(rows: Sequence[GridRow], *, ax: Axes) -> Axes:
    """Plot hidden treatments over those that the probabilities expect, with their Poisson intervals.

    Args:
        rows: Drawn from top to bottom; those without a pair have none.
        ax: Axes to draw on.
    """
    within = f"within a factor of {MAX_FACTOR:g}"
    ax.axvspan(1 / MAX_FACTOR, MAX_FACTOR, color="0.92", linewidth=0, label=within)
    ax.axvline(1, color=_MARK_COLOUR, linestyle="--", linewidth=1, label="as many as expected")
    for place, row in enumerate(rows):
        if row.calibration is None:
            continue
        ratio, lower, upper = np.clip(
            (row.calibration.ratio, row.calibration.lower, row.calibration.upper), 1 / MAX_RATIO, MAX_RATIO
        )
        ax.hlines(place, lower, upper, color=_MODEL_COLOUR, linewidth=1.5, zorder=2)
        ax.plot(
            ratio,
            place,
            "o",
            color=_MODEL_COLOUR,
            label=None if place else "observed, with 95 % interval",
            clip_on=False,
            zorder=3,
        )
    ax.set_xscale("log")
    ax.set_xlim(1 / MAX_RATIO, MAX_RATIO)
    ax.set_xticks([0.1, 0.2, 0.5, 1, 2, 5, 10])
    ax.xaxis.set_major_formatter(FuncFormatter(lambda ratio, _: f"{ratio:g}"))
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.set_xlabel("hidden treatments / treatments that the probabilities expect")
    ax.set_title("Are the probabilities calibrated? (n = hidden treatments)")
    _name_rows(ax, rows)
    ax.legend(frameon=False, fontsize="small", loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=3)
    return ax


def height_of_settings(rows: Sequence[GridRow]) -> float:
    """Figure height in inches, with a line for every row."""
    return 1.5 + 0.33 * len(rows)


def _name_rows(ax: Axes, rows: Sequence[GridRow]) -> None:
    names = [f"{row.name} ({row.calibration.observed if row.calibration else 0:,.0f})" for row in rows]
    ax.set_yticks(range(len(rows)), names)
    ax.set_ylim(len(rows) - 0.5, -0.5)
    ax.spines[["top", "right"]].set_visible(False)
