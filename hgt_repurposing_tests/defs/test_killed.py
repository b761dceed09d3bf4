"""The asset `hgt_model` after `kill -9` in the middle of an epoch: materialised again it goes on, bit for bit."""

import logging
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import dagster as dg
import psutil
import pytest
import yaml

from hgt_repurposing.defs import assets
from hgt_repurposing.defs.automation import CONFIG_VARIABLE, weekly_retraining
from hgt_repurposing.defs.resources import FOLDER_TAG
from hgt_repurposing.defs.run_config import IfMade
from hgt_repurposing.storage.catalog import DATA_VARIABLE, is_there, load, working_folder
from hgt_repurposing.storage.run_lock import LOCK_FILE
from hgt_repurposing.training.loop import TrainingResult
from hgt_repurposing_tests.defs.test_runs import SMALL, failures, run
from hgt_repurposing_tests.training.runs import assert_same_run

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
CHAIN = [
    assets.embedding_params,
    assets.knowledge_graph,
    assets.drug_disease_split,
    assets.hetero_data,
    assets.hgt_model,
]
OPS = {"embedding_params": {"config": SMALL["embedding_params"]["config"] | {"num_epochs": 3, "checkpoint_every": 1}}}
KILLED_IN_EPOCH_3 = """
import os, signal, sys
from pathlib import Path
from hgt_repurposing.training import loop
from hgt_repurposing_tests.defs.test_killed import train

compute, calls = loop.losses, []

def killed(*given, **more):
    calls.append(None)
    if len(calls) == 6:  # two batches an epoch: the second of epoch 3
        os.kill(os.getpid(), signal.SIGKILL)
    return compute(*given, **more)

loop.losses = killed
train(Path(sys.argv[1]))
"""


def train(root: Path, if_made: IfMade = "reuse") -> TrainingResult:
    """Materialise everything up to the model below a folder."""
    result = run(root, OPS, chain=CHAIN, defaults={}, if_made=if_made)
    assert result.success, failures(result)
    model: TrainingResult = load("hgt_model", root=root)
    return model


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Data folder of a run that was killed."""
    root = tmp_path_factory.mktemp("killed")
    command = [sys.executable, "-c", KILLED_IN_EPOCH_3, str(root)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)  # noqa: S603  (our own interpreter)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    return root


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> TrainingResult:
    return train(tmp_path_factory.mktemp("unbroken"))


@pytest.fixture
def left(killed: Path, tmp_path: Path) -> Path:
    """A copy of what the killed run left."""
    root = tmp_path / "data"
    shutil.copytree(killed, root)
    assert not is_there("hgt_model", root=root)
    return root


def heard_by(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what the core says; while a step runs it goes to Dagster alone."""
    core = logging.getLogger("hgt_repurposing")
    monkeypatch.setattr(core, "handlers", [*core.handlers, caplog.handler])


