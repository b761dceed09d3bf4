"""Graphs of any size with a planted drug-gene-disease signal, laid out like PrimeKG.

The mechanism. Every node belongs to a *module* (a disease to one or two of them); the sizes of modules follow a power
law. An edge between two types is drawn by taking a source by its popularity and then, with the probability that the
relation's *coherence* states, a target of the source's module, otherwise any target, again by popularity. Popularity
follows a power law, too. So genes of one module interact, share pathways and processes, and are the genes of a disease
or the targets of a drug of that module.

A drug treats a disease if its targets hit the disease's modules: the more of them, and the more of the disease's very
genes, the likelier, and popular drugs and diseases collect more labels. `_LABEL_NOISE` of the indications are chance,
and most pairs that fit the mechanism carry no label. Off-label use is the same, drawn after the indications. A drug is
contraindicated if it hits the *antagonist* of the disease's module, in half of the cases; the other half is chance.
Only some drugs (`num_approved`) and diseases (`num_treatable`) take part.

The dirt. Ids are numbers counted per type, so different types share them; some nodes of one type share a name; some
nodes are isolated; some rows of both tables stand twice, and edges stand in both directions (all of them in the two
large presets, as in PrimeKG; some in `demo`). Names are invented.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Literal

import numpy as np
import pandas as pd
from pydantic import BaseModel, Field
from scipy import sparse

from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph, build_knowledge_graph
from hgt_repurposing.graph.schema import (
    NODE_ID,
    NODE_NAME,
    NODE_TYPE,
    PRIMEKG_RELATIONS,
    RELATION,
    SOURCE_ID,
    SOURCE_TYPE,
    TARGET_ID,
    TARGET_TYPE,
    FloatArray,
    IntArray,
)

Preset = Literal["demo", "reference", "primekg"]

_LABEL_NOISE = 0.08
_CONTRAINDICATION_NOISE = 0.5
_SECOND_MODULE_SHARE = 0.3
_ISOLATED_SHARE = 0.01
_NAMESAKE_SHARE = 0.004
_DUPLICATE_SHARE = 0.001
_POPULARITY_EXPONENT = 0.6  # weight = rank^-0.6, hence degrees with exponent 1 + 1/0.6 = 2.7


class SyntheticConfig(BaseModel, frozen=True, extra="forbid"):
    """Which synthetic graph."""

    preset: Preset = Field("demo", description="size: demo (3,000 nodes), reference (66,903) or primekg (129,375)")
    seed: int = Field(42, ge=0, description="seed of everything that is drawn")


@dataclass(frozen=True)
class _Relation:
    """How edges of one relation are drawn. A coherence of None marks the relations that the mechanism decides."""

    source: str
    target: str
    coherence: float | None


@dataclass(frozen=True)
class _Layout:
    """Size of one preset."""

    num_nodes: Mapping[str, int]
    num_edges: Mapping[str, int]
    """Unique edges per relation."""
    num_modules: int
    num_approved: int
    num_treatable: int
    mirrored_share: float
    """Share of the edges that stand in both directions."""


_RELATIONS = {
    "drug_protein": _Relation("drug", "gene/protein", 0.85),
    "disease_protein": _Relation("disease", "gene/protein", 0.85),
    "protein_protein": _Relation("gene/protein", "gene/protein", 0.6),
    "bioprocess_protein": _Relation("biological_process", "gene/protein", 0.7),
    "pathway_protein": _Relation("pathway", "gene/protein", 0.8),
    "bioprocess_bioprocess": _Relation("biological_process", "biological_process", 0.6),
    "pathway_pathway": _Relation("pathway", "pathway", 0.6),
    "disease_disease": _Relation("disease", "disease", 0.5),
    "disease_phenotype_positive": _Relation("disease", "effect/phenotype", 0.4),
    "disease_phenotype_negative": _Relation("disease", "effect/phenotype", 0.0),
    "phenotype_protein": _Relation("effect/phenotype", "gene/protein", 0.5),
    "phenotype_phenotype": _Relation("effect/phenotype", "effect/phenotype", 0.5),
    "drug_drug": _Relation("drug", "drug", 0.2),
    "drug_effect": _Relation("drug", "effect/phenotype", 0.2),
    "anatomy_protein_present": _Relation("anatomy", "gene/protein", 0.05),
    "anatomy_protein_absent": _Relation("anatomy", "gene/protein", 0.05),
    "anatomy_anatomy": _Relation("anatomy", "anatomy", 0.5),
    "molfunc_protein": _Relation("molecular_function", "gene/protein", 0.5),
    "molfunc_molfunc": _Relation("molecular_function", "molecular_function", 0.5),
    "cellcomp_protein": _Relation("cellular_component", "gene/protein", 0.2),
    "cellcomp_cellcomp": _Relation("cellular_component", "cellular_component", 0.5),
    "exposure_disease": _Relation("exposure", "disease", 0.3),
    "exposure_exposure": _Relation("exposure", "exposure", 0.3),
    "exposure_bioprocess": _Relation("exposure", "biological_process", 0.3),
    "exposure_protein": _Relation("exposure", "gene/protein", 0.3),
    "exposure_molfunc": _Relation("exposure", "molecular_function", 0.3),
    "exposure_cellcomp": _Relation("exposure", "cellular_component", 0.3),
    "indication": _Relation("drug", "disease", None),
    "off-label use": _Relation("drug", "disease", None),
    "contraindication": _Relation("drug", "disease", None),
}

_PRIMEKG_EDGES = {  # half of PrimeKG's rows, which hold both directions; 4,050,249 together
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

_REFERENCE_EDGES = {  # 1,700,000 together, in PrimeKG's proportions
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

_LAYOUTS: dict[Preset, _Layout] = {
    "demo": _Layout(
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
    "reference": _Layout(
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
    "primekg": _Layout(
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


def synthetic_knowledge_graph(config: SyntheticConfig) -> KnowledgeGraph:
    """Generate the graph: the raw tables, loaded as those of a real source are."""
    nodes, edges = synthetic_tables(config)
    return build_knowledge_graph(nodes, edges, therapeutic=PRIMEKG_RELATIONS, source=f"synthetic {config.preset} graph")


def synthetic_tables(config: SyntheticConfig) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Generate the raw tables.

    Returns:
        Nodes (node_type, node_id, node_name) and edges (source_type, source_id, relation, target_type, target_id, all
        categorical), with the dirt that the module describes. Without it they hold exactly the preset's numbers.
    """
    generator = np.random.default_rng(config.seed)
    layout = _LAYOUTS[config.preset]
    module_size = _power_law(layout.num_modules, generator)
    populations = {
        node_type: _population(num, module_size, generator, second_module=node_type == "disease")
        for node_type, num in layout.num_nodes.items()
    }
    edges = {
        relation: _random_edges(rule, layout.num_edges[relation], populations, generator)
        for relation, rule in _RELATIONS.items()
        if relation in layout.num_edges and rule.coherence is not None
    }
    edges |= _therapeutic_edges(edges, layout, populations, generator)
    return _node_table(layout, generator), _edge_table(edges, layout, generator)


