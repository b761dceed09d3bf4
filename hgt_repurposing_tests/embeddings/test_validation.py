import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.decomposition import PCA

from hgt_repurposing.embeddings import statistics
from hgt_repurposing.embeddings.table import Embeddings, FloatArray32
from hgt_repurposing.embeddings.validation import (
    ValidationReport,
    ValidationThresholds,
    validate_embeddings,
)
from hgt_repurposing.graph.schema import FloatArray

THRESHOLDS = ValidationThresholds()

matrices = hnp.arrays(
    np.float32, st.tuples(st.integers(2, 8), st.integers(1, 5)), elements=st.integers(-3, 3).map(float)
)


def embedded(vectors: FloatArray | FloatArray32, types: list[str] | None = None) -> Embeddings:
    ids = [str(row) for row in range(len(vectors))]
    nodes = pd.DataFrame({"node_id": ids, "node_type": types or "drug", "node_name": ""}, dtype="str")
    return Embeddings(nodes, np.ascontiguousarray(vectors, dtype=np.float32))


def validate(vectors: FloatArray | FloatArray32, types: list[str] | None = None) -> ValidationReport:
    return validate_embeddings(embedded(vectors, types), THRESHOLDS)


def gaussian(num_rows: int, dim: int, seed: int = 0) -> FloatArray:
    return np.random.default_rng(seed).standard_normal((num_rows, dim))


def with_mean_cosine(cosine: float) -> FloatArray:
    """80 rows of 64 orthogonal directions and their opposites around a common axis: mean cosine set by the axis."""
    # u = sqrt(c') axis + sqrt(1 - c') e_i for opposite pairs +-e_i: cosines average to c' - (1 - c') / (n - 1).
    n = 80
    share = (cosine * (n - 1) + 1) / n
    around = np.vstack([np.eye(40), -np.eye(40)])
    return np.hstack([np.full((n, 1), np.sqrt(share)), np.sqrt(1 - share) * around])


def slow_cosines(vectors: FloatArray32) -> dict[tuple[int, int], float]:
    """Cosine of every ordered pair of different rows that are not zero."""
    units = {i: row / np.linalg.norm(row) for i, row in enumerate(vectors.astype(np.float64)) if row.any()}
    return {(i, j): float(units[i] @ units[j]) for i in units for j in units if i != j}


def mean_or_none(values: list[float]) -> object:
    return pytest.approx(np.mean(values), abs=1e-12) if values else None


def measure(report: ValidationReport, name: str) -> str:
    return next(m.verdict for m in report.measures if m.name.startswith(name))


def test_random_vectors_are_good() -> None:
    assert validate(gaussian(500, 64)).verdict == "good"


def test_identical_vectors_are_collapsed() -> None:
    report = validate(np.tile(gaussian(1, 64), (500, 1)))
    assert (report.verdict, report.passed) == ("collapsed", False)


def test_identical_vectors_have_no_component_and_cosine_one() -> None:
    overall = validate(np.tile(gaussian(1, 64), (500, 1))).overall
    assert overall.num_components == 0
    assert overall.mean_cosine == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize(
    ("cosine", "verdict"), [(0.59, "good"), (0.61, "borderline"), (0.69, "borderline"), (0.71, "collapsed")]
)
def test_the_mean_cosine_is_good_below_six_tenths_and_fails_from_seven(cosine: float, verdict: str) -> None:
    report = validate(with_mean_cosine(cosine))
    assert report.overall.mean_cosine == pytest.approx(cosine, abs=1e-6)  # float32 vectors
    assert report.verdict == verdict


@pytest.mark.parametrize(
    ("num_components", "verdict"), [(10, "collapsed"), (11, "borderline"), (14, "borderline"), (15, "good")]
)
def test_components_fail_at_ten_and_are_good_from_fifteen(num_components: int, verdict: str) -> None:
    # k directions of equal variance carry 95 % of it, 40 faint ones the rest, so 90 % take all k but a fraction.
    large = np.vstack([np.eye(num_components), -np.eye(num_components)]) * np.sqrt(0.95 * 40 / (0.05 * num_components))
    vectors = np.zeros((2 * num_components + 80, num_components + 40))
    vectors[: 2 * num_components, :num_components] = large
    vectors[2 * num_components :, num_components:] = np.vstack([np.eye(40), -np.eye(40)])
    report = validate(vectors)
    assert report.overall.num_components == num_components
    assert (report.verdict, report.passed) == (verdict, verdict != "collapsed")


