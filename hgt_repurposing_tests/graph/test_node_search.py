"""Searching for nodes: the likeliest first, and never an error."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hgt_repurposing.graph.lookup import folded
from hgt_repurposing.graph.node_search import NodeSearch

NODES = pd.DataFrame(
    {
        "node_id": ["DOID:1", "DOID:12", "DOID:3", "4", "5"],
        "node_name": ["acute gout", "Gout", "gouty arthritis", "Sjögren syndrome", "begouted"],
    }
)


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("gout", [1, 2, 0, 4]),  # the name itself, its beginning, the beginning of a word, within a word
        ("  GOUT ", [1, 2, 0, 4]),
        ("doid:1", [0, 1]),  # the id itself, then one that has it
        ("sjogren", [3]),
        ("4", [3]),
        ("nothing", []),
        ("", []),
        ("   ", []),
    ],
)
def test_the_likeliest_comes_first(text: str, rows: list[int]) -> None:
    assert NodeSearch(NODES).find(text) == rows


def test_what_is_written_almost_so_is_found_among_the_closest() -> None:
    assert NodeSearch(NODES).closest("gowt")[0] == 1
    assert NodeSearch(NODES).closest("") == []


@pytest.mark.parametrize(("text", "row"), [("GOUT", 1), ("doid:1", 0), ("arthritis", 2), ("4", 3), ("syndrome", 3)])
def test_one_node_is_meant_by_its_id_its_name_or_a_part(text: str, row: int) -> None:
    assert NodeSearch(NODES).one(text, what="disease") == row


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("goutX", r"^no disease has the id or name 'goutX'; did you mean .*Gout \(DOID:12\)"),
        ("gou", r"^4 diseases have names or ids with 'gou': Gout \(DOID:12\), .*; give an id$"),
        ("", "^no disease has the id or name ''$"),
    ],
)
def test_none_or_several_are_a_sentence(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        NodeSearch(NODES).one(text, what="disease")


@given(st.lists(st.text(max_size=8), max_size=6), st.text(max_size=3))
def test_exactly_the_nodes_that_hold_a_text_are_found(names: list[str], text: str) -> None:
    nodes = pd.DataFrame({"node_id": [f"#{row}" for row in range(len(names))], "node_name": names}, dtype="str")
    wanted = [row for row, name in enumerate(names) if folded(text) in folded(name) or folded(text) in f"#{row}"]
    assert sorted(NodeSearch(nodes).find(text)) == (wanted if folded(text) else [])
