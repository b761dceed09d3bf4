"""The repurposing model: one classifier per setting, fitted on all known pairs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from hgt_repurposing.embeddings.table import Embeddings
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.split import DrugDiseaseSplit
from hgt_repurposing.graph.split_kinds import SETTINGS, Hiding, Setting
from hgt_repurposing.mismatch import MismatchError
from hgt_repurposing.repurposing.classifier import PairClassifier, fit_classifier, gather_examples
from hgt_repurposing.repurposing.features import PairFeatures
from hgt_repurposing.repurposing.inputs import PairInputs, pair_inputs
from hgt_repurposing.repurposing.params import ClassifierParams
from hgt_repurposing.repurposing.vectors import PairVectors

STREAM_OF: Mapping[Setting, int] = {"warm pair": 0, "cold disease": 1, "cold drug": 2}
"""Part of the seed of each setting's final classifier: unique, and never to be changed."""


@dataclass(frozen=True, eq=False)
class RepurposingModel:
    """The final classifiers."""

    classifiers: Mapping[Setting, PairClassifier]
    params: ClassifierParams
    """Parameters of the fit; the evaluation uses the same for its folds."""
    split_digest: str
    """Digest of the split whose pairs they were fitted on."""
    vectors_digest: str
    """Digest of the vectors they were fitted on."""

    def inputs_of(self, graph: KnowledgeGraph, embeddings: Embeddings) -> PairInputs:
        """Inputs for scoring pairs, with the vectors that the classifiers use; raises as `pair_inputs`."""
        return pair_inputs(graph, embeddings, vectors=self.params.vectors)

    def require_fitted_on(self, vectors: PairVectors) -> None:
        """Reject vectors of another training: the trees would split on dimensions with another meaning.

        Raises:
            MismatchError: If the classifiers were fitted on other vectors.
        """
        if self.vectors_digest != vectors.digest:
            raise MismatchError("the model was fitted on other embeddings", stale=["repurposing_model"])

    def require_split(self, split: DrugDiseaseSplit) -> None:
        """Reject a split other than the model's.

        Raises:
            MismatchError: If the digests differ.
        """
        if self.split_digest != split.digest:
            raise MismatchError("the model was fitted on another split", stale=["repurposing_model"])

    def to_parts(self) -> dict[str, Any]:
        """What `artifacts.py` writes; the inverse of `from_parts`. Any: one of its part shapes."""
        parts = {
            "repurposing_model.json": {
                "params": self.params.model_dump(),
                "split_digest": self.split_digest,
                "vectors_digest": self.vectors_digest,
            }
        }
        for setting, classifier in self.classifiers.items():
            parts |= classifier.to_parts(_prefix(setting))
        return parts

    @classmethod
    def from_parts(cls, parts: Mapping[str, Any]) -> Self:
        """Inverse of `to_parts`."""
        about = parts["repurposing_model.json"]
        return cls(
            {setting: PairClassifier.from_parts(parts, _prefix(setting)) for setting in SETTINGS},
            ClassifierParams(**about["params"]),
            about["split_digest"],
            about["vectors_digest"],
        )


def _prefix(setting: Setting) -> str:
    """File name prefix of a classifier."""
    return setting.replace(" ", "_")


def fit_repurposing_model(
    inputs: PairInputs,
    split: DrugDiseaseSplit,
    params: ClassifierParams,
    *,
    on_fit: Callable[[str], None] = lambda _: None,
) -> RepurposingModel:
    """Fit the classifier of every setting on all known pairs.

    Args:
        inputs: Derived from the graph, with vectors that have not seen drug-disease edges.
        split: Provides the indications.
        params: Of ensemble, negatives and heads.
        on_fit: Called with the name of each fitted classifier.

    Raises:
        ValueError: If there are too few indications to hide some of them in turn.
    """
    labels = inputs.labels.with_indications(split.pairs)
    classifiers = {}
    for setting in SETTINGS:
        generator = np.random.default_rng([params.seed, STREAM_OF[setting]])
        hiding = Hiding(setting)
        examples = gather_examples(inputs.neighbourhoods, labels, hiding=hiding, params=params, generator=generator)
        features = PairFeatures(inputs.neighbourhoods, labels.indications, setting)
        classifiers[setting] = fit_classifier(examples, inputs.vectors, features=features, params=params)
        on_fit(f"{setting} setting")
    return RepurposingModel(classifiers, params, split.digest, inputs.vectors.digest)
