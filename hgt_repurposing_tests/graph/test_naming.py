"""Every name that is given must occur where it should; what a format names by itself may be missing."""

import logging
import re

import pandas as pd
import pytest
from pydantic import ValidationError

from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph, build_knowledge_graph
from hgt_repurposing.graph.naming import Naming
from hgt_repurposing.graph.schema import PRIMEKG_RELATIONS, TherapeuticRelations

OWN = Naming.of_format(PRIMEKG_RELATIONS)


def build(nodes: pd.DataFrame, edges: pd.DataFrame, naming: Naming) -> KnowledgeGraph:
    return build_knowledge_graph(
        nodes,
        edges,
        therapeutic=naming.therapeutic,
        directed_relations=naming.directed(),
        exclude=naming.exclude,
        by_format=naming.by_format,
        source="edges.csv",
    )


def said(**named: object) -> Naming:
    """What a user says of the toy graph."""
    return Naming(TherapeuticRelations.model_validate(named))


def without(edges: pd.DataFrame, *relations: str) -> pd.DataFrame:
    return edges[~edges["relation"].isin(relations)].reset_index(drop=True)


@pytest.mark.parametrize(
    ("naming", "message"),
    [
        (
            said(drug="drugs"),
            "there is no node type 'drugs' (setting `drug`): did you mean 'drug'?; "
            "found: 'disease', 'drug', 'gene/protein'",
        ),
        (said(disease="Disease"), "there is no node type 'Disease' (setting `disease`): did you mean 'disease'?"),
        (
            said(indication=["indicatoin"]),
            "no edge 'indicatoin' between a 'drug' and a 'disease' (setting `indication`): did you mean "
            "'indication'?; relations found between them: 'contraindication', 'indication', 'off-label use'",
        ),
        (
            said(contraindication=["contra"]),
            "no edge 'contra' between a 'drug' and a 'disease' (setting `contraindication`)",
        ),
        (
            said(not_indicated=["failed"]),
            "no edge 'failed' between a 'drug' and a 'disease' (setting `not_indicated`)",
        ),
        (said(off_label=["off label use"]), "(setting `off_label`): did you mean 'off-label use'?"),
        (
            said(drug_gene=["drug_proteins"]),
            "no edge 'drug_proteins' between a 'drug' and genes (setting `drug_gene`): did you mean 'drug_protein'?; "
            "relations found between them: 'drug_protein'",
        ),
        (
            said(disease_gene=["drug_protein"]),
            "no edge 'drug_protein' between a 'disease' and genes (setting `disease_gene`), but there is (drug, "
            "drug_protein, gene/protein); relations found between them: 'disease_protein'",
        ),
        (
            said()._replace(directed_relations=("protein-protein",)),
            "no edge 'protein-protein' between two nodes of one type (setting `directed_relations` or `is_a`): did you "
            "mean 'protein_protein'?",
        ),
        (
            said()._replace(directed_relations=("drug_protein",)),
            "(setting `directed_relations` or `is_a`), but there is (drug, drug_protein, gene/protein)",
        ),
        (
            said()._replace(exclude=("protien_protein",)),
            "there is no relation 'protien_protein' to exclude: did you mean 'protein_protein'?; relations found: "
            "'contraindication', 'disease_protein', 'drug_protein', 'indication', 'off-label use', 'protein_protein'",
        ),
    ],
)
def test_a_name_that_does_not_occur_is_refused_beside_those_that_do(
    toy_nodes: pd.DataFrame, toy_edges: pd.DataFrame, naming: Naming, message: str
) -> None:
    with pytest.raises(ValueError, match=rf"^edges\.csv: .*{re.escape(message)}"):
        build(toy_nodes, toy_edges, naming)


def test_a_graph_without_genes_says_so_where_relations_to_genes_are_named(
    toy_nodes: pd.DataFrame, toy_edges: pd.DataFrame
) -> None:
    rows = [table.replace("gene/protein", "target") for table in (toy_nodes, toy_edges)]
    with pytest.raises(ValueError, match="none; no node type is named after genes or pathways"):
        build(rows[0], rows[1], said(drug_gene=["drug_protein"]))


