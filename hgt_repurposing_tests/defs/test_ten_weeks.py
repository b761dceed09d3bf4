"""Ten weeks of retraining that nobody watches: good graphs and bad ones, kills, a full disk, two runs at once.

At the end the current release is the best good one, the list explains every other, and no file is half-written. Each
week is a tick of what the schedules call (`request_of`), and a run in a process of its own; in one of them Dagster's
daemon starts it by a schedule.
"""

import hashlib
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import yaml

from hgt_repurposing.defs.retraining_plan import SCHEDULES_VARIABLE
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.storage.attempts import all_attempts
from hgt_repurposing.storage.catalog import contents_folder, folder_of, path_of, working_folder
from hgt_repurposing.storage.releases import Release, all_releases, current
from hgt_repurposing_tests.defs.test_runs import SMALL
from hgt_repurposing_tests.graph.tables import write_tables
from hgt_repurposing_tests.test_cli import invoke

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
TICK = """
import sys
from pathlib import Path

import dagster as dg

from hgt_repurposing.definitions import defs
from hgt_repurposing.defs.automation import request_of

{before}
with dg.DagsterInstance.get() as instance:
    request = request_of(Path(sys.argv[1]), instance=instance, named_by="the test")
    if isinstance(request, dg.SkipReason):
        print(request.skip_message)
        sys.exit(3)
    job = defs.resolve_job_def("repurposing_job")
    done = job.execute_in_process(request.run_config, instance=instance, raise_on_error=False, tags=request.tags)
    sys.exit(0 if done.success else 1)
"""
KILLED_IN_TRAINING = """
import os, signal
from hgt_repurposing.training import loop

compute, calls = loop.losses, []

def killed(*given, **more):
    calls.append(None)
    if len(calls) == 24:  # two batches an epoch: the twelfth since it went on
        os.kill(os.getpid(), signal.SIGKILL)
    return compute(*given, **more)

loop.losses = killed
"""
DISK_IS_FULL = """
import resource
from hgt_repurposing.storage import artifacts

write, hard = artifacts._write_part, resource.getrlimit(resource.RLIMIT_FSIZE)[1]

def full(*given):  # for artefacts alone: Dagster's own database is elsewhere
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        write(*given)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))

artifacts._write_part = full
"""
DONE, FAILED, SKIPPED = 0, 1, 3


