"""Whether embeddings tell nodes apart: collapse detectors with a verdict.

Two figures over all nodes decide. The mean pairwise cosine similarity says whether all vectors point one way; the
number of principal components for 90 % of the variance says in how many directions they differ. Rows that hold no
usable vector are counted and break the verdict. The same numbers per node type are reported: a type that is all but
one point cannot be ranked, so it is named and turns "good" into "borderline", but it fails nothing on its own.
"""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple, Self

import numpy as np
import pandas as pd
from pydantic import BaseModel, Field

from hgt_repurposing.embeddings.table import Embeddings
from hgt_repurposing.graph.schema import NODE_ID, NODE_TYPE, BoolArray, FloatArray, IntArray

Verdict = Literal["good", "borderline", "collapsed", "broken"]
VERDICTS: tuple[Verdict, ...] = ("good", "borderline", "collapsed", "broken")
"""From best to worst; the worst measure is the verdict of the whole."""

PART = "hgt_embeddings.validation.json"
ROWS_PER_CHUNK = 4096  # 16 MB of float64 at 512 dimensions


class ValidationThresholds(BaseModel, frozen=True, extra="forbid"):
    """Where embeddings stop being good, and where they have collapsed."""

    good_cosine: float = Field(0.6, gt=-1, le=1, description="mean cosine similarity is good below this")
    max_cosine: float = Field(0.7, gt=-1, le=1, description="mean cosine similarity fails from this on")
    good_components: int = Field(15, ge=1, description="number of components is good from this on")
    min_components: int = Field(10, ge=0, description="number of components fails at this or fewer")
    variance_share: float = Field(0.9, gt=0, le=1, description="share of variance that the components explain")
    max_constant_share: float = Field(
        0.05, ge=0, le=1, description="share of rows with all entries equal (zero, mostly) that is still borderline"
    )
    one_point_cosine: float = Field(0.95, gt=-1, le=1, description="mean cosine from which a type is all but one point")
    # Fewer nodes have fewer components than any bound here, and a handful of near-synonyms may well share a place.
    min_type_size: int = Field(30, ge=2, description="smallest type that is warned about")


class NodeStatistics(BaseModel, frozen=True, extra="forbid"):
    """What the vectors of some nodes look like. Rows with a non-finite entry enter no other figure."""

    num_rows: int
    num_missing: int
    """Expected nodes without a row."""
    num_non_finite: int
    """Rows with NaN or infinity."""
    num_constant: int
    """Rows with all entries equal, zero rows included (of more than one dimension)."""
    num_zero: int
    """Rows of nothing but zeros; they have no direction and enter no cosine."""
    num_duplicates: int
    """Rows that repeat an earlier one exactly."""
    mean_cosine: float | None
    """Mean over all pairs of rows; None for fewer than two rows with a direction."""
    num_components: int
    """Principal components that explain the wanted share of the variance; 0 without variance."""


class Measure(BaseModel, frozen=True, extra="forbid"):
    """One figure, the bound it is held against and what comes of it."""

    name: str
    value: float | int | None
    bound: str
    verdict: Verdict


