"""What speaks for a pair, in one line: a gene in common, a similar drug that treats the disease, a similar disease.

A line says what the drug does, and calls the disease "it": "binds PTGS2, associated with it; like celecoxib".

For many pairs at once, by sparse products alone; `explanation.py` says more about one pair.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
from scipy.sparse import csr_array, diags_array

from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.relation_words import End, predicate
from hgt_repurposing.graph.schema import NODE_NAME, EdgeType, IntArray
from hgt_repurposing.graph.walks import (
    gene_incidence,
    gene_node_types,
    gene_offsets,
    gene_relations,
    incidence,
    top_of_rows,
)
from hgt_repurposing.repurposing.neighbourhoods import Neighbourhoods

PAIRS_AT_ONCE = 20_000
NOTHING = "no gene, similar drug or similar disease in common"
MEANING = "what the drug has to do with the disease (it): a gene of both; like X: X treats it, and is similar"
_NOT_REACHED = -1


class _Reached(NamedTuple):
    """How a drug or a disease reaches a gene."""

    relation: str
    """Name in the graph."""
    end: End
    """The end of the relation at which the drug or disease stands."""


@dataclass(frozen=True, eq=False)
class Evidence:
    """Who is similar to whom, and what they have in common."""

    graph: KnowledgeGraph
    drug_genes: csr_array
    """Genes of each drug, those of many drugs weigh less. Shape [num_drugs, num_genes]."""
    disease_genes: csr_array
    """Genes of each disease, those of many diseases weigh less. Shape [num_diseases, num_genes]."""
    similar_drugs: csr_array
    """Shape [num_drugs, num_drugs]; only towards drugs that treat something."""
    similar_diseases: csr_array
    """Shape [num_diseases, num_diseases]; only towards diseases with a treatment."""
    treated_by: csr_array
    """1 for known treatments. Shape [num_drugs, num_diseases]."""

    @classmethod
    def of(cls, graph: KnowledgeGraph, neighbourhoods: Neighbourhoods) -> Self:
        """From a graph and the similarities that were derived from it."""
        names = graph.therapeutic
        drugs, diseases = neighbourhoods.drugs, neighbourhoods.diseases
        pairs = graph.indications
        return cls(
            graph,
            _rare_first(gene_incidence(graph, names.drug)),
            _rare_first(gene_incidence(graph, names.disease)),
            _spread_out(drugs.average, drugs.anchors, drugs.size),
            _spread_out(diseases.average, diseases.anchors, diseases.size),
            csr_array((np.ones(pairs.shape[1], dtype=np.float32), (pairs[0], pairs[1])), shape=graph.grid_shape),
        )

    def lines(self, pairs: IntArray) -> list[str]:
        """One line for each pair.

        Args:
            pairs: Drug and disease. Shape [2, num_pairs].
        """
        names = self.graph.therapeutic
        drugs, diseases = (self.graph.nodes_of(t)[NODE_NAME].to_numpy() for t in (names.drug, names.disease))
        genes = [name for t in gene_node_types(self.graph) for name in self.graph.nodes_of(t)[NODE_NAME]]
        gene = self._best(self.drug_genes, self.disease_genes, pairs)
        drug = self._best(self.similar_drugs, csr_array(self.treated_by.T), pairs)
        disease = self._best(self.treated_by, self.similar_diseases, pairs)
        of_drug = self._relations(names.drug, pairs[0], gene)
        of_disease = self._relations(names.disease, pairs[1], gene)
        found = []
        for i, (g, by, like) in enumerate(zip(gene.tolist(), drug.tolist(), disease.tolist(), strict=True)):
            said = []
            if g >= 0:
                said.append(_through(genes[g], of_drug[i], of_disease[i]))
            if by >= 0:
                said.append(f"like {drugs[by]}")
            if like >= 0:
                said.append(f"treats {diseases[like]}, which is like it")
            found.append("; ".join(said) or NOTHING)
        return found

    def _best(self, left: csr_array, right: csr_array, pairs: IntArray) -> IntArray:
        """What each pair has most of in common; -1: nothing. Shape [num_pairs]."""
        found = np.full(pairs.shape[1], -1, dtype=np.int64)
        for start in range(0, pairs.shape[1], PAIRS_AT_ONCE):
            drug, disease = pairs[:, start : start + PAIRS_AT_ONCE]
            best = top_of_rows(csr_array(left[drug].multiply(right[disease])), 1)
            some = np.flatnonzero(np.diff(best.indptr))
            found[start + some] = best.indices
        return found

    def _relations(self, node_type: str, nodes: IntArray, genes: IntArray) -> list[_Reached]:
        """Relation by which each node reaches its gene, the first by name; of no relation for -1."""
        found = np.full(len(nodes), _NOT_REACHED, dtype=np.int64)
        some = np.flatnonzero(genes >= 0)
        wanted = nodes[some] * self.drug_genes.shape[1] + genes[some]
        ways: list[_Reached] = []
        for edge_type, known in self._gene_edges(node_type):
            said = np.isin(wanted, known) & (found[some] == _NOT_REACHED)
            found[some[said]] = len(ways)
            ways.append(_Reached(edge_type.relation, "source" if edge_type.source == node_type else "target"))
        ways.append(_Reached("", "source"))
        return [ways[way] for way in found.tolist()]

    def _gene_edges(self, node_type: str) -> Iterator[tuple[EdgeType, IntArray]]:
        """Relations to genes, each with its edges: node x number of genes + gene, genes of all types in one row."""
        starts = gene_offsets(self.graph)
        for edge_type in gene_relations(self.graph, node_type):
            end = edge_type.target if edge_type.source == node_type else edge_type.source
            edges = incidence(self.graph, edge_type, start=node_type).tocoo()
            gene = edges.col.astype(np.int64) + starts[end]
            yield edge_type, edges.row.astype(np.int64) * self.drug_genes.shape[1] + gene


def _through(gene: str, of_drug: _Reached, of_disease: _Reached) -> str:
    """A gene in common: what the drug does to it, and what it has to do with the disease."""
    does = predicate(of_drug.relation, of=of_drug.end)
    is_ = predicate(of_disease.relation, of="target" if of_disease.end == "source" else "source")
    first = f"{does.removeprefix('is ')} {gene}" if does else f"linked to {gene} by {of_drug.relation}"
    if is_ is None:
        then = f"linked to it by {of_disease.relation}"
        return f"{first}, {then}" if does else f"{first}, which is {then}"
    return f"{first}, {is_.removeprefix('is ') if is_.startswith('is ') else f'which {is_}'} it"


def _rare_first(matrix: csr_array) -> csr_array:
    return csr_array(matrix @ diags_array(np.maximum(matrix.sum(axis=0), 1) ** -0.5))


def _spread_out(average: csr_array, anchors: IntArray, size: int) -> csr_array:
    """Columns by index of the node instead of by anchor. Shape [size, size]."""
    entries = average.tocoo()
    return csr_array((entries.data, (entries.row, anchors[entries.col])), shape=(size, size))
