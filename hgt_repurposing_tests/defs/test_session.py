"""A run in the data folder: nothing before its values are checked, alone, and made of what belongs together."""

import os
import shutil
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import psutil
import pytest

from hgt_repurposing.defs import assets, checks
from hgt_repurposing.defs.resources import FOLDER_TAG, ArtifactStore, artifact_io_manager
from hgt_repurposing.defs.session import RUN_IS_GONE, RunFacts, RunSession
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.storage.catalog import PLACES, cost_of, folder_of, is_there, manifest_of, save
from hgt_repurposing.storage.heartbeat import HEARTBEATS, beating, heartbeat_of
from hgt_repurposing.storage.run_lock import LOCK_FILE, FolderInUseError, Holder, held, holder_of
from hgt_repurposing.training.params import EmbeddingParams
from hgt_repurposing_tests.defs.test_runs import ALL, SMALL, failures

GRAPH = [assets.knowledge_graph]
START = [assets.embedding_params, assets.knowledge_graph, assets.drug_disease_split, assets.hetero_data]


def run(root: Path, made: list[Any], config: dict[str, Any] | None = None) -> dg.ExecuteInProcessResult:
    """Materialise some assets, without those they are made from. Any: assets, run configuration."""
    return dg.materialize(
        ALL,
        selection=made,
        resources={"store": ArtifactStore(data_folder=str(root)), "io_manager": artifact_io_manager},
        run_config=config or {},
        raise_on_error=False,
    )


def everything_in(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file() and path.name != LOCK_FILE}


# values first


@pytest.mark.parametrize(
    ("asset", "config", "said"),
    [
        ("embedding_params", {"num_epochs": -1}, "num_epochs: Input should be greater than or equal to 1 (got -1)"),
        ("embedding_params", {"hidden_dim": 65}, "hidden_dim must be divisible by num_heads (got 65 and 8)"),
        ("embedding_params", {"learning_rate": True}, "learning_rate: Input should be a valid number (got True)"),
        ("drug_disease_split", {"kinds": ["diseases"]}, "kinds: unknown split kind 'diseases'"),
        ("hetero_data", {"therapeutic_edges": "train_only", "fold": 7}, "train_only names a fold that is not held out"),
        ("knowledge_graph", {"path": "/mine"}, "path '/mine' is set, but source: auto is the generated graph"),
    ],
)
def test_a_wrong_value_stops_the_run_before_any_step_writes(
    tmp_path: Path, asset: str, config: dict[str, Any], said: str
) -> None:
    result = run(tmp_path, START, {"ops": {asset: {"config": config}}})
    assert not result.success
    assert all(said in sentence for sentence in failures(result).values())
    assert everything_in(tmp_path) == set()


def test_a_device_that_is_not_there_is_said_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    facts = RunFacts(
        "run", {"ops": {"embedding_params": {"config": {"device": "mps"}}}}, None, has_ended=lambda _: False
    )
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: False)
    with pytest.raises(ValueError, match=r"^device 'mps' is not available on this machine"):
        RunSession(facts, root=lambda: tmp_path, wait=False).begin()


def test_the_demo_graph_does_not_replace_a_real_one_unasked(toy_graph: KnowledgeGraph, tmp_path: Path) -> None:
    save("knowledge_graph", toy_graph, root=tmp_path, config={"source": "tables"})
    before = manifest_of("knowledge_graph", root=tmp_path)
    result = run(tmp_path, GRAPH)
    assert "the demo graph would replace" in failures(result)["knowledge_graph"]
    assert manifest_of("knowledge_graph", root=tmp_path) == before
    asked = run(tmp_path, GRAPH, {"ops": {"knowledge_graph": {"config": {"source": "synthetic"}}}})
    assert asked.success


# alone


@pytest.mark.parametrize("chain", [GRAPH, START], ids=["a single asset", "several"])
def test_while_another_run_is_on_nothing_is_made_and_one_sentence_says_why(
    tmp_path: Path, another_run: Holder, chain: list[Any]
) -> None:
    result = run(tmp_path, chain)
    assert not result.success
    assert all(f"is in use by {another_run}" in sentence for sentence in failures(result).values())
    assert everything_in(tmp_path) == set()


