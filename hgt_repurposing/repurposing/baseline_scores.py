"""Scores of every rule that can be computed on a graph, as further inputs of a classifier.

A model that has every baseline at hand should never be behind the best of them. Like any feature that reads treatments,
the rules see only what is visible to the pair that they score.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from hgt_repurposing.baselines.baseline import BaselineInputs, ColumnScores
from hgt_repurposing.baselines.rules import RANDOM, RULES
from hgt_repurposing.graph.missing import MissingShares
from hgt_repurposing.graph.schema import Features, IntArray
from hgt_repurposing.graph.split_kinds import Hiding
from hgt_repurposing.repurposing.neighbourhoods import Neighbourhoods


@dataclass(frozen=True, eq=False)
class BaselineScores:
    """Rules fitted on visible treatments."""

    rules: Mapping[str, ColumnScores]
    """By name, in table order."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names, in the order of the last axis of a block."""
        return tuple(self.rules)

    def block(self, diseases: IntArray) -> Features:
        """Scores of every drug for some diseases.

        Args:
            diseases: Local indices. Shape [num_columns].

        Returns:
            Shape [num_drugs, num_columns, num_rules], not contiguous.
        """
        return np.moveaxis(np.stack([rule(diseases).astype(np.float32) for rule in self.rules.values()]), 0, -1)


def baseline_inputs(
    neighbourhoods: Neighbourhoods,
    visible: csr_array,
    *,
    hiding: Hiding,
    seed: tuple[int, ...],
    missing: MissingShares | None = None,
    other_labels: csr_array | None = None,
) -> BaselineInputs:
    """Inputs of the baselines on a graph.

    Args:
        neighbourhoods: Genes and kernels of drugs and diseases.
        visible: 1 for visible treatments. Shape [num_drugs, num_diseases].
        hiding: How a baseline that learns masks them.
        seed: Of the baselines.
        missing: What such a baseline masks instead, on the whole grid; None: as `hiding` says.
        other_labels: Not 0 for pairs that such a baseline then leaves out. Shape [num_drugs, num_diseases].
    """
    return BaselineInputs(
        visible,
        neighbourhoods.drug_genes,
        neighbourhoods.disease_genes,
        hiding=hiding,
        seed=seed,
        drug_kernel=neighbourhoods.drugs.kernel,
        disease_kernel=neighbourhoods.diseases.kernel,
        missing=missing,
        other_labels=other_labels,
    )


def fit_baseline_scores(neighbourhoods: Neighbourhoods, visible: csr_array) -> BaselineScores:
    """Fit every rule but chance.

    Args:
        neighbourhoods: Genes and kernels of drugs and diseases.
        visible: 1 for visible treatments. Shape [num_drugs, num_diseases].
    """
    hiding = Hiding("pair")  # only a baseline that learns masks anything
    known = baseline_inputs(neighbourhoods, visible, hiding=hiding, seed=(0,))
    return BaselineScores({rule.name: rule.fit(known) for rule in RULES if rule != RANDOM and not rule.missing(known)})
