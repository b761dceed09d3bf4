"""Graphs of any size with a planted drug-gene-disease signal, laid out like PrimeKG.

Modules. Every node belongs to a *module* (a disease to one or two); module sizes follow a power law. To draw an
edge, a source is drawn by popularity, then, with probability *coherence* of the relation, a target in the source's
module, otherwise any target, again by popularity. Popularity also follows a power law. So genes of one module interact,
share pathways and processes, and are the genes of a disease or the targets of a drug of that module.

A drug may treat a disease if its targets hit the disease's modules: the more targets do so, and the more of them are
the disease's own genes, the likelier. With the mechanism `gene`, every such treatment then works through one gene,
which `planted_causes` tells (`synthetic_causes.py`); with `module`, that of earlier versions, no gene is the cause. The
treatments are the same.

Popular drugs and diseases get more labels. A share `_LABEL_NOISE` of the indications is random, and most pairs that fit
the mechanism are unlabelled. Off-label uses are drawn the same way after the indications. Half of the contraindications
hit the *antagonist* of the disease's module; the other half is random. Only some drugs (`num_approved`) and diseases
(`num_treatable`) take part.

Imperfections. Ids are numbers counted per type, so different types share them; some nodes of one type share a name;
some nodes are isolated; some rows of both tables are duplicated, and edges occur in both directions (all in the two
large presets, as in PrimeKG; some in `demo`). Names are invented.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

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
from hgt_repurposing.graph.synthetic_causes import plant_causes
from hgt_repurposing.graph.synthetic_layouts import LAYOUTS, RELATIONS, Layout, RelationRule
from hgt_repurposing.graph.synthetic_names import invented_names

Preset = Literal["demo", "reference", "primekg"]
Mechanism = Literal["gene", "module"]
CAUSE_COLUMNS = ("drug_id", "disease_id", "gene_id")

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
    seed: int = Field(42, ge=0, description="seed of the generator")
    mechanism: Mechanism = Field(
        "gene",
        description="why drugs treat: gene: through one gene, which is recorded; module: the drug's targets lie in the "
        "disease's modules, as in earlier versions",
    )


def synthetic_knowledge_graph(config: SyntheticConfig) -> KnowledgeGraph:
    """Generate the raw tables and build the graph from them, as for a real source."""
    nodes, edges = synthetic_tables(config)
    return build_knowledge_graph(nodes, edges, therapeutic=PRIMEKG_RELATIONS, source=f"synthetic {config.preset} graph")


def synthetic_tables(config: SyntheticConfig) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Generate the raw tables.

    Returns:
        Nodes (node_type, node_id, node_name) and edges (source_type, source_id, relation, target_type, target_id, all
        categorical), with the imperfections described above. Apart from these, the counts are exactly the preset's.
    """
    layout, generator = LAYOUTS[config.preset], np.random.default_rng(config.seed)
    edges = _drawn_edges(config, generator).by_relation
    return _node_table(layout, generator), _edge_table(edges, layout, generator)


def planted_causes(config: SyntheticConfig) -> pd.DataFrame:
    """The gene through which each planted treatment works.

    Returns:
        CAUSE_COLUMNS, one row for each indication and off-label use that is not random, sorted by pair; no row for the
        mechanism `module`.
    """
    layout = LAYOUTS[config.preset]
    causes = _drawn_edges(config, np.random.default_rng(config.seed)).causes
    ends = (
        np.array(_ids(node_type, layout.num_nodes[node_type]), dtype=object)[index]
        for node_type, index in zip(("drug", "disease", "gene/protein"), causes, strict=True)
    )
    return pd.DataFrame(dict(zip(CAUSE_COLUMNS, ends, strict=True)))


class _DrawnEdges(NamedTuple):
    """All edges of a graph."""

    by_relation: Mapping[str, IntArray]
    """Shape [2, num_edges] each."""
    causes: IntArray
    """Drug, disease and gene of each planted treatment. Shape [3, num_planted], sorted."""


def _drawn_edges(config: SyntheticConfig, generator: np.random.Generator) -> _DrawnEdges:
    layout = LAYOUTS[config.preset]
    module_size = _power_law(layout.num_modules, generator)
    populations = {
        node_type: _population(num, module_size, generator, second_module=node_type == "disease")
        for node_type, num in layout.num_nodes.items()
    }
    edges = {
        relation: _random_edges(rule, layout.num_edges[relation], populations, generator)
        for relation, rule in RELATIONS.items()
        if relation in layout.num_edges and rule.coherence is not None
    }
    treatments = _treatments(edges, layout, populations, generator)
    edges |= treatments.by_relation
    if config.mechanism == "module":
        return _DrawnEdges(edges, np.empty((3, 0), dtype=np.int64))
    genes = populations["gene/protein"]
    of_drugs, of_diseases = (edges[relation] for relation in ("drug_protein", "disease_protein"))
    planted = plant_causes(
        treatments.planted, treatments.module, genes.modules[:, 0], genes.popularity, of_drugs, of_diseases, generator
    )
    edges |= {"drug_protein": planted.drug_genes, "disease_protein": planted.disease_genes}
    return _DrawnEdges(edges, planted.causes)