@given(matrices)
def test_the_mean_cosine_is_exact(vectors: FloatArray32) -> None:
    assert validate(vectors).overall.mean_cosine == mean_or_none(list(slow_cosines(vectors).values()))


@given(matrices, st.data())
def test_cosines_within_and_across_types_are_exact(vectors: FloatArray32, data: st.DataObject) -> None:
    types = data.draw(st.lists(st.sampled_from("abc"), min_size=len(vectors), max_size=len(vectors)))
    report = validate(vectors, types)
    cosines = slow_cosines(vectors)
    within = [cosine for (i, j), cosine in cosines.items() if types[i] == types[j]]
    across = [cosine for (i, j), cosine in cosines.items() if types[i] != types[j]]
    assert report.within_type_cosine == mean_or_none(within)
    assert report.across_type_cosine == mean_or_none(across)


@pytest.mark.parametrize("seed", range(5))
def test_the_number_of_components_is_that_of_scikit_learn(seed: int) -> None:
    scales = np.exp(-np.arange(20) / 4)
    vectors = np.ascontiguousarray(gaussian(60, 20, seed) * scales + 3, dtype=np.float32)
    expected = PCA(n_components=0.9, svd_solver="full").fit(vectors.astype(np.float64)).n_components_
    assert validate(vectors).overall.num_components == expected


def test_the_number_of_components_of_all_types_together_is_that_of_scikit_learn() -> None:
    offset = np.repeat(gaussian(3, 20, seed=9) * 2, 20, axis=0)
    vectors = np.ascontiguousarray(gaussian(60, 20) + offset, dtype=np.float32)
    expected = PCA(n_components=0.9, svd_solver="full").fit(vectors.astype(np.float64)).n_components_
    assert validate(vectors, ["a"] * 20 + ["b"] * 20 + ["c"] * 20).overall.num_components == expected


@given(matrices, st.data())
def test_the_figures_of_a_type_are_those_of_its_rows_alone(vectors: FloatArray32, data: st.DataObject) -> None:
    types = data.draw(st.lists(st.sampled_from("ab"), min_size=len(vectors), max_size=len(vectors)))
    report = validate(vectors, types)
    for name, of_type in report.by_type.items():
        assert of_type == validate(vectors[np.array(types) == name]).overall


def test_chunks_do_not_change_the_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = gaussian(50, 6) + 3
    whole = validate(vectors).overall
    monkeypatch.setattr(statistics, "ROWS_PER_CHUNK", 7)
    chunked = validate(vectors).overall
    assert chunked.mean_cosine == pytest.approx(whole.mean_cosine, abs=1e-12)
    assert chunked.model_copy(update={"mean_cosine": None}) == whole.model_copy(update={"mean_cosine": None})


def test_types_apart_are_separated() -> None:
    axis = np.zeros((100, 20))
    axis[:50, 0], axis[50:, 1] = 4, 4
    report = validate(gaussian(100, 20) + axis, ["drug"] * 50 + ["gene"] * 50)
    assert report.type_separation is not None
    assert report.type_separation > 0.3


def test_a_single_type_has_no_separation() -> None:
    assert validate(gaussian(10, 4)).type_separation is None


def spoiled(value: float) -> FloatArray:
    vectors = gaussian(500, 64)
    vectors[3, 5] = value
    return vectors


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_one_number_that_is_not_finite_breaks_the_verdict(value: float) -> None:
    report = validate(spoiled(value))
    assert (report.overall.num_non_finite, report.verdict, report.passed) == (1, "broken", False)


def test_a_row_that_is_not_finite_enters_no_other_figure() -> None:
    report = validate(spoiled(np.nan))
    assert report.overall.mean_cosine == pytest.approx(
        validate(np.delete(gaussian(500, 64), 3, axis=0)).overall.mean_cosine, abs=1e-12
    )


