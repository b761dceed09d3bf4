"""Link-prediction training: batches, accumulated gradients, one update per epoch."""

import logging
import math
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, NoReturn, Self

import pandas as pd
import torch
from torch_geometric.data import HeteroData
from tqdm import tqdm

from hgt_repurposing.model.attention import plan_edges
from hgt_repurposing.model.shape import NodeInputs
from hgt_repurposing.model.trained import HGTModel
from hgt_repurposing.sampling.edge_sampling import EdgeSampler, FullGraphSampler
from hgt_repurposing.sampling.flat_graph import FlatGraph
from hgt_repurposing.sampling.minibatch import MiniBatch
from hgt_repurposing.training.device import pick_device, read_memory, release_memory
from hgt_repurposing.training.objectives import link_prediction_loss
from hgt_repurposing.training.params import EmbeddingParams

logger = logging.getLogger(__name__)


class EpochResult(NamedTuple):
    """One row of the training history."""

    epoch: int
    """From 1 on."""
    loss: float
    """Mean binary cross-entropy per scored edge."""
    seconds: float
    """Wall time of the epoch."""
    num_nodes: int
    """Nodes of the last batch."""
    num_messages: int
    """Message edges of the last batch."""
    allocated_gb: float
    """Memory in use, GiB."""
    cached_gb: float
    """Memory kept for reuse, GiB."""
    peak_gb: float
    """Highest memory use so far, GiB."""


@dataclass(frozen=True, eq=False)
class TrainingResult:
    """A trained model and how it came about."""

    model: HGTModel
    history: pd.DataFrame
    """One row per epoch, columns as in EpochResult."""
    device: str
    """Device it was trained on."""

    def to_parts(self) -> dict[str, Any]:
        """What `artifacts.py` writes; the inverse of `from_parts`. Any: one of its part shapes."""
        return {
            **self.model.to_parts(),
            "history.csv": self.history,
            "history.parquet": self.history,
            "training.json": {"device": self.device},
        }

    @classmethod
    def from_parts(cls, parts: Mapping[str, Any]) -> Self:
        """Inverse of `to_parts`."""
        return cls(HGTModel.from_parts(parts), parts["history.parquet"], parts["training.json"]["device"])


def fit(
    data: HeteroData,
    params: EmbeddingParams,
    *,
    node_inputs: NodeInputs = "learned",
    on_epoch: Callable[[EpochResult], None] = lambda _: None,
) -> TrainingResult:
    """Train an HGT by link prediction over all edge types of a graph.

    Args:
        data: The message graph; drug-disease edges are not in it.
        params: Sizes, sampling, epochs and seed.
        node_inputs: `identical` gives every node one input vector, to show what collapse is.
        on_epoch: Called after every epoch.

    Raises:
        ValueError: If the device is not there or the loss stops being finite.
    """
    device = pick_device(params.device) if params.use_batched_mps else torch.device("cpu")
    generator = torch.Generator().manual_seed(params.seed)
    graph = FlatGraph.from_hetero_data(data)
    model = HGTModel.build(graph.metadata, params.shape, generator=generator, node_inputs=node_inputs)
    model.network.to(device).train()
    optimizer = torch.optim.Adam(model.network.parameters(), lr=params.learning_rate, fused=True)
    sampler_type = EdgeSampler if params.use_batched_mps else FullGraphSampler
    sampler = sampler_type(graph, num_edges_per_type=params.edge_sample_size, generator=generator)
    logger.info(
        "training on %s: %d parameters, %d nodes, %d relations, seed %d",
        device, model.num_parameters, graph.num_nodes, graph.num_relations, params.seed,
    )  # fmt: skip
    history = []
    with _progress_bar(params) as bar:
        for epoch in range(1, params.num_epochs + 1):
            started = time.perf_counter()
            loss, batch = _epoch(model, sampler, optimizer, params, device)
            if not math.isfinite(loss):
                raise ValueError(f"loss is {loss} in epoch {epoch}: lower learning_rate (it is {params.learning_rate})")
            memory = read_memory(device)
            seconds = time.perf_counter() - started
            result = EpochResult(epoch, loss, seconds, batch.num_nodes, batch.messages.source.numel(), *memory)
            history.append(result)
            bar.set_postfix_str(f"loss {loss:.4f}, memory allocated / cached / peak {memory}", refresh=False)
            bar.update()
            on_epoch(result)
    model.network.to("cpu").eval()
    return TrainingResult(model, pd.DataFrame(history), device.type)


def _epoch(
    model: HGTModel,
    sampler: EdgeSampler | FullGraphSampler,
    optimizer: torch.optim.Optimizer,
    params: EmbeddingParams,
    device: torch.device,
) -> tuple[float, MiniBatch]:
    """One update from the gradients of all batches; the loss is their mean."""
    steps = params.accumulation_steps if params.use_batched_mps else 1
    optimizer.zero_grad(set_to_none=True)
    total = 0.0
    for _ in range(steps):
        batch = sampler.sample_subgraph().to(device)
        loss = _forward(model, batch)
        (loss / steps).backward()
        total += loss.item() / steps
        del loss
        release_memory(device)
    optimizer.step()
    return total, batch


def _forward(model: HGTModel, batch: MiniBatch) -> torch.Tensor:
    source, target, relation = batch.messages
    plan = plan_edges(
        source, target, relation, num_relations=len(model.metadata.relations), num_targets=batch.num_nodes
    )
    embeddings = model.encoder(batch.node_index, batch.type_ptr, plan, batch.features)
    return link_prediction_loss(model.decoder, embeddings, batch)


def _progress_bar(params: EmbeddingParams) -> "tqdm[NoReturn]":
    """A live bar in a terminal; where output goes to a file or a pipe, a line every ten seconds."""
    kind = "batched" if params.use_batched_mps else "full graph"
    interval = 0.2 if sys.stderr.isatty() else 10.0
    return tqdm(total=params.num_epochs, desc=f"Training HGT ({kind})", unit="epoch", mininterval=interval)
