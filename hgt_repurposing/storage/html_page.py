"""A page as it is stored: layer 6 makes it, and what stores it knows nothing of its making."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

PAGE = "repurposing_report.html"


@dataclass(frozen=True, eq=False)
class HtmlPage:
    """A page, and the pictures in it as files of their own."""

    html: str
    """Self-contained: styles and pictures inside, nothing loaded from elsewhere."""
    figures: Mapping[str, bytes]
    """PNG by file name."""

    def to_parts(self) -> dict[str, Any]:
        """What `artifacts.py` writes; the inverse of `from_parts`. Any: one of its part shapes."""
        return {PAGE: self.html, **self.figures}

    @classmethod
    def from_parts(cls, parts: Mapping[str, Any]) -> Self:
        """Inverse of `to_parts`."""
        return cls(parts[PAGE], {name: part for name, part in parts.items() if name != PAGE})
