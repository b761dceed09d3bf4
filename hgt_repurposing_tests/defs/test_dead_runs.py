"""Unfinished runs: whose they are, which are dead, and how those end."""

import itertools
import os
import re
import time
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.remote_origin import RegisteredCodeLocationOrigin, RemoteJobOrigin, RemoteRepositoryOrigin

from hgt_repurposing.defs import dead_runs
from hgt_repurposing.defs.dead_runs import (
    BEGUN,
    end_dead_runs,
    makes_ours,
    unfinished_runs,
    unfinished_runs_sensor,
)
from hgt_repurposing.defs.resources import FOLDER_TAG
from hgt_repurposing.storage.artifacts import write_json
from hgt_repurposing.storage.catalog import DATA_VARIABLE
from hgt_repurposing.storage.heartbeat import HEARTBEATS, PATIENCE
from hgt_repurposing.storage.run_lock import LOCK_FILE, Holder

GONE = r"ended because its process \d+ on \S+ is gone; the next run takes over its data folder and its last checkpoint"


def begun(
    instance: dg.DagsterInstance, root: Path, *, status: dg.DagsterRunStatus = dg.DagsterRunStatus.STARTED
) -> dg.DagsterRun:
    """A run of the job that has taken a data folder."""
    run = dg.DagsterRun(job_name="repurposing_job", status=status, tags={FOLDER_TAG: str(root)})
    instance.add_run(run)
    return run


def process(run: dg.DagsterRun, *, alive: bool) -> Holder:
    """This process, or one whose number is ours and whose start is not."""
    me = Holder.of_process(os.getpid(), run.run_id, now=datetime(2026, 11, 27, tzinfo=UTC))
    return me if alive else me._replace(started=0.0)


def show_life(root: Path, holder: Holder, *, ago: float = 0.0) -> None:
    write_json(root / HEARTBEATS / f"{holder.run_id}.json", {**holder._asdict(), "at": time.time() - ago})


def status_of(instance: dg.DagsterInstance, run: dg.DagsterRun) -> dg.DagsterRunStatus:
    found = instance.get_run_by_id(run.run_id)
    assert found is not None
    return found.status


def last_words(instance: dg.DagsterInstance, run: dg.DagsterRun) -> str:
    (record,) = instance.get_records_for_run(run.run_id, limit=1, ascending=False).records
    return str(record.event_log_entry.message)


@pytest.mark.parametrize(
    ("status", "end"),
    [
        (dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.FAILURE),
        (dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.FAILURE),
        (dg.DagsterRunStatus.CANCELING, dg.DagsterRunStatus.CANCELED),
    ],
)
def test_a_run_whose_process_is_gone_is_ended_with_the_reason(
    instance: dg.DagsterInstance, tmp_path: Path, status: dg.DagsterRunStatus, end: dg.DagsterRunStatus
) -> None:
    run = begun(instance, tmp_path, status=status)
    show_life(tmp_path, process(run, alive=False))
    said = unfinished_runs_sensor(dg.build_sensor_context(instance))
    assert isinstance(said, dg.SkipReason)
    assert f"run {run.run_id} was ended: its process {os.getpid()} on" in str(said.skip_message)
    assert status_of(instance, run) is end
    assert re.search(GONE, last_words(instance, run))


