"""Source and reference of the edges of an explanation: of paths, of treatments, of the pair itself."""

from dataclasses import replace

import numpy as np
import pandas as pd

from hgt_repurposing.graph.edge_provenance import EdgeProvenance
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.schema import EdgeType
from hgt_repurposing.report.edge_sources import in_brackets, recorded, said_of_path, treatment_said, with_links
from hgt_repurposing.report.explanation_text import explanation_json, explanation_lines
from hgt_repurposing.repurposing.decomposition import Decomposition
from hgt_repurposing.repurposing.evidence_paths import Node, Path
from hgt_repurposing.repurposing.explanation import Explanation, Similar
from hgt_repurposing_tests.graph.small_graphs import graph_of

TREATS, HITS, CAUSES, BINDS = (
    EdgeType("drug", "indication", "disease"),
    EdgeType("drug", "hits", "gene"),
    EdgeType("gene", "causes", "disease"),
    EdgeType("gene", "binds", "gene"),
)
DRUG, DISEASE = Node("drug", 0), Node("disease", 0)
PATH = Path("x", (DRUG, Node("gene", 1), Node("gene", 0), DISEASE), (HITS, BINDS, CAUSES), 0.5)


def graph() -> KnowledgeGraph:
    """Every edge is said to be from its relation, with a number."""
    plain = graph_of(
        {"drug": 2, "disease": 2, "gene": 2},
        {TREATS: [(0, 0), (1, 0), (0, 1)], HITS: [(0, 0), (0, 1)], CAUSES: [(0, 0)], BINDS: [(0, 1)]},
    )
    said = {
        edge_type: EdgeProvenance(
            index,
            pd.DataFrame(
                {
                    "source": pd.Categorical([f"{edge_type.relation} {row}" for row in range(index.shape[1])]),
                    "pmid": pd.Categorical([f"{row}1; x" for row in range(index.shape[1])]),
                }
            ),
        )
        for edge_type, index in plain.edges.items()
    }
    return replace(plain, provenance=said)


def explained() -> Explanation:
    nothing = Decomposition(0.0, 0.0, pd.DataFrame({"group": [], "part": [], "log_odds": []}))
    diseases, drugs = Similar(Node("disease", 1), 0.5, ()), Similar(Node("drug", 1), 0.5, ())
    nearest = Similar(Node("drug", 1), 0.4, (), treats=(DISEASE,))
    return Explanation(0, 0, nothing, (PATH,), (), (), (diseases,), (drugs,), (nearest,))


def test_every_edge_of_a_path_is_said_in_whatever_direction_it_is_walked() -> None:
    assert [said["source"] for said in said_of_path(graph(), PATH)] == ["hits 1", "binds 0", "causes 0"]
    back = Path("x", PATH.nodes[::-1], PATH.edges[::-1], 0.5)
    assert said_of_path(graph(), back) == said_of_path(graph(), PATH)[::-1]


def test_the_edges_of_a_pair_are_said_in_either_order() -> None:
    assert [(edge.relation, edge.said["source"]) for edge in recorded(graph(), 1, 0)] == [
        ("indication", "indication 2")
    ]
    assert recorded(graph(), 1, 1) == []
    assert treatment_said(graph(), DISEASE, DRUG) == treatment_said(graph(), DRUG, DISEASE) != {}
    assert treatment_said(replace(graph(), provenance={}), DISEASE, DRUG) == {}


def test_an_explanation_says_it_as_text() -> None:
    text = " ".join(" ".join(explanation_lines(explained(), graph())).split())
    assert "What the graph has about the pair itself indication [source: indication 0, pmid: 01; x]" in text
    assert "drug aaaa -hits-> [source: hits 1, pmid: 11; x] gene aaab" in text
    assert "0.50 disease aaab [source: indication 1, pmid: 11; x]" in text
    assert "0.50 drug aaab [source: indication 2, pmid: 21; x]" in text
    assert "treats disease aaaa [source: indication 2, pmid: 21; x]" in text


def test_and_as_json() -> None:
    found = explanation_json(explained(), graph())
    assert [said["source"] for said in found["paths"][0]["provenance"]] == ["hits 1", "binds 0", "causes 0"]
    assert found["recorded"] == [{"relation": "indication", "provenance": {"source": "indication 0", "pmid": "01; x"}}]
    assert found["similar_diseases"][0]["provenance"]["source"] == "indication 1"
    assert found["similar_drugs"][0]["provenance"]["source"] == "indication 2"
    assert found["nearest_drugs"][0]["treats"][0]["provenance"]["source"] == "indication 2"
    assert found["drug"]["link"] is None


def test_without_provenance_nothing_is_said() -> None:
    plain = replace(graph(), provenance={})
    text = " ".join(explanation_lines(explained(), plain))
    assert "[" not in text
    assert explanation_json(explained(), plain)["paths"][0]["provenance"] == [{}, {}, {}]


def test_references_of_known_vocabularies_are_links() -> None:
    found = with_links({"pmid": "12; x", "reference": "PMID:12; NCT00000001; <b>"})
    texts = {column: [(each.text, each.link) for each in of_column] for column, of_column in found}
    pubmed = "https://pubmed.ncbi.nlm.nih.gov/12/"
    assert texts["pmid"] == [("12", pubmed), ("x", None)]
    trial = "https://www.clinicaltrials.gov/study/NCT00000001"
    assert texts["reference"] == [("PMID:12", pubmed), ("NCT00000001", trial), ("<b>", None)]


def test_a_line_of_text_stays_short() -> None:
    said = {"reference": "; ".join(map(str, np.arange(1000)))}
    assert len(in_brackets(said)) < 170
