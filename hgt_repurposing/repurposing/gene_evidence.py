"""What the graph says about each gene of a drug: may the drug help with a disease through it?

Nine questions are asked about each gene (`QUESTIONS`). Most answers are the logarithm of what is observed over what is
expected by chance, both with half an observation added, so that few observations say little (Norén et al. 2013, the
information component).

The treatment label of the pair itself is never read, nor are other labels of the drug except by `uses`, which leaves
the pair out: whether the pair is a known treatment changes no answer.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, Self

import numpy as np
from scipy.sparse import csr_array

from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.schema import EdgeType, FloatArray, IntArray
from hgt_repurposing.graph.walks import (
    direct_walks,
    gene_incidence,
    gene_offsets,
    gene_relations,
    incidence,
    unit_rows,
)
from hgt_repurposing.repurposing.shared_genes import SharedGenes

HALF = 0.5
"""Observations added to what is observed and to what is expected."""
QUESTIONS: Mapping[str, str] = {
    "carried": "the disease carries the gene; the fewer diseases do, the more it says",
    "interacting": "genes joined to the gene are genes of the disease",
    "pathway": "genes that share pathways with the gene are genes of the disease",
    "treating": "other drugs that treat the disease reach the gene",
    "similar": "drugs that treat similar diseases reach the gene",
    "uses": "other diseases that the drug treats carry the gene",
    "effect": "other drugs that reach the gene treat diseases that carry it",
    "specific": "few drugs reach the gene",
    "relation": "drugs that treat the same disease share genes by this relation",
}
"""Name and meaning of each question, in the order of the columns."""


class Answers(NamedTuple):
    """What the graph says about the genes of a drug."""

    genes: IntArray
    """Columns of `gene_incidence`, ascending. Shape [num_genes]."""
    values: FloatArray
    """By question. Shape [num_genes, num_questions]."""
    counts: Mapping[str, IntArray]
    """Observed number, and out of how many, for questions that count drugs or diseases. Shape [num_genes, 2] each."""


@dataclass(frozen=True, eq=False)
class GeneEvidence:
    """Answers for the drugs and diseases of one graph."""

    treatments: csr_array
    """1 for known treatments. Shape [num_drugs, num_diseases]."""
    drug_genes: csr_array
    """1 where a drug reaches a gene. Shape [num_drugs, num_genes]."""
    disease_genes: csr_array
    """1 where a disease carries a gene. Shape [num_diseases, num_genes]."""
    joined: csr_array
    """1 for genes joined to each other. Shape [num_genes, num_genes]."""
    memberships: csr_array
    """1 for a gene and a pathway, which are columns of the same table. Shape [num_genes, num_genes]."""
    profiles: tuple[csr_array, ...]
    """Links of the diseases, rows of length 1, one matrix per relation. Shape [num_diseases, num_ends] each."""
    by_relation: Mapping[EdgeType, csr_array]
    """1 where a drug reaches a gene by the relation. Shape [num_drugs, num_genes] each."""

    @classmethod
    def of(cls, graph: KnowledgeGraph) -> Self:
        """From a graph."""
        names, pairs = graph.therapeutic, graph.indications
        starts = gene_offsets(graph)
        drug_genes, disease_genes = (
            gene_incidence(graph, side).astype(np.float64) for side in (names.drug, names.disease)
        )
        among = {t: index for t, index in graph.edges.items() if t.source in starts and t.target in starts}
        joined, memberships = (
            _symmetric(
                [
                    index + np.array([[starts[t.source]], [starts[t.target]]])
                    for t, index in among.items()
                    if (t.source == t.target) == within
                ],
                drug_genes.shape[1],
            )
            for within in (True, False)
        )
        return cls(
            csr_array((np.ones(pairs.shape[1]), (pairs[0], pairs[1])), shape=graph.grid_shape),
            drug_genes,
            disease_genes,
            joined,
            memberships,
            tuple(unit_rows(walk.weights) for walk in direct_walks(graph, names.disease)),
            {
                edge_type: _placed(
                    incidence(graph, edge_type, start=names.drug),
                    starts[_other_end(edge_type, names.drug)],
                    drug_genes.shape,
                )
                for edge_type in gene_relations(graph, names.drug)
            },
        )

    def answers(self, drug: int, disease: int) -> Answers:
        """What the graph says about each gene of a drug.

        Args:
            drug: Local index.
            disease: Local index.
        """
        genes = np.sort(_row(self.drug_genes, drug))
        num_drugs, num_diseases = self.treatments.shape
        treating = _marked(_row(self._treated_by, disease), num_drugs, but=drug)
        uses = _marked(_row(self.treatments, drug), num_diseases, but=disease)
        similar = self.treatments @ self.similarity(disease)
        similar[drug] = 0
        carried = _marked(_row(self.disease_genes, disease), self.drug_genes.shape[1])
        of_drugs, of_diseases = self._share_of_drugs[genes], self._share_of_diseases[genes]
        by_treating, by_uses = self._drugs_of[genes] @ treating, self._diseases_of[genes] @ uses
        num_treating, num_uses = float(treating @ self._has_genes), float(uses @ self._carries_genes)
        columns: dict[str, FloatArray] = {
            "carried": -carried[genes] * np.log(of_diseases),
            "interacting": _component(*_near(self.joined, None, genes, carried)),
            "pathway": _component(*_near(self.memberships, self._pathway_size, genes, carried)),
            "treating": _component(by_treating, num_treating * of_drugs),
            "similar": _component(self._drugs_of[genes] @ similar, float(similar @ self._has_genes) * of_drugs),
            "uses": _component(by_uses, num_uses * of_diseases),
            "effect": self._effect(genes, drug),
            "specific": -np.log(of_drugs),
            "relation": self._worth_of_relations(genes, drug),
        }
        counts = {
            "treating": _counted(by_treating, num_treating),
            "uses": _counted(by_uses, num_uses),
            "specific": _counted(np.diff(self._drugs_of.indptr)[genes], num_drugs),
            "carried": _counted(np.diff(self._diseases_of.indptr)[genes], num_diseases),
        }
        return Answers(genes, np.stack([columns[name] for name in QUESTIONS], axis=1), counts)

    def relations_of(self, drug: int, gene: int) -> tuple[EdgeType, ...]:
        """By which a drug reaches a gene.

        Args:
            drug: Local index.
            gene: Column of `gene_incidence`.
        """
        return tuple(edge_type for edge_type, matrix in self.by_relation.items() if gene in _row(matrix, drug))

    def similarity(self, disease: int) -> FloatArray:
        """Mean cosine of the links of a disease with those of all others; 0 with itself. Shape [num_diseases]."""
        total = np.zeros(self.treatments.shape[1])
        for rows in self.profiles:
            total += rows @ rows[[disease]].toarray()[0]
        total[disease] = 0
        return total / max(len(self.profiles), 1)

    def _effect(self, genes: IntArray, drug: int) -> FloatArray:
        """Uses of other drugs by diseases that carry the gene, against what their numbers of uses would give."""
        uses = _marked(_row(self.treatments, drug), self.treatments.shape[1])
        own = self._diseases_of[genes] @ uses
        observed = self._told[genes] - own
        num_uses = self._num_uses - uses.sum() * _marked(np.array([drug]), len(self._num_uses))
        total = num_uses.sum()
        of_gene = self._drugs_of[genes] @ num_uses
        carrying = self._diseases_of[genes] @ self._num_treatments - own
        return _component(observed, of_gene * carrying / max(total, 1))

    def _worth_of_relations(self, genes: IntArray, drug: int) -> FloatArray:
        """Worth of the best relation by which the drug reaches each gene."""
        best = np.full(len(genes), -np.inf)
        for edge_type, matrix in self.by_relation.items():
            shared = self._shared[edge_type]
            worth = float(_component(np.array(shared.observed(drug)), np.array(shared.expected(drug))))
            reached = np.isin(genes, _row(matrix, drug))
            best[reached] = np.maximum(best[reached], worth)
        return best

    @cached_property
    def _shared(self) -> dict[EdgeType, SharedGenes]:
        return {edge_type: SharedGenes.of(matrix, self.treatments) for edge_type, matrix in self.by_relation.items()}

    @cached_property
    def _treated_by(self) -> csr_array:
        return csr_array(self.treatments.T)

    @cached_property
    def _drugs_of(self) -> csr_array:
        return csr_array(self.drug_genes.T)

    @cached_property
    def _diseases_of(self) -> csr_array:
        return csr_array(self.disease_genes.T)

    @cached_property
    def _pathway_size(self) -> FloatArray:
        return np.maximum(np.asarray(self.memberships.sum(axis=1)), 1)

    @cached_property
    def _has_genes(self) -> FloatArray:
        return np.asarray(np.diff(self.drug_genes.indptr) > 0, dtype=np.float64)

    @cached_property
    def _carries_genes(self) -> FloatArray:
        return np.asarray(np.diff(self.disease_genes.indptr) > 0, dtype=np.float64)

    @cached_property
    def _share_of_drugs(self) -> FloatArray:
        """Share of the drugs with genes that reach each gene. Shape [num_genes]."""
        return np.asarray((np.diff(self._drugs_of.indptr) + HALF) / (self._has_genes.sum() + HALF))

    @cached_property
    def _share_of_diseases(self) -> FloatArray:
        """Share of the diseases with genes that carry each gene. Shape [num_genes]."""
        return np.asarray((np.diff(self._diseases_of.indptr) + HALF) / (self._carries_genes.sum() + HALF))

    @cached_property
    def _num_uses(self) -> FloatArray:
        return np.asarray(np.diff(self.treatments.indptr), dtype=np.float64)

    @cached_property
    def _num_treatments(self) -> FloatArray:
        return np.asarray(self.treatments.sum(axis=0))

    @cached_property
    def _told(self) -> FloatArray:
        """Treatments by a drug that reaches the gene of a disease that carries it. Shape [num_genes]."""
        return np.asarray(self.drug_genes.multiply(self.treatments @ self.disease_genes).sum(axis=0))


def _component(observed: FloatArray, expected: FloatArray) -> FloatArray:
    """Logarithm of the shrunk ratio of observed to expected. Norén et al. 2013."""
    return np.asarray(np.log((observed + HALF) / (expected + HALF)))


def _near(
    links: csr_array, size: FloatArray | None, genes: IntArray, carried: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Neighbours of genes that the disease carries, and how many would be by chance.

    With sizes, neighbours are those of the neighbours, such as the genes of the same pathways, each weighted by one
    over the size of what they share; the gene itself does not count.
    """
    rows = csr_array(links[genes])
    if size is None:
        observed, number = rows @ carried, np.asarray(rows.sum(axis=1))
    else:
        itself = rows @ (1 / size)
        observed = rows @ (links @ carried / size) - itself * carried[genes]
        number = np.asarray(rows.sum(axis=1)) - itself
    connected = np.asarray(np.diff(links.indptr) > 0, dtype=np.float64)
    return observed, number * float(carried @ connected) / max(connected.sum(), 1)


