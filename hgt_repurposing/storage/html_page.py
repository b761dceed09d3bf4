"""An HTML page as stored; layer 6 builds it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

PAGE = "repurposing_report.html"


@dataclass(frozen=True, eq=False)
class HtmlPage:
    """An HTML page, and its figures as separate files."""

    html: str
    """Self-contained: styles and figures are embedded, nothing is loaded from elsewhere."""
    figures: Mapping[str, bytes]
    """PNG by file name."""

    def to_parts(self) -> dict[str, Any]:
        """Parts for `artifacts.py`; the inverse of `from_parts`. Any: a value of one of its part formats."""
        return {PAGE: self.html, **self.figures}

    @classmethod
    def from_parts(cls, parts: Mapping[str, Any]) -> Self:
        """Inverse of `to_parts`."""
        return cls(parts[PAGE], {name: part for name, part in parts.items() if name != PAGE})
