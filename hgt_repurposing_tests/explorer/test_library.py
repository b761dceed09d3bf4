"""What the pages read: found by id before name, and read anew when another release counts."""

import time
from pathlib import Path

import pytest

from hgt_repurposing.explorer.library import Library, Lists, UnknownNodeError
from hgt_repurposing.explorer.trust import trust_of
from hgt_repurposing.storage.catalog import path_of, save
from hgt_repurposing.storage.manifest import UnreadableArtifactError
from hgt_repurposing_tests.benchmark.evaluations import evaluated
from hgt_repurposing_tests.explorer.folders import STRANGE_IDS, lists_alone, strange_lists
from hgt_repurposing_tests.report.test_page import TOY_LIST, listed


@pytest.mark.parametrize("side", ["disease", "drug"])
def test_every_node_has_its_own_rows(side: str) -> None:
    lists = strange_lists()
    table = lists.table if side == "disease" else lists.by_drug
    found = Lists("disease" if side == "disease" else "drug", table)
    ids = table[f"{side}_id"].unique().tolist()
    assert found.num_nodes == len(ids)
    for node_id in ids:
        assert found.of(node_id).equals(table[table[f"{side}_id"] == node_id])
        assert found.name(node_id) == table.loc[table[f"{side}_id"] == node_id, f"{side}_name"].iloc[0]


@pytest.mark.parametrize("drug_id", STRANGE_IDS)
def test_an_id_means_itself_whatever_it_looks_like(drug_id: str) -> None:
    assert Lists("drug", strange_lists().by_drug).meant_by(drug_id) == drug_id


def test_a_name_of_two_diseases_is_not_guessed_at() -> None:
    lists = Lists("disease", strange_lists().table)
    assert lists.namesakes("1") == ["3"]
    assert lists.namesakes("2") == []
    with pytest.raises(UnknownNodeError, match="2 diseases have the name 'renal torvosis'"):
        lists.meant_by("renal torvosis")


def test_what_is_open_stays_open_until_something_changes(tmp_path: Path) -> None:
    library = Library(lists_alone(tmp_path), patience=60)
    opened = library.open()
    assert library.open() is opened
    save("repurposing_candidates", listed(TOY_LIST), root=tmp_path, config={})
    assert library.open() is not opened
    assert library.open().lists["drug"].num_nodes == 3


def test_until_another_release_is_read_the_one_before_is_shown(tmp_path: Path) -> None:
    library = Library(lists_alone(tmp_path), patience=0)
    opened = library.open()
    save("repurposing_candidates", listed(TOY_LIST), root=tmp_path, config={})
    assert library.open() is opened
    for _ in range(600):
        if library.open() is not opened:
            break
        time.sleep(0.1)
    assert library.open().lists["drug"].num_nodes == 3


def test_results_that_are_damaged_meanwhile_are_named(tmp_path: Path) -> None:
    library = Library(lists_alone(tmp_path), patience=60)
    library.open()
    newer = save("repurposing_candidates", listed(TOY_LIST), root=tmp_path, config={})
    path_of(newer, "repurposing_candidates.parquet", root=tmp_path).unlink()
    for _ in range(2):
        with pytest.raises(UnreadableArtifactError, match="'repurposing_candidates' is incomplete"):
            library.open()


def test_the_best_new_pairs_are_new_and_the_most_probable_first(tmp_path: Path) -> None:
    best = Library(lists_alone(tmp_path)).open().best_new
    assert set(best["status"]) == {"new"}
    assert best["score"].is_monotonic_decreasing


def test_trust_is_what_the_evaluation_says() -> None:
    trust = trust_of(evaluated(), None, num_drugs=400)
    assert trust.worst in trust.leads
    assert [split.name for split in trust.splits] == ["disease"]
    assert trust.assumed == "Whether probabilities hold was not measured."
