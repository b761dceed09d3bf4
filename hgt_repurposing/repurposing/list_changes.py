"""What changed between two candidate lists: which drugs entered, left and moved, for every disease."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from hgt_repurposing.graph.schema import FloatArray

TOP = 10
"""Drugs compared for each disease."""
_KEY = ["disease_id", "drug_id"]
_SHOWN = ("disease_name", "drug_name", "best")


class ListChanges(NamedTuple):
    """Differences of the best new drugs of the diseases that both lists have."""

    table: pd.DataFrame
    """One row per disease and drug that entered, left or moved: disease_id, disease_name, drug_id, drug_name, change,
    rank_before, rank_now (missing: not among the best). Sorted by disease and rank."""
    num_diseases: int
    """Diseases in both lists."""
    share_entered: float
    """Drugs of the new top lists that the old ones do not have, mean over diseases; 0 without a common disease."""
    num_gone: int
    """Diseases of the old list only."""
    num_added: int
    """Diseases of the new list only."""


def list_changes(before: pd.DataFrame, now: pd.DataFrame, *, top: int = TOP) -> ListChanges:
    """Compare the best drugs of two lists that are not yet known treatments.

    Args:
        before: A candidate list; follows `candidates.SCHEMA`, of which known, rank, and names and ids are read.
        now: Another one.
        top: How many drugs of each disease, counted without known ones.
    """
    diseases = set(before["disease_id"]), set(now["disease_id"])
    common = diseases[0] & diseases[1]
    old, new = (_best(table[table["disease_id"].isin(common)], top) for table in (before, now))
    both = old.merge(new, on=_KEY, how="outer", suffixes=("_before", "_now"))
    table = _table(both)
    changed = table[table["change"] != "same"].sort_values(["disease_id", "rank_now", "rank_before"])
    return ListChanges(
        changed.reset_index(drop=True),
        len(common),
        _mean(_shares_entered(table)),
        len(diseases[0] - common),
        len(diseases[1] - common),
    )


def no_changes() -> pd.DataFrame:
    """The table of changes without a row."""
    nothing = pd.DataFrame(columns=["disease_id", "drug_id", *(f"{c}_{w}" for c in _SHOWN for w in ("before", "now"))])
    return _table(nothing)


def _table(both: pd.DataFrame) -> pd.DataFrame:
    """As in `ListChanges`, unchanged drugs included; from the best drugs of both lists side by side."""
    return pd.DataFrame(
        {
            "disease_id": both["disease_id"].astype("str"),
            "disease_name": both["disease_name_now"].combine_first(both["disease_name_before"]).astype("str"),
            "drug_id": both["drug_id"].astype("str"),
            "drug_name": both["drug_name_now"].combine_first(both["drug_name_before"]).astype("str"),
            "change": _change(both["best_before"], both["best_now"]),
            "rank_before": both["best_before"].astype("Int64"),
            "rank_now": both["best_now"].astype("Int64"),
        }
    )


def _best(table: pd.DataFrame, top: int) -> pd.DataFrame:
    """The first new drugs of each disease with their rank among new ones."""
    new = table[~table["known"]].sort_values(["disease_id", "rank"])
    ranked = new.assign(best=new.groupby("disease_id").cumcount() + 1)
    return ranked.loc[ranked["best"] <= top, [*_KEY, *_SHOWN]]


def _change(before: "pd.Series[float]", now: "pd.Series[float]") -> "pd.Series[str]":
    found = pd.Series("moved", index=now.index)
    found[before == now] = "same"
    found[before.isna()] = "entered"
    found[now.isna()] = "left"
    return found


def _shares_entered(table: pd.DataFrame) -> FloatArray:
    """By disease with a drug in its new list."""
    now = table[table["rank_now"].notna()]
    return np.asarray((now["change"] == "entered").groupby(now["disease_id"]).mean(), dtype=np.float64)


def _mean(values: FloatArray) -> float:
    return float(values.mean()) if len(values) else 0.0
