"""What entered, left and moved between two lists."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hgt_repurposing.repurposing.list_changes import list_changes, no_changes


def table(lists: dict[str, str], known: str = "") -> pd.DataFrame:
    """A list of drugs, one letter each, for every disease; some of them known treatments."""
    return pd.DataFrame(
        [
            (disease, f"name of {disease}", rank, drug, f"name of {drug}", drug in known)
            for disease, drugs in lists.items()
            for rank, drug in enumerate(drugs, start=1)
        ],
        columns=["disease_id", "disease_name", "rank", "drug_id", "drug_name", "known"],
    )


def changes(before: pd.DataFrame, now: pd.DataFrame, top: int = 3) -> dict[str, str]:
    found = list_changes(before, now, top=top).table
    return dict(zip(found["disease_id"] + found["drug_id"], found["change"], strict=True))


def test_drugs_enter_leave_and_move() -> None:
    found = list_changes(table({"1": "abcd"}), table({"1": "acdb"}), top=3)
    assert found.table.to_dict("records") == [
        {"disease_id": "1", "disease_name": "name of 1", "drug_id": "c", "drug_name": "name of c",
         "change": "moved", "rank_before": 3, "rank_now": 2},
        {"disease_id": "1", "disease_name": "name of 1", "drug_id": "d", "drug_name": "name of d",
         "change": "entered", "rank_before": None, "rank_now": 3},
        {"disease_id": "1", "disease_name": "name of 1", "drug_id": "b", "drug_name": "name of b",
         "change": "left", "rank_before": 2, "rank_now": None},
    ]  # fmt: skip
    assert found.share_entered == pytest.approx(1 / 3)


def test_known_treatments_take_no_place() -> None:
    assert changes(table({"1": "abc"}, known="a"), table({"1": "bcd"}), top=2) == {}


def test_diseases_of_one_list_alone_are_counted_and_not_compared() -> None:
    found = list_changes(table({"1": "ab", "2": "ab"}), table({"2": "ab", "3": "ba", "4": "a"}))
    assert (found.num_diseases, found.num_gone, found.num_added) == (1, 1, 2)
    assert found.table.empty
    assert found.share_entered == 0


def test_lists_without_a_common_disease_share_nothing() -> None:
    found = list_changes(table({"1": "ab"}), table({"2": "ab"}))
    assert (found.num_diseases, found.share_entered, len(found.table)) == (0, 0, 0)


def test_the_table_without_a_row_has_the_same_columns_and_types() -> None:
    some = list_changes(table({"1": "abcd"}), table({"1": "acdb"})).table
    assert no_changes().dtypes.to_dict() == some.dtypes.to_dict()


LISTS = st.dictionaries(
    st.sampled_from("12"), st.lists(st.sampled_from("abcdef"), unique=True, min_size=1).map("".join), min_size=1
)


@given(LISTS, LISTS, st.integers(1, 4))
def test_changes_turn_the_old_list_into_the_new_one(before: dict[str, str], now: dict[str, str], top: int) -> None:
    """By brute force: remove what left, then put what entered or moved at its rank; the rest stays where it is."""
    found = list_changes(table(before), table(now), top=top)
    for disease in before.keys() & now.keys():
        of_disease = found.table[found.table["disease_id"] == disease]
        ranks = {drug: rank for rank, drug in enumerate(before[disease][:top], start=1)}
        for row in of_disease.itertuples():
            ranks.pop(str(row.drug_id), None)
            if row.change != "left":
                ranks[str(row.drug_id)] = int(str(row.rank_now))
        assert ranks == {drug: rank for rank, drug in enumerate(now[disease][:top], start=1)}
    shares = [
        len(set(now[disease][:top]) - set(before[disease][:top])) / len(now[disease][:top])
        for disease in before.keys() & now.keys()
    ]
    assert found.share_entered == pytest.approx(sum(shares) / max(len(shares), 1))
