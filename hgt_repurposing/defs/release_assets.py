"""The assets that end a run: what to do with the results, the report about them, and the release."""

from functools import partial
from typing import TYPE_CHECKING, Any

import dagster as dg
import pandas as pd

from hgt_repurposing.benchmark.decision import Decision
from hgt_repurposing.defs.assets import (
    drug_disease_split,
    embedding_params,
    embedding_validation,
    repurposing_candidates,
    repurposing_evaluation,
    repurposing_model,
)
from hgt_repurposing.defs.code_version import CODE_VERSION
from hgt_repurposing.defs.config import ReleaseDecisionConfig
from hgt_repurposing.defs.metadata import decision_metadata
from hgt_repurposing.defs.resources import ArtifactStore, part_of
from hgt_repurposing.embeddings.table import Embeddings
from hgt_repurposing.embeddings.validation import ValidationReport
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.storage.catalog import PLACES, SAID_ABOUT
from hgt_repurposing.storage.html_page import HtmlPage

if TYPE_CHECKING:
    from hgt_repurposing.benchmark.results import Evaluation
    from hgt_repurposing.repurposing.candidates import Candidates
else:
    Candidates = Evaluation = Any

RELEASES = "releases"

DECIDED_BY = [embedding_validation, repurposing_evaluation, repurposing_candidates]
"""The last assets before a release; they and all that they were made from are compared with the current one."""


@dg.asset(group_name=RELEASES, kinds={"json", "csv"}, code_version=CODE_VERSION, deps=DECIDED_BY)
def release_decision(
    context: dg.AssetExecutionContext, config: ReleaseDecisionConfig, store: ArtifactStore
) -> dg.MaterializeResult[Decision]:
    """Whether these results should replace the current release: both on the same held-out treatments."""
    with store.step(context) as step:
        decision = step.session.decide(config, step=step.name)
    return dg.MaterializeResult(value=decision, metadata=decision_metadata(decision))


MADE_WITH = [embedding_params, drug_disease_split, repurposing_model]
"""Assets of which the report says what they were made with, without reading their values."""
RAN = [name for name in PLACES if name not in SAID_ABOUT]
"""Artefacts that it names as what ran: all of a run before it, in their order."""
TRAINING_HISTORY = part_of("hgt_model", "history.parquet")
"""The only part of the model that the report needs: the weights are not loaded."""


@dg.asset(
    group_name=RELEASES,
    kinds={"matplotlib"},
    code_version=CODE_VERSION,
    ins={"training_history": TRAINING_HISTORY},
    deps=[*MADE_WITH, release_decision],
)
def repurposing_report(
    context: dg.AssetExecutionContext,
    store: ArtifactStore,
    knowledge_graph: KnowledgeGraph,
    training_history: pd.DataFrame,
    hgt_embeddings: Embeddings,
    embedding_validation: ValidationReport,
    repurposing_evaluation: Evaluation,
    repurposing_candidates: Candidates,
) -> dg.MaterializeResult[HtmlPage]:
    """One HTML page: does the model beat its baselines, what does it propose, how far to trust it."""
    from hgt_repurposing.report.page import build_report

    with store.step(context) as step:
        build = partial(
            build_report,
            knowledge_graph,
            training_history,
            hgt_embeddings,
            embedding_validation,
            repurposing_evaluation,
            repurposing_candidates,
            origin=step.origin(*RAN),
        )
        report = step.once(build)
    return dg.MaterializeResult(value=report)


@dg.asset(
    group_name=RELEASES,
    kinds={"json"},
    code_version=CODE_VERSION,
    deps=[release_decision, repurposing_report],
)
def release(context: dg.AssetExecutionContext, store: ArtifactStore) -> dg.MaterializeResult[None]:
    """These versions as one release, and if it was so decided, the current one, whose files people open."""
    with store.step(context) as step:
        made = step.session.release(step=step.name)
        current, listed = step.releases()
    return dg.MaterializeResult(
        metadata={
            "release": made.id,
            "made_by": made.run_id,
            "current": current,
            "releases": dg.MetadataValue.md("```\n{}\n```".format("\n".join(listed))),
            **decision_metadata(made.decision),
            "figures": dg.MetadataValue.json(dict(made.figures)),
            "software": dg.MetadataValue.json(dict(made.software)),
            "versions": dg.MetadataValue.json(dict(made.versions)),
        }
    )
