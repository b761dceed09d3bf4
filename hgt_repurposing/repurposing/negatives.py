"""Drug-disease pairs that stand for "unknown" in training.

Half are uniform over training drugs and diseases, half keep the disease of a positive and replace its drug, so that
"a well-studied disease" is no reason for a high score. Held-out drugs and diseases give none: a disease that appears
only in negatives would be learned as untreatable.
"""

import numpy as np

from hgt_repurposing.graph.schema import IntArray

MAX_DRAWS = 100


def draw_negatives(
    positives: IntArray,
    *,
    known: IntArray,
    drugs: IntArray,
    diseases: IntArray,
    per_positive: int,
    generator: np.random.Generator,
) -> IntArray:
    """Draw distinct pairs that are not known to be anything.

    Args:
        positives: Pairs whose diseases, as far as they may be drawn, the same-disease half takes. Shape
            [2, num_positives].
        known: Pairs never to be drawn. Shape [2, num_known].
        drugs: Drugs to draw from. Shape [n].
        diseases: Diseases to draw from. Shape [m].
        per_positive: Wanted number per positive; fewer come back where the grid holds no more.
        generator: Source of randomness.

    Returns:
        Shape [2, num_negatives], sorted.
    """
    drugs, diseases = np.unique(drugs), np.unique(diseases)
    base = int(max(diseases.max(initial=0), known[1].max(initial=0))) + 1
    taken = np.unique(known[0] * base + known[1])
    num_taken = np.count_nonzero(np.isin(taken // base, drugs) & np.isin(taken % base, diseases))
    wanted = min(per_positive * positives.shape[1], len(drugs) * len(diseases) - num_taken)
    treated = positives[1, np.isin(positives[1], diseases)]
    keys = np.empty(0, dtype=np.int64)
    for _ in range(MAX_DRAWS):
        missing = wanted - len(keys)
        if missing <= 0:
            break
        same = generator.choice(treated, size=missing // 2) if len(treated) else treated
        disease = np.concatenate([same, generator.choice(diseases, size=missing - len(same))])
        drawn = generator.choice(drugs, size=missing) * base + disease
        keys = np.union1d(keys, drawn[~np.isin(drawn, taken)])
    if len(keys) < wanted:  # next to nothing is left: list it instead of guessing on
        left = np.setdiff1d(drugs[:, None] * base + diseases, np.union1d(taken, keys))
        keys = np.union1d(keys, generator.choice(left, size=wanted - len(keys), replace=False))
    return np.stack([keys // base, keys % base])
