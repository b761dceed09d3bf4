"""The values of a release, each read when it is first asked for."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

from hgt_repurposing.benchmark.decision import Decision
from hgt_repurposing.benchmark.gate import LOSS_SHARE, Side
from hgt_repurposing.embeddings.validation import ValidationReport
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.message_graph import MessageGraphConfig
from hgt_repurposing.graph.split import DrugDiseaseSplit
from hgt_repurposing.repurposing.params import ClassifierParams
from hgt_repurposing.storage.catalog import read_part_of, read_version
from hgt_repurposing.storage.manifest import Manifest, UnreadableArtifactError
from hgt_repurposing.training.params import EmbeddingParams

if TYPE_CHECKING:
    from hgt_repurposing.benchmark.results import Evaluation
    from hgt_repurposing.embeddings.table import Embeddings
    from hgt_repurposing.repurposing.inputs import PairInputs
    from hgt_repurposing.repurposing.model import RepurposingModel
    from hgt_repurposing.repurposing.score_grid import ScoreGrid
    from hgt_repurposing.repurposing.scorer import Scorer

CANDIDATES = "repurposing_candidates.parquet"
HISTORY = "history.parquet"
EXPLAINED_FROM = ("knowledge_graph", "hgt_embeddings", "repurposing_model")
"""Artefacts that an explanation is made from."""
SCORED_FROM = (*EXPLAINED_FROM, "repurposing_scores")
"""Artefacts that the list of a new disease is made from."""


class LearningSettings(NamedTuple):
    """How a release learned from its graph."""

    embedding: EmbeddingParams
    message: MessageGraphConfig
    classifier: ClassifierParams


@dataclass(frozen=True, eq=False)
class ReleasedValues:
    """Values of versions that belong together; every property raises as `read_version`."""

    manifests: Mapping[str, Manifest]
    """By name of the artefact."""
    root: Path
    """The data folder."""

    @cached_property
    def graph(self) -> KnowledgeGraph:
        """The knowledge graph."""
        graph: KnowledgeGraph = self._value("knowledge_graph")
        return graph

    @cached_property
    def evaluation(self) -> "Evaluation":
        """The evaluation."""
        evaluation: Evaluation = self._value("repurposing_evaluation")
        return evaluation

    @property
    def decision(self) -> Decision:
        """What was decided about it."""
        decision: Decision = self._value("release_decision")
        return decision

    @property
    def candidates(self) -> pd.DataFrame:
        """The table of candidates as stored, of whatever format."""
        table: pd.DataFrame = self._part("repurposing_candidates", CANDIDATES)
        return table

    @property
    def sizes(self) -> dict[str, float]:
        """Sizes of the graph that must not shrink without a word."""
        graph = self.graph
        return {"nodes": len(graph.nodes), "edges": graph.num_edges, "indications": graph.indications.shape[1]}

    @cached_property
    def side(self) -> Side:
        """What is compared besides the evaluations."""
        validation: ValidationReport = self._value("embedding_validation")
        loss = float(self._part("hgt_model", HISTORY)["loss"].iloc[-1])
        return Side(
            self.sizes,
            loss / self._params.chance_loss,
            self._params.contrastive_weight,
            self.evaluation.whole_grid is not None,
            validation,
        )

    @property
    def scores(self) -> "ScoreGrid":
        """The scores of all pairs."""
        scores: ScoreGrid = self._value("repurposing_scores")
        return scores

    def scorer(self) -> "Scorer":
        """The final model as it scored the list; this loads torch and xgboost."""
        from hgt_repurposing.repurposing.scorer import Scorer  # noqa: PLC0415  (loads xgboost)

        return Scorer.of_model(self._model, self.inputs())

    @cached_property
    def _params(self) -> EmbeddingParams:
        params: EmbeddingParams = self._value("embedding_params")
        return params

    @cached_property
    def _model(self) -> "RepurposingModel":
        model: RepurposingModel = self._value("repurposing_model")
        return model

    @property
    def embeddings(self) -> "Embeddings":
        """The embeddings of all nodes."""
        embeddings: Embeddings = self._value("hgt_embeddings")
        return embeddings

    def inputs(self, embeddings: "Embeddings | None" = None) -> "PairInputs":
        """What the final model scores from: its own embeddings, or others of the same nodes."""
        return self._model.inputs_of(self.graph, embeddings or self.embeddings)

    @property
    def settings(self) -> LearningSettings:
        """How it was learned from the graph."""
        message = MessageGraphConfig.model_validate(dict(self.manifests["hetero_data"].config))
        return LearningSettings(self._params, message, self.classifier_params)

    @property
    def classifier_params(self) -> ClassifierParams:
        """How the final model was fitted."""
        return self._model.params

    @property
    def message_graph(self) -> Any:
        """The message graph. Any: PyG's HeteroData, which loads torch."""
        return self._value("hetero_data")

    @property
    def split(self) -> DrugDiseaseSplit:
        """The split of the indications."""
        split: DrugDiseaseSplit = self._value("drug_disease_split")
        return split

    def figures(self) -> dict[str, float | str | None]:
        """Sizes, metrics and verdicts that a list of releases shows; None: not measured."""
        grid = self.evaluation.whole_grid
        lead = self.evaluation.lead(self.evaluation.headline_split)
        leads = {} if grid is None else {found.metric: found for found in grid.headline_leads}
        of_grid = {f"whole_grid_{metric}": found.own for metric, found in leads.items()}
        found = {
            **self.sizes,
            LOSS_SHARE: self.side.loss_share,
            "graph": self._manifest("knowledge_graph").digest[:12],
            "validation": self.side.validation.verdict,
            "measured_on": self.evaluation.headline_split,
            lead.metric: lead.own,
            "standing": lead.standing,
            **of_grid,
            **{f"whole_grid_{metric}_best_baseline": found.own - found.mean for metric, found in leads.items()},
        }
        return {
            name: None if isinstance(value, float) and math.isnan(value) else value for name, value in found.items()
        }

    def _value(self, name: str) -> Any:
        """Any: the owner's type."""
        return read_version(self._manifest(name), root=self.root)

    def _part(self, name: str, part: str) -> Any:
        """Any: a value of one of the part formats."""
        return read_part_of(self._manifest(name), part, root=self.root)

    def _manifest(self, name: str) -> Manifest:
        if name not in self.manifests:
            raise UnreadableArtifactError(f"the release has no {name}", name=name)
        return self.manifests[name]
