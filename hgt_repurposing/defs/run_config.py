"""Run configurations: read, and checked whole before anything runs.

One validator serves everybody: `hgt-repurposing check`, the schedule, and every run when it begins, however it was
started; Dagster itself compares names and types alone. It is strict as Dagster is (`10.0` and `"10"` are no whole
numbers), and knows the bounds, and what settings of different assets mean together, besides.
"""

import os
import re
import types
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from reprlib import repr as shortened
from typing import Any, Literal, NamedTuple, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, Field, ValidationError

from hgt_repurposing.graph.message_graph import MessageGraphConfig
from hgt_repurposing.graph.sources.source import GraphSource
from hgt_repurposing.graph.split import SplitConfig
from hgt_repurposing.repurposing.params import CandidateParams, ClassifierParams
from hgt_repurposing.storage.artifacts import UnreadableArtifactError
from hgt_repurposing.storage.catalog import PLACES, is_there, manifest_of
from hgt_repurposing.training.params import EmbeddingParams

SETTINGS: Mapping[str, type[BaseModel]] = {
    "knowledge_graph": GraphSource,
    "drug_disease_split": SplitConfig,
    "hetero_data": MessageGraphConfig,
    "embedding_params": EmbeddingParams,
    "repurposing_model": ClassifierParams,
    "repurposing_candidates": CandidateParams,
}
"""What each asset can be told; the others take no settings."""
SECTIONS = ("ops", "execution", "loggers", "resources")
"""Of a run configuration. Which executor and logger are named is looked at; their settings are Dagster's own affair."""
FROM_ENVIRONMENT = "env"
"""Key that stands for a value in the environment: `path: {env: HETIONET_DIR}`."""

IfBusy = Literal["stop", "wait"]
DATA_FOLDER: Any = Field(  # Any: what a field of any type is given
    "", description="data folder; empty: the environment variable HGT_REPURPOSING_DATA, which run.sh needs, else ./data"
)
IF_BUSY: Any = Field(
    "stop", description="what a run does while another one uses the data folder: stop, or wait for its end"
)


class StoreSettings(BaseModel, frozen=True, extra="forbid"):
    """What the resource `store` can be told."""

    data_folder: str = DATA_FOLDER
    if_busy: IfBusy = IF_BUSY


RESOURCES: Mapping[str, type[BaseModel]] = {"store": StoreSettings}


def one_sentence(error: ValidationError) -> str:
    """All complaints about a configuration, each with field, rule and value."""
    said = []
    for complaint in error.errors():
        field = ".".join(map(str, complaint["loc"]))
        message = complaint["msg"].removeprefix("Value error, ")
        said.append(f"{field}: {message} (got {shortened(complaint['input'])})" if field else message)
    return f"wrong configuration: {'; '.join(said)}"


