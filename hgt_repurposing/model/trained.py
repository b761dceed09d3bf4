"""Encoder and link scorer together with the graph they belong to, as one thing that can be saved."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import torch
from torch import nn

from hgt_repurposing.graph.hetero_data import GraphMetadata
from hgt_repurposing.graph.schema import EdgeType
from hgt_repurposing.model.decoder import LinkDecoder
from hgt_repurposing.model.hgt import HGTEncoder
from hgt_repurposing.model.shape import EncoderShape, NodeInputs


@dataclass(frozen=True, eq=False)
class HGTModel:
    """An HGT encoder with its link scorer; trainable and, after training, what embeddings are made with."""

    shape: EncoderShape
    node_inputs: NodeInputs
    metadata: GraphMetadata
    network: nn.ModuleDict
    """The modules `encoder` (HGTEncoder) and `decoder` (LinkDecoder)."""

    @property
    def encoder(self) -> HGTEncoder:
        """Nodes and edges to embeddings."""
        module = self.network["encoder"]
        assert isinstance(module, HGTEncoder)
        return module

    @property
    def decoder(self) -> LinkDecoder:
        """Embeddings to the score of a link."""
        module = self.network["decoder"]
        assert isinstance(module, LinkDecoder)
        return module

    @property
    def num_parameters(self) -> int:
        """Trainable numbers, input embeddings included."""
        return sum(parameter.numel() for parameter in self.network.parameters())

    def to_parts(self) -> dict[str, Any]:
        """What `artifacts.py` writes; the inverse of `from_parts`. Any: one of its part shapes."""
        return {
            "weights.npz": {name: tensor.cpu().numpy() for name, tensor in self.network.state_dict().items()},
            "model.json": {
                "shape": self.shape.model_dump(),
                "node_inputs": self.node_inputs,
                "node_types": list(self.metadata.node_types),
                "type_counts": list(self.metadata.type_counts),
                "relations": [list(relation) for relation in self.metadata.relations],
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
            feature_widths=entry["feature_widths"],
        )
        model = cls.build(
            metadata,
            EncoderShape(**entry["shape"]),
            node_inputs=entry["node_inputs"],
            generator=torch.Generator(),
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
        node_inputs: NodeInputs = "learned",
    ) -> Self:
        """A fresh model for a graph, its weights drawn from the generator."""
        widths = {metadata.node_types.index(name): width for name, width in metadata.feature_widths.items()}
        encoder = HGTEncoder(
            metadata.type_counts,
            len(metadata.relations),
            shape,
            node_inputs=node_inputs,
            feature_widths=widths,
            generator=generator,
        )
        decoder = LinkDecoder(len(metadata.relations), shape.embedding_dim)
        return cls(shape, node_inputs, metadata, nn.ModuleDict({"encoder": encoder, "decoder": decoder}))
