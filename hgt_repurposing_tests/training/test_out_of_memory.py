"""Running out of memory: once, training goes on with half the batch; twice, it says what to lower."""

import logging
import re

import pytest
import torch
from torch import Tensor
from torch_geometric.data import HeteroData

from hgt_repurposing.storage.checkpoints import CheckpointFolder
from hgt_repurposing.training import loop
from hgt_repurposing.training.loop import fit
from hgt_repurposing.training.step import Prepared, losses
from hgt_repurposing_tests.training.runs import STRATEGIES, Interrupted, StopAfter, assert_same_run, small

CPU_SAYS = "[enforce fail at alloc_cpu.cpp:118] err == 0. DefaultCPUAllocator: can't allocate memory: you tried"
ERRORS = [torch.OutOfMemoryError("CUDA out of memory"), RuntimeError(f"{CPU_SAYS}\nframe #0: c10"), MemoryError()]


def fail(monkeypatch: pytest.MonkeyPatch, failures: dict[int, BaseException]) -> list[int]:
    """Let the computation of a batch fail at these calls, counted from 1; gives the steps computed, as they come."""
    num_calls = 0
    steps: list[int] = []

    def failing(model: object, prepared: Prepared, *given: object, **more: object) -> tuple[Tensor, Tensor]:
        nonlocal num_calls
        num_calls += 1
        if num_calls in failures:
            raise failures[num_calls]
        steps.append(prepared.step)
        return losses(model, prepared, *given, **more)  # type: ignore[arg-type]  # what training hands over

    monkeypatch.setattr(loop, "losses", failing)
    return steps


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_once_it_goes_on_with_half_the_batch_and_twice_as_many_of_them(
    data: HeteroData,
    strategy: str,
    error: BaseException,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    params = small(STRATEGIES[strategy], node_batch_size=50)
    before = params.accumulation_steps if params.use_batched_mps else 1
    fail(monkeypatch, {before + 1: error})  # the first batch of epoch 2
    with caplog.at_level(logging.WARNING, "hgt_repurposing"):
        history = fit(data, params).history
    assert history["epoch"].tolist() == [1, 2, 3]
    (record,) = caplog.records
    reason = re.escape(str(error).split("\n")[0] or "MemoryError")
    expected = rf"out of memory \({reason}\): continuing with half the batch, 100 edges per type or 25 seed nodes, "
    assert re.fullmatch(rf"{expected}{2 * before} batches per update", record.getMessage())


def test_the_epoch_that_failed_is_done_again_from_its_beginning(
    data: HeteroData, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = fail(monkeypatch, {4: MemoryError()})  # the second of two batches of epoch 2
    history = fit(data, small()).history
    assert steps == [0, 1, 2, *range(2, 6), *range(6, 10)]
    assert history["num_messages"].iloc[0] > 1.5 * history["num_messages"].iloc[1]


def test_half_a_gradient_is_not_kept(data: HeteroData, monkeypatch: pytest.MonkeyPatch) -> None:
    """Failing at the first or at the second batch of an update ends in the same weights."""
    runs = []
    for call in (3, 4):
        with monkeypatch.context() as patch:
            fail(patch, {call: MemoryError()})
            runs.append(fit(data, small()))
    assert_same_run(*runs)


@pytest.mark.parametrize(
    ("strategy", "advice"),
    [
        ("edge", r"lower edge_sample_size below 100"),
        ("neighbor", r"lower node_batch_size below 25 or num_neighbors \(\[3, 3\]\)"),
        ("full graph", r"set use_batched_mps to true"),
    ],
)
def test_a_second_time_it_ends_in_one_sentence(
    data: HeteroData, strategy: str, advice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail(monkeypatch, {1: RuntimeError(CPU_SAYS), 2: RuntimeError(CPU_SAYS)})
    message = (
        rf"^out of memory in epoch 1, even with half the batch: {advice}, or lower hidden_dim \(16\) or embedding_dim "
        r"\(24\)$"
    )
    with pytest.raises(ValueError, match=message):
        fit(data, small(STRATEGIES[strategy]))


def test_other_errors_pass_through(data: HeteroData, monkeypatch: pytest.MonkeyPatch) -> None:
    fail(monkeypatch, {3: RuntimeError("mat1 and mat2 shapes cannot be multiplied")})
    with pytest.raises(RuntimeError, match=r"^mat1 and mat2 shapes cannot be multiplied$"):
        fit(data, small())


def test_a_resumed_run_keeps_its_smaller_batches(
    data: HeteroData, monkeypatch: pytest.MonkeyPatch, store: CheckpointFolder
) -> None:
    params = small(num_epochs=4, checkpoint_every=1)
    with monkeypatch.context() as patch:
        fail(patch, {3: MemoryError()})
        unbroken = fit(data, params)
    with monkeypatch.context() as patch:
        fail(patch, {3: MemoryError()})
        with pytest.raises(Interrupted):
            fit(data, params, checkpoints=store, on_epoch=StopAfter(3))
    assert_same_run(fit(data, params, checkpoints=store), unbroken)
