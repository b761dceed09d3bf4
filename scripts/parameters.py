"""The reference of all run configuration settings, made from the models that check them.

python scripts/parameters.py           # writes docs/reference/parameters.md
python scripts/parameters.py --check   # fails if that file is not up to date
"""

import argparse
import json
import sys
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt, MinLen
from pydantic.fields import FieldInfo

from hgt_repurposing.defs.run_config import RESOURCES, SETTINGS

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "parameters.md"
HEAD = """\
# Parameters

Made by `scripts/parameters.py` from the models that check a run configuration; do not edit it by hand.

A run configuration is a YAML file. Every setting stands below its asset, and what is not given has its default:

```yaml
ops:
  embedding_params:
    config:
      num_epochs: 100
      device: cpu
resources:
  store:
    config:
      if_busy: wait
```

`hgt-repurposing check FILE` reports unknown or invalid settings before anything runs. The shipped files in
`hgt_repurposing/configs/` are starting points. What settings cost in time and memory is in
[Memory and time](../how-to/memory.md).
"""


def main(arguments: list[str] | None = None) -> int:
    """Run the script; returns its exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--check", action="store_true", help="compare with the file instead of writing it")
    options = parser.parse_args(arguments)
    page = parameters_page()
    if not options.check:
        PAGE.write_text(page, encoding="utf-8")
        return 0
    if PAGE.read_text(encoding="utf-8") == page:
        return 0
    print(f"{PAGE} is out of date: run python scripts/parameters.py", file=sys.stderr)
    return 1


def parameters_page() -> str:
    """The whole page."""
    parts = [HEAD]
    for section, models in (("ops", SETTINGS), ("resources", RESOURCES)):
        for name, model in models.items():
            rows = [_row(field, info) for field, info in model.model_fields.items()]
            doc = (model.__doc__ or "").splitlines()[0]
            table = ["| setting | default | values | meaning |", "| --- | --- | --- | --- |", *rows]
            parts.append("\n".join([f"## `{section}: {name}`", "", doc, "", *table, ""]))
    return "\n".join(parts)


def _row(name: str, info: FieldInfo) -> str:
    default = info.get_default(call_default_factory=True)
    cells = (f"`{name}`", f"`{_as_yaml(default)}`", _values(info), (info.description or "").replace("|", "\\|"))
    return f"| {' | '.join(cells)} |"


def _as_yaml(value: Any) -> str:  # Any: what a setting may be
    """A default as it would be written in a configuration."""
    return value if isinstance(value, str) and value else json.dumps(value)


def _values(info: FieldInfo) -> str:
    """Type, choices and bounds in words."""
    bounds = [
        f"{sign} {getattr(rule, key)}"
        for rule in info.metadata
        for kind, key, sign in ((Ge, "ge", ">="), (Gt, "gt", ">"), (Le, "le", "<="), (Lt, "lt", "<"))
        if isinstance(rule, kind)
    ]
    filled = ["not empty"] if any(isinstance(rule, MinLen) for rule in info.metadata) else []
    return ", ".join([_type_in_words(info.annotation), *bounds, *filled])


def _type_in_words(annotation: Any) -> str:  # Any: a type as pydantic keeps it
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return " or ".join(f"`{choice}`" for choice in inner)
    if origin in (Union, UnionType):
        return " or ".join("`null`" if part is NoneType else _type_in_words(part) for part in inner)
    if origin in (list, tuple):
        return f"list of {_type_in_words(inner[0])}"
    return {int: "whole number", float: "number", str: "text", bool: "`true` or `false`"}[annotation]


if __name__ == "__main__":
    sys.exit(main())
