"""Settings that take their value from an environment variable: `path: {env: HETIONET_DIR}`."""

import inspect
import re
import types
from collections.abc import Mapping
from typing import Annotated, Any, NamedTuple, Union, get_args, get_origin

from pydantic import BaseModel

FROM_ENVIRONMENT = "env"
"""Key that marks an environment variable."""


class Resolved(NamedTuple):
    """Settings with environment variables replaced by their values."""

    values: dict[str, Any]
    """Any: values from YAML or the environment."""
    complaints: list[str]


def resolve(model: type[BaseModel], given: Mapping[Any, Any], environment: Mapping[str, str]) -> Resolved:
    """Replace environment variables by their values; settings that the model does not have are left out."""
    values, said = {}, []
    for name, value in given.items():
        if name not in model.model_fields:
            continue
        try:
            values[name] = _from_environment(value, model.model_fields[name].annotation, environment)
        except ValueError as error:
            said.append(f"{name} is read from the environment variable {error}")
    return Resolved(values, said)


def _from_environment(value: Any, expected: Any, environment: Mapping[str, str]) -> Any:
    """The value itself, or that of the environment variable it names. Any: YAML values; a type."""
    kinds = _kinds(expected)
    if isinstance(value, list):
        items = next((get_args(kind)[0] for kind in kinds if get_origin(kind) is list), None)
        return value if items is None else [_from_environment(item, items, environment) for item in value]
    if not isinstance(value, dict):
        return value
    if set(value) != {FROM_ENVIRONMENT}:
        model = next((kind for kind in kinds if inspect.isclass(kind) and issubclass(kind, BaseModel)), None)
        fields = {} if model is None else model.model_fields
        return {
            name: _from_environment(inner, fields[name].annotation, environment) if name in fields else inner
            for name, inner in value.items()
        }
    expected = kinds[0]
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
    raise ValueError(f"{variable}, which can only give text, integers, true and false (got {text!r})")


def _kinds(expected: Any) -> list[Any]:
    """The types that a setting may have, null left out. Any: a type."""
    if get_origin(expected) is Annotated:
        return _kinds(get_args(expected)[0])
    if get_origin(expected) in (Union, types.UnionType):
        return [kind for part in get_args(expected) for kind in _kinds(part) if kind is not type(None)]
    return [expected]
