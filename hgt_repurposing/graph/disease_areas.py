"""Areas of diseases, such as cardiovascular or infectious: named by rows of a table, or derived from an is-a relation.

An area of the is-a relation is a disease together with everything below it. It holds at most half of the diseases of
the relation, and all that are above it hold more. So the areas are the roots, unless one of them dominates: a single
root such as "disease" gives way to its children, or to theirs where a child dominates in turn. No area is below
another, also if the relation has edges from a disease to all of its ancestors.

A disease may be in several areas. One that gave way, or has no is-a edge, is in none.
"""

import logging
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from graphlib import CycleError, TopologicalSorter

import numpy as np

from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.schema import NODE_ID, NODE_NAME, EdgeType, IntArray

OTHER_AREAS = "other areas"
NO_AREA = "no area"
RESERVED = (OTHER_AREAS, NO_AREA)
"""Names of rows in the breakdown of the evaluation, which no area may have."""

_NAMED = 6
"""Most diseases of a circle listed in a message."""

_logger = logging.getLogger(__name__)


def collect_areas(rows: Iterable[tuple[str, int]]) -> dict[str, IntArray]:
    """Diseases of each area, areas by name.

    Args:
        rows: Name of an area and local index of a disease in it, in any order; rows may repeat.

    Raises:
        ValueError: If an area has one of the names in `RESERVED`.
    """
    members = defaultdict[str, set[int]](set)
    for area, disease in rows:
        members[area].add(disease)
    for name in RESERVED:
        if name in members:
            raise ValueError(
                f"a disease area may not be called {name!r}: the evaluation's breakdown has a row of that name; "
                "rename it, or leave its diseases out if they belong to no area"
            )
    return {area: np.array(sorted(members[area]), dtype=np.int64) for area in sorted(members)}


def areas_of_ancestors(graph: KnowledgeGraph, relations: Collection[str]) -> dict[str, IntArray]:
    """Areas by the rule above, named by their topmost disease (by name and id where two share a name).

    Args:
        graph: Its edges between diseases.
        relations: Relations from a disease to a broader one; together they are the is-a relation.

    Raises:
        ValueError: If one of them does not join diseases or is not directed, or if they run in a circle.
    """
    broader, narrower = _neighbours(graph, relations)
    order = _from_broad_to_narrow(graph, broader, relations)
    dominant, members = set[int](), dict[int, set[int]]()
    for disease in order:
        if broader.get(disease, set()) <= dominant:
            held = _below(disease, narrower)
            if 2 * len(held) > len(order):
                dominant.add(disease)
            else:
                members[disease] = held
    names = _names(graph, members)
    found = collect_areas((names[area], disease) for area, held in members.items() for disease in held)
    num_in_one = len(set().union(*members.values()))
    _logger.info(
        "%d disease areas from %s: %d of %d diseases are in one or more",
        len(found), ", ".join(map(repr, relations)), num_in_one, graph.grid_shape[1],
    )  # fmt: skip
    return found


def _neighbours(graph: KnowledgeGraph, relations: Collection[str]) -> tuple[dict[int, set[int]], dict[int, set[int]]]:
    """Broader and narrower diseases of each disease that has some; none is empty."""
    broader, narrower = defaultdict[int, set[int]](set), defaultdict[int, set[int]](set)
    for name in relations:
        edge_type = EdgeType(graph.therapeutic.disease, name, graph.therapeutic.disease)
        if edge_type not in graph.directed:
            among = sorted(t.relation for t in graph.edges if t.source == t.target == graph.therapeutic.disease)
            raise ValueError(
                f"is_a: no directed edge {name!r} between two nodes of type {graph.therapeutic.disease!r}; relations "
                f"found between them: {', '.join(map(repr, among)) or 'none'}"
            )
        for child, parent in graph.edges[edge_type].T.tolist():
            broader[child].add(parent)
            narrower[parent].add(child)
    return dict(broader), dict(narrower)


def _from_broad_to_narrow(
    graph: KnowledgeGraph, broader: Mapping[int, set[int]], relations: Collection[str]
) -> list[int]:
    """All diseases of the relation, each after those above it."""
    try:
        return list(TopologicalSorter({child: sorted(broader[child]) for child in sorted(broader)}).static_order())
    except CycleError as error:
        circle: list[int] = error.args[1][::-1]  # each a predecessor of the next: from the broader to the narrower
        nodes = graph.nodes_of(graph.therapeutic.disease)
        shown = [f"{nodes[NODE_NAME][disease]} ({nodes[NODE_ID][disease]})" for disease in circle[:_NAMED]]
        path = " is a ".join([*shown, *(["..."] if len(circle) > _NAMED else [])])
        raise ValueError(
            f"is_a: {', '.join(map(repr, relations))} runs in a circle, so no disease is the broadest ({path}). An "
            "is-a relation has each edge once, from the narrower disease to the broader one: correct the edges, or "
            "leave is_a out and name the areas in a file (disease_areas)"
        ) from None


def _below(disease: int, narrower: Mapping[int, set[int]]) -> set[int]:
    """The disease and everything below it."""
    found, waiting = {disease}, [disease]
    while waiting:
        new = narrower.get(waiting.pop(), set()) - found
        found |= new
        waiting += new
    return found


def _names(graph: KnowledgeGraph, areas: Iterable[int]) -> dict[int, str]:
    nodes = graph.nodes_of(graph.therapeutic.disease)
    name_of = {area: str(nodes[NODE_NAME][area]) for area in areas}
    count = Counter(name_of.values())
    return {area: f"{name} ({nodes[NODE_ID][area]})" if count[name] > 1 else name for area, name in name_of.items()}
