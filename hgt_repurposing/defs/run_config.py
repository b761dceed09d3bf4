"""Validation of a whole run configuration before anything runs.

`hgt-repurposing check`, the schedule and every run, however it was started, use the same validator. Dagster itself only
checks names and types. The validator is as strict about types as Dagster (`10.0` and `"10"` are not integers), and also
checks bounds and combinations of settings.
"""

import inspect
import os
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from reprlib import repr as shortened
from typing import Any, Literal

from pydantic import BaseModel, Field, ValidationError

from hgt_repurposing.benchmark.challenge import PromotionPolicy
from hgt_repurposing.defs.environment import FROM_ENVIRONMENT, resolve
from hgt_repurposing.graph.message_graph import MessageGraphConfig
from hgt_repurposing.graph.sources.source import GraphSource
from hgt_repurposing.graph.split import SplitConfig
from hgt_repurposing.repurposing.params import CandidateParams, ClassifierParams
from hgt_repurposing.storage.catalog import PLACES, absolute
from hgt_repurposing.training.params import EmbeddingParams

SETTINGS: Mapping[str, type[BaseModel]] = {
    "knowledge_graph": GraphSource,
    "drug_disease_split": SplitConfig,
    "hetero_data": MessageGraphConfig,
    "embedding_params": EmbeddingParams,
    "repurposing_model": ClassifierParams,
    "repurposing_candidates": CandidateParams,
    "release_decision": PromotionPolicy,
}
"""Settings of each asset; the other assets have none."""
RELEASE = "release"
"""The asset that makes versions a release; it has no artefact of its own."""
ASSETS = (*PLACES, RELEASE)
PATHS = (
    ("store", "data_folder"),
    ("knowledge_graph", "path"),
    ("knowledge_graph", "not_indicated_pairs"),
    ("knowledge_graph", "disease_areas"),
    ("knowledge_graph", "node_attributes"),
    ("repurposing_candidates", "only_drugs"),
    ("repurposing_candidates", "only_diseases"),
)
"""Settings that name a file or a folder, besides the files of external pairs; all may be empty."""
SECTIONS = ("ops", "execution", "loggers", "resources")
"""Sections of a run configuration. Names of executor and logger are checked here, their settings by Dagster."""

IfBusy = Literal["stop", "wait"]
IfMade = Literal["reuse", "make_again"]
DATA_FOLDER: Any = Field(  # Any: what a field of any type is given
    "", description="data folder; empty: the environment variable HGT_REPURPOSING_DATA, which run.sh sets, else ./data"
)
IF_BUSY: Any = Field(
    "stop", description="what a run does if another run uses the data folder: stop, or wait until that run has ended"
)
IF_MADE: Any = Field(
    "reuse",
    description=(
        "what a step does if the same code has made its result from the same inputs with the same settings: read it, "
        "or make it again"
    ),
)


class StoreSettings(BaseModel, frozen=True, extra="forbid"):
    """Settings of the resource `store`."""

    data_folder: str = DATA_FOLDER
    if_busy: IfBusy = IF_BUSY
    if_made: IfMade = IF_MADE


RESOURCES: Mapping[str, type[BaseModel]] = {"store": StoreSettings}


def one_sentence(error: ValidationError) -> str:
    """All errors in a configuration as one sentence, each with field, rule and value."""
    said = []
    for complaint in error.errors():
        field = ".".join(map(str, complaint["loc"]))
        message = complaint["msg"].removeprefix("Value error, ")
        said.append(f"{field}: {message} (got {shortened(complaint['input'])})" if field else message)
    return f"invalid configuration: {'; '.join(said)}"


def complaints(config: Mapping[Any, Any], environment: Mapping[str, str] = os.environ) -> list[str]:
    """Errors in a run configuration, one sentence each; empty if it is valid. Any: YAML values.

    Args:
        config: As read from YAML.
        environment: Variables that the configuration may name.
    """
    found = list(_unknown(config, SECTIONS, "section"))
    found += [
        f"{name} is empty: remove it, or write its settings below it" for name in SECTIONS if _empty(config, name)
    ]
    assets, resources = config.get("ops") or {}, config.get("resources") or {}
    found += _group(assets, "ops", "asset", ASSETS, SETTINGS, environment)
    found += _group(resources, "resources", "resource", ("store", "io_manager"), RESOURCES, environment)
    found += [*_execution(config.get("execution") or {}), *_loggers(config.get("loggers") or {})]
    return found or list(_together(config, environment))


