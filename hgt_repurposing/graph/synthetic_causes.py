"""Causes in synthetic graphs: through which gene each drug helps with each disease that it treats.

A few genes of every module are *potent*, some more than others. In each module a drug acts through one of them, for all
the diseases that it treats there: this gene is the cause. The drug binds it and the disease carries it; edges that are
missing are added, and as many others taken out at random. Three kinds of decoys lie in the same module and are bound
and carried as well: potent genes through which this drug does not act; as many *idle* genes, which are bound and
carried about as often as potent ones but through which no drug acts; and whatever else is bound and carried by chance.
"""

from typing import NamedTuple

import numpy as np

from hgt_repurposing.graph.schema import FloatArray, IntArray

_NUM_POTENT = 3
"""Genes per module through which drugs act, and as many idle ones; fewer in modules with few genes."""
_POTENCY_EXPONENT = 0.5
"""Drugs act through the n-th of them in proportion to n^-0.5."""
_BINDS_POTENT, _BINDS_IDLE = 0.2, 0.5
"""Chance that a drug binds a gene through which it does not act, in a module where it has a treatment."""
_CARRIES = 0.5
"""Chance that a disease with a treatment in a module carries a potent or idle gene of it, besides causes."""


class Planted(NamedTuple):
    """The causes, and the edges that they need."""

    causes: IntArray
    """Drug, disease and gene of each treatment. Shape [3, num_treatments], sorted by pair."""
    drug_genes: IntArray
    """Shape [2, num_edges]."""
    disease_genes: IntArray
    """Shape [2, num_edges]."""


def plant_causes(
    treatments: IntArray,
    module: IntArray,
    gene_module: IntArray,
    popularity: FloatArray,
    drug_genes: IntArray,
    disease_genes: IntArray,
    generator: np.random.Generator,
) -> Planted:
    """Choose a cause for every treatment, and make the drug bind it and the disease carry it.

    Args:
        treatments: Drug and disease, distinct pairs. Shape [2, num_treatments].
        module: Module by which each drug treats; it has genes. Shape [num_treatments].
        gene_module: Module of each gene. Shape [num_genes].
        popularity: Popular genes are potent rather than others. Shape [num_genes].
        drug_genes: Edges of drugs and genes. Shape [2, num_edges].
        disease_genes: Edges of diseases and genes. Shape [2, num_edges].
        generator: Source of randomness.

    Raises:
        ValueError: If more edges are needed than there are.
    """
    chosen = _chosen(gene_module, popularity, generator)
    drug, disease = treatments
    acting = {
        (node, of): generator.choice(chosen[of].potent, p=_odds(chosen[of].potent))
        for node, of in _places(drug, module)
    }
    gene = np.array([acting[place] for place in zip(drug.tolist(), module.tolist(), strict=True)], dtype=np.int64)
    bound, carried = (
        [
            (node, int(other))
            for node, of in _places(ends, module)
            for genes, chance in zip(chosen[of], chances, strict=True)
            for other in genes[generator.random(len(genes)) < chance]
        ]
        for ends, chances in ((drug, (_BINDS_POTENT, _BINDS_IDLE)), (disease, (_CARRIES, _CARRIES)))
    )
    order = np.lexsort([disease, drug])
    return Planted(
        np.stack([drug, disease, gene])[:, order],
        _with_edges(drug_genes, np.stack([drug, gene]), bound, len(gene_module), generator),
        _with_edges(disease_genes, np.stack([disease, gene]), carried, len(gene_module), generator),
    )


def _places(nodes: IntArray, module: IntArray) -> list[tuple[int, int]]:
    """Distinct nodes and modules."""
    return sorted(set(zip(nodes.tolist(), module.tolist(), strict=True)))


class _Chosen(NamedTuple):
    """Genes of one module."""

    potent: IntArray
    """The most potent first."""
    idle: IntArray


def _chosen(gene_module: IntArray, popularity: FloatArray, generator: np.random.Generator) -> dict[int, _Chosen]:
    """Potent and idle genes of each module that has genes with edges, drawn by popularity."""
    found = {}
    for module in np.unique(gene_module).tolist():
        genes = np.flatnonzero((gene_module == module) & (popularity > 0))
        if len(genes):
            num = min(2 * _NUM_POTENT, len(genes))
            drawn = generator.choice(genes, num, replace=False, p=popularity[genes] / popularity[genes].sum())
            drawn = generator.permutation(drawn)
            found[module] = _Chosen(drawn[: (num + 1) // 2], drawn[(num + 1) // 2 :])
    return found


def _odds(potent: IntArray) -> FloatArray:
    weight = np.arange(1.0, len(potent) + 1) ** -_POTENCY_EXPONENT
    return np.asarray(weight / weight.sum())


def _with_edges(
    edges: IntArray,
    needed: IntArray,
    decoys: list[tuple[int, int]],
    num_genes: int,
    generator: np.random.Generator,
) -> IntArray:
    """As many edges, the needed ones and decoys among them. Shape [2, num_edges].

    Raises:
        ValueError: If more edges are needed than there are.
    """
    more = np.concatenate([needed, np.array(decoys, dtype=np.int64).reshape(-1, 2).T], axis=1)
    wanted = np.unique(more[0] * num_genes + more[1])
    others = np.setdiff1d(edges[0] * num_genes + edges[1], wanted)
    left = edges.shape[1] - len(wanted)
    if left < 0:
        raise ValueError(f"the causes need {len(wanted)} edges to genes, but there are {edges.shape[1]}")
    key = np.concatenate([wanted, generator.choice(others, left, replace=False)])
    return np.stack([key // num_genes, key % num_genes])
