"""What runs by itself: the whole chain as a job, and its weekly retraining."""

import os
from pathlib import Path
from typing import Any

import dagster as dg
import yaml

CONFIG_VARIABLE = "HGT_REPURPOSING_CONFIG"
UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
]

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
        f"{CONFIG_VARIABLE} names. Stopped until you start it; skips a week while a run is unfinished."
    ),
)
def weekly_retraining(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """Ask for one run of the job, or say why not."""
    named = os.environ.get(CONFIG_VARIABLE)
    if not named:
        return dg.SkipReason(f"{CONFIG_VARIABLE} names no configuration file, so there is no graph to retrain on")
    path = Path(named).expanduser()
    if not path.is_file():
        return dg.SkipReason(f"{CONFIG_VARIABLE} names {path}, which is no file")
    running = context.instance.get_runs(dg.RunsFilter(job_name=repurposing_job.name, statuses=UNFINISHED), limit=1)
    if running:
        run = running[0].run_id
        return dg.SkipReason(
            f"run {run} of {repurposing_job.name} is not finished; if it died, terminate it under Runs"
        )
    config: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))  # Any: Dagster checks it at launch
    return dg.RunRequest(run_config=config)
