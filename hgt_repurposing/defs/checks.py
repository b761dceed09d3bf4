"""Asset checks: what must hold stops the run, what should hold is said."""

from typing import TYPE_CHECKING, Any

import dagster as dg

from hgt_repurposing.defs.metadata import number, preview, validation_numbers
from hgt_repurposing.embeddings.validation import ValidationReport
from hgt_repurposing.graph.split import DrugDiseaseSplit, leaked_pairs

if TYPE_CHECKING:
    from torch_geometric.data import HeteroData

    from hgt_repurposing.repurposing.evaluation import Evaluation
else:
    HeteroData = Evaluation = Any


@dg.asset_check(asset="hetero_data", blocking=True, additional_ins={"drug_disease_split": dg.AssetIn()})
def no_held_out_pair_in_message_graph(
    hetero_data: HeteroData, drug_disease_split: DrugDiseaseSplit
) -> dg.AssetCheckResult:
    """No held-out pair is joined in the message graph, under any relation, in any direction. Stops the run.

    Held out is what any fold holds out, or the one fold that the message graph was made for, and every external pair.
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
    return dg.AssetCheckResult(
        passed=leaks.empty,
        description=f"{len(leaks)} edges of the message graph join a held-out drug and disease",
        metadata={"held_out_by": str(key or "any fold"), "leaked": number(len(leaks)), "first": preview(leaks, rows=5)},
    )


@dg.asset_check(asset="embedding_validation", blocking=True)
def embeddings_are_whole(embedding_validation: ValidationReport) -> dg.AssetCheckResult:
    """Every node has one finite vector. Stops the run."""
    return dg.AssetCheckResult(
        passed=embedding_validation.verdict != "broken",
        description=f"verdict: {embedding_validation.verdict}",
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
def model_beats_floors_on_held_out_diseases(repurposing_evaluation: Evaluation) -> dg.AssetCheckResult:
    """The mean lead in macro AP over the best floor is positive. A warning: a weak model is no broken pipeline."""
    lead = repurposing_evaluation.lead("disease", "macro_ap")
    return dg.AssetCheckResult(
        passed=bool(lead.mean() > 0),
        severity=dg.AssetCheckSeverity.WARN,
        description=repurposing_evaluation.headline(),
        metadata={"mean_lead": number(lead.mean()), "folds_ahead": number((lead > 0).sum())},
    )