class ValidationReport(BaseModel, frozen=True, extra="forbid"):
    """All figures and the verdict."""

    verdict: Verdict
    dim: int
    overall: NodeStatistics
    by_type: dict[str, NodeStatistics]
    within_type_cosine: float | None
    """Mean over all pairs of nodes of one type; None without such a pair."""
    across_type_cosine: float | None
    """Mean over all pairs of nodes of two types; None without such a pair."""
    num_constant_columns: int
    """Dimensions with the same value in every finite row."""
    measures: tuple[Measure, ...]
    warnings: tuple[str, ...]
    thresholds: ValidationThresholds

    @property
    def passed(self) -> bool:
        """Whether the embeddings may be used."""
        return self.verdict in ("good", "borderline")

    @property
    def type_separation(self) -> float | None:
        """How much more alike nodes of one type are than nodes of two."""
        if self.within_type_cosine is None or self.across_type_cosine is None:
            return None
        return self.within_type_cosine - self.across_type_cosine

    def to_parts(self) -> dict[str, Any]:
        """What `artifacts.py` writes; the inverse of `from_parts`. Any: one of its part shapes."""
        derived = {"passed": self.passed, "type_separation": self.type_separation}
        return {PART: self.model_dump(mode="json") | derived}

    @classmethod
    def from_parts(cls, parts: Mapping[str, Any]) -> Self:
        """Inverse of `to_parts`."""
        derived = ("passed", "type_separation")
        return cls.model_validate({name: value for name, value in parts[PART].items() if name not in derived})

    def to_text(self) -> str:
        """The verdict as a table for people."""
        share = f"{self.thresholds.variance_share:.0%}"
        measures = [(m.name, _shown(m.value), m.bound, m.verdict) for m in self.measures]
        statistics = {"all": self.overall, **self.by_type}
        types = [(name, *_row(s)) for name, s in statistics.items()]
        type_head = ("type", "rows", "cosine", f"PCs {share}", "non-finite", "constant", "duplicate", "missing")
        return "\n".join(
            [
                f"{self.overall.num_rows:,} embeddings of {self.dim} dimensions, {len(self.by_type)} node types",
                "",
                *_aligned([("measure", "value", "bound", "verdict"), *measures]),
                "",
                *_aligned([type_head, *types]),
                "",
                f"mean cosine within types {_shown(self.within_type_cosine)}, across types "
                f"{_shown(self.across_type_cosine)}, separation {_shown(self.type_separation)}",
                f"dimensions with one value throughout: {self.num_constant_columns}",
                *(f"warning: {warning}" for warning in self.warnings),
                "",
                f"verdict: {self.verdict} ({'passed' if self.passed else 'failed'})",
            ]
        )


def validate_embeddings(
    embeddings: Embeddings, thresholds: ValidationThresholds, *, expected_nodes: pd.DataFrame | None = None
) -> ValidationReport:
    """Measure embeddings and judge them.

    Args:
        embeddings: Any number of nodes, also none.
        thresholds: The bounds.
        expected_nodes: Columns node_type, node_id: nodes that must have a row. None expects nothing.

    The vectors are read in float64 chunks: O(num_nodes x dim^2) time, O(dim^2) memory per type.
    """
    grouped = embeddings.nodes.groupby(NODE_TYPE).indices
    rows_of = {str(name): np.asarray(rows, dtype=np.int64) for name, rows in grouped.items()}
    missing = _missing_by_type(embeddings.nodes, expected_nodes)
    names = sorted(rows_of.keys() | missing.keys())
    empty = np.empty(0, dtype=np.int64)
    sums = {name: _sums(embeddings, rows_of.get(name, empty)) for name in names}
    merged = _merge(list(sums.values()), embeddings.dim)
    share = thresholds.variance_share
    overall = _statistics(merged, sum(missing.values()), share)
    by_type = {name: _statistics(sums[name], missing.get(name, 0), share) for name in names}
    within, across = _within_and_across(list(sums.values()), merged)
    measures = _measures(overall, thresholds)
    warnings = _one_point_types(by_type, thresholds)
    verdict = max([*(m.verdict for m in measures), "borderline" if warnings else "good"], key=VERDICTS.index)
    return ValidationReport(
        verdict=verdict,
        dim=embeddings.dim,
        overall=overall,
        by_type=by_type,
        within_type_cosine=within,
        across_type_cosine=across,
        num_constant_columns=int((merged.highest <= merged.lowest).sum()) if merged.num_finite else 0,
        measures=measures,
        warnings=(*_out_of_reach(overall, embeddings.dim, thresholds), *warnings),
        thresholds=thresholds,
    )


class _Sums(NamedTuple):
    """What every figure is computed from; the sums of two groups of rows add up to those of both."""

    num_rows: int
    num_finite: int
    num_constant: int
    num_zero: int
    digests: list[bytes]
    """Of every finite row."""
    mean: FloatArray
    """Over finite rows. Shape [dim]."""
    scatter: FloatArray
    """Sum over finite rows of (x - mean)(x - mean)'. Shape [dim, dim]."""
    unit_sum: FloatArray
    """Sum of x / |x| over finite rows that are not zero. Shape [dim]."""
    lowest: FloatArray
    highest: FloatArray

    @property
    def num_directions(self) -> int:
        """Finite rows that are not zero."""
        return self.num_finite - self.num_zero


