"""Retraining when files change: once for each content, never for half a file, never beside another run."""

import os
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from hgt_repurposing.defs.content import CONTENT_TAG
from hgt_repurposing.defs.file_sensor import file_sensor_of
from hgt_repurposing.defs.resources import FOLDER_TAG
from hgt_repurposing.defs.retraining_plan import PlannedRetraining
from hgt_repurposing_tests.defs.test_runs import NODES, TREATS, write_tables
from hgt_repurposing_tests.defs.test_webhook import Notifier

RESTING = "files are new or have changed: they are used when they rest until the next look"


class Followed:
    """A graph that a sensor follows, and a daemon that starts what the sensor requests."""

    def __init__(self, folder: Path, instance: dg.DagsterInstance) -> None:
        for run in instance.get_runs():
            instance.delete_run(run.run_id)
        self.folder, self.instance = folder, instance
        store = {"store": {"config": {"data_folder": str(folder / "data")}}}
        self.config: dict[str, Any] = {"ops": write_tables(folder / "graph", NODES, TREATS), "resources": store}
        self.file = folder / "mine.yaml"
        self.write_config()
        self.sensor = file_sensor_of(PlannedRetraining(name="mine", config=str(self.file), on_change=True))
        self.cursor: str | None = None
        self.changes = 0

    def write_config(self) -> None:
        self.file.write_text(yaml.safe_dump(self.config))

    def change(self, text: str) -> None:
        """Another content, with another time, as a new file always has."""
        self.changes += 1
        path = self.folder / "graph" / "edges.csv"
        path.write_text("source_type,source_id,relation,target_type,target_id\n" + text)
        os.utime(path, ns=(self.changes, self.changes))

    def look(self) -> dg.RunRequest | str:
        """One tick: the request, or the reason why there is none."""
        context = dg.build_sensor_context(self.instance, cursor=self.cursor)
        said = self.sensor(context)
        self.cursor = context.cursor
        if isinstance(said, dg.SkipReason):
            return str(said.skip_message)
        assert isinstance(said, dg.RunRequest)
        return said

    def start(self, request: dg.RunRequest | str, *, status: dg.DagsterRunStatus) -> dg.DagsterRun:
        """What the daemon does with a request."""
        assert isinstance(request, dg.RunRequest), request
        tags = {**request.tags, FOLDER_TAG: str(self.folder / "data")}
        run = dg.DagsterRun("repurposing_job", status=status, tags=tags, run_config=request.run_config)
        self.instance.add_run(run)
        return run


@pytest.fixture
def followed(tmp_path: Path, storage: dg.DagsterInstance) -> Followed:
    return Followed(tmp_path, storage)


def test_the_first_content_is_used_as_soon_as_it_rests_and_only_once(followed: Followed) -> None:
    assert followed.look() == RESTING
    request = followed.look()
    assert isinstance(request, dg.RunRequest)
    assert request.run_config == followed.config
    assert request.tags[CONTENT_TAG] == request.run_key
    run = followed.start(request, status=dg.DagsterRunStatus.SUCCESS)
    for _ in range(3):
        assert followed.look() == f"nothing new: run {run.run_id} was requested for this content"


def test_a_file_that_is_being_written_is_not_used(followed: Followed) -> None:
    followed.look()
    for rows in (TREATS, TREATS * 2, TREATS * 3):
        followed.change(rows)
        assert followed.look() == RESTING
    assert isinstance(followed.look(), dg.RunRequest)


def test_a_sensor_that_has_forgotten_everything_requests_nothing_twice(followed: Followed) -> None:
    followed.look()
    run = followed.start(followed.look(), status=dg.DagsterRunStatus.FAILURE)
    followed.cursor = None
    assert followed.look() == RESTING
    assert followed.look() == f"nothing new: run {run.run_id} was requested for this content"


