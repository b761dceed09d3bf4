"""Configurations from YAML, without its surprising readings of numbers and repeated keys."""

import re
from reprlib import repr as shortened
from typing import Any

import yaml


class _Loader(yaml.SafeLoader):
    """YAML as people mean it: `1e-3` and `1.0e3` are numbers, `010` is ten, and repeated keys are errors."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002  (PyYAML's signature)
        """Any: YAML values."""
        seen = set()
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            if key.value in seen:
                raise yaml.MarkedYAMLError(problem=f"{key.value!r} is given twice", problem_mark=key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep=deep)

    def construct_yaml_int(self, node: yaml.ScalarNode) -> int:
        """In base ten, even with leading zeros."""
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


def read_yaml(text: str) -> Any:
    """The value of a YAML text; None for an empty one. Any: YAML values.

    Raises:
        ValueError: If the text is not YAML.
    """
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506  (a SafeLoader)
    except (yaml.YAMLError, RecursionError) as error:
        raise ValueError(f"it is not YAML: {' '.join(str(error).split())}") from error


def read_run_config(text: str) -> dict[str, Any]:
    """A run configuration from YAML. Any: YAML values.

    Raises:
        ValueError: If the text is not YAML, or is empty.
    """
    config = read_yaml(text)
    match config:
        case dict():
            return config
        case None:
            raise ValueError("it is empty: a run without a configuration would use the demo graph")
        case _:
            raise ValueError(f"it must contain the section 'ops' (got {shortened(config)})")
