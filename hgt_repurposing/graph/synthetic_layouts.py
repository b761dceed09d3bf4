"""Sizes and relations of the synthetic graphs; the large ones have PrimeKG's proportions."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class RelationRule:
    """How edges of one relation are drawn; a coherence of None marks therapeutic relations."""

    source: str
    target: str
    coherence: float | None


@dataclass(frozen=True)
class Layout:
    """Size of one preset."""

    num_nodes: Mapping[str, int]
    num_edges: Mapping[str, int]
    """Unique edges per relation."""
    num_modules: int
    num_approved: int
    num_treatable: int
    mirrored_share: float
    """Share of the edges listed in both directions."""


RELATIONS = {
    "drug_protein": RelationRule("drug", "gene/protein", 0.85),
    "disease_protein": RelationRule("disease", "gene/protein", 0.85),
    "protein_protein": RelationRule("gene/protein", "gene/protein", 0.6),
    "bioprocess_protein": RelationRule("biological_process", "gene/protein", 0.7),
    "pathway_protein": RelationRule("pathway", "gene/protein", 0.8),
    "bioprocess_bioprocess": RelationRule("biological_process", "biological_process", 0.6),
    "pathway_pathway": RelationRule("pathway", "pathway", 0.6),
    "disease_disease": RelationRule("disease", "disease", 0.5),
    "disease_phenotype_positive": RelationRule("disease", "effect/phenotype", 0.4),
    "disease_phenotype_negative": RelationRule("disease", "effect/phenotype", 0.0),
    "phenotype_protein": RelationRule("effect/phenotype", "gene/protein", 0.5),
    "phenotype_phenotype": RelationRule("effect/phenotype", "effect/phenotype", 0.5),
    "drug_drug": RelationRule("drug", "drug", 0.2),
    "drug_effect": RelationRule("drug", "effect/phenotype", 0.2),
    "anatomy_protein_present": RelationRule("anatomy", "gene/protein", 0.05),
    "anatomy_protein_absent": RelationRule("anatomy", "gene/protein", 0.05),
    "anatomy_anatomy": RelationRule("anatomy", "anatomy", 0.5),
    "molfunc_protein": RelationRule("molecular_function", "gene/protein", 0.5),
    "molfunc_molfunc": RelationRule("molecular_function", "molecular_function", 0.5),
    "cellcomp_protein": RelationRule("cellular_component", "gene/protein", 0.2),
    "cellcomp_cellcomp": RelationRule("cellular_component", "cellular_component", 0.5),
    "exposure_disease": RelationRule("exposure", "disease", 0.3),
    "exposure_exposure": RelationRule("exposure", "exposure", 0.3),
    "exposure_bioprocess": RelationRule("exposure", "biological_process", 0.3),
    "exposure_protein": RelationRule("exposure", "gene/protein", 0.3),
    "exposure_molfunc": RelationRule("exposure", "molecular_function", 0.3),
    "exposure_cellcomp": RelationRule("exposure", "cellular_component", 0.3),
    "indication": RelationRule("drug", "disease", None),
    "off-label use": RelationRule("drug", "disease", None),
    "contraindication": RelationRule("drug", "disease", None),
}

_PRIMEKG_EDGES = {  # half of PrimeKG's rows, which hold both directions; 4,050,249 in total
    "anatomy_protein_present": 1_518_203,
    "drug_drug": 1_336_314,
    "protein_protein": 321_075,
    "disease_phenotype_positive": 150_317,
    "bioprocess_protein": 144_805,
    "cellcomp_protein": 83_402,
    "disease_protein": 80_411,
    "molfunc_protein": 69_530,
    "drug_effect": 64_784,
    "bioprocess_bioprocess": 52_886,
    "pathway_protein": 42_646,
    "disease_disease": 32_194,
    "contraindication": 30_675,
    "drug_protein": 25_653,
    "anatomy_protein_absent": 19_887,
    "phenotype_phenotype": 18_736,
    "anatomy_anatomy": 14_032,
    "molfunc_molfunc": 13_574,
    "indication": 9_388,
    "cellcomp_cellcomp": 4_845,
    "phenotype_protein": 3_330,
    "off-label use": 2_568,
    "pathway_pathway": 2_535,
    "exposure_disease": 2_304,
    "exposure_exposure": 2_070,
    "exposure_bioprocess": 1_625,
    "exposure_protein": 1_212,
    "disease_phenotype_negative": 1_193,
    "exposure_molfunc": 45,
    "exposure_cellcomp": 10,
}

_REFERENCE_EDGES = {  # 1,700,000 in total, in PrimeKG's proportions
    "drug_drug": 1_091_561,
    "protein_protein": 262_266,
    "bioprocess_protein": 118_282,
    "disease_protein": 65_682,
    "bioprocess_bioprocess": 43_199,
    "pathway_protein": 34_835,
    "disease_disease": 26_297,
    "contraindication": 25_056,
    "drug_protein": 20_954,
    "indication": 7_668,
    "off-label use": 2_098,
    "pathway_pathway": 2_102,
}

LAYOUTS: Mapping[str, Layout] = {
    "demo": Layout(
        num_nodes={
            "biological_process": 500,
            "disease": 200,
            "drug": 400,
            "effect/phenotype": 100,
            "gene/protein": 1_600,
            "pathway": 200,
        },
        num_edges={
            "protein_protein": 16_000,
            "drug_drug": 12_000,
            "bioprocess_protein": 9_000,
            "pathway_protein": 5_000,
            "drug_effect": 5_000,
            "disease_protein": 3_000,
            "disease_phenotype_positive": 3_000,
            "drug_protein": 1_850,
            "bioprocess_bioprocess": 1_500,
            "contraindication": 1_200,
            "indication": 1_000,
            "phenotype_protein": 500,
            "disease_disease": 500,
            "pathway_pathway": 300,
            "off-label use": 150,
        },
        num_modules=40,
        num_approved=330,
        num_treatable=155,
        mirrored_share=0.3,
    ),
    "reference": Layout(
        num_nodes={
            "biological_process": 19_739,
            "disease": 9_020,
            "drug": 7_957,
            "gene/protein": 27_671,
            "pathway": 2_516,
        },
        num_edges=_REFERENCE_EDGES,
        num_modules=300,
        num_approved=1_800,
        num_treatable=1_400,
        mirrored_share=1.0,
    ),
    "primekg": Layout(
        num_nodes={
            "anatomy": 14_035,
            "biological_process": 28_642,
            "cellular_component": 4_176,
            "disease": 17_080,
            "drug": 7_957,
            "effect/phenotype": 15_311,
            "exposure": 818,
            "gene/protein": 27_671,
            "molecular_function": 11_169,
            "pathway": 2_516,
        },
        num_edges=_PRIMEKG_EDGES,
        num_modules=300,
        num_approved=1_800,
        num_treatable=1_400,
        mirrored_share=1.0,
    ),
}
