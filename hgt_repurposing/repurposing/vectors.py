"""Vectors of drugs and diseases as further features of the classifier: from the HGT, and from a plain SVD."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np

from hgt_repurposing.embeddings.table import Embeddings
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.schema import NODE_ID, NODE_TYPE, Features
from hgt_repurposing.graph.signs import with_fixed_signs
from hgt_repurposing.graph.spectral import spectral_vectors
from hgt_repurposing.mismatch import MismatchError
from hgt_repurposing.repurposing.neighbourhoods import profile_blocks

VECTOR_DIM = 64
"""Columns per side: wider embeddings are reduced, since a pair has the columns of both sides."""


@dataclass(frozen=True, eq=False)
class PairVectors:
    """A vector for every drug and every disease; a pair has both, concatenated."""

    drugs: Features
    """Shape [num_drugs, drug_width]."""
    diseases: Features
    """Shape [num_diseases, disease_width]."""

    @classmethod
    def none(cls, num_drugs: int, num_diseases: int) -> Self:
        """Vectors without columns."""
        return cls(np.empty((num_drugs, 0), dtype=np.float32), np.empty((num_diseases, 0), dtype=np.float32))

    @classmethod
    def of_embeddings(cls, embeddings: Embeddings, graph: KnowledgeGraph) -> Self:
        """Embeddings of the drugs and diseases of a graph.

        Raises:
            ValueError: If embeddings of one of the types are missing or not finite.
            MismatchError: If they belong to other nodes than the graph's.
        """
        blocks = []
        for node_type in (graph.therapeutic.drug, graph.therapeutic.disease):
            vectors = embeddings.of_type(node_type)
            if not np.isfinite(vectors).all():
                raise ValueError(f"embeddings of {node_type!r} have values that are not finite: train again")
            embedded = embeddings.nodes.loc[embeddings.nodes[NODE_TYPE] == node_type, NODE_ID]
            if embedded.tolist() != graph.nodes_of(node_type)[NODE_ID].tolist():
                raise MismatchError(
                    f"embeddings of {node_type!r} belong to other nodes than the graph's", stale=["hgt_embeddings"]
                )
            blocks.append(vectors)
        return cls(*blocks)

    @classmethod
    def by_svd(cls, graph: KnowledgeGraph, *, dim: int = VECTOR_DIM) -> Self:
        """Leading singular vectors of the links of drugs, and of diseases, without treatments."""
        names = graph.therapeutic
        return cls(
            *(
                spectral_vectors(profile_blocks(graph, node_type), dim=dim, seed=0).astype(np.float32)
                for node_type in (names.drug, names.disease)
            )
        )

    @classmethod
    def side_by_side(cls, parts: Sequence["PairVectors"]) -> Self:
        """Concatenate the columns of several."""
        return cls(
            np.concatenate([part.drugs for part in parts], axis=1),
            np.concatenate([part.diseases for part in parts], axis=1),
        )

    def permuted(self, generator: np.random.Generator) -> Self:
        """The same vectors, shuffled between nodes: a control of the same size and distribution without information."""
        return type(self)(generator.permutation(self.drugs), generator.permutation(self.diseases))

    def reduced(self, dim: int) -> Self:
        """The leading principal components of each side that is wider than `dim`; signs as in `spectral_vectors`."""
        return type(self)(*(_components(side, dim) for side in (self.drugs, self.diseases)))

    @property
    def width(self) -> int:
        """Number of columns per pair."""
        return int(self.drugs.shape[1] + self.diseases.shape[1])

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the vectors."""
        sha = hashlib.sha256(repr((self.drugs.shape, self.diseases.shape)).encode())
        sha.update(np.ascontiguousarray(self.drugs).tobytes())
        sha.update(np.ascontiguousarray(self.diseases).tobytes())
        return sha.hexdigest()


def _components(vectors: Features, dim: int) -> Features:
    if vectors.shape[1] <= dim:
        return vectors
    # Not scikit-learn's PCA, which refuses fewer nodes than components.
    centred = vectors.astype(np.float64) - vectors.mean(axis=0, dtype=np.float64)
    values, axes = np.linalg.eigh(centred.T @ centred)
    axes = with_fixed_signs(axes[:, np.argsort(-values, kind="stable")[:dim]])
    reduced: Features = (centred @ axes).astype(np.float32)
    return reduced


def vectors_named(names: Sequence[str], embeddings: Embeddings, graph: KnowledgeGraph) -> PairVectors:
    """The named vectors, concatenated in this order, each at most `VECTOR_DIM` wide per side.

    Raises:
        ValueError: As `PairVectors.of_embeddings`.
    """
    made = {
        "hgt": lambda: PairVectors.of_embeddings(embeddings, graph).reduced(VECTOR_DIM),
        "svd": lambda: PairVectors.by_svd(graph),
    }
    sizes = (graph.num_nodes[node_type] for node_type in (graph.therapeutic.drug, graph.therapeutic.disease))
    return PairVectors.side_by_side([PairVectors.none(*sizes), *(made[name]() for name in names)])
