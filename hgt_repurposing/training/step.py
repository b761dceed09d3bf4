"""One training step: drawing and planning its batch on the CPU, and computing its loss on the device."""

import logging
from dataclasses import dataclass, field, replace
from typing import Self

import torch
from torch import Tensor
from torch_geometric.data import HeteroData

from hgt_repurposing.graph.disease_similarity import SimilarDiseases, similar_diseases
from hgt_repurposing.model.attention import AttentionBackend, backend_for
from hgt_repurposing.model.attention_chunked import ChunkedBackend
from hgt_repurposing.model.edge_plan import EncoderPlan, plan_layers
from hgt_repurposing.model.trained import HGTModel
from hgt_repurposing.sampling.draws import derived_generator
from hgt_repurposing.sampling.edge_sampling import EdgeSampler, FullGraphSampler
from hgt_repurposing.sampling.flat_graph import FlatGraph
from hgt_repurposing.sampling.minibatch import MiniBatch, Sampler, TypedEdges
from hgt_repurposing.sampling.neighbor_sampling import NeighborSampler
from hgt_repurposing.sampling.padding import PaddedSampler
from hgt_repurposing.training.contrast import CONTRAST_SIZE, Contrast, contrast_pairs
from hgt_repurposing.training.device import ComputeDevice
from hgt_repurposing.training.memory_plan import BatchPlan, StepSize, plan_batches, predicted_gb
from hgt_repurposing.training.objectives import (
    contrastive_loss,
    link_prediction_terms,
    weigh_relations,
    weighted_mean,
)
from hgt_repurposing.training.params import EmbeddingParams

logger = logging.getLogger(__name__)

CONTRAST_STREAM, DROPOUT_STREAM = 1, 2
"""Streams of a step's random numbers, in addition to the sampler's."""


@dataclass(frozen=True, eq=False)
class Prepared:
    """A batch with everything about its step that can be prepared before computing."""

    step: int
    """Index of the batch, from 0."""
    node_index: Tensor
    """Flat global id of each node of the batch. Shape [num_nodes]."""
    plan: EncoderPlan
    """Nodes and edges of each layer."""
    positives: TypedEdges
    """Edges that the loss scores, as rows of the encoder's output."""
    negative_target: Tensor
    """Corrupted targets, as rows of the encoder's output. Shape [num_positives, num_negatives]."""
    weight: Tensor
    """Weight of each positive with its negatives. Shape [num_positives]."""
    features: dict[int, Tensor]
    """Features of the batch's nodes by type index. Shape [nodes of the type, width] each."""
    contrast: Contrast | None
    """Similar diseases, as rows of the encoder's output; None without a contrastive loss."""
    num_messages: int
    """Number of message edges."""

    @property
    def num_nodes(self) -> int:
        """Nodes of the batch."""
        return self.node_index.numel()

    def to(self, device: torch.device) -> Self:
        """The same on another device, by blocking copies (non-blocking ones can corrupt on MPS)."""
        if device.type == "cpu":
            return self
        return replace(
            self,
            node_index=self.node_index.to(device),
            plan=self.plan.to(device),
            positives=TypedEdges(*(part.to(device) for part in self.positives)),
            negative_target=self.negative_target.to(device),
            weight=self.weight.to(device),
            features={number: rows.to(device) for number, rows in self.features.items()},
            contrast=None if self.contrast is None else self.contrast.to(device),
        )


