"""Draw the next mini graph in the background while the current one is used."""

from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future
from typing import TypeVar

from hgt_repurposing.threads import thread_beside

Batch = TypeVar("Batch")


def prefetched(draw: Callable[[int], Batch], steps: Iterable[int]) -> Generator[Batch, None, None]:
    """The batches of some steps in order, each drawn while the previous one is used.

    One thread draws at most one batch ahead. An error while drawing a batch is raised when that batch is requested.
    Close the generator (`contextlib.closing`) to end the thread before the last step.

    The thread uses one core: with two teams of threads, training on small batches would take twice as long as without
    prefetching.
    """
    with thread_beside("sampler") as thread:
        ahead: Future[Batch] | None = None
        for step in steps:
            current, ahead = ahead, thread.submit(draw, step)
            if current is not None:
                yield current.result()
        if ahead is not None:
            yield ahead.result()
