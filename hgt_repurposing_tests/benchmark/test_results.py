from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from hgt_repurposing.benchmark.protocol import MODEL
from hgt_repurposing.benchmark.results import Evaluation
from hgt_repurposing_tests.benchmark.evaluations import trust_row


def evaluation(
    folds: dict[str, list[float]], diseases: dict[str, list[float]] | None = None, split: str = "disease"
) -> Evaluation:
    """Macro AP by scorer and fold, and average precision by scorer and disease; without these, as in the folds."""
    metric = "macro_ap_by_drug" if split == "drug" else "macro_ap"
    rows = [
        {"split": split, "suite": "strict", "scorer": scorer, "repeat": 0, "fold": fold, metric: value}
        for scorer, values in folds.items()
        for fold, value in enumerate(values)
    ]
    by_disease = [
        {"split": split, "scorer": scorer, "repeat": 0, "fold": 0, "disease": disease, "average_precision": value}
        for scorer, values in (diseases or folds).items()
        for disease, value in enumerate(values)
    ]
    return of_tables(pd.DataFrame(rows), pd.DataFrame(by_disease).dropna())


def of_tables(folds: pd.DataFrame, diseases: pd.DataFrame) -> Evaluation:
    return Evaluation(
        folds=folds,
        diseases=diseases,
        trust=pd.DataFrame([trust_row("disease", 0.3)]),
        frequent=pd.DataFrame({"kind": ["drug"], "name": ["Belustat"], "num_lists": [3.0]}),
        left_out={},
        seed=0,
    )


def joined(*parts: Evaluation) -> Evaluation:
    folds, diseases = (pd.concat([getattr(part, name) for part in parts]) for name in ("folds", "diseases"))
    return of_tables(folds, diseases.drop_duplicates(["split", "scorer", "disease"]))


# the best baseline and the lead


def test_the_best_baseline_is_that_with_the_highest_mean() -> None:
    found = evaluation({MODEL: [0.9, 0.9], "random": [0.0, 0.3], "drug degree": [0.2, 0.2], "drug kNN": [0.1, 0.2]})
    assert found.best_baseline("disease", "macro_ap") == "drug degree"


def test_of_equal_baselines_the_first_is_named() -> None:
    assert evaluation({MODEL: [0.9], "b": [0.2], "a": [0.2]}).best_baseline("disease", "macro_ap") == "b"


def test_the_lead_is_taken_fold_by_fold_from_the_best_baseline() -> None:
    found = evaluation({"low": [0.0, 0.0, 0.0], MODEL: [0.5, 0.25, 0.75], "high": [0.25, 0.5, 0.25]})
    assert found.differences("disease", "macro_ap").tolist() == [0.25, -0.25, 0.5]


def test_a_fold_of_one_repeat_is_not_that_of_another() -> None:
    first, second = evaluation({MODEL: [0.5], "a": [0.25]}), evaluation({MODEL: [1.0], "a": [0.25]})
    second.folds["repeat"] = 1
    assert joined(first, second).differences("disease", "macro_ap").tolist() == [0.25, 0.75]


def test_other_splits_and_suites_do_not_enter() -> None:
    wide = evaluation({MODEL: [0.9], "a": [0.0]})
    wide.folds["suite"] = "open"
    found = joined(evaluation({MODEL: [0.5], "a": [0.25]}), evaluation({MODEL: [0.1], "a": [0.9]}, split="pair"), wide)
    assert found.differences("disease", "macro_ap").tolist() == [0.25]
    assert found.mean("pair", "a", "macro_ap") == 0.9
    assert found.mean("disease", MODEL, "macro_ap") == 0.5
    assert found.summary["macro_ap_mean"].tolist() == [0.5, 0.25, 0.1, 0.9]


def test_the_interval_is_of_the_lead_over_diseases() -> None:
    found = evaluation({MODEL: [0.5], "a": [0.25]}, {MODEL: [0.5, 0.7, 0.6] * 2, "a": [0.25] * 6})
    interval = found.lead_interval("disease")
    assert interval is not None
    assert interval.mean == pytest.approx(0.35)
    assert 0.25 < interval.lower < 0.35 < interval.upper < 0.45
    assert interval.num_diseases == 6


