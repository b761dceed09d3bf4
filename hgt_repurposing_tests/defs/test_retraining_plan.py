"""The schedules file: what is valid is used, what is not is named, and nothing keeps the code location from loading."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml

from hgt_repurposing.defs.automation import schedule_of
from hgt_repurposing.defs.file_sensor import file_sensor_of
from hgt_repurposing.defs.retraining_plan import (
    SCHEDULES_VARIABLE,
    TAKEN,
    RetrainingPlan,
    read_plan,
    schedules_file_sensor,
)
from hgt_repurposing_tests.defs.test_webhook import Notifier

ROOT = Path(__file__).parents[2]
WEEKLY: dict[str, object] = {"name": "hetionet", "config": "/graphs/hetionet.yaml", "cron": "0 3 * * 1"}
MONTHLY: dict[str, object] = {
    "name": "primekg", "config": "/graphs/primekg.yaml", "cron": "30 1 1 * *", "timezone": "Europe/Berlin",
    "on_change": True,
}  # fmt: skip


def written(folder: Path, rows: object) -> str:
    path = folder / "schedules.yaml"
    path.write_text(rows if isinstance(rows, str) else yaml.safe_dump(rows))
    return str(path)


def test_each_entry_becomes_a_schedule_and_a_sensor_as_it_says(tmp_path: Path) -> None:
    plan = read_plan(written(tmp_path, [WEEKLY, MONTHLY]))
    assert plan.complaints == ()
    assert [entry.names for entry in plan.entries] == [("hetionet",), ("primekg", "primekg_on_change")]
    weekly, monthly = (schedule_of(entry) for entry in plan.entries)
    assert (weekly.name, weekly.cron_schedule, weekly.execution_timezone) == ("hetionet", "0 3 * * 1", "UTC")
    assert (monthly.name, monthly.cron_schedule, monthly.execution_timezone) == (
        "primekg", "30 1 1 * *", "Europe/Berlin",
    )  # fmt: skip
    assert weekly.default_status is dg.DefaultScheduleStatus.RUNNING
    assert file_sensor_of(plan.entries[1]).name == "primekg_on_change"


def test_without_a_file_nothing_is_planned() -> None:
    assert read_plan("") == RetrainingPlan()
    assert list(schedules_file_sensor("", RetrainingPlan())) == []


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"name": "two words"}, "name: String should match pattern"),
        ({"config": "mine.yaml"}, "config: config must be an absolute path, the same for every process"),
        ({"cron": "every day"}, "cron: must be five fields: minute, hour, day, month, weekday; as in '0 3 * * 1'"),
        ({"cron": "0 3 * * 1 7"}, "cron: must be five fields"),
        ({"cron": "61 3 * * 1"}, "cron: must be five fields"),
        ({"timezone": "Berlin"}, "timezone: is not a time zone, as in UTC or Europe/Berlin (got 'Berlin')"),
        ({"timezone": "../etc"}, "timezone: is not a time zone"),
        ({"on_change": "yes please"}, "on_change: Input should be a valid boolean"),
        ({"cron": ""}, "hetionet would never run: set cron, or on_change: true"),
        ({"every": "week"}, "every: Extra inputs are not permitted"),
        ({"name": "weekly_retraining"}, "the name 'weekly_retraining' is taken: choose another one"),
        ({"name": "primekg_on_change"}, "the name 'primekg_on_change' is taken"),
        ({"name": "primekg"}, "the name 'primekg' is taken"),
    ],
)
def test_a_wrong_entry_is_named_and_the_others_are_used(tmp_path: Path, changed: dict[str, object], said: str) -> None:
    plan = read_plan(written(tmp_path, [MONTHLY, WEEKLY | changed]))
    assert [entry.name for entry in plan.entries] == ["primekg"]
    (complaint,) = plan.complaints
    assert complaint.startswith(f"{tmp_path / 'schedules.yaml'}: entry 2: ")
    assert said in complaint


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("", "it must be a list of entries with name, config, and cron or on_change (got None)"),
        ("name: hetionet", "it must be a list of entries"),
        ("[]", "it must be a list of entries"),
        ("- [", "it is not YAML"),
        ("- hetionet", "entry 1: invalid configuration: Input should be a valid dictionary"),
    ],
)
def test_a_file_that_is_no_list_of_entries_is_refused(tmp_path: Path, rows: str, said: str) -> None:
    plan = read_plan(written(tmp_path, rows))
    assert plan.entries == ()
    assert said in plan.complaints[0]


@pytest.mark.parametrize(
    ("named", "said"),
    [("schedules.yaml", "must be an absolute path"), ("/absent/schedules.yaml", "No such file")],
)
def test_a_file_that_cannot_be_read_is_named(named: str, said: str) -> None:
    plan = read_plan(named)
    assert plan.complaints[0].startswith(SCHEDULES_VARIABLE)
    assert said in plan.complaints[0]


def test_the_sensor_says_that_the_file_is_valid_or_fails_with_what_is_not(
    tmp_path: Path, storage: dg.DagsterInstance, told: Notifier
) -> None:
    named = written(tmp_path, [WEEKLY, MONTHLY])
    (sensor,) = schedules_file_sensor(named, read_plan(named))
    said = sensor(dg.build_sensor_context(storage))
    assert isinstance(said, dg.SkipReason)
    assert said.skip_message == "valid: hetionet, primekg, primekg_on_change"
    written(tmp_path, [WEEKLY])
    with pytest.raises(ValueError, match=r"has changed: reload the code location under Deployment$"):
        sensor(dg.build_sensor_context(storage))
    assert told.received == []
    written(tmp_path, [WEEKLY | {"cron": "?"}])
    for _ in range(3):  # the team is told once, however often the sensor looks
        with pytest.raises(ValueError, match="entry 1: invalid configuration: cron: must be five fields"):
            sensor(dg.build_sensor_context(storage))
    (message,) = told.received
    assert message["event"] == "not_retrained"
    assert "the file of the schedules did not retrain" in str(message["text"])
    Path(named).write_text("- name: [")
    with pytest.raises(ValueError, match=r"schedules\.yaml"):
        sensor(dg.build_sensor_context(storage))
    assert len(told.received) == 2


LOADED = """
import dagster as dg
from hgt_repurposing.definitions import defs
dg.Definitions.validate_loadable(defs)
print(*sorted(given.name for given in [*defs.schedules, *defs.sensors]))
"""


def offered(**environment: str) -> set[str]:
    """Names of the schedules and sensors of the code location."""
    command = [sys.executable, "-W", "ignore", "-c", LOADED]
    given: Any = os.environ | environment  # Any: a mapping of text
    done = subprocess.run(command, cwd=ROOT, env=given, capture_output=True, text=True, check=True)  # noqa: S603
    return set(done.stdout.split())


@pytest.mark.slow
def test_the_code_location_offers_the_plan_and_loads_in_spite_of_its_errors(tmp_path: Path) -> None:
    named = written(tmp_path, [MONTHLY, WEEKLY | {"cron": "?"}])
    assert offered(**{SCHEDULES_VARIABLE: named}) == {*TAKEN, "primekg", "primekg_on_change"}


@pytest.mark.slow
def test_without_a_file_the_code_location_offers_what_it_always_does() -> None:
    assert offered() == {*TAKEN} - {"schedules_file"}
