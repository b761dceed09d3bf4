"""Explanations that are asked for while others are computed: each once, errors where they were asked for."""

import threading
from pathlib import Path

import pytest

from hgt_repurposing.explorer import explanations as module
from hgt_repurposing.explorer.explanations import Explanations
from hgt_repurposing.explorer.in_background import Pending
from hgt_repurposing.explorer.library import Library
from hgt_repurposing.explorer.why import why_of
from hgt_repurposing.storage.released import ReleasedValues

PATIENCE = 60


def test_a_pair_is_explained_once_and_its_parts_sum_to_its_score(whole: Path) -> None:
    explanations = Library(whole).open().explanations
    found = explanations.of("0004", "0004", wait=PATIENCE)
    assert explanations.of("0004", "0004", wait=0) is found
    why = why_of(found)
    assert sum(part.log_odds for part in why.parts if part.is_group) + why.base == pytest.approx(why.log_odds)
    assert sum(path.share for path in why.paths) <= 1
    assert [path.share for path in why.paths] == sorted((path.share for path in why.paths), reverse=True)
    assert all(path.start == found.names.names["drug"][4] for path in why.paths)
    assert all(path.steps[-1][1] == found.names.names["disease"][4] for path in why.paths)


def test_an_error_of_loading_is_raised_for_whoever_asked_and_may_pass() -> None:
    answers = iter([ValueError("damaged"), ValueError("still damaged")])

    def values() -> ReleasedValues:
        raise next(answers)

    explanations = Explanations(values)
    with pytest.raises(ValueError, match=r"^damaged"):
        explanations.of("1", "2", wait=PATIENCE)
    with pytest.raises(ValueError, match=r"^still damaged"):
        explanations.of("1", "2", wait=PATIENCE)


def test_an_unknown_id_is_named(whole: Path) -> None:
    with pytest.raises(ValueError, match="the graph of this release has no disease with the id 'nope'"):
        Library(whole).open().explanations.of("0004", "nope", wait=PATIENCE)


def test_whoever_cannot_wait_is_told_what_is_being_done(whole: Path) -> None:
    with pytest.raises(Pending) as pending:
        Library(whole).open().explanations.of("0004", "0005", wait=0)
    assert pending.value.doing in ("loading", "loading the graph")


def test_only_some_explanations_are_kept(whole: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "NUM_KEPT", 2)
    explanations = Library(whole).open().explanations
    first = explanations.of("0001", "0000", wait=PATIENCE)
    for drug in ("0002", "0003", "0004"):
        explanations.of(drug, "0000", wait=PATIENCE)
    assert explanations.of("0001", "0000", wait=PATIENCE) is not first


def test_closing_ends_the_thread(whole: Path) -> None:
    before = set(threading.enumerate())
    explanations = Library(whole).open().explanations
    explanations.of("0001", "0001", wait=PATIENCE)
    (thread,) = set(threading.enumerate()) - before
    explanations.close()
    thread.join(PATIENCE)
    assert not thread.is_alive()
