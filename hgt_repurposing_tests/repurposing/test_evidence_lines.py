"""What speaks for a pair, in one line."""

from dataclasses import replace

import numpy as np
import pytest

from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.schema import EdgeType
from hgt_repurposing.repurposing import evidence_lines
from hgt_repurposing.repurposing.evidence_lines import NOTHING, Evidence
from hgt_repurposing.repurposing.neighbourhoods import neighbourhoods_of
from hgt_repurposing_tests.graph.small_graphs import graph_of

# Drugs a and b bind gene a, drug b also gene b; disease a is associated with gene a, disease b with genes a and b.
# Drug b treats disease b. Nothing is known about drug c and disease c but one effect and one symptom of their own.
GRAPH: KnowledgeGraph = graph_of(
    {"drug": 3, "disease": 3, "gene": 2, "effect": 2},
    {
        ("drug", "indication", "disease"): [(1, 1)],
        ("drug", "binds", "gene"): [(0, 0), (1, 0), (1, 1)],
        ("disease", "associates", "gene"): [(0, 0), (1, 0), (1, 1)],
        ("drug", "causes", "effect"): [(2, 0)],
        ("disease", "presents", "effect"): [(2, 1)],
    },
)


def lines(*pairs: tuple[int, int]) -> list[str]:
    return Evidence.of(GRAPH, neighbourhoods_of(GRAPH)).lines(np.array(pairs).T)


def test_a_gene_in_common_is_named_with_both_relations() -> None:
    (line,) = lines((0, 0))
    assert line == "binds gene aaaa, associated with it"


def test_a_similar_drug_and_a_similar_disease_are_named() -> None:
    (treated,) = lines((0, 1))
    assert treated == "binds gene aaaa, associated with it; like drug aaab"
    (treating,) = lines((1, 0))
    assert treating == "binds gene aaaa, associated with it; treats disease aaab, which is like it"


def test_the_rarer_gene_is_named() -> None:
    """Gene b has one drug and one disease, gene a two of each."""
    (line,) = lines((1, 1))
    assert line == "binds gene aaab, associated with it"  # a drug is no evidence for what it treats itself


def with_gene_relations(of_drug: tuple[str, str, str], of_disease: tuple[str, str, str]) -> KnowledgeGraph:
    """Drug a and disease a share gene a, by these edge types."""
    return graph_of(
        {"drug": 1, "disease": 1, "gene": 1},
        {("drug", "indication", "disease"): [], of_drug: [(0, 0)], of_disease: [(0, 0)]},
    )


@pytest.mark.parametrize(
    ("of_drug", "of_disease", "line"),
    [
        (("drug", "CbG", "gene"), ("disease", "DaG", "gene"), "binds G, associated with it"),
        (("drug", "CdG", "gene"), ("disease", "DuG", "gene"), "downregulates G, upregulated in it"),
        (
            ("drug", "drug_protein", "gene"),
            ("disease", "disease_protein", "gene"),
            "interacts with G, associated with it",
        ),
        (("gene", "binds", "drug"), ("gene", "Associated-With", "disease"), "bound by G, associated with it"),
        (("drug", "INHIBITS", "gene"), ("gene", "causes", "disease"), "inhibits G, which causes it"),
        (("drug", "GNBR::E", "gene"), ("disease", "DaG", "gene"), "linked to G by GNBR::E, associated with it"),
        (("drug", "binds", "gene"), ("gene", "GWAS hit", "disease"), "binds G, linked to it by GWAS hit"),
        (
            ("drug", "r7", "gene"),
            ("gene", "<b>r8</b>", "disease"),
            "linked to G by r7, which is linked to it by <b>r8</b>",
        ),
    ],
)
def test_the_line_is_a_fragment_of_a_sentence_whatever_relations_are_called(
    of_drug: tuple[str, str, str], of_disease: tuple[str, str, str], line: str
) -> None:
    graph = with_gene_relations(of_drug, of_disease)
    (found,) = Evidence.of(graph, neighbourhoods_of(graph)).lines(np.array([[0], [0]]))
    assert found == line.replace("G,", "gene aaaa,").replace("to G by", "to gene aaaa by")


def test_of_several_relations_to_a_gene_the_first_by_name_is_said() -> None:
    graph = replace(GRAPH, edges={**GRAPH.edges, EdgeType("drug", "unbinds", "gene"): np.array([[0], [0]])})
    (line,) = Evidence.of(graph, neighbourhoods_of(graph)).lines(np.array([[0], [0]]))
    assert line == "binds gene aaaa, associated with it"


def test_where_there_is_nothing_it_is_said() -> None:
    assert lines((2, 0), (0, 2), (2, 2)) == [NOTHING] * 3


@pytest.mark.parametrize("pairs_at_once", [1, 2, 7])
def test_many_pairs_are_described_as_one(pairs_at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    every = [(drug, disease) for drug in range(3) for disease in range(3)]
    alone = [line for pair in every for line in lines(pair)]
    monkeypatch.setattr(evidence_lines, "PAIRS_AT_ONCE", pairs_at_once)
    assert lines(*every) == alone


def test_no_pair_gives_no_line() -> None:
    assert Evidence.of(GRAPH, neighbourhoods_of(GRAPH)).lines(np.empty((2, 0), dtype=np.int64)) == []
