"""Inner folds: parts of the training pairs that learning hides in turn, the way test pairs are held out."""

import numpy as np

from hgt_repurposing.graph.schema import IntArray
from hgt_repurposing.graph.split_kinds import Hiding


def count_inner_folds(hiding: Hiding, pairs: IntArray, wanted: int, *, kind: str = "", left_by: str = "") -> int:
    """Number of inner folds that learning hides in turn.

    With groups of related diseases it may be lower than wanted, but at least two: large groups are few.

    Args:
        hiding: How pairs are hidden.
        pairs: Training pairs. Shape [2, num_pairs].
        wanted: Requested number.
        kind: Split kind of the fold that leaves these pairs; empty: all pairs.
        left_by: The fold whose training pairs these are; empty: all pairs. Both are for the error message.

    Raises:
        ValueError: If there are fewer units to hide.
    """
    found = len(np.unique(hiding.whole(pairs)))
    number = wanted if hiding.group is None else max(2, min(wanted, found))
    if found < number:
        raise ValueError(
            f"learning hides {number} inner folds in turn and needs at least as many "
            f"{hiding.in_words}{f' without the fold ({left_by})' if left_by else ''} (got {found}): "
            f"{_advice(hiding, kind, found)}"
        )
    return number


def _advice(hiding: Hiding, kind: str, found: int) -> str:
    """What to do if there are too few units."""
    leave_out = f"leave {kind or 'this split kind'} out of the kinds"
    if hiding.group is not None:
        return f"raise num_folds, or {leave_out}"
    if kind and found >= 2:
        return f"set inner_folds of repurposing_model to {found} or fewer, raise num_folds, or {leave_out}"
    return "lower inner_folds of repurposing_model, or use a graph with more indications"


def deal_inner_folds(pairs: IntArray, hiding: Hiding, *, num_folds: int, generator: np.random.Generator) -> IntArray:
    """Deal pairs into inner folds with about the same number of units each.

    Args:
        pairs: Training pairs. Shape [2, num_pairs].
        hiding: Which pairs stay together.
        num_folds: At most the number of units.
        generator: Source of randomness.

    Returns:
        Inner fold of each pair. Shape [num_pairs].
    """
    distinct, member = np.unique(hiding.whole(pairs), return_inverse=True)
    folds: IntArray = generator.permutation(np.arange(len(distinct)) % num_folds)[member]
    return folds
