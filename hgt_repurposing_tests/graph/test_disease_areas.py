"""Areas of diseases: by a file, or by the is-a relation between diseases."""

import logging
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hgt_repurposing.graph.disease_areas import RESERVED, areas_of_ancestors, collect_areas
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph, build_knowledge_graph
from hgt_repurposing.graph.schema import EDGE_COLUMNS, NODE_COLUMNS, BoolArray, TherapeuticRelations
from hgt_repurposing.graph.sources.areas import load_disease_areas

Edges = Sequence[tuple[int, int]]


def graph_of(is_a: Edges, num_diseases: int = 0, names: Sequence[str] = ()) -> KnowledgeGraph:
    """Diseases 0, 1, ... with these edges from the narrower to the broader one; the drug treats disease 0."""
    count = max([num_diseases, *(1 + max(edge) for edge in is_a), len(names)])
    ids = [f"{i:03}" for i in range(count)]
    called = [*names, *(f"disease {i}" for i in range(len(names), count))]
    nodes = [("drug", "D", "D"), *(("disease", i, name) for i, name in zip(ids, called, strict=True))]
    edges = [("drug", "D", "indication", "disease", ids[0])]
    edges += [("disease", ids[child], "is_a", "disease", ids[parent]) for child, parent in is_a]
    return build_knowledge_graph(
        pd.DataFrame(nodes, columns=list(NODE_COLUMNS)),
        pd.DataFrame(edges, columns=list(EDGE_COLUMNS)),
        therapeutic=TherapeuticRelations(),
        directed_relations=["is_a"] if is_a else [],
    )


def areas(is_a: Edges, **more: object) -> dict[str, list[int]]:
    found = areas_of_ancestors(graph_of(is_a, **more), ["is_a"])  # type: ignore[arg-type]  # passed on as given
    return {name.removeprefix("disease "): index.tolist() for name, index in found.items()}


TWO_ROOTS = [(2, 0), (3, 0), (4, 1), (5, 1)]
ONE_ROOT = [(1, 0), (2, 0), (3, 1), (4, 1), (5, 2)]


# the rule, by hand


def test_roots_are_areas_with_all_that_is_below_them() -> None:
    assert areas([*TWO_ROOTS, (6, 5), (8, 7)]) == {"0": [0, 2, 3], "1": [1, 4, 5, 6], "7": [7, 8]}


def test_a_single_root_gives_way_to_its_children_and_is_in_no_area() -> None:
    assert areas(ONE_ROOT) == {"1": [1, 3, 4], "2": [2, 5]}


def test_a_root_with_most_of_the_diseases_gives_way_beside_a_small_one() -> None:
    assert areas([*ONE_ROOT, (7, 6)]) == {"1": [1, 3, 4], "2": [2, 5], "6": [6, 7]}


def test_a_root_with_half_of_the_diseases_stays() -> None:
    assert areas(TWO_ROOTS) == {"0": [0, 2, 3], "1": [1, 4, 5]}


def test_an_only_child_gives_way_too() -> None:
    assert areas([(1, 0), *((child + 1, parent + 1) for child, parent in ONE_ROOT)]) == {"2": [2, 4, 5], "3": [3, 6]}


def test_a_disease_may_be_in_several_areas() -> None:
    assert areas([*TWO_ROOTS, (3, 1), (7, 6), (8, 6)]) == {"0": [0, 2, 3], "1": [1, 3, 4, 5], "6": [6, 7, 8]}


def test_an_area_below_another_is_none() -> None:
    # 3 is a child of the root 0, and of its child 1.
    assert areas([*ONE_ROOT, (3, 0)]) == areas(ONE_ROOT)


def test_a_root_that_gives_way_to_areas_of_other_roots_is_in_none() -> None:
    # All below the root 0 is below 1 or 2 as well; 0 holds more than half of the diseases and gives way.
    assert areas([(3, 0), (3, 1), (4, 0), (4, 2)]) == {"1": [1, 3], "2": [2, 4]}


def test_diseases_without_an_edge_are_in_no_area() -> None:
    assert areas(ONE_ROOT, num_diseases=20) == areas(ONE_ROOT)


