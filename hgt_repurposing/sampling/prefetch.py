"""The next mini graph is drawn in the background while the current one is being used."""

from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future
from typing import TypeVar

from hgt_repurposing.threads import thread_beside

Batch = TypeVar("Batch")


def prefetched(draw: Callable[[int], Batch], steps: Iterable[int]) -> Generator[Batch, None, None]:
    """The batches of some steps, in their order, each drawn while the one before it is being used.

    One thread draws, and no more than one batch ahead. An error while drawing a batch is raised where that batch would
    have come. Close the generator (`contextlib.closing`) to end the thread before the steps are at their end.

    The thread keeps to one core: with two teams of threads, a training of small batches would take twice as long as
    without drawing ahead.
    """
    with thread_beside("sampler") as thread:
        ahead: Future[Batch] | None = None
        for step in steps:
            current, ahead = ahead, thread.submit(draw, step)
            if current is not None:
                yield current.result()
        if ahead is not None:
            yield ahead.result()
