"""When a team is told, and of what."""

from collections.abc import Iterator
from typing import Any

import dagster as dg
import pytest

from hgt_repurposing.defs.notifications import failures_untold, not_retrained, releases, run_failures
from hgt_repurposing.defs.resources import FOLDER_TAG
from hgt_repurposing.defs.webhook import WEBHOOK_VARIABLE, WebhookError
from hgt_repurposing_tests.defs.test_webhook import Notifier


@pytest.fixture(scope="module")
def storage() -> Iterator[dg.DagsterInstance]:
    """An instance without retries, so that a test says itself which run is started again."""
    with dg.instance_for_test() as made:
        yield made


def failing(error: Exception) -> dg.JobDefinition:
    @dg.asset(name="knowledge_graph")
    def broken() -> None:
        raise error

    @dg.asset(name="drug_disease_split", deps=[broken])
    def after() -> None:
        """Not reached."""

    defs = dg.Definitions(assets=[broken, after], jobs=[dg.define_asset_job("repurposing_job", "*")])
    return defs.resolve_job_def("repurposing_job")


def failure_of(
    job: dg.JobDefinition, instance: dg.DagsterInstance, tags: dict[str, str] | None = None
) -> dg.RunFailureSensorContext:
    """What Dagster passes to the sensor after a run."""
    result = job.execute_in_process(instance=instance, raise_on_error=False, tags=tags)
    event = next(event for event in result.all_events if event.event_type_value == "PIPELINE_FAILURE")
    return dg.build_run_status_sensor_context(
        sensor_name="run_failures", dagster_event=event, dagster_instance=instance, dagster_run=result.dagster_run
    ).for_run_failure()


def test_a_failed_run_is_told_with_the_sentence_of_the_step_that_failed(
    storage: dg.DagsterInstance, told: Notifier
) -> None:
    context = failure_of(failing(dg.Failure("kg.csv: no such file")), storage)
    said = run_failures(context)
    run_id = context.dagster_run.run_id
    text = f"run {run_id} failed: kg.csv: no such file"
    assert told.received == [
        {"event": "run_failed", "run_id": run_id, "text": text, "details": {"knowledge_graph": "kg.csv: no such file"}}
    ]
    assert isinstance(said, dg.SkipReason)
    assert said.skip_message == f"127.0.0.1 was told: {text}"


def test_a_bug_is_told_in_one_line(storage: dg.DagsterInstance, told: Notifier) -> None:
    run_failures(failure_of(failing(RuntimeError("two\nlines")), storage))
    assert str(told.received[0]["text"]).endswith("failed: RuntimeError: two lines")


def test_it_is_said_if_the_run_is_started_again(storage: dg.DagsterInstance, told: Notifier) -> None:
    run_failures(failure_of(failing(dg.Failure("killed")), storage, {"dagster/will_retry": "true"}))
    assert str(told.received[0]["text"]).endswith("failed: killed; it is started again where it stopped")


def test_the_failure_of_another_job_is_not_ours(storage: dg.DagsterInstance, told: Notifier) -> None:
    @dg.op
    def rain() -> None:
        raise dg.Failure("wet")

    @dg.job
    def weather_job() -> None:
        rain()

    assert run_failures(failure_of(weather_job, storage)) is None
    assert told.received == []


def test_a_run_that_was_found_dead_is_told_with_the_reason(storage: dg.DagsterInstance, told: Notifier) -> None:
    run = dg.DagsterRun("repurposing_job", status=dg.DagsterRunStatus.STARTED)
    storage.add_run(run)
    event = storage.report_run_failed(run, "ended because its process 7 on host is gone")
    run_failures(
        dg.build_run_status_sensor_context(
            sensor_name="run_failures", dagster_event=event, dagster_instance=storage, dagster_run=run
        ).for_run_failure()
    )
    assert str(told.received[0]["text"]).endswith("failed: ended because its process 7 on host is gone")


