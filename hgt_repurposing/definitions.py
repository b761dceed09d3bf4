"""The Dagster code location: a table of contents."""

import os

import dagster as dg

from hgt_repurposing.defs import assets, automation, checks, dead_runs, notifications, release_assets, release_jobs
from hgt_repurposing.defs.console import terse_console
from hgt_repurposing.defs.file_sensor import file_sensor_of
from hgt_repurposing.defs.resources import ArtifactStore, artifact_io_manager
from hgt_repurposing.defs.retraining_plan import SCHEDULES_VARIABLE, read_plan, schedules_file_sensor

schedules_file = os.environ.get(SCHEDULES_VARIABLE, "")
plan = read_plan(schedules_file)

defs = dg.Definitions(
    assets=[
        assets.embedding_params,
        assets.knowledge_graph,
        assets.drug_disease_split,
        assets.hetero_data,
        assets.hgt_model,
        assets.hgt_embeddings,
        assets.embedding_validation,
        assets.repurposing_model,
        assets.repurposing_evaluation,
        assets.repurposing_scores,
        assets.repurposing_candidates,
        release_assets.release_decision,
        release_assets.repurposing_report,
        release_assets.release,
    ],
    asset_checks=[
        checks.no_held_out_pair_in_message_graph,
        checks.embeddings_are_whole,
        checks.embeddings_are_spread_out,
        checks.model_beats_baselines_on_held_out_diseases,
        checks.probabilities_are_calibrated,
        checks.ranking_is_more_than_popularity,
    ],
    jobs=[automation.repurposing_job, release_jobs.promote_release],
    schedules=[
        automation.weekly_retraining,
        *(automation.schedule_of(entry) for entry in plan.entries if entry.cron),
    ],
    sensors=[
        dead_runs.unfinished_runs_sensor,
        notifications.run_failures,
        notifications.failures_untold,
        notifications.releases,
        *(file_sensor_of(entry) for entry in plan.entries if entry.on_change),
        *schedules_file_sensor(schedules_file, plan),
    ],
    loggers={"console": terse_console},
    resources={"store": ArtifactStore(), "io_manager": artifact_io_manager},
)
