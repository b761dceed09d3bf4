"""Which releases there are, which one counts, and that switching is one step."""

import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hgt_repurposing.benchmark.decision import Decision
from hgt_repurposing.storage.manifest import UnreadableArtifactError
from hgt_repurposing.storage.releases import (
    Current,
    Release,
    UnknownReleaseError,
    all_releases,
    current,
    forget_old,
    made_path,
    new_id,
    promote,
    record,
    release_of,
    roll_back,
)
from hgt_repurposing_tests.storage.stored import release

COMPARISON = {"what": "the whole grid", "metric": "auroc", "before": 0.9, "now": 0.95, "lower": None}


def test_what_is_recorded_is_read_back(tmp_path: Path) -> None:
    decision = Decision(
        promoted=False,
        reason="worse",
        against="earlier",
        objections=("one", "two"),
        comparisons=(COMPARISON,),
        notes=("how",),
    )
    made = Release("20261102T030000Z-abc", "abc", {"hgt_model": "f00"}, {"edges": 3.0, "macro_ap": None}, decision)
    record(made, root=tmp_path)
    (found,) = all_releases(tmp_path)
    assert found == made
    assert found.made_at == datetime(2026, 11, 2, 3, tzinfo=UTC)


def test_entries_of_a_later_package_do_not_stop_the_list(tmp_path: Path) -> None:
    made = release(tmp_path, 0, hgt_model=1)
    path = made_path(made.id, root=tmp_path)
    entry = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**entry, "mood": "good", "decision": {**entry["decision"], "weather": 1}}))
    assert all_releases(tmp_path) == [made]


def test_a_damaged_release_is_left_out_with_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    kept = release(tmp_path, 0, hgt_model=1)
    path = made_path(release(tmp_path, 1, hgt_model=2).id, root=tmp_path)
    path.write_text("")
    assert all_releases(tmp_path) == [kept]
    assert caplog.messages == [f"{path} is damaged: it is not a release"]
    with pytest.raises(UnknownReleaseError, match=r"^'current' is no release of "):
        release_of("current", root=tmp_path)


def test_ids_sort_by_time_whatever_the_time_zone() -> None:
    now = datetime(2026, 11, 2, 3, tzinfo=UTC)
    there = now.astimezone(timezone(timedelta(hours=9)))
    assert new_id("5e3c-11aa-22bb", now=there) == new_id("5e3c-11aa", now=now) == "20261102T030000Z-5e3c11aa"


def test_names_and_beginnings_of_ids_mean_releases(tmp_path: Path) -> None:
    first, second, third = (release(tmp_path, week, promoted=week < 2, hgt_model=week) for week in range(3))
    found = {given: release_of(given, root=tmp_path).id for given in ("current", "previous", "newest", first.id[:8])}
    assert found == {"current": second.id, "previous": first.id, "newest": third.id, first.id[:8]: first.id}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("2025", "'2025' is no release of .*: 20261102T030000Z-run00000, 20261109T030000Z-run00001$"),
        ("2026", "'2026' names several releases of .*: 20261102T030000Z-run00000, 20261109T030000Z-run00001$"),
        ("previous", "no release of .* was current before the one that is now; the newest is called newest$"),
        ("", "'' is no release of"),
    ],
)
def test_what_means_no_release_is_refused_with_those_there_are(tmp_path: Path, given: str, said: str) -> None:
    release(tmp_path, 0, hgt_model=0)
    release(tmp_path, 1, promoted=False, hgt_model=1)
    with pytest.raises(UnknownReleaseError, match=said):
        release_of(given, root=tmp_path)


def test_without_any_release_nothing_is_current(tmp_path: Path) -> None:
    assert current(tmp_path) == Current(None, ())
    with pytest.raises(UnknownReleaseError, match=r"'newest' is no release of .*: none yet$"):
        release_of("newest", root=tmp_path)
    with pytest.raises(UnknownReleaseError, match=r"the newest is called newest$"):
        roll_back(tmp_path)


def test_what_was_rolled_back_from_is_remembered_until_it_is_promoted_again(tmp_path: Path) -> None:
    first, second = (release(tmp_path, week, hgt_model=week) for week in range(2))
    roll_back(tmp_path)
    assert current(tmp_path) == Current(first.id, (), (second.id,))
    promote(second, root=tmp_path)
    assert current(tmp_path) == Current(second.id, (first.id,), ())


def test_promoting_what_is_current_changes_nothing(tmp_path: Path) -> None:
    first = release(tmp_path, 0, hgt_model=0)
    promote(first, root=tmp_path)
    assert current(tmp_path) == Current(first.id, ())


def test_a_damaged_pointer_is_named_with_what_to_do(tmp_path: Path) -> None:
    release(tmp_path, 0, hgt_model=0)
    (tmp_path / "releases/current.json").write_text("{")
    with pytest.raises(ValueError, match=r"current\.json is damaged: remove it, then promote a release$"):
        current(tmp_path)


@given(st.lists(st.sampled_from([0, 1, 2, "back"]), max_size=12))
def test_rolling_back_undoes_the_last_switch(tmp_path_factory: pytest.TempPathFactory, steps: list[int | str]) -> None:
    """Against a list as the model: promote appends, unless it is the last; rollback removes the last."""
    root = tmp_path_factory.mktemp("data")
    made = [release(root, week, promoted=False, hgt_model=week) for week in range(3)]
    expected: list[str] = []
    ever: set[str] = set()
    for step in steps:
        if isinstance(step, int):
            promote(made[step], root=root)
            ever.add(made[step].id)
            expected += [made[step].id] if expected[-1:] != [made[step].id] else []
        elif len(expected) > 1:
            roll_back(root)
            expected.pop()
        now = current(root)
        assert [*now.before, *([now.id] if now.id else [])] == expected
        assert not set(now.withdrawn) & {now.id}
        assert all(now.knows(release_id) for release_id in ever)


def test_what_is_forgotten_cannot_be_rolled_back_to(tmp_path: Path) -> None:
    first, second, third, fourth = (release(tmp_path, week, hgt_model=week) for week in range(4))
    assert forget_old(0, root=tmp_path) == [first, second]
    assert current(tmp_path) == Current(fourth.id, (third.id,))
    with pytest.raises(UnknownReleaseError, match=rf"^'{first.id}' is no release of .* any more$"):
        promote(first, root=tmp_path)


def test_a_release_whose_version_is_gone_is_named(tmp_path: Path) -> None:
    made = release(tmp_path, 0, hgt_model=0)
    next((tmp_path / "releases/versions/hgt_model").iterdir()).unlink()
    with pytest.raises(UnreadableArtifactError, match=rf"^release {made.id} is incomplete: .* is missing$"):
        made.manifests(root=tmp_path)
