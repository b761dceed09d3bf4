import math
import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from sklearn.decomposition import PCA

from hgt_repurposing.embeddings.table import Embeddings, FloatArray32
from hgt_repurposing.embeddings.validation import ValidationThresholds, validate_embeddings
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph, build_knowledge_graph
from hgt_repurposing.graph.schema import PRIMEKG_RELATIONS, FloatArray
from hgt_repurposing.report.plots import (
    MAX_LABEL,
    MAX_POINTS,
    height_of_areas,
    height_of_evaluation,
    plot_areas,
    plot_degrees,
    plot_evaluation,
    plot_loss,
    plot_projection,
    plot_spectrum,
)
from hgt_repurposing.report.png import to_png
from hgt_repurposing_tests.benchmark.evaluations import MODEL_APS, evaluated

HISTORY = pd.DataFrame({"epoch": [1, 2, 3], "loss": [0.70, 0.50, 0.40], "chance_loss": math.log(2)})


def embedded(vectors: FloatArray | FloatArray32, types: list[str] | None = None) -> Embeddings:
    ids = [str(row) for row in range(len(vectors))]
    nodes = pd.DataFrame({"node_id": ids, "node_type": types or "drug", "node_name": ""}, dtype="str")
    return Embeddings(nodes, np.ascontiguousarray(vectors, dtype=np.float32))


def gaussian(num_rows: int, dim: int, seed: int = 0) -> FloatArray:
    return np.random.default_rng(seed).standard_normal((num_rows, dim))


def many_types() -> Embeddings:
    """As wide a picture as Hetionet's: 11 types, more nodes than are drawn."""
    return embedded(gaussian(12_000, 8), [f"type {i % 11}" for i in range(12_000)])


def drawn(draw: Callable[[Axes], Axes]) -> Axes:
    figure = Figure()
    ax = draw(figure.add_subplot())
    figure.draw_without_rendering()
    return ax


def legend(ax: Axes) -> list[str]:
    box = ax.get_legend()
    assert box is not None
    return [text.get_text() for text in box.get_texts()]


def points(ax: Axes) -> FloatArray:
    return np.asarray(ax.collections[0].get_offsets(), dtype=np.float64)


def coordinates(line: Line2D) -> FloatArray:
    return np.asarray(line.get_xydata(), dtype=np.float64)


PICTURES: dict[str, Callable[[Axes], Axes]] = {
    "loss": lambda ax: plot_loss(HISTORY, ax=ax),
    "evaluation": lambda ax: plot_evaluation(evaluated(), "disease", ax=ax),
    "projection": lambda ax: plot_projection(many_types(), ax=ax),
    "spectrum": lambda ax: plot_spectrum(many_types(), ax=ax),
}


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_the_same_png_twice_and_small(name: str) -> None:
    png = to_png(PICTURES[name])
    assert png.startswith(b"\x89PNG")
    assert png == to_png(PICTURES[name])
    assert len(png) < 100_000


def test_a_picture_of_the_demo_graph_is_small(demo_graph: KnowledgeGraph) -> None:
    assert len(to_png(lambda ax: plot_degrees(demo_graph, ax=ax))) < 100_000


@pytest.mark.parametrize("word", [b"tEXt", b"tIME", b"matplotlib"])
def test_a_picture_names_neither_time_nor_software(word: bytes) -> None:
    assert word not in to_png(PICTURES["loss"])


def test_width_height_and_dpi_set_the_pixels() -> None:
    png = to_png(PICTURES["loss"], width=3, height=2, dpi=50)
    assert (int.from_bytes(png[16:20]), int.from_bytes(png[20:24])) == (150, 100)


