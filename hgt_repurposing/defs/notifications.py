"""When a team is told: a run of these assets has failed, or a release was made or refused."""

import json
import os

import dagster as dg

from hgt_repurposing.defs.dead_runs import WILL_RETRY, makes_ours
from hgt_repurposing.defs.resources import FOLDER_TAG
from hgt_repurposing.defs.webhook import WEBHOOK_VARIABLE, Message, WebhookError, send

RELEASE = dg.AssetKey("release")
UNTOLD_TAG = "hgt_repurposing/untold"
"""Tag of a failed run of which nobody could be told at once: true until somebody was."""
MESSAGE_TAG = "hgt_repurposing/untold_message"
"""What is to be told."""
MAX_TAG = 200
PLAIN = (
    dg.TextMetadataValue,
    dg.IntMetadataValue,
    dg.FloatMetadataValue,
    dg.BoolMetadataValue,
    dg.JsonMetadataValue,
)
"""Metadata that a program can read; tables and Markdown are for the browser."""


@dg.run_failure_sensor(
    name="run_failures",
    monitor_all_code_locations=True,  # runs from the command line belong to none
    default_status=dg.DefaultSensorStatus.RUNNING,
    description=f"Tells the address in {WEBHOOK_VARIABLE} that a run of these assets has failed, and why.",
)
def run_failures(context: dg.RunFailureSensorContext) -> dg.SkipReason | None:
    """Tell the team of one failed run, unless it makes other assets; the tick fails if nobody could be told."""
    run = context.dagster_run
    if not makes_ours(run):
        return None
    steps = {str(event.step_key): _reason(event) for event in context.get_step_failure_events()}
    reason = next(iter(steps.values()), context.failure_event.message or "without a reason")
    again = run.tags.get(WILL_RETRY) == "true"
    text = f"run {run.run_id}{_whose(run)} failed: {reason}"
    text += "; it is started again where it stopped" if again else ""
    try:
        return dg.SkipReason(send(Message("run_failed", run.run_id, text, steps)))
    except WebhookError:
        context.instance.add_run_tags(run.run_id, {UNTOLD_TAG: "true", MESSAGE_TAG: text[:MAX_TAG]})
        raise


@dg.sensor(
    name="failures_untold",
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description=f"Tells the address in {WEBHOOK_VARIABLE} of failed runs of which it could not be told at once.",
)
def failures_untold(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """Tell the team of every run that bears the tag; the tick fails, and is repeated, if nobody can be told."""
    late = context.instance.get_runs(dg.RunsFilter(tags={UNTOLD_TAG: "true"}))
    for run in late:
        send(Message("run_failed", run.run_id, run.tags[MESSAGE_TAG], {}))
        context.instance.add_run_tags(run.run_id, {UNTOLD_TAG: "false"})
    return dg.SkipReason(f"told late of {len(late)} runs" if late else "everybody was told")


@dg.asset_sensor(
    RELEASE,
    name="releases",
    default_status=dg.DefaultSensorStatus.RUNNING,
    description=f"Tells the address in {WEBHOOK_VARIABLE} of every release, and whether it became the current one.",
)
def releases(context: dg.SensorEvaluationContext, made: dg.EventLogEntry) -> dg.SkipReason:
    """Tell the team of the latest release; if nobody could be told, the tick fails and is repeated."""
    materialization = made.asset_materialization
    assert materialization is not None, "the sensor is called for materialisations"
    details = {
        name: value.value if isinstance(value.value, str) else json.dumps(value.value)
        for name, value in materialization.metadata.items()
        if isinstance(value, PLAIN) and value.value is not None
    }
    if details.get("made_by", made.run_id) != made.run_id:
        return dg.SkipReason(f"nothing changed: release {details['release']} was made by another run")
    run = context.instance.get_run_by_id(made.run_id)
    made_of, decision, reason = (details.get(name, "?") for name in ("release", "decision", "reason"))
    text = f"release {made_of}{_whose(run)}: {decision}, {reason}"
    return dg.SkipReason(send(Message("release", made.run_id, text, details)))


def not_retrained(named_by: str, reason: str) -> dg.SkipReason:
    """Skip a retraining that cannot take place until a person does something, and tell the team."""
    if not os.environ.get(WEBHOOK_VARIABLE):
        return dg.SkipReason(reason)
    try:
        said = send(Message("not_retrained", "", f"{named_by} did not retrain: {reason}", {}))
    except WebhookError as error:
        said = str(error)
    return dg.SkipReason(f"{reason}; {said}")


def _whose(run: dg.DagsterRun | None) -> str:
    """Which of several graphs a run is about: who started it, and in which data folder; empty if unknown."""
    tags = {} if run is None else run.tags
    starter = tags.get("dagster/schedule_name") or tags.get("dagster/sensor_name")
    known = [said for said in (starter, tags.get(FOLDER_TAG)) if said]
    return f" ({', '.join(known)})" if known else ""


def _reason(event: dg.DagsterEvent) -> str:
    """Why a step failed, in one line."""
    failure = event.step_failure_data
    if failure.user_failure_data and failure.user_failure_data.description:
        return str(failure.user_failure_data.description)
    error = failure.error
    while error is not None and error.cause is not None:
        error = error.cause
    return " ".join(error.message.split()) if error else "without a reason"
