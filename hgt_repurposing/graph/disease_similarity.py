"""Which diseases share so many genes and pathways that their vectors should point the same way.

The table is sparse and of the whole graph: what a batch, however drawn, holds of similar diseases is a look-up. Numbers
of shared genes come from sparse products of a few hundred rows at a time, so no array of all pairs ever exists.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse
from torch_geometric.data import HeteroData

from hgt_repurposing.graph.hetero_data import edge_arrays
from hgt_repurposing.graph.schema import IntArray, is_gene_or_pathway

ROWS_PER_BLOCK = 256  # 4.4 million cells of a block at PrimeKG's 17,080 diseases, were they all to share a gene

Jaccard = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class SimilarDiseases:
    """Pairs of similar diseases, row by row: each pair in both directions, no disease with itself."""

    ptr: IntArray
    """Where the neighbours of each disease begin, then the number of pairs. Shape [num_diseases + 1]."""
    neighbour: IntArray
    """Local index of the similar disease, ascending within a row. Shape [num_pairs]."""
    jaccard: Jaccard
    """Similarity of the two. Shape [num_pairs]."""

    @property
    def num_diseases(self) -> int:
        """Diseases of the graph, those without a similar one included."""
        return len(self.ptr) - 1

    @property
    def num_pairs(self) -> int:
        """Similar pairs, counted in both directions."""
        return len(self.neighbour)


def similar_diseases(data: HeteroData, *, threshold: float, rows_per_block: int = ROWS_PER_BLOCK) -> SimilarDiseases:
    """Find the diseases whose sets of genes and pathways overlap: intersection / union >= threshold (Jaccard).

    A disease's set is its neighbours of those node types over all relations, each once. A disease with an empty set is
    similar to none.

    Args:
        data: Made by `to_hetero_data`, so that a relation's reverse is there too and all edges leave the disease.
        threshold: Over 0, for pairs that share nothing are never looked at, and at most 1.
        rows_per_block: Diseases that are compared with all others at a time; it bounds memory and changes no result.

    Raises:
        ValueError: If the threshold is out of range, or no node type is one of genes or pathways.
    """
    if not 0 < threshold <= 1:
        raise ValueError(f"similarity threshold must be over 0 and at most 1 (got {threshold})")
    members = _members(data)
    blocks = list(_similar_pairs(members, threshold, rows_per_block))
    disease, neighbour, jaccard = (np.concatenate(parts) for parts in zip(*blocks, strict=True))
    counts = np.bincount(disease, minlength=members.shape[0])
    return SimilarDiseases(np.concatenate([[0], np.cumsum(counts)]), neighbour, jaccard)


def _members(data: HeteroData) -> sparse.csr_array:
    """The set of each disease: 1 at its genes and pathways. Shape [num_diseases, num_genes_and_pathways], int64."""
    kinds = [node_type for node_type in data.node_types if is_gene_or_pathway(node_type)]
    if not kinds:
        raise ValueError(
            "diseases are compared by their genes and pathways, but no node type is named so "
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
    members.data[:] = 1  # the conversion has added up edges that occur more than once
    return members


def _similar_pairs(
    members: sparse.csr_array, threshold: float, rows_per_block: int
) -> Iterator[tuple[IntArray, IntArray, Jaccard]]:
    """Disease, similar disease and their similarity, block by block, in order. Shape [pairs of the block] each."""
    num_diseases = members.shape[0]
    size = members.sum(axis=1)
    holders = members.T.tocsr()
    for start in range(0, num_diseases, rows_per_block):
        product = members[start : start + rows_per_block] @ holders
        product.sort_indices()
        shared = product.tocoo()
        disease, neighbour = shared.row.astype(np.int64) + start, shared.col.astype(np.int64)
        # Float64, where a quotient that equals the threshold as a fraction, 3 / 10, equals it as a float too.
        jaccard = shared.data / (size[disease] + size[neighbour] - shared.data)
        similar = (jaccard >= threshold) & (disease != neighbour)
        yield disease[similar], neighbour[similar], jaccard[similar].astype(np.float32)
