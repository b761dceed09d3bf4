"""Plots of core types: one function per plot, drawing on Axes that the caller owns.

pyplot is not used, so plotting works without a display and in any thread, and leaves no figure open.
"""

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from hgt_repurposing.benchmark.protocol import MODEL, SCORER, SPLIT, spread_over_folds
from hgt_repurposing.benchmark.results import Evaluation
from hgt_repurposing.embeddings.principal_components import principal_components
from hgt_repurposing.embeddings.table import Embeddings
from hgt_repurposing.embeddings.validation import ValidationThresholds
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph, degrees
from hgt_repurposing.graph.schema import NODE_TYPE, FloatArray, IntArray
from hgt_repurposing.graph.split_kinds import HELD_OUT
from hgt_repurposing.metrics.registry import METRICS
from hgt_repurposing.report.wording import counted

MAX_POINTS = 4000
MAX_LABEL = 28
MAX_SCORER = 34

_MODEL_COLOUR, _BEST_BASELINE_COLOUR, _BASELINE_COLOUR, _MARK_COLOUR = "tab:blue", "0.62", "0.83", "0.35"


def plot_loss(history: pd.DataFrame, *, ax: Axes) -> Axes:
    """Plot the loss per epoch and the chance loss, that of a model that scores all edges alike.

    Args:
        history: Columns epoch, loss, chance_loss; one row per epoch.
        ax: Axes to draw on.
    """
    epoch, loss = history["epoch"].to_numpy(), history["loss"].to_numpy()
    chance = history["chance_loss"].to_numpy()
    for value in chance[:1]:
        ax.axhline(value, color=_MARK_COLOUR, linestyle="--", label=f"chance: {value:.2f}")
    ax.plot(epoch, loss, color=_MODEL_COLOUR, marker="." if len(loss) < 2 else None, label="training loss")
    span = f": {loss[0]:.2f} to {loss[-1]:.2f}" if len(loss) else ""
    ax.set_title(f"Training loss, n = {len(loss)} epochs{span}")
    ax.set_xlabel("epoch")
    ax.set_ylabel("cross-entropy per scored edge (nats)")
    ax.set_ylim(0, 1.08 * max(np.max(chance, initial=0.5), np.max(loss, initial=0)))
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.legend(frameon=False)
    return ax


def plot_evaluation(evaluation: Evaluation, split: str, *, ax: Axes) -> Axes:
    """Plot mean, standard deviation and single folds of the main metric: the model, then the baselines, best first.

    Baselines that were not computed on every fold have a row without a bar.

    Raises:
        ValueError: If that split was not evaluated.
    """
    rows = evaluation.strict
    rows = rows[rows[SPLIT] == split]
    if rows.empty:
        raise ValueError(f"split {split!r} was not evaluated (got {', '.join(evaluation.folds[SPLIT].unique())})")
    lead = evaluation.lead(split)
    folds = {
        str(name): part[lead.metric].to_numpy(dtype=np.float64)
        for name, part in rows.groupby(SCORER, sort=False)
        if name not in lead.missing
    }
    others = [name for name in folds if name not in (MODEL, lead.baseline)]
    others.sort(key=lambda name: -folds[name].mean())  # ties keep their order
    scorers = [MODEL, lead.baseline, *others]
    colours = [_MODEL_COLOUR, _BEST_BASELINE_COLOUR, *[_BASELINE_COLOUR] * len(others)]
    means = [folds[name].mean() for name in scorers]
    ax.barh(range(len(scorers)), means, color=colours, height=0.66, zorder=1)
    ax.axvline(means[1], color=_MARK_COLOUR, linestyle="--", linewidth=1, zorder=2)
    for place, name in enumerate(scorers):
        values = folds[name]
        spread = spread_over_folds(values) if len(values) > 1 else 0.0
        ax.errorbar(values.mean(), place, xerr=spread, color="black", capsize=3, linewidth=1, zorder=3)
        ax.plot(values, place + _jitter(len(values)), "o", markersize=3, color="black", mfc="white", mew=0.7, zorder=4)
        reach = max(values.mean() + spread, values.max())
        ax.annotate(f"{values.mean():.3f}", (reach, place), (6, 0), textcoords="offset points", va="center")
    for place in range(len(scorers), len(scorers) + len(lead.missing)):
        ax.annotate("not computed", (0, place), (6, 0), textcoords="offset points", va="center", color=_MARK_COLOUR)
    labels = [_scorer_label(name, best=name == lead.baseline) for name in [*scorers, *lead.missing]]
    ax.set_yticks(range(len(labels)), labels)
    ax.set_ylim(len(labels) - 0.5, -0.5)
    ax.set_xlim(0, 1.15 * max(np.max(values) for values in folds.values()) or 1)
    ax.set_xlabel(f"{METRICS[lead.metric].title} (0 to 1, higher is better): mean, sd, single folds")
    ax.set_title(f"{HELD_OUT[split].title}, n = {counted(len(folds[MODEL]), 'fold')}\n{lead.verdict}")
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def height_of_evaluation(evaluation: Evaluation, split: str) -> float:
    """Figure height in inches, with a row for every scorer and every missing baseline."""
    scorers = set(evaluation.strict.loc[evaluation.strict[SPLIT] == split, SCORER])
    return 1.2 + 0.27 * len(scorers | evaluation.missing_baselines(split).keys())


