"""Randomness by number: what is drawn at a step follows from the seed and the step alone.

A run that is resumed therefore goes on as if it had never stopped by knowing no more than the number of its next step.
"""

import numpy as np
import torch
from torch import Tensor


def derived_generator(seed: int, *path: int) -> torch.Generator:
    """A generator of its own for every path of numbers; paths of different lengths never meet.

    Args:
        seed: Of the whole run, not negative.
        path: What the randomness is for: a step, or a relation and a pass over its edges. None negative.
    """
    state = np.random.SeedSequence(seed, spawn_key=path).generate_state(1, np.uint64)
    return torch.Generator().manual_seed(int(state[0]))


class WithoutReplacement:
    """Draws k of the numbers below n at every step, none of them twice within a pass.

    A pass is a permutation of all n, cut into as many steps as have k numbers each; what is left over waits for another
    pass. Only the current pass's permutation is kept, so a step costs O(k), and O(n) where a pass begins.
    """

    def __init__(self, total: int, num_per_step: int, *, seed: int, stream: int) -> None:
        """Args: n, k (no more than n are drawn), the seed, and a number that tells draws of one seed apart."""
        self._total = total
        self._num_per_step = min(num_per_step, total)
        self._steps_per_pass = total // self._num_per_step if self._num_per_step else 1
        self._seed = seed
        self._stream = stream
        self._pass = (-1, torch.empty(0, dtype=torch.int32))

    def at(self, step: int) -> Tensor:
        """The numbers of a step, in random order. Shape [min(k, n)], int32."""
        number, position = divmod(step, self._steps_per_pass)
        start = position * self._num_per_step
        return self._permutation(number)[start : start + self._num_per_step]

    def _permutation(self, number: int) -> Tensor:
        current, order = self._pass
        if current != number:
            generator = derived_generator(self._seed, self._stream, number)
            order = torch.randperm(self._total, generator=generator, dtype=torch.int32)
            self._pass = (number, order)  # in one assignment: another thread sees a pass with its own permutation
        return order
