"""Which of many texts are most like a given one: what somebody may have meant by an unknown id."""

from collections import Counter
from collections.abc import Sequence
from difflib import SequenceMatcher
from itertools import pairwise

import numpy as np
from scipy.sparse import csr_array

from hgt_repurposing.graph.schema import IntArray

_SHORTLIST = 20
"""Texts with the most pairs of letters in common, which are then compared letter by letter."""
_BLOCK = 256


def closest_texts(texts: Sequence[str], among: Sequence[str], *, number: int = 3) -> list[tuple[str, ...]]:
    """The closest of `among` for each text, best first, ignoring case; ties in alphabetical order.

    To compare each text with all others letter by letter would take minutes for a thousand unknown ids of a large
    graph, so the candidates are those that share most pairs of letters (Dice coefficient).

    Args:
        texts: What was written.
        among: What there is, distinct.
        number: How many to return; fewer if fewer share a pair of letters, so possibly none.
    """
    if not (texts and among):
        return [() for _ in texts]
    ordered = sorted(among)
    vocabulary: dict[str, int] = {}
    there, asked = (_pairs_of_letters(part, vocabulary) for part in (ordered, texts))
    known = csr_array(there, shape=(len(ordered), len(vocabulary))).T.tocsr()
    wanted = csr_array(asked, shape=(len(texts), len(vocabulary)))
    length = np.array([len(text) + 1 for text in ordered])
    found = []
    for start in range(0, len(texts), _BLOCK):
        shared = (wanted[start : start + _BLOCK] @ known).toarray()
        for text, row in zip(texts[start : start + _BLOCK], shared, strict=True):
            dice = row / (length + len(text) + 1)
            best = np.argsort(-dice, kind="stable")[:_SHORTLIST]
            found.append(_ranked(text, [ordered[index] for index in best if row[index]])[:number])
    return found


def _ranked(text: str, candidates: Sequence[str]) -> tuple[str, ...]:
    def distance(other: str) -> tuple[float, str]:
        return -SequenceMatcher(None, other.casefold(), text.casefold(), autojunk=False).ratio(), other

    return tuple(sorted(candidates, key=distance))


def _pairs_of_letters(texts: Sequence[str], vocabulary: dict[str, int]) -> tuple[IntArray, tuple[IntArray, IntArray]]:
    """Number of times each pair of letters occurs in each text, as a sparse table; begin and end count as letters.

    Args:
        texts: Texts.
        vocabulary: Column of each pair; new ones are added.
    """
    counts, rows, columns = [], [], []
    for row, text in enumerate(texts):
        for pair, count in Counter(map("".join, pairwise(f"\n{text.casefold()}\n"))).items():
            counts.append(count)
            rows.append(row)
            columns.append(vocabulary.setdefault(pair, len(vocabulary)))
    return np.array(counts), (np.array(rows), np.array(columns))
