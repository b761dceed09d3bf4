"""Progress in a run's log, in a bounded number of lines."""

import logging
import statistics
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hgt_repurposing.training.loop import EpochResult
else:
    EpochResult = Any  # its module would load torch

EPOCH_LINES = 20
"""Approximate number of epochs that are logged."""
BLOCK_LINES = 10


def epoch_logger(log: logging.Logger, num_epochs: int) -> Callable[[EpochResult], None]:
    """Log the first, the last and about twenty epochs in between."""
    every = max(1, num_epochs // EPOCH_LINES)
    seconds: list[float] = []

    def write(result: EpochResult) -> None:
        seconds.append(result.seconds)
        if result.epoch in (1, num_epochs) or result.epoch % every == 0:
            pace = statistics.median(seconds[-every:])
            log.info(
                "epoch %d of %d: loss %.4f, %.2f epochs per second, %.0f s left, memory allocated / cached / peak "
                "%.2f / %.2f / %.2f GiB",
                result.epoch, num_epochs, result.loss, 1 / pace, pace * (num_epochs - result.epoch),
                result.allocated_gb, result.cached_gb, result.peak_gb,
            )  # fmt: skip

    return write


def block_logger(log: logging.Logger, num_diseases: int) -> Callable[[int], None]:
    """Log about ten lines over all diseases; called with the number of diseases in each block."""
    done = 0

    def write(count: int) -> None:
        nonlocal done
        done += count
        if done * BLOCK_LINES // num_diseases > (done - count) * BLOCK_LINES // num_diseases:
            log.info("scored all drugs for %d of %d diseases", done, num_diseases)

    return write
