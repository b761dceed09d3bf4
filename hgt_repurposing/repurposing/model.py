"""The repurposing model: one classifier for the list that users see, and one per fold for an honest figure of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from hgt_repurposing.graph.schema import IntArray
from hgt_repurposing.graph.split import SPLIT_KINDS, DrugDiseaseSplit, FoldKey
from hgt_repurposing.repurposing.classifier import PairClassifier, fit_classifier
from hgt_repurposing.repurposing.features import PairFeatures
from hgt_repurposing.repurposing.params import ClassifierParams


@dataclass(frozen=True, eq=False)
class RepurposingModel:
    """The final classifier and those of the folds."""

    final: PairClassifier
    """Fitted on all known pairs."""
    folds: Mapping[FoldKey, PairClassifier]
    """Fitted without the pairs of that fold."""
    split_digest: str
    """Digest of the split they were fitted on."""
    features_digest: str
    """Digest of the embeddings they were fitted on."""

    def require_fitted_on(self, features: PairFeatures) -> None:
        """Refuse embeddings of another training: the trees would split on dimensions that mean something else.

        Raises:
            ValueError: If the classifiers were fitted on other vectors.
        """
        if self.features_digest != features.digest:
            raise ValueError("the model was fitted on other embeddings: materialise repurposing_model again")

    def to_parts(self) -> dict[str, Any]:
        """What `artifacts.py` writes; the inverse of `from_parts`. Any: one of its part shapes."""
        parts = {_part(key): model.to_json() for key, model in self.folds.items()}
        about = {
            "split_digest": self.split_digest,
            "features_digest": self.features_digest,
            "num_trees": self.final.num_trees,
            "folds": [list(key) for key in self.folds],
        }
        return {"repurposing_model.json": about, "final.json": self.final.to_json(), **parts}

    @classmethod
    def from_parts(cls, parts: Mapping[str, Any]) -> Self:
        """Inverse of `to_parts`."""
        about = parts["repurposing_model.json"]
        keys = [FoldKey(*names) for names in about["folds"]]
        folds = {key: PairClassifier.from_json(parts[_part(key)]) for key in keys}
        return cls(
            PairClassifier.from_json(parts["final.json"]), folds, about["split_digest"], about["features_digest"]
        )


def _part(key: FoldKey) -> str:
    return f"{key.kind}_repeat_{key.repeat}_fold_{key.fold}.json"


def fit_repurposing_model(
    features: PairFeatures,
    split: DrugDiseaseSplit,
    params: ClassifierParams,
    *,
    off_label: IntArray,
    on_fit: Callable[[str], None] = lambda _: None,
) -> RepurposingModel:
    """Fit one classifier per way of splitting and fold, and the final one on all known pairs.

    Args:
        features: Of embeddings that saw no drug-disease edge.
        split: All indications with their folds.
        params: Forest and negatives.
        off_label: Drug-disease pairs that are neither positive nor negative. Shape [2, num_off_label].
        on_fit: Called with the name of each classifier that is done.

    Raises:
        ValueError: If the embeddings do not fit the split's drugs and diseases.
    """
    found, expected = (len(features.drugs), len(features.diseases)), (split.num_drugs, split.num_diseases)
    if found != expected:
        raise ValueError(f"embeddings of {found} drugs and diseases do not fit a split of {expected}: train again")
    folds: dict[FoldKey, PairClassifier] = {}
    for key in split.keys:
        test, training = split.test_pairs(key), split.training_pairs(key)
        folds[key] = fit_classifier(
            features,
            training,
            known=np.concatenate([training, off_label], axis=1),
            drugs=np.setdiff1d(np.arange(split.num_drugs), test[0] if key.kind == "drug" else []).astype(np.int64),
            kind=key.kind,
            params=params,
            generator=np.random.default_rng([params.seed, SPLIT_KINDS.index(key.kind), key.repeat, key.fold]),
        )
        on_fit(str(key))
    final = fit_classifier(
        features,
        split.pairs,
        known=np.concatenate([split.pairs, off_label], axis=1),
        drugs=np.arange(split.num_drugs),
        kind="disease",
        params=params,
        generator=np.random.default_rng([params.seed, len(SPLIT_KINDS)]),
    )
    on_fit("final")
    return RepurposingModel(final, folds, split.digest, features.digest)
