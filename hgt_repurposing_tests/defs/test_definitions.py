"""The code location: what it offers, that its parts agree, and that shipped configurations are valid."""

from pathlib import Path

import dagster as dg
import pytest
import yaml

import hgt_repurposing
from hgt_repurposing.definitions import defs
from hgt_repurposing.defs.automation import CONFIG_VARIABLE, weekly_retraining
from hgt_repurposing.defs.config import EmbeddingParamsConfig, KnowledgeGraphConfig
from hgt_repurposing.graph.sources.source import GraphSource
from hgt_repurposing.layout import PLACES
from hgt_repurposing.repurposing.params import ClassifierParams
from hgt_repurposing.run_config import SETTINGS
from hgt_repurposing.training.params import EmbeddingParams

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
        "embedding_params": [],
        "embedding_validation": ["hgt_embeddings", "knowledge_graph"],
        "hetero_data": ["drug_disease_split", "knowledge_graph"],
        "hgt_embeddings": ["hetero_data", "hgt_model", "knowledge_graph"],
        "hgt_model": ["embedding_params", "hetero_data"],
        "knowledge_graph": [],
        "repurposing_candidates": ["hgt_embeddings", "knowledge_graph", "repurposing_model"],
        "repurposing_evaluation": ["drug_disease_split", "hgt_embeddings", "knowledge_graph", "repurposing_model"],
        "repurposing_model": ["drug_disease_split", "hgt_embeddings", "knowledge_graph"],
        "repurposing_report": [
            "drug_disease_split",
            "embedding_params",
            "embedding_validation",
            "hgt_embeddings",
            "hgt_model",
            "knowledge_graph",
            "repurposing_candidates",
            "repurposing_evaluation",
            "repurposing_model",
        ],
    }


def test_every_asset_has_a_place_and_every_place_an_asset() -> None:
    assert set(specs()) == set(PLACES)


@pytest.mark.parametrize("name", sorted(PLACES))
def test_every_asset_has_one_sentence_a_group_and_a_kind(name: str) -> None:
    spec = specs()[name]
    assert spec.description is not None
    assert spec.description.endswith(".")
    assert "\n" not in spec.description.strip()
    assert spec.group_name in {"graph", "embeddings", "repurposing"}
    assert spec.kinds


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
    for variable in ("HETIONET_DIR", "PRIMEKG_FILE", "TABLES_DIR"):
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
        "wrong configuration: path 'my/tables' is given, but source: auto is the generated graph and reads no "
        "file: set source to the format of your files, primekg, hetionet, tables"
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
        "wrong configuration: hidden_dim must be divisible by num_heads (got 100 and 8)"
    )


def test_a_value_out_of_bounds_names_field_rule_and_value() -> None:
    with pytest.raises(dg.Failure) as caught:
        KnowledgeGraphConfig(seed=-1)
    assert caught.value.description == "wrong configuration: seed: Input should be greater than or equal to 0 (got -1)"


def tick() -> dg.RunRequest | dg.SkipReason:
    with dg.instance_for_test() as instance:
        result = weekly_retraining(dg.build_schedule_context(instance=instance))
    assert isinstance(result, dg.RunRequest | dg.SkipReason)
    return result


def test_retraining_runs_the_configuration_file_that_the_environment_names(monkeypatch: pytest.MonkeyPatch) -> None:
    path = next(path for path in CONFIGS if path.stem == "smoke")
    monkeypatch.setenv(CONFIG_VARIABLE, str(path))
    request = tick()
    assert isinstance(request, dg.RunRequest)
    assert request.run_config == yaml.safe_load(path.read_text())


@pytest.mark.parametrize(("value", "reason"), [("", "names no configuration file"), ("/absent.yaml", "is no file")])
def test_retraining_without_a_configuration_skips_and_says_why(
    monkeypatch: pytest.MonkeyPatch, value: str, reason: str
) -> None:
    monkeypatch.setenv(CONFIG_VARIABLE, value)
    skip = tick()
    assert isinstance(skip, dg.SkipReason)
    assert reason in str(skip.skip_message)
