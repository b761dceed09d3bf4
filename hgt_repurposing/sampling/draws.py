"""Counter-based randomness: what a step draws depends only on the seed and the step.

A resumed run therefore needs only its next step to continue as if it had never stopped.
"""

import numpy as np
import torch
from torch import Tensor


def derived_generator(seed: int, *path: int) -> torch.Generator:
    """An independent generator for every path of integers, whatever its length.

    Args:
        seed: Of the whole run, not negative.
        path: What the randomness is for: a step, or a relation and a pass over its edges. Not negative.
    """
    state = np.random.SeedSequence(seed, spawn_key=path).generate_state(1, np.uint64)
    return torch.Generator().manual_seed(int(state[0]))


class WithoutReplacement:
    """Draws k of the integers below n at every step, without repeats within a pass.

    A pass is a permutation of all n, cut into steps of k; the remainder is dropped. Only the current pass's permutation
    is kept, so a step costs O(k), or O(n) at the start of a pass.
    """

    def __init__(self, total: int, num_per_step: int, *, seed: int, stream: int) -> None:
        """Args: n, k (capped at n), the seed, and a stream number that separates draws with the same seed."""
        self._total = total
        self._num_per_step = min(num_per_step, total)
        self._steps_per_pass = total // self._num_per_step if self._num_per_step else 1
        self._seed = seed
        self._stream = stream
        self._pass = (-1, torch.empty(0, dtype=torch.int32))

    def at(self, step: int) -> Tensor:
        """The integers of a step, in random order. Shape [min(k, n)], int32."""
        number, position = divmod(step, self._steps_per_pass)
        start = position * self._num_per_step
        return self._permutation(number)[start : start + self._num_per_step]

    def _permutation(self, number: int) -> Tensor:
        current, order = self._pass
        if current != number:
            generator = derived_generator(self._seed, self._stream, number)
            order = torch.randperm(self._total, generator=generator, dtype=torch.int32)
            self._pass = (number, order)  # one assignment, so other threads see a matching pair
        return order
