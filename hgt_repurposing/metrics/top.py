"""Which cells stand at the top of a list, when scores may tie at its end."""

import numpy as np

from hgt_repurposing.graph.schema import FloatArray


def share_in_top(scores: FloatArray, top: int) -> FloatArray:
    """In what share of all orders of the ties each item is among the first `top`; the shares add up to that number.

    Args:
        scores: Higher is better. Shape [num_items].
        top: Length of the list; a list of fewer items holds them all.

    Returns:
        1 above the last score of the list, 0 below it, and one share for all that tie there. Shape [num_items].

    Raises:
        ValueError: If `top` is not positive.
    """
    if top < 1:
        raise ValueError(f"a list needs at least one place (got {top})")
    if top >= len(scores):
        return np.ones(len(scores))
    last = np.partition(scores, len(scores) - top)[len(scores) - top]
    above, tied = scores > last, scores == last
    return np.where(above, 1.0, tied * ((top - above.sum()) / tied.sum()))
