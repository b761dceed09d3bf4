"""Switching releases in the browser."""

from pathlib import Path

import pytest

from hgt_repurposing.definitions import defs
from hgt_repurposing.storage.catalog import folder_of
from hgt_repurposing.storage.releases import Current, current
from hgt_repurposing_tests.storage.stored import release


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for week in range(3):
        release(tmp_path, week, promoted=week < 2, hgt_model=week)
    return tmp_path


def switch(root: Path, **config: str) -> bool:
    """With the data folder where every run has it."""
    given = {
        "ops": {"make_current": {"config": dict(config)}},
        "resources": {"store": {"config": {"data_folder": str(root)}}},
    }
    job = defs.resolve_job_def("promote_release")
    return job.execute_in_process(run_config=given, raise_on_error=False).success


def copied(root: Path) -> str:
    return (folder_of("hgt_model", root=root) / "hgt_model.json").read_text().strip()


def test_without_a_name_it_rolls_back_as_the_command_does(root: Path) -> None:
    assert switch(root)
    assert current(root) == Current("20261102T030000Z-run00000", (), ("20261109T030000Z-run00001",))
    assert copied(root) == "0"


def test_a_release_that_was_kept_aside_is_promoted(root: Path) -> None:
    assert switch(root, release="newest")
    assert current(root).id == "20261116T030000Z-run00002"
    assert copied(root) == "2"


def test_a_name_that_means_no_release_fails_and_changes_nothing(root: Path) -> None:
    before = current(root)
    assert not switch(root, release="2031")
    assert current(root) == before


def test_a_release_that_is_incomplete_is_not_promoted(root: Path) -> None:
    before = current(root)
    newest = max((root / "releases/versions/hgt_model").iterdir(), key=lambda path: path.stat().st_mtime_ns)
    newest.unlink()
    assert not switch(root, release="newest")
    assert current(root) == before