@dataclass(frozen=True)
class _Population:
    """The nodes of one type."""

    modules: IntArray
    """The two modules of every node, mostly equal. Shape [num, 2]."""
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
        """Cumulative popularity at the start of each module, then the total. Shape [num_modules + 1]."""
        ends = np.searchsorted(self.modules[self._order, 0], np.arange(self.num_modules), side="right")
        return np.concatenate([[0.0], np.concatenate([[0.0], self._cumulated])[ends]])

    def draw(self, num: int, generator: np.random.Generator) -> IntArray:
        """Draw nodes by popularity. Shape [num]."""
        return self._at(generator.random(num) * self._cumulated[-1])

    def draw_within(self, modules: IntArray, generator: np.random.Generator) -> IntArray:
        """Draw a node of each of these modules by popularity; from all nodes if a module is empty."""
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
    rule: RelationRule, num: int, populations: Mapping[str, _Population], generator: np.random.Generator
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
    """Draw until there are `num` distinct pairs. Shape [2, num].

    If symmetric, (a, b) and (b, a) are the same pair and (a, a) is not allowed.
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


class _Treatments(NamedTuple):
    """Edges between drugs and diseases."""

    by_relation: dict[str, IntArray]
    """Shape [2, num_edges] each."""
    planted: IntArray
    """Indications and off-label uses that are not random. Shape [2, num_planted]."""
    module: IntArray
    """Of the two modules of its disease, that which more targets of its drug hit. Shape [num_planted]."""


def _treatments(
    edges: Mapping[str, IntArray],
    layout: Layout,
    populations: Mapping[str, _Population],
    generator: np.random.Generator,
) -> _Treatments:
    """Draw indications, off-label uses and contraindications by the mechanism."""
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
    planted = []
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
            if strength is fit and weight is not appeal:
                modules = diseases.modules[treatable[column]]
                more = hits[row, modules[:, 1]] > hits[row, modules[:, 0]]
                planted.append(np.concatenate([pairs, [np.where(more, modules[:, 1], modules[:, 0])]]))
    *ends, module = np.concatenate(planted, axis=1)
    return _Treatments(result, np.stack(ends), module)


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

    Efraimidis & Spirakis 2006: the `num` largest values of log(weight) + Gumbel noise are such a sample.
    """
    flat = np.flatnonzero(weight)
    if len(flat) < num:
        raise ValueError(f"the mechanism fits only {len(flat)} drug-disease pairs, but {num} are needed")
    key = np.log(weight.ravel()[flat]) + generator.gumbel(size=len(flat))
    row, column = np.unravel_index(flat[np.argsort(-key, kind="stable")[:num]], weight.shape)
    return row, column


def _node_table(layout: Layout, generator: np.random.Generator) -> pd.DataFrame:
    blocks = []
    for node_type, num in layout.num_nodes.items():
        names = invented_names(node_type, num, generator)
        namesakes = generator.choice(num, 2 * max(1, int(num * _NAMESAKE_SHARE)), replace=False).reshape(2, -1)
        names[namesakes[0]] = names[namesakes[1]]
        blocks.append(pd.DataFrame({NODE_TYPE: node_type, NODE_ID: _ids(node_type, num), NODE_NAME: names}))
    nodes = pd.concat(blocks, ignore_index=True)
    repeated = generator.choice(len(nodes), max(3, int(len(nodes) * _DUPLICATE_SHARE)), replace=False)
    return pd.concat([nodes, nodes.iloc[repeated]], ignore_index=True)


def _ids(node_type: str, num: int) -> list[str]:
    """Drug ids are distinct; those of all other types collide with each other, as in PrimeKG."""
    return [f"D{number:05d}" if node_type == "drug" else str(number) for number in range(1, num + 1)]


def _edge_table(edges: Mapping[str, IntArray], layout: Layout, generator: np.random.Generator) -> pd.DataFrame:
    node_types = list(layout.num_nodes)
    counts = np.array(list(layout.num_nodes.values()))
    offset = dict(zip(node_types, np.cumsum(counts) - counts, strict=True))
    ends = [
        index + np.array([[offset[RELATIONS[relation].source]], [offset[RELATIONS[relation].target]]])
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