def test_names_that_occur_are_taken(toy_nodes: pd.DataFrame, toy_edges: pd.DataFrame) -> None:
    naming = said(contraindication=["contraindication"], drug_gene=["drug_protein"], disease_gene=["disease_protein"])
    graph = build(toy_nodes, toy_edges, naming._replace(directed_relations=("protein_protein",)))
    assert graph.therapeutic == naming.therapeutic
    assert [edge_type.relation for edge_type in graph.directed] == ["protein_protein"]


def test_what_is_excluded_is_no_edge_and_no_duplicate(toy_nodes: pd.DataFrame, toy_edges: pd.DataFrame) -> None:
    graph = build(toy_nodes, toy_edges, said()._replace(exclude=("protein_protein", "off-label use")))
    assert (graph.num_edges, graph.num_duplicate_edges) == (9, 0)
    assert {"protein_protein", "off-label use"}.isdisjoint(edge_type.relation for edge_type in graph.edges)


def test_the_nodes_of_what_is_excluded_stay(toy_nodes: pd.DataFrame, toy_edges: pd.DataFrame) -> None:
    graph = build(toy_nodes, toy_edges, said()._replace(exclude=("protein_protein",)))
    assert graph.num_nodes["gene/protein"] == 4


# names that a format brings by itself


def test_a_part_of_a_format_may_lack_its_own_contraindications_and_says_so(
    toy_nodes: pd.DataFrame, toy_edges: pd.DataFrame, caplog: pytest.LogCaptureFixture
) -> None:
    graph = build(toy_nodes, without(toy_edges, "contraindication", "off-label use"), OWN)
    assert (graph.therapeutic.contraindication, graph.therapeutic.off_label) == ([], [])
    assert [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING] == [
        "edges.csv: no edge 'contraindication' between a 'drug' and a 'disease', the format's default "
        "contraindication: no pair counts as contraindicated",
        "edges.csv: no edge 'off-label use' between a 'drug' and a 'disease', the format's default off_label: "
        "no pair counts as used off label",
    ]


def test_where_a_format_s_own_targets_are_missing_no_other_relation_takes_their_place(
    toy_nodes: pd.DataFrame, toy_edges: pd.DataFrame, caplog: pytest.LogCaptureFixture
) -> None:
    own = Naming.of_format(TherapeuticRelations(drug_gene=["binds"]))
    assert build(toy_nodes, toy_edges, own).therapeutic.drug_gene == ["binds"]  # an empty list would mean all
    (message,) = caplog.messages
    assert "no edge 'binds' between a 'drug' and genes" in message
    assert "no drug has target genes" in message


@pytest.mark.parametrize("setting", ["indication", "drug"])
def test_without_a_format_s_own_indication_or_drugs_nothing_works(
    toy_nodes: pd.DataFrame, toy_edges: pd.DataFrame, setting: str
) -> None:
    own = Naming.of_format(TherapeuticRelations.model_validate({setting: "x" if setting == "drug" else ["x"]}))
    with pytest.raises(ValueError, match=f"'x'.*\\(setting `{setting}`\\)"):
        build(toy_nodes, toy_edges, own)


# one name, one meaning


@pytest.mark.parametrize(
    ("named", "message"),
    [
        ({"drug": "node", "disease": "node"}, r"drug and disease must be two node types \(got 'node' for both\)"),
        ({"indication": []}, "indication must name at least one relation"),
        ({"indication": ["a", "a"]}, "relation 'a' is listed twice in indication"),
        ({"indication": ["a"], "off_label": ["a"]}, "relation 'a' is listed both in indication and in off_label"),
        ({"contraindication": ["a"], "off_label": ["b", "a"]}, "both in contraindication and in off_label"),
        ({"drug_gene": ["a", "a"]}, "relation 'a' is listed twice in drug_gene"),
    ],
)
def test_a_name_means_one_thing(named: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        TherapeuticRelations.model_validate(named)


def test_one_relation_may_lead_from_drugs_and_from_diseases_to_genes() -> None:
    assert TherapeuticRelations(drug_gene=["related_to"], disease_gene=["related_to"])
