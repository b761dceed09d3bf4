"""Diseases that share so many genes and pathways that their embeddings should be similar.

The table is sparse and covers the whole graph, so any batch can look up its similar diseases. Shared genes are counted
by sparse products of a few hundred rows at a time; an array of all pairs is never built.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse
from torch_geometric.data import HeteroData

from hgt_repurposing.graph.hetero_data import edge_arrays
from hgt_repurposing.graph.schema import IntArray, is_gene_or_pathway

ROWS_PER_BLOCK = 256  # at most 4.4 million entries per block for PrimeKG's 17,080 diseases

Jaccard = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class SimilarDiseases:
    """Pairs of similar diseases in CSR form: each pair in both directions, no disease with itself."""

    ptr: IntArray
    """Offset of each disease's first neighbour, then the number of pairs. Shape [num_diseases + 1]."""
    neighbour: IntArray
    """Local index of the similar disease, ascending within a row. Shape [num_pairs]."""
    jaccard: Jaccard
    """Similarity of each pair. Shape [num_pairs]."""

    @property
    def num_diseases(self) -> int:
        """Diseases of the graph, including those without a similar one."""
        return len(self.ptr) - 1

    @property
    def num_pairs(self) -> int:
        """Similar pairs, counted in both directions."""
        return len(self.neighbour)


def similar_diseases(data: HeteroData, *, threshold: float, rows_per_block: int = ROWS_PER_BLOCK) -> SimilarDiseases:
    """Find the diseases whose sets of genes and pathways overlap: intersection / union >= threshold (Jaccard).

    A disease's set is its distinct neighbours of those node types over all relations. A disease with an empty set is
    similar to none.

    Args:
        data: Made by `to_hetero_data`, whose reverse edge types make all edges leave the disease.
        threshold: Above 0 (pairs that share nothing are never considered) and at most 1.
        rows_per_block: Diseases compared with all others at a time; bounds memory, does not change the result.

    Raises:
        ValueError: If the threshold is out of range, or no node type is named after genes or pathways.
    """
    if not 0 < threshold <= 1:
        raise ValueError(f"similarity threshold must be above 0 and at most 1 (got {threshold})")
    members = _members(data)
    blocks = list(_similar_pairs(members, threshold, rows_per_block))
    disease, neighbour, jaccard = (np.concatenate(parts) for parts in zip(*blocks, strict=True))
    counts = np.bincount(disease, minlength=members.shape[0])
    return SimilarDiseases(np.concatenate([[0], np.cumsum(counts)]), neighbour, jaccard)


def _members(data: HeteroData) -> sparse.csr_array:
    """Incidence of diseases and their genes and pathways. Shape [num_diseases, num_genes_and_pathways], int64."""
    kinds = [node_type for node_type in data.node_types if is_gene_or_pathway(node_type)]
    if not kinds:
        raise ValueError(
            "diseases are compared by their genes and pathways, but no node type is named after them "
            f"(node types: {', '.join(map(repr, data.node_types))})"
        )
    starts = np.cumsum([0, *(data[kind].num_nodes for kind in kinds)])
    first_column = dict(zip(kinds, starts, strict=False))
    ends = [np.empty((2, 0), dtype=np.int64)]
    for edge_type, (source, target) in edge_arrays(data).items():
        if edge_type.source == data.disease_type and edge_type.target in first_column:
            ends.append(np.stack([source, target + first_column[edge_type.target]]))
    rows, columns = np.concatenate(ends, axis=1)
    shape = (int(data[data.disease_type].num_nodes), int(starts[-1]))
    members = sparse.csr_array((np.ones(len(rows), dtype=np.int64), (rows, columns)), shape=shape)
    members.data[:] = 1  # the conversion sums repeated edges
    return members


def _similar_pairs(
    members: sparse.csr_array, threshold: float, rows_per_block: int
) -> Iterator[tuple[IntArray, IntArray, Jaccard]]:
    """Disease, similar disease and their similarity, block by block, sorted. Shape [pairs of the block] each."""
    num_diseases = members.shape[0]
    size = members.sum(axis=1)
    holders = members.T.tocsr()
    for start in range(0, num_diseases, rows_per_block):
        product = members[start : start + rows_per_block] @ holders
        product.sort_indices()
        shared = product.tocoo()
        disease, neighbour = shared.row.astype(np.int64) + start, shared.col.astype(np.int64)
        # In float64, a quotient equal to the threshold (3 / 10) is equal as a float too.
        jaccard = shared.data / (size[disease] + size[neighbour] - shared.data)
        similar = (jaccard >= threshold) & (disease != neighbour)
        yield disease[similar], neighbour[similar], jaccard[similar].astype(np.float32)
