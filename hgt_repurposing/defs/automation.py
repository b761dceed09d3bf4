"""What runs by itself: the whole chain as a job, and its weekly retraining."""

import dagster as dg

repurposing_job = dg.define_asset_job(
    "repurposing_job",
    selection=dg.AssetSelection.all(),
    description="From graph files to ranked drugs per disease: every asset and every check.",
)

weekly_retraining = dg.ScheduleDefinition(
    name="weekly_retraining",
    job=repurposing_job,
    cron_schedule="0 3 * * 1",
    execution_timezone="UTC",
    description="Reload the graph and retrain everything, Mondays at 03:00 UTC. Stopped until you start it.",
)
