"""Progress in a run's log, however long the work is."""

import logging
from types import SimpleNamespace
from typing import Any

import pytest

from hgt_repurposing.defs.progress import block_logger, epoch_logger

LOG = logging.getLogger(__name__)


def epoch(number: int) -> Any:
    """One row of a training history. Any: an EpochResult, whose module would load torch."""
    return SimpleNamespace(epoch=number, loss=0.5, seconds=0.25, allocated_gb=1.0, cached_gb=2.0, peak_gb=3.0)


@pytest.mark.parametrize(("num_epochs", "lines"), [(1, 1), (5, 5), (40, 21), (1000, 21)])
def test_the_first_the_last_and_about_twenty_epochs_are_written(
    num_epochs: int, lines: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    write = epoch_logger(LOG, num_epochs)
    for number in range(1, num_epochs + 1):
        write(epoch(number))
    assert len(caplog.messages) == lines
    assert caplog.messages[0].startswith(f"epoch 1 of {num_epochs}: loss 0.5000, 4.00 epochs per second")
    assert f"epoch {num_epochs} of {num_epochs}" in caplog.messages[-1]
    assert ", 0 s left, memory allocated / cached / peak 1.00 / 2.00 / 3.00 GiB" in caplog.messages[-1]


@pytest.mark.parametrize(("blocks", "lines"), [([7], 1), ([1] * 7, 7), ([10] * 100, 10), ([600, 400], 2)])
def test_about_ten_lines_are_written_on_the_way_through_all_diseases(
    blocks: list[int], lines: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    write = block_logger(LOG, sum(blocks))
    for count in blocks:
        write(count)
    assert len(caplog.messages) == lines
    assert caplog.messages[-1] == f"scored all drugs for {sum(blocks)} of {sum(blocks)} diseases"