def test_a_check_of_what_another_run_may_be_writing_waits_too(tmp_path: Path) -> None:
    assert run(tmp_path, START).success
    me = Holder.of_process(os.getpid(), "theirs", now=datetime(2026, 11, 26, tzinfo=UTC))
    with held(tmp_path, me, wait=False):
        result = dg.materialize(
            [*START, checks.no_held_out_pair_in_message_graph],
            selection=dg.AssetSelection.checks(checks.no_held_out_pair_in_message_graph),
            resources={"store": ArtifactStore(data_folder=str(tmp_path)), "io_manager": artifact_io_manager},
            raise_on_error=False,
        )
    assert not result.success
    assert all("is in use by run theirs" in sentence for sentence in failures(result).values())


def test_the_folder_is_free_after_a_run_that_went_wrong(tmp_path: Path) -> None:
    assert not run(tmp_path, GRAPH, {"ops": {"knowledge_graph": {"config": {"source": "tables"}}}}).success
    assert run(tmp_path, GRAPH).success


def test_a_run_that_was_ended_from_outside_writes_nothing_more(tmp_path: Path, toy_graph: KnowledgeGraph) -> None:
    over = [False]
    session = RunSession(RunFacts("run", {}, None, has_ended=lambda _: over[0]), root=lambda: tmp_path, wait=False)
    session.begin()
    over[0] = True
    with pytest.raises(FolderInUseError, match="run run was ended from outside: nothing more is written"):
        session.save("knowledge_graph", toy_graph, step="knowledge_graph", config={})
    session.end()
    assert everything_in(tmp_path) == {"releases/attempts/run.json"}


ORPHAN = """
import multiprocessing, sys, time
from pathlib import Path
from hgt_repurposing.defs.session import RunFacts, RunSession

def step(mark):
    facts = RunFacts("run", {}, frozenset(), has_ended=lambda _: False, has_step_processes=True)
    RunSession(facts, root=lambda: Path(mark).parent, wait=False).begin()
    with open(mark, "w") as file:
        file.write("x")
    time.sleep(60)

if __name__ == "__main__":
    child = multiprocessing.get_context("spawn").Process(target=step, args=(sys.argv[1],))
    child.start()
    print(child.pid, flush=True)
    child.join()
"""


@pytest.mark.slow
def test_a_step_ends_with_the_run_that_started_it(tmp_path: Path) -> None:
    script, mark = tmp_path / "orphan.py", tmp_path / "mark"
    script.write_text(ORPHAN)
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen([sys.executable, script, mark], stdout=subprocess.PIPE, text=True, env=environment) as parent:  # noqa: S603
        assert parent.stdout is not None
        step = psutil.Process(int(parent.stdout.readline()))
        while not mark.exists():
            assert step.is_running()
        parent.kill()
        step.wait(timeout=30)  # raises if it is still there: it would have slept for a minute


ENDED_FROM_OUTSIDE = """
import functools, multiprocessing, sys, time
from pathlib import Path
from hgt_repurposing.defs import session
from hgt_repurposing.defs.session import RunFacts, RunSession

session.beating = functools.partial(session.beating, every=0.1)

def step(folder):
    facts = RunFacts("run", {}, frozenset(), has_ended=lambda _: Path(folder, "ended").exists(), is_recorded=True,
                     has_step_processes=True)
    used = RunSession(facts, root=lambda: Path(folder, "data"), wait=False)
    used.begin()
    Path(folder, "begun").touch()
    time.sleep(60)

if __name__ == "__main__":
    child = multiprocessing.get_context("spawn").Process(target=step, args=(sys.argv[1],))
    child.start()
    child.join()
    sys.exit(child.exitcode)
"""