def test_a_table_without_rows_is_broken() -> None:
    report = validate(np.empty((0, 64)))
    assert (measure(report, "rows"), report.verdict) == ("broken", "broken")


def test_a_single_row_is_broken_as_there_is_nothing_to_compare() -> None:
    assert measure(validate(np.ones((1, 64))), "mean cosine") == "broken"


def test_an_expected_node_without_a_row_breaks_the_verdict() -> None:
    embeddings = embedded(gaussian(500, 64))
    absent = pd.DataFrame({"node_type": ["drug", "gene"], "node_id": ["x", "3"]})
    expected = pd.concat([embeddings.nodes, absent])
    report = validate_embeddings(embeddings, THRESHOLDS, expected_nodes=expected)
    assert (report.overall.num_missing, report.verdict) == (2, "broken")
    assert {name: s.num_missing for name, s in report.by_type.items()} == {"drug": 1, "gene": 1}


def test_nothing_is_missing_when_every_expected_node_has_a_row() -> None:
    embeddings = embedded(gaussian(500, 64))
    report = validate_embeddings(embeddings, THRESHOLDS, expected_nodes=embeddings.nodes.iloc[::-1])
    assert (report.overall.num_missing, report.verdict) == (0, "good")


@pytest.mark.parametrize(("num_zero", "verdict"), [(0, "good"), (25, "borderline"), (26, "broken")])
def test_zero_rows_are_borderline_up_to_one_in_twenty(num_zero: int, verdict: str) -> None:
    vectors = gaussian(500, 64)
    vectors[:num_zero] = 0
    report = validate(vectors)
    assert (report.overall.num_zero, report.overall.num_constant, report.verdict) == (num_zero, num_zero, verdict)


def of_rows(embeddings: Embeddings, rows: list[int]) -> pd.DataFrame:
    return embeddings.nodes.iloc[rows]


def with_constant_rows(rows: list[int]) -> Embeddings:
    """200 random rows of drugs, then 300 of genes, these constant."""
    vectors = gaussian(500, 64)
    vectors[rows] = 0
    return embedded(vectors, ["drug"] * 200 + ["gene"] * 300)


def test_constant_rows_of_isolated_nodes_stop_nothing() -> None:
    rows = list(range(100, 250))
    embeddings = with_constant_rows(rows)
    assert validate_embeddings(embeddings, THRESHOLDS).verdict == "broken"
    report = validate_embeddings(embeddings, THRESHOLDS, isolated_nodes=of_rows(embeddings, rows))
    assert (measure(report, "constant rows"), report.verdict) == ("good", "good")


@pytest.mark.parametrize(("num_others", "verdict"), [(0, "good"), (5, "borderline"), (6, "broken")])
def test_constant_rows_of_other_nodes_count_against_the_rows_of_these(num_others: int, verdict: str) -> None:
    embeddings = with_constant_rows(list(range(400 + num_others)))
    isolated = of_rows(embeddings, list(range(num_others, 400 + num_others)))
    report = validate_embeddings(embeddings, THRESHOLDS, isolated_nodes=isolated)
    assert measure(report, "constant rows") == verdict


def test_isolated_rows_are_counted_by_type() -> None:
    embeddings = with_constant_rows([0, 1, 2, 499])
    report = validate_embeddings(embeddings, THRESHOLDS, isolated_nodes=of_rows(embeddings, [0, 1, 3, 499]))
    assert {name: s.num_isolated for name, s in report.by_type.items()} == {"drug": 3, "gene": 1}
    assert (report.overall.num_constant, report.overall.num_constant_isolated) == (4, 3)


def test_isolated_nodes_change_no_other_figure() -> None:
    embeddings = with_constant_rows([0, 1, 2, 499])
    apart = {"num_isolated": 0, "num_constant_isolated": 0}
    report = validate_embeddings(embeddings, THRESHOLDS, isolated_nodes=of_rows(embeddings, [0, 1, 3, 499]))
    without = validate_embeddings(embeddings, THRESHOLDS)
    assert report.overall.model_copy(update=apart) == without.overall
    assert {name: s.model_copy(update=apart) for name, s in report.by_type.items()} == without.by_type
    assert [m for m in report.measures if m.name != "constant rows"] == [
        m for m in without.measures if m.name != "constant rows"
    ]


