"""Templates, filled in: all text is escaped, and a name that is missing is an error."""

from functools import cache
from importlib.resources import files
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined

from hgt_repurposing.explorer.drawing import interval
from hgt_repurposing.report.export import FOR_RESEARCH
from hgt_repurposing.report.wording import percent, share_below, shown


def render(template: str, **values: Any) -> str:
    """A page. Any: what the template names."""
    return _environment().get_template(template).render(**values)


@cache
def style_sheet() -> str:
    """The one style sheet."""
    return (files("hgt_repurposing.explorer") / "templates" / "style.css").read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    """Made once: compiling templates takes longer than filling them in."""
    environment = Environment(
        loader=PackageLoader("hgt_repurposing.explorer"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {
        "percent": percent,
        "shown": shown,
        "share_below": share_below,
        "interval": interval,
        "address": address,
        "for_research": FOR_RESEARCH,
    }
    return environment


def address(path: str, **query: str) -> str:
    """A link within the explorer."""
    return f"{path}?{urlencode(query)}" if query else path
