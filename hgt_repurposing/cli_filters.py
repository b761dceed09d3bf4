"""The options by which the command line filters candidate lists."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from hgt_repurposing.graph.settings import SETTINGS
from hgt_repurposing.repurposing.candidates import STATUS, Candidates, Side

if TYPE_CHECKING:
    import pandas as pd

StatusOption = Annotated[
    list[str] | None,
    typer.Option("--status", help=f"only pairs with this status ({', '.join(STATUS)}); may be repeated"),
]
SettingOption = Annotated[
    list[str] | None,
    typer.Option("--setting", help=f"only pairs of this setting ({', '.join(SETTINGS)}); may be repeated"),
]
AttributeOption = Annotated[
    list[str] | None,
    typer.Option(
        "--attribute",
        metavar="NAME=VALUE",
        help="only drugs (diseases) with this value of an attribute, as approved=yes or 'atc=A10*'; may be repeated: "
        "one of the values of each attribute must fit",
    ),
]
OnlyOption = Annotated[
    Path | None,
    typer.Option("--only", help="file with the ids or names of the drugs (diseases) to show, one on each line"),
]


class Filters(NamedTuple):
    """Which rows are asked for; ranks stay."""

    statuses: Sequence[str]
    settings: Sequence[str]
    attributes: Mapping[str, Sequence[str]]
    only: Path | None

    def rows(
        self, rows: "pd.DataFrame", candidates: Candidates, of: Side, *, top: int
    ) -> "tuple[pd.DataFrame, tuple[str, ...]]":
        """The first rows of a list that fit, and what to say about them.

        Args:
            rows: A list, or several below each other, each of which is cut.
            candidates: Source of names and attributes.
            of: What is listed.
            top: How many rows of each list.

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: If there is no such attribute or value, or a line of the file means no node or several.
        """
        from hgt_repurposing.report.candidate_list import Wanted, filtered  # noqa: PLC0415  (loads SciPy)
        from hgt_repurposing.repurposing.choice import ids_in_file  # noqa: PLC0415  (loads the graph's modules)

        mine = None if self.only is None else ids_in_file(self.only, candidates.nodes(of), what=of)
        ids = rows[f"{of}_id"].tolist()
        found = filtered(ids, candidates, of, attributes=self.attributes, mine=mine)
        whose = "drug_id" if of == "disease" else "disease_id"
        fit = Wanted(len(rows), self.statuses, self.settings, found.ids).of(rows, f"{of}_id")
        return fit.groupby(whose, sort=False).head(top), found.notes

    @property
    def choose(self) -> bool:
        """Whether any row may not fit."""
        return bool(self.statuses or self.settings or self.attributes or self.only)

    def in_words(self, *, top: int | None) -> str:
        """What is asked for; top: rows of each list, None: all."""
        said = [
            f"status: {', '.join(self.statuses) or 'any'}",
            f"setting: {', '.join(self.settings) or 'any'}",
            *(f"{name}: {' or '.join(values)}" for name, values in self.attributes.items()),
            *([f"only those of {self.only.name}"] if self.only else []),
            f"rows of each list: {'all' if top is None else top}",
        ]
        return "; ".join(said)


def filters_of(
    status: Sequence[str] | None, setting: Sequence[str] | None, attribute: Sequence[str] | None, only: Path | None
) -> Filters:
    """The filters that the options give.

    Raises:
        ValueError: If an option has a value that it cannot have.
    """
    for name, given, known in (("status", status, STATUS), ("setting", setting, SETTINGS)):
        for value in given or ():
            if value not in known:
                raise ValueError(f"--{name} must be one of {', '.join(known)} (got {value!r})")
    wanted: dict[str, list[str]] = {}
    for text in attribute or ():
        name, equals, value = text.partition("=")
        if not (name.strip() and equals and value.strip()):
            raise ValueError(f"--attribute must be NAME=VALUE, such as approved=yes (got {text!r})")
        wanted.setdefault(name.strip(), []).append(value.strip())
    return Filters(tuple(status or ()), tuple(setting or ()), wanted, only)
