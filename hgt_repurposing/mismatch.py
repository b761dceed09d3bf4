"""What does not belong together: something that was made from another input than it is used with."""

from collections.abc import Sequence


class MismatchError(ValueError):
    """Says what is wrong and names what is out of date; how that is made again, the caller knows best."""

    def __init__(self, reason: str, *, stale: Sequence[str]) -> None:
        super().__init__(reason)
        self.stale = tuple(stale)
        """Names of the artefacts to be made again, in this order."""
