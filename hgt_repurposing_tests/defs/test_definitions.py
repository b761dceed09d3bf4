"""The code location: what it offers, that its parts agree, and that shipped configurations are valid."""

import importlib.metadata
import os
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest
import yaml

import hgt_repurposing
from hgt_repurposing.definitions import defs
from hgt_repurposing.defs.automation import CONFIG_VARIABLE, weekly_retraining
from hgt_repurposing.defs.config import EmbeddingParamsConfig, KnowledgeGraphConfig
from hgt_repurposing.defs.dead_runs import UNFINISHED
from hgt_repurposing.defs.run_config import ASSETS, RELEASE, SETTINGS
from hgt_repurposing.graph.sources.source import GraphSource
from hgt_repurposing.repurposing.params import ClassifierParams
from hgt_repurposing.storage.catalog import DATA_VARIABLE, PLACES
from hgt_repurposing.storage.manifest import FORMAT_VERSION
from hgt_repurposing.training.params import EmbeddingParams

ROOT = Path(__file__).parents[2]
CONFIGS = sorted((Path(hgt_repurposing.__file__).parent / "configs").glob("*.yaml"))


def specs() -> dict[str, dg.AssetSpec]:
    return {spec.key.to_user_string(): spec for spec in defs.resolve_all_asset_specs()}


def test_definitions_load() -> None:
    dg.Definitions.validate_loadable(defs)


def test_assets_and_their_parents_are_part_of_the_public_interface() -> None:
    parents = {
        name: sorted(dep.asset_key.to_user_string() for dep in spec.deps) for name, spec in sorted(specs().items())
    }
    assert parents == {
        "drug_disease_split": ["knowledge_graph"],
        "embedding_params": ["drug_disease_split"],
        "embedding_validation": ["hgt_embeddings", "knowledge_graph"],
        "hetero_data": ["drug_disease_split", "knowledge_graph"],
        "hgt_embeddings": ["hetero_data", "hgt_model", "knowledge_graph"],
        "hgt_model": ["embedding_params", "hetero_data"],
        "knowledge_graph": [],
        "repurposing_candidates": ["knowledge_graph", "repurposing_scores"],
        "repurposing_evaluation": ["drug_disease_split", "hgt_embeddings", "knowledge_graph", "repurposing_model"],
        "repurposing_model": ["drug_disease_split", "hgt_embeddings", "knowledge_graph"],
        "repurposing_scores": ["hgt_embeddings", "knowledge_graph", "repurposing_model"],
        "repurposing_report": [
            "drug_disease_split",
            "embedding_params",
            "embedding_validation",
            "hgt_embeddings",
            "hgt_model",
            "knowledge_graph",
            "release_decision",
            "repurposing_candidates",
            "repurposing_evaluation",
            "repurposing_model",
        ],
        "release_decision": ["embedding_validation", "repurposing_candidates", "repurposing_evaluation"],
        "release": ["release_decision", "repurposing_report"],
    }


def test_every_asset_has_a_place_and_every_place_an_asset() -> None:
    assert set(specs()) == {*PLACES, RELEASE}


@pytest.mark.parametrize("name", sorted(ASSETS))
def test_every_asset_has_one_sentence_a_group_and_a_kind(name: str) -> None:
    spec = specs()[name]
    assert spec.description is not None
    assert spec.description.endswith(".")
    assert "\n" not in spec.description.strip()
    assert spec.group_name in {"graph", "embeddings", "repurposing", "releases"}
    assert spec.kinds


def test_every_asset_names_the_code_that_makes_it() -> None:
    said = f"hgt_repurposing {importlib.metadata.version('hgt_repurposing')}, artefact format {FORMAT_VERSION}"
    assert {name: spec.code_version for name, spec in specs().items()} == dict.fromkeys(ASSETS, said)


def test_the_leak_check_blocks() -> None:
    checks = {spec.name: spec for check in defs.asset_checks or [] for spec in check.check_specs}
    assert {name for name, spec in checks.items() if spec.blocking} == {
        "no_held_out_pair_in_message_graph",
        "embeddings_are_whole",
    }


def test_the_job_holds_every_asset_and_every_check() -> None:
    job = defs.resolve_job_def("repurposing_job")
    nodes = {node.name for node in job.nodes}
    assert set(PLACES) <= nodes
    assert "hetero_data_no_held_out_pair_in_message_graph" in nodes


