"""What `check_device.py` measures, with a limit for each figure: parity, gradients, training, memory and speed."""

import re
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import NamedTuple

import numpy as np
import torch
from device_case import GIB_IN_MIB, Case, Engine, embed, engines_of, moved, relative_error, worst_gradient
from torch import Tensor
from torch.nn import functional

from hgt_repurposing.embeddings.inference import embed_all_nodes
from hgt_repurposing.model.attention_chunked import ChunkedBackend
from hgt_repurposing.model.trained import HGTModel
from hgt_repurposing.training.loop import PREDICTION_IS_OFF
from hgt_repurposing.training.step import Prepared, losses

ERROR_BARS = {"cpu": 1e-5, "cuda": 1e-4, "mps": 1e-4}
"""Largest relative error, in Euclidean norm. In float32, sums in a different order differ by about 1e-6; a GPU's fast
exponentials may differ by more. TF32 products, which round factors to 11 bits, change outputs by 5e-4 and gradients by
2e-3 (measured). Anything wrong or missing gives larger errors."""
GRADIENT_FACTOR = 5
"""Extra allowance for the worst parameter's gradient, whose terms cancel: 6e-6 on the reference graph, on the CPU."""
LOSS_BAR = 0.98
"""Largest ratio of the mean loss of the last third to that of the first."""
GROWTH_BAR_MIB = 128.0
"""Memory that MPS keeps for three new shapes (13.7 GB for 315 shapes: pytorch#181485)."""
PEAK_ALLOWANCE_MIB = 64.0
"""Normal fluctuation of a process's memory."""
SHAPES_BAR = 3
SETTLED_AFTER = 5
"""Batches after which memory should no longer grow."""
WARM_UP, TIMED = 3, 9
"""Untimed and timed steps."""
STEP = "step, float32"
MISSING_OPERATOR = re.compile(r"operator '([\w:.]+)'")
"""Matches torch's message about an operator that a device lacks."""
IS_MISSING = "is missing"
IS_REUSED = "; memory that the process already held and reused is not counted"


class Check(NamedTuple):
    """One row of the table."""

    name: str
    on: str
    """Name of the engine."""
    figure: float
    bar: float | None = None
    """Largest value that passes; None if the figure is only reported."""
    unit: str = ""
    note: str = ""

    @property
    def ok(self) -> bool:
        """Whether the figure is within its limit; NaN never is."""
        return self.bar is None or self.figure <= self.bar


Measure = Callable[[Case, Engine], Iterator[Check]]


def run_checks(case: Case, engines: list[Engine], *, on_check: Callable[[str], None]) -> list[Check]:
    """Run all checks; an error becomes a failed row and does not stop the others.

    Args:
        case: Graph, model and batches to check with.
        engines: Engines to compare with the expected values; the device's engine comes last.
        on_check: Called with the name of each check before it begins.
    """
    in_training = engines_of(case.device, chunk_edges=ChunkedBackend.chunk_edges)
    plan = [(measure, engine) for measure in (layer, encoder, gradients) for engine in engines]
    plan += [(measure, replace(engines[-1], name=case.device.name)) for measure in (training, memory, shapes)]
    plan += [(speed, engine) for engine in in_training]
    if case.device.name != "cpu":
        plan.insert(0, (operators, engines[-1]))
    rows: list[Check] = []
    for measure, engine in plan:
        on_check(f"{measure.__name__} on {engine.name}")
        rows += guarded(measure.__name__, measure, case, engine)
    return rows


def guarded(name: str, measure: Measure, case: Case, engine: Engine) -> list[Check]:
    """Rows of a check; an error becomes a failed row that names it."""
    rows: list[Check] = []
    try:
        rows.extend(measure(case, engine))
    except Exception as error:  # any error belongs in the table
        rows.append(Check(name, engine.name, np.nan, 0.0, note=_sentence(error)))
    return rows


def operators(case: Case, engine: Engine) -> Iterator[Check]:
    """The model's building blocks, compared with the CPU: shows which one is at fault if a layer fails."""
    for name, operator in OPERATORS.items():
        yield from guarded(f"operator: {name}", partial(_operator, name=name, operator=operator), case, engine)


