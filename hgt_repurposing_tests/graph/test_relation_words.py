"""Relations in words."""

import pytest

from hgt_repurposing.graph.relation_words import in_words, predicate
from hgt_repurposing.graph.schema import HETIONET_RELATIONS


@pytest.mark.parametrize(
    ("relation", "words"), [("CbG", "binds"), ("Gr>G", "regulates"), ("indication", "indication"), ("", "")]
)
def test_abbreviations_are_words_and_the_rest_stays(relation: str, words: str) -> None:
    assert in_words(relation) == words


def test_every_relation_that_the_format_names_has_words() -> None:
    named = HETIONET_RELATIONS
    for relation in [*named.indication, *named.off_label, *named.drug_gene, *named.disease_gene]:
        assert in_words(relation) != relation


@pytest.mark.parametrize("relation", ["CbG", "CdG", "CuG", "DaG", "DdG", "DuG", "drug_protein", "disease_protein"])
def test_relations_to_genes_of_known_formats_can_be_said_from_both_ends(relation: str) -> None:
    assert predicate(relation, of="source")
    assert predicate(relation, of="target")


@pytest.mark.parametrize("relation", ["rel 7", "", "::", "binds_covalently"])
def test_a_name_that_is_not_known_says_nothing(relation: str) -> None:
    assert predicate(relation, of="source") is None
    assert predicate(relation, of="target") is None