def test_every_run_that_is_alive_or_may_be_stays(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    working, waiting, elsewhere, new = (begun(instance, tmp_path) for _ in range(4))
    show_life(tmp_path, process(working, alive=True), ago=10 * PATIENCE)  # compiled code may keep it from beating
    show_life(tmp_path, process(waiting, alive=True))  # for the folder, which it does not hold
    show_life(tmp_path, process(elsewhere, alive=False)._replace(host="elsewhere"))
    assert end_dead_runs(instance) == []
    said = unfinished_runs_sensor(dg.build_sensor_context(instance))
    assert isinstance(said, dg.SkipReason)
    assert said.skip_message == "no run is dead"
    assert {run.run_id for run in unfinished_runs(instance)} == {
        run.run_id for run in (working, waiting, elsewhere, new)
    }


def test_a_run_of_an_earlier_version_is_found_by_the_lock(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    living, dead = (begun(instance, tmp_path / name) for name in ("living", "dead"))
    write_json(tmp_path / "living" / LOCK_FILE, process(living, alive=True)._asdict())
    write_json(tmp_path / "dead" / LOCK_FILE, process(dead, alive=False)._asdict())
    assert [found.run.run_id for found in end_dead_runs(instance)] == [dead.run_id]


def test_the_lock_of_another_run_says_nothing(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    run = begun(instance, tmp_path)
    write_json(tmp_path / LOCK_FILE, process(run, alive=False)._replace(run_id="another")._asdict())
    assert end_dead_runs(instance) == []


def test_a_run_that_never_began_is_ended_when_it_was_silent_for_long(
    instance: dg.DagsterInstance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent, speaking = begun(instance, tmp_path), begun(instance, tmp_path)
    now = time.time()
    monkeypatch.setattr("hgt_repurposing.defs.dead_runs.time.time", lambda: now + PATIENCE + 60)
    monkeypatch.setattr(
        dead_runs, "_last_event", lambda _, run_id: now + PATIENCE if run_id == speaking.run_id else 0.0
    )
    (found,) = end_dead_runs(instance)
    assert found.run.run_id == silent.run_id
    assert found.reason == "it has no process, and has been silent for 11 minutes"


def test_the_last_event_is_the_last_sign_of_a_run(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    run = begun(instance, tmp_path)
    assert dead_runs._last_event(instance, run.run_id) == 0.0
    instance.report_engine_event("at work", run)
    assert abs(dead_runs._last_event(instance, run.run_id) - time.time()) < 60


def test_a_run_that_has_ended_meanwhile_is_left_alone(
    instance: dg.DagsterInstance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = begun(instance, tmp_path)
    show_life(tmp_path, process(run, alive=False))
    listed = instance.get_run_records(dg.RunsFilter(statuses=BEGUN))
    instance.report_run_canceled(run)
    monkeypatch.setattr(instance, "get_run_records", lambda *_, **__: listed)
    assert end_dead_runs(instance) == []
    assert status_of(instance, run) is dg.DagsterRunStatus.CANCELED


def test_only_runs_of_one_folder_are_ended_for_it(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    here, there = (begun(instance, tmp_path / name) for name in ("here", "there"))
    for run, name in ((here, "here"), (there, "there")):
        show_life(tmp_path / name, process(run, alive=False))
    assert [found.run.run_id for found in end_dead_runs(instance, root=tmp_path / "here")] == [here.run_id]
    assert [run.run_id for run in unfinished_runs(instance, root=tmp_path / "there")] == [there.run_id]


@pytest.mark.parametrize(("retried", "again"), [(True, "true"), (False, "false")])
def test_a_dead_run_is_retried_unless_another_one_takes_its_place(
    instance: dg.DagsterInstance, tmp_path: Path, *, retried: bool, again: str
) -> None:
    run = begun(instance, tmp_path)
    show_life(tmp_path, process(run, alive=False))
    end_dead_runs(instance, retried=retried)
    found = instance.get_run_by_id(run.run_id)
    assert found is not None
    assert found.tags["dagster/will_retry"] == again


def test_the_folder_of_a_run_is_the_one_it_noted_or_that_of_its_configuration(
    instance: dg.DagsterInstance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(DATA_VARIABLE, str(tmp_path / "usual"))
    config = {"resources": {"store": {"config": {"data_folder": str(tmp_path / "set")}}}}
    broken = {"resources": {"store": {"config": {"if_busy": "no idea"}}}}
    runs = {
        "noted": dg.DagsterRun("repurposing_job", tags={FOLDER_TAG: str(tmp_path / "noted")}, run_config=config),
        "set": dg.DagsterRun("repurposing_job", run_config=config),
        "usual": dg.DagsterRun("repurposing_job"),
        "unknown": dg.DagsterRun("repurposing_job", run_config=broken),
    }
    for run in runs.values():
        instance.add_run(run)
    for name in ("noted", "set", "usual"):
        found = {run.run_id for run in unfinished_runs(instance, root=tmp_path / name)}
        assert found == {runs[name].run_id, runs["unknown"].run_id}, name
    assert len(unfinished_runs(instance)) == 4


ASSETS: tuple[frozenset[dg.AssetKey] | None, ...] = (
    None,
    frozenset(),
    frozenset({dg.AssetKey("hgt_model")}),
    frozenset({dg.AssetKey("weather")}),
)
CHECKS: tuple[frozenset[dg.AssetCheckKey] | None, ...] = (
    None,
    frozenset({dg.AssetCheckKey(dg.AssetKey("hetero_data"), "no_held_out_pair_in_message_graph")}),
    frozenset({dg.AssetCheckKey(dg.AssetKey("weather"), "is_fine")}),
)
JOBS = ("repurposing_job", "__ASSET_JOB", "__ASSET_JOB_0", "weather_job")


def test_runs_of_these_assets_are_told_from_others_in_every_combination() -> None:
    for job, assets, checks, begun_ in itertools.product(JOBS, ASSETS, CHECKS, (False, True)):
        tags = {FOLDER_TAG: "/data"} if begun_ else {}
        run = dg.DagsterRun(job, asset_selection=assets, asset_check_selection=checks, tags=tags)
        by_name = (assets is None or (not assets and not checks)) and job != "weather_job"
        by_asset = assets == ASSETS[2]
        by_check = assets is not None and checks == CHECKS[1]
        assert makes_ours(run) == (begun_ or by_name or by_asset or by_check), run


def origin() -> RemoteJobOrigin:
    """Where a run comes from that Dagster's server started."""
    location = RegisteredCodeLocationOrigin("hgt_repurposing")
    return RemoteJobOrigin(RemoteRepositoryOrigin(location, "__repository__"), "repurposing_job")


@pytest.mark.parametrize(
    ("tags", "by_server", "awaited"),
    [
        ({"dagster/will_retry": "true"}, True, True),
        ({"dagster/will_retry": "true"}, False, False),  # from the command line, which Dagster cannot start again
        ({"dagster/will_retry": "true", "dagster/auto_retry_run_id": "next"}, True, False),
        ({"dagster/will_retry": "false"}, True, False),
    ],
)
def test_a_run_that_is_about_to_be_retried_counts_as_unfinished(
    instance: dg.DagsterInstance, tmp_path: Path, tags: dict[str, str], *, by_server: bool, awaited: bool
) -> None:
    run = dg.DagsterRun(
        "repurposing_job",
        status=dg.DagsterRunStatus.FAILURE,
        tags={FOLDER_TAG: str(tmp_path), **tags},
        remote_job_origin=origin() if by_server else None,
    )
    instance.add_run(run)
    assert bool(unfinished_runs(instance)) == awaited


def test_a_retry_that_does_not_come_is_not_awaited_for_ever(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    tags = {"dagster/will_retry": "true"}
    instance.add_run(
        dg.DagsterRun("repurposing_job", status=dg.DagsterRunStatus.FAILURE, tags=tags, remote_job_origin=origin())
    )
    now = time.time()
    monkeypatch.setattr("hgt_repurposing.defs.dead_runs.time.time", lambda: now + 600)
    assert unfinished_runs(instance) == []


def test_a_run_that_has_not_begun_is_not_ended(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    run = begun(instance, tmp_path, status=dg.DagsterRunStatus.NOT_STARTED)
    show_life(tmp_path, process(run, alive=False))
    assert end_dead_runs(instance) == []