def test_plots_report_and_summary_load_neither_pyplot_nor_what_fits_models() -> None:
    code = (
        "import sys, hgt_repurposing.report.page, hgt_repurposing.report.summary\n"
        "print({'matplotlib.pyplot', 'sklearn', 'torch', 'xgboost'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603
    assert done.stdout.strip() == "set()"


def test_the_loss_is_drawn_over_its_epochs() -> None:
    ax = drawn(PICTURES["loss"])
    line = ax.lines[1]
    np.testing.assert_array_equal(line.get_xydata(), HISTORY[["epoch", "loss"]].to_numpy())
    assert ax.get_title() == "Training loss, n = 3 epochs: 0.70 to 0.40"


def test_the_loss_of_a_chance_model_is_named() -> None:
    ax = drawn(PICTURES["loss"])
    assert legend(ax)[0] == "chance: 0.69"
    assert np.asarray(ax.lines[0].get_ydata())[0] == math.log(2)


@pytest.mark.parametrize("num_epochs", [0, 1])
def test_a_history_of_hardly_any_epoch_is_drawn(num_epochs: int) -> None:
    ax = drawn(lambda ax: plot_loss(HISTORY.head(num_epochs), ax=ax))
    assert f"n = {num_epochs} epochs" in ax.get_title()


def test_a_bar_is_the_mean_its_whisker_the_sd_and_its_dots_the_folds() -> None:
    ax = drawn(PICTURES["evaluation"])
    assert ax.patches[0].get_window_extent().width / ax.bbox.width * ax.get_xlim()[1] == pytest.approx(0.4)
    (low, _), (high, _) = ax.collections[0].get_segments()[0]  # type: ignore[attr-defined]  # a LineCollection
    assert (low, high) == pytest.approx((0.2, 0.6))  # sd of 0.2, 0.4, 0.6 with n - 1 is 0.2
    dots = next(line for line in ax.lines if line.get_marker() == "o")
    np.testing.assert_allclose(np.asarray(dots.get_xdata(), dtype=np.float64), MODEL_APS)


def test_the_model_and_its_best_baseline_are_coloured_apart() -> None:
    colours = [bar.get_facecolor() for bar in drawn(PICTURES["evaluation"]).patches]
    assert len(set(colours)) == 3  # the model, its best baseline, the others


def test_the_scorers_stand_beside_their_bars() -> None:
    ax = drawn(PICTURES["evaluation"])
    assert [label.get_text() for label in ax.get_yticklabels()] == [
        "model",
        "best baseline: drug degree",
        "random",
    ]
    assert ax.get_xlabel() == "macro AP (0 to 1, higher is better): mean, sd, single folds"
    assert "n = 3 folds" in ax.get_title()


def test_a_single_fold_has_no_spread() -> None:
    ax = drawn(lambda ax: plot_evaluation(evaluated((0.4,)), "disease", ax=ax))
    (low, _), (high, _) = ax.collections[0].get_segments()[0]  # type: ignore[attr-defined]  # a LineCollection
    assert low == high


def test_a_metric_that_is_zero_throughout_is_drawn() -> None:
    ax = drawn(lambda ax: plot_evaluation(evaluated((0.0, 0.0), baseline=0.0), "disease", ax=ax))
    assert ax.get_xlim() == (0, 1)


def test_a_split_that_was_not_measured_is_named() -> None:
    with pytest.raises(ValueError, match=r"split 'drug' was not evaluated \(got disease\)"):
        drawn(lambda ax: plot_evaluation(evaluated(), "drug", ax=ax))


def test_a_line_marks_the_best_baseline() -> None:
    line = next(line for line in drawn(PICTURES["evaluation"]).lines if line.get_linestyle() == "--")
    assert np.asarray(line.get_xdata(), dtype=np.float64).tolist() == pytest.approx([0.1, 0.1])


def test_only_the_strict_suite_is_drawn() -> None:
    ax = drawn(lambda ax: plot_evaluation(evaluated(open_suite=True), "disease", ax=ax))
    assert "n = 3 folds" in ax.get_title()


def test_many_scorers_make_a_higher_picture() -> None:
    assert height_of_evaluation(evaluated(), "disease") == pytest.approx(1.2 + 3 * 0.27)


def test_a_baseline_that_could_not_be_computed_has_a_line_without_a_bar() -> None:
    evaluation = evaluated(left_out={"drug-gene-disease paths": "no genes"})
    ax = drawn(lambda ax: plot_evaluation(evaluation, "disease", ax=ax))
    assert [label.get_text() for label in ax.get_yticklabels()][-1] == "drug-gene-disease paths"
    assert ax.texts[-1].get_text() == "not computed"
    assert len(ax.patches) == 3
    assert height_of_evaluation(evaluation, "disease") == pytest.approx(1.2 + 4 * 0.27)


@pytest.mark.parametrize("split", ["disease", "drug"])
def test_the_picture_says_what_the_headline_says(split: str) -> None:
    evaluation = evaluated(splits=(split,))
    assert evaluation.lead(split).verdict in drawn(lambda ax: plot_evaluation(evaluation, split, ax=ax)).get_title()


def test_where_drugs_are_held_out_the_figure_by_drug_is_drawn() -> None:
    ax = drawn(lambda ax: plot_evaluation(evaluated(splits=("drug",)), "drug", ax=ax))
    assert ax.get_xlabel().startswith("macro AP by drug")


def test_the_axes_of_the_projection_are_those_of_scikit_learn() -> None:
    vectors = np.ascontiguousarray(gaussian(60, 6) * np.exp(-np.arange(6) / 2) + 3, dtype=np.float32)
    ax = drawn(lambda ax: plot_projection(embedded(vectors), ax=ax))
    pca = PCA(n_components=2, svd_solver="full").fit(vectors.astype(np.float64))
    expected = pca.transform(vectors.astype(np.float64))
    order = np.lexsort(np.abs(points(ax)).T)
    np.testing.assert_allclose(
        np.abs(points(ax))[order],
        np.abs(expected)[np.lexsort(np.abs(expected).T)],
        atol=1e-5,  # float32 input
    )
    assert f"({pca.explained_variance_ratio_[0]:.1%} of variance)" in ax.get_xlabel()
    assert f"({pca.explained_variance_ratio_[1]:.1%} of variance)" in ax.get_ylabel()


def test_of_many_nodes_an_even_sample_of_every_type_is_drawn() -> None:
    types = ["gene"] * (2 * MAX_POINTS) + ["drug"] * 10
    ax = drawn(lambda ax: plot_projection(embedded(gaussian(len(types), 3), types), ax=ax))
    assert len(points(ax)) == MAX_POINTS // 2 + 10
    assert ax.get_title() == f"Embeddings, n = {MAX_POINTS // 2 + 10:,} of {len(types):,} nodes"


def test_all_of_few_nodes_are_drawn_and_counted_by_type() -> None:
    ax = drawn(lambda ax: plot_projection(embedded(gaussian(5, 3), list("abbba")), ax=ax))
    assert len(points(ax)) == 5
    assert legend(ax) == ["a (2)", "b (3)"]


def test_rows_that_are_not_finite_are_left_out() -> None:
    vectors = gaussian(20, 3)
    vectors[4, 1] = np.nan
    ax = drawn(lambda ax: plot_projection(embedded(vectors), ax=ax))
    assert len(points(ax)) == 19


@pytest.mark.parametrize("shape", [(0, 3), (1, 3), (5, 1)])
def test_hardly_any_vectors_are_drawn(shape: tuple[int, int]) -> None:
    embeddings = embedded(gaussian(*shape))
    assert len(points(drawn(lambda ax: plot_projection(embeddings, ax=ax)))) == shape[0]
    drawn(lambda ax: plot_spectrum(embeddings, ax=ax))


@pytest.mark.parametrize("seed", range(5))
def test_the_spectrum_counts_components_as_the_validation_does(seed: int) -> None:
    embeddings = embedded(gaussian(60, 20, seed) * np.exp(-np.arange(20) / 4) + 3)
    ax = drawn(lambda ax: plot_spectrum(embeddings, ax=ax))
    expected = validate_embeddings(embeddings, ValidationThresholds()).overall.num_components
    assert legend(ax)[-1] == f"reached with {expected} components"


def test_vectors_of_one_dimension_lie_on_a_line() -> None:
    ax = drawn(lambda ax: plot_projection(embedded(gaussian(5, 1)), ax=ax))
    assert not points(ax)[:, 1].any()
    assert ax.get_ylabel() == "principal component 2 (0.0% of variance)"


def test_identical_vectors_have_no_spectrum() -> None:
    ax = drawn(lambda ax: plot_spectrum(embedded(np.tile(gaussian(1, 20), (333, 1))), ax=ax))
    assert not any(label.startswith("reached") for label in legend(ax))


def test_the_bounds_of_the_validation_stand_in_the_spectrum() -> None:
    embeddings = embedded(gaussian(60, 20))
    assert "collapsed up to 10 components" in legend(drawn(lambda ax: plot_spectrum(embeddings, ax=ax)))
    bounds = ValidationThresholds(good_components=7)
    labels = legend(drawn(lambda ax: plot_spectrum(embeddings, thresholds=bounds, ax=ax)))
    assert "good from 7 components" in labels


def test_degrees_count_edges_of_all_relations_at_both_ends(toy_graph: KnowledgeGraph) -> None:
    # Drugs: D1 has two indications and a target, D2 one and one, D3 two other pairs and a target.
    ax = drawn(lambda ax: plot_degrees(toy_graph, ax=ax))
    drug = list(toy_graph.num_nodes).index("drug")
    curve = np.asarray(ax.lines[drug].get_xydata(), dtype=np.float64)
    np.testing.assert_allclose(curve, np.array([(2, 1), (3, 2 / 3)]))
    assert ax.get_title() == "Degrees, n = 10 nodes, 1 without an edge"


def test_a_type_name_is_neither_a_formula_nor_longer_than_its_picture(
    toy_nodes: pd.DataFrame, toy_edges: pd.DataFrame
) -> None:
    def renamed(table: pd.DataFrame) -> pd.DataFrame:
        return table.replace("gene/protein", "$\\bad{$ " + "x" * 100)

    graph = build_knowledge_graph(renamed(toy_nodes), renamed(toy_edges), therapeutic=PRIMEKG_RELATIONS)
    ax = drawn(lambda ax: plot_degrees(graph, ax=ax))
    assert all(len(label) < MAX_LABEL + 10 for label in legend(ax))


AREAS = pd.DataFrame(
    {
        "split": "disease",
        "area": ["renal $x$", "no area"],
        "num_diseases": [1234, 4],
        "baseline": "drug degree",
        "lead": [0.1, -0.2],
        "lower": [0.05, math.nan],
        "upper": [0.25, math.nan],
    }
)


def test_an_area_is_drawn_at_its_lead_with_its_interval_and_hollow_without() -> None:
    ax = drawn(lambda ax: plot_areas(AREAS, ax=ax))
    full, hollow = (line for line in ax.lines if line.get_marker() == "o")
    assert (coordinates(full).tolist(), coordinates(hollow).tolist()) == ([[0.1, 0.0]], [[-0.2, 1.0]])
    assert hollow.get_markerfacecolor() == "white"
    (segment,) = ax.collections[0].get_segments()  # type: ignore[attr-defined]  # a LineCollection
    assert segment.tolist() == [[0.05, 0.0], [0.25, 0.0]]
    assert legend(ax) == ["with 95 % interval", "too few for one"]


def test_areas_are_named_with_their_number_of_diseases_and_what_they_are_compared_with() -> None:
    ax = drawn(lambda ax: plot_areas(AREAS, ax=ax))
    assert [label.get_text() for label in ax.get_yticklabels()] == [r"renal \$x\$ (1,234)", "no area (4)"]
    assert ax.get_xlabel() == "macro AP of the model minus that of drug degree"
    assert ax.get_title() == "Diseases held out: lead by disease area (n = tested diseases)"
    assert height_of_areas(AREAS) == pytest.approx(1.4 + 2 * 0.27)


@pytest.mark.parametrize("row", [0, 1])
def test_areas_with_or_without_an_interval_alone_have_one_line_in_the_legend(row: int) -> None:
    assert len(legend(drawn(lambda ax: plot_areas(AREAS.iloc[[row]], ax=ax)))) == 1
