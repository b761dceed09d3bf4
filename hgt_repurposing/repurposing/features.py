"""Features of a drug-disease pair: the two embeddings side by side, and the cosine of the angle between them."""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
import numpy.typing as npt

from hgt_repurposing.embeddings.table import Embeddings
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.schema import NODE_ID, NODE_TYPE, IntArray

Features = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class PairFeatures:
    """Embeddings of all drugs and all diseases, from which any pair's features are looked up."""

    drugs: Features
    """Shape [num_drugs, width]."""
    diseases: Features
    """Shape [num_diseases, width]."""

    @classmethod
    def from_embeddings(cls, embeddings: Embeddings, *, drug: str, disease: str) -> Self:
        """Take the blocks of the two node types.

        Raises:
            ValueError: If there is no embedding of one of the types, or one is not finite.
        """
        features = cls(embeddings.of_type(drug), embeddings.of_type(disease))
        for node_type, vectors in ((drug, features.drugs), (disease, features.diseases)):
            if not np.isfinite(vectors).all():
                raise ValueError(f"embeddings of {node_type!r} hold values that are not finite: train again")
        return features

    @classmethod
    def of_graph(cls, embeddings: Embeddings, graph: KnowledgeGraph) -> Self:
        """Take the drugs and diseases of a graph.

        Raises:
            ValueError: As `from_embeddings`, and if the embeddings are not of this graph's nodes in their order.
        """
        names = graph.therapeutic
        features = cls.from_embeddings(embeddings, drug=names.drug, disease=names.disease)
        for node_type in (names.drug, names.disease):
            embedded = embeddings.nodes.loc[embeddings.nodes[NODE_TYPE] == node_type, NODE_ID]
            if embedded.tolist() != graph.nodes_of(node_type)[NODE_ID].tolist():
                raise ValueError(
                    f"embeddings of {node_type!r} are of other nodes than the graph's: materialise hgt_embeddings again"
                )
        return features

    @property
    def num_features(self) -> int:
        """Width of a pair's features."""
        return int(self.drugs.shape[1] + self.diseases.shape[1] + 1)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the vectors."""
        sha = hashlib.sha256(np.ascontiguousarray(self.drugs).tobytes())
        sha.update(np.ascontiguousarray(self.diseases).tobytes())
        return sha.hexdigest()

    @cached_property
    def _units(self) -> tuple[Features, Features]:
        """Drug and disease embeddings of unit length."""
        return _unit(self.drugs), _unit(self.diseases)

    def of(self, pairs: IntArray) -> Features:
        """Features of pairs: drug embedding, disease embedding, cosine.

        Args:
            pairs: Local drug and disease index. Shape [2, num_pairs].

        Returns:
            Shape [num_pairs, num_features].
        """
        drug, disease = pairs
        width = self.drugs.shape[1]
        rows = np.empty((len(drug), self.num_features), dtype=np.float32)
        rows[:, :width] = self.drugs[drug]
        rows[:, width:-1] = self.diseases[disease]
        unit_drugs, unit_diseases = self._units
        rows[:, -1] = np.einsum("pw,pw->p", unit_drugs[drug], unit_diseases[disease])
        return rows


def _unit(vectors: Features) -> Features:
    norm = np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)  # squares may leave float32
    unit: Features = (vectors / np.maximum(norm, np.finfo(np.float64).tiny)).astype(np.float32)
    return unit
