"""Asset checks: blocking ones stop the run, the others warn."""

from typing import TYPE_CHECKING, Any

import dagster as dg

from hgt_repurposing.benchmark.assumptions import WHOLE_GRID
from hgt_repurposing.benchmark.trust import (
    MAX_CALIBRATION_ERROR,
    MAX_FACTOR,
    calibration_of,
    popularity_of,
    why_not_measured,
)
from hgt_repurposing.defs.metadata import calibration_numbers, number, preview, validation_numbers
from hgt_repurposing.defs.resources import ArtifactStore
from hgt_repurposing.embeddings.validation import ValidationReport
from hgt_repurposing.graph.message_graph import leaked_pairs
from hgt_repurposing.graph.split import DrugDiseaseSplit

if TYPE_CHECKING:
    from torch_geometric.data import HeteroData

    from hgt_repurposing.benchmark.results import Evaluation
else:
    HeteroData = Evaluation = Any


@dg.asset_check(asset="hetero_data", blocking=True, additional_ins={"drug_disease_split": dg.AssetIn()})
def no_held_out_pair_in_message_graph(
    store: ArtifactStore, hetero_data: HeteroData, drug_disease_split: DrugDiseaseSplit
) -> dg.AssetCheckResult:
    """No held-out pair is joined in the message graph, under any relation, in any direction. Stops the run.

    Held-out pairs are those of all folds, or of the one fold that the message graph was made for, and external pairs.
    """
    from hgt_repurposing.graph.hetero_data import edge_arrays, scope_of

    scope = scope_of(hetero_data)
    key = scope.fold if scope else None
    leaks = leaked_pairs(
        edge_arrays(hetero_data),
        drug_disease_split,
        drug=hetero_data.drug_type,
        disease=hetero_data.disease_type,
        key=key,
    )
    description = f"{len(leaks)} edges of the message graph join a held-out drug and disease"
    if not leaks.empty:
        store.session.failed(description)
    return dg.AssetCheckResult(
        passed=leaks.empty,
        description=description,
        metadata={"held_out_by": str(key or "any fold"), "leaked": number(len(leaks)), "first": preview(leaks, rows=5)},
    )


@dg.asset_check(asset="embedding_validation", blocking=True)
def embeddings_are_whole(store: ArtifactStore, embedding_validation: ValidationReport) -> dg.AssetCheckResult:
    """Every node has one finite vector. Stops the run."""
    overall = embedding_validation.overall
    description = f"{overall.num_missing} missing rows, {overall.num_non_finite} rows with non-finite values"
    is_whole = embedding_validation.verdict != "broken"
    if not is_whole:
        store.session.failed(f"the embeddings are broken: {description}")
    return dg.AssetCheckResult(
        passed=is_whole,
        description=description,
        metadata=validation_numbers(embedding_validation),
    )


@dg.asset_check(asset="embedding_validation")
def embeddings_are_spread_out(embedding_validation: ValidationReport) -> dg.AssetCheckResult:
    """The embeddings did not collapse: mean cosine similarity and principal components within their bounds."""
    return dg.AssetCheckResult(
        passed=embedding_validation.passed,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"verdict: {embedding_validation.verdict}",
        metadata=validation_numbers(embedding_validation),
    )


@dg.asset_check(asset="repurposing_evaluation")
def model_beats_baselines_on_held_out_diseases(repurposing_evaluation: Evaluation) -> dg.AssetCheckResult:
    """The model is ahead of every baseline by more than noise, and none of the usually best baselines is missing.

    Only a warning: a weak model does not mean a broken pipeline.
    """
    split = repurposing_evaluation.headline_split
    lead = repurposing_evaluation.lead(split)
    interval = {} if lead.interval is None else {"lower": lead.interval.lower, "upper": lead.interval.upper}
    return dg.AssetCheckResult(
        passed=lead.standing == "ahead",
        severity=dg.AssetCheckSeverity.WARN,
        description=lead.in_words(),
        metadata={
            "measured_on": split,
            "metric": lead.metric,
            "standing": lead.standing,
            "best_baseline": lead.baseline,
            "baselines_not_computed": lead.missing_by_reason() or "none",
            "mean_lead": number(lead.mean),
            "folds_ahead": number(lead.num_ahead),
            **{f"{end}_end_of_95_percent_interval": number(value) for end, value in interval.items()},
        },
    )


@dg.asset_check(asset="repurposing_evaluation")
def probabilities_are_calibrated(repurposing_evaluation: Evaluation) -> dg.AssetCheckResult:
    """As many treatments are found as the probabilities expect, where they are hidden as assumed on the whole grid.

    Observed/expected within a factor of two, or not beyond it by more than noise, on the whole grid, in its settings
    and among the most probable pairs; calibration error at most 0.02.
    """
    calibration = calibration_of(repurposing_evaluation)
    if calibration is None:
        return dg.AssetCheckResult(
            passed=False,
            severity=dg.AssetCheckSeverity.WARN,
            description=why_not_measured(repurposing_evaluation),
            metadata={"measured_on": "nothing"},
        )
    return dg.AssetCheckResult(
        passed=calibration.holds,
        severity=dg.AssetCheckSeverity.WARN,
        description=(
            f"{calibration.verdict}: {calibration.in_words()} Bounds: error at most {MAX_CALIBRATION_ERROR}, "
            f"observed/expected within a factor of {MAX_FACTOR:g}."
        ),
        metadata={"measured_on": WHOLE_GRID, **calibration_numbers(calibration)},
    )


@dg.asset_check(asset="repurposing_evaluation")
def ranking_is_more_than_popularity(repurposing_evaluation: Evaluation) -> dg.AssetCheckResult:
    """Scores that follow a drug's number of known uses also tell pairs of equal popularity apart."""
    split = repurposing_evaluation.headline_split
    popularity = popularity_of(repurposing_evaluation, split)
    assert popularity, "every fold gives lists"
    return dg.AssetCheckResult(
        passed=popularity.holds,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"{popularity.verdict}: {popularity.in_words()}",
        metadata={
            "measured_on": split,
            "spearman_with_degree": number(popularity.spearman),
            "auroc_degree_matched": number(popularity.matched_auroc),
            "entropy_of_drugs": number(popularity.entropy),
        },
    )
