"""The figures of a pair are those of the lists, and of the scores of all pairs where it stands in none."""

from pathlib import Path

import pytest

from hgt_repurposing.api import rank
from hgt_repurposing.explorer.library import Library, OpenRelease
from hgt_repurposing.explorer.pair_facts import Facts, facts_of
from hgt_repurposing.repurposing.candidates import Candidates
from hgt_repurposing.repurposing.params import CandidateParams
from hgt_repurposing.storage.manifest import MissingArtifactError
from hgt_repurposing_tests.explorer.folders import ALONE, fitted, graph, lists_alone


@pytest.fixture
def opened(whole: Path) -> OpenRelease:
    return Library(whole).open()


def full_lists() -> Candidates:
    """Lists in which every pair stands."""
    return rank(graph(), fitted()[2], CandidateParams(top_k=1000, top_k_by_drug=1000))


PAIRS = [("0000", "0000"), ("0004", "0004"), ("0017", "0003"), ("0059", "0029"), (ALONE, "0003"), (ALONE, "0011")]


@pytest.mark.parametrize(("drug", "disease"), PAIRS)
def test_a_pair_outside_the_lists_has_the_figures_that_longer_lists_would_give(
    opened: OpenRelease, drug: str, disease: str
) -> None:
    full = full_lists()
    table, by_drug = (of[(of["drug_id"] == drug) & (of["disease_id"] == disease)] for of in (full.table, full.by_drug))
    row = table.iloc[0]
    found = facts_of(opened, drug, disease)
    assert (found.rank, found.rank_of_disease) == (row["rank"], by_drug.iloc[0]["rank"])
    for name, column in (
        ("score", "score"),
        ("lower", "score_lower"),
        ("upper", "score_upper"),
        ("contraindication_score", "contraindication_score"),
    ):
        assert getattr(found, name) == pytest.approx(row[column], rel=1e-6)
    assert (found.setting, found.drug_evidence, found.disease_evidence) == tuple(
        row[["setting", "drug_evidence", "disease_evidence"]]
    )
    assert found.status in (row["status"], None)
    assert found.percentile in (row["percentile"], None)


def test_a_pair_of_the_lists_is_its_row(opened: OpenRelease) -> None:
    row = opened.candidates.table.iloc[0]
    found = facts_of(opened, row["drug_id"], row["disease_id"])
    assert isinstance(found, Facts)
    assert found.in_list
    assert (found.status, found.percentile, found.corrected_rank) == tuple(
        row[["status", "percentile", "corrected_rank"]]
    )


def test_scores_that_are_missing_are_named(tmp_path: Path) -> None:
    opened = Library(lists_alone(tmp_path)).open()
    with pytest.raises(MissingArtifactError, match="these results have no repurposing_scores"):
        opened.scores_of("drug", "a/b")
