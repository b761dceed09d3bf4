"""Hypothesis strategies."""

import pandas as pd
from hypothesis import strategies as st

from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph, build_knowledge_graph
from hgt_repurposing.graph.schema import EDGE_COLUMNS, NODE_COLUMNS, TherapeuticRelations

INDICATION_ONLY = TherapeuticRelations()

_RELATIONS = (
    ("drug", "indication", "disease"),
    ("drug", "drug_protein", "gene/protein"),
    ("disease", "disease_protein", "gene/protein"),
    ("gene/protein", "protein_protein", "gene/protein"),
    ("drug", "drug_drug", "drug"),
)


@st.composite
def graph_tables(draw: st.DrawFn, *, min_treated: int = 1, max_nodes: int = 8) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Node and edge table of a small graph: ids collide across types, names within; edges repeat and turn round.

    Args:
        draw: Given by Hypothesis.
        min_treated: So many drugs treat so many diseases, one each, and maybe more.
        max_nodes: Most nodes of one type; no less than min_treated.
    """
    counts = {t: draw(st.integers(min_treated, max_nodes), label=t) for t in ("drug", "disease", "gene/protein")}
    names = st.sampled_from(["", "Belustat", "torvosis", "TRK12"])
    nodes = [(node_type, str(i), draw(names)) for node_type, num in counts.items() for i in range(num)]
    edges = [("drug", str(i), "indication", "disease", str(i)) for i in range(min_treated)]
    for source, relation, target in _RELATIONS:
        ends = st.tuples(st.integers(0, counts[source] - 1), st.integers(0, counts[target] - 1), st.booleans())
        for head, tail, turned in draw(st.lists(ends, max_size=12), label=relation):
            edge = (source, str(head), relation, target, str(tail))
            edges.append((*edge[3:], relation, *edge[:2]) if turned else edge)
    return pd.DataFrame(nodes, columns=list(NODE_COLUMNS)), pd.DataFrame(edges, columns=list(EDGE_COLUMNS))


@st.composite
def knowledge_graphs(draw: st.DrawFn, *, min_treated: int = 1, max_nodes: int = 8) -> KnowledgeGraph:
    """Small graphs of drugs, diseases and genes, with at least `min_treated` indications between distinct nodes."""
    nodes, edges = draw(graph_tables(min_treated=min_treated, max_nodes=max_nodes))
    return build_knowledge_graph(nodes, edges, therapeutic=INDICATION_ONLY)