class Server:
    """A machine with a data folder, graph files and a run configuration."""

    def __init__(self, folder: Path, graph: KnowledgeGraph) -> None:
        self.data, self.home, self.files = (folder / name for name in ("data", "home", "files"))
        self.config = folder / "my.yaml"
        for made in (self.data, self.home, self.files):
            made.mkdir()
        self.bring(graph)
        self.configure(num_epochs=40)

    def bring(self, graph: KnowledgeGraph) -> None:
        """New graph files."""
        write_tables(graph, self.files)

    def configure(self, **embedding: object) -> None:
        """Change how embeddings are trained."""
        params = {**SMALL["embedding_params"]["config"], "checkpoint_every": 5, **embedding}
        source = {"source": "tables", "path": str(self.files)}
        ops = {**SMALL, "embedding_params": {"config": params}, "knowledge_graph": {"config": source}}
        execution: dict[str, Any] = {"config": {"in_process": {}}}
        store = {"store": {"config": {"data_folder": str(self.data)}}}
        self.config.write_text(yaml.safe_dump({"ops": ops, "execution": execution, "resources": store}))

    def week(self, before: str = "") -> subprocess.Popen[str]:
        """A tick, and the run that it requests; something may happen to the process before."""
        return subprocess.Popen(  # noqa: S603  (our own interpreter)
            [sys.executable, "-c", TICK.format(before=before), str(self.config)],
            cwd=ROOT,
            env=os.environ | {"DAGSTER_HOME": str(self.home), "OMP_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def outcome(self, before: str = "") -> tuple[int, str]:
        """Exit status and output of a week."""
        run = self.week(before)
        out, errors = run.communicate(timeout=300)
        return run.returncode, out + errors

    def kill_daemon_in_training(self) -> None:
        """Let the daemon start a run by a schedule of every minute, and kill it and all that it started."""
        plan, log = self.config.with_name("plan.yaml"), self.home / "daemon.log"
        plan.write_text(yaml.safe_dump([{"name": "ours", "config": str(self.config), "cron": "* * * * *"}]))
        with log.open("wb") as out:
            daemon = subprocess.Popen(
                [sys.executable, "-m", "dagster._daemon", "run", "-m", "hgt_repurposing.definitions"],
                cwd=ROOT,
                env=os.environ | {"DAGSTER_HOME": str(self.home), SCHEDULES_VARIABLE: str(plan)},
                stdout=out,
                stderr=out,
            )
        earlier, deadline = self._checkpoints(), time.monotonic() + 300
        while self._checkpoints() <= earlier:
            assert daemon.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        everything = [psutil.Process(daemon.pid), *psutil.Process(daemon.pid).children(recursive=True)]
        for process in everything:
            process.kill()
        psutil.wait_procs(everything, timeout=60)
        daemon.wait(timeout=60)

    def _checkpoints(self) -> set[tuple[str, int]]:
        """Those of the last training, and when each was written; a finished one leaves its last ones behind."""
        found = set()
        for file in (working_folder(self.data) / "checkpoints").glob("*/*.manifest.json"):
            with suppress(FileNotFoundError):  # removed just now
                found.add((str(file), file.stat().st_mtime_ns))
        return found

    @property
    def newest(self) -> Release:
        return all_releases(self.data)[-1]

    @property
    def current(self) -> str:
        return str(current(self.data).id)


def thinned(graph: KnowledgeGraph, share: float, seed: int = 0) -> KnowledgeGraph:
    """A share of the edges of every type."""
    generator = np.random.default_rng(seed)
    edges = {t: index[:, generator.random(index.shape[1]) < share] for t, index in graph.edges.items()}
    return replace(graph, edges=edges)


def test_ten_weeks(tmp_path: Path, demo_graph: KnowledgeGraph) -> None:
    server = Server(tmp_path, thinned(demo_graph, 0.85))

    # Week 1: a graph that is good. The first release is the current one.
    status, said = server.outcome()
    assert status == DONE, said
    good = server.current
    # Week 2: a better one, with 15 % more of everything. It ranks what is new better than the model of before.
    server.bring(demo_graph)
    status, said = server.outcome()
    assert status == DONE, said
    better = server.current
    assert better != good
    assert "treatments are new in the graph" in server.newest.decision.notes[0]
    # Week 3: 85 % of the edges were lost upstream.
    server.bring(thinned(demo_graph, 0.15))
    status, said = server.outcome()
    assert (server.current, status in (DONE, FAILED, SKIPPED)) == (better, True), said
    lost = server.newest
    if lost.id != better:
        assert "the graph lost 85% of its edges" in lost.decision.reason
    # Week 4: the download left an empty file. The tick says so, before anything runs.
    (server.files / "edges.csv").write_text("")
    status, said = server.outcome()
    assert status == SKIPPED
    assert "edges.csv" in said
    # Week 5: the graph is back, but the daemon is killed, with the run that it has just started by itself.
    server.bring(thinned(demo_graph, 0.97, seed=1))
    server.kill_daemon_in_training()
    # Week 6: the next tick ends the dead run and trains on, until its own run is killed.
    status, said = server.outcome(KILLED_IN_TRAINING)
    assert status == -signal.SIGKILL, said
    assert "resuming from the checkpoint after epoch" in said
    # Week 7: the run goes on where that one stopped, and the release is no worse.
    status, said = server.outcome()
    assert status == DONE, said
    assert "resuming from the checkpoint after epoch" in said
    after_kill = server.newest
    # Nothing changed: no release, and nothing is trained.
    status, said = server.outcome()
    assert status == DONE, said
    assert server.newest == after_kill
    assert said.count("not made again") >= 5
    # Week 8: somebody starts a second run while one is on.
    server.bring(demo_graph)
    server.configure(num_epochs=40, seed=7)
    done, refused = two_at_once(server)
    assert done == DONE
    assert refused in (FAILED, SKIPPED)
    # Week 9: the disk is full.
    standing = server.current
    server.configure(num_epochs=40, seed=8)
    status, said = server.outcome(DISK_IS_FULL)
    assert status == FAILED, said
    assert server.current == standing
    # Week 10: somebody set one epoch. It never replaces the model that people use.
    server.configure(num_epochs=1)
    status, said = server.outcome()
    assert status == DONE, said
    assert server.current == standing
    assert "the embeddings learned less" in server.newest.decision.reason

    explained(server)
    nothing_is_half_written(server)


def two_at_once(server: Server) -> list[int]:
    """Exit statuses of two runs, the lower one first."""
    runs = [server.week(), server.week()]
    return sorted((run.communicate(timeout=300), run.returncode)[1] for run in runs)


def explained(server: Server) -> None:
    """The list has a reason for every release that is not the current one, and for every run that made none."""
    listed = invoke("releases", "list", "--data", server.data).stdout
    for release in all_releases(server.data):
        assert release.id in listed
        assert release.decision.reason
    failed = [attempt for attempt in all_attempts(server.data) if not attempt.release]
    reasons = [attempt.failed or "killed" for attempt in failed]
    assert "killed" in reasons
    assert [reason for reason in reasons if "File too large" in reason], reasons
    assert reasons.count("killed") == 2
    assert listed.count("was killed") == 2


def nothing_is_half_written(server: Server) -> None:
    """Every content is what its name says, every release is whole, and the copies are those of the current one."""
    for file in contents_folder(server.data).rglob("*.*"):
        if file.is_file() and not file.parent.name.startswith("."):
            assert hashlib.sha256(file.read_bytes()).hexdigest() == file.stem
    for release in all_releases(server.data):
        for manifest in release.manifests(root=server.data).values():
            for part in manifest.parts:
                assert path_of(manifest, part, root=server.data).exists()
    (now,) = (release for release in all_releases(server.data) if release.id == server.current)
    manifests: dict[str, Any] = dict(now.manifests(root=server.data))
    for name, manifest in manifests.items():
        for part in manifest.parts:
            copy = folder_of(name, root=server.data) / part
            assert copy.read_bytes() == path_of(manifest, part, root=server.data).read_bytes()
