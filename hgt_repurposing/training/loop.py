"""Link-prediction training: batches, accumulated gradients, one update per epoch."""

import importlib.metadata
import itertools
import logging
import math
import sys
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple, NoReturn, Self

import numpy as np
import pandas as pd
import torch
from pandera.pandas import Check, Column, DataFrameSchema
from torch import Tensor
from torch_geometric.data import HeteroData
from tqdm import tqdm

from hgt_repurposing.model.fastrp import fingerprints
from hgt_repurposing.model.trained import HGTModel
from hgt_repurposing.sampling.flat_graph import FlatGraph
from hgt_repurposing.sampling.prefetch import prefetched
from hgt_repurposing.table_schema import require_schema
from hgt_repurposing.training.device import ComputeDevice, PeakWatch, is_out_of_memory, threads_for
from hgt_repurposing.training.memory_plan import BatchPlan
from hgt_repurposing.training.params import EmbeddingParams
from hgt_repurposing.training.schedule import learning_rate_at
from hgt_repurposing.training.step import Batches, Prepared, losses
from hgt_repurposing.training.training_state import (
    Checkpoint,
    CheckpointStore,
    NoCheckpoints,
    adam_state,
    cpu_copy,
    fingerprint_of,
    load_adam_state,
)

logger = logging.getLogger(__name__)

PREDICTION_IS_OFF = 1.25
"""Ratio of measured to predicted peak from which a warning is logged."""
NOTABLE_GB = 0.2
"""Below this, the peak is dominated by libraries and the allocator's cache, which the prediction excludes."""
PILED_UP = 0.5
"""Share of the predicted peak that may stay in use between batches before freed memory is released."""
FIRST_FULL_EPOCH = 2
"""The first epoch that starts with the optimiser's state in memory."""


class EpochResult(NamedTuple):
    """One row of the training history."""

    epoch: int
    """Epoch, counted from 1."""
    loss: float
    """Mean loss of the epoch's batches."""
    chance_loss: float
    """Loss of a model that scores all edges alike; a useful model is below it."""
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


MEASURED = ("seconds", "allocated_gb", "cached_gb", "peak_gb")
"""Fields of EpochResult that differ between identical runs: cost, not results."""
_NOT_NEGATIVE = Check.ge(0, error="be at least 0")

HISTORY_SCHEMA = DataFrameSchema(
    {
        "epoch": Column("int64", Check(lambda column: column == column.index + 1, error="count from 1")),
        "loss": Column("float64", Check(np.isfinite, error="be finite")),
        "chance_loss": Column("float64", _NOT_NEGATIVE),
        "seconds": Column("float64", _NOT_NEGATIVE),
        "num_nodes": Column("int64", _NOT_NEGATIVE),
        "num_messages": Column("int64", _NOT_NEGATIVE),
        "allocated_gb": Column("float64", _NOT_NEGATIVE),
        "cached_gb": Column("float64", _NOT_NEGATIVE),
        "peak_gb": Column("float64", _NOT_NEGATIVE),
    }
)


@dataclass(frozen=True, eq=False)
class TrainingResult:
    """A trained model and its training history."""

    model: HGTModel
    history: pd.DataFrame
    """One row per epoch, columns as in EpochResult and `HISTORY_SCHEMA`."""
    device: str
    """Device it was trained on."""

    def __post_init__(self) -> None:
        require_schema(self.history, HISTORY_SCHEMA, what="a training history")

    def to_parts(self) -> dict[str, Any]:
        """What `artifacts.py` writes; the inverse of `from_parts`. Any: one of its part shapes."""
        history, measured = self.history.drop(columns=list(MEASURED)), self.history[["epoch", *MEASURED]]
        return {
            **self.model.to_parts(),
            "history.csv": history,
            "history.parquet": history,
            "measured.csv": measured,
            "measured.parquet": measured,
            "training.json": {"device": self.device},
        }

    @classmethod
    def from_parts(cls, parts: Mapping[str, Any]) -> Self:
        """Inverse of `to_parts`."""
        history = parts["history.parquet"].merge(parts["measured.parquet"], on="epoch", validate="one_to_one")
        device = parts["training.json"]["device"]
        return cls(HGTModel.from_parts(parts), history[list(EpochResult._fields)], device)


