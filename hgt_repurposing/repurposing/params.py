"""Run configuration of classifier and candidates; free of xgboost, so that it can be checked without loading it."""

from typing import Literal

from pydantic import BaseModel, Field, field_validator

VectorName = Literal["hgt", "svd"]
VECTOR_NAMES: tuple[VectorName, ...] = ("hgt", "svd")


class ClassifierParams(BaseModel, frozen=True, extra="forbid", allow_inf_nan=False):
    """How drug-disease pairs are classified."""

    vectors: list[str] = Field(  # not of Literal, for which the launchpad has no form
        ["hgt", "svd"],
        description="columns of XGBoost, and what the two towers are given: hgt, svd, both, or none of them",
    )
    inner_folds: int = Field(
        5, ge=2, le=20, description="parts of the training pairs that are hidden in turn; one ensemble member for each"
    )
    negatives_per_positive: int = Field(40, ge=1, le=1000, description="unknown pairs drawn per known pair and member")
    calibration_cells: int = Field(
        20_000, ge=100, le=10_000_000, description="unknown pairs per inner fold that probabilities are calibrated on"
    )
    l2_logistic: float = Field(50.0, gt=0, description="L2 penalty of the logistic regression")
    num_trees: int = Field(150, ge=1, le=10_000, description="trees per ensemble member and class")
    learning_rate: float = Field(0.1, gt=0, le=1, description="shrinkage per tree")
    max_depth: int = Field(4, ge=1, le=16, description="depth of a tree")
    subsample: float = Field(0.7, gt=0, le=1, description="share of pairs per tree")
    colsample_bytree: float = Field(0.3, gt=0, le=1, description="share of features per tree")
    min_child_weight: float = Field(5.0, ge=0, description="smallest weight of a leaf")
    l2: float = Field(5.0, ge=0, description="L2 penalty on leaf values")
    max_bin: int = Field(64, ge=2, le=1024, description="bins per feature in the histograms of XGBoost")
    tower_updates: int = Field(
        160,
        ge=0,
        le=10_000,
        description="updates of the two towers, a supervised phase over the vectors; 0: none",
    )
    seed: int = Field(42, ge=0, description="seed of inner folds, negatives and trees")

    @field_validator("vectors")
    @classmethod
    def _are_known(cls, vectors: list[str]) -> list[str]:
        if len(set(vectors)) < len(vectors):
            raise ValueError("each name may stand there once")
        unknown = [name for name in vectors if name not in VECTOR_NAMES]
        if unknown:
            raise ValueError(f"there are no vectors named {unknown[0]!r}; there are {', '.join(VECTOR_NAMES)}")
        return vectors


class CandidateParams(BaseModel, frozen=True, extra="forbid"):
    """Which candidates are listed."""

    top_k: int = Field(100, ge=1, description="drugs listed per disease")