@dataclass(frozen=True)
class _Population:
    """The nodes of one type."""

    modules: IntArray
    """The two modules of every node, mostly one and the same. Shape [num, 2]."""
    popularity: FloatArray
    """Zero for an isolated node. Shape [num]."""
    num_modules: int

    @cached_property
    def _order(self) -> IntArray:
        return np.argsort(self.modules[:, 0], kind="stable")

    @cached_property
    def _cumulated(self) -> FloatArray:
        return np.cumsum(self.popularity[self._order])

    @cached_property
    def _bounds(self) -> FloatArray:
        """Cumulated popularity at which each module begins, and at which the last ends. Shape [num_modules + 1]."""
        ends = np.searchsorted(self.modules[self._order, 0], np.arange(self.num_modules), side="right")
        return np.concatenate([[0.0], np.concatenate([[0.0], self._cumulated])[ends]])

    def draw(self, num: int, generator: np.random.Generator) -> IntArray:
        """Draw nodes by popularity. Shape [num]."""
        return self._at(generator.random(num) * self._cumulated[-1])

    def draw_within(self, modules: IntArray, generator: np.random.Generator) -> IntArray:
        """Draw by popularity a node of each of these modules; of all nodes where a module has none."""
        start, end = self._bounds[modules], self._bounds[modules + 1]
        empty = end <= start
        start, end = np.where(empty, 0.0, start), np.where(empty, self._cumulated[-1], end)
        return self._at(start + generator.random(len(modules)) * (end - start))

    def _at(self, cumulated: FloatArray) -> IntArray:
        position = np.searchsorted(self._cumulated, cumulated, side="right")
        return self._order[np.minimum(position, len(self._order) - 1)]