def plot_areas(table: pd.DataFrame, *, ax: Axes) -> Axes:
    """Plot the model's lead over the best baseline in each disease area, with its interval where there is one.

    Args:
        table: Rows of `by_area` on one split kind, drawn from top to bottom; at least one.
        ax: Axes to draw on.
    """
    lead, lower, upper = (table[name].to_numpy(dtype=np.float64) for name in ("lead", "lower", "upper"))
    place, known = np.arange(len(table)), np.isfinite(lower)
    ax.axvline(0, color=_MARK_COLOUR, linestyle="--", linewidth=1, zorder=1)
    ax.hlines(place[known], lower[known], upper[known], color=_MODEL_COLOUR, linewidth=1.5, zorder=2)
    for some, fill, label in ((known, _MODEL_COLOUR, "with 95 % interval"), (~known, "white", "too few for one")):
        if some.any():
            ax.plot(lead[some], place[some], "o", color=_MODEL_COLOUR, markerfacecolor=fill, label=label, zorder=3)
    names = [
        f"{_plain(str(area))} ({count:,})" for area, count in zip(table["area"], table["num_diseases"], strict=True)
    ]
    ax.set_yticks(place, names)
    ax.set_ylim(len(table) - 0.5, -0.5)
    ax.set_xlabel(
        f"{METRICS['macro_ap'].title} of the model minus that of {_plain(table['baseline'].iloc[0], MAX_SCORER)}"
    )
    ax.set_title(f"{HELD_OUT[table[SPLIT].iloc[0]].title}: lead by disease area (n = tested diseases)")
    ax.legend(frameon=False, fontsize="small")
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def height_of_areas(table: pd.DataFrame) -> float:
    """Figure height in inches, with a line for every row of `by_area`."""
    return 1.4 + 0.27 * len(table)


def plot_projection(embeddings: Embeddings, *, ax: Axes) -> Axes:
    """Plot the first two principal components, coloured by node type; large graphs are sampled evenly by type."""
    components = principal_components(embeddings)
    types = embeddings.nodes[NODE_TYPE].to_numpy()
    names, codes = np.unique(types[components.rows].astype(str), return_inverse=True)
    shown = _even_sample(codes)
    # Drawn in random order, so that no type covers the others.
    shown = np.random.default_rng(0).permutation(shown)
    points = np.zeros((len(shown), 2))  # the second column stays zero if embeddings have one dimension
    points[:, : embeddings.dim] = (embeddings.vectors[components.rows[shown]] - components.mean) @ components.axes[
        :, :2
    ]
    colours = _colours(len(names))
    # Without antialiasing the PNG has few colours and a third of the size.
    point_colours = [colours[code] for code in codes[shown]]
    ax.scatter(points[:, 0], points[:, 1], c=point_colours, s=6, linewidths=0, antialiased=False)
    handles = [Line2D([], [], marker="o", linestyle="", markersize=5, color=colours[i]) for i in range(len(names))]
    labels = [f"{_plain(name)} ({count:,})" for name, count in zip(names, np.bincount(codes), strict=True)]
    _legend_beside(ax, handles, labels)
    ax.set_title(f"Embeddings, n = {len(shown):,} of {len(types):,} nodes")
    for axis, number in ((ax.xaxis, 1), (ax.yaxis, 2)):
        share = components.shares[number - 1 : number].sum()
        axis.set_label_text(f"principal component {number} ({share:.1%} of variance)")
    return ax