def test_another_time_is_not_another_content_but_another_setting_is(followed: Followed) -> None:
    followed.look()
    followed.start(followed.look(), status=dg.DagsterRunStatus.SUCCESS)
    os.utime(followed.folder / "graph" / "nodes.csv", ns=(7, 7))
    assert followed.look() == RESTING
    assert str(followed.look()).startswith("nothing new")
    followed.config["ops"]["embedding_params"] = {"config": {"seed": 7}}
    followed.write_config()
    assert followed.look() == RESTING
    assert isinstance(followed.look(), dg.RunRequest)


def test_new_content_waits_for_the_run_that_is_on_and_is_used_then(followed: Followed) -> None:
    followed.look()
    first = followed.start(followed.look(), status=dg.DagsterRunStatus.STARTED)
    followed.change(TREATS * 2)
    assert followed.look() == RESTING
    for _ in range(2):
        assert followed.look() == f"new content, which is used when run {first.run_id} has finished"
    followed.instance.report_run_canceled(first)
    assert isinstance(followed.look(), dg.RunRequest)


def test_a_run_in_another_data_folder_is_not_waited_for(followed: Followed) -> None:
    elsewhere = {FOLDER_TAG: str(followed.folder / "elsewhere")}
    followed.instance.add_run(dg.DagsterRun("repurposing_job", status=dg.DagsterRunStatus.STARTED, tags=elsewhere))
    followed.look()
    assert isinstance(followed.look(), dg.RunRequest)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("no file", "No such file or directory"),
        ("no graph", "contains no file named"),
        ("wrong setting", "num_epochs: Input should be greater than or equal to 1 (got 0)"),
        ("no yaml", "it is not YAML"),
    ],
)
def test_what_cannot_be_used_is_skipped_with_the_reason(followed: Followed, change: str, said: str) -> None:
    match change:
        case "no file":
            followed.file.unlink()
        case "no graph":
            (followed.folder / "graph" / "edges.csv").unlink()
        case "wrong setting":
            followed.config["ops"]["embedding_params"] = {"config": {"num_epochs": 0}}
            followed.write_config()
        case "no yaml":
            followed.file.write_text("ops: [")
    for _ in range(2):
        answer = str(followed.look())
        assert answer.startswith(str(followed.file))
        assert said in answer


CONTENTS = [TREATS, TREATS * 2, TREATS * 3]


@settings(max_examples=10)
@given(events=st.lists(st.sampled_from(["look", "end", 0, 1, 2]), max_size=25))
def test_whatever_happens_no_content_is_requested_twice_or_beside_a_run(
    tmp_path_factory: pytest.TempPathFactory, storage: dg.DagsterInstance, events: list[str | int]
) -> None:
    followed = Followed(tmp_path_factory.mktemp("graph"), storage)
    on: dg.DagsterRun | None = None
    keys = []
    for event in [*events, "end", "look", "look", "look"]:
        if isinstance(event, int):
            followed.change(CONTENTS[event])
        elif event == "end" and on:
            storage.report_run_canceled(on)
            on = None
        elif event == "look":
            request = followed.look()
            if isinstance(request, dg.RunRequest):
                assert on is None
                keys.append(str(request.run_key))
                on = followed.start(request, status=dg.DagsterRunStatus.STARTED)
    assert len(keys) == len(set(keys))
    # What lies there in the end has been requested, sooner or later: nothing is lost.
    assert followed.look().__class__ is str
    assert storage.get_runs(dg.RunsFilter(tags={CONTENT_TAG: keys[-1]}))
    assert "nothing new" in str(followed.look()) or on is not None


def test_the_team_is_told_once_that_files_cannot_be_used(followed: Followed, told: Notifier) -> None:
    edges = followed.folder / "graph" / "edges.csv"
    kept = edges.read_text()
    for _ in range(2):
        edges.unlink(missing_ok=True)
        assert all("edges" in str(followed.look()) for _ in range(3))
        edges.write_text(kept)
        followed.look()
    assert [message["event"] for message in told.received] == ["not_retrained"] * 2
