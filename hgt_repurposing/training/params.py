"""The run configuration `embedding_params`; does not import torch, so invalid values fail early."""

import math
from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from hgt_repurposing.model.shape import EncoderShape
from hgt_repurposing.sampling.negative_draw import NegativeDraw

DeviceChoice = Literal["auto", "cpu", "cuda", "mps"]
SamplerName = Literal["edge", "neighbor"]
Sampling = Literal["edge", "neighbor", "full graph"]
LossName = Literal["bce", "softmax"]
RelationWeighting = Literal["sampled", "balanced", "proportional"]
ScheduleName = Literal["constant", "one_cycle"]


class EmbeddingParams(EncoderShape, frozen=True, extra="forbid", allow_inf_nan=False):
    """How the embeddings are trained."""

    use_batched_mps: bool = Field(
        default=True,
        description="true: train on sampled mini graphs, any device; false: train on the full graph, CUDA or CPU only",
    )
    sampler: SamplerName = Field(
        "edge", description="edge: edge_sample_size edges per type; neighbor: num_neighbors around each seed node"
    )
    num_epochs: int = Field(300, ge=1, le=100_000, description="training updates, each over accumulation_steps batches")
    learning_rate: float = Field(0.01, gt=0, le=1, description="learning rate of Adam; one_cycle: the maximum")
    learning_rate_schedule: ScheduleName = Field(
        "one_cycle", description="one_cycle: rises for three tenths of the epochs, then falls to almost 0"
    )
    weight_decay: float = Field(0.0, ge=0, le=1, description="decoupled weight decay, as in AdamW")
    gradient_clip: float | None = Field(
        1.0, gt=0, description="maximum gradient norm over all parameters; null: no limit"
    )
    edge_sample_size: int = Field(1700, ge=4, le=10_000_000, description="edges of every edge type per batch")
    node_batch_size: int = Field(
        1024, ge=1, le=10_000_000, description="seed nodes per batch (neighbour sampling only)"
    )
    accumulation_steps: int = Field(1, ge=1, le=1024, description="batches per update (gradient accumulation)")
    num_neighbors: list[int] = Field(
        [10, 10],
        min_length=1,
        description="neighbours per node and relation, for each hop (neighbour sampling only)",
    )
    num_negatives: int = Field(32, ge=1, le=1000, description="corrupted edges per true edge")
    negatives: NegativeDraw = Field(
        "degree", description="how corrupted targets are drawn: uniformly over the node type, or by degree^0.75"
    )
    loss: LossName = Field(
        "softmax",
        description="bce: true against corrupted edges, equal weights; softmax: the true edge among its corrupted",
    )
    relation_weighting: RelationWeighting = Field(
        "sampled",
        description="weight of an edge type in the loss: by its scored edges in the batch, equal for all, or by its "
        "edges in the graph",
    )
    contrastive_weight: float = Field(
        0.0, ge=0, le=100, description="weight of the contrastive loss over diseases, added to link prediction; 0: off"
    )
    similarity_threshold: float = Field(
        0.1, gt=0, le=1, description="minimum Jaccard index of genes and pathways for similar diseases"
    )
    memory_budget_gb: float | None = Field(
        None,
        gt=0,
        description="GiB for training, excluding the loaded graph; batches shrink to fit; null: free memory at start",
    )
    checkpoint_every: int = Field(
        10, ge=0, description="epochs between checkpoints, from which a killed run resumes; 0: none"
    )
    seed: int = Field(42, ge=0, lt=2**63, description="seed of weights, samples and negatives")
    device: DeviceChoice = Field(
        "auto", description="auto: MPS, else CUDA, else CPU; for the full graph CUDA, else CPU"
    )

    @property
    def sampling(self) -> Sampling:
        """Kind of sampling, combining `use_batched_mps` and `sampler`; the only reader of the two."""
        return self.sampler if self.use_batched_mps else "full graph"

    @property
    def shape(self) -> EncoderShape:
        """The parameters that define the encoder."""
        return EncoderShape(**self.model_dump(include=set(EncoderShape.model_fields)))

    @property
    def chance_loss(self) -> float:
        """Loss of a model that scores all edges alike, without the contrastive part."""
        return math.log(2 if self.loss == "bce" else 1 + self.num_negatives)

    def to_parts(self) -> dict[str, Any]:
        """What `artifacts.py` writes; the inverse of `from_parts`. Any: one of its part shapes."""
        return {"embedding_params.json": self.model_dump()}

    @classmethod
    def from_parts(cls, parts: Mapping[str, Any]) -> Self:
        """Inverse of `to_parts`."""
        return cls(**parts["embedding_params.json"])

    @field_validator("num_neighbors")
    @classmethod
    def _neighbours_are_positive(cls, value: list[int]) -> list[int]:
        if min(value) < 1:
            raise ValueError("all values must be positive")
        return value

    @model_validator(mode="after")
    def _full_graph_is_not_for_mps(self) -> Self:
        if self.sampling == "full graph" and self.device == "mps":
            raise ValueError(
                "use_batched_mps: false trains on the full graph: set device to auto, cpu or cuda (got 'mps')"
            )
        return self
