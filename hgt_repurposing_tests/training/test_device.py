"""Devices: which is picked, what its memory is, and what it says when there is no more."""

import numpy as np
import pytest
import torch

from hgt_repurposing.training.device import ComputeDevice, PeakWatch, is_out_of_memory
from hgt_repurposing.training.loop import training_device
from hgt_repurposing.training.params import DeviceChoice
from hgt_repurposing_tests.training.runs import small

CPU, CUDA, MPS = (ComputeDevice(torch.device(name)) for name in ("cpu", "cuda", "mps"))


def pretend(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Let the machine have these devices beside its CPU."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: "cuda" in names)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: "mps" in names)


# which


@pytest.mark.parametrize(
    ("names", "picked"), [((), "cpu"), (("cuda",), "cuda"), (("mps",), "mps"), (("cuda", "mps"), "mps")]
)
def test_auto_is_mps_else_cuda_else_cpu(names: tuple[str, ...], picked: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, *names)
    assert ComputeDevice.pick("auto").name == training_device(small(device="auto")).name == picked


@pytest.mark.parametrize(("names", "picked"), [((), "cpu"), (("mps",), "cpu"), (("cuda", "mps"), "cuda")])
def test_auto_never_puts_the_full_graph_on_mps(
    names: tuple[str, ...], picked: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend(monkeypatch, *names)
    assert training_device(small(device="auto", use_batched_mps=False)).name == picked


@pytest.mark.parametrize("missing", ["cuda", "mps"])
def test_a_device_that_is_not_there_is_named_with_those_that_are(
    missing: DeviceChoice, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend(monkeypatch, *{"cuda", "mps"} - {missing})
    there = "mps|cuda"
    message = rf"device '{missing}' is not available on this machine \(available: ({there}), cpu\)"
    with pytest.raises(ValueError, match=message):
        ComputeDevice.pick(missing)


def test_only_mps_wants_fixed_shapes() -> None:
    assert [device.wants_fixed_shapes for device in (CPU, CUDA, MPS)] == [False, False, True]


# memory


def test_memory_of_the_process_is_read() -> None:
    reading = CPU.read_memory()
    assert 0.05 < reading.allocated <= reading.peak
    assert reading.cached == 0
    assert str(reading) == f"{reading.allocated:.2f} / 0.00 / {reading.peak:.2f} GiB"


def test_free_memory_of_the_cpu_is_that_of_the_machine() -> None:
    assert 0 < CPU.free_gb() < 100_000


def test_a_limit_is_no_matter_of_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    for backend in (torch.cuda, torch.mps):
        monkeypatch.setattr(backend, "set_per_process_memory_fraction", lambda *given: asked.append(given))
    CPU.limit(1)
    assert asked == []


@pytest.mark.parametrize(("gigabytes", "share"), [(4.0, 0.5), (100.0, 2.0)])
def test_a_limit_on_mps_is_a_share_of_what_metal_recommends_and_at_most_twice_that(
    gigabytes: float, share: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[float] = []
    monkeypatch.setattr(torch.mps, "recommended_max_memory", lambda: 8 * 2**30)
    monkeypatch.setattr(torch.mps, "set_per_process_memory_fraction", asked.append)
    MPS.limit(gigabytes)
    assert asked == [share]


@pytest.mark.parametrize(("gigabytes", "share"), [(4.0, 0.5), (100.0, 1.0)])
def test_a_limit_on_cuda_is_a_share_of_all_its_memory(
    gigabytes: float, share: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[float] = []
    card = type("Card", (), {"total_memory": 8 * 2**30})
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: card)
    monkeypatch.setattr(torch.cuda, "set_per_process_memory_fraction", lambda fraction, _: asked.append(fraction))
    CUDA.limit(gigabytes)
    assert asked == [share]


@pytest.mark.parametrize("keep", [False, True])
def test_a_peak_is_seen_whether_or_not_it_still_lasts(keep: bool) -> None:  # noqa: FBT001  (a parameter of the test)
    quarter = 2**28
    with PeakWatch(CPU) as watch:
        held = [np.ones(quarter, dtype=np.uint8)]
        assert held[0].nbytes == quarter
        while watch.peak_above_start < 0.2:  # touched already: this only waits for the watcher, or does not end
            pass
        if not keep:
            held.clear()
    assert 0.2 < watch.peak_above_start < 0.5


# out of memory


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB."),
        RuntimeError("[enforce fail at alloc_cpu.cpp:118] err == 0. DefaultCPUAllocator: can't allocate memory: you"),
        RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 8 bytes."),  # Windows
        RuntimeError("MPS backend out of memory (MPS allocated: 9.00 GiB, other allocations: 1.00 MiB)"),
    ],
    ids=repr,
)
def test_the_errors_of_all_allocators_are_known(error: BaseException) -> None:
    assert is_out_of_memory(error)


@pytest.mark.parametrize(
    "error", [RuntimeError("mat1 and mat2 shapes cannot be multiplied"), ValueError("out of memory")], ids=repr
)
def test_other_errors_are_not_taken_for_a_lack_of_memory(error: BaseException) -> None:
    assert not is_out_of_memory(error)


def test_what_torch_says_when_memory_is_really_not_there_is_known() -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**61, dtype=torch.uint8)
    assert is_out_of_memory(caught.value)
