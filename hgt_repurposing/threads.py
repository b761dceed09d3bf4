"""Threads: the only module that starts threads to spread work over cores and keeps libraries from adding their own."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from typing import TypeVar

import torch
from threadpoolctl import ThreadpoolController

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_threads(work: Callable[[Item], Result], items: Sequence[Item], *, num_threads: int) -> list[Result]:
    """Results in the order of the items, for work that starts no threads of its own, such as compiled loops.

    Threads are started per call, so that none has to survive a fork or spawn.

    Args:
        work: Runs in parallel only if it releases the GIL.
        items: Processed in parallel.
        num_threads: At least 1.
    """
    with ThreadPoolExecutor(num_threads) as pool:
        return list(pool.map(work, items))


def on_every_core(work: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    """Results in the order of the items, one core per item.

    BLAS and torch, which would start as many threads again per item, are limited to one: on a machine shared with
    another busy process a logistic regression over 300,000 pairs took 172 seconds instead of 2.
    """
    num_threads = torch.get_num_threads()

    def alone(item: Item) -> Result:
        torch.set_num_threads(1)
        return work(item)

    try:
        with one_blas_thread():
            return in_threads(alone, items, num_threads=max(1, min(len(items), os.cpu_count() or 1)))
    finally:
        torch.set_num_threads(num_threads)  # threads new to torch inherit the last value set


def one_blas_thread() -> AbstractContextManager[object]:
    """Products of matrices use one core in this context, in all threads."""
    limited: AbstractContextManager[object] = _blas_libraries().limit(limits=1, user_api="blas")
    return limited


@cache
def _blas_libraries() -> ThreadpoolController:
    """Found once: to search the process for them takes several milliseconds, a tenth of the time of small fits."""
    return ThreadpoolController()


@contextmanager
def thread_beside(name: str) -> Iterator[Executor]:
    """A background thread in which torch uses one core, and as many as before in this one.

    With an OpenMP team in each, the two teams would wait for each other's cores.

    Args:
        name: Name of the thread, for debuggers.
    """
    num_threads = torch.get_num_threads()
    with ThreadPoolExecutor(1, name, initializer=torch.set_num_threads, initargs=(1,)) as thread:
        thread.submit(torch.get_num_threads).result()
        torch.set_num_threads(num_threads)  # only OpenMP's part of the setting is per thread
        yield thread
