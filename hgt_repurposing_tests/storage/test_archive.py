"""Releases as one file."""

import shutil
import tarfile
from pathlib import Path

import pytest

from hgt_repurposing.storage.archive import back_up, restore
from hgt_repurposing.storage.artifacts import unpacked
from hgt_repurposing.storage.catalog import manifest_of, path_of, read_part_of
from hgt_repurposing.storage.manifest import UnreadableArtifactError
from hgt_repurposing.storage.releases import all_releases, current, roll_back
from hgt_repurposing_tests.storage.stored import files, release


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two releases that share their graph."""
    folder = tmp_path / "data"
    for week in range(2):
        release(folder, week, knowledge_graph="same", hgt_model=week)
    return folder


@pytest.mark.parametrize("name", ["all.tar", "all.tar.gz", "folder/all.tgz"])
def test_what_is_restored_is_what_was_backed_up(root: Path, tmp_path: Path, name: str) -> None:
    size = back_up(tmp_path / name, all_releases(root), root=root)
    assert size == (tmp_path / name).stat().st_size
    other = tmp_path / "other"
    found = restore(tmp_path / name, root=other)
    assert all_releases(other) == all_releases(root)
    assert found.releases == [made.id for made in all_releases(root)]
    assert current(other) == current(root)
    assert found.current == current(root).id
    assert manifest_of("hgt_model", root=other) == manifest_of("hgt_model", root=root)
    for made in all_releases(other):
        for manifest in made.manifests(root=other).values():
            ours, theirs = (read_part_of(manifest, f"{manifest.name}.json", root=folder) for folder in (other, root))
            assert ours == theirs


def test_an_archive_holds_each_content_once(root: Path, tmp_path: Path) -> None:
    back_up(tmp_path / "all.tar", all_releases(root), root=root)
    with tarfile.open(tmp_path / "all.tar") as archive:
        names = archive.getnames()
    assert sum(name.startswith("contents/") for name in names) == 3
    assert len(names) == len(set(names))


def test_restoring_twice_adds_nothing_and_replaces_nothing(root: Path, tmp_path: Path) -> None:
    first, second = all_releases(root)
    back_up(tmp_path / "one.tar", [first], root=root)
    before = files(root)
    assert restore(tmp_path / "one.tar", root=root) == ([], second.id)
    assert files(root) == before


def test_a_damaged_archive_adds_no_release(root: Path, tmp_path: Path) -> None:
    (made, _) = all_releases(root)
    stored = path_of(made.manifests(root=root)["hgt_model"], "hgt_model.json", root=root)
    stored.write_text("7\n")
    back_up(tmp_path / "one.tar", [made], root=root)
    with pytest.raises(UnreadableArtifactError, match=r"'hgt_model' is damaged in the archive: hgt_model\.json"):
        restore(tmp_path / "one.tar", root=tmp_path / "other")
    assert all_releases(tmp_path / "other") == []
    assert current(tmp_path / "other").id is None


def test_a_file_that_is_no_backup_is_refused(root: Path, tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_text("no archive")
    with pytest.raises(ValueError, match=r"a\.tar is not a whole tar archive"):
        restore(tmp_path / "a.tar", root=root)
    with tarfile.open(tmp_path / "b.tar", "w") as archive:
        archive.add(tmp_path / "a.tar", arcname="a.tar")
    with pytest.raises(ValueError, match=r"b\.tar holds no release: it is not a backup$"):
        restore(tmp_path / "b.tar", root=root)
    with tarfile.open(tmp_path / "c.tar", "w") as archive:
        archive.add(tmp_path / "a.tar", arcname="../outside")
    with pytest.raises(ValueError, match=r"c\.tar is not a backup: its entry '\.\./outside' is no file within it$"):
        restore(tmp_path / "c.tar", root=root)
    (tmp_path / "link").symlink_to(tmp_path / "a.tar")
    with tarfile.open(tmp_path / "d.tar", "w") as archive:
        archive.add(tmp_path / "link", arcname="made/link")
    with pytest.raises(ValueError, match=r"d\.tar is not a backup: its entry 'made/link' is no file within it$"):
        restore(tmp_path / "d.tar", root=root)
    whole = tmp_path / "e.tar.gz"
    back_up(whole, all_releases(root), root=root)
    whole.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    with pytest.raises(ValueError, match=r"e\.tar\.gz is not a whole tar archive"):
        restore(whole, root=tmp_path / "other")


def test_without_a_release_there_is_nothing_to_back_up(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"^there is no release in .* to back up$"):
        back_up(tmp_path / "all.tar", [], root=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_restored_folder_can_be_rolled_back(root: Path, tmp_path: Path) -> None:
    back_up(tmp_path / "all.tar", all_releases(root), root=root)
    restore(tmp_path / "all.tar", root=tmp_path / "other")
    assert roll_back(tmp_path / "other").run_id == "run00000"


@pytest.mark.parametrize("text", ["{}", "[1]", "3", '{"id": "../../../evil", "decision": {}}'])
def test_an_archive_with_something_else_in_place_of_a_release_is_refused(root: Path, tmp_path: Path, text: str) -> None:
    (tmp_path / "made").mkdir()
    (tmp_path / "made/20261102T030000Z-a.json").write_text(text)
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        archive.add(tmp_path / "made", arcname="made")
    before = files(root)
    with pytest.raises(ValueError, match="is damaged: "):
        restore(tmp_path / "a.tar", root=root)
    assert files(root) == before


def test_an_archive_whose_release_has_an_id_that_is_none_is_refused(root: Path, tmp_path: Path) -> None:
    back_up(tmp_path / "all.tar", all_releases(root), root=root)
    with unpacked(tmp_path / "all.tar", beside=tmp_path) as folder:
        shutil.copytree(folder, tmp_path / "in")
    file = min((tmp_path / "in/made").iterdir())
    file.write_text(file.read_text().replace(file.stem, "../../../evil"))
    with tarfile.open(tmp_path / "bad.tar", "w") as archive:
        archive.add(tmp_path / "in", arcname=".")
    with pytest.raises(ValueError, match=r"is damaged: '\.\./\.\./\.\./evil' is no id of a release$"):
        restore(tmp_path / "bad.tar", root=tmp_path / "other")