@pytest.mark.slow
def test_a_step_ends_when_its_run_was_ended_from_outside(tmp_path: Path) -> None:
    """Terminated in the browser, or found dead from another host, while the step works."""
    script = tmp_path / "step.py"
    script.write_text(ENDED_FROM_OUTSIDE)
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen([sys.executable, script, tmp_path], env=environment) as parent:  # noqa: S603
        while not (tmp_path / "begun").exists():
            assert parent.poll() is None
        (tmp_path / "ended").touch()
        assert parent.wait(timeout=30) == RUN_IS_GONE  # it would have slept for a minute


def recorded(run_id: str = "run", *, noted: list[Path] | None = None, ended: frozenset[str] = frozenset()) -> RunFacts:
    on_folder = (noted if noted is not None else []).append
    return RunFacts(run_id, {}, frozenset(), has_ended=ended.__contains__, is_recorded=True, on_folder=on_folder)


def test_a_run_says_which_folder_it_uses_and_shows_life_until_it_ends(tmp_path: Path) -> None:
    noted: list[Path] = []
    session = RunSession(recorded(noted=noted), root=lambda: tmp_path, wait=False)
    session.begin()
    session.begin()
    beat = heartbeat_of("run", root=tmp_path)
    assert beat is not None
    assert beat.holder == holder_of(tmp_path)
    assert noted == [tmp_path]
    session.end()
    assert heartbeat_of("run", root=tmp_path) is None


def test_a_run_that_waits_for_another_one_shows_life(tmp_path: Path) -> None:
    theirs = Holder.of_process(os.getpid(), "theirs", now=datetime(2026, 11, 26, tzinfo=UTC))
    waiting = RunSession(recorded(), root=lambda: tmp_path, wait=True)
    thread = threading.Thread(target=waiting.begin, daemon=True)
    with held(tmp_path, theirs, wait=False):
        thread.start()
        while heartbeat_of("run", root=tmp_path) is None:
            assert thread.is_alive()
        assert holder_of(tmp_path) == theirs
    thread.join(timeout=30)
    assert not thread.is_alive()
    waiting.end()


def test_a_run_that_may_not_use_the_folder_shows_no_life(tmp_path: Path, another_run: Holder) -> None:
    with pytest.raises(FolderInUseError, match=f"is in use by run {another_run.run_id}"):
        RunSession(recorded(), root=lambda: tmp_path, wait=False).begin()
    assert heartbeat_of("run", root=tmp_path) is None


def test_a_run_that_was_ended_does_not_begin(tmp_path: Path) -> None:
    """A step whose process was killed begins again, and its run may have been ended in between."""
    session = RunSession(recorded(ended=frozenset({"run"})), root=lambda: tmp_path, wait=False)
    with pytest.raises(FolderInUseError, match="run run was ended from outside: nothing more is written"):
        session.begin()
    assert everything_in(tmp_path) == set()


def test_a_run_clears_away_the_signs_of_runs_that_have_ended(tmp_path: Path) -> None:
    me = Holder.of_process(os.getppid(), "old", now=datetime(2026, 11, 26, tzinfo=UTC))
    with beating(tmp_path, me, is_over=lambda: False, on_over=lambda: None):
        pass
    assert heartbeat_of("old", root=tmp_path) is not None
    session = RunSession(recorded(ended=frozenset({"old"})), root=lambda: tmp_path, wait=False)
    session.begin()
    session.end()
    assert heartbeat_of("old", root=tmp_path) is None


def test_a_run_that_dagster_records_bears_its_folder_as_a_tag(tmp_path: Path) -> None:
    with dg.instance_for_test() as instance:
        result = dg.materialize(
            GRAPH,
            instance=instance,
            resources={"store": ArtifactStore(data_folder=str(tmp_path)), "io_manager": artifact_io_manager},
        )
        found = instance.get_run_by_id(result.run_id)
    assert found is not None
    assert found.tags[FOLDER_TAG] == str(tmp_path)
    assert not list((tmp_path / HEARTBEATS).iterdir())  # shown while it was on, and removed in the end


# made of what belongs together


