"""Run configuration of classifier and candidates; free of xgboost, so that it can be checked without loading it."""

from pydantic import BaseModel, Field


class ClassifierParams(BaseModel, frozen=True, extra="forbid"):
    """How drug-disease pairs are classified."""

    max_trees: int = Field(200, ge=1, le=10_000, description="upper bound on the number of trees")
    early_stopping_rounds: int = Field(20, ge=1, description="trees without gain on the inner hold-out before stopping")
    inner_fraction: float = Field(0.2, gt=0, lt=1, description="share of training pairs in the inner hold-out")
    learning_rate: float = Field(0.1, gt=0, le=1, description="shrinkage per tree")
    max_depth: int = Field(4, ge=1, le=16, description="depth of a tree")
    subsample: float = Field(0.7, gt=0, le=1, description="share of pairs per tree")
    colsample_bytree: float = Field(0.3, gt=0, le=1, description="share of features per tree")
    min_child_weight: float = Field(5.0, ge=0, description="smallest weight of a leaf")
    l2: float = Field(5.0, ge=0, description="L2 penalty on leaf values")
    negatives_per_positive: int = Field(20, ge=1, le=1000, description="unknown pairs drawn per known pair")
    seed: int = Field(42, ge=0, description="seed of negatives, hold-outs and trees")


class CandidateParams(BaseModel, frozen=True, extra="forbid"):
    """Which candidates are listed."""

    top_k: int = Field(100, ge=1, description="drugs listed per disease")
