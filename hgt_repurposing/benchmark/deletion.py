"""Does the named evidence matter: held-out pairs scored without it, and without as many random edges of the same types.

Pairs are held out, the model is fitted without them, and each is explained and scored again on graphs that lack edges:
all evidence that the explanation names first (`Ablator.ablate`), and its best pieces, more and more of them
(`Ablator.deletion`). A rank that stays the same is a tie, not a fall.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from hgt_repurposing.graph.schema import FloatArray, IntArray
from hgt_repurposing.metrics.uncertainty import BootstrapDifference, bootstrap_difference
from hgt_repurposing.repurposing.ablation import Ablation, Ablator, Deletion

COUNTS = (1, 2, 4, 8, 16)
"""Edges that are taken out for the curves."""
NUM_DRAWS = 3
"""Draws of random edges that all evidence is compared with."""


class Deleted(NamedTuple):
    """A held-out pair without its evidence."""

    drug: int
    disease: int
    ablation: Ablation
    curve: Deletion


class Shares(NamedTuple):
    """Of how many pairs the evidence lowers the rank more than random edges do, on average over the draws."""

    more: BootstrapDifference
    """With the bootstrap interval over pairs."""
    tied: float
    """Share of pairs whose rank falls by as much."""
    less: float


class Curves(NamedTuple):
    """Mean over pairs, with bootstrap intervals over pairs, for each count of edges."""

    log_odds: tuple[BootstrapDifference, ...]
    """Without the best evidence minus before."""
    random_log_odds: tuple[BootstrapDifference, ...]
    ranks: tuple[BootstrapDifference, ...]
    """Logarithm to base 2 of the rank without the best evidence over that before."""
    random_ranks: tuple[BootstrapDifference, ...]
    area: BootstrapDifference
    """Between both curves of log odds: mean over the counts of random minus evidence."""
    area_of_ranks: BootstrapDifference
    """The same for ranks, of evidence minus random."""


def delete_evidence(
    ablator: Ablator,
    pairs: IntArray,
    generator: np.random.Generator,
    *,
    counts: Sequence[int] = COUNTS,
    num_draws: int = NUM_DRAWS,
    on_pair: Callable[[], None] = lambda: None,
) -> list[Deleted]:
    """Explain pairs, and score them without their evidence.

    Args:
        ablator: Of a graph and a model that have not seen the pairs.
        pairs: Drug and disease. Shape [2, num_pairs].
        generator: Of the random edges.
        counts: Edges that are taken out for the curves.
        num_draws: Draws of random edges that all evidence is compared with.
        on_pair: Called after each pair.
    """
    found = []
    for drug, disease in pairs.T.tolist():
        explanation = ablator.explainer.explain(drug, disease)
        whole = ablator.ablate(explanation, generator, num_draws=num_draws)
        found.append(Deleted(drug, disease, whole, ablator.deletion(explanation, counts, generator)))
        on_pair()
    return found


def shares_of(found: Sequence[Deleted], generator: np.random.Generator) -> Shares:
    """How often the evidence matters; raises ValueError for fewer than two pairs."""
    fall = np.array(
        [
            each.ablation.without_evidence.rank - np.mean([place.rank for place in each.ablation.without_random])
            for each in found
        ]
    )
    return Shares(_mean((fall > 0).astype(np.float64), generator), float(np.mean(fall == 0)), float(np.mean(fall < 0)))


def curves_of(found: Sequence[Deleted], generator: np.random.Generator) -> Curves:
    """Mean deletion curves; raises ValueError for fewer than two pairs."""
    before = np.array([each.curve.before for each in found])[:, None]
    evidence = np.array([each.curve.without_evidence for each in found])
    random = np.array([each.curve.without_random for each in found])
    odds, random_odds = (places[..., 0] - before[..., 0] for places in (evidence, random))
    ranks, random_ranks = (np.log2(places[..., 1] / before[..., 1]) for places in (evidence, random))

    def by_count(values: FloatArray) -> tuple[BootstrapDifference, ...]:
        return tuple(_mean(values[:, place], generator) for place in range(values.shape[1]))

    return Curves(
        by_count(odds),
        by_count(random_odds),
        by_count(ranks),
        by_count(random_ranks),
        _mean((random_odds - odds).mean(axis=1), generator),
        _mean((ranks - random_ranks).mean(axis=1), generator),
    )


def _mean(values: FloatArray, generator: np.random.Generator) -> BootstrapDifference:
    """Mean over pairs with its interval."""
    return bootstrap_difference(values, np.zeros(len(values)), np.arange(len(values)), generator=generator)
