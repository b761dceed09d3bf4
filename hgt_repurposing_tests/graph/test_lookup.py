"""What a person types, and the node that it means."""

from contextlib import suppress

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hgt_repurposing.graph.lookup import look_up

NODES = pd.DataFrame(
    [
        ("DOID:14330", "Parkinson's disease"),
        ("DOID:10652", "Alzheimer's disease"),
        ("DOID:9352", "type 2 diabetes mellitus"),
        ("DOID:9744", "type 1 diabetes mellitus"),
        ("DOID:1", "Ménière's disease"),
        ("DOID:2", "gout"),
        ("DOID:3", "gout"),
    ],
    columns=["node_id", "node_name"],
)


@pytest.mark.parametrize(
    ("text", "row"),
    [
        ("DOID:14330", 0),
        ("10652", 1),
        ("doid:9352", 2),
        ("parkinson", 0),
        ("  PARKINSON'S   disease ", 0),
        ("type 1", 3),
        ("meniere", 4),
        ("MÉNIÈRE'S DISEASE", 4),
    ],
)
def test_ids_and_names_in_any_spelling(text: str, row: int) -> None:
    assert look_up(text, NODES, what="disease") == row


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("gout", "2 diseases have the name 'gout': gout (DOID:2), gout (DOID:3); give an id"),
        (
            "diabetes",
            "2 diseases have names with 'diabetes': type 2 diabetes mellitus (DOID:9352), type 1 diabetes mellitus "
            "(DOID:9744); give an id",
        ),
        ("  ", "no disease was named: give an id, a name or a part of one"),
    ],
)
def test_what_means_several_or_none_is_said(text: str, said: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011  (the whole sentence is compared)
        look_up(text, NODES, what="disease")
    assert str(caught.value) == said


def test_a_typing_error_is_answered_by_what_is_like_it() -> None:
    with pytest.raises(ValueError, match=r"no disease has the id or name 'alzeimer'; did you mean Alzheimer's disease"):
        look_up("alzeimer", NODES, what="disease")


def test_many_hits_are_not_all_listed() -> None:
    many = pd.DataFrame({"node_id": [str(i) for i in range(50)], "node_name": [f"cancer {i}" for i in range(50)]})
    with pytest.raises(ValueError, match=r"50 diseases have names with 'cancer': .*, and 42 more; give an id"):
        look_up("cancer", many, what="disease")


@given(st.text(max_size=30))
def test_any_text_is_answered_by_a_node_or_one_sentence(text: str) -> None:
    with suppress(ValueError):
        assert 0 <= look_up(text, NODES, what="disease") < len(NODES)