def layer(case: Case, engine: Engine) -> Iterator[Check]:
    """One layer compared with PyG's."""
    found, expected = case.run_layer(engine), case.expected_layer
    yield _parity("layer: output", engine, relative_error(found.output, expected.output))
    yield _gradient_parity("layer: gradients", engine, *worst_gradient(found.gradients, expected.gradients))


def encoder(case: Case, engine: Engine) -> Iterator[Check]:
    """All layers, on a batch as used for training on the device."""
    batch = case.batch_for(engine.device)
    found = embed(moved(case.model, engine.device), batch.to(engine.device.torch), engine.backend)
    yield _parity("encoder: output", engine, relative_error(found, case.expected_embeddings(batch)))


def gradients(case: Case, engine: Engine) -> Iterator[Check]:
    """Gradients of the training loss with respect to all parameters."""
    worst = worst_gradient(case.run_gradients(engine), case.expected_gradients)
    yield _gradient_parity("model: gradients", engine, *worst)


def training(case: Case, engine: Engine) -> Iterator[Check]:
    """Whether the loss falls, the embeddings are finite, and the same seed gives the same model."""
    first = case.first_training.result
    loss = first.history["loss"]
    third = len(loss) // 3
    fall = loss.tail(third).mean() / loss.head(third).mean()
    yield Check("training: loss, late / early", engine.name, fall, LOSS_BAR)
    vectors = embed_all_nodes(first.model, case.data, case.graph.nodes).vectors
    yield Check("training: non-finite numbers", engine.name, float((~np.isfinite(vectors)).sum()), 0.0)
    weights, again = (_all_weights(model) for model in (first.model, case.train().model))
    is_exact = engine.device.name == "cpu"
    note = "" if is_exact else "a GPU adds in varying order"
    difference = relative_error(again, weights)
    yield Check("training: repeated with the same seed", engine.name, difference, 0.0 if is_exact else None, note=note)


def memory(case: Case, engine: Engine) -> Iterator[Check]:
    """Whether memory grows from batch to batch, and whether its peak was predicted."""
    run = case.first_training
    history = run.result.history
    for column, name in (("allocated_gb", "memory: growth"), ("cached_gb", "memory: growth of the pool")):
        held = history[column] * GIB_IN_MIB
        if held.any():
            growth = held.iloc[-1] - held.iloc[: SETTLED_AFTER + 1].max()
            yield Check(name, engine.name, growth, GROWTH_BAR_MIB, "MiB", f"{held.iloc[-1]:.0f} MiB at the end")
    batches = case.batches(padded=case.device.wants_fixed_shapes)
    chunked = case.device.name != "cpu"
    batches.fit_into(case.device.free_gb(), num_parameters=case.model.num_parameters, chunked=chunked)
    predicted = batches.predicted_gb * GIB_IN_MIB
    bar = PREDICTION_IS_OFF * predicted + PEAK_ALLOWANCE_MIB
    note = f"{predicted:.0f} MiB predicted" + IS_REUSED * (case.device.name == "cpu")
    yield Check("memory: peak", engine.name, run.peak_mib, bar, "MiB", note)


def shapes(case: Case, engine: Engine) -> Iterator[Check]:
    """How many kernels a device would compile if it compiles one per shape."""
    batches = case.batches(padded=True)
    found = {_shape(batches.prepare(step)) for step in range(case.params.num_epochs)}
    note = f"of {case.params.num_epochs} padded batches"
    yield Check("batch shapes", engine.name, float(len(found)), SHAPES_BAR, note=note)


def speed(case: Case, engine: Engine) -> Iterator[Check]:
    """Milliseconds of a training step, including the copy of its batch; with bfloat16 where training would use it."""
    yield Check(STEP, engine.name, _step_ms(case, engine), unit="ms")
    if engine.name != "cpu, chunked":
        params = case.params.model_copy(update={"matmul_precision": "bfloat16"})
        reduced = Case(case.graph, params, case.device)
        yield Check("step, bfloat16 products", engine.name, _step_ms(reduced, engine), unit="ms")


Operator = Callable[[Tensor, Tensor, Tensor], Tensor]
"""Takes rows, shape [n, 64], a matrix, shape [64, 64], and row indices, shape [n]."""


