"""The error for artefacts that do not belong together, as one was made from another input."""

from collections.abc import Sequence


class MismatchError(ValueError):
    """States the problem and the outdated artefacts; the caller adds how to rebuild them."""

    def __init__(self, reason: str, *, stale: Sequence[str]) -> None:
        super().__init__(reason)
        self.stale = tuple(stale)
        """Names of the artefacts to rebuild, in this order."""
