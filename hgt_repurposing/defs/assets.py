"""The assets: each calls one function of the core and attaches metadata to the result.

Types that would load torch or xgboost are imported for the type checker only: Dagster reads annotations when the code
location loads, and each step's process loads it again.
"""

from functools import partial
from typing import TYPE_CHECKING, Any

import dagster as dg
import numpy as np
import pandas as pd

from hgt_repurposing.benchmark.preflight import split_for_learning
from hgt_repurposing.defs.code_version import CODE_VERSION
from hgt_repurposing.defs.config import (
    DrugDiseaseSplitConfig,
    EmbeddingParamsConfig,
    HeteroDataConfig,
    KnowledgeGraphConfig,
    RepurposingCandidatesConfig,
    RepurposingModelConfig,
)
from hgt_repurposing.defs.metadata import (
    column_schema,
    made_of,
    number,
    picture,
    preview,
    validation_numbers,
    whole_grid_numbers,
)
from hgt_repurposing.defs.progress import block_logger, epoch_logger
from hgt_repurposing.defs.resources import ArtifactStore, part_of
from hgt_repurposing.embeddings.table import Embeddings
from hgt_repurposing.embeddings.validation import ValidationReport, ValidationThresholds, validate_embeddings
from hgt_repurposing.graph.attributes import names_of
from hgt_repurposing.graph.evidence import nodes_without_evidence
from hgt_repurposing.graph.external_pairs import external_sizes
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph, degrees, describe
from hgt_repurposing.graph.message_graph import scoped_message_graph
from hgt_repurposing.graph.sources.source import load_knowledge_graph
from hgt_repurposing.graph.split import DrugDiseaseSplit, crossing_edges, split_sizes
from hgt_repurposing.report.plots import (
    plot_degrees,
    plot_evaluation,
    plot_loss,
    plot_projection,
    plot_spectrum,
)
from hgt_repurposing.repurposing.score_grid import BY_DISEASE, ScoreGrid
from hgt_repurposing.storage.software import code_digest
from hgt_repurposing.training.params import EmbeddingParams

if TYPE_CHECKING:
    from torch_geometric.data import HeteroData

    from hgt_repurposing.benchmark.results import Evaluation
    from hgt_repurposing.repurposing.candidates import Candidates
    from hgt_repurposing.repurposing.model import RepurposingModel
    from hgt_repurposing.training.loop import TrainingResult
else:
    HeteroData = Candidates = Evaluation = RepurposingModel = TrainingResult = Any

GRAPH, EMBEDDINGS, REPURPOSING = "graph", "embeddings", "repurposing"

ORDER_ONLY = ["drug_disease_split"]
"""Not read: parameters next to older results are replaced only after graph and split have turned out to be valid."""


@dg.asset(group_name=EMBEDDINGS, kinds={"python"}, code_version=CODE_VERSION, deps=ORDER_ONLY)
def embedding_params(
    context: dg.AssetExecutionContext, config: EmbeddingParamsConfig, store: ArtifactStore
) -> dg.MaterializeResult[EmbeddingParams]:
    """Training parameters of the embeddings; like all settings, they are checked before anything runs."""
    with store.step(context):
        return dg.MaterializeResult(value=config, metadata={"params": dg.MetadataValue.json(config.model_dump())})


@dg.asset(group_name=GRAPH, kinds={"pyarrow", "parquet"}, code_version=CODE_VERSION)
def knowledge_graph(
    context: dg.AssetExecutionContext, config: KnowledgeGraphConfig, store: ArtifactStore
) -> dg.MaterializeResult[KnowledgeGraph]:
    """Typed nodes and edges of the biomedical knowledge graph, loaded from its files or generated."""
    with store.step(context) as step:
        graph = load_knowledge_graph(config, raw_folder=step.raw_folder)
    return dg.MaterializeResult(
        value=graph,
        metadata={
            "nodes": number(len(graph.nodes)),
            "edges": number(graph.num_edges),
            "indications": number(graph.indications.shape[1]),
            "contraindications": number(graph.contraindicated_pairs.shape[1]),
            "not_indicated": number(graph.not_indicated_pairs.shape[1]),
            "isolated_nodes": number((degrees(graph)["degree"] == 0).sum()),
            "duplicate_nodes_dropped": number(graph.num_duplicate_nodes),
            "duplicate_edges_dropped": number(graph.num_duplicate_edges),
            "disease_areas": number(len(graph.disease_areas)),
            "attributes": ", ".join(names_of(graph.attributes)) or "none",
            "edge_types_with_provenance": number(len(graph.provenance)),
            "nodes_per_type": dg.MetadataValue.json(graph.num_nodes),
            "edges_per_type": preview(describe(graph), rows=100),
            "degrees": picture(lambda ax: plot_degrees(graph, ax=ax)),
        },
    )


