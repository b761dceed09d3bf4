"""Where the edges of an explanation come from: their source, reference and evidence, where the graph has any."""

from collections.abc import Mapping
from typing import NamedTuple

from hgt_repurposing.graph.edge_provenance import SEPARATOR
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.schema import EdgeType
from hgt_repurposing.report.node_links import link_of
from hgt_repurposing.report.wording import one_line
from hgt_repurposing.repurposing.evidence_paths import Node, Path

MAX_SAID = 160
"""Characters about one edge in a line of text; JSON and the page have all of it."""
Said = Mapping[str, str]
"""What the files say about an edge, by column."""


class Recorded(NamedTuple):
    """An edge between a drug and a disease."""

    relation: str
    said: Said


def said_of_edge(graph: KnowledgeGraph, edge_type: EdgeType, one: Node, other: Node) -> Said:
    """What is said about the edge of a type between two nodes, in whatever direction it is walked."""
    there, back = (one.local_index, other.local_index), (other.local_index, one.local_index)
    if edge_type.source == edge_type.target:
        return graph.provenance_of(edge_type, *there) or graph.provenance_of(edge_type, *back)
    return graph.provenance_of(edge_type, *(there if edge_type.source == one.node_type else back))


def said_of_path(graph: KnowledgeGraph, path: Path) -> list[Said]:
    """What is said about each edge of a path."""
    steps = zip(path.edges, path.nodes[:-1], path.nodes[1:], strict=True)
    return [said_of_edge(graph, edge_type, one, other) for edge_type, one, other in steps]


def recorded(graph: KnowledgeGraph, drug: int, disease: int) -> list[Recorded]:
    """The edges between a drug and a disease (local indices), by whatever relation."""
    names = graph.therapeutic
    one, other = Node(names.drug, drug), Node(names.disease, disease)
    found = []
    for edge_type, index in graph.edges.items():
        if graph.is_drug_disease(edge_type):
            source, target = (drug, disease) if edge_type.source == names.drug else (disease, drug)
            if ((index[0] == source) & (index[1] == target)).any():
                found.append(Recorded(edge_type.relation, said_of_edge(graph, edge_type, one, other)))
    return found


def treatment_said(graph: KnowledgeGraph, one: Node, other: Node) -> Said:
    """What is said about the indications that join a drug and a disease, given in either order."""
    if not graph.provenance:
        return {}
    merged: dict[str, str] = {}
    for edge_type in graph.provenance:
        if edge_type.relation in graph.therapeutic.indication and graph.is_drug_disease(edge_type):
            for column, text in said_of_edge(graph, edge_type, one, other).items():
                merged[column] = f"{merged[column]}{SEPARATOR}{text}" if column in merged else text
    return merged


def in_brackets(said: Said) -> str:
    """For a line of text, with a space before it; empty if nothing is said."""
    text = ", ".join(f"{column}: {texts}" for column, texts in said.items())
    return f" [{one_line(text, MAX_SAID)}]" if text else ""


class Text(NamedTuple):
    """One of the texts about an edge."""

    text: str
    link: str | None


def with_links(said: Said) -> list[tuple[str, list[Text]]]:
    """The texts of each column, with links of those that are ids of known vocabularies."""
    return [
        (column, [Text(text, link_of(text, vocabulary=column)) for text in texts.split(SEPARATOR)])
        for column, texts in said.items()
    ]
