"""Scores of drug-disease pairs: one class that knows the four settings, for lists, evaluation and external pairs."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
from scipy.sparse import csr_array

from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.schema import FloatArray, IntArray
from hgt_repurposing.graph.settings import SETTINGS, Setting, Treated
from hgt_repurposing.repurposing.classifier import ROWS_AT_ONCE, PairClassifier, PairScores, Rows
from hgt_repurposing.repurposing.features import PairFeatures
from hgt_repurposing.repurposing.inputs import PairInputs
from hgt_repurposing.repurposing.labels import CONTRAINDICATION, INDICATION
from hgt_repurposing.repurposing.learning import Classifiers, LearningCase
from hgt_repurposing.repurposing.model import RepurposingModel
from hgt_repurposing.repurposing.neighbourhoods import Neighbourhoods
from hgt_repurposing.repurposing.score_grid import ScoreGrid, ids_of
from hgt_repurposing.repurposing.vectors import PairVectors
from hgt_repurposing.threads import on_every_core


class Block(NamedTuple):
    """All drugs for a few diseases."""

    diseases: IntArray
    """Local indices. Shape [num_columns]."""
    log_odds: FloatArray
    """Of an indication, and of a contraindication if the graph has any; NaN where there were too few to learn from.
    Shape [num_classes - 1, num_drugs, num_columns]."""
    spread: FloatArray
    """Standard deviation of the log odds of an indication over the ensemble. Shape [num_drugs, num_columns]."""


class OfDisease(NamedTuple):
    """All pairs of one disease that are of one setting."""

    classifier: PairClassifier
    features: PairFeatures
    drugs: IntArray
    """Ascending. Shape [num_drugs_of_setting]."""
    rows: Rows
    """Of these drugs and the disease."""


@dataclass(frozen=True, eq=False)
class Scorer:
    """Scores each pair by the classifier of its setting; log odds of all settings are on one scale.

    Known treatments are scored too, but not from their own label: no feature of a pair uses it except the Kronecker
    ridge and the baselines of shared treatments, whose values for a known pair are therefore optimistic.
    """

    classifiers: Classifiers
    features: Mapping[Setting, PairFeatures]
    """With the visible treatments, of every setting that has a classifier."""
    treated: Treated
    """Which drugs and diseases have a visible treatment."""
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
        features = PairFeatures.of_every_setting(inputs.neighbourhoods, inputs.labels.indications)
        return cls.of_classifiers(model.classifiers, features, inputs.vectors, num_classes=inputs.labels.num_classes)

    @classmethod
    def of_case(cls, case: LearningCase, classifiers: Classifiers, vectors: PairVectors) -> Self:
        """Classifiers that were fitted on a case with these vectors; raises as `of_classifiers`."""
        return cls.of_classifiers(classifiers, case.features, vectors, num_classes=case.labels.num_classes)

    @classmethod
    def of_classifiers(
        cls,
        classifiers: Classifiers,
        features: Mapping[Setting, PairFeatures],
        vectors: PairVectors,
        *,
        num_classes: int,
    ) -> Self:
        """Classifiers with the features that they were fitted for.

        Raises:
            ValueError: If features are others than those of the fit.
        """
        for setting, classifier in classifiers.of_setting.items():
            classifier.require(features[setting])
        return cls(classifiers, features, Treated.of(next(iter(features.values())).visible), vectors, num_classes)

    def on(self, inputs: PairInputs) -> Self:
        """The same classifiers on the inputs of a graph that was changed; raises as `of_classifiers`."""
        features = PairFeatures.of_every_setting(inputs.neighbourhoods, inputs.labels.indications)
        return self.of_classifiers(self.classifiers, features, inputs.vectors, num_classes=self.num_classes)

    @property
    def neighbourhoods(self) -> Neighbourhoods:
        """Similarities and paths that the features of every setting share."""
        return next(iter(self.features.values())).neighbourhoods

    @property
    def visible(self) -> csr_array:
        """1 for visible treatments. Shape [num_drugs, num_diseases]."""
        return next(iter(self.features.values())).visible

    @property
    def num_drugs(self) -> int:
        """Rows of every block."""
        return len(self.treated.drugs)

    def blocks(self, diseases: IntArray, *, drugs: IntArray | None = None) -> Iterator[Block]:
        """Score drugs for some diseases, block by block: diseases with a known treatment first.

        Args:
            diseases: Local indices. Shape [num_columns].
            drugs: Local indices of the drugs to score, the others have no score (NaN); None: all of them.

        Raises:
            ValueError: If a pair falls into a setting that has no classifier.
        """
        is_treated = self.treated.diseases[diseases]
        for of_one_kind in (diseases[is_treated], diseases[~is_treated]):
            if not len(of_one_kind):
                continue
            drugs_of = self._drugs_by_setting(int(of_one_kind[0]), drugs)
            widest = max((self.features[setting] for setting in drugs_of), key=lambda features: len(features.names))
            for some in widest.blocks_of(of_one_kind):
                yield self._block(drugs_of, some)

    def grid(self, diseases: IntArray, *, on_block: Callable[[int], None] = lambda _: None) -> FloatArray:
        """Score every drug for some diseases, all at once.

        Args:
            diseases: Local indices, ascending. Shape [num_columns].
            on_block: Called after each block with its number of diseases.

        Returns:
            Log odds of an indication, and of a contraindication if the graph has any; NaN where there were too few to
            learn from. Shape [num_classes - 1, num_drugs, num_columns].
        """
        scores = np.empty((self.num_classes - 1, self.num_drugs, len(diseases)))
        for block in self.blocks(diseases):
            scores[:, :, np.searchsorted(diseases, block.diseases)] = block.log_odds
            on_block(len(block.diseases))
        return scores

    def indications(self, diseases: IntArray) -> FloatArray:
        """Log odds of an indication alone, as in `grid`. Shape [num_drugs, num_columns]."""
        return np.asarray(self.grid(diseases)[INDICATION - 1])

    def setting_of(self, drug: int, disease: int) -> Setting:
        """The setting of a pair.

        Raises:
            ValueError: If the setting has no classifier.
        """
        return next(setting for setting, drugs in self._drugs_by_setting(disease).items() if drug in drugs)

    def of_disease(self, disease: int, setting: Setting) -> OfDisease:
        """The pairs of a disease that are of one setting, which occurs for it; raises as `setting_of`."""
        columns = np.array([disease])
        drugs, features = self._drugs_by_setting(disease)[setting], self.features[setting]
        towers = self.classifiers.log_probabilities(columns)[drugs, 0] if self.classifiers.towers else None
        rows = Rows(
            features.block(columns)[drugs, 0],
            features.baselines.block(columns)[drugs, 0],
            np.stack([drugs, np.full(len(drugs), disease)]),
            self.vectors,
            towers,
        )
        return OfDisease(self.classifiers.of_setting[setting], features, drugs, rows)

    def _drugs_by_setting(self, disease: int, among: IntArray | None = None) -> dict[Setting, IntArray]:
        """The drugs of each setting that occurs for a disease."""
        asked = np.arange(self.num_drugs) if among is None else among
        setting = self.treated.settings_of((asked, np.array([disease])))
        found = {SETTINGS[number]: asked[setting == number] for number in np.unique(setting)}
        absent = [setting for setting in found if setting not in self.classifiers.of_setting]
        if absent:
            raise ValueError(f"there is no classifier for the setting {absent[0]!r}: it was not learned")
        return found

    def _block(self, drugs_of: Mapping[Setting, IntArray], diseases: IntArray) -> Block:
        """Every drug for diseases of one kind."""
        scores = np.full((self.num_classes - 1, self.num_drugs, len(diseases)), np.nan)
        spread = np.zeros((self.num_drugs, len(diseases)))
        towers = None
        if self.classifiers.towers:
            towers = self.classifiers.log_probabilities(diseases)
        for setting, drugs in drugs_of.items():
            classifier, features = self.classifiers.of_setting[setting], self.features[setting]
            found = self._of_setting(classifier, features, drugs, diseases, towers)
            scores[: len(found.log_odds), drugs] = found.log_odds.reshape(-1, len(drugs), len(diseases))
            spread[drugs] = found.spread.reshape(len(drugs), len(diseases))
        return Block(diseases, scores, spread)

    def _of_setting(
        self,
        classifier: PairClassifier,
        features: PairFeatures,
        drugs: IntArray,
        diseases: IntArray,
        towers: FloatArray | None,
    ) -> PairScores:
        """Some drugs for some diseases, all of one setting, drug by drug."""
        named, baselines = features.block(diseases), features.baselines.block(diseases)
        per_slice = max(1, ROWS_AT_ONCE // len(diseases))

        def score(chosen: IntArray) -> PairScores:
            rows = Rows(
                named[chosen].reshape(-1, named.shape[2]),
                baselines[chosen].reshape(-1, baselines.shape[2]),
                np.stack(np.meshgrid(chosen, diseases, indexing="ij")).reshape(2, -1),
                self.vectors,
                None if towers is None else towers[chosen].reshape(-1, towers.shape[2]),
            )
            return classifier.scores(rows)

        parts = on_every_core(score, [drugs[i : i + per_slice] for i in range(0, len(drugs), per_slice)])
        log_odds, spread = zip(*parts, strict=True)
        return PairScores(np.concatenate(log_odds, axis=1), np.concatenate(spread))


def score_all_pairs(
    scorer: Scorer, graph: KnowledgeGraph, *, on_block: Callable[[int], None] = lambda _: None
) -> ScoreGrid:
    """Score every drug for every disease.

    Args:
        scorer: The final model's.
        graph: Whose drugs and diseases they are.
        on_block: Called after each block with its number of diseases.
    """
    shape = graph.grid_shape
    log_odds, spread, against = (np.full(shape, np.nan, dtype=np.float32) for _ in range(3))
    for block in scorer.blocks(np.arange(shape[1])):
        log_odds[:, block.diseases] = block.log_odds[INDICATION - 1]
        spread[:, block.diseases] = block.spread
        if len(block.log_odds) >= CONTRAINDICATION:
            against[:, block.diseases] = block.log_odds[CONTRAINDICATION - 1]
        on_block(len(block.diseases))
    return ScoreGrid(*ids_of(graph), log_odds, spread, against)
