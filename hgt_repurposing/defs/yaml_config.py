"""Run configurations from YAML, which holds surprises that nobody means."""

import re
from reprlib import repr as shortened
from typing import Any

import yaml


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
