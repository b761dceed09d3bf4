"""Where an id is described: a link for ids of vocabularies that are known, none for others.

Addresses and forms of ids are those of bioregistry.io (0.15.6, compared entry by entry). The library itself is not
used: it takes 0.9 s to import and brings fourteen packages, and of `curies` only the lookup in a table of prefixes
would be left. Nothing is fetched; a browser follows a link only if somebody selects it.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple


class Vocabulary(NamedTuple):
    """A vocabulary of ids."""

    address: str
    """Of the page about an id, which stands for `{}`."""
    form: str
    """Regular expression of a whole id without its prefix."""
    digits: int = 0
    """Number of digits to which shorter numbers are filled up with zeros, as graphs leave them out; 0: as they are."""


def _obo(prefix: str, digits: int = 7) -> Vocabulary:
    return Vocabulary(f"http://purl.obolibrary.org/obo/{prefix}_{{}}", rf"\d{{{digits}}}", digits)


VOCABULARIES: Mapping[str, Vocabulary] = {
    "drugbank": Vocabulary("https://go.drugbank.com/drugs/{}", r"DB\d{5}"),
    "chebi": Vocabulary("http://purl.obolibrary.org/obo/CHEBI_{}", r"\d+"),
    "chembl": Vocabulary("https://www.ebi.ac.uk/chembl/id_lookup/{}", r"CHEMBL\d+"),
    "pubchem.compound": Vocabulary("https://pubchem.ncbi.nlm.nih.gov/compound/{}", r"\d+"),
    "rxnorm": Vocabulary("https://mor.nlm.nih.gov/RxNav/search?searchBy=RXCUI&searchTerm={}", r"\d{1,7}"),
    "atc": Vocabulary("http://www.whocc.no/atc_ddd_index/?code={}", r"[A-Z](\d\d([A-Z]{1,2}(\d\d)?)?)?"),
    "doid": Vocabulary("http://purl.obolibrary.org/obo/DOID_{}", r"\d+"),
    "mondo": _obo("MONDO"),
    "mesh": Vocabulary("https://meshb.nlm.nih.gov/record/ui?ui={}", r"[CDQ]\d+"),
    "umls": Vocabulary("https://uts.nlm.nih.gov/uts/umls/concept/{}", r"C\d{7}"),
    "omim": Vocabulary("https://omim.org/MIM:{}", r"\d{6}"),
    "orphanet": Vocabulary("http://www.orpha.net/ORDO/Orphanet_{}", r"\d+"),
    "efo": Vocabulary("http://www.ebi.ac.uk/efo/EFO_{}", r"\d{7}"),
    "hp": _obo("HP"),
    "ncit": Vocabulary("http://purl.obolibrary.org/obo/NCIT_{}", r"C\d+"),
    "ncbigene": Vocabulary("https://www.ncbi.nlm.nih.gov/gene/{}", r"\d+"),
    "hgnc": Vocabulary("https://www.genenames.org/data/gene-symbol-report/#!/hgnc_id/{}", r"\d{1,5}"),
    "ensembl": Vocabulary("https://www.ensembl.org/id/{}", r"ENS[A-Z]*[FPTG]\d{11}"),
    "uniprot": Vocabulary(
        "http://purl.uniprot.org/uniprot/{}", r"[OPQ]\d[A-Z0-9]{3}\d|[A-NR-Z]\d([A-Z][A-Z0-9]{2}\d){1,2}"
    ),
    "uberon": _obo("UBERON"),
    "cl": _obo("CL"),
    "go": _obo("GO"),
    "reactome": Vocabulary("https://reactome.org/content/detail/{}", r"R-[A-Z]{3}-\d+"),
    "pubmed": Vocabulary("https://pubmed.ncbi.nlm.nih.gov/{}/", r"\d{1,8}"),
    "clinicaltrials": Vocabulary("https://www.clinicaltrials.gov/study/{}", r"NCT\d{8}"),
    "wikipathways": Vocabulary("http://www.wikipathways.org/instance/{}", r"WP\d{1,5}(_r\d+)?"),
}
"""By prefix, in lower case."""

SYNONYMS: Mapping[str, str] = {
    "chembl.compound": "chembl",
    "compound cid": "pubchem.compound",
    "disease ontology": "doid",
    "entrez": "ncbigene",
    "entrezgene": "ncbigene",
    "geneid": "ncbigene",
    "hpo": "hp",
    "mim": "omim",
    "mondo_grouped": "mondo",
    "msh": "mesh",
    "ncbi": "ncbigene",
    "ncbi gene": "ncbigene",
    "ncbi_gene": "ncbigene",
    "orpha": "orphanet",
    "orphanet.ordo": "orphanet",
    "pmid": "pubmed",
    "pmids": "pubmed",
    "pubchem": "pubchem.compound",
    "pubchem.cid": "pubchem.compound",
    "rxcui": "rxnorm",
    "umls_cui": "umls",
    "uniprotkb": "uniprot",
}
"""Other names of vocabularies, among them those of PrimeKG's columns x_source and y_source."""
SPEAKING = ("drugbank", "chembl", "clinicaltrials", "ensembl", "reactome", "wikipathways")
"""Vocabularies whose ids are known by their form alone."""
HETIONET: Mapping[str, str] = {"gene": "ncbigene", "symptom": "mesh", "side effect": "umls"}
"""What the ids of a node type are if, as in Hetionet, the type is their prefix (`Gene::9021`) and no other follows."""


def link_of(node_id: str, vocabulary: str = "") -> str | None:
    """Address of the page about a node; None if its vocabulary is not known, or has no such id.

    Args:
        node_id: As the graph has it: `DOID:10652`, `Compound::DB00945`, `DB00945`, or `5148` with a vocabulary.
        vocabulary: Where the id comes from, if the graph says so: the node's attribute `source`.
    """
    before, between, bare = node_id.rpartition("::")
    if ":" in bare:
        prefix, _, local = bare.partition(":")
        return _address(_named(prefix), local)
    named = HETIONET.get(before.casefold(), "") if between else _named(vocabulary)
    found = _address(named, bare)
    return found or next((link for name in SPEAKING if (link := _address(name, bare))), None)


def _named(prefix: str) -> str:
    folded = prefix.strip().casefold()
    return SYNONYMS.get(folded, folded)


def _address(name: str, local: str) -> str | None:
    vocabulary = VOCABULARIES.get(name)
    if vocabulary is None:
        return None
    filled = local.zfill(vocabulary.digits) if re.fullmatch(r"[0-9]+", local) else local
    is_one = re.fullmatch(vocabulary.form, filled, flags=re.ASCII)
    return vocabulary.address.format(filled) if is_one else None