def fit(
    data: HeteroData,
    params: EmbeddingParams,
    *,
    on_epoch: Callable[[EpochResult], None] = lambda _: None,
    checkpoints: CheckpointStore | None = None,
    graph_digest: str = "",
    code_version: str = "",
) -> TrainingResult:
    """Train an HGT by link prediction over all edge types of a graph.

    Args:
        data: The message graph, without held-out drug-disease edges.
        params: Sizes, sampling, epochs and seed.
        on_epoch: Called after every epoch.
        checkpoints: Where the state is saved every `checkpoint_every` epochs and restored from after a stop.
        graph_digest: Digest of `data`; checkpoints of other graphs are not resumed.
        code_version: Names the code; checkpoints of other code are not resumed. Empty: the version of this package.

    Raises:
        ValueError: If the device is not available, memory is too small, or the loss is no longer finite.
    """
    device = training_device(params)
    fingerprint = fingerprint_of(
        params.model_dump(),
        graph_digest=graph_digest,
        device=device.name,
        code_version=code_version or importlib.metadata.version("hgt_repurposing"),
    )
    store = checkpoints or NoCheckpoints()
    size = data.num_nodes * params.hidden_dim
    with (
        threads_for(size),
        PeakWatch(device, interval=0.02) as memory,
        closing(_Run.start(data, params, device)) as run,
    ):
        run.resume(store.latest(fingerprint))
        with _progress_bar(params, done=len(run.history)) as bar:
            for epoch in range(len(run.history) + 1, params.num_epochs + 1):
                started = time.perf_counter()
                loss, last = run.epoch(epoch, memory)
                seconds = time.perf_counter() - started
                reading = device.read_memory()
                result = EpochResult(
                    epoch, loss, params.chance_loss, seconds, last.num_nodes, last.num_messages, *reading
                )
                run.history.append(result)
                if params.checkpoint_every and epoch % params.checkpoint_every == 0 and epoch < params.num_epochs:
                    store.save(run.checkpoint(fingerprint))
                bar.set_postfix_str(f"loss {loss:.4f}, memory allocated / cached / peak {reading}", refresh=False)
                bar.update()
                on_epoch(result)
    run.model.network.to("cpu").eval()
    device.release()
    return TrainingResult(run.model, pd.DataFrame(run.history), device.name)


def untrained(data: HeteroData, params: EmbeddingParams) -> HGTModel:
    """The initial model of `fit`: a control that shows what training adds to inputs and structure.

    Args:
        data: The message graph.
        params: Sizes and seed.
    """
    model = _new_model(FlatGraph.from_hetero_data(data), params)
    model.network.eval()
    return model


def _new_model(graph: FlatGraph, params: EmbeddingParams) -> HGTModel:
    """A model with weights, and fingerprints if these are the inputs, drawn from the seed."""
    given: Tensor | None = None
    if params.node_inputs == "fastrp":
        ends = [(source.numpy(), target.numpy()) for source, target in zip(graph.sources, graph.targets, strict=True)]
        given = torch.from_numpy(fingerprints(ends, num_nodes=graph.num_nodes, seed=params.seed))
    generator = torch.Generator().manual_seed(params.seed)
    return HGTModel.build(graph.metadata, params.shape, generator=generator, fingerprints=given)


def training_device(params: EmbeddingParams) -> ComputeDevice:
    """The device that the parameters select on this machine; `auto` never selects MPS for the full graph.

    Raises:
        ValueError: If the requested device is not available.
    """
    if params.sampling != "full graph" or params.device != "auto":
        return ComputeDevice.pick(params.device)
    return ComputeDevice.pick("cuda" if torch.cuda.is_available() else "cpu")