def _sums(embeddings: Embeddings, rows: IntArray) -> _Sums:
    dim = embeddings.dim
    finite = rows[_finite_rows(embeddings, rows)]
    total, unit_sum = np.zeros(dim), np.zeros(dim)
    lowest, highest = np.full(dim, np.inf), np.full(dim, -np.inf)
    num_constant = num_zero = 0
    digests: list[bytes] = []
    for chunk in _chunks(embeddings, finite):
        length = np.linalg.norm(chunk, axis=1)
        total += chunk.sum(axis=0)
        unit_sum += (1 / length[length > 0]) @ chunk[length > 0]
        lowest, highest = np.minimum(lowest, chunk.min(axis=0)), np.maximum(highest, chunk.max(axis=0))
        num_zero += int((length == 0).sum())
        num_constant += int((np.ptp(chunk, axis=1) == 0).sum()) if dim > 1 else 0
        digests.extend(hashlib.blake2b(row, digest_size=16).digest() for row in chunk + 0.0)  # -0.0 becomes 0.0
    mean = total / max(len(finite), 1)
    scatter = np.zeros((dim, dim))
    for chunk in _chunks(embeddings, finite):
        centred = chunk - mean
        scatter += centred.T @ centred
    return _Sums(len(rows), len(finite), num_constant, num_zero, digests, mean, scatter, unit_sum, lowest, highest)


def _finite_rows(embeddings: Embeddings, rows: IntArray) -> BoolArray:
    parts = [np.isfinite(chunk).all(axis=1) for chunk in _chunks(embeddings, rows)]
    return np.concatenate(parts) if parts else np.empty(0, dtype=np.bool_)


def _chunks(embeddings: Embeddings, rows: IntArray) -> Iterator[FloatArray]:
    for start in range(0, len(rows), ROWS_PER_CHUNK):
        yield embeddings.vectors[rows[start : start + ROWS_PER_CHUNK]].astype(np.float64)


def _merge(groups: list[_Sums], dim: int) -> _Sums:
    num_finite = sum(group.num_finite for group in groups)
    mean = sum((group.mean * group.num_finite for group in groups), np.zeros(dim)) / max(num_finite, 1)
    scatter = np.zeros((dim, dim))
    for group in groups:
        # Variance about the common mean = variance within the group + that of the group's mean.
        offset = group.mean - mean
        scatter += group.scatter + group.num_finite * np.outer(offset, offset)
    return _Sums(
        num_rows=sum(group.num_rows for group in groups),
        num_finite=num_finite,
        num_constant=sum(group.num_constant for group in groups),
        num_zero=sum(group.num_zero for group in groups),
        digests=[digest for group in groups for digest in group.digests],
        mean=mean,
        scatter=scatter,
        unit_sum=sum((group.unit_sum for group in groups), np.zeros(dim)),
        lowest=np.min([group.lowest for group in groups], axis=0, initial=np.inf),
        highest=np.max([group.highest for group in groups], axis=0, initial=-np.inf),
    )


def _statistics(sums: _Sums, num_missing: int, variance_share: float) -> NodeStatistics:
    n = sums.num_directions
    return NodeStatistics(
        num_rows=sums.num_rows,
        num_missing=num_missing,
        num_non_finite=sums.num_rows - sums.num_finite,
        num_constant=sums.num_constant,
        num_zero=sums.num_zero,
        num_duplicates=len(sums.digests) - len(set(sums.digests)),
        mean_cosine=_ratio(_cosine_sum(sums), n * (n - 1)),
        num_components=_num_components(sums, variance_share),
    )


def _cosine_sum(sums: _Sums) -> float:
    """Sum of the cosine similarity over all ordered pairs of different rows."""
    # |sum u_i|^2 = sum_i u_i.u_i + sum_{i != j} u_i.u_j = n + (the sum wanted), for unit vectors u: exact, in O(n d).
    return float(sums.unit_sum @ sums.unit_sum) - sums.num_directions


def _within_and_across(groups: list[_Sums], merged: _Sums) -> tuple[float | None, float | None]:
    # Every pair is either within a type or across types, so across = all - within, in sums and in counts.
    within = sum(_cosine_sum(group) for group in groups)
    num_within = sum(group.num_directions * (group.num_directions - 1) for group in groups)
    num_pairs = merged.num_directions * (merged.num_directions - 1)
    return _ratio(within, num_within), _ratio(_cosine_sum(merged) - within, num_pairs - num_within)


def _ratio(total: float, count: int) -> float | None:
    return total / count if count > 0 else None


