"""The figures of a pair: from the lists if it stands there, else from the scores of all pairs."""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.special import expit

from hgt_repurposing.explorer.library import Named, OpenRelease
from hgt_repurposing.graph.settings import SETTINGS
from hgt_repurposing.repurposing.candidate_ranking import interval


class Facts(NamedTuple):
    """The figures of a pair; None: not in the lists, and not kept for other pairs."""

    drug: Named
    disease: Named
    score: float
    lower: float
    upper: float
    contraindication_score: float
    """NaN without enough contraindications to learn from."""
    rank: int
    """Among the drugs of the disease."""
    num_drugs: int
    rank_of_disease: int
    """Among the diseases of the drug."""
    num_diseases: int
    percentile: float | None
    corrected_rank: int | None
    status: str | None
    """None: known when the pair has been explained."""
    setting: str
    drug_evidence: str
    disease_evidence: str
    in_list: bool
    """Whether the pair stands in one of the lists."""


def facts_of(opened: OpenRelease, drug_id: str, disease_id: str) -> Facts:
    """The figures of a pair, from the lists and the scores of all pairs.

    Raises:
        MissingArtifactError, UnreadableArtifactError, MismatchError: If the scores are needed but cannot be read.
    """
    of_drug, of_disease = opened.lists["drug"].of(drug_id), opened.lists["disease"].of(disease_id)
    in_drugs_list = of_drug[of_drug["disease_id"] == disease_id]
    in_diseases_list = of_disease[of_disease["drug_id"] == drug_id]
    row: dict[Any, Any]  # a row of the list: text and numbers
    if len(in_diseases_list) and len(in_drugs_list):
        row = in_diseases_list.iloc[0].to_dict()
        ranks = int(row["rank"]), int(in_drugs_list.iloc[0]["rank"])
    else:
        scored = _scored(opened, drug_id, disease_id)
        ranks = scored.rank, scored.rank_of_disease
        found = in_diseases_list if len(in_diseases_list) else in_drugs_list
        row = found.iloc[0].to_dict() if len(found) else scored.row
        if not len(in_diseases_list):
            row["corrected_rank"] = None
    return Facts(
        Named(drug_id, opened.lists["drug"].name(drug_id)),
        Named(disease_id, opened.lists["disease"].name(disease_id)),
        float(row["score"]),
        float(row["score_lower"]),
        float(row["score_upper"]),
        float(row["contraindication_score"]),
        ranks[0],
        opened.lists["drug"].num_nodes,
        ranks[1],
        opened.lists["disease"].num_nodes,
        row.get("percentile"),
        row.get("corrected_rank"),
        row.get("status"),
        row.get("setting") or _setting(str(of_drug["setting"].iloc[0]), str(of_disease["setting"].iloc[0])),
        str(of_drug["drug_evidence"].iloc[0]),
        str(of_disease["disease_evidence"].iloc[0]),
        bool(len(in_diseases_list) or len(in_drugs_list)),
    )


class _Scored(NamedTuple):
    """A pair among the scores of all pairs."""

    row: dict[Any, Any]
    """Any: as a row of a list."""
    rank: int
    rank_of_disease: int


def _scored(opened: OpenRelease, drug_id: str, disease_id: str) -> _Scored:
    of_disease, of_drug = opened.scores_of("disease", disease_id), opened.scores_of("drug", drug_id)
    here = _place(of_disease["drug_id"], drug_id)
    own: dict[Any, Any] = of_disease.iloc[here].to_dict()  # a row: text and numbers
    log_odds, spread = float(own["log_odds"]), float(own["spread"])
    lower, upper = interval(log_odds, spread)
    row = {
        "score": expit(log_odds),
        "score_lower": lower,
        "score_upper": upper,
        "contraindication_score": expit(float(own["contraindication_log_odds"])),
    }
    there = _place(of_drug["disease_id"], disease_id)
    return _Scored(row, _rank(of_disease["log_odds"], here), _rank(of_drug["log_odds"], there))


def _place(ids: "pd.Series[str]", node_id: str) -> int:
    return int(np.flatnonzero((ids == node_id).to_numpy())[0])


def _rank(scores: "pd.Series[float]", here: int) -> int:
    """As in the lists: ties are broken by id, in whose order the scores stand."""
    values = scores.to_numpy()
    return 1 + int((values > values[here]).sum() + (values[:here] == values[here]).sum())


def _setting(one_of_drug: str, one_of_disease: str) -> str:
    """The setting of a pair, from those of any other pairs of its drug and of its disease."""
    cold_drug = one_of_drug in ("cold drug", "cold pair")
    cold_disease = one_of_disease in ("cold disease", "cold pair")
    return SETTINGS[2 * cold_drug + cold_disease]
