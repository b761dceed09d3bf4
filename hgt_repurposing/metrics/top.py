"""Membership in the top of a list, with ties at the cutoff."""

import numpy as np

from hgt_repurposing.graph.schema import FloatArray


def share_in_top(scores: FloatArray, top: int) -> FloatArray:
    """Share of all orders of the ties in which each item is among the top `top`; the shares add up to that number.

    Args:
        scores: Higher is better. Shape [num_items].
        top: Length of the list; if there are fewer items, it contains them all.

    Returns:
        1 above the cutoff score, 0 below it, and the same share for all that tie at it. Shape [num_items].

    Raises:
        ValueError: If `top` is not positive.
    """
    if top < 1:
        raise ValueError(f"top must be at least 1 (got {top})")
    if top >= len(scores):
        return np.ones(len(scores))
    last = np.partition(scores, len(scores) - top)[len(scores) - top]
    above, tied = scores > last, scores == last
    return np.where(above, 1.0, tied * ((top - above.sum()) / tied.sum()))