def test_isolated_nodes_are_named() -> None:
    embeddings = embedded(gaussian(500, 64))
    nodes = embeddings.nodes.assign(node_name=[f"n{row}" for row in range(500)])
    named = Embeddings(nodes, embeddings.vectors)
    report = validate_embeddings(named, THRESHOLDS, isolated_nodes=of_rows(named, [9, 1, 2, 3, 4, 5]))
    assert len(report.warnings) == 1
    assert report.warnings[0].startswith("isolated nodes (6)")
    assert "(drug 'n1', drug 'n2', drug 'n3', drug 'n4', drug 'n5', …)" in report.warnings[0]
    assert report.warnings[0].endswith("0 of them are constant")
    assert f"warning: {report.warnings[0]}" in report.to_text()
    assert report.verdict == "good"


def test_isolated_nodes_without_a_row_do_not_count_as_rows() -> None:
    embeddings = embedded(gaussian(500, 64))
    nobody = pd.DataFrame({"node_type": ["drug", "gene"], "node_id": ["x", "3"], "node_name": ""})
    report = validate_embeddings(embeddings, THRESHOLDS, isolated_nodes=nobody)
    assert (report.overall.num_isolated, report.warnings) == (0, ())


def test_where_nobody_knows_the_isolated_nodes_constant_rows_are_explained() -> None:
    report = validate_embeddings(with_constant_rows([0]), THRESHOLDS)
    assert report.warnings[0].startswith("constant rows (1): these are expected for isolated nodes")
    assert validate_embeddings(with_constant_rows([]), THRESHOLDS).warnings == ()


def test_with_the_isolated_nodes_known_a_constant_row_of_another_needs_no_excuse() -> None:
    embeddings = with_constant_rows([0])
    report = validate_embeddings(embeddings, THRESHOLDS, isolated_nodes=of_rows(embeddings, []))
    assert (report.warnings, report.verdict) == ((), "borderline")


def test_the_text_has_the_isolated_rows_of_every_type() -> None:
    embeddings = with_constant_rows([0])
    text = validate_embeddings(embeddings, THRESHOLDS, isolated_nodes=of_rows(embeddings, [0, 1])).to_text()
    lines = [line.split() for line in text.splitlines()]
    assert ["type", "rows", "isolated"] in [line[:3] for line in lines]
    assert ["drug", "200", "2"] in [line[:3] for line in lines]
    assert ["gene", "300", "0"] in [line[:3] for line in lines]


def test_a_report_of_before_isolated_nodes_were_counted_is_read() -> None:
    parts = json.loads(json.dumps(validate(gaussian(40, 20)).to_parts()))
    of_all = parts["hgt_embeddings.validation.json"]["overall"]
    del of_all["num_isolated"], of_all["num_constant_isolated"]
    assert ValidationReport.from_parts(parts) == validate(gaussian(40, 20))


def test_a_constant_row_is_counted_though_it_is_not_zero() -> None:
    vectors = gaussian(500, 64)
    vectors[0] = 2.5
    overall = validate(vectors).overall
    assert (overall.num_constant, overall.num_zero) == (1, 0)


def test_rows_that_repeat_an_earlier_one_are_counted() -> None:
    vectors = gaussian(6, 4)
    vectors[1] = vectors[4] = vectors[0]
    assert validate(vectors, list("aabbab")).overall.num_duplicates == 2


def test_plus_and_minus_zero_are_one_value_to_the_duplicates() -> None:
    assert validate(np.array([[0.0, 1.0], [-0.0, 1.0]])).overall.num_duplicates == 1


def test_dimensions_with_one_value_throughout_are_counted() -> None:
    vectors = gaussian(20, 5)
    vectors[:, 1], vectors[:, 3] = 0, -7
    assert validate(vectors, ["a"] * 10 + ["b"] * 10).num_constant_columns == 2


def one_point_type(size: int) -> ValidationReport:
    point = np.tile(gaussian(1, 64, seed=1), (size, 1)) + 0.01 * gaussian(size, 64, seed=2)
    return validate(np.vstack([gaussian(500, 64), point]), ["gene"] * 500 + ["drug"] * size)


