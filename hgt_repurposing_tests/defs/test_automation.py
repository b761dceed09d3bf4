"""What a schedule does at its tick: request a run, wait for one that is on, take the place of one that is dead."""

import os
import time
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest
import yaml

from hgt_repurposing.definitions import defs
from hgt_repurposing.defs.automation import RETRIES, repurposing_job, schedule_of
from hgt_repurposing.defs.content import CONTENT_TAG, content_now
from hgt_repurposing.defs.resources import FOLDER_TAG
from hgt_repurposing.defs.retraining_plan import PlannedRetraining
from hgt_repurposing.storage.artifacts import write_json
from hgt_repurposing.storage.heartbeat import HEARTBEATS
from hgt_repurposing.storage.run_lock import Holder
from hgt_repurposing_tests.defs.test_webhook import Notifier

ROOT = Path(__file__).parents[2]


class Graph:
    """A graph with a configuration, a data folder and a schedule of its own."""

    def __init__(self, folder: Path, name: str) -> None:
        self.root, self.file = folder / name / "data", folder / f"{name}.yaml"
        self.config = {
            "ops": {"knowledge_graph": {"config": {"source": "synthetic"}}},
            "resources": {"store": {"config": {"data_folder": str(self.root)}}},
        }
        self.file.write_text(yaml.safe_dump(self.config))
        self.schedule = schedule_of(PlannedRetraining(name=name, config=str(self.file), cron="0 3 1 * *"))

    def tick(self, instance: dg.DagsterInstance) -> dg.RunRequest | str:
        """The request, or the reason why there is none."""
        said = self.schedule(dg.build_schedule_context(instance=instance))
        if isinstance(said, dg.SkipReason):
            return str(said.skip_message)
        assert isinstance(said, dg.RunRequest)
        return said

    def begun(self, instance: dg.DagsterInstance, *, alive: bool) -> dg.DagsterRun:
        """A run in this folder, whose process is this one, or gone."""
        tags = {FOLDER_TAG: str(self.root), "dagster/max_retries": "2"}
        run = dg.DagsterRun("repurposing_job", status=dg.DagsterRunStatus.STARTED, tags=tags)
        instance.add_run(run)
        me = Holder.of_process(os.getpid(), run.run_id, now=datetime(2026, 11, 27, tzinfo=UTC))
        holder = me if alive else me._replace(started=0.0)
        write_json(self.root / HEARTBEATS / f"{run.run_id}.json", {**holder._asdict(), "at": time.time()})
        return run


@pytest.fixture
def mine(tmp_path: Path) -> Graph:
    return Graph(tmp_path, "mine")


def test_a_schedule_requests_its_own_configuration_and_marks_the_content(
    instance: dg.DagsterInstance, mine: Graph
) -> None:
    request = mine.tick(instance)
    assert isinstance(request, dg.RunRequest)
    assert request.run_config == mine.config
    assert request.tags[CONTENT_TAG] == content_now(mine.config)


def test_a_living_run_is_waited_for(instance: dg.DagsterInstance, mine: Graph) -> None:
    run = mine.begun(instance, alive=True)
    assert mine.tick(instance) == f"run {run.run_id} is not finished"


def test_of_a_dead_run_the_schedule_takes_the_place_at_its_next_tick(instance: dg.DagsterInstance, mine: Graph) -> None:
    run = mine.begun(instance, alive=False)
    assert isinstance(mine.tick(instance), dg.RunRequest)
    ended = instance.get_run_by_id(run.run_id)
    assert ended is not None
    assert ended.status is dg.DagsterRunStatus.FAILURE
    assert ended.tags["dagster/will_retry"] == "false"  # or two runs would want the folder


def test_graphs_with_folders_of_their_own_do_not_wait_for_each_other(
    instance: dg.DagsterInstance, mine: Graph, tmp_path: Path
) -> None:
    other = Graph(tmp_path, "other")
    dead = other.begun(instance, alive=False)
    other.begun(instance, alive=True)
    assert isinstance(mine.tick(instance), dg.RunRequest)
    left = instance.get_run_by_id(dead.run_id)
    assert left is not None
    assert left.status is dg.DagsterRunStatus.STARTED


def test_a_configuration_that_is_gone_is_named(instance: dg.DagsterInstance, mine: Graph) -> None:
    mine.file.unlink()
    assert mine.tick(instance) == f"mine names {mine.file}, which is not a file"


def test_runs_of_the_job_are_retried_from_failure_if_their_process_was_killed() -> None:
    assert dict(defs.resolve_job_def("repurposing_job").tags) == RETRIES
    assert repurposing_job.op_retry_policy == dg.RetryPolicy(max_retries=1)


def failed(instance: dg.DagsterInstance, error: Exception) -> dict[str, str]:
    """Tags of a run of the job's kind in which a step ends with an error."""

    @dg.op
    def step() -> None:
        raise error

    @dg.job(tags=RETRIES)
    def job() -> None:
        step()

    result = job.execute_in_process(instance=instance, raise_on_error=False)
    found = instance.get_run_by_id(result.run_id)
    assert found is not None
    return dict(found.tags)


def test_a_run_that_refused_its_input_is_not_retried(instance: dg.DagsterInstance) -> None:
    assert failed(instance, dg.Failure("no such file"))["dagster/will_retry"] == "false"


def test_the_team_is_told_of_a_configuration_that_cannot_be_used(
    mine: Graph, instance: dg.DagsterInstance, told: Notifier
) -> None:
    mine.file.write_text("ops: {knowledge_graph: {config: {sauce: synthetic}}}")
    assert "is invalid" in str(mine.tick(instance))
    (message,) = told.received
    assert str(message["text"]).startswith(f"mine did not retrain: {mine.file} is invalid: ")
