"""Drawing ahead changes when batches are drawn, and nothing else."""

import itertools
import threading
from contextlib import closing

import pytest

from hgt_repurposing.sampling.edge_sampling import EdgeSampler
from hgt_repurposing.sampling.flat_graph import FlatGraph
from hgt_repurposing.sampling.minibatch import MiniBatch
from hgt_repurposing.sampling.prefetch import prefetched
from hgt_repurposing_tests.sampling.batches import assert_same_batch


class WatchedSampler:
    """Says which steps it has drawn, and fails at one of them."""

    def __init__(self, flat: FlatGraph, *, fails_at: int | None = None) -> None:
        self._sampler = EdgeSampler(flat, num_edges_per_type=10, num_negatives=1, seed=0)
        self._fails_at = fails_at
        self.drawn = [threading.Event() for _ in range(20)]
        self.threads: set[threading.Thread] = set()

    def sample(self, step: int) -> MiniBatch:
        self.threads.add(threading.current_thread())
        if step == self._fails_at:
            raise ValueError(f"step {step} cannot be drawn")
        batch = self._sampler.sample(step)
        self.drawn[step].set()
        return batch


@pytest.mark.parametrize("steps", [range(6), range(3, 5), [4], [5, 2, 2], []])
def test_order_and_content_are_those_of_plain_calls(flat: FlatGraph, steps: list[int]) -> None:
    batches = list(prefetched(WatchedSampler(flat).sample, steps))
    plain = [WatchedSampler(flat).sample(step) for step in steps]
    assert len(batches) == len(plain)
    for batch, expected in zip(batches, plain, strict=True):
        assert_same_batch(batch, expected)


def test_the_next_batch_is_drawn_while_one_is_in_use_and_no_further(flat: FlatGraph) -> None:
    sampler = WatchedSampler(flat)
    with closing(prefetched(sampler.sample, range(6))) as batches:
        next(batches)
        assert sampler.drawn[1].wait(timeout=60)
        assert not sampler.drawn[2].wait(timeout=0.05)


def test_an_error_comes_where_its_batch_would_have_come(flat: FlatGraph) -> None:
    batches = prefetched(WatchedSampler(flat, fails_at=2).sample, range(6))
    next(batches)
    next(batches)
    with pytest.raises(ValueError, match="step 2 cannot be drawn"):
        next(batches)


@pytest.mark.parametrize("num_used", [1, 4])
def test_closing_early_ends_the_thread(flat: FlatGraph, num_used: int) -> None:
    sampler = WatchedSampler(flat)
    with closing(prefetched(sampler.sample, itertools.count())) as batches:
        assert len(list(itertools.islice(batches, num_used))) == num_used
    assert len(sampler.threads) == 1
    assert threading.current_thread() not in sampler.threads
    assert not any(thread.is_alive() for thread in sampler.threads)