def test_a_type_that_is_all_but_one_point_is_named_and_makes_the_verdict_borderline() -> None:
    report = one_point_type(30)
    assert "the 30 nodes of type 'drug' are nearly a single point" in report.warnings[0]
    assert (report.verdict, report.passed) == ("borderline", True)


def test_a_type_of_few_nodes_is_not_warned_about() -> None:
    report = one_point_type(29)
    assert (report.warnings, report.verdict) == ((), "good")


def test_too_few_dimensions_for_the_bound_are_said_in_words() -> None:
    report = validate(gaussian(500, 12))
    assert report.verdict == "borderline"
    assert "500 usable rows of 12 dimensions have at most 12 components" in report.warnings[0]


def test_bounds_come_from_the_thresholds() -> None:
    strict = ValidationThresholds(good_components=60, min_components=58)
    assert validate_embeddings(embedded(gaussian(500, 64)), strict).verdict == "collapsed"


@pytest.mark.parametrize("vectors", [gaussian(40, 20), np.empty((0, 3)), np.ones((1, 2))])
def test_the_report_round_trips_through_json(vectors: FloatArray) -> None:
    report = validate(vectors)
    text = json.dumps(report.to_parts(), allow_nan=False)
    assert ValidationReport.from_parts(json.loads(text)) == report


def test_the_json_says_whether_it_passed_and_how_far_types_are_apart() -> None:
    report = validate(gaussian(100, 20), ["a"] * 50 + ["b"] * 50)
    part = report.to_parts()["hgt_embeddings.validation.json"]
    assert (part["passed"], part["type_separation"]) == (True, report.type_separation)


def test_the_text_ends_with_the_verdict() -> None:
    assert validate(np.ones((50, 20))).to_text().endswith("verdict: broken (failed)")


def test_the_text_has_a_line_for_every_measure_and_every_type() -> None:
    report = validate(gaussian(100, 20), ["drug"] * 50 + ["gene"] * 50)
    starts = [line.split("  ")[0] for line in report.to_text().splitlines()]
    assert {*(m.name for m in report.measures), "all", "drug", "gene"} <= set(starts)


def test_the_vectors_stay_as_they_were() -> None:
    embeddings = embedded(spoiled(np.nan))
    before = embeddings.vectors.copy()
    validate_embeddings(embeddings, THRESHOLDS)
    np.testing.assert_array_equal(embeddings.vectors, before)


def test_statistics_without_rows_have_no_cosine() -> None:
    statistics = validate(np.empty((0, 4))).overall
    assert (statistics.mean_cosine, statistics.num_components) == (None, 0)


def typed_groups(num_types: int, rank: int) -> ValidationReport:
    """100 nodes of each type, far apart by type, spread in `rank` directions of their own within it."""
    generator = np.random.default_rng(0)
    blocks, types = [], []
    for number in range(num_types):
        centre, directions = 5 * generator.standard_normal(64), generator.standard_normal((rank, 64))
        blocks.append(centre + generator.standard_normal((100, rank)) @ directions)
        types += [f"type {number}"] * 100
    return validate(np.vstack(blocks), types)


def test_types_that_differ_only_from_one_another_are_collapsed() -> None:
    report = typed_groups(num_types=30, rank=3)
    assert measure(report, "components for 90% of the variance") == "good"
    assert report.within_type_components is not None
    assert report.within_type_components <= 3
    assert report.verdict == "collapsed"


def test_types_that_are_spread_out_within_are_good() -> None:
    assert typed_groups(num_types=12, rank=40).verdict == "good"


def test_components_within_a_type_are_a_mean_over_nodes() -> None:
    report = validate(
        np.vstack([gaussian(100, 64), np.tile(gaussian(300, 64, 1)[:, :1], 64)]), ["drug"] * 100 + ["gene"] * 300
    )
    drugs, genes = (report.by_type[name].num_components for name in ("drug", "gene"))
    assert genes == 1
    assert report.within_type_components == pytest.approx((100 * drugs + 300 * genes) / 400)


def test_one_type_is_evaluated_on_the_overall_components_alone() -> None:
    report = validate(gaussian(500, 64))
    assert report.within_type_components is None
    assert report.verdict == "good"