def test_retraining_is_weekly_and_stopped_until_started() -> None:
    schedule = defs.resolve_schedule_def("weekly_retraining")
    assert schedule.cron_schedule == "0 3 * * 1"
    assert schedule.default_status is dg.DefaultScheduleStatus.STOPPED


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_a_shipped_configuration_is_accepted(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("HETIONET_DIR", "DRKG_DIR", "PRIMEKG_FILE", "TABLES_DIR"):
        monkeypatch.setenv(variable, "anywhere")
    config = yaml.safe_load(path.read_text())
    assert dg.validate_run_config(defs.resolve_job_def("repurposing_job"), config)
    # Dagster checks types only; the bounds are those of the core's own models.
    given = config["ops"]["knowledge_graph"]["config"]
    GraphSource.model_validate(given | ({"path": "anywhere"} if "path" in given else {}))
    EmbeddingParams(**config["ops"].get("embedding_params", {}).get("config", {}))
    ClassifierParams(**config["ops"].get("repurposing_model", {}).get("config", {}))


@pytest.mark.parametrize(
    "given",
    [
        {"source": "tables", "drug": None, "indication": None, "exclude": None},
        {"source": "tables", "path": "x", "drug": "drug", "indication": ["treats"], "drug_gene": [], "exclude": ["x"]},
        {"source": "auto", "seed": 7},
        {},
    ],
)
def test_a_setting_of_the_graph_may_be_null_or_a_list(given: dict[str, object]) -> None:
    config = {"ops": {"knowledge_graph": {"config": given}}}
    assert dg.validate_run_config(defs.resolve_job_def("repurposing_job"), config)
    assert KnowledgeGraphConfig(**given).model_dump() == GraphSource.model_validate(given).model_dump()


def test_a_setting_that_the_source_does_not_read_is_one_sentence_in_the_launchpad() -> None:
    with pytest.raises(dg.Failure) as caught:
        KnowledgeGraphConfig(path="my/tables")
    assert caught.value.description == (
        "invalid configuration: path 'my/tables' is set, but source: auto is the generated graph and reads no "
        "file: set source to the format of your files (primekg, hetionet, tables)"
    )


def test_the_launchpad_offers_exactly_the_published_parameters() -> None:
    assert set(EmbeddingParamsConfig.model_fields) == set(EmbeddingParams.model_fields)
    assert all(field.description for field in EmbeddingParamsConfig.model_fields.values())


def test_what_is_checked_beforehand_is_what_the_launchpad_offers() -> None:
    offered = {}
    for node in defs.resolve_job_def("repurposing_job").nodes:
        schema = node.definition.config_schema
        fields = getattr(schema.config_type, "fields", {}) if schema else {}
        if fields:
            offered[node.name] = set(fields)
    assert offered == {asset: set(model.model_fields) for asset, model in SETTINGS.items()}


def test_a_wrong_parameter_is_one_sentence() -> None:
    with pytest.raises(dg.Failure) as caught:
        EmbeddingParamsConfig(hidden_dim=100, num_heads=8)
    assert caught.value.description == (
        "invalid configuration: hidden_dim must be divisible by num_heads (got 100 and 8)"
    )


def test_a_value_out_of_bounds_names_field_rule_and_value() -> None:
    with pytest.raises(dg.Failure) as caught:
        KnowledgeGraphConfig(seed=-1)
    assert (
        caught.value.description == "invalid configuration: seed: Input should be greater than or equal to 0 (got -1)"
    )


def tick(instance: dg.DagsterInstance) -> dg.RunRequest | dg.SkipReason:
    result = weekly_retraining(dg.build_schedule_context(instance=instance))
    assert isinstance(result, dg.RunRequest | dg.SkipReason)
    return result


def skipped(instance: dg.DagsterInstance) -> str:
    result = tick(instance)
    assert isinstance(result, dg.SkipReason)
    return str(result.skip_message)


@pytest.fixture
def smoke(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The configuration file that retraining is told to use, and a data folder that holds nothing."""
    path = next(path for path in CONFIGS if path.stem == "smoke")
    monkeypatch.setenv(CONFIG_VARIABLE, str(path))
    monkeypatch.setenv(DATA_VARIABLE, str(tmp_path))
    return path


def test_retraining_runs_the_configuration_file_that_the_environment_names(
    instance: dg.DagsterInstance, smoke: Path
) -> None:
    request = tick(instance)
    assert isinstance(request, dg.RunRequest)
    assert request.run_config == yaml.safe_load(smoke.read_text())


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("", "names no configuration file"),
        ("/absent.yaml", "is not a file"),
        ("smoke.yaml", "must be an absolute path, the same for every process (got 'smoke.yaml')"),
    ],
)
def test_retraining_without_a_configuration_skips_and_says_why(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch, value: str, reason: str
) -> None:
    monkeypatch.setenv(CONFIG_VARIABLE, value)
    assert reason in skipped(instance)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "it is empty: a run without a configuration would use the demo graph"),
        ("# to be filled in\n", "it is empty"),
        ("ops: {knowledge_graph: {config: {path: /mine}}}", "path '/mine' is set, but source: auto"),
        ("ops: {knowledge_graph: {config: {source: tables, path: /absent}}}", "/absent: no such folder"),
        ("ops: {embedding_params: {config: {num_epochs: -1}}}", "num_epochs: Input should be greater than or equal"),
    ],
)
def test_retraining_skips_what_check_refuses(
    instance: dg.DagsterInstance,
    smoke: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    text: str,
    reason: str,
) -> None:
    assert smoke.is_file()
    (tmp_path / "mine.yaml").write_text(text)
    monkeypatch.setenv(CONFIG_VARIABLE, str(tmp_path / "mine.yaml"))
    assert reason in skipped(instance)


UNNAMED = "__ASSET_JOB"
STATUSES = [status for status in UNFINISHED if status is not dg.DagsterRunStatus.QUEUED]  # which Dagster alone can make
GRAPH_ONLY = frozenset({dg.AssetKey("knowledge_graph")})
SOMETHING_ELSE = frozenset({dg.AssetKey("weather")})


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize(
    ("job_name", "selection"),
    [("repurposing_job", None), (UNNAMED, GRAPH_ONLY), (UNNAMED, None), ("repurposing_job", GRAPH_ONLY)],
)
def test_retraining_waits_for_every_unfinished_run_of_these_assets(
    instance: dg.DagsterInstance,
    smoke: Path,
    status: dg.DagsterRunStatus,
    job_name: str,
    selection: frozenset[dg.AssetKey] | None,
) -> None:
    assert smoke.is_file()
    run = dg.DagsterRun(job_name=job_name, status=status, asset_selection=selection)
    instance.add_run(run)
    assert f"run {run.run_id} is not finished" in skipped(instance)


@pytest.mark.parametrize(
    ("job_name", "selection", "status"),
    [
        ("repurposing_job", None, dg.DagsterRunStatus.SUCCESS),
        (UNNAMED, GRAPH_ONLY, dg.DagsterRunStatus.FAILURE),
        (UNNAMED, SOMETHING_ELSE, dg.DagsterRunStatus.STARTED),
        ("weather_job", None, dg.DagsterRunStatus.STARTED),
    ],
)
def test_retraining_waits_for_no_other_run(
    instance: dg.DagsterInstance,
    smoke: Path,
    job_name: str,
    selection: frozenset[dg.AssetKey] | None,
    status: dg.DagsterRunStatus,
) -> None:
    assert smoke.is_file()
    instance.add_run(dg.DagsterRun(job_name=job_name, status=status, asset_selection=selection))
    assert isinstance(tick(instance), dg.RunRequest)


TICK_ELSEWHERE = """
import os, sys
import dagster as dg
from hgt_repurposing.defs.automation import weekly_retraining
from hgt_repurposing.storage.catalog import data_folder

with dg.DagsterInstance.get() as instance:
    if sys.argv[1:] == ["begin a run"]:
        instance.add_run(dg.DagsterRun(job_name="__ASSET_JOB", status=dg.DagsterRunStatus.STARTED, run_id="mine",
                                       asset_selection=frozenset({dg.AssetKey("hgt_model")})))
    print(weekly_retraining(dg.build_schedule_context(instance=instance)).skip_message, data_folder())
"""


@pytest.mark.slow
def test_a_schedule_started_in_another_folder_sees_the_same_runs_and_the_same_data(smoke: Path, tmp_path: Path) -> None:
    home, here, there = (tmp_path / name for name in ("home", "here", "there"))
    for folder in (home, here, there):
        folder.mkdir()
    (home / "dagster.yaml").write_text((ROOT / "dagster.yaml").read_text())
    environment = os.environ | {"DAGSTER_HOME": str(home), CONFIG_VARIABLE: str(smoke), "PYTHONPATH": str(ROOT)}

    def tick_in(folder: Path, *arguments: str) -> str:
        command = [sys.executable, "-W", "ignore", "-c", TICK_ELSEWHERE, *arguments]
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True)  # noqa: S603
        return done.stdout

    first = tick_in(here, "begin a run")
    assert "run mine is not finished" in first
    assert tick_in(there) == first
    assert not any(here.iterdir())
    assert not any(there.iterdir())


def test_the_environment_makes_every_folder_absolute(tmp_path: Path) -> None:
    if not (ROOT / ".venv" / "made-for").exists():
        pytest.skip("the tests do not run in the environment that scripts/environment.sh makes")
    variables = ("DAGSTER_HOME", "HGT_REPURPOSING_DATA", "HGT_REPURPOSING_CONFIG", "HGT_REPURPOSING_SCHEDULES")
    said = "; ".join([*(f"echo ${name}" for name in variables), "ls $DAGSTER_HOME/dagster.yaml"])
    bare = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "EXTRAS": "dev"}

    def sourced(**variables: str) -> list[str]:
        command = ["bash", "-c", f". {ROOT}/scripts/environment.sh >&2; cd /; {said}"]
        done = subprocess.run(command, cwd=tmp_path, env=bare | variables, capture_output=True, text=True, check=False)  # noqa: S603
        return done.stdout.splitlines()

    assert sourced() == [f"{ROOT}/.dagster", f"{ROOT}/data", "", "", f"{ROOT}/.dagster/dagster.yaml"]
    mine = sourced(
        HGT_REPURPOSING_DATA="out",
        HGT_REPURPOSING_CONFIG="mine.yaml",
        HGT_REPURPOSING_SCHEDULES="all.yaml",
        DAGSTER_HOME="home",
    )
    assert mine == [f"{tmp_path}/{name}" for name in ("home", "out", "mine.yaml", "all.yaml")]
