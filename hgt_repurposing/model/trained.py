"""Encoder and link scorer with the metadata of their graph, as one object that can be saved."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import torch
from torch import Tensor, nn

from hgt_repurposing.graph.hetero_data import GraphMetadata
from hgt_repurposing.graph.schema import EdgeType
from hgt_repurposing.model.decoder import DECODERS, Decoder
from hgt_repurposing.model.encoder import GraphEncoder
from hgt_repurposing.model.fastrp import FINGERPRINT_WIDTH
from hgt_repurposing.model.shape import EncoderShape


@dataclass(frozen=True, eq=False)
class HGTModel:
    """An encoder with its link scorer, for training and for computing embeddings."""

    shape: EncoderShape
    metadata: GraphMetadata
    network: nn.ModuleDict
    """The modules `encoder` and `decoder`."""

    @property
    def encoder(self) -> GraphEncoder:
        """Maps nodes and edges to embeddings."""
        module = self.network["encoder"]
        assert isinstance(module, GraphEncoder)
        return module

    @property
    def decoder(self) -> Decoder:
        """Scores links from embeddings."""
        module = self.network["decoder"]
        assert isinstance(module, Decoder)
        return module

    @property
    def num_parameters(self) -> int:
        """Number of trainable parameters, input embeddings included."""
        return sum(parameter.numel() for parameter in self.network.parameters())

    def to_parts(self) -> dict[str, Any]:
        """What `artifacts.py` writes; the inverse of `from_parts`. Any: one of its part shapes."""
        return {
            "weights.npz": {name: tensor.cpu().numpy() for name, tensor in self.network.state_dict().items()},
            "model.json": {
                "shape": self.shape.model_dump(),
                "node_types": list(self.metadata.node_types),
                "type_counts": list(self.metadata.type_counts),
                "relations": [list(relation) for relation in self.metadata.relations],
                "rev_index": list(self.metadata.rev_index),
                "feature_widths": self.metadata.feature_widths,
            },
        }

    @classmethod
    def from_parts(cls, parts: Mapping[str, Any]) -> Self:
        """Inverse of `to_parts`."""
        entry = parts["model.json"]
        metadata = GraphMetadata(
            node_types=tuple(entry["node_types"]),
            type_counts=tuple(entry["type_counts"]),
            relations=tuple(EdgeType(*names) for names in entry["relations"]),
            rev_index=tuple(entry["rev_index"]),
            feature_widths=entry["feature_widths"],
        )
        shape = EncoderShape(**entry["shape"])
        blank = torch.zeros(sum(metadata.type_counts), FINGERPRINT_WIDTH)
        model = cls.build(
            metadata,
            shape,
            generator=torch.Generator(),
            fingerprints=blank if shape.node_inputs == "fastrp" else None,
        )
        model.network.load_state_dict({name: torch.from_numpy(array) for name, array in parts["weights.npz"].items()})
        return model

    @classmethod
    def build(
        cls,
        metadata: GraphMetadata,
        shape: EncoderShape,
        *,
        generator: torch.Generator,
        fingerprints: Tensor | None = None,
    ) -> Self:
        """Build an untrained model for a graph.

        Args:
            metadata: Types and relations of the graph.
            shape: Kind and sizes.
            generator: Source of randomness.
            fingerprints: Of all nodes, for `node_inputs: fastrp`. Shape [num_nodes, FINGERPRINT_WIDTH].
        """
        widths = {metadata.node_types.index(name): width for name, width in metadata.feature_widths.items()}
        encoder = GraphEncoder(
            metadata.type_counts,
            len(metadata.relations),
            shape,
            feature_widths=widths,
            generator=generator,
            fingerprints=fingerprints,
        )
        decoder = DECODERS[shape.decoder](len(metadata.relations), shape.embedding_dim)
        return cls(shape, metadata, nn.ModuleDict({"encoder": encoder, "decoder": decoder}))
