"""Which files of outside pairs the final model is evaluated on, and how each is to be read."""

import calendar
import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Annotated, Any, Literal, NamedTuple, Self

from pydantic import BaseModel, Discriminator, Field, Tag, field_validator, model_validator

from hgt_repurposing.graph.external_pairs import POOLED
from hgt_repurposing.graph.naming import did_you_mean, listed_names

DATE_FORMS = "2021, 2021-05 or 2021-05-31"
"""Dates that are understood, for messages."""

_YEAR, _MONTH = re.compile(r"\d{4}"), re.compile(r"(\d{4})-(\d{2})")


class Period(NamedTuple):
    """The days that a date stands for: one, or those of a month or a year."""

    first: date
    last: date

    @classmethod
    def of(cls, text: str) -> Self:
        """The period of a year, a year and month, or an ISO date with or without a time.

        Raises:
            ValueError: If the text is none of these.
        """
        try:
            if _YEAR.fullmatch(text):
                return cls(date(int(text), 1, 1), date(int(text), 12, 31))
            if found := _MONTH.fullmatch(text):
                year, month = map(int, found.groups())
                return cls(date(year, month, 1), date(year, month, calendar.monthrange(year, month)[1]))
            day = datetime.fromisoformat(text).date()
        except ValueError:
            raise ValueError(f"{text!r} is not a date: expected {DATE_FORMS}") from None
        return cls(day, day)


class ExternalFile(BaseModel, frozen=True, extra="forbid"):
    """A file of drug-disease pairs from outside the graph; its results are a row of their own."""

    path: str = Field(
        min_length=1,
        description="absolute path of the file: .parquet, .csv, or else tab-separated; text may end in .gz",
    )
    name: str = Field("", description="name of its results; empty: the file's name without its ending")
    ids: Literal["ids", "names"] = Field(
        "ids", description="what drugs and diseases are called by in the file: ids of the graph, or names"
    )
    drug_column: str = Field("drug_id", min_length=1, description="column of the drugs")
    disease_column: str = Field("disease_id", min_length=1, description="column of the diseases")
    keep: dict[str, list[str]] = Field(
        {}, description="only rows with one of these values in each of these columns, as in {category: [DM, NOT]}"
    )
    negative: dict[str, list[str]] = Field(
        {}, description="rows with one of these values in any of these columns are known negatives, not treatments"
    )
    date_column: str = Field("", description="column of dates, for a split by time; empty: none")
    after: str = Field(
        "", description=f"only rows dated later than this day, month or year ({DATE_FORMS}); needs date_column"
    )

    @property
    def label(self) -> str:
        """Name of the results: the given one, else the file's name without its ending."""
        if self.name:
            return self.name
        file = re.split(r"[/\\]", self.path)[-1].removesuffix(".gz")
        return file.rpartition(".")[0] or file

    @property
    def selecting(self) -> tuple[str, ...]:
        """Columns read besides drugs and diseases, each once."""
        dated = [self.date_column] if self.date_column else []
        return tuple(dict.fromkeys([*self.keep, *self.negative, *dated]))

    @model_validator(mode="before")
    @classmethod
    def _may_be_its_path(cls, given: Any) -> Any:  # Any: a value from YAML
        if isinstance(given, str):
            return {"path": given}
        for name in given if isinstance(given, Mapping) else ():
            if name not in cls.model_fields:
                hint = did_you_mean(str(name), cls.model_fields) or f"; settings: {listed_names(cls.model_fields)}"
                raise ValueError(f"there is no setting {name!r} of a file{hint}")
        return given

    @field_validator("keep", "negative", mode="before")
    @classmethod
    def _may_be_integers(cls, given: Any) -> Any:  # Any: a value from YAML
        if not isinstance(given, Mapping):
            return given
        return {
            column: [_as_text(value) for value in values] if isinstance(values, list) else values
            for column, values in given.items()
        }

    @field_validator("after", mode="before")
    @classmethod
    def _may_be_a_year(cls, given: Any) -> Any:  # Any: a value from YAML
        return _as_text(given)

    @field_validator("keep", "negative")
    @classmethod
    def _name_values(cls, given: dict[str, list[str]]) -> dict[str, list[str]]:
        for column, values in given.items():
            if not (column and values and all(values)):
                raise ValueError(f"name at least one value of column {column!r}, and no empty ones")
        return given

    @field_validator("after")
    @classmethod
    def _is_a_date(cls, given: str) -> str:
        if given:
            Period.of(given)
        return given

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.drug_column == self.disease_column:
            raise ValueError(f"drug_column and disease_column must be two columns (got {self.drug_column!r} for both)")
        if bool(self.date_column) != bool(self.after):
            missing, given = ("date_column", "after") if self.after else ("after", "date_column")
            raise ValueError(f"{given} needs {missing}: set both for a split by time, or neither")
        for column, values in self.negative.items():
            dropped = [value for value in values if column in self.keep and value not in self.keep[column]]
            if dropped:
                raise ValueError(
                    f"rows with {dropped[0]!r} in column {column!r} are to be known negatives, but keep drops them: "
                    f"add {dropped[0]!r} to the values of {column!r} in keep"
                )
        return self


ExternalFiles = Annotated[
    Annotated[str, Tag("text")] | Annotated[list[ExternalFile], Tag("list")],
    Discriminator(lambda given: "text" if isinstance(given, str) else "list"),
]
"""The path of one file, empty for none; or a list of files."""


def external_files(given: str | Iterable[ExternalFile]) -> tuple[ExternalFile, ...]:
    """The files of the setting `external_pairs`.

    Raises:
        ValueError: If two have the same name, or one that of the pooled results.
    """
    if isinstance(given, str):
        return external_files([ExternalFile(path=given)] if given else [])
    files = tuple(given)
    labels = [file.label for file in files]
    for label in labels:
        if label.strip().casefold() == POOLED:
            raise ValueError(
                f"a file cannot be called {label!r}, which names the results of all files together: set its name"
            )
        if labels.count(label) > 1:
            raise ValueError(f"{labels.count(label)} files are called {label!r}: give each a name of its own")
    return files


def _as_text(value: Any) -> Any:  # Any: a value from YAML
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value