def test_areas_are_called_like_their_topmost_disease_and_namesakes_by_id_as_well() -> None:
    assert set(areas(ONE_ROOT, names=["all", "renal", "ocular"])) == {"renal", "ocular"}
    assert set(areas(ONE_ROOT, names=["all", "renal", "renal"])) == {"renal (001)", "renal (002)"}


def test_several_relations_are_one(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    edges = pd.DataFrame(
        [
            ("drug", "D", "indication", "disease", "0"),
            ("disease", "1", "is_a", "disease", "0"),
            ("disease", "2", "part_of", "disease", "0"),
        ],
        columns=list(EDGE_COLUMNS),
    )
    nodes = pd.DataFrame([("drug", "D", "D"), *(("disease", str(i), str(i)) for i in range(4))], columns=NODE_COLUMNS)
    graph = build_knowledge_graph(
        nodes, edges, therapeutic=TherapeuticRelations(), directed_relations=["is_a", "part_of"]
    )
    assert set(areas_of_ancestors(graph, ["is_a", "part_of"])) == {"1", "2"}
    assert caplog.messages == ["2 disease areas from 'is_a', 'part_of': 2 of 4 diseases are in one or more"]


# the rule, as properties


def reach(is_a: Edges, count: int) -> BoolArray:
    """True where the row's disease is the column's, or below it. Shape [count, count]."""
    step = np.eye(count, dtype=np.bool_)
    for child, parent in is_a:
        step[child, parent] = True
    for _ in range(count):
        step = step @ step
    return step


edges_without_a_circle = st.lists(
    st.tuples(st.integers(0, 11), st.integers(0, 11)).filter(lambda ends: ends[0] != ends[1]), min_size=1, max_size=25
).map(lambda edges: sorted({(max(ends), min(ends)) for ends in edges}))


@given(edges_without_a_circle)
def test_every_disease_is_in_an_area_or_above_one_that_is_and_no_area_is_below_another(is_a: Edges) -> None:
    found = areas(is_a)
    below = reach(is_a, 12)
    tops = [int(name) for name in found]
    for disease in {end for edge in is_a for end in edge}:
        assert below[below[:, disease]][:, tops].any()
    assert below[np.ix_(tops, tops)].sum() == len(tops)


@given(edges_without_a_circle)
def test_an_area_holds_all_below_it_and_no_more_than_half_if_it_has_children(is_a: Edges) -> None:
    below, parents = reach(is_a, 12), {parent for _, parent in is_a}
    related = {end for edge in is_a for end in edge}
    for name, held in areas(is_a).items():
        assert held == np.flatnonzero(below[:, int(name)]).tolist()
        assert 2 * len(held) <= len(related) or int(name) not in parents


@given(edges_without_a_circle)
def test_edges_to_all_ancestors_change_nothing(is_a: Edges) -> None:
    below = reach(is_a, 12)
    closure = [(int(child), int(parent)) for child, parent in np.argwhere(below) if child != parent]
    assert areas(closure) == areas(is_a)


# what is refused


@pytest.mark.parametrize(
    ("circle", "path"),
    [
        ([(1, 0), (0, 1)], "disease 0 (000) is a disease 1 (001) is a disease 0 (000)"),
        ([(1, 1)], "disease 1 (001) is a disease 1 (001)"),
        ([(1, 0), (2, 1), (0, 2)], "disease 0 (000) is a disease 2 (002) is a disease 1 (001) is a disease 0 (000)"),
    ],
    ids=["both ways", "itself", "three"],
)
def test_a_circle_is_refused_with_its_path(circle: Edges, path: str) -> None:
    message = f"is_a: 'is_a' runs in a circle, so no disease is the broadest ({path}). An is-a relation has each edge"
    with pytest.raises(ValueError, match=re.escape(message)):
        areas([*circle, (4, 3)])


def test_a_long_circle_is_cut() -> None:
    with pytest.raises(ValueError, match=re.escape("disease 5 (005) is a ...). An is-a")):
        areas([(i, (i + 1) % 30) for i in range(30)])


def test_a_relation_that_does_not_join_diseases_is_refused() -> None:
    graph = graph_of(ONE_ROOT)
    message = "no directed edge 'indication' between two nodes of type 'disease'; relations found between them: 'is_a'"
    with pytest.raises(ValueError, match=message):
        areas_of_ancestors(graph, ["indication"])


@pytest.mark.parametrize("name", RESERVED)
def test_an_area_may_not_be_called_like_a_row_of_the_breakdown(name: str) -> None:
    with pytest.raises(ValueError, match=f"a disease area may not be called '{name}'"):
        collect_areas([("renal", 0), (name, 1)])


# from a file. The toy graph has the diseases 1, 2 and 3.

ROWS = [("2", "hepatic"), ("1", "renal"), ("3", "renal"), ("1", "any"), ("1", "renal"), ("9", "renal"), ("8", "none")]


def write(path: Path, rows: Sequence[tuple[str, str | None]], columns: Sequence[str] = ("disease_id", "area")) -> str:
    table = pd.DataFrame(rows, columns=list(columns)).assign(source="somewhere")
    if path.suffix == ".parquet":
        table.to_parquet(path)
    else:
        table.to_csv(path, index=False, sep="," if path.suffix == ".csv" else "\t")
    return str(path)


@pytest.mark.parametrize("ending", [".csv", ".tsv", ".parquet"])
def test_rows_of_a_file_are_collected_by_area(toy_graph: KnowledgeGraph, tmp_path: Path, ending: str) -> None:
    found = load_disease_areas(write(tmp_path / f"areas{ending}", ROWS), toy_graph)
    assert {name: index.tolist() for name, index in found.items()} == {"any": [0], "hepatic": [1], "renal": [0, 2]}
    assert list(found) == sorted(found)


def test_what_becomes_of_every_row_is_counted_and_unknown_ids_are_named(
    toy_graph: KnowledgeGraph, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO"):
        load_disease_areas(write(tmp_path / "areas.csv", ROWS), toy_graph)
    counted, matched, unknown = (message.partition("areas.csv: ")[2] for message in caplog.messages)
    assert counted == (
        "7 rows, 3 disease areas; 3 of 3 diseases are in one or more; 1 duplicate rows, 2 rows of unknown diseases"
    )
    assert matched == "rows matched by disease_id: exact (5)"
    assert unknown == (
        "2 of 7 rows are left out, for their id means no disease of the graph; 2 unknown in column 'disease_id': "
        "'9' (no such id in the graph), '8' (no such id in the graph)"
    )


def test_ids_may_be_bare_or_prefixed(
    toy_graph: KnowledgeGraph, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = write(tmp_path / "areas.csv", [("DOID:2", "hepatic"), ("2", "hepatic"), ("Belustat", "renal")])
    assert {name: index.tolist() for name, index in load_disease_areas(path, toy_graph).items()} == {"hepatic": [1]}
    assert "areas.csv: 1 values match only without their prefix" in caplog.messages[0]


@pytest.mark.parametrize(
    ("rows", "columns", "message"),
    [
        (
            [(f"X{i}", "renal") for i in range(5)],
            ("disease_id", "area"),
            r"no row has a disease of the graph; 5 unknown in column 'disease_id': 'X0' \(no such .*, \.\.\.",
        ),
        ([("1", "no area")], ("disease_id", "area"), r"a disease area may not be called 'no area'"),
        ([("1", "renal")], ("disease_id", "areas"), r"column 'area' is missing; columns found: 'disease_id', 'areas'"),
        ([], ("disease_id", "area"), r"no rows"),
        ([("1", "renal"), ("2", None)], ("disease_id", "area"), r"row \d has no value in column 'area'"),
        ([("1", "renal"), ("2", "")], ("disease_id", "area"), r"row \d has no value in column 'area'"),
    ],
    ids=["unknown", "reserved", "column", "empty", "missing", "blank"],
)
@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_a_file_without_areas_of_the_graph_is_refused(
    toy_graph: KnowledgeGraph,
    tmp_path: Path,
    rows: list[tuple[str, str | None]],
    columns: tuple[str, str],
    message: str,
    ending: str,
) -> None:
    path = write(tmp_path / f"areas{ending}", rows, columns)
    with pytest.raises(ValueError, match=rf"areas\{ending}: {message}"):
        load_disease_areas(path, toy_graph)


def test_a_missing_file_is_refused(toy_graph: KnowledgeGraph, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"absent\.csv: no such file"):
        load_disease_areas(str(tmp_path / "absent.csv"), toy_graph)
