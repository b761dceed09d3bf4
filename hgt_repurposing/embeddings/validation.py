"""Validation of embeddings: detects collapse and gives a verdict.

Three measures decide. The mean pairwise cosine similarity shows whether all vectors point in the same direction. The
number of principal components for 90 % of the variance shows in how many directions they differ; the same number within
a node type, averaged over all nodes, in how many directions nodes of one type differ: a model that only knows a node's
type still separates the types (trained from identical inputs, the demo has 12 components over all nodes and 5 within a
type). Rows without a usable vector make the verdict "broken"; constant rows of isolated nodes are counted separately,
since such nodes receive no messages and the graph is the cause. The same measures are reported per node type: nodes of
a type that is nearly a single point cannot be ranked, so the type is reported and "good" becomes "borderline", but it
does not fail the validation.

Isolated rows are included in the three measures, so read their number along with the verdict. With fingerprints as
inputs, those of a type coincide: a share p of them adds at most p^2 to the cosine. With a learned vector per node they
keep their random initial direction, which makes the result look better: the cosine is multiplied by (1 - p)^2, and
components increase (5 % of random rows changed a cosine of 0.75 and 8 components to 0.67 and 23).
"""

from collections.abc import Mapping
from typing import Any, Literal, Self

import pandas as pd
from pydantic import BaseModel, Field

from hgt_repurposing.embeddings.statistics import NodeStatistics, embedding_statistics, isolated_rows
from hgt_repurposing.embeddings.table import Embeddings
from hgt_repurposing.graph.schema import NODE_NAME, NODE_TYPE
from hgt_repurposing.text_table import aligned

Verdict = Literal["good", "borderline", "collapsed", "broken"]
VERDICTS: tuple[Verdict, ...] = ("good", "borderline", "collapsed", "broken")
"""From best to worst; the overall verdict is that of the worst measure."""

ROW_FAULTS = ("non-finite", "constant", "duplicate", "missing")
NUM_NAMED = 5
"""Number of isolated nodes named in the warning."""

PART = "hgt_embeddings.validation.json"


class ValidationThresholds(BaseModel, frozen=True, extra="forbid"):
    """Bounds for good and for collapsed embeddings."""

    good_cosine: float = Field(0.6, gt=-1, le=1, description="a mean cosine similarity below this is good")
    max_cosine: float = Field(0.7, gt=-1, le=1, description="a mean cosine similarity of this or more fails")
    good_components: int = Field(15, ge=1, description="this many components or more are good")
    min_components: int = Field(10, ge=0, description="this many components or fewer fail")
    variance_share: float = Field(0.9, gt=0, le=1, description="share of variance that the counted components explain")
    max_constant_share: float = Field(
        0.05, ge=0, le=1, description="largest share of constant rows (mostly zero) that is still borderline"
    )
    one_point_cosine: float = Field(0.95, gt=-1, le=1, description="mean cosine from which a type is one point")
    # Small types have fewer components than any bound here, and a few near-synonyms may well coincide.
    min_type_size: int = Field(30, ge=2, description="smallest type to warn about")


class Measure(BaseModel, frozen=True, extra="forbid"):
    """One measure, its bound and its verdict."""

    name: str
    value: float | int | None
    bound: str
    verdict: Verdict


class ValidationReport(BaseModel, frozen=True, extra="forbid"):
    """All measures and the verdict."""

    verdict: Verdict
    dim: int
    overall: NodeStatistics
    by_type: dict[str, NodeStatistics]
    within_type_cosine: float | None
    """Mean over all pairs of nodes of the same type; None without such a pair."""
    across_type_cosine: float | None
    """Mean over all pairs of nodes of different types; None without such a pair."""
    within_type_components: float | None
    """Components within a node's type, averaged over nodes; None without two sufficiently large types."""
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
        """Mean cosine within types minus mean cosine across types."""
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
        """The report as a plain-text table."""
        share = f"{self.thresholds.variance_share:.0%}"
        measures = [(m.name, _shown(m.value), m.bound, m.verdict) for m in self.measures]
        statistics = {"all": self.overall, **self.by_type}
        types = [(name, *_row(s)) for name, s in statistics.items()]
        type_head = ("type", "rows", "isolated", "cosine", f"PCs {share}", *ROW_FAULTS)
        return "\n".join(
            [
                f"{self.overall.num_rows:,} embeddings of {self.dim} dimensions, {len(self.by_type)} node types",
                "",
                *aligned([("measure", "value", "bound", "verdict"), *measures]),
                "",
                *aligned([type_head, *types]),
                "",
                f"mean cosine within types {_shown(self.within_type_cosine)}, across types "
                f"{_shown(self.across_type_cosine)}, separation {_shown(self.type_separation)}",
                f"constant dimensions: {self.num_constant_columns}",
                *(f"warning: {warning}" for warning in self.warnings),
                "",
                f"verdict: {self.verdict} ({'passed' if self.passed else 'failed'})",
            ]
        )


