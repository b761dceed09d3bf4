"""Pictures: what is to the left of what, how long a bar is, and that no name becomes markup."""

from collections.abc import Iterator
from xml.etree import ElementTree as ET

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from hgt_repurposing.explorer.drawing import Stop, Way, bar, interval, map_picture, path_picture
from hgt_repurposing.explorer.node_map import NodeMap
from hgt_repurposing_tests.explorer.folders import HOSTILE

DRUG, DISEASE = Stop("drug/0", "Velotinib", "drug"), Stop("disease/0", "renal torvosis", "disease")


def gene(number: int, name: str = "") -> Stop:
    return Stop(f"gene/{number}", name or f"G{number}", "gene")


def way(*between: Stop, share: float = 0.1) -> Way:
    return Way((DRUG, *between, DISEASE), ("-binds->",) * (len(between) + 1), share)


def drawn(picture: Markup) -> ET.Element:
    """The picture, which must be well-formed XML."""
    return ET.fromstring(picture)  # noqa: S314  (our own)


def boxes(picture: Markup) -> dict[str, tuple[float, float]]:
    """Left upper corner of the box of every node, by its title."""
    return {
        str(group.findtext("title")): (float(rect.attrib["x"]), float(rect.attrib["y"]))
        for group in drawn(picture).iter("g")
        if (rect := group.find("rect")) is not None
    }


def lines(picture: Markup) -> Iterator[tuple[str, float]]:
    for path in drawn(picture).iter("path"):
        yield str(path.findtext("title")), float(path.attrib["stroke-width"])


def test_a_path_runs_from_the_drug_on_the_left_to_the_disease_on_the_right() -> None:
    placed = boxes(path_picture([way(gene(1), gene(2), gene(3))], "paths"))
    order = sorted(placed, key=lambda title: placed[title][0])
    assert order == ["Velotinib (drug)", "G1 (gene)", "G2 (gene)", "G3 (gene)", "renal torvosis (disease)"]
    assert len({y for _, y in placed.values()}) == 1


def test_the_ends_are_coloured_whatever_their_types_are_called() -> None:
    compound, gout = Stop("Compound/1", "a", "Compound"), Stop("Disease/1", "b", "Disease")
    picture = drawn(path_picture([Way((compound, gene(1), gout), ("-binds->",) * 2, 0.1)], "paths"))
    assert [group.attrib["class"] for group in picture.iter("g")] == ["stop drug", "stop between", "stop disease"]


@pytest.mark.parametrize("length", [1, 2, 3])
def test_drug_and_disease_stand_at_the_ends_however_long_a_path_is(length: int) -> None:
    placed = boxes(path_picture([way(*(gene(i) for i in range(length)))], "paths"))
    longest = boxes(path_picture([way(gene(1), gene(2), gene(3))], "paths"))
    for title in ("Velotinib (drug)", "renal torvosis (disease)"):
        assert placed[title][0] == longest[title][0]


def test_a_node_of_several_paths_is_drawn_once_and_no_two_nodes_cover_each_other() -> None:
    ways = [way(gene(1)), way(gene(1), gene(2)), way(gene(3)), way(gene(2), gene(4), gene(1))]
    placed = boxes(path_picture(ways, "paths"))
    assert len(placed) == 2 + 4
    assert len(set(placed.values())) == len(placed)


def test_a_line_is_as_thick_as_the_share_of_the_paths_along_it() -> None:
    found = dict(lines(path_picture([way(gene(1), share=0.3), way(gene(1), gene(2), share=0.3), way(gene(3))], "p")))
    assert found["Velotinib -binds-> G1"] == 6.0
    assert found["G1 -binds-> renal torvosis"] == 3.5
    assert found["Velotinib -binds-> G3"] == pytest.approx(1 + 5 / 6, abs=0.05)


@given(st.lists(st.lists(st.integers(0, 6), min_size=1, max_size=3, unique=True), min_size=1, max_size=10))
def test_any_paths_give_a_picture_within_its_frame(routes: list[list[int]]) -> None:
    picture = path_picture([way(*map(gene, route)) for route in routes], "paths")
    _, _, width, height = map(float, drawn(picture).attrib["viewBox"].split())
    for x, y in boxes(picture).values():
        assert 0 <= x < width
        assert 0 <= y < height


def test_no_name_becomes_markup() -> None:
    picture = path_picture([way(gene(1, HOSTILE))], HOSTILE)
    assert not list(drawn(picture).iter("script"))
    assert f"{HOSTILE} (gene)" in boxes(picture)
    assert drawn(picture).attrib["aria-label"] == HOSTILE


@pytest.mark.parametrize(
    ("value", "kind", "x", "width"), [(2.0, "for", 100, 98), (-1.0, "against", 51, 49), (0.0, "for", 100, 0)]
)
def test_a_bar_points_where_its_part_moves_the_score(value: float, kind: str, x: float, width: float) -> None:
    rect = next(drawn(bar(value, longest=2.0)).iter("rect"))
    assert (rect.attrib["class"], float(rect.attrib["x"]), float(rect.attrib["width"])) == (kind, x, width)


def test_an_interval_has_its_value_between_its_ends() -> None:
    picture = drawn(interval(0.5, 0.25, 1.0, longest=1.0))
    reach = next(line for line in picture.iter("line") if line.attrib["class"] == "reach")
    value = next(picture.iter("circle"))
    assert (float(reach.attrib["x1"]), float(value.attrib["cx"]), float(reach.attrib["x2"])) == (26, 48, 92)


def test_an_interval_of_nothing_is_drawn_too() -> None:
    assert len(list(drawn(interval(0.0, 0.0, 0.0, longest=0.0)))) == 3


def test_a_map_names_what_is_marked_and_links_the_rest() -> None:
    points = pd.DataFrame(
        [("drug", "a/b", HOSTILE, 0.0, 0.0), ("drug", "2", "two", 1.0, 1.0), ("disease", "2", "gout", 0.5, -1.0)],
        columns=["side", "id", "name", "x", "y"],
    )
    picture = drawn(map_picture(NodeMap(points, (0.5, 0.2)), marked={"drug": "2"}))
    assert [text.text for text in picture.iter("text")] == ["two"]
    assert [link.attrib["href"] for link in picture.iter("a")] == ["/drug?id=a%2Fb", "/disease?id=2", "/drug?id=2"]
    assert not list(picture.iter("script"))


def test_a_map_of_nothing_is_empty() -> None:
    nothing = pd.DataFrame(columns=["side", "id", "name", "x", "y"])
    assert map_picture(NodeMap(nothing, (0.0, 0.0)), marked={}) == ""