class _Loader(yaml.SafeLoader):
    """YAML as people mean it: `1e-3` and `1.0e3` are numbers, `010` is ten, and no key stands twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002  (PyYAML's signature)
        """Any: what YAML holds."""
        seen = set()
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            if key.value in seen:
                raise yaml.MarkedYAMLError(problem=f"{key.value!r} stands there twice", problem_mark=key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep=deep)

    def construct_yaml_int(self, node: yaml.ScalarNode) -> int:
        """In base ten, whatever it begins with."""
        return int(node.value)


_Loader.yaml_implicit_resolvers = {
    first: [(tag, regexp) for tag, regexp in resolvers if not re.search(r":(timestamp|int|float)$", tag)]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"[-+]?[0-9]+$"), list("-+0123456789"))
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(
        r"(?:[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$"
    ),
    list("-+0123456789."),
)
_Loader.add_constructor("tag:yaml.org,2002:int", _Loader.construct_yaml_int)


def read_run_config(text: str) -> dict[str, Any]:
    """A run configuration from YAML. Any: what YAML holds.

    Raises:
        ValueError: If the text is no YAML, or configures nothing.
    """
    try:
        config = yaml.load(text, Loader=_Loader)  # noqa: S506  (a SafeLoader)
    except (yaml.YAMLError, RecursionError) as error:
        raise ValueError(f"it is not YAML: {' '.join(str(error).split())}") from error
    match config:
        case dict():
            return config
        case None:
            raise ValueError("it holds nothing: a run without a configuration would be one on the demo graph")
        case _:
            raise ValueError(f"it must hold the section 'ops' (got {shortened(config)})")


def complaints(config: Mapping[Any, Any], environment: Mapping[str, str] = os.environ) -> list[str]:
    """What is wrong with a run configuration, a sentence each; nothing if it will do. Any: what YAML holds.

    Args:
        config: As read from YAML.
        environment: Variables that the configuration may name.
    """
    found = list(_unknown(config, SECTIONS, "section"))
    found += [
        f"{name} holds nothing: remove it, or write its settings below it" for name in SECTIONS if _empty(config, name)
    ]
    assets, resources = config.get("ops") or {}, config.get("resources") or {}
    found += _group(assets, "ops", "asset", PLACES, SETTINGS, environment)
    found += _group(resources, "resources", "resource", ("store", "io_manager"), RESOURCES, environment)
    found += [*_execution(config.get("execution") or {}), *_loggers(config.get("loggers") or {})]
    return found or list(_together(config, environment))


def settings_of(asset: str, config: Mapping[str, Any], environment: Mapping[str, str] = os.environ) -> Any:
    """Settings of an asset, or of a resource, in a run configuration without complaints.

    Args:
        asset: One of SETTINGS or RESOURCES.
        config: A run configuration; what it does not set has its default. Any: what YAML holds.
        environment: Variables that the configuration may name.

    Returns:
        The asset's own model. Any: a different one per asset.
    """
    section, models = ("ops", SETTINGS) if asset in SETTINGS else ("resources", RESOURCES)
    given = ((config.get(section) or {}).get(asset) or {}).get("config") or {}
    resolved = _resolve(models[asset], given, environment)
    return models[asset].model_validate(resolved.values)


def _empty(config: Mapping[Any, Any], name: str) -> bool:
    return name in config and config[name] is None


def _execution(given: Any) -> Iterator[str]:
    """Any: what YAML holds."""
    executors = given.get("config", {"in_process": {}}) if isinstance(given, dict) else None
    one_of = isinstance(executors, dict) and len(executors) == 1 and set(executors) <= {"in_process", "multiprocess"}
    if not one_of or set(given) - {"config"}:
        yield f"execution must hold 'config' and below it one of in_process and multiprocess (got {shortened(given)})"


def _loggers(given: Any) -> Iterator[str]:
    """Any: what YAML holds."""
    console = given.get("console", {}) if isinstance(given, dict) and set(given) <= {"console"} else None
    if console not in ({}, {"config": {}}):
        yield f"loggers takes the name console alone, without settings (got {shortened(given)})"


def _group(
    given: Any,
    section: str,
    what: str,
    names: Iterable[str],
    models: Mapping[str, type[BaseModel]],
    environment: Mapping[str, str],
) -> Iterator[str]:
    """What is wrong with the assets, or the resources. Any: what YAML holds, here and below."""
    if not isinstance(given, dict):
        yield f"{section} must hold the names of {what}s (got {shortened(given)})"
        return
    known = list(names)
    yield from _unknown(given, known, what)
    for name in (name for name in known if name in given):
        yield from _one(name, given[name], models.get(name), environment)


def _one(name: str, given: Any, model: type[BaseModel] | None, environment: Mapping[str, str]) -> Iterator[str]:
    if not isinstance(given, dict) or set(given) - {"config"}:
        yield f"{name} must hold 'config' and below it the settings (got {shortened(given)})"
        return
    values = given.get("config", {})
    if values is None:
        yield f"{name}: config holds nothing: remove {name}, or write its settings below config"
    elif not isinstance(values, dict):
        yield f"{name}: config must hold settings (got {shortened(values)})"
    elif model is None:
        if values:
            yield f"{name} has no settings" + (": set data_folder of store" if name == "io_manager" else "")
    else:
        yield from (f"{name}: {complaint}" for complaint in _settings(model, values, environment))


def _settings(model: type[BaseModel], values: Mapping[Any, Any], environment: Mapping[str, str]) -> Iterator[str]:
    yield from _unknown(values, model.model_fields, "setting")
    resolved = _resolve(model, values, environment)
    yield from resolved.complaints
    try:
        model.model_validate(resolved.values, strict=True)
    except ValidationError as error:
        yield one_sentence(error)


class _Resolved(NamedTuple):
    values: dict[str, Any]
    """Any: what YAML holds, or what the environment does."""
    complaints: list[str]


def _resolve(model: type[BaseModel], given: Mapping[Any, Any], environment: Mapping[str, str]) -> _Resolved:
    """Put values of the environment where they are asked for; names that the model does not know are left out."""
    values, said = {}, []
    for name, value in given.items():
        if name not in model.model_fields:
            continue
        try:
            values[name] = _from_environment(value, model.model_fields[name].annotation, environment)
        except ValueError as error:
            said.append(f"{name} is read from the environment variable {error}")
    return _Resolved(values, said)


def _from_environment(value: Any, expected: Any, environment: Mapping[str, str]) -> Any:
    """The value itself, or what the environment holds for it. Any: what YAML holds; a type."""
    if get_origin(expected) in (Union, types.UnionType):
        expected = next(kind for kind in get_args(expected) if kind is not type(None))
    if isinstance(value, list) and get_origin(expected) is list:
        return [_from_environment(item, get_args(expected)[0], environment) for item in value]
    if not isinstance(value, dict) or set(value) != {FROM_ENVIRONMENT}:
        return value
    variable = str(value[FROM_ENVIRONMENT])
    text = environment.get(variable, "")
    if not text:
        raise ValueError(f"{variable}, which is not set")
    if expected is str:
        return text
    if expected is int and re.fullmatch(r"[-+]?[0-9]+", text):
        return int(text)
    if expected is bool and text.lower() in ("true", "false"):
        return text.lower() == "true"
    raise ValueError(f"{variable}, which can give text, whole numbers, true and false alone (got {text!r})")


def _together(config: Mapping[str, Any], environment: Mapping[str, str]) -> Iterator[str]:
    """What settings say about one another, each being right in itself."""
    folder = settings_of("store", config, environment).data_folder
    if folder and not Path(folder).expanduser().is_absolute():
        yield f"store: data_folder must be an absolute path (got {folder!r})"
    key = settings_of("hetero_data", config, environment).key
    split = settings_of("drug_disease_split", config, environment)
    for asset, setting, named in (
        ("knowledge_graph", "path", settings_of("knowledge_graph", config, environment).path),
        ("drug_disease_split", "external_pairs", split.external_pairs),
    ):
        if named and not Path(named).expanduser().is_absolute():
            yield f"{asset}: {setting} must be an absolute path, to mean the same for every process (got {named!r})"
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
            hint = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(names)}"
            yield f"there is no {what} {name!r}: {hint}"


def require_device(config: Mapping[str, Any]) -> None:
    """Refuse a device that is asked for by name and is not there; torch is loaded to see.

    Raises:
        ValueError: If there is no such device on this machine.
    """
    name = settings_of("embedding_params", config).device
    if name in ("cuda", "mps"):
        from hgt_repurposing.training.device import ComputeDevice

        ComputeDevice.pick(name)


def demo_over_another_graph(config: Mapping[str, Any], *, root: Path) -> None:
    """Refuse to replace results of a real graph by those of the invented one that nobody asked for.

    Raises:
        ValueError: If the configuration names no graph, and the data folder holds another than the demo.
    """
    asked: GraphSource = settings_of("knowledge_graph", config)
    if asked.source != "auto" or not is_there("knowledge_graph", root=root):
        return
    try:
        here = manifest_of("knowledge_graph", root=root).config.get("source", "auto")
    except UnreadableArtifactError:
        here = "unknown"
    if here not in ("auto", "synthetic"):
        raise ValueError(
            f"no graph is named, and the demo graph would replace what lies in {root} (source {here}): name source and "
            "path of knowledge_graph, or say source: synthetic, or choose another data folder"
        )