def _power_law(num: int, generator: np.random.Generator) -> FloatArray:
    """Weights rank^-exponent, in random order. Shape [num]."""
    return generator.permutation(np.arange(1.0, num + 1) ** -_POPULARITY_EXPONENT)


def _population(
    num: int, module_size: FloatArray, generator: np.random.Generator, *, second_module: bool
) -> _Population:
    share = module_size / module_size.sum()
    first = generator.choice(len(share), num, p=share)
    modules = np.stack([first, first], axis=1)
    if second_module:
        other = generator.random(num) < _SECOND_MODULE_SHARE
        modules[other, 1] = generator.choice(len(share), int(other.sum()), p=share)
    popularity = _power_law(num, generator)
    popularity[generator.choice(num, max(2, int(num * _ISOLATED_SHARE)), replace=False)] = 0
    return _Population(modules, popularity, len(share))


def _random_edges(
    rule: _Relation, num: int, populations: Mapping[str, _Population], generator: np.random.Generator
) -> IntArray:
    """Draw distinct edges of one relation. Shape [2, num]."""
    sources, targets = populations[rule.source], populations[rule.target]

    def draw(count: int) -> tuple[IntArray, IntArray]:
        source = sources.draw(count, generator)
        module = sources.modules[source, generator.integers(0, 2, count)]
        coherent = generator.random(count) < (rule.coherence or 0)
        return source, np.where(coherent, targets.draw_within(module, generator), targets.draw(count, generator))

    return _distinct_pairs(draw, num, len(targets.popularity), generator, symmetric=rule.source == rule.target)