def test_a_release_is_told_with_its_decision_and_its_reason(storage: dg.DagsterInstance, told: Notifier) -> None:
    made = {"release": "2026-11-27-a1b2", "decision": "not current", "reason": "AP fell from 0.31 to 0.12"}
    storage.report_runless_asset_event(dg.AssetMaterialization("release", metadata=dict(made)))
    first = releases.evaluate_tick(dg.build_sensor_context(storage))
    (message,) = told.received
    assert message["event"] == "release"
    assert message["text"] == "release 2026-11-27-a1b2: not current, AP fell from 0.31 to 0.12"
    assert message["details"] == made
    releases.evaluate_tick(dg.build_sensor_context(storage, cursor=first.cursor))
    assert len(told.received) == 1


def test_a_release_that_nobody_could_be_told_of_is_told_at_the_next_tick(
    storage: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage.report_runless_asset_event(dg.AssetMaterialization("release", metadata={"release": "x"}))
    monkeypatch.setenv(WEBHOOK_VARIABLE, "ftp://nowhere")
    context = dg.build_sensor_context(storage)
    with pytest.raises(WebhookError, match=r"^HGT_REPURPOSING_WEBHOOK must be an address"):
        releases.evaluate_tick(context)
    assert context.cursor is None
    monkeypatch.delenv(WEBHOOK_VARIABLE)
    again = releases.evaluate_tick(dg.build_sensor_context(storage))
    assert again.skip_message == "HGT_REPURPOSING_WEBHOOK names no address, so nobody was told: release x: ?, ?"


def test_a_failure_that_nobody_could_be_told_of_is_told_later(
    storage: dg.DagsterInstance, notifier: Notifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(WEBHOOK_VARIABLE, "ftp://nowhere")
    context = failure_of(failing(dg.Failure("kg.csv: no such file")), storage)
    with pytest.raises(WebhookError):
        run_failures(context)
    with pytest.raises(WebhookError):
        failures_untold(dg.build_sensor_context(storage))
    monkeypatch.setenv(WEBHOOK_VARIABLE, notifier.address)
    for _ in range(2):
        failures_untold(dg.build_sensor_context(storage))
    (message,) = notifier.received
    assert message["run_id"] == context.dagster_run.run_id
    assert str(message["text"]).endswith("failed: kg.csv: no such file")


def test_a_message_says_whose_run_it_was(storage: dg.DagsterInstance, told: Notifier) -> None:
    tags = {"dagster/schedule_name": "hetionet", FOLDER_TAG: "/results/het"}
    context = failure_of(failing(dg.Failure("no such file")), storage, tags)
    run_failures(context)
    run_id = context.dagster_run.run_id
    assert told.received[-1]["text"] == f"run {run_id} (hetionet, /results/het) failed: no such file"


def test_details_of_a_release_are_plain_values(storage: dg.DagsterInstance, told: Notifier) -> None:
    table = dg.TableMetadataValue([dg.TableRecord({"a": 1})], dg.TableSchema([dg.TableColumn("a")]))
    metadata: dict[str, Any] = {
        "release": "y",
        "figures": dg.MetadataValue.json({"edges": 3}),
        "edges": 3,
        "comparisons": table,
    }  # Any: metadata
    storage.report_runless_asset_event(dg.AssetMaterialization("release", metadata=metadata))
    releases.evaluate_tick(dg.build_sensor_context(storage))
    assert told.received[-1]["details"] == {"release": "y", "figures": '{"edges": 3}', "edges": "3"}


def test_a_retraining_that_cannot_take_place_is_told(told: Notifier) -> None:
    said = not_retrained("hetionet", "kg.csv: the file is empty")
    assert told.received == [
        {
            "event": "not_retrained",
            "run_id": "",
            "text": "hetionet did not retrain: kg.csv: the file is empty",
            "details": {},
        }
    ]
    assert str(said.skip_message).startswith("kg.csv: the file is empty; 127.0.0.1 was told: ")


def test_where_nobody_can_be_told_it_is_skipped_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(WEBHOOK_VARIABLE, raising=False)
    assert not_retrained("hetionet", "empty").skip_message == "empty"
    monkeypatch.setenv(WEBHOOK_VARIABLE, "ftp://nowhere")
    assert str(not_retrained("hetionet", "empty").skip_message).startswith("empty; HGT_REPURPOSING_WEBHOOK must be")
