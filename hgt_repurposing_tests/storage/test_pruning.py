"""Pruning removes what no kept release names, and nothing else."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hgt_repurposing.storage.attempts import all_attempts, begin_attempt, end_attempt
from hgt_repurposing.storage.catalog import contents_folder, read_part_of
from hgt_repurposing.storage.pruning import num_bytes_stored, prune
from hgt_repurposing.storage.releases import all_releases, current, roll_back
from hgt_repurposing_tests.storage.stored import START, files, release


def weeks(root: Path) -> list[int]:
    return [int(made.run_id[3:]) for made in all_releases(root)]


def test_the_current_one_its_predecessor_and_the_newest_are_kept(tmp_path: Path) -> None:
    for week in range(9):
        release(tmp_path, week, promoted=week < 3, hgt_model=week)
    found = prune(tmp_path, num_kept=2)
    assert weeks(tmp_path) == [1, 2, 7, 8]
    assert [name[-1] for name in found.releases] == ["0", "3", "4", "5", "6"]


def test_fewer_releases_than_are_to_be_kept_all_stay(tmp_path: Path) -> None:
    for week in range(4):
        release(tmp_path, week, promoted=week < 1, hgt_model=week)
    assert prune(tmp_path, num_kept=5).releases == []
    assert weeks(tmp_path) == [0, 1, 2, 3]


def test_what_killed_writes_left_behind_is_removed(tmp_path: Path) -> None:
    release(tmp_path, 0, hgt_model=0)
    left = contents_folder(tmp_path) / ".hgt_model.abc123"
    left.mkdir()
    (left / "weights.npz").write_bytes(b"half")
    prune(tmp_path)
    assert not left.exists()


def test_a_content_that_a_kept_release_shares_stays(tmp_path: Path) -> None:
    release(tmp_path, 0, knowledge_graph="same", hgt_model="old")
    release(tmp_path, 1, knowledge_graph="same", hgt_model="newer")
    release(tmp_path, 2, knowledge_graph="same", hgt_model="newest")
    before = num_bytes_stored(tmp_path)
    found = prune(tmp_path, num_kept=0)
    assert (found.num_versions, num_bytes_stored(tmp_path)) == (1, before - found.num_bytes)
    for made in all_releases(tmp_path):
        for manifest in made.manifests(root=tmp_path).values():
            assert read_part_of(manifest, f"{manifest.name}.json", root=tmp_path)


@pytest.mark.slow
@given(
    st.lists(st.tuples(st.booleans(), st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=7), st.integers(0, 4)
)
def test_every_kept_release_stays_whole_and_no_content_is_left_over(
    tmp_path_factory: pytest.TempPathFactory, made: list[tuple[bool, int, int]], num_kept: int
) -> None:
    root = tmp_path_factory.mktemp("data")
    for week, (promoted, graph, model) in enumerate(made):
        release(root, week, promoted=promoted, knowledge_graph=graph, hgt_model=model)
    now = current(root)
    prune(root, num_kept=num_kept)
    assert current(root) == now._replace(before=tuple(b for b in now.before if b in {r.id for r in all_releases(root)}))
    kept = {made.id for made in all_releases(root)}
    newest = {f"run{week:05d}" for week in range(max(0, len(made) - num_kept), len(made))}
    assert newest <= {each.run_id for each in all_releases(root)}
    assert {now.id, *now.before[-1:]} - {None} <= kept
    named = set()
    for each in all_releases(root):
        for manifest in each.manifests(root=root).values():
            read_part_of(manifest, f"{manifest.name}.json", root=root)
            named |= {entry["sha256"] for entry in manifest.parts.values()}
    stored = {Path(file).stem for file in files(contents_folder(root))}
    assert named <= stored
    assert len(stored - named) <= 2  # of the newest versions, which steps read


def test_after_pruning_one_can_still_roll_back_once(tmp_path: Path) -> None:
    for week in range(4):
        release(tmp_path, week, hgt_model=week)
    prune(tmp_path, num_kept=0)
    assert roll_back(tmp_path).run_id == "run00002"


def test_failed_runs_are_forgotten_but_the_newest(tmp_path: Path) -> None:
    for number in range(4):
        begin_attempt(f"r{number}", process="here", root=tmp_path, now=START.replace(day=3 + number))
    end_attempt("r3", root=tmp_path, release="20261102T030000Z-r3")
    prune(tmp_path, num_kept=1)
    assert [attempt.run_id for attempt in all_attempts(tmp_path)] == ["r2", "r3"]


def test_a_negative_number_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"^the number of releases to keep must be at least 0 \(got -1\)$"):
        prune(tmp_path, num_kept=-1)