def _symmetric(found: list[IntArray], size: int) -> csr_array:
    """0 and 1, without self-loops. Shape [size, size]."""
    pairs = np.concatenate([np.empty((2, 0), dtype=np.int64), *found], axis=1)
    pairs = pairs[:, pairs[0] != pairs[1]]
    both = np.concatenate([pairs, pairs[::-1]], axis=1)
    matrix = csr_array((np.ones(both.shape[1]), (both[0], both[1])), shape=(size, size))
    matrix.data[:] = 1
    return matrix


def _placed(matrix: csr_array, start: int, shape: tuple[int, int]) -> csr_array:
    """The same with its columns from `start` on."""
    return csr_array((matrix.data.astype(np.float64), matrix.indices + start, matrix.indptr), shape=shape)


def _other_end(edge_type: EdgeType, start: str) -> str:
    return edge_type.target if edge_type.source == start else edge_type.source


def _row(matrix: csr_array, row: int) -> IntArray:
    """Columns of the entries of a row."""
    return matrix.indices[matrix.indptr[row] : matrix.indptr[row + 1]].astype(np.int64)


def _marked(places: IntArray, size: int, *, but: int | None = None) -> FloatArray:
    """1 at these places, 0 elsewhere. Shape [size]."""
    marked = np.zeros(size)
    marked[places] = 1
    if but is not None:
        marked[but] = 0
    return marked


def _counted(observed: FloatArray | IntArray, number: float) -> IntArray:
    return np.stack([observed, np.full(len(observed), number)], axis=1).astype(np.int64)
