"""Which rows are shown: the address says it all, and nothing that it cannot mean."""

from urllib.parse import parse_qsl

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hgt_repurposing.explorer.listing import (
    LENGTHS,
    ORDERS,
    SORTINGS,
    Choice,
    ImpossibleChoiceError,
)
from hgt_repurposing.graph.settings import SETTINGS
from hgt_repurposing.repurposing.candidates import STATUS

ROWS = pd.DataFrame(
    {
        "rank": [1, 2, 3, 4],
        "drug_id": ["D1", "D2", "D3", "D4"],
        "drug_name": ["zeta", "Alpha", "beta", "=cmd()"],
        "score": [0.9, 0.5, 0.5, 0.1],
        "corrected_rank": [4, 1, 3, 2],
        "contraindication_score": [0.1, float("nan"), 0.3, 0.2],
        "status": ["indication", "new", "new", "contraindication"],
        "setting": ["warm pair", "cold drug", "warm pair", "cold drug"],
    }
)


@pytest.mark.parametrize(
    ("choice", "ids"),
    [
        (Choice(), "D1 D2 D3 D4"),
        (Choice(statuses=("new",)), "D2 D3"),
        (Choice(statuses=("new", "indication"), settings=("warm pair",)), "D1 D3"),
        (Choice(sort="name"), "D4 D2 D3 D1"),  # whatever the case
        (Choice(sort="probability", order="desc"), "D1 D2 D3 D4"),  # equal ones keep their ranks
        (Choice(sort="probability", order="asc"), "D4 D2 D3 D1"),
        (Choice(sort="corrected"), "D2 D4 D3 D1"),
        (Choice(sort="contraindicated", order="desc"), "D3 D4 D1 D2"),  # what is not known comes last
        (Choice(statuses=("off-label",)), ""),
    ],
)
def test_rows_are_filtered_and_sorted(choice: Choice, ids: str) -> None:
    assert choice.rows(ROWS, "drug")["drug_id"].tolist() == ids.split()


def test_ids_that_fit_elsewhere_are_kept_with_their_ranks() -> None:
    assert Choice(sort="name").rows(ROWS, "drug", {"D4", "D3"})["rank"].tolist() == [4, 3]
    assert Choice(statuses=("new",)).rows(ROWS, "drug", set()).empty


def test_a_list_of_ones_own_is_read_line_by_line() -> None:
    query = [("only", "D1\r\n# a note\r\n\r\n D2 "), ("with.approved", "yes"), ("with.approved", ""), ("with.atc", "")]
    choice = Choice.of_query(query)
    assert choice.mine == ("D1", "D2")
    assert choice.attributes == (("approved", ("yes",)),)
    assert "approved: yes; only the 2 of a list of one's own" in choice.in_words()


def test_a_length_cuts_after_sorting() -> None:
    many = pd.concat([ROWS] * 20, ignore_index=True).assign(rank=range(1, 81))
    assert len(Choice(length="20").rows(many, "drug")) == 20
    assert len(Choice(length="all").rows(many, "drug")) == 80
    assert set(Choice(length="20", sort="corrected").rows(many, "drug")["corrected_rank"]) == {1}


choices = st.builds(
    Choice,
    statuses=st.lists(st.sampled_from(STATUS), unique=True).map(tuple),
    settings=st.lists(st.sampled_from(SETTINGS), unique=True).map(tuple),
    sort=st.sampled_from(list(SORTINGS)),
    order=st.sampled_from(ORDERS),
    length=st.sampled_from(LENGTHS),
    attributes=st.dictionaries(
        st.text(min_size=1), st.lists(st.text(min_size=1), min_size=1, unique=True).map(tuple), max_size=3
    ).map(lambda wanted: tuple(sorted(wanted.items()))),
    mine=st.lists(st.from_regex(r"[a-zA-Z0-9:_=&;%]{1,9}", fullmatch=True), unique=True).map(tuple),
)


@given(choices, st.text())
def test_an_address_means_what_it_was_written_from(choice: Choice, node_id: str) -> None:
    read = parse_qsl(choice.query(node_id), keep_blank_values=True)
    assert dict(read)["id"] == node_id
    assert Choice.of_query(read) == choice


def test_without_parameters_a_list_is_in_its_own_order() -> None:
    assert Choice.of_query([]) == Choice()
    assert Choice.of_query([("sort", "probability")]).order == "desc"
    assert Choice.of_query([("status", ""), ("status", "new"), ("status", "new")]).statuses == ("new",)


def test_the_head_of_the_sorted_column_turns_the_order_round() -> None:
    assert Choice(sort="name", order="asc").next_order("name") == "desc"
    assert Choice(sort="name", order="desc").next_order("name") == "asc"
    assert Choice(sort="name", order="desc").next_order("probability") == "desc"


@pytest.mark.parametrize(
    ("name", "known"),
    [("status", "new, other"), ("setting", "warm pair"), ("sort", "rank"), ("order", "asc, desc"), ("show", "20, 50")],
)
def test_a_value_that_cannot_be_is_refused_with_those_that_can(name: str, known: str) -> None:
    with pytest.raises(ImpossibleChoiceError, match=rf"^{name} must be one of {known}.*\(got 'xxx"):
        Choice.of_query([(name, "x" * 10_000)])
