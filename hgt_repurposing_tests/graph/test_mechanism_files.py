"""Tables of known mechanisms: ids with and without prefixes, and what cannot be used is counted."""

import logging
from pathlib import Path

import pytest

from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.sources.mechanisms import load_mechanisms
from hgt_repurposing.graph.walks import gene_node_types
from hgt_repurposing_tests.graph.small_graphs import graph_of


def small() -> KnowledgeGraph:
    """A pathway has the id of a gene, and comes after the genes among the columns."""
    return graph_of(
        {"drug": 2, "disease": 2, "gene": 3, "pathway": 3},
        {
            ("drug", "indication", "disease"): [(0, 0)],
            ("drug", "targets", "gene"): [(0, 0), (0, 2)],
            ("disease", "carries", "gene"): [(0, 0)],
            ("gene", "in", "pathway"): [(0, 0)],
        },
    )


def written(folder: Path, *rows: str) -> str:
    file = folder / "mechanisms.csv"
    file.write_text("\n".join(["drug_id,disease_id,gene_id", *rows]) + "\n")
    return str(file)


def test_ids_may_have_prefixes_and_a_pair_several_genes(tmp_path: Path) -> None:
    file = written(tmp_path, "DB:0000,0001,Gene::0002", "0000,D:0001,0000", "0001,0000,0001")
    found = load_mechanisms(file, small())
    assert found.triples.tolist() == [[0, 0, 1], [1, 1, 0], [0, 2, 1]]


def test_repeated_rows_and_unknown_ids_are_counted_and_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = written(tmp_path, "0000,0000,0002", "0000,0000,0002", "9,0000,0002", "0000,0000,0009")
    with caplog.at_level(logging.INFO):
        found = load_mechanisms(file, small())
    assert (found.num_rows, found.num_unknown, found.num_duplicates) == (4, 2, 1)
    assert "4 rows, 1 mechanisms; 1 duplicate rows, 2 rows with an unknown id" in caplog.text
    assert "2 of 4 rows are left out" in caplog.text


def test_a_table_without_a_usable_row_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no row has a drug, a disease and a gene of the graph; 1 unknown in column"):
        load_mechanisms(written(tmp_path, "0000,0000,pathway"), small())


def test_columns_count_genes_of_all_types(tmp_path: Path) -> None:
    graph = graph_of(
        {"drug": 1, "disease": 1, "gene": 2, "protein": 2},
        {("drug", "indication", "disease"): [(0, 0)], ("drug", "binds", "protein"): [(0, 0)]},
    )
    assert gene_node_types(graph) == ["gene", "protein"]
    assert load_mechanisms(written(tmp_path, "0000,0000,0001"), graph).triples.tolist() == [[0], [0], [3]]
