"""The device check passes on the CPU, and does not pass what is wrong."""

from collections.abc import Iterator
from dataclasses import dataclass

import check_device
import device_checks
import pytest
import torch
from device_case import CPU, Case, Engine, engines_of
from device_checks import Check, guarded, run_checks
from torch import Tensor

from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.model.attention_compiled import CompiledBackend
from hgt_repurposing.model.edge_plan import RelationEdges
from hgt_repurposing.training.device import ComputeDevice

TINY = check_device.SHORT.model_copy(
    update={
        "embedding_dim": 16,
        "hidden_dim": 16,
        "num_heads": 2,
        "num_epochs": 20,
        "edge_sample_size": 60,
        "learning_rate": 0.03,
    }
)
MPS = ComputeDevice(torch.device("mps"))
"""Only a name here."""


@dataclass(frozen=True)
class ScaledBackend(CompiledBackend):
    """Messages a thousandth too long."""

    def attend(
        self, query: Tensor, key_value: Tensor, edges: RelationEdges, num_heads: int
    ) -> tuple[Tensor, Tensor, Tensor]:
        summed, high, total = super().attend(query, key_value, edges, num_heads)
        return 1.001 * summed, high, total


@dataclass(frozen=True)
class IncompleteBackend(CompiledBackend):
    """As on a device without an operator."""

    def attend(self, *_: object) -> tuple[Tensor, Tensor, Tensor]:
        raise NotImplementedError("The operator 'aten::cake' is not currently implemented for the MPS device. If ...")


@pytest.fixture(scope="module")
def case(demo_graph: KnowledgeGraph) -> Iterator[Case]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # so small a model gains nothing from more
    yield Case(demo_graph, TINY, CPU)
    torch.set_num_threads(threads)


@pytest.mark.slow
def test_the_cpu_passes_every_check(case: Case) -> None:
    started: list[str] = []
    checks = run_checks(case, engines_of(CPU), on_check=started.append)
    assert [check for check in checks if not check.ok] == []
    assert {check.name for check in checks} >= {"layer: gradients", "model: gradients", "memory: peak", "batch shapes"}
    assert len(started) == len(set(started))
    assert check_device.verdict(checks, CPU) == "ok: train on cpu"


def test_an_engine_that_is_off_by_a_thousandth_fails_parity(case: Case) -> None:
    engine = Engine("cpu, scaled", CPU, ScaledBackend())
    for measure in (device_checks.layer, device_checks.encoder, device_checks.gradients):
        assert not any(check.ok for check in measure(case, engine))


def test_an_error_is_a_row_that_fails_and_names_the_missing_operator(case: Case) -> None:
    engine = Engine("mps", CPU, IncompleteBackend())
    rows = guarded("layer", device_checks.layer, case, engine)
    assert [(check.ok, check.note) for check in rows] == [(False, "aten::cake is missing")]
    assert check_device.table(rows)[1].split() == ["layer", "mps", "nan", "0", "FAILED", "aten::cake", "is", "missing"]
    assert check_device.verdict(rows, MPS).startswith("use cpu: layer on mps. With PYTORCH_ENABLE_MPS_FALLBACK=1 set,")


def test_every_operator_runs(case: Case) -> None:
    rows = list(device_checks.operators(case, engines_of(CPU)[0]))
    assert len(rows) == len(device_checks.OPERATORS)
    assert [check.figure for check in rows] == [0] * len(rows)


def test_a_figure_that_is_not_a_number_fails() -> None:
    assert not Check("layer", "cpu", float("nan"), 1.0).ok


def test_a_failure_on_the_cpu_is_no_reason_to_use_the_cpu() -> None:
    failed = Check("layer: output", "cpu, compiled", 1.0, 1e-5)
    verdict = check_device.verdict([failed], MPS)
    assert verdict == "FAILED: do not train on this machine before this is understood: layer: output on cpu, compiled"


def test_a_device_that_is_right_but_slower_is_not_recommended() -> None:
    steps = [Check(device_checks.STEP, "cpu, compiled", 20.0), Check(device_checks.STEP, "mps", 50.0)]
    assert check_device.verdict(steps, MPS) == "use cpu at this size: mps is right, but a step takes 2.5 times as long"


@pytest.mark.skipif(torch.backends.mps.is_available(), reason="has MPS")
def test_a_device_that_is_not_there_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert check_device.main(["--device", "mps"]) == 1
    assert capsys.readouterr().err.startswith("device 'mps' is not available on this machine")
