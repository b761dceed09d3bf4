"""Run configuration for Dagster: the core's own models, whose errors become one clear sentence."""

import os
from typing import Annotated, Any

import dagster as dg
from pydantic import Field, GetPydanticSchema, ValidationError

from hgt_repurposing.benchmark.challenge import PromotionPolicy
from hgt_repurposing.defs.environment import resolve
from hgt_repurposing.defs.run_config import one_sentence
from hgt_repurposing.graph.message_graph import MessageGraphConfig
from hgt_repurposing.graph.missing import MissingShares
from hgt_repurposing.graph.sources.external import ExternalFiles
from hgt_repurposing.graph.sources.source import GraphSource
from hgt_repurposing.graph.split import SplitConfig
from hgt_repurposing.repurposing.params import CandidateParams, ClassifierParams
from hgt_repurposing.training.params import EmbeddingParams


class LaunchConfig(dg.Config):
    """Turns pydantic's error into one sentence; Dagster checks bounds only when the step begins."""

    def __init__(self, **values: Any) -> None:  # Any: values from the launchpad
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise dg.Failure(description=one_sentence(error), allow_retries=False) from None


class KnowledgeGraphConfig(LaunchConfig, GraphSource):
    """Which graph to load."""


class DrugDiseaseSplitConfig(LaunchConfig, SplitConfig):
    """How indications are held out."""

    # Dagster has no type for text or a list: it takes any value, and pydantic validates it.
    external_pairs: Annotated[Any, GetPydanticSchema(lambda _, handler: handler(ExternalFiles))] = Field(
        "", description=SplitConfig.model_fields["external_pairs"].description
    )

    def __init__(self, **values: Any) -> None:  # Any: values from the launchpad
        # Nor does it read environment variables in such a value.
        super().__init__(**(values | resolve(SplitConfig, values, os.environ).values))


class HeteroDataConfig(LaunchConfig, MessageGraphConfig):
    """Which drug-disease edges messages may pass over."""


class EmbeddingParamsConfig(LaunchConfig, EmbeddingParams):
    """How the embeddings are trained."""


class MissingSharesConfig(dg.Config, MissingShares):
    """Shares of the treatments that the graph is assumed to miss."""


class RepurposingModelConfig(LaunchConfig, ClassifierParams):
    """How drug-disease pairs are classified."""

    # Dagster shows the settings within a setting only if they are a configuration of its own kind.
    missing: MissingSharesConfig = Field(
        MissingSharesConfig(), description=ClassifierParams.model_fields["missing"].description
    )


class RepurposingCandidatesConfig(LaunchConfig, CandidateParams):
    """Which candidates are listed."""


class ReleaseDecisionConfig(LaunchConfig, PromotionPolicy):
    """When a new release becomes the current one."""
