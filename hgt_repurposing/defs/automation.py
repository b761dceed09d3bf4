"""The pipeline as a job, and its weekly schedule."""

import os

import dagster as dg

from hgt_repurposing.defs.checking import checked
from hgt_repurposing.defs.run_config import ASSETS
from hgt_repurposing.storage.catalog import absolute

CONFIG_VARIABLE = "HGT_REPURPOSING_CONFIG"
UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]

UNNAMED_JOB = "__ASSET_JOB"
"""Dagster's name for the job of a run that was started by selecting assets."""

repurposing_job = dg.define_asset_job(
    "repurposing_job",
    selection=dg.AssetSelection.all(),
    description="From graph files to ranked drugs per disease: every asset and every check.",
)


@dg.schedule(
    job=repurposing_job,
    cron_schedule="0 3 * * 1",
    execution_timezone="UTC",
    description=(
        "Reload the graph and retrain everything, Mondays at 03:00 UTC, with the configuration file that "
        f"{CONFIG_VARIABLE} names. Stopped until you start it; skips a week if a run is unfinished."
    ),
)
def weekly_retraining(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """Request one run of the job, or skip it with a reason."""
    named = os.environ.get(CONFIG_VARIABLE)
    if not named:
        return dg.SkipReason(f"{CONFIG_VARIABLE} names no configuration file, so there is no graph to retrain on")
    try:
        path = absolute(named, what=CONFIG_VARIABLE)
    except ValueError as error:
        return dg.SkipReason(str(error))
    if not path.is_file():
        return dg.SkipReason(f"{CONFIG_VARIABLE} names {path}, which is not a file")
    running = unfinished_runs(context.instance)
    if running:
        return dg.SkipReason(f"run {running[0].run_id} is not finished; if it has died, terminate it under Runs")
    found = checked(path)
    if found.complaints:
        return dg.SkipReason(f"{path} is invalid: {'; '.join(found.complaints)}")
    return dg.RunRequest(run_config=dict(found.config))


def unfinished_runs(instance: dg.DagsterInstance) -> list[dg.DagsterRun]:
    """Runs that make any of this package's assets, however they were started."""
    return [run for run in instance.get_runs(dg.RunsFilter(statuses=UNFINISHED)) if _makes_ours(run)]


def _makes_ours(run: dg.DagsterRun) -> bool:
    """Runs from the UI name assets instead of a job; a run that names neither may make any asset."""
    if run.asset_selection is None:
        return run.job_name == repurposing_job.name or run.job_name.startswith(UNNAMED_JOB)
    return not run.asset_selection.isdisjoint(dg.AssetKey(name) for name in ASSETS)
