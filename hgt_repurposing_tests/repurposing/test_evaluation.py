from typing import Any

import numpy as np
import pandas as pd
import pytest

from hgt_repurposing.repurposing.evaluation import MODEL, Evaluation


def evaluation(
    folds: dict[str, list[float]], diseases: dict[str, list[float]] | None = None, split: str = "disease"
) -> Evaluation:
    """Macro AP by scorer and fold, and average precision by scorer and disease; without these, as in the folds."""
    rows = [
        {"split": split, "suite": "strict", "scorer": scorer, "repeat": 0, "fold": fold, "macro_ap": value}
        for scorer, values in folds.items()
        for fold, value in enumerate(values)
    ]
    by_disease = [
        {"split": split, "scorer": scorer, "repeat": 0, "fold": 0, "disease": disease, "average_precision": value}
        for scorer, values in (diseases or folds).items()
        for disease, value in enumerate(values)
    ]
    return of_tables(pd.DataFrame(rows), pd.DataFrame(by_disease))


def of_tables(folds: pd.DataFrame, diseases: pd.DataFrame) -> Evaluation:
    return Evaluation(
        folds=folds,
        diseases=diseases,
        calibration=pd.DataFrame({"split": ["disease"], "bin": [0]}),
        trust=pd.DataFrame({"split": ["disease"], "drug_entropy": [0.5]}),
        frequent=pd.DataFrame({"kind": ["drug"], "name": ["Belustat"], "num_lists": [3]}),
        left_out={"drug-gene-disease paths": "no genes"},
        seed=0,
    )


def joined(*parts: Evaluation) -> Evaluation:
    return of_tables(pd.concat([part.folds for part in parts]), pd.concat([part.diseases for part in parts]))


# the best floor and the lead


def test_the_best_floor_is_that_with_the_highest_mean() -> None:
    found = evaluation({MODEL: [0.9, 0.9], "random": [0.0, 0.3], "drug degree": [0.2, 0.2], "drug kNN": [0.1, 0.2]})
    assert found.best_floor("disease", "macro_ap") == "drug degree"


def test_of_equal_floors_the_first_is_named() -> None:
    assert evaluation({MODEL: [0.9], "b": [0.2], "a": [0.2]}).best_floor("disease", "macro_ap") == "b"


def test_the_lead_is_taken_fold_by_fold_from_the_best_floor() -> None:
    found = evaluation({"low": [0.0, 0.0, 0.0], MODEL: [0.5, 0.25, 0.75], "high": [0.25, 0.5, 0.25]})
    assert found.lead("disease", "macro_ap").tolist() == [0.25, -0.25, 0.5]


def test_a_fold_of_one_repeat_is_not_that_of_another() -> None:
    first, second = evaluation({MODEL: [0.5], "a": [0.25]}), evaluation({MODEL: [1.0], "a": [0.25]})
    second.folds["repeat"] = 1
    assert joined(first, second).lead("disease", "macro_ap").tolist() == [0.25, 0.75]


def test_other_splits_and_suites_do_not_enter() -> None:
    wide = evaluation({MODEL: [0.9], "a": [0.0]})
    wide.folds["suite"] = "open"
    found = joined(evaluation({MODEL: [0.5], "a": [0.25]}), evaluation({MODEL: [0.1], "a": [0.9]}, split="pair"), wide)
    assert found.lead("disease", "macro_ap").tolist() == [0.25]
    assert found.mean("pair", "a", "macro_ap") == 0.9
    assert found.mean("disease", MODEL, "macro_ap") == 0.5
    assert found.summary["macro_ap_mean"].tolist() == [0.5, 0.25, 0.1, 0.9]


def test_the_interval_is_of_the_lead_over_diseases() -> None:
    found = evaluation({MODEL: [0.5], "a": [0.25]}, {MODEL: [0.5, 0.7, 0.6], "a": [0.25, 0.25, 0.25]})
    interval = found.lead_interval("disease")
    assert interval is not None
    assert interval.mean == pytest.approx(0.35)
    assert [interval.lower, interval.upper] == pytest.approx([0.25, 0.45])
    assert interval.num_diseases == 3


