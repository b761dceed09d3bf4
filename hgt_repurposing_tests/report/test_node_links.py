"""Links of ids: of known vocabularies, of whatever form the graph has them, and of nothing else."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hgt_repurposing.report.node_links import SYNONYMS, VOCABULARIES, link_of

GENE = "https://www.ncbi.nlm.nih.gov/gene/1234"
DRUG = "https://go.drugbank.com/drugs/DB00945"
DISEASE = "http://purl.obolibrary.org/obo/DOID_10652"
MONDO = "http://purl.obolibrary.org/obo/MONDO_0005148"


@pytest.mark.parametrize(
    ("node_id", "vocabulary", "link"),
    [
        ("DRUGBANK:DB00945", "", DRUG),
        ("DB00945", "", DRUG),
        ("DB00945", "DrugBank", DRUG),
        ("Compound::DB00945", "", DRUG),
        ("DOID:10652", "", DISEASE),
        ("doid:10652", "", DISEASE),
        ("Disease::DOID:10652", "", DISEASE),
        ("Disease::MESH:C063419", "", "https://meshb.nlm.nih.gov/record/ui?ui=C063419"),
        ("MONDO:0005148", "", MONDO),
        ("5148", "MONDO", MONDO),  # PrimeKG leaves out the zeros
        ("5148", "MONDO_grouped", MONDO),
        ("Gene::1234", "", GENE),
        ("NCBIGene:1234", "", GENE),
        ("1234", "NCBI", GENE),
        ("Anatomy::UBERON:0000002", "", "http://purl.obolibrary.org/obo/UBERON_0000002"),
        ("Biological Process::GO:0000002", "", "http://purl.obolibrary.org/obo/GO_0000002"),
        ("Side Effect::C0000727", "", "https://uts.nlm.nih.gov/uts/umls/concept/C0000727"),
        ("Symptom::D000006", "", "https://meshb.nlm.nih.gov/record/ui?ui=D000006"),
        ("R-HSA-109581", "REACTOME", "https://reactome.org/content/detail/R-HSA-109581"),
        ("HGNC:5", "", "https://www.genenames.org/data/gene-symbol-report/#!/hgnc_id/5"),
    ],
)
def test_an_id_of_a_known_vocabulary_is_a_link(node_id: str, vocabulary: str, link: str) -> None:
    assert link_of(node_id, vocabulary) == link


@pytest.mark.parametrize(
    ("node_id", "vocabulary"),
    [
        ("1234", ""),  # of what?
        ("0003", "MINE"),
        ("MINE:1234", ""),
        ("DRUGBANK:Aspirin", ""),
        ("13924_12592_14672", "MONDO_grouped"),  # several
        ("Pathway::PC7_10399", ""),
        ("DOID:1\n", ""),
        ("DOID:\u0661", ""),  # a digit, but not one of ours
        ("DOID:", ""),
        (":", ""),
        ("", ""),
        ("javascript:alert(1)", ""),
        ('DOID:1"><script>', ""),
    ],
)
def test_what_is_not_known_is_no_link(node_id: str, vocabulary: str) -> None:
    assert link_of(node_id, vocabulary) is None


@given(st.text(), st.sampled_from([*VOCABULARIES, *SYNONYMS, ""]), st.sampled_from([*VOCABULARIES, *SYNONYMS, ""]))
def test_whatever_an_id_is_a_link_has_only_letters_of_an_address(text: str, prefix: str, vocabulary: str) -> None:
    for node_id in (text, f"{prefix}:{text}", f"Gene::{text}"):
        link = link_of(node_id, vocabulary)
        assert link is None or re.fullmatch(r"https?://[A-Za-z0-9./?=&#!:_-]+", link)


def test_every_synonym_names_a_vocabulary() -> None:
    assert set(SYNONYMS.values()) <= set(VOCABULARIES)