def _mm_into_columns(rows: Tensor, matrix: Tensor, _: Tensor) -> Tensor:
    out = rows.new_empty(len(rows), 128)
    torch.mm(rows, matrix, out=out[:, 64:])
    return out[:, 64:]


def _addmm_into_rows(rows: Tensor, matrix: Tensor, _: Tensor) -> Tensor:
    out = torch.zeros_like(rows)
    torch.addmm(matrix[3], rows[5:], matrix, out=out[5:])
    return out


def _largest_by_index(rows: Tensor, _: Tensor, index: Tensor) -> Tensor:
    low = rows.new_full(rows.shape, -torch.inf)
    return low.scatter_reduce(0, index[:, None].expand_as(rows), rows, "amax").clamp_min(-9)


OPERATORS: dict[str, Operator] = {
    "mm of columns": lambda rows, matrix, _: rows[:, 16:48] @ matrix[:32, :32].T,
    "mm into columns": _mm_into_columns,
    "addmm into rows": _addmm_into_rows,
    "index_select of columns": lambda rows, _, index: rows[:, 16:48].index_select(0, index),
    "index_add_": lambda rows, _, index: torch.zeros_like(rows).index_add_(0, index, rows),
    "index_copy_": lambda rows, _, index: torch.zeros_like(rows).index_copy_(0, index.argsort(stable=True), rows),
    "scatter_reduce amax": _largest_by_index,
    "repeat_interleave": lambda rows, _, index: rows.repeat_interleave((index % 3).int(), dim=0),
    "exp": lambda rows, *_: rows.exp(),
    "gelu": lambda rows, *_: functional.gelu(rows),
    "layer_norm": lambda rows, *_: functional.layer_norm(rows, rows.shape[1:]),
    "softplus": lambda rows, *_: functional.softplus(rows),
}


def _operator(case: Case, engine: Engine, *, name: str, operator: Operator) -> Iterator[Check]:
    generator = torch.Generator().manual_seed(case.params.seed)
    rows, matrix = (torch.randn(size, 64, generator=generator) for size in (301, 64))
    given = rows, matrix, torch.randint(len(rows), (len(rows),), generator=generator)
    found = operator(*(part.to(engine.device.torch) for part in given))
    yield _parity(f"operator: {name}", engine, relative_error(found, operator(*given)))


def _parity(name: str, engine: Engine, error: float) -> Check:
    return Check(name, engine.name, error, ERROR_BARS[engine.device.name])


def _gradient_parity(name: str, engine: Engine, error: float, parameter: str) -> Check:
    return Check(name, engine.name, error, GRADIENT_FACTOR * ERROR_BARS[engine.device.name], note=parameter)


def _all_weights(model: HGTModel) -> Tensor:
    return torch.cat([parameter.detach().flatten() for parameter in model.network.parameters()])


def _shape(prepared: Prepared) -> tuple[int, ...]:
    """All sizes that the tensors of a step depend on if every layer computes every node."""
    relations = prepared.plan.layers[0].relations
    sizes = ((edges.relation, *(len(part) for part in edges if isinstance(part, Tensor))) for edges in relations)
    scored = prepared.positives.relation.bincount().tolist()
    return (*prepared.plan.type_ptr, *chain.from_iterable(sizes), *scored)


def _step_ms(case: Case, engine: Engine) -> float:
    """Median time of some steps."""
    batches = case.batches(padded=engine.device.wants_fixed_shapes)
    model = moved(case.model, engine.device)
    optimizer = torch.optim.Adam(model.network.parameters(), lr=case.params.learning_rate, fused=True)
    seconds = []
    for number in range(WARM_UP + TIMED):
        drawn = batches.prepare(number)
        engine.device.synchronize()
        started = time.perf_counter()
        optimizer.zero_grad()
        losses(model, drawn.to(engine.device.torch), case.params, backend=engine.backend)[0].backward()
        optimizer.step()
        engine.device.synchronize()
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds[WARM_UP:]) * 1000


def _sentence(error: Exception) -> str:
    missing = MISSING_OPERATOR.search(str(error))
    if isinstance(error, NotImplementedError) and missing:
        return f"{missing[1]} {IS_MISSING}"
    return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"[:120]
