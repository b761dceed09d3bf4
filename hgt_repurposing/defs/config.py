"""Run configuration for Dagster: the core's own models, whose errors become one clear sentence."""

from typing import Any

import dagster as dg
from pydantic import ValidationError

from hgt_repurposing.defs.run_config import one_sentence
from hgt_repurposing.graph.message_graph import MessageGraphConfig
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


class HeteroDataConfig(LaunchConfig, MessageGraphConfig):
    """Which drug-disease edges messages may pass over."""


class EmbeddingParamsConfig(LaunchConfig, EmbeddingParams):
    """How the embeddings are trained."""


class RepurposingModelConfig(LaunchConfig, ClassifierParams):
    """How drug-disease pairs are classified."""


class RepurposingCandidatesConfig(LaunchConfig, CandidateParams):
    """Which candidates are listed."""
