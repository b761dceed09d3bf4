"""Widths of the encoder; free of torch, so that a run configuration can be checked without loading it."""

from typing import Literal, Self

from pydantic import BaseModel, Field, model_validator

NodeInputs = Literal["learned", "identical"]
"""A vector of its own for every node, or one vector for all: identical inputs are what collapses embeddings."""

MatmulPrecision = Literal["float32", "bfloat16"]
"""What matrix products are made in: bfloat16 takes a fraction of the time where the processor has such units, and
rounds factors to 8 bits; sums, weights and everything else stay float32."""


class EncoderShape(BaseModel, frozen=True, extra="forbid"):
    """Widths, depth and arithmetic of the HGT encoder."""

    embedding_dim: int = Field(512, ge=2, le=4096, description="numbers per node in the embeddings that come out")
    hidden_dim: int = Field(256, ge=2, le=4096, description="width between the layers; a multiple of num_heads")
    num_layers: int = Field(2, ge=1, le=8, description="HGT layers: how many hops a node sees")
    num_heads: int = Field(8, ge=1, le=64, description="attention heads per layer")
    dropout: float = Field(0.0, ge=0, lt=1, description="share of a layer's messages set to zero in training")
    matmul_precision: MatmulPrecision = Field(
        "float32", description="bfloat16: faster matrix products where the processor has them, rounded to 8 bits"
    )

    @model_validator(mode="after")
    def _heads_divide_width(self) -> Self:
        if self.hidden_dim % self.num_heads:
            raise ValueError(f"hidden_dim must be divisible by num_heads (got {self.hidden_dim} and {self.num_heads})")
        return self