@dg.asset(group_name=GRAPH, kinds={"numpy"}, code_version=CODE_VERSION)
def drug_disease_split(
    context: dg.AssetExecutionContext,
    config: DrugDiseaseSplitConfig,
    store: ArtifactStore,
    knowledge_graph: KnowledgeGraph,
) -> dg.MaterializeResult[DrugDiseaseSplit]:
    """Which known drug-disease pairs each fold holds out: by disease, by pair, by drug and by group of diseases."""
    with store.step(context) as step:
        split = split_for_learning(
            knowledge_graph,
            config,
            classifier=step.settings("repurposing_model"),
            embedding=step.settings("embedding_params"),
        ).split
    return dg.MaterializeResult(
        value=split,
        metadata={
            "pairs": number(split.pairs.shape[1]),
            "external_pairs": number(split.external_positives.shape[1]),
            "external_negatives": number(split.external_negatives.shape[1]),
            "external_pairs_known_already": number(sum(found.counts.num_known for found in split.external)),
            "external_rows_with_unknown_ids": number(sum(found.counts.num_unknown for found in split.external)),
            "external_files": preview(external_sizes(split.external), rows=100),
            "external_ids_unknown": preview(split.external_unknown),
            "ways_left_out": dg.MetadataValue.json(dict(split.left_out)),
            "pairs_per_fold": preview(split_sizes(split), rows=100),
            "edges_between_folds": preview(crossing_edges(split, knowledge_graph), rows=100),
        },
    )


@dg.asset(group_name=GRAPH, kinds={"pytorch"}, code_version=CODE_VERSION)
def hetero_data(
    context: dg.AssetExecutionContext,
    config: HeteroDataConfig,
    store: ArtifactStore,
    knowledge_graph: KnowledgeGraph,
    drug_disease_split: DrugDiseaseSplit,
) -> dg.MaterializeResult[HeteroData]:
    """The message graph as PyG HeteroData: no edge joins a held-out drug-disease pair."""
    from hgt_repurposing.graph.hetero_data import count_edges, to_hetero_data

    with store.step(context):
        visible, scope = scoped_message_graph(knowledge_graph, drug_disease_split, config)
        data = to_hetero_data(visible, scope=scope)
    return dg.MaterializeResult(
        value=data,
        metadata={
            "drug_disease_edges_excluded": number(knowledge_graph.num_edges - visible.num_edges),
            "evaluated_on": str(scope.fold or "every fold"),
            "edge_types": number(len(data.edge_types)),
            "directed_edges_per_type": preview(count_edges(data), rows=100),
        },
    )


@dg.asset(group_name=EMBEDDINGS, kinds={"pytorch"}, code_version=CODE_VERSION)
def hgt_model(
    context: dg.AssetExecutionContext, store: ArtifactStore, embedding_params: EmbeddingParams, hetero_data: HeteroData
) -> dg.MaterializeResult[TrainingResult]:
    """Heterogeneous graph transformer trained by link prediction over all edge types of the message graph."""
    from hgt_repurposing.storage.checkpoints import CheckpointFolder
    from hgt_repurposing.training.loop import fit

    with store.step(context) as step:
        train = partial(
            fit,
            hetero_data,
            embedding_params,
            on_epoch=epoch_logger(context.log, embedding_params.num_epochs),
            checkpoints=CheckpointFolder.of_hgt_model(root=step.root, before_save=step.session.require_held),
            graph_digest=step.digest("hetero_data"),
            code_version=code_digest(),
        )
        result = step.once(train)
    last = result.history.iloc[-1]
    return dg.MaterializeResult(
        value=result,
        metadata={
            "loss": number(last["loss"]),
            "first_loss": number(result.history["loss"].iloc[0]),
            "seconds_per_epoch": number(result.history["seconds"].median()),
            "peak_memory_gb": number(last["peak_gb"]),
            "parameters": number(result.model.num_parameters),
            "device": result.device,
            "seed": number(embedding_params.seed),
            "loss_curve": picture(lambda ax: plot_loss(result.history, ax=ax)),
        },
    )


