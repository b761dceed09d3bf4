"""The learning rate of an epoch: a function of its number alone, so that a resumed run knows it too.

From four epochs on the rates are those of torch's OneCycleLR but for the last bits (1e-14). It is not used because it
counts steps, which a resumed run would have to set, and because it gives a run of one epoch its smallest rate.
"""

import math

from hgt_repurposing.training.params import EmbeddingParams

WARM_UP = 0.3
"""Share of the epochs in which the rate rises."""
FIRST, LAST = 1 / 25, 1 / 250_000
"""Shares of the highest rate at both ends; these three as in torch's OneCycleLR."""


def learning_rate_at(epoch: int, params: EmbeddingParams) -> float:
    """Step size of an epoch, counted from 1.

    `one_cycle` (Smith and Topin, arXiv:1708.07120): up to `learning_rate` and down to next to nothing, either way along
    half a cosine.
    """
    if params.learning_rate_schedule == "constant":
        return params.learning_rate
    place, turn = epoch - 1, WARM_UP * params.num_epochs - 1
    last = params.num_epochs - 1
    if place <= turn:
        return params.learning_rate * _between(FIRST, 1, place / turn if turn else 1)
    return params.learning_rate * _between(1, LAST, (place - max(turn, 0)) / (last - max(turn, 0)) if last else 0)


def _between(start: float, stop: float, share: float) -> float:
    """Half a cosine from one value to another."""
    return stop + (start - stop) * (1 + math.cos(math.pi * share)) / 2
