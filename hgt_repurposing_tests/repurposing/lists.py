"""Candidate lists made up by hand."""

from typing import Any

import pandas as pd

from hgt_repurposing.repurposing.candidates import SCHEMA, SCHEMA_BY_DRUG, Candidates

USUAL: dict[str, Any] = {  # Any: values of columns
    "percentile": 50.0,
    "corrected_rank": 1,
    "setting": "warm pair",
    "evidence": "binds TRK12, associated with it",
    "drug_degree": 3,
    "disease_degree": 2,
    "drug_evidence": "evidence",
    "disease_evidence": "evidence",
}


def candidates_of(table: pd.DataFrame) -> Candidates:
    """Lists with these rows, and the same rows by drug; whatever a row does not say is usual."""
    whole = table.assign(
        **{name: value for name, value in USUAL.items() if name not in table},
        score_lower=table["score"] / 2,
        score_upper=(1 + table["score"]) / 2,
    )
    by_drug = whole.sort_values(["drug_id", "score"], ascending=[True, False], kind="stable")
    by_drug = by_drug.assign(rank=by_drug.groupby("drug_id").cumcount() + 1).reset_index(drop=True)
    return Candidates(whole[list(SCHEMA.columns)], by_drug[list(SCHEMA_BY_DRUG.columns)])
