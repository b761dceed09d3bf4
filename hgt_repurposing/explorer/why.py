"""Why a pair has its score: the explanation in words and pictures, for the template to lay out."""

from collections.abc import Sequence
from typing import NamedTuple

from markupsafe import Markup

from hgt_repurposing.explorer.drawing import Stop, Way, bar, path_picture
from hgt_repurposing.explorer.explanations import Explained
from hgt_repurposing.explorer.library import Named
from hgt_repurposing.graph.relation_words import in_words
from hgt_repurposing.report.explanation_text import MIN_SHOWN, PARTS_PER_GROUP, gene_in_words, path_arrows
from hgt_repurposing.repurposing.decomposition import GROUPS
from hgt_repurposing.repurposing.evidence_paths import Node, Path
from hgt_repurposing.repurposing.explanation import Similar

TREATS_SHOWN = 5
"""Names of what a similar drug treats."""


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


class PathLine(NamedTuple):
    """A path as text."""

    share: float
    start: str
    steps: list[tuple[str, str]]
    """The relation with an arrow, and the node that it leads to."""


class Why(NamedTuple):
    """An explanation, ready for the template."""

    base: float
    log_odds: float
    parts: list[Part]
    picture: Markup | None
    """None: no path joins the two."""
    paths: list[PathLine]
    through: list[tuple[float, str, str]]
    """Share, name and type of nodes on the way."""
    genes: list[tuple[float, str, str]]
    """Share and name of genes through which the drug may act, and what speaks for each."""
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
        [(each.share, names.name(each.node), each.node.node_type) for each in found.through],
        [(gene.share, names.name(gene.node), gene_in_words(gene)) for gene in found.genes],
        _neighbours(found.similar_diseases, explained),
        _neighbours(found.similar_drugs, explained),
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
    start, *names = [explained.names.name(node) for node in path.nodes]
    return PathLine(path.share, start, list(zip(path_arrows(path), names, strict=True)))


def _neighbours(similar: Sequence[Similar], explained: Explained) -> list[Neighbour]:
    names = explained.names
    return [
        Neighbour(
            Named(names.node_id(each.node), names.name(each.node)),
            each.similarity,
            ", ".join(f"{names.name(shared.node)} ({in_words(shared.edge_type.relation)})" for shared in each.shared),
            _listed([names.name(node) for node in each.treats]),
        )
        for each in similar
    ]


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - TREATS_SHOWN} more" if len(names) > TREATS_SHOWN else ""
    return ", ".join(names[:TREATS_SHOWN]) + more
