"""What a new drug or disease is joined to, from what people know of it: genes, symptoms, similar diseases by name."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.naming import did_you_mean, listed_names
from hgt_repurposing.graph.new_nodes import NewNode
from hgt_repurposing.graph.schema import EdgeType, IntArray, is_gene_or_pathway
from hgt_repurposing.graph.sources.matching import match_nodes
from hgt_repurposing.graph.walks import gene_relations

GENES, SYMPTOMS, SIMILAR = "genes", "symptoms", "similar_to"
SYMPTOM_WORDS = frozenset({"symptom", "symptoms", "phenotype", "phenotypes", "effect", "effects"})
NAMED = 5
"""Unknown names in an error."""


class Described(NamedTuple):
    """A drug or a disease by the names of what it is joined to."""

    name: str
    named: Mapping[str, Sequence[str]]
    """Ids or names by what they are: `genes`, `symptoms`, `similar_to`, or a relation or node type of the graph."""


class Joined(NamedTuple):
    """A new node, and how it was understood."""

    node: NewNode
    unknown: tuple[str, ...]
    """Names that mean no node of the graph, each with what it was to be; skipped."""

    @property
    def in_words(self) -> str:
        """Number of links by relation."""
        return ", ".join(f"{edge_type.relation} {len(ends)}" for edge_type, ends in self.node.links.items())


def join(graph: KnowledgeGraph, node_type: str, described: Described, *, skip_unknown: bool = False) -> Joined:
    """Find what a new node is joined to.

    Args:
        graph: Has the other ends.
        node_type: Of drugs or diseases.
        described: The new node.
        skip_unknown: Whether names that mean no node are left out, instead of refused.

    Raises:
        ValueError: If the graph has no such relation, a name means no node or several, or nothing is left.
    """
    links: dict[EdgeType, list[IntArray]] = {}
    unknown: list[str] = []
    for what, texts in described.named.items():
        edge_type = relation_meant(graph, node_type, what)
        other = edge_type.target if edge_type.source == node_type else edge_type.source
        found, reasons = _matched(graph, other, texts)
        unknown += [f"{reason} ({what})" for reason in reasons]
        if len(found):
            links.setdefault(edge_type, []).append(found)
    if unknown and not skip_unknown:
        more = f" and {len(unknown) - NAMED} more" if len(unknown) > NAMED else ""
        raise ValueError(f"{described.name!r}: {'; '.join(unknown[:NAMED])}{more}")
    ends = {edge_type: np.unique(np.concatenate(links[edge_type])) for edge_type in sorted(links)}
    return Joined(NewNode(described.name, ends), tuple(unknown))


def relation_meant(graph: KnowledgeGraph, node_type: str, what: str) -> EdgeType:
    """The relation of drugs (diseases) that a word means; of several, the one with the most edges.

    Genes are those of the relations that the graph's description names for them, if it names any.

    Args:
        graph: Has the relations.
        node_type: Of drugs or diseases.
        what: `genes`, `symptoms`, `similar_to`, or a relation or the node type of the other end.

    Raises:
        ValueError: If there is none.
    """
    there = [t for t in graph.edges if node_type in (t.source, t.target) and not graph.is_drug_disease(t)]
    found = list(filter(_fits(graph, node_type, what), there))
    if not found:
        known = {edge_type.relation for edge_type in there}
        raise ValueError(
            f"no relation of {node_type!r} means {what!r}{did_you_mean(what, known)}; give {GENES}, {SYMPTOMS}, "
            f"{SIMILAR}, or one of the graph's relations: {listed_names(known)}"
        )
    return max(found, key=lambda edge_type: (graph.edges[edge_type].shape[1], edge_type))


def _fits(graph: KnowledgeGraph, node_type: str, what: str) -> Callable[[EdgeType], bool]:
    def other(edge_type: EdgeType) -> str:
        return edge_type.target if edge_type.source == node_type else edge_type.source

    if what == GENES:
        declared = set(gene_relations(graph, node_type))
        return lambda t: t in declared and is_gene_or_pathway(other(t)) and "pathway" not in other(t).lower()
    if what == SYMPTOMS:
        return lambda t: not SYMPTOM_WORDS.isdisjoint(re.split(r"[^a-z]+", other(t).lower()))
    if what == SIMILAR:
        return lambda t: t.source == t.target
    return lambda t: what.casefold() in (t.relation.casefold(), other(t).casefold())


def _matched(graph: KnowledgeGraph, node_type: str, texts: Sequence[str]) -> tuple[IntArray, list[str]]:
    """Local indices of the nodes that ids or names mean, and what is wrong with the others."""
    nodes = graph.nodes_of(node_type)
    values = list(dict.fromkeys(text.strip() for text in texts if text.strip()))
    by_id, by_name = (match_nodes(values, nodes, by) for by in ("ids", "names"))
    found, reasons = [], []
    for value, as_id, as_name in zip(values, by_id, by_name, strict=True):
        match = as_id if as_id.node >= 0 else as_name
        if match.node >= 0:
            found.append(match.node)
            continue
        ambiguous = as_id if as_id.reason.startswith("ambiguous") else as_name
        closest = ambiguous.closest or as_id.closest
        meant = f", did you mean {' or '.join(map(repr, closest))}?" if closest else ""
        reason = ambiguous.reason if ambiguous.reason.startswith("ambiguous") else f"no {node_type} has this id or name"
        reasons.append(f"{value!r}: {reason}{meant}")
    return np.unique(np.array(found, dtype=np.int64)), reasons
