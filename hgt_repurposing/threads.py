"""Threads: the one place that starts any to spread work over cores, and that keeps libraries from adding theirs."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import torch
from threadpoolctl import threadpool_limits

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_threads(work: Callable[[Item], Result], items: Sequence[Item], *, num_threads: int) -> list[Result]:
    """Results in the order of the items, for work that starts no threads of its own, such as compiled loops.

    Threads are made per call, so that nothing has to survive a fork or a spawn.

    Args:
        work: Must let go of Python's lock to gain anything.
        items: Worked on side by side.
        num_threads: At least 1.
    """
    with ThreadPoolExecutor(num_threads) as pool:
        return list(pool.map(work, items))


def on_every_core(work: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    """Results in the order of the items, each worked on by one core.

    BLAS and torch, which would bring as many threads again for each item, keep to one meanwhile: beside another busy
    process a logistic regression over 300,000 pairs took 172 seconds instead of 2. Not for calls by the thousand:
    holding BLAS back takes a millisecond.
    """
    num_threads = torch.get_num_threads()

    def alone(item: Item) -> Result:
        torch.set_num_threads(1)
        return work(item)

    try:
        with threadpool_limits(limits=1, user_api="blas"):
            return in_threads(alone, items, num_threads=max(1, min(len(items), os.cpu_count() or 1)))
    finally:
        torch.set_num_threads(num_threads)  # what a thread sets, threads that torch has not seen yet take over


@contextmanager
def thread_beside(name: str) -> Iterator[Executor]:
    """A thread that works while this one goes on; torch keeps to one core there, and to as many as before here.

    With an OpenMP team of its own in each, two teams would wait for each other's cores.

    Args:
        name: Of the thread, for debuggers.
    """
    num_threads = torch.get_num_threads()
    with ThreadPoolExecutor(1, name, initializer=torch.set_num_threads, initargs=(1,)) as thread:
        thread.submit(torch.get_num_threads).result()
        torch.set_num_threads(num_threads)  # OpenMP's part of the setting is the thread's own, not all of it is
        yield thread