def settings_of(asset: str, config: Mapping[str, Any], environment: Mapping[str, str] = os.environ) -> Any:
    """Settings of an asset or a resource in a valid run configuration.

    Args:
        asset: One of SETTINGS or RESOURCES.
        config: A run configuration; settings that are not given have their defaults. Any: YAML values.
        environment: Variables that the configuration may name.

    Returns:
        The asset's settings model. Any: a different one per asset.
    """
    section, models = ("ops", SETTINGS) if asset in SETTINGS else ("resources", RESOURCES)
    given = ((config.get(section) or {}).get(asset) or {}).get("config") or {}
    resolved = resolve(models[asset], given, environment)
    return models[asset].model_validate(resolved.values)


def _empty(config: Mapping[Any, Any], name: str) -> bool:
    return name in config and config[name] is None


def _execution(given: Any) -> Iterator[str]:
    """Any: YAML values."""
    executors = given.get("config", {"in_process": {}}) if isinstance(given, dict) else None
    one_of = isinstance(executors, dict) and len(executors) == 1 and set(executors) <= {"in_process", "multiprocess"}
    if not one_of or set(given) - {"config"}:
        yield f"execution must contain 'config' with either in_process or multiprocess (got {shortened(given)})"


def _loggers(given: Any) -> Iterator[str]:
    """Any: YAML values."""
    console = given.get("console", {}) if isinstance(given, dict) and set(given) <= {"console"} else None
    if console not in ({}, {"config": {}}):
        yield f"loggers may only contain console, without settings (got {shortened(given)})"


def _group(
    given: Any,
    section: str,
    what: str,
    names: Iterable[str],
    models: Mapping[str, type[BaseModel]],
    environment: Mapping[str, str],
) -> Iterator[str]:
    """Errors in the assets or the resources. Any: YAML values, here and below."""
    if not isinstance(given, dict):
        yield f"{section} must contain names of {what}s (got {shortened(given)})"
        return
    known = list(names)
    yield from _unknown(given, known, what)
    for name in (name for name in known if name in given):
        yield from _one(name, given[name], models.get(name), environment)


def _one(name: str, given: Any, model: type[BaseModel] | None, environment: Mapping[str, str]) -> Iterator[str]:
    if not isinstance(given, dict) or set(given) - {"config"}:
        yield f"{name} must contain 'config' with the settings below it (got {shortened(given)})"
        return
    values = given.get("config", {})
    if values is None:
        yield f"{name}: config is empty: remove {name}, or write its settings below config"
    elif not isinstance(values, dict):
        yield f"{name}: config must contain settings (got {shortened(values)})"
    elif model is None:
        if values:
            yield f"{name} has no settings" + (": set data_folder of store" if name == "io_manager" else "")
    else:
        yield from (f"{name}: {complaint}" for complaint in _settings(model, values, environment))


def _settings(model: type[BaseModel], values: Mapping[Any, Any], environment: Mapping[str, str]) -> Iterator[str]:
    yield from _unknown(values, model.model_fields, "setting")
    within = list(_unknown_within(model, values))
    yield from within
    resolved = resolve(model, values, environment)
    yield from resolved.complaints
    if within:
        return
    try:
        model.model_validate(resolved.values, strict=True)
    except ValidationError as error:
        yield one_sentence(error)


def _unknown_within(model: type[BaseModel], values: Mapping[Any, Any]) -> Iterator[str]:
    """Settings that a setting with settings of its own does not have. Any: YAML values."""
    for name, field in model.model_fields.items():
        inner, given = field.annotation, values.get(name)
        if not (inspect.isclass(inner) and issubclass(inner, BaseModel) and isinstance(given, Mapping)):
            continue
        if set(given) != {FROM_ENVIRONMENT}:
            yield from _unknown(given, inner.model_fields, f"setting of {name}")


def _together(config: Mapping[str, Any], environment: Mapping[str, str]) -> Iterator[str]:
    """Errors in combinations of settings that are each valid."""
    key = settings_of("hetero_data", config, environment).key
    split: SplitConfig = settings_of("drug_disease_split", config, environment)
    named = [
        (f"{asset}: {setting}", getattr(settings_of(asset, config, environment), setting)) for asset, setting in PATHS
    ]
    named += [("drug_disease_split: external_pairs", file.path) for file in split.external_files]
    for what, path in named:
        if path:
            try:
                absolute(path, what=what)
            except ValueError as error:
                yield str(error)
    if key and (key.kind not in split.kinds or key.repeat >= split.num_repeats or key.fold >= split.num_folds):
        yield (
            f"hetero_data: train_only names a fold that is not held out ({key}): drug_disease_split has the kinds "
            f"{', '.join(split.kinds)}, {split.num_repeats} repeats and {split.num_folds} folds, counted from 0"
        )


def _unknown(given: Mapping[Any, Any], known: Iterable[str], what: str) -> Iterator[str]:
    names = list(known)
    for name in given:
        if name not in names:
            close = get_close_matches(str(name), names, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"choose from {', '.join(names)}"
            yield f"there is no {what} {name!r}: {hint}"