def _distinct_pairs(
    draw: Callable[[int], tuple[IntArray, IntArray]],
    num: int,
    num_targets: int,
    generator: np.random.Generator,
    *,
    symmetric: bool,
) -> IntArray:
    """Draw until there are so many distinct pairs. Shape [2, num].

    If symmetric, (a, b) and (b, a) are one pair and (a, a) is none.
    """
    key = np.empty(0, dtype=np.int64)
    while len(key) < num:
        source, target = draw(int(1.2 * (num - len(key))) + 16)
        if symmetric:
            source, target = np.minimum(source, target), np.maximum(source, target)
            source, target = source[source < target], target[source < target]
        key = np.unique(np.concatenate([key, source * num_targets + target]))
    key = generator.permutation(key)[:num]
    return np.stack([key // num_targets, key % num_targets])


def _therapeutic_edges(
    edges: Mapping[str, IntArray],
    layout: _Layout,
    populations: Mapping[str, _Population],
    generator: np.random.Generator,
) -> dict[str, IntArray]:
    """Decide by the mechanism which drugs treat, and which harm in, which diseases. Shape [2, num] per relation."""
    drugs, diseases, genes = (populations[name] for name in ("drug", "disease", "gene/protein"))
    approved = _popular_sample(drugs, layout.num_approved, generator)
    treatable = _popular_sample(diseases, layout.num_treatable, generator)
    targets = _incidence(edges["drug_protein"], len(drugs.popularity), len(genes.popularity))[approved]
    disease_genes = _incidence(edges["disease_protein"], len(diseases.popularity), len(genes.popularity))[treatable]
    gene_module = _one_hot(genes.modules[:, :1], genes.num_modules)
    hits = (targets @ gene_module).toarray()
    antagonist = generator.permutation(layout.num_modules)
    own = _one_hot(diseases.modules[treatable], layout.num_modules).toarray() > 0
    fit = (hits @ own.T) ** 2 * (1 + (targets @ disease_genes.T).toarray())
    harm = hits @ own[:, antagonist].T
    appeal = np.sqrt(np.outer(drugs.popularity[approved], diseases.popularity[treatable]))
    taken = np.zeros(fit.shape, dtype=bool)
    result: dict[str, IntArray] = {}
    for relation, strength, noise in (
        ("indication", fit, _LABEL_NOISE),
        ("off-label use", fit, _LABEL_NOISE),
        ("contraindication", harm, _CONTRAINDICATION_NOISE),
    ):
        by_chance = int(layout.num_edges[relation] * noise)
        for weight, num in ((strength * appeal, layout.num_edges[relation] - by_chance), (appeal, by_chance)):
            row, column = _weighted_cells(np.where(taken, 0, weight), num, generator)
            taken[row, column] = True
            pairs = np.stack([approved[row], treatable[column]])
            result[relation] = np.concatenate([result.get(relation, pairs[:, :0]), pairs], axis=1)
    return result


def _popular_sample(population: _Population, num: int, generator: np.random.Generator) -> IntArray:
    weight = np.sqrt(population.popularity)
    return generator.choice(len(weight), num, replace=False, p=weight / weight.sum())


def _incidence(pairs: IntArray, num_rows: int, num_columns: int) -> sparse.csr_array:
    return sparse.csr_array((np.ones(pairs.shape[1]), (pairs[0], pairs[1])), shape=(num_rows, num_columns))


def _one_hot(modules: IntArray, num_modules: int) -> sparse.csr_array:
    rows = np.repeat(np.arange(len(modules)), modules.shape[1])
    return _incidence(np.stack([rows, modules.ravel()]), len(modules), num_modules)


def _weighted_cells(weight: FloatArray, num: int, generator: np.random.Generator) -> tuple[IntArray, IntArray]:
    """Rows and columns of `num` distinct cells, drawn by weight without replacement.

    Efraimidis & Spirakis 2006: the num largest of log(weight) + Gumbel noise are such a sample.
    """
    flat = np.flatnonzero(weight)
    if len(flat) < num:
        raise ValueError(f"the mechanism fits only {len(flat)} drug-disease pairs, of which {num} were to be drawn")
    key = np.log(weight.ravel()[flat]) + generator.gumbel(size=len(flat))
    row, column = np.unravel_index(flat[np.argsort(-key, kind="stable")[:num]], weight.shape)
    return row, column


def _node_table(layout: _Layout, generator: np.random.Generator) -> pd.DataFrame:
    blocks = []
    for node_type, num in layout.num_nodes.items():
        names = _names(node_type, num, generator)
        namesakes = generator.choice(num, 2 * max(1, int(num * _NAMESAKE_SHARE)), replace=False).reshape(2, -1)
        names[namesakes[0]] = names[namesakes[1]]
        blocks.append(pd.DataFrame({NODE_TYPE: node_type, NODE_ID: _ids(node_type, num), NODE_NAME: names}))
    nodes = pd.concat(blocks, ignore_index=True)
    repeated = generator.choice(len(nodes), max(3, int(len(nodes) * _DUPLICATE_SHARE)), replace=False)
    return pd.concat([nodes, nodes.iloc[repeated]], ignore_index=True)


def _ids(node_type: str, num: int) -> list[str]:
    """Drugs have ids of their own kind; those of all other types collide with each other, as in PrimeKG."""
    return [f"D{number:05d}" if node_type == "drug" else str(number) for number in range(1, num + 1)]


def _edge_table(edges: Mapping[str, IntArray], layout: _Layout, generator: np.random.Generator) -> pd.DataFrame:
    node_types = list(layout.num_nodes)
    counts = np.array(list(layout.num_nodes.values()))
    offset = dict(zip(node_types, np.cumsum(counts) - counts, strict=True))
    ends = [
        index + np.array([[offset[_RELATIONS[relation].source]], [offset[_RELATIONS[relation].target]]])
        for relation, index in edges.items()
    ]
    both = np.concatenate(ends, axis=1)
    relation_code = np.repeat(np.arange(len(edges), dtype=np.int8), [index.shape[1] for index in ends])
    mirrored = np.flatnonzero(generator.random(len(relation_code)) < layout.mirrored_share)
    repeated = generator.choice(len(relation_code), int(len(relation_code) * _DUPLICATE_SHARE), replace=False)
    both = np.concatenate([both, both[::-1, mirrored], both[:, repeated]], axis=1)
    relation_code = np.concatenate([relation_code, relation_code[mirrored], relation_code[repeated]])
    order = generator.permutation(len(relation_code))
    source, target = both[:, order]
    type_code = np.repeat(np.arange(len(counts), dtype=np.int8), counts)
    node_ids = pd.Categorical(np.concatenate([_ids(name, num) for name, num in layout.num_nodes.items()]))
    types = pd.CategoricalDtype(node_types)

    return pd.DataFrame(
        {
            SOURCE_TYPE: pd.Categorical.from_codes(type_code[source], dtype=types),
            SOURCE_ID: pd.Categorical.from_codes(node_ids.codes[source], dtype=node_ids.dtype),
            RELATION: pd.Categorical.from_codes(relation_code[order], dtype=pd.CategoricalDtype(list(edges))),
            TARGET_TYPE: pd.Categorical.from_codes(type_code[target], dtype=types),
            TARGET_ID: pd.Categorical.from_codes(node_ids.codes[target], dtype=node_ids.dtype),
        }
    )


_STEMS = tuple(
    "".join(parts)
    for parts in product(
        (
            "bel",
            "dru",
            "fal",
            "gim",
            "hol",
            "jax",
            "kev",
            "lum",
            "mor",
            "nev",
            "quo",
            "rud",
            "tev",
            "vel",
            "wix",
            "zan",
        ),
        ("a", "e", "i", "o", "u"),
        ("b", "d", "g", "k", "l", "m", "n", "p", "rv", "t", "v", "z"),
    )
)
_ORGANS = ("hepatic", "renal", "cardiac", "pulmonary", "gastric", "dermal", "ocular", "neural", "splenic", "vascular")
_CONSONANTS = "BDFGKLMNPRTV"
_NAME_PARTS: dict[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = {
    "anatomy": (("upper ", "lower ", "left ", "right "), _STEMS, ("ic lobe", "al gland", "ic duct", "al layer")),
    "biological_process": (
        ("", "regulation of ", "positive regulation of ", "negative regulation of ", "response to "),
        _STEMS,
        ("in transport", "ate metabolism", "ic signal", "osome assembly", "in binding", "ine synthesis", "ol uptake"),
    ),
    "cellular_component": (("inner ", "outer ", ""), _STEMS, ("osome", "in complex", "ic membrane", "al vesicle")),
    "disease": (tuple(f"{organ} " for organ in _ORGANS), _STEMS, ("osis", "itis", "opathy", "emia", "oid syndrome")),
    "drug": (
        ("",),
        tuple(stem.capitalize() for stem in _STEMS),
        tuple(f"{a}{b}" for a in ("o", "i", "a") for b in ("tinib", "mab", "stat", "pril", "zole", "lone")),
    ),
    "effect/phenotype": (
        ("increased ", "decreased ", "abnormal ", "absent "),
        _STEMS,
        ("in level", "ic reflex", "al tone", "ia"),
    ),
    "exposure": (("",), _STEMS, ("ane", "yl oxide", "ic acid")),
    "gene/protein": (
        tuple(a + b + c for a, b, c in product("JQXZ", _CONSONANTS, _CONSONANTS)),
        tuple(str(number) for number in range(1, 60)),
        ("",),
    ),
    "molecular_function": (
        ("", "positive ", "negative "),
        _STEMS,
        ("in binding", "ase activity", "ol transport", "ine activity", "ate sensing"),
    ),
    "pathway": (
        ("",),
        tuple(stem.capitalize() for stem in _STEMS),
        ("in signalling", "ate degradation", "in cascade", "ol cycle"),
    ),
}
"""Beginnings, middles and ends of names, per type."""


def _names(node_type: str, num: int, generator: np.random.Generator) -> np.ndarray:
    """Distinct invented names. Shape [num]."""
    starts, middles, ends = _NAME_PARTS[node_type]
    code = generator.choice(len(starts) * len(middles) * len(ends), num, replace=False)
    head, rest = np.divmod(code, len(middles) * len(ends))
    middle, end = np.divmod(rest, len(ends))
    parts = (np.array(starts)[head], np.array(middles)[middle], np.array(ends)[end])
    return np.strings.add(np.strings.add(parts[0], parts[1]), parts[2]).astype(object)
