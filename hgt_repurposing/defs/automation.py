"""The pipeline as a job, and the schedules that start it."""

import os
from pathlib import Path

import dagster as dg

from hgt_repurposing.defs.checking import checked
from hgt_repurposing.defs.content import CONTENT_TAG, content_now
from hgt_repurposing.defs.dead_runs import JOB, end_dead_runs, unfinished_runs
from hgt_repurposing.defs.notifications import not_retrained
from hgt_repurposing.defs.retraining_plan import PlannedRetraining
from hgt_repurposing.defs.run_config import settings_of
from hgt_repurposing.storage.catalog import absolute, data_folder

CONFIG_VARIABLE = "HGT_REPURPOSING_CONFIG"
RETRIES = {
    "dagster/max_retries": "2",
    "dagster/retry_strategy": "FROM_FAILURE",
    "dagster/retry_on_asset_or_op_failure": "false",
}
"""A run whose process was killed is started again where it stopped; one that refused its input is not. Effective where
dagster.yaml enables run_retries."""

repurposing_job = dg.define_asset_job(
    JOB,
    selection=dg.AssetSelection.all(),
    description="From graph files to ranked drugs per disease: every asset and every check.",
    tags=RETRIES,
    op_retry_policy=dg.RetryPolicy(max_retries=1),  # of a step whose process was killed: errors.py rules out the rest
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
    return request_of(path, instance=context.instance, named_by=CONFIG_VARIABLE)


def schedule_of(entry: PlannedRetraining) -> dg.ScheduleDefinition:
    """The schedule of an entry that has set times."""

    @dg.schedule(
        name=entry.name,
        job=repurposing_job,
        cron_schedule=entry.cron,
        execution_timezone=entry.timezone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=f"Reload the graph and retrain everything with {entry.config}; skips if a run is unfinished.",
    )
    def retraining(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        return request_of(Path(entry.config), instance=context.instance, named_by=entry.name)

    return retraining


def request_of(path: Path, *, instance: dg.DagsterInstance, named_by: str) -> dg.RunRequest | dg.SkipReason:
    """Request a run with a configuration file, unless it is invalid (the team is told) or a run uses its data folder.

    Args:
        path: The file.
        instance: Where runs are recorded. Runs that are dead are ended, and this one takes their place.
        named_by: Who names the file, for messages.
    """
    if not path.is_file():
        return not_retrained(named_by, f"{named_by} names {path}, which is not a file")
    found = checked(path)
    if found.complaints:
        return not_retrained(named_by, f"{path} is invalid: {'; '.join(found.complaints)}")
    root = data_folder(settings_of("store", found.config).data_folder)
    end_dead_runs(instance, root=root, retried=False)
    running = unfinished_runs(instance, root=root)
    if running:
        return dg.SkipReason(f"run {running[0].run_id} is not finished")
    return dg.RunRequest(run_config=dict(found.config), tags={CONTENT_TAG: content_now(found.config)})