def validate_embeddings(
    embeddings: Embeddings,
    thresholds: ValidationThresholds,
    *,
    expected_nodes: pd.DataFrame | None = None,
    isolated_nodes: pd.DataFrame | None = None,
) -> ValidationReport:
    """Compute statistics of embeddings and their verdict.

    Args:
        embeddings: Any number of nodes, including 0.
        thresholds: The bounds.
        expected_nodes: Columns node_type, node_id: nodes that must have a row; None: no check.
        isolated_nodes: Columns node_type, node_id: nodes that receive no messages; their constant rows are excluded
            from that measure. None: not known, all constant rows count.
    """
    found = embedding_statistics(
        embeddings,
        variance_share=thresholds.variance_share,
        expected_nodes=expected_nodes,
        isolated_nodes=isolated_nodes,
    )
    within_type = _within_type_components(found.by_type, thresholds)
    measures = _measures(found.overall, within_type, thresholds)
    one_point = _one_point_types(found.by_type, thresholds)
    verdict = max([*(m.verdict for m in measures), "borderline" if one_point else "good"], key=VERDICTS.index)
    return ValidationReport(
        verdict=verdict,
        dim=embeddings.dim,
        overall=found.overall,
        by_type=found.by_type,
        within_type_cosine=found.within_type_cosine,
        across_type_cosine=found.across_type_cosine,
        within_type_components=within_type,
        num_constant_columns=found.num_constant_columns,
        measures=measures,
        warnings=(
            *_isolated(embeddings, isolated_nodes, found.overall),
            *_out_of_reach(found.overall, embeddings.dim, thresholds),
            *one_point,
        ),
        thresholds=thresholds,
    )


def _within_type_components(by_type: Mapping[str, NodeStatistics], thresholds: ValidationThresholds) -> float | None:
    large = [s for s in by_type.values() if s.num_rows >= thresholds.min_type_size]
    if len(large) < 2:
        return None
    return sum(s.num_components * s.num_rows for s in large) / sum(s.num_rows for s in large)


def _measures(
    overall: NodeStatistics, within_type: float | None, thresholds: ValidationThresholds
) -> tuple[Measure, ...]:
    t = thresholds
    components = f"components for {t.variance_share:.0%} of the variance"
    components_bound = f"good from {t.good_components}, collapsed at {t.min_components} or fewer"
    num_constant = overall.num_constant - overall.num_constant_isolated
    constant_share = num_constant / max(overall.num_rows - overall.num_isolated, 1)
    constant: Verdict = "borderline" if constant_share <= t.max_constant_share else "broken"
    return (
        Measure(name="rows", value=overall.num_rows, bound="at least 1", verdict=_whole(overall.num_rows > 0)),
        _none_allowed("missing rows", overall.num_missing),
        _none_allowed("non-finite rows", overall.num_non_finite),
        Measure(
            name="constant rows",
            value=num_constant,
            bound=f"good at 0, broken above {t.max_constant_share:.0%} of the rows"
            + (", isolated nodes excluded" if overall.num_isolated else ""),
            verdict=constant if num_constant else "good",
        ),
        Measure(
            name="mean cosine similarity",
            value=overall.mean_cosine,
            bound=f"good below {t.good_cosine:g}, collapsed from {t.max_cosine:g}",
            verdict=_cosine_verdict(overall.mean_cosine, t),
        ),
        Measure(
            name=components,
            value=overall.num_components,
            bound=components_bound,
            verdict=_components_verdict(overall.num_components, t),
        ),
        Measure(
            name=f"{components}, within a type",
            value=within_type,
            bound=components_bound,
            verdict="good" if within_type is None else _components_verdict(within_type, t),
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


def _components_verdict(num_components: float, thresholds: ValidationThresholds) -> Verdict:
    if num_components <= thresholds.min_components:
        return "collapsed"
    return "good" if num_components >= thresholds.good_components else "borderline"


def _one_point_types(by_type: Mapping[str, NodeStatistics], thresholds: ValidationThresholds) -> tuple[str, ...]:
    return tuple(
        f"the {s.num_rows:,} nodes of type {name!r} are nearly a single point (mean cosine {s.mean_cosine:.3f}): "
        "the verdict is at best borderline"
        for name, s in by_type.items()
        if s.num_rows >= thresholds.min_type_size
        and s.mean_cosine is not None
        and s.mean_cosine >= thresholds.one_point_cosine
    )


def _isolated(embeddings: Embeddings, isolated_nodes: pd.DataFrame | None, overall: NodeStatistics) -> tuple[str, ...]:
    """Warning about nodes that receive no messages, which is not the embeddings' fault."""
    if isolated_nodes is None:
        if not overall.num_constant:
            return ()
        return (
            f"constant rows ({overall.num_constant:,}): these are expected for isolated nodes (no edges other than "
            "those between drugs and diseases), but without a graph these are not known; the embedding validation of "
            "a run takes them from its graph and counts them separately",
        )
    if not overall.num_isolated:
        return ()
    nodes = embeddings.nodes[isolated_rows(embeddings, isolated_nodes)]
    named = [f"{kind} {name!r}" for kind, name in zip(nodes[NODE_TYPE], nodes[NODE_NAME], strict=True)][:NUM_NAMED]
    return (
        f"isolated nodes ({overall.num_isolated:,}), without edges other than those between drugs and diseases "
        f"({', '.join(named)}{', …' if len(nodes) > NUM_NAMED else ''}): their vectors carry no other "
        f"information, and {overall.num_constant_isolated:,} of them are constant",
    )


def _out_of_reach(overall: NodeStatistics, dim: int, thresholds: ValidationThresholds) -> tuple[str, ...]:
    """Warning if the shape of the table rules out a good number of components; the bound does not change."""
    usable = overall.num_rows - overall.num_non_finite
    most = max(min(dim, usable - 1), 0)
    if most >= thresholds.good_components:
        return ()
    return (
        f"{usable:,} usable rows of {dim} dimensions have at most {most} components, "
        f"so the {thresholds.good_components} required for good cannot be reached",
    )


def _row(s: NodeStatistics) -> tuple[str, ...]:
    values = (
        s.num_rows,
        s.num_isolated,
        s.mean_cosine,
        s.num_components,
        s.num_non_finite,
        s.num_constant,
        s.num_duplicates,
    )
    return tuple(map(_shown, (*values, s.num_missing)))


def _shown(value: float | int | None) -> str:
    if value is None:
        return "-"
    return f"{value:.3f}" if isinstance(value, float) else f"{value:,}"
