"""Releases for the terminal: the list, one of them, and two compared."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from hgt_repurposing.report.wording import one_line, percent, shown
from hgt_repurposing.repurposing.list_changes import ListChanges
from hgt_repurposing.storage.attempts import Attempt
from hgt_repurposing.storage.releases import Current, Release
from hgt_repurposing.text_table import aligned

COLUMNS: Mapping[str, str] = {
    "edges": "edges",
    "indications": "treatments",
    "whole_grid_auroc": "grid AUROC",
    "whole_grid_average_precision": "grid AP",
    "macro_ap": "macro AP",
}
"""Figures in the list, with their titles."""
MAX_REASON = 90
NUM_CHANGES = 20


@dataclass(frozen=True)
class Row:
    """A release, or a run that made none."""

    when: str
    mark: str
    """current, previous, or empty."""
    name: str
    figures: tuple[str, ...]
    said: str


def release_list(
    releases: Sequence[Release], attempts: Sequence[Attempt], now: Current, *, running: str | None
) -> list[str]:
    """Lines of a table, the newest first: every release, and every run that set out to make one and did not.

    Args:
        releases: All of them.
        attempts: All of them; those with a release are in its row.
        now: Which release counts.
        running: Id of the run that holds the data folder.
    """
    rows = [_of_release(release, now) for release in releases]
    rows += [_of_attempt(attempt, running) for attempt in attempts if attempt.release is None]
    header = ("made (UTC)", "", "release", *COLUMNS.values(), "decision")
    cells = [(row.when, row.mark, row.name, *row.figures, row.said) for row in sorted(rows, key=_newest_first)]
    return aligned([header, *reversed(cells)], right=range(3, 3 + len(COLUMNS)))


def release_lines(release: Release, now: Current) -> Iterator[str]:
    """All that is recorded about one release."""
    yield f"release {release.id}{_mark(release.id, now, ' ({})')}"
    yield f"made {release.made_at:%Y-%m-%d %H:%M:%S} UTC by run {release.run_id or 'unknown'}"
    yield f"decision: {'promoted' if release.decision.promoted else 'kept aside'}: {release.decision.reason}"
    if release.decision.against:
        yield f"compared with: {release.decision.against}"
    yield from (f"objection: {objection}" for objection in release.decision.objections)
    yield from (f"comparison: {found['in_words']}" for found in release.decision.comparisons)
    yield from (f"note: {note}" for note in release.decision.notes)
    yield ""
    yield from aligned([("figure", "value"), *((name, _shown(value)) for name, value in release.figures.items())])
    yield ""
    yield from aligned([("software", "version"), *release.software.items()])


def comparison_lines(one: Release, other: Release, lists: ListChanges | None, disease: str | None) -> Iterator[str]:
    """What differs between two releases.

    Args:
        one: The older or the first named one.
        other: The other one.
        lists: Changes from the first to the second list; None: they cannot be read.
        disease: Id or name of the disease whose changes are shown; None: the first ones.
    """
    names = [name for name in (*one.figures, *other.figures) if one.figures.get(name) != other.figures.get(name)]
    rows = [
        (name, _shown(one.figures.get(name)), _shown(other.figures.get(name)),
         _difference(one.figures.get(name), other.figures.get(name)))
        for name in dict.fromkeys(names)
    ]  # fmt: skip
    yield from aligned([("figure", one.id, other.id, "difference"), *rows], right=(1, 2, 3))
    same = [name for name, version in one.versions.items() if other.versions.get(name) == version]
    yield f"same versions: {', '.join(same) or 'none'}"
    yield ""
    if lists is None:
        yield "the lists cannot be compared: one of the two has no table of candidates"
        return
    yield from _list_lines(lists, disease)


def _list_lines(lists: ListChanges, disease: str | None) -> Iterator[str]:
    counts = lists.table["change"].value_counts()
    yield (
        f"ten best new drugs of {lists.num_diseases:,} diseases that both have: "
        f"{', '.join(f'{counts.get(change, 0):,} {change}' for change in ('entered', 'left', 'moved'))}; "
        f"{percent(lists.share_entered)} of a list is new on average"
    )
    if lists.num_gone or lists.num_added:
        yield f"diseases that only the first has: {lists.num_gone:,}; only the second: {lists.num_added:,}"
    table = lists.table
    if disease is not None:
        named = table["disease_name"].str.casefold() == disease.casefold()
        table = table[named | (table["disease_id"] == disease)]
        if table.empty:
            yield f"nothing changed for a disease with the id or name {disease!r}"
    chosen = table.head(NUM_CHANGES)
    if len(chosen):
        yield ""
        rows = [
            (str(row.disease_name), str(row.drug_name), str(row.change), _rank(row.rank_before), _rank(row.rank_now))
            for row in chosen.itertuples()
        ]
        yield from aligned([("disease", "drug", "change", "before", "now"), *rows], right=(3, 4))
    if len(table) > len(chosen):
        yield f"… and {len(table) - len(chosen):,} more; --disease NAME shows those of one disease"


def _of_release(release: Release, now: Current) -> Row:
    said = f"{_became(release, now)}: {release.decision.reason}"
    figures = tuple(_shown(release.figures.get(name)) for name in COLUMNS)
    return Row(
        f"{release.made_at:%Y-%m-%d %H:%M}",
        _mark(release.id, now, "{}"),
        release.id,
        figures,
        one_line(said, MAX_REASON),
    )


def _became(release: Release, now: Current) -> str:
    """What was decided about a release, and what a person made of it."""
    if release.id in now.withdrawn:
        return "rolled back from; promoted" if release.decision.promoted else "rolled back from; kept aside"
    if release.decision.promoted:
        return "promoted"
    return "promoted by hand; kept aside" if release.id in (now.id, *now.before) else "kept aside"


def _of_attempt(attempt: Attempt, running: str | None) -> Row:
    if attempt.failed:
        said = f"failed: {attempt.failed}"
    elif attempt.run_id == running:
        said = "is running"
    else:
        said = f"was killed or ended from outside ({attempt.process})"
    name = f"none, run {attempt.run_id[:8]}"
    return Row(f"{attempt.started_at:%Y-%m-%d %H:%M}", "", name, ("-",) * len(COLUMNS), one_line(said, MAX_REASON))


def _newest_first(row: Row) -> tuple[str, str]:
    return row.when, row.name


def _mark(release_id: str, now: Current, form: str) -> str:
    name = "current" if release_id == now.id else "previous" if release_id in now.before[-1:] else ""
    return form.format(name) if name else ""


def _shown(value: float | str | None) -> str:
    if value is None:
        return "-"
    if isinstance(value, str):
        return value
    return f"{value:,.0f}" if float(value).is_integer() and abs(value) > 1 else shown(value)


def _difference(before: object, now: object) -> str:
    if not isinstance(before, int | float) or not isinstance(now, int | float):
        return ""
    whole = float(before).is_integer() and float(now).is_integer()
    return f"{now - before:+,.0f}" if whole else f"{now - before:+.3f}"


def _rank(value: Any) -> str:
    """Any: an integer, or what pandas has for a missing one."""
    return "-" if pd.isna(value) else str(value)
