"""Widths of the encoder; free of torch, so that a run configuration can be checked without loading it."""

from typing import Literal, Self

from pydantic import BaseModel, Field, model_validator

NodeInputs = Literal["learned", "identical"]
"""A vector of its own for every node, or one vector for all: identical inputs are what collapses embeddings."""


class EncoderShape(BaseModel, frozen=True, extra="forbid"):
    """Widths and depth of the HGT encoder."""

    embedding_dim: int = Field(512, ge=2, le=4096, description="numbers per node in the embeddings that come out")
    hidden_dim: int = Field(256, ge=2, le=4096, description="width between the layers; a multiple of num_heads")
    num_layers: int = Field(2, ge=1, le=8, description="HGT layers: how many hops a node sees")
    num_heads: int = Field(8, ge=1, le=64, description="attention heads per layer")

    @model_validator(mode="after")
    def _heads_divide_width(self) -> Self:
        if self.hidden_dim % self.num_heads:
            raise ValueError(f"hidden_dim must be divisible by num_heads (got {self.hidden_dim} and {self.num_heads})")
        return self