@pytest.mark.parametrize(("num_diseases", "known"), [(5, False), (6, True)])
def test_five_diseases_are_too_few_for_an_interval(num_diseases: int, *, known: bool) -> None:
    found = evaluation({MODEL: [0.5], "a": [0.25]}, {MODEL: [0.5] * num_diseases, "a": [0.25] * num_diseases})
    assert (found.lead_interval("disease") is not None) is known


def test_the_headline_is_by_disease_if_that_was_measured() -> None:
    own = {MODEL: [0.5], "a": [0.3]}
    assert joined(evaluation(own, split="pair"), evaluation(own)).headline_split == "disease"
    assert joined(evaluation(own, split="pair"), evaluation(own, split="drug")).headline_split == "pair"


def test_the_headline_is_what_the_lead_says() -> None:
    found = joined(evaluation({MODEL: [0.1], "a": [0.9]}, split="pair"), evaluation({MODEL: [0.5], "a": [0.3]}))
    assert found.headline() == found.lead("disease").in_words()


def test_where_drugs_are_held_out_the_lead_is_by_drug() -> None:
    lead = evaluation({MODEL: [0.5, 0.6], "a": [0.3, 0.2]}, split="drug").lead("drug")
    assert (lead.metric, lead.own, lead.interval, lead.num_diseases) == ("macro_ap_by_drug", 0.55, None, 0)
    assert lead.folds == pytest.approx([0.2, 0.4])


# baselines that are missing


def test_baselines_that_the_graph_has_nothing_for_are_missing_everywhere() -> None:
    found = replace(evaluation({MODEL: [0.5], "a": [0.3]}), left_out={"paths": "no genes"})
    assert found.missing_baselines("disease") == {"paths": "no genes"}


def test_a_baseline_without_a_row_in_some_fold_is_missing_there() -> None:
    found = evaluation({MODEL: [0.5, 0.5], "a": [0.3, 0.3], "b": [0.4]})
    assert found.missing_baselines("disease") == {"b": "measured on 1 of 2 folds"}


def test_a_baseline_without_a_value_in_some_fold_is_missing_there() -> None:
    found = evaluation({MODEL: [0.5, 0.5], "a": [0.3, 0.3], "b": [0.4, np.nan]})
    assert found.missing_baselines("disease") == {"b": "measured on 1 of 2 folds"}


def test_a_baseline_of_another_split_alone_is_missing() -> None:
    found = joined(evaluation({MODEL: [0.5], "a": [0.3]}), evaluation({MODEL: [0.5], "b": [0.3]}, split="pair"))
    assert found.missing_baselines("disease") == {"b": "measured on 0 of 1 folds"}


def test_a_baseline_that_misses_a_fold_is_never_the_best() -> None:
    found = evaluation({MODEL: [0.5, 0.5], "a": [0.3, 0.3], "b": [0.4]})
    assert found.best_baseline("disease", "macro_ap") == "a"


def test_without_any_whole_baseline_there_is_nothing_to_beat() -> None:
    found = evaluation({MODEL: [0.5, 0.5], "b": [0.4]})
    with pytest.raises(ValueError, match="no baseline was measured on every fold of the split 'disease'"):
        found.lead("disease")


# parts


def test_parts_round_trip() -> None:
    found = evaluation({MODEL: [0.5, 0.7], "drug degree": [0.3, 0.3]})
    parts: dict[str, Any] = found.to_parts()
    back = Evaluation.from_parts(parts)
    for name in ("folds", "diseases", "trust", "frequent"):
        pd.testing.assert_frame_equal(getattr(back, name), getattr(found, name))
    assert (back.left_out, back.seed, back.headline()) == (found.left_out, found.seed, found.headline())


def test_headline_and_summary_are_written_beside_the_tables() -> None:
    found = evaluation({MODEL: [0.5, 0.7], "drug degree": [0.3, 0.3]})
    parts = found.to_parts()
    assert parts["evaluation.json"]["headline"] == found.headline()
    assert parts["evaluation.csv"]["macro_ap_mean"].tolist() == [0.6, 0.3]
    np.testing.assert_allclose(parts["evaluation.csv"]["macro_ap_sd"], [0.1 * 2**0.5, 0])
