"""Which decisions a release comes from."""

from pathlib import Path

import pytest

from hgt_repurposing.benchmark.decision import Decision
from hgt_repurposing.storage.promotion import decisions_before
from hgt_repurposing.storage.releases import Release, promote, record, roll_back

IDS = [f"2026110{week}T030000Z-a" for week in range(1, 6)]


def made(root: Path, *kept_aside: int, against: dict[int, int] | None = None) -> list[Decision]:
    """Five releases, each promoted, against the one before it unless stated."""
    decisions = []
    for week, release_id in enumerate(IDS):
        other = (against or {}).get(week, week - 1)
        decision = Decision(week not in kept_aside, f"week {week}", None if other < 0 else IDS[other])
        made = Release(release_id, "a", {}, {}, decision)
        record(made, root=root)
        promote(made, root=root)
        decisions.append(decision)
    return decisions


def test_before_the_first_release_there_is_none(tmp_path: Path) -> None:
    assert decisions_before(tmp_path) == []


@pytest.mark.parametrize(
    ("kept_aside", "against", "left"),
    [
        ([], {}, [4, 3, 2, 1, 0]),
        ([2], {}, [4, 3]),  # a person promoted it all the same: what it lost is accepted
        ([], {3: 1}, [4, 3]),  # it was compared with another release than the one it replaced
        ([4], {}, []),
    ],
)
def test_what_a_person_decided_ends_the_list(
    kept_aside: list[int], against: dict[int, int], left: list[int], tmp_path: Path
) -> None:
    decisions = made(tmp_path, *kept_aside, against=against)
    assert decisions_before(tmp_path) == [decisions[week] for week in left]


def test_a_release_that_was_rolled_back_from_does_not_count(tmp_path: Path) -> None:
    decisions = made(tmp_path)
    roll_back(tmp_path)
    assert decisions_before(tmp_path) == decisions[3::-1]
