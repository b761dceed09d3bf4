"""Which node an id or a name of another file means."""

import pandas as pd
import pytest

from hgt_repurposing.graph.sources.matching import Match, match_nodes


def nodes(*ids: str, names: dict[str, str] | None = None) -> pd.DataFrame:
    """Nodes whose local index is their position; each is named after its id unless it has a name."""
    return pd.DataFrame({"node_id": ids, "node_name": [(names or {}).get(node_id, node_id) for node_id in ids]})


def match(value: str, *ids: str) -> Match:
    (found,) = match_nodes([value], nodes(*ids), "ids")
    return found


@pytest.mark.parametrize(
    ("value", "ids", "index", "way"),
    [
        ("D2", ["D1", "D2"], 1, "exact"),
        ("DB00843", ["Compound::DB1", "Compound::DB00843"], 1, "without the graph's prefix"),
        ("DOID:10652", ["Disease::DOID:10652"], 0, "without the graph's prefix"),
        ("10652", ["Disease::DOID:10652"], 0, "without the graph's prefix"),
        ("MONDO:0005148", ["MONDO:0005148", "0005148"], 0, "exact"),
        ("MONDO:0005148", ["0005148"], 0, "without the file's prefix"),
        ("Disease::DOID:10652", ["DOID:10652"], 0, "without the file's prefix"),
        ("Disease::DOID:10652", ["10652"], 0, "without the file's prefix"),
        ("db00843", ["DB00843"], 0, "but for case"),
        ("doid:10652", ["Disease::DOID:10652"], 0, "but for case"),
        ("mesh:d003920", ["D003920"], 0, "but for case"),
        ("d1", ["D1", "x:d1"], 1, "without the graph's prefix"),
    ],
)
def test_an_id_is_found_by_the_first_way_that_fits(value: str, ids: list[str], index: int, way: str) -> None:
    assert match(value, *ids) == Match(index, way)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("value", "ids", "reason"),
    [
        ("1", ["A:1", "B:1"], "ambiguous: 2 ids of the graph end in it"),
        ("d1", ["D1", "X:D1", "Y:D1"], None),
        ("db1", ["DB1", "Db1"], "ambiguous: 2 ids of the graph differ from it in case only"),
        ("b1", ["x:B1", "y:B1"], "ambiguous: 2 ids of the graph end in it but for case"),
        ("P:db1", ["DB1", "Db1"], "ambiguous: 2 ids of the graph are its end but for case"),
    ],
)
def test_what_fits_several_nodes_is_not_guessed_at(value: str, ids: list[str], reason: str | None) -> None:
    found = match(value, *ids)
    if reason is None:
        assert found == Match(0, "but for case"), "the whole id comes before its end"
    else:
        assert (found.node, found.reason, found.closest) == (-1, reason, tuple(ids))


@pytest.mark.parametrize("value", ["DOID:1612", "UMLS:1612"])
def test_ids_of_two_vocabularies_never_match(value: str) -> None:
    found = match(value, "MONDO:1612")
    assert (found.node, found.reason, found.closest) == (-1, "no such id in the graph", ("MONDO:1612",))


def test_an_empty_end_is_no_id() -> None:
    assert match("", "A:", "B").node == -1
    assert match("C:", "A", "B").node == -1


def test_the_three_closest_ids_are_said() -> None:
    assert match("D10", "D11", "D1", "D100", "E7").closest == ("D100", "D1", "D11")


def test_a_name_among_ids_is_recognised() -> None:
    (found,) = match_nodes(["Zanolone"], nodes("D1", "D2", names={"D2": "Zanolone"}), "ids")
    assert found.reason == "is a name of the graph, not an id"
    assert found.closest == ("D2",)


NAMED = nodes("D1", "D2", "D3", "D4", names={"D1": "Zanolone", "D2": "Belustat", "D3": "BELUSTAT", "D4": "Twin"})


def test_names_are_found_exactly_then_ignoring_case() -> None:
    found = match_nodes(["Zanolone", "zanolone", "BELUSTAT"], NAMED, "names")
    assert found == [Match(0, "exact"), Match(0, "but for case"), Match(2, "exact")]


def test_an_ambiguous_name_and_an_id_among_names_are_refused() -> None:
    found = match_nodes(["belustat", "D1", "Zanolon"], NAMED, "names")
    assert [one.node for one in found] == [-1, -1, -1]
    assert found[0].reason == "ambiguous: 2 nodes of the graph have this name but for case"
    assert found[1].reason == "no such name in the graph"
    assert found[2].closest[0] == "Zanolone"


def test_two_nodes_of_one_name_are_ambiguous() -> None:
    (found,) = match_nodes(["Twin"], nodes("D1", "D2", names={"D1": "Twin", "D2": "Twin"}), "names")
    assert found.reason == "ambiguous: 2 nodes of the graph have this name"
