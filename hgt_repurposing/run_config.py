"""Run configuration files: whether every name and value in them will do, before anything has run.

The steps check their own values when they begin, which may be hours after the first one did.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from hgt_repurposing.graph.message_graph import MessageGraphConfig
from hgt_repurposing.graph.sources.source import GraphSource
from hgt_repurposing.graph.split import SplitConfig
from hgt_repurposing.layout import PLACES
from hgt_repurposing.repurposing.params import CandidateParams, ClassifierParams
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
"""Of a run configuration; only the first is ours."""
FROM_ENVIRONMENT = "env"
"""Key that stands for a value in the environment: `path: {env: HETIONET_DIR}`."""


def one_sentence(error: ValidationError) -> str:
    """All complaints about a configuration, each with field, rule and value."""
    said = []
    for complaint in error.errors():
        field = ".".join(map(str, complaint["loc"]))
        message = complaint["msg"].removeprefix("Value error, ")
        said.append(f"{field}: {message} (got {complaint['input']!r})" if field else message)
    return f"wrong configuration: {'; '.join(said)}"


def complaints(text: str, environment: Mapping[str, str] = os.environ) -> list[str]:
    """What is wrong with a run configuration, a sentence each; nothing if it will do.

    Args:
        text: Content of the file, YAML.
        environment: Variables that the configuration may name.
    """
    try:
        config = yaml.safe_load(text)
    except yaml.YAMLError as error:
        return [f"it is not YAML: {' '.join(str(error).split())}"]
    return list(_sections(config, environment))


def _sections(config: Any, environment: Mapping[str, str]) -> Iterator[str]:
    """Any: what YAML holds, here and below."""
    if not isinstance(config, dict):
        yield f"it must hold the section 'ops' (got {config!r})"
        return
    yield from _unknown(config, SECTIONS, "section")
    assets = config.get("ops") or {}
    if not isinstance(assets, dict):
        yield f"ops must hold the names of assets (got {assets!r})"
        return
    yield from _unknown(assets, PLACES, "asset")
    for asset, given in assets.items():
        if given and asset in PLACES:
            yield from _asset(asset, given, environment)


def _asset(asset: str, given: Any, environment: Mapping[str, str]) -> Iterator[str]:
    values = (given["config"] or {}) if isinstance(given, dict) and set(given) == {"config"} else None
    if not isinstance(values, dict):
        yield f"{asset} must hold 'config' and below it the settings (got {given!r})"
        return
    if asset not in SETTINGS:
        yield f"{asset} has no settings"
        return
    model = SETTINGS[asset]
    yield from (f"{asset}: {unknown}" for unknown in _unknown(values, model.model_fields, "setting"))
    known = {name: value for name, value in values.items() if name in model.model_fields}
    for name, value in known.items():
        if isinstance(value, dict) and FROM_ENVIRONMENT in value:
            variable = str(value[FROM_ENVIRONMENT])
            known[name] = environment.get(variable, "")
            if not known[name]:
                yield f"{asset}: {name} is read from the environment variable {variable}, which is not set"
    try:
        model.model_validate(known)
    except ValidationError as error:
        yield f"{asset}: {one_sentence(error)}"


def _unknown(given: Mapping[Any, Any], known: Iterable[str], what: str) -> Iterator[str]:
    names = list(known)
    for name in given:
        if name not in names:
            close = get_close_matches(str(name), names, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(names)}"
            yield f"there is no {what} {name!r}: {hint}"
