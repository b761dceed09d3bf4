"""Which of many texts are most like a given one: what somebody may have meant by an unknown id or name."""

from collections.abc import Sequence

from rapidfuzz import fuzz, process

_MIN_LIKENESS = 1.0
"""In percent: whatever shares a letter in some order."""


def closest_texts(texts: Sequence[str], among: Sequence[str], *, number: int = 3) -> list[tuple[str, ...]]:
    """The closest of `among` for each text, best first, ignoring case; ties in alphabetical order.

    Args:
        texts: What was written.
        among: What there is, distinct.
        number: How many to return; fewer if fewer share a letter, so possibly none.
    """
    ordered = sorted(among)
    folded = [text.casefold() for text in ordered]
    return [
        tuple(
            ordered[index]
            for _, _, index in process.extract(
                text.casefold(), folded, scorer=fuzz.ratio, limit=number, score_cutoff=_MIN_LIKENESS
            )
        )
        for text in texts
    ]
