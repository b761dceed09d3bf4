"""What the network looks like; free of torch, so that a run configuration can be checked without loading it."""

from typing import Literal, Self

from pydantic import BaseModel, Field, model_validator

EncoderName = Literal["hgt", "mean", "none"]
"""Attention over all in-edges; the same layer with the mean per relation in its place; or no messages at all, so that
an embedding is a function of the node's own input: the ablation that attention has to win."""

NodeInputs = Literal["table", "fastrp", "identical"]
"""A learned vector for every node; a fixed fingerprint of its surroundings (see `fastrp.py`); or one learned vector
for all, a control: identical inputs are what collapses embeddings."""

DecoderName = Literal["distmult", "dot"]
"""DistMult of unit vectors with a temperature and a bias per relation; or the dot product of the embeddings."""

MatmulPrecision = Literal["float32", "bfloat16"]
"""What matrix products are made in: bfloat16 takes a fraction of the time where the processor has such units, and
rounds factors to 8 bits; sums, weights and everything else stay float32."""


class EncoderShape(BaseModel, frozen=True, extra="forbid", allow_inf_nan=False):
    """Kind, widths, depth and arithmetic of the encoder and its link scorer."""

    encoder: EncoderName = Field(
        "hgt", description="hgt: attention; mean: mean per relation in its place; none: no messages, each node alone"
    )
    node_inputs: NodeInputs = Field(
        "fastrp",
        description="fastrp: a fixed fingerprint of a node's surroundings; table: a learned vector per node; "
        "identical: one vector for all, which collapses embeddings, as a control",
    )
    decoder: DecoderName = Field(
        "distmult", description="distmult: cosine with a weight per relation and dimension; dot: plain dot product"
    )
    embedding_dim: int = Field(64, ge=2, le=4096, description="numbers per node in the embeddings that come out")
    hidden_dim: int = Field(64, ge=2, le=4096, description="width between the layers; a multiple of num_heads")
    num_layers: int = Field(2, ge=1, le=8, description="layers: how many hops a node sees; encoder none has no layer")
    num_heads: int = Field(8, ge=1, le=64, description="attention heads per layer, or blocks of the mean's matrices")
    dropout: float = Field(0.0, ge=0, lt=1, description="share of a layer's messages set to zero in training")
    matmul_precision: MatmulPrecision = Field(
        "float32", description="bfloat16: faster matrix products where the processor has them, rounded to 8 bits"
    )

    @property
    def depth(self) -> int:
        """Layers that messages pass through."""
        return 0 if self.encoder == "none" else self.num_layers

    @model_validator(mode="after")
    def _heads_divide_width(self) -> Self:
        if self.hidden_dim % self.num_heads:
            raise ValueError(f"hidden_dim must be divisible by num_heads (got {self.hidden_dim} and {self.num_heads})")
        return self
