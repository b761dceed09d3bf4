"""Causes are planted as said: bound, carried, one for each drug and module, and no edge more than before."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hgt_repurposing.graph.schema import IntArray
from hgt_repurposing.graph.synthetic_causes import Planted, plant_causes

NUM_DRUGS, NUM_DISEASES, NUM_GENES, NUM_MODULES = 8, 6, 30, 3
GENE_MODULE = np.arange(NUM_GENES) % NUM_MODULES


def edges(num_nodes: int, per_node: int, generator: np.random.Generator) -> IntArray:
    genes = [generator.choice(NUM_GENES, per_node, replace=False) for _ in range(num_nodes)]
    return np.stack([np.repeat(np.arange(num_nodes), per_node), np.concatenate(genes)])


def planted(seed: int, treatments: IntArray, module: IntArray) -> tuple[Planted, IntArray, IntArray]:
    generator = np.random.default_rng(seed)
    before = edges(NUM_DRUGS, 15, generator), edges(NUM_DISEASES, 15, generator)
    return plant_causes(treatments, module, GENE_MODULE, np.ones(NUM_GENES), *before, generator), *before


def pairs_of(index: IntArray) -> set[tuple[int, int]]:
    return set(zip(*index.tolist(), strict=True))


cells = st.lists(
    st.tuples(st.integers(0, NUM_DRUGS - 1), st.integers(0, NUM_DISEASES - 1)), min_size=1, max_size=20, unique=True
)


@given(cells, st.integers(0, 1000))
def test_the_drug_binds_the_cause_the_disease_carries_it_and_it_lies_in_the_module(
    pairs: list[tuple[int, int]], seed: int
) -> None:
    module = np.array([disease % NUM_MODULES for _, disease in pairs])
    found, drug_genes, disease_genes = planted(seed, np.array(pairs).T, module)
    drug, disease, gene = found.causes
    assert list(zip(drug.tolist(), disease.tolist(), strict=True)) == sorted(pairs)
    assert (GENE_MODULE[gene] == disease % NUM_MODULES).all()
    assert pairs_of(np.stack([drug, gene])) <= pairs_of(found.drug_genes)
    assert pairs_of(np.stack([disease, gene])) <= pairs_of(found.disease_genes)
    for before, after in ((drug_genes, found.drug_genes), (disease_genes, found.disease_genes)):
        assert before.shape == after.shape
        assert len(pairs_of(after)) == after.shape[1]


@given(cells, st.integers(0, 1000))
def test_in_one_module_a_drug_acts_through_one_gene(pairs: list[tuple[int, int]], seed: int) -> None:
    found, *_ = planted(seed, np.array(pairs).T, np.zeros(len(pairs), dtype=np.int64))
    drug, _, gene = found.causes
    assert len(pairs_of(np.stack([drug, gene]))) == len(np.unique(drug))
    assert len(np.unique(gene)) <= 3


def test_too_few_edges_are_an_error() -> None:
    treatments, one = np.array([[0, 1], [0, 0]]), np.array([[0], [0]])
    with pytest.raises(ValueError, match=r"the causes need \d+ edges to genes, but there are 1"):
        plant_causes(treatments, np.array([1, 2]), GENE_MODULE, np.ones(NUM_GENES), one, one, np.random.default_rng(0))
