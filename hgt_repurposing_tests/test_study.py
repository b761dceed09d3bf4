"""The study is cut off and goes on, and its page says what is missing."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from study import Study, figures_so_far, run
from study_figures import Figures, nested, series
from study_tables import study_page

from hgt_repurposing.repurposing.params import ClassifierParams
from hgt_repurposing.repurposing.vectors import PairVectors
from hgt_repurposing.storage import manifest
from hgt_repurposing.training.params import EmbeddingParams
from hgt_repurposing_tests.repurposing.planted import planted_graph

SETTINGS: Figures = {"graph": "demo", "seed": 3, "num_folds": 5, "repeats": 1, "deployment_folds": 2}
CONTROLS: Figures = {
    "minutes": 2.0,
    "scorers": {},
    "whole_grid": {"shuffled labels": {"whole grid": {"num_positives": 12.0, "model": 0.51, "degree product": 0.49}}},
}


def cut_off() -> Figures:
    """Of a part that is never finished."""
    raise TimeoutError


def test_what_was_measured_survives_a_cut_and_is_not_measured_again(tmp_path: Path) -> None:
    out = tmp_path / "demo.md"
    with pytest.raises(TimeoutError):
        run(out, SETTINGS, {"controls": lambda: CONTROLS, "ablations": cut_off}, None)
    assert "Not measured: evaluation, ablations." in out.read_text(encoding="utf-8")
    run(out, SETTINGS, {"controls": cut_off}, None)
    assert json.loads(out.with_suffix(".json").read_text(encoding="utf-8"))["controls"] == CONTROLS


def test_only_a_part_that_is_named_is_measured_and_again(tmp_path: Path) -> None:
    out = tmp_path / "demo.md"
    measures: list[Callable[[], Figures]] = [lambda: CONTROLS, lambda: {**CONTROLS, "minutes": 7.0}]
    for measure in measures:
        run(out, SETTINGS, {"controls": measure, "ablations": cut_off}, ["controls"])
    assert "(7 minutes.)" in out.read_text(encoding="utf-8")


def test_parts_of_other_settings_are_refused_and_kept(tmp_path: Path) -> None:
    out = tmp_path / "demo.md"
    run(out, SETTINGS, {"controls": lambda: CONTROLS}, None)
    with pytest.raises(ValueError, match=r"other settings \(seed 3, now 4\): give the same settings, or another --out"):
        run(out, {**SETTINGS, "seed": 4}, {"controls": lambda: CONTROLS}, ["controls"])
    assert figures_so_far(out.with_suffix(".json"), SETTINGS)["controls"] == CONTROLS


def test_figures_of_an_earlier_script_are_written_anew(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "demo.json"
    path.write_text('{"disease": {}}', encoding="utf-8")
    assert figures_so_far(path, SETTINGS) == {"settings": SETTINGS}
    assert "written anew" in caplog.text


def test_chance_is_as_wide_as_few_treatments_make_it() -> None:
    # Of 12 uniform placements the mean has variance 1/144.
    assert "| shuffled labels | whole grid | 12 | 0.510 | 0.490 | 0.34 to 0.66 |" in study_page(
        {"settings": SETTINGS, "controls": CONTROLS}
    )


def test_folds_without_a_value_do_not_count() -> None:
    assert series(np.array([0.25, np.nan, 0.75])) == {"mean": 0.5, "sd": 0.353553, "folds": [0.25, None, 0.75]}
    assert series(np.array([np.nan])) == {"mean": None, "sd": None, "folds": [None]}


def test_figures_are_ordered_by_fold_and_leave_out_metrics_without_a_value() -> None:
    rows = pd.DataFrame({"scorer": ["a", "a"], "fold": [1, 0], "auroc": [0.75, 0.25], "mrr": [np.nan, np.nan]})
    found = nested(rows, ["scorer"], ["fold"], ["auroc", "mrr", "absent"])
    assert list(found["a"]) == ["auroc"]
    assert found["a"]["auroc"]["folds"] == [0.25, 0.75]


def test_a_part_that_another_process_measured_meanwhile_is_kept(tmp_path: Path) -> None:
    out = tmp_path / "demo.md"

    def slow() -> Figures:
        run(out, SETTINGS, {"elsewhere": lambda: {"minutes": 1.0}}, None)
        return CONTROLS

    run(out, SETTINGS, {"controls": slow}, None)
    found = figures_so_far(out.with_suffix(".json"), SETTINGS)
    assert set(found) == {"settings", "elsewhere", "controls"}


def test_kept_vectors_that_another_version_wrote_are_made_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = list[EmbeddingParams]()

    def embedded(_: Study, params: EmbeddingParams, __: object) -> PairVectors:
        made.append(params)
        return PairVectors.none(3, 3)

    monkeypatch.setattr(Study, "_embedded", embedded)
    graph = planted_graph()

    def asked() -> None:
        Study("demo", graph, EmbeddingParams(), ClassifierParams(), 3, 2, 1, 1, tmp_path).encoded("mean")

    asked()
    asked()
    assert len(made) == 1
    monkeypatch.setattr(manifest, "FORMAT_VERSION", manifest.FORMAT_VERSION + 1)
    asked()
    assert len(made) == 2
    assert "but this package reads version" in caplog.text
