"""Runs that make these assets: which are unfinished, and which of those are dead.

Dagster itself does not notice that a run is dead if the process that started it was killed as well: the run stays
"started", and whatever waits for its end waits for ever.
"""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import dagster as dg

from hgt_repurposing.defs.resources import FOLDER_TAG
from hgt_repurposing.defs.run_config import ASSETS, settings_of
from hgt_repurposing.storage.catalog import data_folder
from hgt_repurposing.storage.heartbeat import heartbeat_of, why_dead
from hgt_repurposing.storage.run_lock import holder_of

JOB = "repurposing_job"
UNNAMED_JOB = "__ASSET_JOB"
"""Dagster's name for the job of a run that was started by selecting assets."""
BEGUN = [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]
"""States in which a run has a process. What is only queued or created, Dagster itself starts or gives up."""
UNFINISHED = [dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.NOT_STARTED, *BEGUN]

MAX_RETRIES, WILL_RETRY, RETRIED_BY = "dagster/max_retries", "dagster/will_retry", "dagster/auto_retry_run_id"
RETRY_DELAY = 120.0
"""Seconds within which Dagster starts a failed run again."""


class DeadRun(NamedTuple):
    """An unfinished run that nobody works on."""

    run: dg.DagsterRun
    reason: str
    """Why it counts as dead."""


def unfinished_runs(instance: dg.DagsterInstance, *, root: Path | None = None) -> list[dg.DagsterRun]:
    """Runs that make any of these assets and have not ended, or are about to be retried, however they were started.

    Args:
        instance: Where runs are recorded.
        root: Only those that use this data folder, or one that cannot be told; None: all.
    """
    found = [*instance.get_runs(dg.RunsFilter(statuses=UNFINISHED)), *_awaiting_retry(instance)]
    return [run for run in found if makes_ours(run) and (root is None or _folder_of(run) in (None, root))]


def makes_ours(run: dg.DagsterRun) -> bool:
    """Whether a run makes or checks these assets.

    A run that has begun bears the data folder as a tag. Before that, runs from the UI name assets instead of a job; a
    run that names neither may make any asset.
    """
    if FOLDER_TAG in run.tags:
        return True
    named = {*(run.asset_selection or ()), *(key.asset_key for key in run.asset_check_selection or ())}
    if run.asset_selection is None or not named:
        return run.job_name == JOB or run.job_name.startswith(UNNAMED_JOB)
    return not named.isdisjoint(dg.AssetKey(name) for name in ASSETS)


@dg.sensor(
    name="unfinished_runs",
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description=(
        "Ends runs of these assets that nobody works on any more, after a crash or a reboot, so that nothing waits for "
        "them. Dagster then starts them again where they stopped."
    ),
)
def unfinished_runs_sensor(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """End dead runs, and say which."""
    dead = end_dead_runs(context.instance)
    if dead:
        return dg.SkipReason("; ".join(f"run {run.run_id} was ended: {reason}" for run, reason in dead))
    return dg.SkipReason("no run is dead")


def end_dead_runs(instance: dg.DagsterInstance, *, root: Path | None = None, retried: bool = True) -> list[DeadRun]:
    """End the unfinished runs that nobody works on, with the reason.

    Args:
        instance: Where runs are recorded.
        root: Only those that use this data folder; None: all.
        retried: Whether Dagster may start them again; False: another run is about to take their place.
    """
    dead = [found for found in _dead_runs(instance, now=time.time()) if root is None or _folder_of(found.run) == root]
    for found in dead:
        if not retried:
            instance.add_run_tags(found.run.run_id, {MAX_RETRIES: "0"})
        said = f"ended because {found.reason}; the next run takes over its data folder and its last checkpoint"
        if found.run.status is dg.DagsterRunStatus.CANCELING:
            instance.report_run_canceled(found.run, said)
        else:
            instance.report_run_failed(found.run, said)
    return dead


def _dead_runs(instance: dg.DagsterInstance, *, now: float) -> Iterator[DeadRun]:
    for record in instance.get_run_records(dg.RunsFilter(statuses=BEGUN)):
        run = record.dagster_run
        root = _folder_of(run)
        if not makes_ours(run) or root is None:
            continue
        holder = holder_of(root)
        mine = holder if holder and holder.run_id == run.run_id else None
        quiet = now - max(record.update_timestamp.timestamp(), _last_event(instance, run.run_id))
        reason = why_dead(heartbeat_of(run.run_id, root=root), mine, quiet=quiet, now=now)
        again = instance.get_run_by_id(run.run_id)
        if reason and again is not None and again.status in BEGUN:  # it may have ended since it was listed
            yield DeadRun(again, reason)


def _last_event(instance: dg.DagsterInstance, run_id: str) -> float:
    """When the run last logged anything, in seconds since 1970; 0: never."""
    records = instance.get_records_for_run(run_id, limit=1, ascending=False).records
    return records[0].timestamp if records else 0.0


def _awaiting_retry(instance: dg.DagsterInstance) -> Iterator[dg.DagsterRun]:
    """Failed runs that Dagster is about to start again: it does so a few seconds after the end."""
    wanted = dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE], tags={WILL_RETRY: "true"})
    for record in instance.get_run_records(wanted, limit=10):
        run = record.dagster_run
        started_by_dagster = run.remote_job_origin is not None  # one from the command line cannot be started again
        recent = time.time() - record.update_timestamp.timestamp() < RETRY_DELAY
        if started_by_dagster and recent and RETRIED_BY not in run.tags:
            yield run


def _folder_of(run: dg.DagsterRun) -> Path | None:
    """Data folder of a run: the one it has noted, else that of its configuration; None if it cannot be told."""
    if noted := run.tags.get(FOLDER_TAG):
        return Path(noted)
    try:
        return data_folder(settings_of("store", run.run_config).data_folder)
    except ValueError:
        return None
