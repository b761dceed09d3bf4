"""Which graphs are retrained without a person, and when: the file that HGT_REPURPOSING_SCHEDULES names.

Whoever loads the code location reads it, among them each step of a run that is on. So a mistake in the file must not
stop the location: entries that are valid are used, and the sensor `schedules_file` fails with what is wrong.
"""

import hashlib
import zoneinfo
from collections.abc import Iterator
from reprlib import repr as shortened
from typing import Any, NamedTuple, Self

import dagster as dg
from pydantic import BaseModel, Field, ValidationError, field_validator, model_validator

from hgt_repurposing.defs.notifications import not_retrained
from hgt_repurposing.defs.run_config import one_sentence
from hgt_repurposing.defs.yaml_config import read_yaml
from hgt_repurposing.storage.catalog import absolute

SCHEDULES_VARIABLE = "HGT_REPURPOSING_SCHEDULES"
TOLD = "hgt_repurposing/schedules_file"
"""Where Dagster's storage keeps the errors in the file of which the team was told."""
TAKEN = ("weekly_retraining", "unfinished_runs", "schedules_file", "run_failures", "failures_untold", "releases")
"""Names of what the code location offers in any case."""


class PlannedRetraining(BaseModel, frozen=True, extra="forbid", strict=True):
    """A graph that is retrained at set times, when its files change, or both."""

    name: str = Field(pattern=r"^[A-Za-z0-9_]{1,100}$", description="name under Automation")
    config: str = Field(description="absolute path of a run configuration; its data_folder keeps graphs apart")
    cron: str = Field("", description="when to retrain, as in '0 3 * * 1' (Mondays at 3); empty: at no set time")
    timezone: str = Field("UTC", description="time zone of cron, as in Europe/Berlin")
    on_change: bool = Field(default=False, description="retrain when the content of the graph's files changes")

    @property
    def names(self) -> tuple[str, ...]:
        """Names of its schedule and of its sensor."""
        return (*([self.name] if self.cron else []), *([f"{self.name}_on_change"] if self.on_change else []))

    @field_validator("config")
    @classmethod
    def _is_absolute(cls, given: str) -> str:
        return str(absolute(given, what="config"))

    @field_validator("cron")
    @classmethod
    def _is_cron(cls, given: str) -> str:
        if given:
            try:
                dg.ScheduleDefinition(name="trial", cron_schedule=given, job_name="trial")
            except (dg.DagsterInvalidDefinitionError, ValueError):
                raise ValueError("must be five fields: minute, hour, day, month, weekday; as in '0 3 * * 1'") from None
        return given

    @field_validator("timezone")
    @classmethod
    def _is_a_time_zone(cls, given: str) -> str:
        try:
            zoneinfo.ZoneInfo(given)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError("is not a time zone, as in UTC or Europe/Berlin") from None
        return given

    @model_validator(mode="after")
    def _ever_runs(self) -> Self:
        if not self.cron and not self.on_change:
            raise ValueError(f"{self.name} would never run: set cron, or on_change: true")
        return self


class RetrainingPlan(NamedTuple):
    """What the file says."""

    entries: tuple[PlannedRetraining, ...] = ()
    """The valid ones."""
    complaints: tuple[str, ...] = ()
    """Errors in the others, or in the file, one sentence each."""
    digest: str = ""
    """SHA-256 of the file; empty: it cannot be read, or none is named."""


def read_plan(named: str) -> RetrainingPlan:
    """Read the file of a path; an empty path is an empty plan. Errors are part of the plan."""
    if not named:
        return RetrainingPlan()
    try:
        text = absolute(named, what=SCHEDULES_VARIABLE).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        return RetrainingPlan(complaints=(f"{SCHEDULES_VARIABLE}: {error}",))
    digest = hashlib.sha256(text.encode()).hexdigest()
    try:
        rows = _rows(read_yaml(text))
    except ValueError as error:
        return RetrainingPlan(complaints=(f"{named}: {error}",), digest=digest)
    entries: list[PlannedRetraining] = []
    complaints = []
    for number, row in enumerate(rows, start=1):
        try:
            entries.append(_entry(row, {*TAKEN, *(name for entry in entries for name in entry.names)}))
        except ValidationError as error:
            complaints.append(f"{named}: entry {number}: {one_sentence(error)}")
        except ValueError as error:
            complaints.append(f"{named}: entry {number}: {error}")
    return RetrainingPlan(tuple(entries), tuple(complaints), digest)


def _rows(given: Any) -> list[Any]:
    """Any: YAML values."""
    if not isinstance(given, list) or not given:
        raise ValueError(
            f"it must be a list of entries with name, config, and cron or on_change (got {shortened(given)})"
        )
    return given


def _entry(row: Any, taken: set[str]) -> PlannedRetraining:
    """Any: YAML values."""
    entry = PlannedRetraining.model_validate(row)
    twice = taken.intersection(entry.names)
    if twice:
        raise ValueError(f"the name {min(twice)!r} is taken: choose another one")
    return entry


def tell_once(complaints: str, instance: dg.DagsterInstance) -> None:
    """Tell the team of errors in the file, once as long as they are the same; a failed tick would forget its cursor."""
    storage = instance.daemon_cursor_storage
    if storage.get_cursor_values({TOLD}).get(TOLD, "") != complaints:
        storage.set_cursor_values({TOLD: complaints})
        if complaints:
            not_retrained("the file of the schedules", complaints)


def schedules_file_sensor(named: str, loaded: RetrainingPlan) -> Iterator[dg.SensorDefinition]:
    """A sensor that says whether the plan can be used; none if no file is named."""

    @dg.sensor(
        name="schedules_file",
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=f"Fails while the file that {SCHEDULES_VARIABLE} names has errors, or was not read again.",
    )
    def schedules_file(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        now = read_plan(named)
        tell_once("; ".join(now.complaints), context.instance)
        if now.complaints:
            raise ValueError("; ".join(now.complaints))
        if now.digest != loaded.digest:
            raise ValueError(f"{named} has changed: reload the code location under Deployment")
        return dg.SkipReason(f"valid: {', '.join(name for entry in now.entries for name in entry.names)}")

    if named:
        yield schedules_file
