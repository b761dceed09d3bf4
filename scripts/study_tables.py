"""The study's page and its JSON, from the rows of the evaluation tables."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from hgt_repurposing.benchmark.protocol import FOLD, REPEAT, SCORER, SPLIT, SUITE, spread_over_folds, suites_of
from hgt_repurposing.benchmark.results import MODEL, Evaluation
from hgt_repurposing.graph.schema import FloatArray
from hgt_repurposing.graph.split_kinds import SPLIT_KINDS

JSON_METRICS = ("macro_ap", "macro_ap_by_drug", "recall_at_100", "auroc", "mrr", "hits_at_10")
SHOWN = {
    "macro_ap": "macro AP",
    "macro_ap_by_drug": "AP by drug",
    "recall_at_10": "R@10",
    "recall_at_50": "R@50",
    "recall_at_100": "R@100",
    "mrr": "MRR",
    "hits_at_10": "Hits@10",
    "auroc": "AUROC",
    "average_precision": "pooled AP",
    "auroc_degree_matched": "matched AUROC",
}
TARGETS: Mapping[str, Mapping[str, tuple[float, float]]] = {
    "disease": {"macro_ap": (0.29, 0.33), "recall_at_100": (0.76, 0.80), "auroc": (0.925, 0.94)},
    "pair": {"macro_ap": (0.365, 0.40), "recall_at_100": (0.89, 0.92), "auroc": (0.970, 0.98)},
    "drug": {"macro_ap_by_drug": (0.72, 0.76), "macro_ap": (0.29, 0.33), "recall_at_100": (0.75, 0.80)},
}
"""What was set out to be reached on Hetionet, and hoped for, before the study was run."""
WITHOUT_TOWERS = "HGT + SVD, no towers"
COMPARED = (
    ("HGT", "no vectors"),
    ("HGT", "HGT permuted"),
    ("HGT", "HGT untrained"),
    ("HGT", "no graph (encoder none)"),
    ("HGT", "mean aggregation"),
    ("HGT", "SVD"),
    ("SVD", "no vectors"),
    ("mean aggregation", "no vectors"),
    (MODEL, "SVD"),
    (MODEL, "HGT permuted + SVD"),
    (MODEL, WITHOUT_TOWERS),
)
CONTROLS = ("shuffled labels", "permuted graph")


class Cost(NamedTuple):
    """Wall-clock seconds on the machine of the study."""

    vectors: float
    """To make the vectors, once for all folds."""
    fold: float | None
    """To fit and score one fold; None where it was not timed."""


def study_json(rows: pd.DataFrame) -> dict[str, Any]:
    """{split: {scorer: {metric: {mean, sd, folds}}}}, folds in the order of repeats and folds. Any: JSON values."""
    result: dict[str, Any] = {}
    for (split, scorer), part in rows.groupby([SPLIT, SCORER], sort=False):
        ordered = part.sort_values([REPEAT, FOLD])
        metrics = {}
        for metric in JSON_METRICS:
            values = ordered[metric].to_numpy(dtype=np.float64)
            metrics[metric] = {
                "mean": float(values.mean()),
                "sd": spread_over_folds(values),
                "folds": values.tolist(),
            }
        result.setdefault(str(split), {})[str(scorer)] = metrics
    return result


def study_page(
    graph: str,
    evaluation: Evaluation,
    rows: pd.DataFrame,
    costs: Mapping[str, Cost],
    *,
    minutes: float,
    seed: int,
) -> str:
    """The page: headline, targets, a table per split, columns against each other, controls, calibration, popularity."""
    repeats = int(rows[REPEAT].max()) + 1
    parts = [
        f"# Study: {graph}",
        f"**{evaluation.headline()}**",
        (
            f"Made by `scripts/study.py --graph {graph} --seed {seed} --repeats {repeats}` in {minutes:.0f} minutes. "
            f"{repeats} shuffles of 5 folds each, of seeds that played no part in any choice. "
            "Mean +- standard deviation (n - 1) over all folds. `model` is what the pipeline ships: named features, "
            "HGT and SVD vectors, logistic regression, XGBoost and two towers."
        ),
        *_bars(graph, rows),
        *(section for split in _splits(rows) for section in _split_section(evaluation, rows, split)),
        *_columns(rows, costs),
        *_controls(rows),
        *_calibration(evaluation),
        *_popularity(evaluation),
    ]
    return "\n\n".join(parts) + "\n"


def _splits(rows: pd.DataFrame) -> list[str]:
    return [kind for kind in SPLIT_KINDS if (rows[SPLIT] == kind).any()]


def _values(rows: pd.DataFrame, split: str, scorer: str, metric: str) -> FloatArray:
    part = rows[(rows[SPLIT] == split) & (rows[SCORER] == scorer)].sort_values([REPEAT, FOLD])
    return part[metric].to_numpy(dtype=np.float64)


def _bars(graph: str, rows: pd.DataFrame) -> Iterator[str]:
    if graph != "hetionet":
        return
    lines = []
    for split, metrics in TARGETS.items():
        for metric, (target, stretch) in metrics.items():
            seen = float(_values(rows, split, MODEL, metric).mean())
            said = "stretch reached" if seen >= stretch else "reached" if seen >= target else "**missed**"
            lines.append([split, SHOWN[metric], f"{target:g}", f"{stretch:g}", f"{seen:.3f}", said])
    yield "## Against the targets"
    yield (
        "Values that were fixed before these shuffles were looked at: *target* is what the model had to reach, "
        "*stretch* what would have been better still."
    )
    yield _table(["held out", "metric", "target", "stretch", "model", ""], lines)


def _split_section(evaluation: Evaluation, rows: pd.DataFrame, split: str) -> Iterator[str]:
    lead, baseline = evaluation.differences(split, "macro_ap"), evaluation.best_baseline(split, "macro_ap")
    per_repeat = lead.reshape(int(rows[REPEAT].max()) + 1, -1)
    ahead = ", ".join(f"{(values > 0).sum()} of {len(values)}" for values in per_repeat)
    interval = evaluation.lead_interval(split)
    bounds = f"; 95 % interval over diseases {interval.lower:+.3f} to {interval.upper:+.3f}" if interval else ""
    yield f"## Held out: {split}"
    yield suites_of(split)[0].in_words()  # type: ignore[arg-type]  # a split's name is what it holds out
    yield (
        f"Lead of the model over the best baseline ({baseline}): {lead.mean():+.3f} +- {spread_over_folds(lead):.3f} "
        f"macro AP, ahead in {ahead} folds{bounds}."
    )
    scorers = list(dict.fromkeys(evaluation.strict.loc[evaluation.strict[SPLIT] == split, SCORER]))
    header = ["scorer", *SHOWN.values()]
    lines = [
        [_bold(scorer), *(_mean_sd(_values(rows, split, scorer, metric)) for metric in SHOWN)] for scorer in scorers
    ]
    yield _table(header, lines)
    folds = evaluation.folds
    opened = folds[(folds[SUITE] == "open") & (folds[SCORER] == MODEL) & (folds[SPLIT] == split)]
    if len(opened):
        precision = _mean_sd(opened["macro_ap"].to_numpy())
        yield f"Left out besides, contraindications, off-label use and palliation: model {precision} macro AP."
    names = ("auroc_uniform_1_to_1", "average_precision_uniform_1_to_1")
    classical = [
        [_bold(scorer), *(f"{_values(rows, split, scorer, name).mean():.3f}" for name in names)]
        for scorer in (MODEL, "degree product")
    ]
    yield "For comparison with papers only, held-out pairs against as many uniform negatives:"
    yield _table(["scorer", "AUROC, uniform 1:1", "average precision, uniform 1:1"], classical)


def _columns(rows: pd.DataFrame, costs: Mapping[str, Cost]) -> Iterator[str]:
    yield "## What the vectors are worth"
    yield (
        "The same hybrid (named features, same examples and folds) with other vectors, as columns of XGBoost and in "
        "the towers. Seconds are of the machine of the study: vectors once for all folds; fitting and scoring one "
        "fold, apart from the named features, which all share. The model's own folds are fitted by the evaluation, "
        "where they are not timed; HGT permuted + SVD is as many columns and takes as long."
    )
    splits = [split for split in _splits(rows) if split != "disease_group"]
    header = ["columns", *(f"{split}: macro AP" for split in splits), "drug: AP by drug", "vectors, s", "fold, s"]
    lines = []
    for name, cost in costs.items():
        shown = "model = HGT + SVD" if name == MODEL else name
        figures = [_mean_sd(_values(rows, split, name, "macro_ap")) for split in splits]
        by_drug = _mean_sd(_values(rows, "drug", name, "macro_ap_by_drug"))
        lines.append([shown, *figures, by_drug, f"{cost.vectors:.0f}", "" if cost.fold is None else f"{cost.fold:.1f}"])
    yield _table(header, lines)
    yield "Paired differences in macro AP over the same folds: mean +- standard deviation, folds ahead."
    lines = []
    for one, other in COMPARED:
        cells = []
        for split in splits:
            difference = _values(rows, split, one, "macro_ap") - _values(rows, split, other, "macro_ap")
            cells.append(f"{_signed(difference)}, {(difference > 0).sum()}/{len(difference)}")
        lines.append([f"{'HGT + SVD' if one == MODEL else one} - {other}", *cells])
    yield _table(["difference", *splits], lines)


def _controls(rows: pd.DataFrame) -> Iterator[str]:
    yield "## Controls"
    yield (
        "Shuffled labels: as many pairs, drawn at random, as indications (first shuffle, SVD columns); chance is the "
        "row `random` above. Permuted graph: every relation rewired by XSwap with all degrees kept, true labels: what "
        "degrees and the labels of neighbours by chance are worth."
    )
    lines = [
        [name, split, *(_mean_sd(_values(rows, split, name, metric)) for metric in JSON_METRICS)]
        for name in CONTROLS
        for split in _splits(rows)
        if len(_values(rows, split, name, "macro_ap"))
    ]
    yield _table(["control", "held out", *(SHOWN[metric] for metric in JSON_METRICS)], lines)


def _calibration(evaluation: Evaluation) -> Iterator[str]:
    yield "## Calibration"
    yield (
        "Probabilities at the prevalence of the grid, ten bins of equal mass: expected calibration error, and observed "
        "over expected positives in the top bin. The weights were fitted on inner folds of the training pairs."
    )
    lines = [
        [row[SPLIT], f"{row['expected_calibration_error']:.5f}", f"{row['top_bin_observed_over_expected']:.2f}"]
        for row in evaluation.trust.to_dict("records")
    ]
    yield _table(["held out", "calibration error", "top bin, observed / expected"], lines)


def _popularity(evaluation: Evaluation) -> Iterator[str]:
    yield "## Popularity and agreement"
    lines = [
        [
            row[SPLIT],
            f"{row['spearman_with_degree']:.2f}",
            f"{row['drug_entropy']:.2f}",
            "-" if np.isnan(row["top_10_overlap"]) else f"{row['top_10_overlap']:.2f}",
        ]
        for row in evaluation.trust.to_dict("records")
    ]
    yield _table(
        [
            "held out",
            "Spearman(score, degree) of drugs",
            "entropy of the top 10, share of the most",
            "overlap of the top 10 between shuffles",
        ],
        lines,
    )
    for kind, part in evaluation.frequent.groupby("kind", sort=False):
        named = ", ".join(f"{row['name']} ({row['num_lists']:.0f})" for row in part.to_dict("records"))
        yield f"Most often among the first ten: {kind}s {named}."


def _mean_sd(values: FloatArray) -> str:
    if not len(values):
        return ""
    return f"{values.mean():.3f}" if len(values) == 1 else f"{values.mean():.3f} +- {spread_over_folds(values):.3f}"


def _signed(values: FloatArray) -> str:
    return f"{values.mean():+.3f} +- {spread_over_folds(values):.3f}"


def _bold(scorer: str) -> str:
    return f"**{scorer}**" if scorer == MODEL else scorer


def _table(header: list[str], lines: list[list[str]]) -> str:
    rows = [header, ["---"] * len(header), *lines]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in rows)
