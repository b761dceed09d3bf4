"""The repurposing model: one classifier per setting, fitted on all known pairs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import pandas as pd

from hgt_repurposing.embeddings.table import Embeddings
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.settings import Setting
from hgt_repurposing.graph.split import DrugDiseaseSplit
from hgt_repurposing.mismatch import MismatchError
from hgt_repurposing.repurposing.blend import ScorePart
from hgt_repurposing.repurposing.classifier import PairClassifier
from hgt_repurposing.repurposing.inputs import PairInputs, pair_inputs
from hgt_repurposing.repurposing.learning import Classifiers, fit_classifiers, gather_examples
from hgt_repurposing.repurposing.params import ClassifierParams
from hgt_repurposing.repurposing.two_towers import TwoTowers
from hgt_repurposing.repurposing.vectors import PairVectors


@dataclass(frozen=True, eq=False)
class RepurposingModel:
    """The final classifiers."""

    classifiers: Classifiers
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

    def parts_of_score(self) -> pd.DataFrame:
        """What the scores of each setting are made of: columns setting, score, is_learned, share (of the influence)."""
        found = [part for classifier in self.classifiers.of_setting.values() for part in classifier.parts_of_score()]
        return pd.DataFrame(found, columns=list(ScorePart._fields))

    def to_parts(self) -> dict[str, Any]:
        """What `artifacts.py` writes; the inverse of `from_parts`. Any: one of its part shapes."""
        parts: dict[str, Any] = {
            "repurposing_model.json": {
                "params": self.params.model_dump(),
                "split_digest": self.split_digest,
                "vectors_digest": self.vectors_digest,
                "settings": list(self.classifiers.of_setting),
                "num_towers": len(self.classifiers.towers),
            }
        }
        for setting, classifier in self.classifiers.of_setting.items():
            parts |= classifier.to_parts(_prefix(setting))
        return parts | {f"towers_{i}.npz": towers.to_arrays() for i, towers in enumerate(self.classifiers.towers)}

    @classmethod
    def from_parts(cls, parts: Mapping[str, Any]) -> Self:
        """Inverse of `to_parts`."""
        about = parts["repurposing_model.json"]
        params = ClassifierParams(**about["params"])
        towers = tuple(TwoTowers(**parts[f"towers_{i}.npz"]) for i in range(about["num_towers"]))
        of_setting = {setting: PairClassifier.from_parts(parts, _prefix(setting)) for setting in about["settings"]}
        return cls(
            Classifiers(of_setting, towers, params.inner_folds),
            params,
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
        params: The assumption about what is missing, negatives and heads.
        on_fit: Called with the name of each fitted classifier.

    Raises:
        ValueError: If there is nothing to learn from.
    """
    labels = inputs.labels.with_indications(split.pairs)
    case = gather_examples(inputs.neighbourhoods, labels, params=params, seed=(params.seed,))
    classifiers = fit_classifiers(case, inputs.vectors, params, on_fit=on_fit)
    return RepurposingModel(classifiers, params, split.digest, inputs.vectors.digest)
