"""Relations in words."""

import pytest

from hgt_repurposing.graph.relation_words import in_words
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