@dataclass(eq=False)
class _Run:
    """A training run in progress."""

    params: EmbeddingParams
    device: ComputeDevice
    model: HGTModel
    optimizer: torch.optim.Optimizer
    batches: Batches
    step: int
    """Batches drawn so far."""
    history: list[EpochResult]
    shrunk: bool = False
    """Whether memory has run out before."""
    _ahead: Generator[Prepared, None, None] | None = field(default=None, init=False)
    """Batches from `step`, each drawn while the previous one is computed."""

    @classmethod
    def start(cls, data: HeteroData, params: EmbeddingParams, device: ComputeDevice) -> "_Run":
        batches = Batches.of_graph(data, params, fixed_shapes=device.wants_fixed_shapes)
        graph = batches.graph
        model = _new_model(graph, params)
        budget = device.free_gb() if params.memory_budget_gb is None else params.memory_budget_gb
        if params.memory_budget_gb is not None:
            device.limit(params.memory_budget_gb)
        batches.fit_into(budget, num_parameters=model.num_parameters, chunked=device.name != "cpu")
        model.network.to(device.torch).train()
        optimizer = torch.optim.AdamW(
            model.network.parameters(), lr=params.learning_rate, weight_decay=params.weight_decay, fused=True
        )
        logger.info(
            "training on %s: %d parameters, %d nodes, %d relations, seed %d",
            device.name, model.num_parameters, graph.num_nodes, graph.num_relations, params.seed,
        )  # fmt: skip
        return cls(params, device, model, optimizer, batches, 0, [])

    def resume(self, checkpoint: Checkpoint | None) -> None:
        """Resume from a checkpoint, if there is one and it is not past the end of this run."""
        if checkpoint is None or checkpoint.epoch > self.params.num_epochs:
            return
        network = self.model.network
        network.load_state_dict(dict(checkpoint.weights))
        load_adam_state(self.optimizer, network, checkpoint.optimizer)
        self.step = checkpoint.step
        self.batches.use_smaller(BatchPlan(**checkpoint.plan))
        self.history = [EpochResult(*row) for row in checkpoint.history.itertuples(index=False, name=None)]
        logger.info("resuming from the checkpoint after epoch %d of %d", checkpoint.epoch, self.params.num_epochs)

    def checkpoint(self, fingerprint: str) -> Checkpoint:
        """The state after the last epoch."""
        return Checkpoint(
            fingerprint=fingerprint,
            epoch=len(self.history),
            step=self.step,
            plan=asdict(self.batches.plan),
            weights=cpu_copy(self.model.network.state_dict()),
            optimizer=adam_state(self.optimizer, self.model.network),
            history=pd.DataFrame(self.history),
        )

    def epoch(self, epoch: int, memory: PeakWatch) -> tuple[float, Prepared]:
        """One update from the gradients of all batches; if memory runs out, retried once with smaller batches."""
        try:
            result = self._update(epoch, memory)
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
            if self.shrunk:
                raise ValueError(self._out_of_memory(epoch)) from error
            reason = _first_line(error)
        else:
            self._keep_within_budget(epoch, memory)
            return result
        self._shrink(reason)  # outside the handler: the error keeps the step's memory alive
        return self.epoch(epoch, memory)

    def close(self) -> None:
        """Stop prefetching."""
        if self._ahead is not None:
            self._ahead.close()
        self._ahead = None

    def _update(self, epoch: int, memory: PeakWatch) -> tuple[float, Prepared]:
        num_batches = self.batches.plan.accumulation_steps
        if self._ahead is None:
            self._ahead = prefetched(self.batches.prepare, itertools.count(self.step))
        self.optimizer.zero_grad(set_to_none=True)
        total = 0.0
        for drawn in itertools.islice(self._ahead, num_batches):
            prepared = drawn.to(self.device.torch)
            loss = self._backward(epoch, prepared, num_batches)
            total += loss / num_batches
            # On the CPU only if memory has accumulated: batches differ in size, so freed blocks fit the next batch
            # badly, and a heap that is never trimmed grows with every batch.
            if self.device.name != "cpu" or memory.above_start > PILED_UP * self.batches.predicted_gb:
                self.device.release()
        self._step_weights(epoch)
        self.step += num_batches
        return total, prepared

    def _step_weights(self, epoch: int) -> None:
        if self.params.gradient_clip is not None:
            torch.nn.utils.clip_grad_norm_(self.model.network.parameters(), self.params.gradient_clip)
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate_at(epoch, self.params)
        self.optimizer.step()

    def _backward(self, epoch: int, prepared: Prepared, num_batches: int) -> float:
        loss, terms = losses(self.model, prepared, self.params, backend=self.batches.backend(self.device))
        value = loss.item()
        if not math.isfinite(value):
            raise ValueError(self._not_finite(epoch, value, terms, prepared))
        (loss / num_batches).backward()
        return value

    def _not_finite(self, epoch: int, loss: float, terms: Tensor, prepared: Prepared) -> str:
        relation = prepared.positives.relation[~terms.isfinite()]
        names = [str(self.model.metadata.relations[number]) for number in relation.unique().tolist()]
        where = f"first at {names[0]}, in {len(names)} edge types" if names else "in the contrastive loss"
        return (
            f"loss is {loss} in epoch {epoch}, {where}: lower learning_rate (it is {self.params.learning_rate}), "
            "or check the node features for non-finite values"
        )

    def _keep_within_budget(self, epoch: int, memory: PeakWatch) -> None:
        """Enforce the budget on the CPU, which has no memory limit of its own as CUDA and MPS do."""
        predicted, peak = self.batches.predicted_gb, memory.peak_above_start
        if epoch == FIRST_FULL_EPOCH:
            logger.info("memory: %.2f GiB at the peak so far, %.2f GiB predicted", peak, predicted)
            if peak > PREDICTION_IS_OFF * max(predicted, NOTABLE_GB):
                logger.warning("training takes %.1f times the predicted memory", peak / predicted)
        budget = self.params.memory_budget_gb
        if budget is not None and self.device.name == "cpu" and not self.shrunk and peak > budget:
            self._shrink(f"training took {peak:.2f} GiB, more than memory_budget_gb, {budget:.2f}")

    def _out_of_memory(self, epoch: int) -> str:
        params, plan = self.params, self.batches.plan
        smaller = {
            "full graph": "set use_batched_mps to true",
            "edge": f"lower edge_sample_size below {plan.edge_sample_size}",
            "neighbor": f"lower node_batch_size below {plan.node_batch_size} or num_neighbors ({params.num_neighbors})",
        }[params.sampling]
        return (
            f"out of memory in epoch {epoch}, even with half the batch: {smaller}, or lower hidden_dim "
            f"({params.hidden_dim}) or embedding_dim ({params.embedding_dim})"
        )

    def _shrink(self, reason: str) -> None:
        """Halve the batch and double the batches per update."""
        self.close()
        self.optimizer.zero_grad(set_to_none=True)
        self.batches.use(self.batches.plan.halved())
        self.shrunk = True
        self.device.release()
        plan = self.batches.plan
        logger.warning(
            "out of memory (%s): continuing with half the batch, %d edges per type or %d seed nodes, %d batches per "
            "update", reason, plan.edge_sample_size, plan.node_batch_size, plan.accumulation_steps,
        )  # fmt: skip


def _first_line(error: BaseException) -> str:
    """An error's message without the stack trace that torch may add."""
    return next(iter(str(error).splitlines()), type(error).__name__)


def _progress_bar(params: EmbeddingParams, *, done: int) -> "tqdm[NoReturn]":
    """A live bar in a terminal; a line every ten seconds in a file or a pipe."""
    kind = "full graph" if params.sampling == "full graph" else f"{params.sampling} sampling"
    interval = 0.2 if sys.stderr.isatty() else 10.0
    return tqdm(
        total=params.num_epochs, initial=done, desc=f"Training HGT ({kind})", unit="epoch", mininterval=interval
    )
