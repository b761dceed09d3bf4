"""The files that people open are copies of the current release."""

import json
from pathlib import Path

import pytest

from hgt_repurposing.storage import copies
from hgt_repurposing.storage.catalog import folder_of, path_of
from hgt_repurposing.storage.copies import refresh_copies, switch_to
from hgt_repurposing.storage.releases import current, roll_back
from hgt_repurposing_tests.storage.stored import release

GRAPH, MODEL = "knowledge_graph", "hgt_model"


def copied(root: Path, name: str) -> object:
    return json.loads((folder_of(name, root=root) / f"{name}.json").read_text(encoding="utf-8"))


def test_the_folders_follow_the_current_release(tmp_path: Path) -> None:
    release(tmp_path, 0, knowledge_graph=1, hgt_model=1)
    assert refresh_copies(tmp_path)
    release(tmp_path, 1, knowledge_graph=1, hgt_model=2)
    assert copied(tmp_path, MODEL) == 1
    assert refresh_copies(tmp_path)
    assert (copied(tmp_path, GRAPH), copied(tmp_path, MODEL)) == (1, 2)
    roll_back(tmp_path)
    assert refresh_copies(tmp_path)
    assert copied(tmp_path, MODEL) == 1
    assert not refresh_copies(tmp_path)


def test_an_artefact_that_a_release_does_not_have_leaves_no_copy_but_files_of_others_stay(tmp_path: Path) -> None:
    release(tmp_path, 0, knowledge_graph=1, hgt_model=1)
    refresh_copies(tmp_path)
    mine = folder_of(MODEL, root=tmp_path) / "notes.txt"
    mine.write_text("mine")
    release(tmp_path, 1, knowledge_graph=1)
    refresh_copies(tmp_path)
    assert [path.name for path in folder_of(MODEL, root=tmp_path).iterdir()] == ["notes.txt"]


def test_a_change_of_a_copy_never_reaches_the_store(tmp_path: Path) -> None:
    made = release(tmp_path, 0, hgt_model=1)
    refresh_copies(tmp_path)
    copy = folder_of(MODEL, root=tmp_path) / f"{MODEL}.json"
    with copy.open("r+") as file:  # in place, as through a link
        file.write("9")
    stored = path_of(made.manifests(root=tmp_path)[MODEL], f"{MODEL}.json", root=tmp_path)
    assert json.loads(stored.read_text(encoding="utf-8")) == 1


def test_a_killed_replacement_is_finished_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    release(tmp_path, 0, knowledge_graph=1, hgt_model=1)
    refresh_copies(tmp_path)
    release(tmp_path, 1, knowledge_graph=2, hgt_model=2)

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(copies, "copy_content", killed)
    with pytest.raises(KeyboardInterrupt):
        refresh_copies(tmp_path)
    monkeypatch.undo()
    roll_back(tmp_path)  # to the release whose copies were there before
    assert refresh_copies(tmp_path)
    assert (copied(tmp_path, GRAPH), copied(tmp_path, MODEL)) == (1, 1)


def test_without_a_release_nothing_is_copied(tmp_path: Path) -> None:
    assert not refresh_copies(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_switch_whose_copies_fail_says_that_it_has_switched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = release(tmp_path, 0, hgt_model=1)
    release(tmp_path, 1, hgt_model=2)
    refresh_copies(tmp_path)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(copies, "copy_content", full)
    with pytest.raises(ValueError, match=rf"^release {first.id} is the current one now, but its files could not be co"):
        switch_to("previous", root=tmp_path)
    monkeypatch.undo()
    assert current(tmp_path).id == first.id
    assert refresh_copies(tmp_path)
    assert copied(tmp_path, MODEL) == 1