# in words


def test_a_lead_is_said_with_its_spread_and_its_interval() -> None:
    # Leads .2 and .4: mean .3, sample standard deviation .1 x sqrt(2). Half of all resamples repeat a disease.
    said = evaluation({MODEL: [0.5, 0.7], "drug degree": [0.3, 0.3]}).headline()
    assert said == (
        "On held-out diseases the model beats the best floor (drug degree): macro AP 0.600, +0.300 "
        "(standard deviation 0.141 over 2 folds, ahead in 2); "
        "95 % interval over 2 diseases +0.200 to +0.400: more than noise."
    )


def test_a_lead_that_resampling_turns_round_is_within_the_noise() -> None:
    said = evaluation({MODEL: [0.4], "a": [0.3]}, {MODEL: [0.9, 0.1, 0.2], "a": [0.3, 0.3, 0.3]}).headline()
    assert said.startswith("On held-out diseases the model beats the best floor (a): macro AP 0.400, +0.100 ")
    assert said.endswith(" over 3 diseases -0.200 to +0.600: within the noise.")


@pytest.mark.parametrize("own", [[0.1, 0.3], [0.25, 0.25]])
def test_a_model_that_loses_or_draws_is_said_not_to_beat_the_floor(own: list[float]) -> None:
    said = evaluation({MODEL: own, "drug degree": [0.25, 0.25]}).headline()
    assert said.startswith("On held-out diseases the model does NOT beat the best floor (drug degree): macro AP ")
    assert said.endswith(": within the noise.")


def test_a_model_that_loses_everywhere_loses_by_more_than_noise() -> None:
    said = evaluation({MODEL: [0.1, 0.2], "drug degree": [0.5, 0.5]}).headline()
    assert "does NOT beat" in said
    assert said.endswith("over 2 diseases -0.400 to -0.300: more than noise.")


def test_one_disease_is_too_few_to_tell() -> None:
    said = evaluation({MODEL: [0.5], "a": [0.3]}).headline()
    assert said.endswith(
        "+0.200 (standard deviation nan over 1 folds, ahead in 1); too few diseases to tell whether that is noise."
    )


@pytest.mark.parametrize(
    ("split", "what"), [("pair", "pairs"), ("drug", "drugs"), ("disease_group", "groups of diseases")]
)
def test_without_held_out_diseases_the_first_split_is_spoken_of(split: str, what: str) -> None:
    said = evaluation({MODEL: [0.5], "a": [0.3]}, split=split).headline()
    assert said.startswith(f"On held-out {what} the model beats the best floor (a)")


def test_held_out_diseases_are_spoken_of_wherever_they_stand() -> None:
    found = joined(evaluation({MODEL: [0.1], "a": [0.9]}, split="pair"), evaluation({MODEL: [0.5], "a": [0.3]}))
    assert found.headline().startswith("On held-out diseases the model beats")


# parts


def test_parts_round_trip() -> None:
    found = evaluation({MODEL: [0.5, 0.7], "drug degree": [0.3, 0.3]})
    parts: dict[str, Any] = found.to_parts()
    back = Evaluation.from_parts(parts)
    for name in ("folds", "diseases", "calibration", "trust", "frequent"):
        pd.testing.assert_frame_equal(getattr(back, name), getattr(found, name))
    assert (back.left_out, back.seed, back.headline()) == (found.left_out, found.seed, found.headline())


def test_headline_and_summary_are_written_beside_the_tables() -> None:
    found = evaluation({MODEL: [0.5, 0.7], "drug degree": [0.3, 0.3]})
    parts = found.to_parts()
    assert parts["evaluation.json"]["headline"] == found.headline()
    assert parts["evaluation.csv"]["macro_ap_mean"].tolist() == [0.6, 0.3]
    np.testing.assert_allclose(parts["evaluation.csv"]["macro_ap_sd"], [0.1 * 2**0.5, 0])