@dataclass(eq=False)
class Batches:
    """Draws and plans the batches of a training run; each depends only on the seed and the step."""

    graph: FlatGraph
    params: EmbeddingParams
    disease_range: tuple[int, int]
    """Range of the diseases' flat ids, end exclusive."""
    similar: SimilarDiseases | None
    fixed_shapes: bool
    """Whether batches are padded to a few shapes, with all their nodes computed at every layer."""
    plan: BatchPlan
    predicted_gb: float = 0.0
    _sampler: Sampler = field(init=False)

    def __post_init__(self) -> None:
        self._sampler = self._make_sampler(self.plan)

    @classmethod
    def of_graph(cls, data: HeteroData, params: EmbeddingParams, *, fixed_shapes: bool = False) -> Self:
        """Batches with the sizes in the parameters."""
        graph = FlatGraph.from_hetero_data(data)
        number = graph.metadata.node_types.index(data.disease_type)
        similar: SimilarDiseases | None = None
        if params.contrastive_weight:
            similar = similar_diseases(data, threshold=params.similarity_threshold)
            if not similar.num_pairs:
                logger.warning(
                    "no two diseases have a Jaccard index of genes and pathways of %g or more: contrastive loss is off",
                    params.similarity_threshold,
                )
                similar = None
        plan = BatchPlan(
            edge_sample_size=params.edge_sample_size,
            node_batch_size=params.node_batch_size,
            accumulation_steps=1 if params.sampling == "full graph" else params.accumulation_steps,
            chunk_edges=ChunkedBackend.chunk_edges,
        )
        return cls(graph, params, (graph.type_ptr[number], graph.type_ptr[number + 1]), similar, fixed_shapes, plan)

    def prepare(self, step: int) -> Prepared:
        """Draw and plan the batch of a step."""
        batch = self._sampler.sample(step)
        contrast = self._contrast(step, batch)
        scored = [batch.positives.source, batch.positives.target, batch.negative_target.flatten()]
        everyone = self.fixed_shapes or self.params.sampling == "full graph"
        needed = torch.cat(scored if contrast is None else [*scored, contrast.nodes])
        plan = plan_layers(
            *batch.messages,
            type_ptr=batch.type_ptr,
            num_relations=self.graph.num_relations,
            num_layers=self.params.depth,
            needed=None if everyone else needed,
        )
        source, target, relation = batch.positives
        return Prepared(
            step=step,
            node_index=batch.node_index,
            plan=plan,
            positives=TypedEdges(plan.output_of(source), plan.output_of(target), relation),
            negative_target=plan.output_of(batch.negative_target),
            weight=self._weight(batch),
            features=batch.features,
            contrast=None if contrast is None else contrast._replace(nodes=plan.output_of(contrast.nodes)),
            num_messages=batch.messages.source.numel(),
        )

    def backend(self, device: ComputeDevice) -> AttentionBackend:
        """The attention backend for these sizes."""
        return backend_for(device.torch, chunk_edges=self.plan.chunk_edges)

    def use(self, plan: BatchPlan) -> None:
        """Use these batch sizes from now on."""
        if replace(plan, chunk_edges=self.plan.chunk_edges) != self.plan:
            self._sampler = self._make_sampler(plan)  # sorts all edges for neighbour sampling
        self.plan = plan

    def use_smaller(self, plan: BatchPlan) -> None:
        """Use these batch sizes unless the current ones are smaller, as after lowering the memory budget."""
        if plan.accumulation_steps >= self.plan.accumulation_steps:
            self.use(plan)

    def fit_into(self, budget_gb: float, *, num_parameters: int, chunked: bool) -> None:
        """Reduce batches to fit a memory budget.

        Args:
            budget_gb: Memory budget, GiB.
            num_parameters: Number of the model's parameters.
            chunked: Whether attention works on chunks of edges, which need additional memory.

        Raises:
            ValueError: If even the smallest batch does not fit; reports the memory needed.
        """
        shape = self.params.shape

        def need_gb(plan: BatchPlan) -> float:
            self.use(plan)
            trial = self.prepare(0)
            size = StepSize(
                num_parameters=num_parameters,
                encoder=trial.plan,
                num_pairs=trial.positives.source.numel() * (1 + self.params.num_negatives),
                num_graph_edges=sum(sources.numel() for sources in self.graph.sources),
                chunk_edges=plan.chunk_edges if chunked else 0,
            )
            return predicted_gb(size, shape, accumulates=plan.accumulation_steps > 1)

        plan, self.predicted_gb = plan_batches(
            self.plan, budget_gb=budget_gb, need_gb=need_gb, smallest=self._is_smallest, width=shape.hidden_dim
        )
        assert self.plan == plan  # the last one tried

    def _is_smallest(self, plan: BatchPlan) -> bool:
        match self.params.sampling:
            case "edge":
                return plan.edge_sample_size <= SMALLEST_BATCH
            case "neighbor":
                return plan.node_batch_size <= SMALLEST_BATCH
            case "full graph":
                return True

    def _make_sampler(self, plan: BatchPlan) -> Sampler:
        graph, params = self.graph, self.params
        sampler: Sampler
        if params.sampling == "neighbor":
            sampler = NeighborSampler(
                graph,
                num_seeds=plan.node_batch_size,
                fan_outs=params.num_neighbors,
                num_negatives=params.num_negatives,
                seed=params.seed,
                negatives=params.negatives,
            )
        else:
            kind = EdgeSampler if params.sampling == "edge" else FullGraphSampler
            sampler = kind(
                graph,
                num_edges_per_type=plan.edge_sample_size,
                num_negatives=params.num_negatives,
                seed=params.seed,
                negatives=params.negatives,
            )
        # The full graph has one shape.
        return PaddedSampler(sampler, graph) if self.fixed_shapes and params.sampling != "full graph" else sampler

    def _weight(self, batch: MiniBatch) -> Tensor:
        """Loss weight of each positive with its negatives. Shape [num_positives]."""
        if self.params.relation_weighting == "sampled":
            return batch.weight
        num_edges = [sources.numel() for sources in self.graph.sources]
        share = torch.tensor(num_edges, dtype=torch.float64)
        if self.params.relation_weighting == "balanced":
            share = torch.ones_like(share)
        return weigh_relations(batch.weight, batch.positives.relation, share)

    def _contrast(self, step: int, batch: MiniBatch) -> Contrast | None:
        if self.similar is None:
            return None
        first, last = self.disease_range
        generator = derived_generator(self.params.seed, step, CONTRAST_STREAM)
        return contrast_pairs(
            batch.node_index, self.similar, first=first, last=last, size=CONTRAST_SIZE, generator=generator
        )


SMALLEST_BATCH = 4
"""Smallest useful number of edges per type, or of seed nodes."""


def losses(
    model: HGTModel, prepared: Prepared, params: EmbeddingParams, *, backend: AttentionBackend
) -> tuple[Tensor, Tensor]:
    """The loss of a batch, and its term for each positive.

    Args:
        model: On the device of the batch.
        prepared: The batch.
        params: Kind of loss, weight of the contrastive loss, and the seed of dropout.
        backend: How edge attention is computed.

    Returns:
        A scalar, and the link-prediction terms. Shape [num_positives].
    """
    if params.dropout:
        torch.manual_seed(derived_generator(params.seed, prepared.step, DROPOUT_STREAM).initial_seed())
    embeddings = model.encoder(prepared.node_index, prepared.plan, prepared.features, backend=backend)
    terms = link_prediction_terms(
        model.decoder, embeddings, prepared.positives, prepared.negative_target, loss=params.loss
    )
    loss = weighted_mean(terms, prepared.weight)
    if prepared.contrast is not None:
        loss = loss + params.contrastive_weight * contrastive_loss(embeddings, prepared.contrast)
    return loss, terms