def test_provenance_is_that_of_the_value_that_was_read(tmp_path: Path, toy_graph: KnowledgeGraph) -> None:
    """Another version may be written while a step works on the one it has read (case 01)."""
    first = save("knowledge_graph", toy_graph, root=tmp_path, config={})
    session = RunSession(RunFacts("run", {}, None, has_ended=lambda _: False), root=lambda: tmp_path, wait=False)
    session.load("knowledge_graph", step="drug_disease_split")
    save("knowledge_graph", toy_graph.without(list(toy_graph.edges)[:1]), root=tmp_path, config={})
    made = session.save("embedding_params", EmbeddingParams(), step="drug_disease_split", config={})
    session.end()
    assert made.inputs == {"knowledge_graph": first.digest}


def test_a_step_records_when_it_ran_and_what_it_took_from_its_first_input_on(
    tmp_path: Path, toy_graph: KnowledgeGraph
) -> None:
    made_of = save("knowledge_graph", toy_graph, root=tmp_path, config={})
    assert cost_of(made_of, root=tmp_path) is None
    session = RunSession(RunFacts("run-1", {}, None, lambda _: False), root=lambda: tmp_path, wait=False)
    session.load("knowledge_graph", step="embedding_params")
    time.sleep(0.2)
    session.begin_step("embedding_params")  # it has begun
    made = session.save("embedding_params", EmbeddingParams(), step="embedding_params", config={})
    session.end()
    cost = cost_of(made, root=tmp_path)
    assert cost is not None
    assert 0.2 <= cost.seconds < 60
    assert 0.01 < cost.peak_gb < 64
    assert abs((datetime.now(UTC) - datetime.fromisoformat(cost.made_at)).total_seconds()) < 60


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Data folder of a run up to the embeddings."""
    root = tmp_path_factory.mktemp("trained")
    chain = [*START, assets.hgt_model, assets.hgt_embeddings]
    result = run(root, chain, {"ops": {"embedding_params": SMALL["embedding_params"]}})
    assert result.success, failures(result)
    return root


def test_parameters_of_another_training_are_refused_where_they_would_be_named(trained: Path, tmp_path: Path) -> None:
    """The report named seed 7 for a model of seed 42."""
    root = _copy(trained, tmp_path)
    other = {"config": SMALL["embedding_params"]["config"] | {"seed": 7}}
    assert run(root, [assets.embedding_params], {"ops": {"embedding_params": other}}).success
    session = RunSession(RunFacts("run", {}, None, has_ended=lambda _: False), root=lambda: root, wait=False)
    session.load("hgt_embeddings", step="repurposing_report")
    with pytest.raises(
        ValueError, match=r"^hgt_embeddings was made from another embedding_params than the current one$"
    ):
        session.manifest("embedding_params", step="repurposing_report")
    session.end()


def test_embeddings_of_another_graph_are_refused_before_anything_is_made_of_them(trained: Path, tmp_path: Path) -> None:
    root = _copy(trained, tmp_path)
    other = {"knowledge_graph": {"config": {"source": "synthetic", "seed": 7}}}
    assert run(root, GRAPH, {"ops": other}).success
    result = run(root, [assets.embedding_validation])
    (said,) = failures(result).values()
    assert said.startswith("hgt_embeddings was made from another knowledge_graph than the current one: materialise hgt")
    assert not is_there("embedding_validation", root=root)


def _copy(source: Path, folder: Path) -> Path:
    shutil.copytree(source, folder / "data")
    return folder / "data"


def test_every_asset_names_all_that_it_was_made_from(trained: Path) -> None:
    lineage = manifest_of("hgt_embeddings", root=trained).lineage
    assert set(lineage) == {"embedding_params", "knowledge_graph", "drug_disease_split", "hetero_data", "hgt_model"}
    assert lineage == {name: manifest_of(name, root=trained).digest for name in lineage}
    assert set(lineage) <= set(PLACES)
    assert all(cost_of(manifest_of(name, root=trained), root=trained) for name in lineage)
    assert folder_of("hgt_model", root=trained).is_dir()