def _num_components(sums: _Sums, variance_share: float) -> int:
    variance = float(np.trace(sums.scatter))
    # Rounding leaves some 1e-32 of the squared length where all rows are equal; one float32 step is far above that.
    if variance <= 1e-20 * sums.num_finite * float(sums.mean @ sums.mean):
        return 0
    eigenvalues = np.clip(np.linalg.eigvalsh(sums.scatter)[::-1], 0, None)
    explained = np.cumsum(eigenvalues) / eigenvalues.sum()
    return min(int(np.searchsorted(explained, variance_share)) + 1, len(explained))


def _missing_by_type(nodes: pd.DataFrame, expected: pd.DataFrame | None) -> dict[str, int]:
    if expected is None:
        return {}
    wanted = pd.MultiIndex.from_frame(expected[[NODE_TYPE, NODE_ID]]).unique()
    absent = wanted[~wanted.isin(pd.MultiIndex.from_frame(nodes[[NODE_TYPE, NODE_ID]]))]
    counts = absent.get_level_values(NODE_TYPE).value_counts()
    return {str(name): int(count) for name, count in counts.items()}


def _measures(overall: NodeStatistics, thresholds: ValidationThresholds) -> tuple[Measure, ...]:
    t = thresholds
    constant_share = overall.num_constant / max(overall.num_rows, 1)
    constant: Verdict = "borderline" if constant_share <= t.max_constant_share else "broken"
    return (
        Measure(name="rows", value=overall.num_rows, bound="at least 1", verdict=_whole(overall.num_rows > 0)),
        _none_allowed("missing rows", overall.num_missing),
        _none_allowed("non-finite rows", overall.num_non_finite),
        Measure(
            name="constant rows",
            value=overall.num_constant,
            bound=f"good at 0, broken above {t.max_constant_share:.0%} of the rows",
            verdict=constant if overall.num_constant else "good",
        ),
        Measure(
            name="mean cosine similarity",
            value=overall.mean_cosine,
            bound=f"good below {t.good_cosine:g}, collapsed from {t.max_cosine:g}",
            verdict=_cosine_verdict(overall.mean_cosine, t),
        ),
        Measure(
            name=f"components for {t.variance_share:.0%} of the variance",
            value=overall.num_components,
            bound=f"good from {t.good_components}, collapsed at {t.min_components} or fewer",
            verdict=_components_verdict(overall.num_components, t),
        ),
    )


def _whole(fulfilled: bool) -> Verdict:  # noqa: FBT001  (the only argument)
    return "good" if fulfilled else "broken"


def _none_allowed(name: str, count: int) -> Measure:
    return Measure(name=name, value=count, bound="none", verdict=_whole(count == 0))


def _cosine_verdict(cosine: float | None, thresholds: ValidationThresholds) -> Verdict:
    if cosine is None:
        return "broken"
    if cosine >= thresholds.max_cosine:
        return "collapsed"
    return "good" if cosine < thresholds.good_cosine else "borderline"


def _components_verdict(num_components: int, thresholds: ValidationThresholds) -> Verdict:
    if num_components <= thresholds.min_components:
        return "collapsed"
    return "good" if num_components >= thresholds.good_components else "borderline"


def _one_point_types(by_type: Mapping[str, NodeStatistics], thresholds: ValidationThresholds) -> tuple[str, ...]:
    return tuple(
        f"the {s.num_rows:,} nodes of type {name!r} are all but one point (mean cosine {s.mean_cosine:.3f}); "
        "no verdict better than borderline"
        for name, s in by_type.items()
        if s.num_rows >= thresholds.min_type_size
        and s.mean_cosine is not None
        and s.mean_cosine >= thresholds.one_point_cosine
    )


def _out_of_reach(overall: NodeStatistics, dim: int, thresholds: ValidationThresholds) -> tuple[str, ...]:
    """The bound on components stays as it is where the shape of the table rules it out, but the reader is told."""
    usable = overall.num_rows - overall.num_non_finite
    most = max(min(dim, usable - 1), 0)
    if most >= thresholds.good_components:
        return ()
    return (
        f"{usable:,} usable rows of {dim} dimensions have at most {most} components, "
        f"so the {thresholds.good_components} that count as good are out of reach",
    )


def _row(s: NodeStatistics) -> tuple[str, ...]:
    values = (s.num_rows, s.mean_cosine, s.num_components, s.num_non_finite, s.num_constant, s.num_duplicates)
    return tuple(map(_shown, (*values, s.num_missing)))


def _shown(value: float | int | None) -> str:
    if value is None:
        return "-"
    return f"{value:.3f}" if isinstance(value, float) else f"{value:,}"


def _aligned(rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