def plot_spectrum(embeddings: Embeddings, *, ax: Axes, thresholds: ValidationThresholds | None = None) -> Axes:
    """Plot the cumulative explained variance of the principal components, with the validation thresholds.

    Args:
        embeddings: Non-finite rows are left out.
        ax: Axes to draw on.
        thresholds: None: the defaults.
    """
    bounds = thresholds or ValidationThresholds()
    components = principal_components(embeddings)
    explained = np.cumsum(components.shares)
    needed = min(int(np.searchsorted(explained, bounds.variance_share)) + 1, len(explained)) if explained.any() else 0
    ax.plot(range(1, len(explained) + 1), explained, color=_MODEL_COLOUR, marker=".", markersize=4)
    share = f"{bounds.variance_share:.0%} of the variance"
    ax.axhline(bounds.variance_share, color=_MARK_COLOUR, linestyle="--", linewidth=1, label=share)
    for count, word, colour in (
        (bounds.min_components, "collapsed up to", "tab:red"),
        (bounds.good_components, "good from", "tab:green"),
    ):
        ax.axvline(count, color=colour, linestyle=":", label=f"{word} {count} components")
    if needed:
        label = f"reached with {needed} components"
        ax.plot(needed, explained[needed - 1], "o", color=_MODEL_COLOUR, markersize=8, label=label)
    ax.set_title(f"Variance of the embeddings, n = {len(components.rows):,} nodes, {embeddings.dim} dimensions")
    ax.set_xlabel("number of principal components")
    ax.set_ylabel("share of the variance explained")
    ax.set_ylim(0, 1.03)
    ax.set_xlim(0, max(1.03 * len(explained), bounds.good_components + 2))
    ax.legend(frameon=False, loc="lower right")
    return ax


def plot_degrees(graph: KnowledgeGraph, *, ax: Axes) -> Axes:
    """Plot, for each node type, the share of nodes with at least a given degree."""
    degree_of = {str(name): rows["degree"].to_numpy() for name, rows in degrees(graph).groupby(NODE_TYPE)}
    colours = _colours(len(degree_of))
    for colour, degree in zip(colours, degree_of.values(), strict=True):
        values, counts = np.unique(degree[degree > 0], return_counts=True)
        share = counts[::-1].cumsum()[::-1] / len(degree)
        ax.plot(values, share, color=colour, marker=".", markersize=3, linewidth=1)
    handles = [Line2D([], [], color=colour, marker=".") for colour in colours]
    _legend_beside(ax, handles, [f"{_plain(name)} ({len(degree):,})" for name, degree in degree_of.items()])
    isolated = sum(int((degree == 0).sum()) for degree in degree_of.values())
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_title(f"Degrees, n = {len(graph.nodes):,} nodes, {isolated:,} without an edge")
    ax.set_xlabel("degree (edges per node, all relations)")
    ax.set_ylabel("share of nodes with this degree or more")
    return ax


def _even_sample(codes: IntArray) -> IntArray:
    """Indices of at most MAX_POINTS items, evenly spaced within each group and up to the same number from each."""
    if len(codes) <= MAX_POINTS:
        return np.arange(len(codes))
    per_group = MAX_POINTS // (int(codes.max()) + 1)
    groups = [np.flatnonzero(codes == code) for code in range(int(codes.max()) + 1)]
    spread = [np.linspace(0, len(group) - 1, min(per_group, len(group))).astype(np.int64) for group in groups]
    return np.concatenate([group[places] for group, places in zip(groups, spread, strict=True)])


def _colours(count: int) -> list[tuple[float, float, float]]:
    """Ten strong colours, then their ten pale variants, repeating after 20."""
    pairs = colormaps["tab20"].colors  # type: ignore[attr-defined]  # a ListedColormap
    palette = [*pairs[0::2], *pairs[1::2]]
    return [palette[i % len(palette)] for i in range(count)]


def _jitter(count: int) -> FloatArray:
    """Fixed offsets that separate folds of equal value."""
    return np.linspace(-0.18, 0.18, count) if count > 1 else np.zeros(count)


def _plain(text: str, limit: int = MAX_LABEL) -> str:
    """Text cut to the limit and escaped, so that matplotlib does not read it as a formula."""
    short = text if len(text) <= limit else text[: limit - 1] + "…"
    return short.replace("$", r"\$")


def _scorer_label(name: str, *, best: bool) -> str:
    return f"best baseline: {_plain(name, MAX_SCORER)}" if best else _plain(name, MAX_SCORER)


def _legend_beside(ax: Axes, handles: list[Line2D], labels: list[str]) -> None:
    ax.legend(handles, labels, loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False, fontsize="small")
