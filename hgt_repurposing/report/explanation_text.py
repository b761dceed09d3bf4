"""An explanation as text for the terminal, and as a value for programs."""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from hgt_repurposing.graph.attributes import ATTRIBUTE, SOURCE, VALUE
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.relation_words import in_words
from hgt_repurposing.graph.schema import NODE_ID, NODE_NAME, NODE_TYPE, EdgeType
from hgt_repurposing.report.edge_sources import in_brackets, recorded, said_of_path, treatment_said
from hgt_repurposing.report.node_links import link_of
from hgt_repurposing.report.wording import one_line, percent
from hgt_repurposing.repurposing.ablation import Ablation
from hgt_repurposing.repurposing.decomposition import GROUPS
from hgt_repurposing.repurposing.evidence_paths import Node, Path
from hgt_repurposing.repurposing.explanation import Explanation, Similar
from hgt_repurposing.repurposing.gene_ranking import RankedGene

WIDTH = 100
BAR = 20
"""Characters of the longest bar."""
PARTS_PER_GROUP = 2
MIN_SHOWN = 0.05
"""Log odds below which a part is not worth a line."""
MAX_NAME = 34
NO_REASON = "nothing in the graph speaks for it"


class Names(NamedTuple):
    """Ids and names of nodes by type and local index."""

    ids: Mapping[str, npt.NDArray[np.object_]]
    names: Mapping[str, npt.NDArray[np.object_]]
    vocabularies: Mapping[tuple[str, str], str]
    """Where ids come from, by node type and id, if the graph says so."""

    @classmethod
    def of(cls, graph: KnowledgeGraph) -> "Names":
        """Of a graph."""
        nodes = {node_type: graph.nodes_of(node_type) for node_type in graph.num_nodes}
        ids, names = (
            {node_type: of[column].to_numpy(dtype=object) for node_type, of in nodes.items()}
            for column in (NODE_ID, NODE_NAME)
        )
        rows = graph.attributes[graph.attributes[ATTRIBUTE] == SOURCE].astype("str")
        return cls(ids, names, dict(zip(zip(rows[NODE_TYPE], rows[NODE_ID], strict=True), rows[VALUE], strict=True)))

    def name(self, node: Node) -> str:
        """Its name."""
        return str(self.names[node.node_type][node.local_index])

    def node_id(self, node: Node) -> str:
        """Its id."""
        return str(self.ids[node.node_type][node.local_index])

    def link(self, node: Node) -> str | None:
        """Address of the page about it; None if the vocabulary of its id is not known."""
        node_id = self.node_id(node)
        return link_of(node_id, self.vocabularies.get((node.node_type, node_id), ""))


def explanation_lines(found: Explanation, graph: KnowledgeGraph, ablation: Ablation | None = None) -> Iterator[str]:
    """The explanation of a pair: its score, what that is made of, the evidence, and how much that matters."""
    names = Names.of(graph)
    yield from _score_lines(found, graph, names)
    drug, disease = Node(graph.therapeutic.drug, found.drug), Node(graph.therapeutic.disease, found.disease)
    edges = recorded(graph, found.drug, found.disease)
    if edges:
        yield from _section(
            "What the graph has about the pair itself", [e.relation + in_brackets(e.said) for e in edges]
        )
    yield from _section(
        "Paths, with their share of all paths between the two", [_path(path, graph, names) for path in found.paths]
    )
    through = [f"{_share(t.share)}  {_named(t.node, names)} ({t.node.node_type})" for t in found.through]
    yield from _section("What the paths run through", through)
    yield from _section("Genes through which the drug may act", [_gene(gene, names) for gene in found.genes])
    yield from _section(
        "Similar diseases that the drug treats", _similar_lines(found.similar_diseases, graph, names, drug)
    )
    yield from _section(
        "Similar drugs that treat the disease", _similar_lines(found.similar_drugs, graph, names, disease)
    )
    yield from _section(
        "The most similar drugs, and what they treat", _similar_lines(found.nearest_drugs, graph, names)
    )
    if ablation is not None:
        yield from _section("How much the evidence matters", list(_ablation_lines(ablation)))


def _ablation_lines(found: Ablation) -> Iterator[str]:
    edges = ", ".join(f"{number} {edge_type.relation}" for edge_type, number in found.num_edges.items())
    random = [place.rank for place in found.without_random]
    yield f"rank {found.before.rank:,}, log odds {found.before.log_odds:+.2f}: as scored"
    yield (
        f"rank {found.without_evidence.rank:,}, log odds {found.without_evidence.log_odds:+.2f}: without the edges of "
        f"the heaviest paths and the treatments of the most similar drugs and diseases ({edges or 'none'})"
    )
    mean = sum(place.log_odds for place in found.without_random) / len(random)
    yield f"rank {min(random):,} to {max(random):,}, log odds {mean:+.2f}: without as many random edges of these kinds"