@dg.asset(group_name=EMBEDDINGS, kinds={"pytorch", "csv", "parquet"}, code_version=CODE_VERSION)
def hgt_embeddings(
    context: dg.AssetExecutionContext,
    store: ArtifactStore,
    knowledge_graph: KnowledgeGraph,
    hetero_data: HeteroData,
    hgt_model: TrainingResult,
) -> dg.MaterializeResult[Embeddings]:
    """One vector per node of the knowledge graph, computed over all of its message edges."""
    from hgt_repurposing.embeddings.inference import embed_all_nodes

    with store.step(context) as step:
        embeddings = step.once(partial(embed_all_nodes, hgt_model.model, hetero_data, knowledge_graph.nodes))
    return dg.MaterializeResult(
        value=embeddings,
        metadata={
            "dagster/row_count": number(len(embeddings.nodes)),
            "dagster/column_schema": column_schema(embeddings.to_table(rows=0)),
            "dimensions": number(embeddings.dim),
            "projection": picture(lambda ax: plot_projection(embeddings, ax=ax)),
        },
    )


@dg.asset(group_name=EMBEDDINGS, kinds={"numpy", "json"}, code_version=CODE_VERSION)
def embedding_validation(
    context: dg.AssetExecutionContext,
    store: ArtifactStore,
    knowledge_graph: KnowledgeGraph,
    hgt_embeddings: Embeddings,
) -> dg.MaterializeResult[ValidationReport]:
    """Whether the embeddings collapsed: cosine similarity, principal components, separation of the node types."""
    with store.step(context):
        report = validate_embeddings(
            hgt_embeddings,
            ValidationThresholds(),
            expected_nodes=knowledge_graph.nodes,
            isolated_nodes=nodes_without_evidence(knowledge_graph),
        )
    context.log.info("%s", report.to_text())
    return dg.MaterializeResult(
        value=report,
        metadata={
            "verdict": report.verdict,
            **validation_numbers(report),
            "isolated_rows": number(report.overall.num_isolated),
            "report": dg.MetadataValue.md(f"```\n{report.to_text()}\n```"),
            "spectrum": picture(lambda ax: plot_spectrum(hgt_embeddings, ax=ax)),
        },
    )


@dg.asset(group_name=REPURPOSING, kinds={"xgboost", "scikitlearn", "pytorch"}, code_version=CODE_VERSION)
def repurposing_model(
    context: dg.AssetExecutionContext,
    store: ArtifactStore,
    config: RepurposingModelConfig,
    knowledge_graph: KnowledgeGraph,
    drug_disease_split: DrugDiseaseSplit,
    hgt_embeddings: Embeddings,
) -> dg.MaterializeResult[RepurposingModel]:
    """Heads on named pair features, vectors and baselines, blended for each of the four settings."""
    from hgt_repurposing.api import fit_model

    with store.step(context) as step:
        learn = partial(
            fit_model,
            knowledge_graph,
            hgt_embeddings,
            step.evaluated_split(drug_disease_split),
            config,
            on_fit=lambda name: context.log.info("fitted the classifier of %s", name),
        )
        model = step.once(learn)
    return dg.MaterializeResult(
        value=model,
        metadata={
            "known_pairs": number(drug_disease_split.pairs.shape[1]),
            "named_features": dg.MetadataValue.json(
                {
                    setting: list(classifier.feature_names)
                    for setting, classifier in model.classifiers.of_setting.items()
                }
            ),
            "vectors": dg.MetadataValue.json(model.params.vectors),
            "assumption": model.params.missing.in_words(),
            **made_of(model.parts_of_score()),
        },
    )


