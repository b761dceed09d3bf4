"""Why a pair has its score: the explanation in words and pictures, for the template to lay out."""

from collections.abc import Sequence
from typing import NamedTuple

from markupsafe import Markup

from hgt_repurposing.explorer.drawing import Stop, Way, bar, path_picture
from hgt_repurposing.explorer.explanations import Explained
from hgt_repurposing.explorer.library import Named
from hgt_repurposing.graph.relation_words import in_words
from hgt_repurposing.report.edge_sources import (
    Text,
    in_brackets,
    recorded,
    said_of_path,
    treatment_said,
    with_links,
)
from hgt_repurposing.report.explanation_text import MIN_SHOWN, PARTS_PER_GROUP, gene_in_words, path_arrows
from hgt_repurposing.repurposing.decomposition import GROUPS
from hgt_repurposing.repurposing.evidence_paths import Node, Path
from hgt_repurposing.repurposing.explanation import Similar

TREATS_SHOWN = 5
"""Names of what a similar drug treats."""


SaidOfEdge = list[tuple[str, list[Text]]]
"""Columns of the files, and the texts that they have about an edge."""


class Part(NamedTuple):
    """A line of the decomposition."""

    name: str
    log_odds: float
    bar: Markup
    is_group: bool


class Neighbour(NamedTuple):
    """A similar drug or disease."""

    node: Named
    similarity: float
    shared: str
    treats: str
    said: SaidOfEdge
    """About the treatment that joins it to the pair."""


class PathStep(NamedTuple):
    """An edge of a path, and the node that it leads to."""

    relation: str
    """With an arrow."""
    name: str
    link: str | None
    said: SaidOfEdge


class PathLine(NamedTuple):
    """A path as text."""

    share: float
    start: str
    steps: list[PathStep]


class Why(NamedTuple):
    """An explanation, ready for the template."""

    base: float
    log_odds: float
    parts: list[Part]
    picture: Markup | None
    """None: no path joins the two."""
    paths: list[PathLine]
    recorded: list[tuple[str, SaidOfEdge]]
    """Relations of the edges between the two, and what is said about each."""
    through: list[tuple[float, str, str, str | None]]
    """Share, name, type and link of nodes on the way."""
    genes: list[tuple[float, str, str, str | None]]
    """Share and name of genes through which the drug may act, what speaks for each, and its link."""
    similar_diseases: list[Neighbour]
    similar_drugs: list[Neighbour]
    nearest_drugs: list[Neighbour]


def why_of(explained: Explained) -> Why:
    """Lay out an explanation."""
    found, names = explained.found, explained.names
    whose = f"{names.name(Node(explained.graph.therapeutic.drug, found.drug))} and " + names.name(
        Node(explained.graph.therapeutic.disease, found.disease)
    )
    return Why(
        found.decomposition.base,
        found.decomposition.log_odds,
        _parts(explained),
        path_picture(
            [_way(path, explained) for path in found.paths],
            f"The {len(found.paths)} heaviest paths between {whose}; the same as text below",
        )
        if found.paths
        else None,
        [_path_line(path, explained) for path in found.paths],
        [(edge.relation, with_links(edge.said)) for edge in recorded(explained.graph, found.drug, found.disease)],
        [(each.share, names.name(each.node), each.node.node_type, names.link(each.node)) for each in found.through],
        [(gene.share, names.name(gene.node), gene_in_words(gene), names.link(gene.node)) for gene in found.genes],
        _neighbours(found.similar_diseases, explained, Node(explained.graph.therapeutic.drug, found.drug)),
        _neighbours(found.similar_drugs, explained, Node(explained.graph.therapeutic.disease, found.disease)),
        _neighbours(found.nearest_drugs, explained),
    )


def _parts(explained: Explained) -> list[Part]:
    of_score = explained.found.decomposition
    by_group = of_score.by_group
    longest = max(float(by_group.abs().max()), 1e-9)
    lines = []
    for group in by_group.abs().sort_values(ascending=False, kind="stable").index:
        value = float(by_group[group])
        lines.append(Part(GROUPS[str(group)], value, bar(value, longest=longest), is_group=True))
        parts = of_score.parts[of_score.parts["group"] == group].head(PARTS_PER_GROUP)
        lines += [
            Part(str(name), float(part), bar(float(part), longest=longest), is_group=False)
            for name, part in zip(parts["part"], parts["log_odds"], strict=True)
            if abs(part) >= MIN_SHOWN
        ]
    return lines


def _way(path: Path, explained: Explained) -> Way:
    names = explained.names
    stops = tuple(Stop(f"{node.node_type}/{node.local_index}", names.name(node), node.node_type) for node in path.nodes)
    return Way(stops, tuple(path_arrows(path)), path.share)


def _path_line(path: Path, explained: Explained) -> PathLine:
    names = explained.names
    said = said_of_path(explained.graph, path)
    steps = [
        PathStep(arrow, names.name(node), names.link(node), with_links(of_edge))
        for arrow, node, of_edge in zip(path_arrows(path), path.nodes[1:], said, strict=True)
    ]
    return PathLine(path.share, names.name(path.nodes[0]), steps)


def _neighbours(similar: Sequence[Similar], explained: Explained, joined_to: Node | None = None) -> list[Neighbour]:
    """Joined to: the drug or disease of the pair that each treats, or is treated by; None: other ones."""
    names, graph = explained.names, explained.graph
    return [
        Neighbour(
            Named(names.node_id(each.node), names.name(each.node)),
            each.similarity,
            ", ".join(f"{names.name(shared.node)} ({in_words(shared.edge_type.relation)})" for shared in each.shared),
            _listed([names.name(n) + in_brackets(treatment_said(graph, each.node, n)) for n in each.treats]),
            with_links(treatment_said(graph, each.node, joined_to)) if joined_to else [],
        )
        for each in similar
    ]


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - TREATS_SHOWN} more" if len(names) > TREATS_SHOWN else ""
    return ", ".join(names[:TREATS_SHOWN]) + more
