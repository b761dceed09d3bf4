"""Architecture settings; does not import torch, so run configurations can be checked without it."""

from typing import Literal, Self

from pydantic import BaseModel, Field, model_validator

EncoderName = Literal["hgt", "mean", "none"]
"""Attention over all in-edges; the same layer with the mean per relation instead; or no messages, so that an embedding
depends only on the node's own input: the ablation that attention must beat."""

NodeInputs = Literal["table", "fastrp", "identical"]
"""A learned vector for every node; a fixed fingerprint of its neighbourhood (see `fastrp.py`); or one learned vector
for all, as a control: identical inputs make embeddings collapse."""

DecoderName = Literal["distmult", "dot"]
"""DistMult on unit vectors with a temperature and a bias per relation; or the dot product of the embeddings."""

MatmulPrecision = Literal["float32", "bfloat16"]
"""Precision of matrix products: bfloat16 takes a fraction of the time on processors with such units, but rounds factors
to 8 bits; sums, weights and everything else stay float32."""


class EncoderShape(BaseModel, frozen=True, extra="forbid", allow_inf_nan=False):
    """Kind, widths, depth and precision of the encoder and its link scorer."""

    encoder: EncoderName = Field(
        "hgt", description="hgt: attention; mean: mean per relation instead; none: no messages, each node by itself"
    )
    node_inputs: NodeInputs = Field(
        "fastrp",
        description="fastrp: a fixed fingerprint of a node's neighbourhood; table: a learned vector per node; "
        "identical: one vector for all, which makes embeddings collapse, as a control",
    )
    decoder: DecoderName = Field(
        "distmult", description="distmult: cosine with a weight per relation and dimension; dot: plain dot product"
    )
    embedding_dim: int = Field(64, ge=2, le=4096, description="width of the embeddings")
    hidden_dim: int = Field(64, ge=2, le=4096, description="width of the hidden layers; a multiple of num_heads")
    num_layers: int = Field(2, ge=1, le=8, description="number of layers, hence of hops; ignored by encoder none")
    num_heads: int = Field(8, ge=1, le=64, description="attention heads per layer; encoder mean: matrix blocks")
    dropout: float = Field(0.0, ge=0, lt=1, description="share of each layer's messages set to zero in training")
    matmul_precision: MatmulPrecision = Field(
        "float32", description="bfloat16: faster matrix products on processors that support it, rounded to 8 bits"
    )

    @property
    def depth(self) -> int:
        """Number of message-passing layers."""
        return 0 if self.encoder == "none" else self.num_layers

    @model_validator(mode="after")
    def _heads_divide_width(self) -> Self:
        if self.hidden_dim % self.num_heads:
            raise ValueError(f"hidden_dim must be divisible by num_heads (got {self.hidden_dim} and {self.num_heads})")
        return self
