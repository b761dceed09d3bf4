"""A data folder of before there were releases."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hgt_repurposing.storage import adoption
from hgt_repurposing.storage.adoption import adopt, needs_adoption
from hgt_repurposing.storage.artifacts import write_artifact, write_json
from hgt_repurposing.storage.catalog import (
    PLACES,
    SAID_ABOUT,
    folder_of,
    is_there,
    lineage,
    manifest_of,
    read_part_of,
    working_folder,
)
from hgt_repurposing.storage.copies import refresh_copies
from hgt_repurposing.storage.manifest import (
    FORMAT_VERSION,
    Manifest,
    Provenance,
    manifest_path,
    read_header_of_any_format,
)
from hgt_repurposing.storage.releases import current, release_of

NAMES = tuple(name for name in PLACES if name not in SAID_ABOUT)


def written(root: Path, name: str, value: object, *inputs: Manifest) -> Manifest:
    """An artefact in its folder, as it was written before."""
    provenance = Provenance(lineage=lineage(inputs))
    return write_artifact(folder_of(name, root=root), name, {f"{name}.json": value}, provenance)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Every artefact, each made from those before."""
    made: list[Manifest] = []
    for name in NAMES:
        made.append(written(tmp_path, name, f"value of {name}", *made))
    return tmp_path


def test_what_lies_there_becomes_the_first_release(root: Path) -> None:
    path = manifest_path(folder_of("repurposing_candidates", root=root), "repurposing_candidates")
    os.utime(path, (1_793_674_800, 1_793_674_800))
    for name in NAMES:
        if name == "repurposing_candidates":
            continue
        os.utime(manifest_path(folder_of(name, root=root), name), (1_700_000_000, 1_700_000_000))
    made = adopt(root)
    assert made is not None
    assert made.made_at == datetime.fromtimestamp(1_793_674_800, UTC)
    assert current(root).id == made.id == release_of("2026", root=root).id
    for name, manifest in made.manifests(root=root).items():
        assert manifest == manifest_of(name, root=root)
        assert read_part_of(manifest, f"{name}.json", root=root) == f"value of {name}"
    assert not needs_adoption(root)
    assert adopt(root) is None


def test_the_files_stay_where_they_are(root: Path) -> None:
    file = folder_of("hgt_model", root=root) / "hgt_model.json"
    before = file.read_bytes()
    adopt(root)
    refresh_copies(root)
    assert file.read_bytes() == before


def test_an_older_format_is_adopted_as_well(root: Path) -> None:
    for name in NAMES:
        path = manifest_path(folder_of(name, root=root), name)
        header = read_header_of_any_format(path, name)
        older = Manifest(**{**vars(header), "format_version": FORMAT_VERSION - 1})
        write_json(path, {**vars(older), "digest": older.digest, "header_sha256": older.header_sha256})
    made = adopt(root)
    assert made is not None
    assert made.figures == {"format": FORMAT_VERSION - 1}
    manifest = made.manifests(root=root)["hgt_model"]
    assert read_part_of(manifest, "hgt_model.json", root=root) == "value of hgt_model"
    with pytest.raises(ValueError, match=f"has format version {FORMAT_VERSION - 1}, but this package reads"):
        manifest_of("hgt_model", root=root)


@pytest.mark.parametrize("kind", ["changed", "of another graph"])
def test_an_incomplete_set_is_kept_but_does_not_become_the_current_one(
    root: Path, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing could be compared with it, so it would keep all others aside."""
    if kind == "changed":
        file = folder_of("hgt_model", root=root) / "hgt_model.json"
        file.write_text(file.read_text().replace("value", "vALUE"))  # of the same size
    else:
        written(root, "hgt_model", 1, written(root / "elsewhere", "knowledge_graph", "another"))
    made = adopt(root)
    assert made is not None
    assert (set(NAMES) - set(made.versions), current(root).id) == ({"hgt_model"}, None)
    assert made.decision.reason == "it was there before there were releases, without hgt_model"
    assert not is_there("hgt_model", root=root)
    assert [message.partition(":")[0] for message in caplog.messages] == ["not part of the first release"]


def test_an_interrupted_adoption_is_done_again(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(adoption, "record", full)
    with pytest.raises(OSError, match="No space left"):
        adopt(root)
    monkeypatch.undo()
    assert needs_adoption(root)
    assert adopt(root) is not None
    assert working_folder(root).exists()


def test_an_empty_folder_needs_nothing(tmp_path: Path) -> None:
    assert adopt(tmp_path) is None
    assert list(tmp_path.iterdir()) == []
