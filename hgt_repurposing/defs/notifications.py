"""When a team is told: a run of these assets has failed, or a release was made or refused."""

import dagster as dg

from hgt_repurposing.defs.dead_runs import WILL_RETRY, makes_ours
from hgt_repurposing.defs.webhook import WEBHOOK_VARIABLE, Message, send

RELEASE = dg.AssetKey("release")


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
    text = f"run {run.run_id} failed: {reason}" + ("; it is started again where it stopped" if again else "")
    return dg.SkipReason(send(Message("run_failed", run.run_id, text, steps)))


@dg.asset_sensor(
    RELEASE,
    name="releases",
    default_status=dg.DefaultSensorStatus.RUNNING,
    description=f"Tells the address in {WEBHOOK_VARIABLE} of every release, and whether it became the current one.",
)
def releases(_: dg.SensorEvaluationContext, made: dg.EventLogEntry) -> dg.SkipReason:
    """Tell the team of the latest release; if nobody could be told, the tick fails and is repeated."""
    materialization = made.asset_materialization
    assert materialization is not None, "the sensor is called for materialisations"
    details = {name: str(value.value) for name, value in materialization.metadata.items() if value.value is not None}
    if details.get("made_by", made.run_id) != made.run_id:
        return dg.SkipReason(f"nothing changed: release {details['release']} was made by another run")
    text = f"release {details.get('release', '?')}: {details.get('decision', '?')}, {details.get('reason', '?')}"
    return dg.SkipReason(send(Message("release", made.run_id, text, details)))


def _reason(event: dg.DagsterEvent) -> str:
    """Why a step failed, in one line."""
    failure = event.step_failure_data
    if failure.user_failure_data and failure.user_failure_data.description:
        return str(failure.user_failure_data.description)
    error = failure.error
    while error is not None and error.cause is not None:
        error = error.cause
    return " ".join(error.message.split()) if error else "without a reason"
