"""Work spread over cores: results in order, and no library brings threads of its own."""

import threading
from collections.abc import Iterator

import pytest
import torch
from threadpoolctl import threadpool_info

from hgt_repurposing.threads import in_threads, on_every_core, thread_beside


@pytest.fixture(autouse=True)
def _three_threads_of_torch() -> Iterator[None]:
    """A number that nothing here would set by itself."""
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


def threads_of_libraries(_: object = None) -> tuple[int, int]:
    """Of torch, and the most of any BLAS."""
    return torch.get_num_threads(), max(
        found["num_threads"] for found in threadpool_info() if found["user_api"] == "blas"
    )


def test_results_come_in_the_order_of_the_items() -> None:
    second_is_done = threading.Event()

    def work(number: int) -> int:
        if number == 0:
            assert second_is_done.wait(timeout=60)
        second_is_done.set()
        return 10 * number

    assert in_threads(work, range(3), num_threads=2) == [0, 10, 20]


def test_no_more_threads_than_asked_for() -> None:
    seen = set(in_threads(lambda _: threading.current_thread(), range(50), num_threads=2))
    assert len(seen) <= 2
    assert threading.current_thread() not in seen


def test_no_item_brings_threads_of_blas_or_torch() -> None:
    assert on_every_core(threads_of_libraries, range(4)) == [(1, 1)] * 4


def test_afterwards_all_have_their_threads_again() -> None:
    before = threads_of_libraries()
    on_every_core(threads_of_libraries, range(4))
    assert threads_of_libraries() == before
    assert in_threads(threads_of_libraries, [None], num_threads=1) == [before]


def test_an_error_is_raised_and_leaves_the_threads_as_they_were() -> None:
    def fail(number: int) -> None:
        raise ValueError(f"item {number}")

    before = threads_of_libraries()
    with pytest.raises(ValueError, match="item 0"):
        on_every_core(fail, [0])
    assert threads_of_libraries() == before


def test_nothing_to_do_is_no_error() -> None:
    assert on_every_core(threads_of_libraries, []) == []


def test_a_thread_beside_keeps_to_one_core_and_leaves_this_one_its_own() -> None:
    with thread_beside("worker") as thread:
        here, there = torch.get_num_threads(), thread.submit(torch.get_num_threads).result()
        name = thread.submit(lambda: threading.current_thread().name).result()
    assert (here, there) == (3, 1)
    assert name.startswith("worker")
    assert in_threads(threads_of_libraries, [None], num_threads=1)[0][0] == 3
