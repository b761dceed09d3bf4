"""The evaluation by disease area."""

import numpy as np
import pandas as pd
import pytest

from hgt_repurposing.benchmark.areas import COLUMNS, by_area
from hgt_repurposing.benchmark.protocol import MODEL
from hgt_repurposing.benchmark.results import Evaluation
from hgt_repurposing.graph.schema import IntArray
from hgt_repurposing_tests.benchmark.evaluations import evaluated
from hgt_repurposing_tests.benchmark.test_results import evaluation

# Disease d has the average precision d / 100 by the model and d / 200 by the best baseline.
OWN = [d / 100 for d in range(12)]


def measured(split: str = "disease") -> Evaluation:
    scores = {MODEL: OWN, "drug degree": [ap / 2 for ap in OWN], "random": [0.0] * 12}
    return evaluation({scorer: [float(np.mean(values))] for scorer, values in scores.items()}, scores, split)


def areas(**of: list[int]) -> dict[str, IntArray]:
    return {name: np.array(diseases, dtype=np.int64) for name, diseases in of.items()}


def counts(table: pd.DataFrame) -> dict[str, int]:
    """Tested diseases by area, in the order of the table."""
    return dict(zip(table["area"], table["num_diseases"], strict=True))


def test_an_area_has_the_means_of_its_diseases_and_the_lead() -> None:
    row = by_area(measured(), areas(renal=[4, 6, 11])).iloc[0]
    assert [row[name] for name in ("split", "area", "num_diseases", "baseline")] == [
        "disease",
        "renal",
        3,
        "drug degree",
    ]
    assert [row[name] for name in ("macro_ap", "baseline_macro_ap", "lead")] == pytest.approx([0.07, 0.035, 0.035])


def test_the_interval_is_that_of_the_lead_over_the_diseases_of_the_area() -> None:
    found = measured()
    whole = by_area(found, areas(any=list(range(12)))).iloc[0]
    interval = found.lead_interval("disease")
    assert interval is not None
    assert (whole["lower"], whole["upper"]) == (interval.lower, interval.upper)
    half = by_area(found, areas(low=list(range(6)), high=list(range(6, 12)))).set_index("area")
    assert half["upper"]["low"] < half["lower"]["high"]


def test_five_diseases_are_too_few_for_an_interval() -> None:
    table = by_area(measured(), areas(five=list(range(5)), six=list(range(6, 12)))).set_index("area")
    assert table["lower"].notna().to_dict() == {"six": True, "five": False, "no area": False}
    assert table["upper"].notna().equals(table["lower"].notna())


def test_areas_are_ordered_by_size_and_name_and_small_ones_share_a_row() -> None:
    given = areas(b=[0, 1, 2], a=[3, 4, 5], large=[0, 1, 2, 3], one=[6], two=[6, 7], untested=[99])
    assert counts(by_area(measured(), given)) == {"large": 4, "a": 3, "b": 3, "other areas": 2, "no area": 4}
    assert list(counts(by_area(measured(), given))) == ["large", "a", "b", "other areas", "no area"]


def test_rows_that_hold_no_disease_are_left_out() -> None:
    assert counts(by_area(measured(), areas(all=list(range(12)), untested=[99]))) == {"all": 12}
    assert counts(by_area(measured(), areas(untested=[99]))) == {"no area": 12}


def test_a_disease_in_two_areas_counts_in_both() -> None:
    assert counts(by_area(measured(), areas(a=[0, 1, 2], b=[2, 3, 4]))) == {"a": 3, "b": 3, "no area": 7}


def test_a_disease_tested_in_several_folds_is_one_disease_with_all_its_values() -> None:
    found = measured()
    again = found.diseases.assign(fold=1, average_precision=found.diseases["average_precision"] / 2)
    twice = Evaluation(**{**vars(found), "diseases": pd.concat([found.diseases, again])})
    row = by_area(twice, areas(renal=[4, 6, 11])).iloc[0]
    assert (row["area"], row["num_diseases"], row["macro_ap"]) == ("renal", 3, pytest.approx(0.0525))


def test_where_diseases_are_ranked_for_a_drug_there_are_no_rows() -> None:
    assert by_area(measured("drug"), areas(renal=[4, 6, 11])).empty


def test_every_other_split_kind_is_broken_down_the_headline_first() -> None:
    found = evaluated(splits=("drug", "pair", "disease", "external"))
    table = by_area(found, areas(renal=[0, 1, 2]))
    assert table["split"].unique().tolist() == ["disease", "pair"]


def test_without_areas_there_are_no_rows() -> None:
    table = by_area(measured(), {})
    assert table.empty
    assert list(table) == list(COLUMNS)


def test_two_calls_give_one_table() -> None:
    given = areas(any=list(range(12)), renal=[4, 6, 11])
    pd.testing.assert_frame_equal(by_area(measured(), given), by_area(measured(), given))
