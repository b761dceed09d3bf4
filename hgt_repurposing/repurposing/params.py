"""Run configuration of classifier and candidates; does not import xgboost, so that it can be validated quickly."""

import math
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, Field, field_validator

from hgt_repurposing.graph.missing import MissingShares

VectorName = Literal["hgt", "svd"]
VECTOR_NAMES: tuple[VectorName, ...] = ("hgt", "svd")

MAX_MASKS_PER_FOLD = 4
"""Time is proportional to the number of masks."""


class ClassifierParams(BaseModel, frozen=True, extra="forbid", allow_inf_nan=False):
    """How drug-disease pairs are classified."""

    vectors: list[str] = Field(  # not of Literal, which the launchpad does not support
        ["hgt", "svd"],
        description="vectors used as features of XGBoost and as input of the two towers: hgt, svd, both or none",
    )
    inner_folds: int = Field(
        5,
        ge=2,
        le=20,
        description="parts of the masks that an ensemble member is not fitted on, but blended on; one member per part",
    )
    missing: MissingShares = Field(
        MissingShares(),
        description="shares of the treatments that the graph is assumed to miss: what is hidden while learning, and "
        "what the printed probabilities are about",
    )
    negatives_per_positive: int = Field(40, ge=1, le=1000, description="unknown pairs drawn per hidden treatment")
    calibration_cells: int = Field(
        4000,
        ge=100,
        le=10_000_000,
        description="unknown pairs per mask and setting for blending the heads and calibrating probabilities",
    )
    l2_logistic: float = Field(50.0, gt=0, description="L2 penalty of the logistic regression")
    num_trees: int = Field(150, ge=1, le=10_000, description="trees per ensemble member and class")
    learning_rate: float = Field(0.1, gt=0, le=1, description="shrinkage per tree")
    max_depth: int = Field(4, ge=1, le=16, description="maximum depth of a tree")
    subsample: float = Field(0.7, gt=0, le=1, description="share of pairs sampled per tree")
    colsample_bytree: float = Field(0.3, gt=0, le=1, description="share of features sampled per tree")
    min_child_weight: float = Field(5.0, ge=0, description="minimum sum of instance weights in a leaf")
    l2: float = Field(5.0, ge=0, description="L2 penalty on leaf values")
    max_bin: int = Field(64, ge=2, le=1024, description="maximum number of histogram bins per feature")
    tower_updates: int = Field(
        160,
        ge=0,
        le=10_000,
        description="training steps of the two towers, a supervised phase on the vectors; 0: no towers",
    )
    seed: int = Field(42, ge=0, description="seed of masks, negatives and trees")

    @property
    def num_masks(self) -> int:
        """Masks drawn while learning: enough to hide every treatment once in every way, as whole inner folds."""
        rarest = min(share for share in self.missing.by_unit.values() if share)
        per_fold = math.ceil(round(1 / (rarest * self.inner_folds), 6))
        return self.inner_folds * min(max(per_fold, 1), MAX_MASKS_PER_FOLD)

    @field_validator("vectors")
    @classmethod
    def _are_known(cls, vectors: list[str]) -> list[str]:
        if len(set(vectors)) < len(vectors):
            raise ValueError("each name may occur only once")
        unknown = [name for name in vectors if name not in VECTOR_NAMES]
        if unknown:
            raise ValueError(f"unknown vectors {unknown[0]!r}; choose from {', '.join(VECTOR_NAMES)}")
        return vectors


class CandidateParams(BaseModel, frozen=True, extra="forbid"):
    """Which candidates are listed; choosing some changes no rank."""

    top_k: int = Field(100, ge=1, description="drugs listed per disease, known ones included")
    top_k_by_drug: int = Field(20, ge=1, description="diseases listed per drug, known ones included")
    drug_attributes: dict[str, list[str]] = Field(
        {},
        description="list only drugs with one of these values of every attribute named, as {approved: ['yes'], atc: "
        "['A10*']}; a value that ends in * means all that begin like it",
    )
    disease_attributes: dict[str, list[str]] = Field({}, description="the same for diseases in the lists by drug")
    only_drugs: str = Field(
        "",
        description="absolute path of a file with the drugs to list, an id or a name on each line; empty: all drugs",
    )
    only_diseases: str = Field("", description="the same for diseases in the lists by drug")

    @property
    def files(self) -> tuple[str, ...]:
        """Paths of the lists of one's own."""
        return tuple(path for path in (self.only_drugs, self.only_diseases) if path)

    @field_validator("drug_attributes", "disease_attributes", mode="before")
    @classmethod
    def _are_texts(cls, given: Any) -> Any:  # Any: a value from YAML
        if not isinstance(given, Mapping):
            return given
        return {name: [_as_text(value) for value in _listed(values)] for name, values in given.items()}

    @field_validator("drug_attributes", "disease_attributes")
    @classmethod
    def _name_values(cls, given: dict[str, list[str]]) -> dict[str, list[str]]:
        for name, values in given.items():
            if not (name and values and all(values)):
                raise ValueError(f"name at least one value of the attribute {name!r}, and no empty ones")
        return given


def _listed(values: Any) -> list[Any]:  # Any: a value from YAML
    return values if isinstance(values, list) else [values]


def _as_text(value: Any) -> Any:  # Any: a value from YAML
    if isinstance(value, bool):
        raise ValueError(f"write values in quotes, as 'yes' or 'true': YAML reads them as {value} without")  # noqa: TRY004
    return str(value) if isinstance(value, int | float) else value