@dg.asset(group_name=REPURPOSING, kinds={"numpy", "csv"}, code_version=CODE_VERSION)
def repurposing_evaluation(
    context: dg.AssetExecutionContext,
    store: ArtifactStore,
    knowledge_graph: KnowledgeGraph,
    drug_disease_split: DrugDiseaseSplit,
    hgt_embeddings: Embeddings,
    repurposing_model: RepurposingModel,
) -> dg.MaterializeResult[Evaluation]:
    """How well held-out pairs are ranked among all drugs, by fold, next to the baselines that a model must beat."""
    from hgt_repurposing.api import evaluate
    from hgt_repurposing.benchmark.areas import by_area

    with store.step(context) as step:
        measure = partial(
            evaluate,
            knowledge_graph,
            hgt_embeddings,
            step.evaluated_split(drug_disease_split),
            repurposing_model,
            on_fold=lambda name: context.log.info("evaluated %s", name),
        )
        evaluation = step.once(measure)
    split = evaluation.headline_split
    lead = evaluation.lead(split)
    context.log.info("%s", evaluation.headline())
    return dg.MaterializeResult(
        value=evaluation,
        metadata={
            "headline": evaluation.headline(),
            **whole_grid_numbers(evaluation.whole_grid),
            "measured_on": split,
            "standing": lead.standing,
            lead.metric: number(lead.own),
            "lead_over_best_baseline": number(lead.mean),
            "baselines_not_computed": lead.missing_by_reason() or "none",
            "table": preview(evaluation.summary, rows=100),
            "trust": preview(evaluation.trust, rows=10),
            "by_disease_area": preview(by_area(evaluation, knowledge_graph.disease_areas), rows=100),
            "model_and_baselines": picture(lambda ax: plot_evaluation(evaluation, split, ax=ax)),
        },
    )


@dg.asset(group_name=REPURPOSING, kinds={"xgboost", "parquet"}, code_version=CODE_VERSION)
def repurposing_scores(
    context: dg.AssetExecutionContext,
    store: ArtifactStore,
    knowledge_graph: KnowledgeGraph,
    hgt_embeddings: Embeddings,
    repurposing_model: RepurposingModel,
) -> dg.MaterializeResult[ScoreGrid]:
    """The score of every drug for every disease, and how much the members of the ensemble differ."""
    from hgt_repurposing.api import score

    with store.step(context) as step:
        score_all = partial(
            score,
            knowledge_graph,
            hgt_embeddings,
            repurposing_model,
            on_block=block_logger(context.log, knowledge_graph.num_nodes[knowledge_graph.therapeutic.disease]),
        )
        scores = step.once(score_all)
    num_drugs, num_diseases = scores.log_odds.shape
    return dg.MaterializeResult(
        value=scores,
        metadata={
            "dagster/row_count": number(num_drugs * num_diseases),
            "drugs": number(num_drugs),
            "diseases": number(num_diseases),
            "highest_log_odds": number(scores.log_odds.max()),
            "median_spread": number(np.median(scores.spread)),
        },
    )


SCORES_BY_DISEASE = part_of("repurposing_scores", BY_DISEASE)
"""One of the two orders of the same scores."""


@dg.asset(
    group_name=REPURPOSING,
    kinds={"csv", "parquet"},
    code_version=CODE_VERSION,
    ins={"scores_by_disease": SCORES_BY_DISEASE},
)
def repurposing_candidates(
    context: dg.AssetExecutionContext,
    config: RepurposingCandidatesConfig,
    store: ArtifactStore,
    knowledge_graph: KnowledgeGraph,
    scores_by_disease: pd.DataFrame,
) -> dg.MaterializeResult[Candidates]:
    """The best drugs for every disease and the best diseases for every drug, with evidence and what is known."""
    from hgt_repurposing.api import rank

    with store.step(context) as step:
        scores = ScoreGrid.of_table(scores_by_disease)
        candidates = step.once(partial(rank, knowledge_graph, scores, config), files=config.files)
    table = candidates.table
    return dg.MaterializeResult(
        value=candidates,
        metadata={
            "dagster/row_count": number(len(table)),
            "dagster/column_schema": column_schema(table),
            "diseases": number(table["disease_id"].nunique()),
            "diseases_without_evidence": number(
                table.loc[table["disease_evidence"] == "nothing", "disease_id"].nunique()
            ),
            "share_known_in_top_10": number(table.groupby("disease_id").head(10)["known"].mean()),
            "listed": dg.MetadataValue.json({side: list(said) for side, said in candidates.chosen.items()}),
            "preview": preview(table),
            "preview_by_drug": preview(candidates.by_drug),
        },
    )
