"""The learning rate of an epoch: depends only on the epoch, so a resumed run has it too.

For four or more epochs the rates equal those of torch's OneCycleLR up to rounding (1e-14). OneCycleLR is not used
because it counts steps, which a resumed run would have to restore, and gives a run of one epoch its smallest rate.
"""

import math

from hgt_repurposing.training.params import EmbeddingParams

WARM_UP = 0.3
"""Share of the epochs with a rising rate."""
FIRST, LAST = 1 / 25, 1 / 250_000
"""Initial and final rate relative to the maximum; these three constants as in torch's OneCycleLR."""


def learning_rate_at(epoch: int, params: EmbeddingParams) -> float:
    """Learning rate of an epoch, counted from 1.

    `one_cycle` (Smith and Topin, arXiv:1708.07120): up to `learning_rate`, then down to almost 0, each along half a
    cosine.
    """
    if params.learning_rate_schedule == "constant":
        return params.learning_rate
    place, turn = epoch - 1, WARM_UP * params.num_epochs - 1
    last = params.num_epochs - 1
    if place <= turn:
        return params.learning_rate * _between(FIRST, 1, place / turn if turn else 1)
    return params.learning_rate * _between(1, LAST, (place - max(turn, 0)) / (last - max(turn, 0)) if last else 0)


def _between(start: float, stop: float, share: float) -> float:
    """Interpolate between two values along half a cosine."""
    return stop + (start - stop) * (1 + math.cos(math.pi * share)) / 2