def explanation_json(found: Explanation, graph: KnowledgeGraph, ablation: Ablation | None = None) -> dict[str, Any]:
    """The same as JSON values (Any)."""
    names = Names.of(graph)

    drug, disease = Node(graph.therapeutic.drug, found.drug), Node(graph.therapeutic.disease, found.disease)

    def node(of: Node) -> dict[str, Any]:
        return {"type": of.node_type, "id": names.node_id(of), "name": names.name(of), "link": names.link(of)}

    def similar(of: Sequence[Similar], joined_to: Node | None = None) -> list[dict[str, Any]]:
        return [
            {
                **node(each.node),
                "similarity": each.similarity,
                "provenance": treatment_said(graph, each.node, joined_to) if joined_to else {},
                "shared": [{**node(s.node), "relation": s.edge_type.relation} for s in each.shared],
                "treats": [
                    {**node(other), "provenance": treatment_said(graph, each.node, other)} for other in each.treats
                ],
            }
            for each in of
        ]

    of_score = found.decomposition
    return {
        "drug": node(drug),
        "disease": node(disease),
        "recorded": [
            {"relation": edge.relation, "provenance": edge.said} for edge in recorded(graph, found.drug, found.disease)
        ],
        "log_odds": of_score.log_odds,
        "probability": float(expit(of_score.log_odds)),
        "base": of_score.base,
        "parts": of_score.parts.to_dict("records"),
        "paths": [
            {
                "share": path.share,
                "nodes": [node(each) for each in path.nodes],
                "relations": [edge.relation for edge in path.edges],
                "provenance": said_of_path(graph, path),
            }
            for path in found.paths
        ],
        "through": [{**node(each.node), "share": each.share} for each in found.through],
        "genes": [
            {
                **node(each.node),
                "share": each.share,
                "relations": [edge.relation for edge in each.relations],
                "parts": dict(each.parts),
                "reasons": list(each.reasons),
            }
            for each in found.genes
        ],
        "similar_diseases": similar(found.similar_diseases, drug),
        "similar_drugs": similar(found.similar_drugs, disease),
        "nearest_drugs": similar(found.nearest_drugs),
        "ablation": ablation
        and {
            "before": ablation.before._asdict(),
            "without_evidence": ablation.without_evidence._asdict(),
            "without_random": [place._asdict() for place in ablation.without_random],
            "num_edges": {str(edge_type): number for edge_type, number in ablation.num_edges.items()},
        },
    }


def _score_lines(found: Explanation, graph: KnowledgeGraph, names: Names) -> Iterator[str]:
    of_score = found.decomposition
    drug, disease = Node(graph.therapeutic.drug, found.drug), Node(graph.therapeutic.disease, found.disease)
    yield f"{_named(drug, names)} ({names.node_id(drug)}) for {_named(disease, names)} ({names.node_id(disease)})"
    yield f"probability {percent(float(expit(of_score.log_odds)))}, log odds {of_score.log_odds:+.2f}"
    yield ""
    yield f"The log odds are {of_score.base:+.2f} for a usual drug of this disease, and what this one has more or less:"
    by_group = of_score.by_group
    order = by_group.abs().sort_values(ascending=False, kind="stable").index
    longest = max(float(by_group.abs().max()), 1e-9)
    for group in order:
        value = float(by_group[group])
        bar = ("+" if value > 0 else "-") * round(BAR * abs(value) / longest)
        yield f"{value:+6.2f}  {bar:<{BAR}}  {GROUPS[group]}"
        parts = of_score.parts[of_score.parts["group"] == group].head(PARTS_PER_GROUP)
        for part, log_odds in zip(parts["part"], parts["log_odds"], strict=True):
            if abs(log_odds) >= MIN_SHOWN:
                yield f"        {'':<{BAR}}  {log_odds:+.2f} {one_line(part, 60)}"


def _section(title: str, lines: Sequence[str]) -> Iterator[str]:
    yield ""
    yield title
    if not lines:
        yield "  none"
    for line in lines:
        yield from textwrap.wrap(line, WIDTH, initial_indent="  ", subsequent_indent="          ")


def _path(path: Path, graph: KnowledgeGraph, names: Names) -> str:
    steps = [_named(path.nodes[0], names)]
    said = zip(path_arrows(path), said_of_path(graph, path), path.nodes[1:], strict=True)
    steps += [f"{arrow}{in_brackets(of_edge)} {_named(node, names)}" for arrow, of_edge, node in said]
    return f"{_share(path.share)}  {' '.join(steps)}"


def path_arrows(path: Path) -> list[str]:
    """The relation of every step."""
    return [_arrow(edge, before) for edge, before in zip(path.edges, path.nodes[:-1], strict=True)]


def _arrow(edge: EdgeType, before: Node) -> str:
    """The relation, in the direction in which the graph has it."""
    forward = edge.source == before.node_type
    words = in_words(edge.relation)
    return f"-{words}->" if forward else f"<-{words}-"


def _gene(gene: RankedGene, names: Names) -> str:
    return f"{_share(gene.share)}  {_named(gene.node, names)} {gene_in_words(gene)}"


def gene_in_words(gene: RankedGene) -> str:
    """How the drug reaches a gene, and what speaks for it."""
    relations = ", ".join(in_words(edge.relation) for edge in gene.relations)
    return f"({relations}): {'; '.join(gene.reasons) or NO_REASON}"


def _similar_lines(
    similar: Sequence[Similar], graph: KnowledgeGraph, names: Names, joined_to: Node | None = None
) -> list[str]:
    """One line each. Joined to: the drug (disease) of the pair that treats each (that each treats); None: others."""
    lines = []
    for each in similar:
        shared = ", ".join(f"{_named(s.node, names)} ({in_words(s.edge_type.relation)})" for s in each.shared)
        said = f"{each.similarity:.2f}  {_named(each.node, names)}"
        if joined_to:
            said += in_brackets(treatment_said(graph, each.node, joined_to))
        if shared:
            said += f"; both have {shared}"
        if not joined_to:
            known = [_named(node, names) + in_brackets(treatment_said(graph, each.node, node)) for node in each.treats]
            said += f"; treats {', '.join(known[:5])}{' …' if len(known) > 5 else ''}"
        lines.append(said)
    return lines


def _named(node: Node, names: Names) -> str:
    return one_line(names.name(node), MAX_NAME)


def _share(share: float) -> str:
    return f"{100 * share:4.1f} %"
