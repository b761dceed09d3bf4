"""Scores of all drugs for chosen diseases: one class owns features, block size and setting."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np

from hgt_repurposing.graph.schema import BoolArray, FloatArray, IntArray
from hgt_repurposing.graph.split_kinds import Setting
from hgt_repurposing.repurposing.classifier import PairClassifier
from hgt_repurposing.repurposing.features import PairFeatures
from hgt_repurposing.repurposing.inputs import PairInputs
from hgt_repurposing.repurposing.model import RepurposingModel
from hgt_repurposing.repurposing.vectors import PairVectors


class Block(NamedTuple):
    """All drugs for a few diseases."""

    diseases: IntArray
    """Local indices. Shape [num_columns]."""
    log_odds: FloatArray
    """Of an indication, and of a contraindication if there were enough to learn from.
    Shape [1 or 2, num_drugs, num_columns]."""


class Route(NamedTuple):
    """A classifier, and the diseases it scores."""

    classifier: PairClassifier
    features: PairFeatures
    """Of its setting, with the visible treatments."""
    asks: BoolArray
    """True for diseases that it scores. Shape [num_diseases]."""


@dataclass(frozen=True, eq=False)
class Scorer:
    """Classifiers with their features; each disease is scored by the classifier of its setting.

    Known treatments are scored too, but not from their own label: no feature of a pair uses it except the Kronecker
    ridge, whose value for a known pair is therefore optimistic.
    """

    routes: tuple[Route, ...]
    """Each disease is scored by one of them."""
    vectors: PairVectors
    num_classes: int
    """Unknown, indication, and contraindication if the graph has any."""

    @classmethod
    def of_model(cls, model: RepurposingModel, inputs: PairInputs) -> Self:
        """The final model, with all indications visible.

        Raises:
            MismatchError: If the model was fitted on other vectors.
        """
        model.require_fitted_on(inputs.vectors)
        visible = inputs.labels.indications
        treated = np.isin(np.arange(visible.shape[1]), visible.indices)
        asks: dict[Setting, BoolArray] = {"warm pair": treated, "cold disease": ~treated}
        routes = (
            Route(model.classifiers[setting], PairFeatures(inputs.neighbourhoods, visible, setting), asking)
            for setting, asking in asks.items()
        )
        return cls(tuple(routes), inputs.vectors, inputs.labels.num_classes)

    @classmethod
    def of_classifier(cls, classifier: PairClassifier, features: PairFeatures, vectors: PairVectors) -> Self:
        """One classifier for all diseases."""
        everything = np.ones(features.visible.shape[1], dtype=np.bool_)
        return cls((Route(classifier, features, everything),), vectors, 1 + len(classifier.calibrations))

    def blocks(self, diseases: IntArray) -> Iterator[Block]:
        """Score every drug for some diseases, block by block: those with a known treatment first."""
        for classifier, features, asks in self.routes:
            for some in features.blocks_of(diseases[asks[diseases]]):
                yield Block(some, classifier.log_odds(features, self.vectors, some))

    def grid(self, diseases: IntArray, *, on_block: Callable[[int], None] = lambda _: None) -> FloatArray:
        """Score every drug for some diseases, all at once.

        Args:
            diseases: Local indices, ascending. Shape [num_columns].
            on_block: Called after each block with its number of diseases.

        Returns:
            Log odds of an indication, and of a contraindication if the graph has any; NaN if it has too few to
            learn from. Shape [num_classes - 1, num_drugs, num_columns].
        """
        scores = np.full((self.num_classes - 1, self.routes[0].features.num_drugs, len(diseases)), np.nan)
        for block in self.blocks(diseases):
            scores[: len(block.log_odds), :, np.searchsorted(diseases, block.diseases)] = block.log_odds
            on_block(len(block.diseases))
        return scores
