"""Inner folds: parts of the training pairs that learning hides in turn, in the way in which test pairs are held out."""

import numpy as np

from hgt_repurposing.graph.schema import IntArray
from hgt_repurposing.graph.split_kinds import Hiding


def count_inner_folds(hiding: Hiding, pairs: IntArray, wanted: int, *, advice: str = "", left_by: str = "") -> int:
    """How many inner folds learning hides in turn.

    Groups of related diseases may be fewer than wanted, as long as there are two: of large groups there are few.

    Args:
        hiding: How pairs are hidden.
        pairs: All that there is to learn from. Shape [2, num_pairs].
        wanted: Number asked for.
        advice: What to do if there are fewer, for the error message; empty: the usual.
        left_by: The fold that leaves these pairs, for the error message; empty: all pairs.

    Raises:
        ValueError: If there are fewer wholes to hide.
    """
    found = len(np.unique(hiding.whole(pairs)))
    number = wanted if hiding.group is None else max(2, min(wanted, found))
    if found < number:
        usual = (
            "set fewer inner_folds of repurposing_model, or give a graph with more indications"
            if hiding.group is None
            else "set more num_folds, or leave this way of splitting out of the kinds"
        )
        raise ValueError(
            f"learning hides {number} inner folds in turn and needs at least as many "
            f"{hiding.in_words}{f' without the fold ({left_by})' if left_by else ''} (got {found}): {advice or usual}"
        )
    return number


def deal_inner_folds(pairs: IntArray, hiding: Hiding, *, num_folds: int, generator: np.random.Generator) -> IntArray:
    """Deal pairs into inner folds that hold about equally many wholes.

    Args:
        pairs: To learn from. Shape [2, num_pairs].
        hiding: What stays together.
        num_folds: At most as many as there are wholes.
        generator: Source of randomness.

    Returns:
        Inner fold of each pair. Shape [num_pairs].
    """
    distinct, member = np.unique(hiding.whole(pairs), return_inverse=True)
    folds: IntArray = generator.permutation(np.arange(len(distinct)) % num_folds)[member]
    return folds
