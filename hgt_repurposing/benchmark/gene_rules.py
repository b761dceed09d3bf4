"""Simple rules that rank the genes of a drug for a disease: what an explanation must beat."""

from collections.abc import Sequence
from functools import partial

import numpy as np
from scipy.sparse import csr_array

from hgt_repurposing.benchmark.mechanisms import Rankers, ScoreGenes
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph, degrees
from hgt_repurposing.graph.schema import FloatArray, IntArray
from hgt_repurposing.graph.walks import damped, gene_incidence, gene_node_types, gene_offsets, gene_relations, incidence
from hgt_repurposing.repurposing.gene_evidence import GeneEvidence
from hgt_repurposing.repurposing.gene_ranking import weighted
from hgt_repurposing.repurposing.neighbourhoods import Paths

EXPLANATION = "explanation"
RANDOM = "random"


def explanation(graph: KnowledgeGraph) -> ScoreGenes:
    """The ranking of explanations."""
    evidence = GeneEvidence.of(graph)

    def scores(drug: int, disease: int, genes: IntArray) -> FloatArray:
        answers = evidence.answers(drug, disease)
        return weighted(answers.values)[np.searchsorted(answers.genes, genes)]

    return scores


def rules(graph: KnowledgeGraph, paths: Sequence[Paths]) -> Rankers:
    """All rules, by name.

    Args:
        graph: Without the pairs to rank.
        paths: Metapaths of the graph (`Neighbourhoods`), in which treatments play no part.
    """
    names, pairs = graph.therapeutic, graph.indications
    drug_genes, disease_genes = gene_incidence(graph, names.drug), gene_incidence(graph, names.disease)
    num_drugs, num_diseases = (np.asarray(genes.sum(axis=0), dtype=np.float64) for genes in (drug_genes, disease_genes))
    treated_by = csr_array((np.ones(pairs.shape[1]), (pairs[1], pairs[0])), shape=graph.grid_shape[::-1])
    degree = _degrees(graph)

    def treating(drug: int, disease: int, genes: IntArray) -> FloatArray:
        others = treated_by.indices[treated_by.indptr[disease] : treated_by.indptr[disease + 1]]
        return _sums(drug_genes, others[others != drug], genes)

    return {
        RANDOM: lambda _drug, _disease, genes: np.zeros(len(genes)),
        "degree, highest first": lambda _drug, _disease, genes: degree[genes],
        "degree, lowest first": lambda _drug, _disease, genes: -degree[genes],
        "number of drugs, highest first": lambda _drug, _disease, genes: num_drugs[genes],
        "number of drugs, lowest first": lambda _drug, _disease, genes: -num_drugs[genes],
        "genes of the disease": lambda _drug, disease, genes: _sums(disease_genes, np.array([disease]), genes),
        "genes of the disease, rarest first": lambda _drug, disease, genes: (
            _sums(disease_genes, np.array([disease]), genes) / np.maximum(num_diseases[genes], 1)
        ),
        "genes of other treating drugs": treating,
        "genes of other treating drugs, rarest first": lambda drug, disease, genes: (
            treating(drug, disease, genes) / np.maximum(num_drugs[genes], 1)
        ),
        **_metapaths(graph, paths),
    }


def _metapaths(graph: KnowledgeGraph, paths: Sequence[Paths]) -> Rankers:
    """Weight of the paths through each gene that the drug reaches first, one rule for each metapath."""
    drug, starts = graph.therapeutic.drug, gene_offsets(graph)
    found: dict[str, ScoreGenes] = {}
    for path in paths:
        first, *onward = path.drug_steps
        if first not in gene_relations(graph, drug):
            continue
        gene = first.target if first.source == drug else first.source
        found[f"paths {path.name}"] = partial(
            _through,
            damped(incidence(graph, first, start=drug)),
            damped(incidence(graph, onward[0], start=gene)) if onward else None,
            path.disease_walk,
            starts[gene],
        )
    return found


def _through(
    first: csr_array, onward: csr_array | None, back: csr_array, start: int, drug: int, disease: int, genes: IntArray
) -> FloatArray:
    """Weight of the paths of one metapath through each gene. Shape [num_genes]."""
    local = genes - start
    inside = (local >= 0) & (local < first.shape[1])
    met = back[[disease]].toarray()[0]
    scores = np.zeros(len(genes))
    if onward is not None:
        scores[inside] = onward[local[inside]] @ met
    else:
        scores[inside] = met[local[inside]]
    scores[inside] *= first[[drug]].toarray()[0][local[inside]]
    return scores


def _sums(matrix: csr_array, rows: IntArray, genes: IntArray) -> FloatArray:
    """How many of these rows have each gene. Shape [num_genes]."""
    return np.asarray(csr_array(matrix[rows]).sum(axis=0), dtype=np.float64)[genes]


def _degrees(graph: KnowledgeGraph) -> FloatArray:
    """Edges of each gene to anything, genes of all types in one row. Shape [num_genes]."""
    every = degrees(graph)["degree"].to_numpy(dtype=np.float64)
    blocks = [every[graph.offsets[t] : graph.offsets[t] + graph.num_nodes[t]] for t in gene_node_types(graph)]
    return np.concatenate([np.zeros(0), *blocks])