def test_a_killed_run_goes_on_after_its_last_whole_epoch(
    left: Path, unbroken: TrainingResult, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard_by(caplog, monkeypatch)
    assert_same_run(train(left), unbroken)
    assert unbroken.history["epoch"].tolist() == [1, 2, 3]
    assert "resuming from the checkpoint after epoch 2 of 3" in caplog.messages


def test_with_a_damaged_checkpoint_it_goes_on_from_the_one_before(
    left: Path, unbroken: TrainingResult, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard_by(caplog, monkeypatch)
    part = working_folder(left) / "checkpoints" / "checkpoint_000002" / "weights.npz"
    part.write_bytes(part.read_bytes()[: part.stat().st_size // 2])
    assert_same_run(train(left), unbroken)
    skipped = [message for message in caplog.messages if message.startswith("checkpoint skipped")]
    assert len(skipped) == 1
    assert str(part) in skipped[0]
    assert "resuming from the checkpoint after epoch 1 of 3" in caplog.messages


def test_a_model_that_has_finished_is_read_and_not_trained(
    left: Path, unbroken: TrainingResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    train(left)

    def trained(*_: object, **__: object) -> None:
        raise AssertionError("the model is there already")

    monkeypatch.setattr("hgt_repurposing.training.loop.fit", trained)
    assert_same_run(train(left), unbroken)


def test_a_model_that_has_finished_is_trained_anew_if_asked(
    left: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    train(left)
    heard_by(caplog, monkeypatch)
    train(left, if_made="make_again")
    assert not [message for message in caplog.messages if message.startswith("going on from")]
    assert [message for message in caplog.messages if "its training has finished" in message]


def executed(file: Path, home: Path, root: Path) -> subprocess.Popen[bytes]:
    """A run of the whole job in a process for each step, as `dagster job execute` starts it."""
    command = [sys.executable, "-m", "dagster", "job", "execute", "-m", "hgt_repurposing.definitions"]
    environment = os.environ | {"DAGSTER_HOME": str(home), DATA_VARIABLE: str(root), "PYTHONPATH": str(ROOT)}
    with (home / "log").open("wb") as log:
        return subprocess.Popen(  # noqa: S603
            [*command, "-j", "repurposing_job", "-c", str(file)], cwd=ROOT, env=environment, stdout=log, stderr=log
        )


def in_training(executing: subprocess.Popen[bytes], root: Path) -> list[psutil.Process]:
    """Wait for the first checkpoint; the processes of the step that trains."""
    checkpoints = working_folder(root) / "checkpoints"
    while not list(checkpoints.glob("*/*.manifest.json")):
        assert executing.poll() is None, "the run ended before its first checkpoint"
        time.sleep(0.2)
    steps = psutil.Process(executing.pid).children(recursive=True)
    assert steps, "there is a process for the step"
    return steps


def a_schedule_takes_the_place_of_the_dead_run(
    home: Path, file: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At its next tick, without a person."""
    monkeypatch.setenv("DAGSTER_HOME", str(home))
    monkeypatch.setenv(CONFIG_VARIABLE, str(file))
    monkeypatch.setenv(DATA_VARIABLE, str(root))
    with dg.DagsterInstance.get() as instance:
        (dead,) = instance.get_runs()
        assert dead.status is dg.DagsterRunStatus.STARTED
        assert isinstance(weekly_retraining(dg.build_schedule_context(instance=instance)), dg.RunRequest)
        ended = instance.get_run_by_id(dead.run_id)
        assert ended is not None
        assert ended.status is dg.DagsterRunStatus.FAILURE
        assert ended.tags[FOLDER_TAG] == str(root)


def test_a_step_that_was_killed_begins_again_in_the_same_run_and_trains_no_epoch_twice(tmp_path: Path) -> None:
    root, home, file = tmp_path / "data", tmp_path / "home", tmp_path / "run.yaml"
    home.mkdir()
    params = SMALL["embedding_params"]["config"] | {"num_epochs": 300, "checkpoint_every": 5}
    ops = {**SMALL, "embedding_params": {"config": params}}
    file.write_text(yaml.safe_dump({"ops": ops, "loggers": {"console": {"config": {}}}}))
    with executed(file, home, root) as executing:
        # The step writes its checkpoints; of its helpers (resource trackers) none holds the folder.
        (step,) = [process for process in in_training(executing, root) if LOCK_FILE in files_open_in(process)]
        step.kill()
        assert executing.wait(timeout=900) == 0
    log = (home / "log").read_text(encoding="utf-8")
    assert "hgt_model: begins again after it stopped: the step's process was killed, often for lack of memory" in log
    resumed = re.search(r"hgt_model: resuming from the checkpoint after epoch (\d+) of 300", log)
    assert resumed
    assert int(resumed[1]) >= 5
    history = load("hgt_model", root=root).history
    assert history["epoch"].tolist() == list(range(1, 301))


def files_open_in(process: psutil.Process) -> set[str]:
    return {Path(file.path).name for file in process.open_files()}


def test_of_a_killed_run_with_a_process_for_each_step_nothing_writes_on_and_the_next_run_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`kill -9` of the run leaves its steps without a parent; before, the training went on beside the next run."""
    root, home, file = tmp_path / "data", tmp_path / "home", tmp_path / "run.yaml"
    home.mkdir()
    lasting = {"num_epochs": 2000, "checkpoint_every": 5, "learning_rate_schedule": "constant"}
    params = SMALL["embedding_params"]["config"] | lasting
    ops = {"embedding_params": {"config": params}}
    file.write_text(yaml.safe_dump({"ops": ops}))
    (home / "dagster.yaml").write_text((ROOT / "dagster.yaml").read_text(encoding="utf-8"))
    with executed(file, home, root) as killed_run:
        steps = in_training(killed_run, root)
        killed_run.kill()
        _, alive = psutil.wait_procs(steps, timeout=60)
        assert alive == []
    checkpoints = working_folder(root) / "checkpoints"
    a_schedule_takes_the_place_of_the_dead_run(home, file, root, monkeypatch)
    last = max(checkpoints.glob("checkpoint_*"))
    shorter = {"embedding_params": {"config": params | {"num_epochs": int(last.name.rpartition("_")[2]) + 5}}}
    heard_by(caplog, monkeypatch)
    assert run(root, shorter, chain=CHAIN, defaults={}).success
    for beginning in ("the data folder is taken over from run", "resuming from the checkpoint after epoch"):
        assert [message for message in caplog.messages if message.startswith(beginning)], beginning
