r"""Clean the values of a table: trim white space, reject control characters.

White space is every Unicode separator or format character, including non-breaking and zero-width spaces and the byte
order mark. A value that is blank after trimming is missing. Only the categories of a column are inspected, which are
few, never its rows.
"""

import logging
import re
import unicodedata
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from hgt_repurposing.graph.schema import BoolArray

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_ENCLOSED = re.compile(r'"((?:[^"]|"")*)"')

_ODD = r"\p{Cc}|^[\p{Z}\p{Cf}]|[\p{Z}\p{Cf}]$|^$"
"""Matches every value that may need cleaning, in one pass (RE2)."""
_ODD_OR_QUOTED = rf'{_ODD}|^"'

_logger = logging.getLogger(__name__)


def cleaned(table: pd.DataFrame, *, file: Path, first_row: int, unquote: bool = False) -> pd.DataFrame:
    """Trim the values of every column; the number of trimmed values is logged once per column.

    Args:
        table: Categoricals of text. A missing value stays missing.
        file: Where the table comes from, for messages.
        first_row: Row number of its first row in the file.
        unquote: Whether to remove a pair of quotes that encloses a value, as in CSV.

    Raises:
        ValueError: If a value holds a line break or another control character.
    """
    return pd.DataFrame(
        {
            str(name): _cleaned(table[name], file=file, first_row=first_row, unquote=unquote)
            for name in table  # of one length, hence of one index
        },
        copy=False,
    )


def trimmed(text: str) -> str:
    """The text without the white space around it."""
    start, stop = 0, len(text)
    while start < stop and _is_space(text[start]):
        start += 1
    while stop > start and _is_space(text[stop - 1]):
        stop -= 1
    return text[start:stop]


def unquoted(text: str) -> str:
    """Remove enclosing quotes and undouble quotes within; text that is not fully enclosed is returned unchanged."""
    enclosed = _ENCLOSED.fullmatch(text)
    return enclosed[1].replace('""', '"') if enclosed else text


def first_row_where(offending: BoolArray, first_row: int) -> int:
    """Row number of the first offending row."""
    return int(offending.argmax()) + first_row


def _is_space(letter: str) -> bool:
    return letter.isspace() or unicodedata.category(letter) == "Cf"


def _cleaned(values: "pd.Series[str]", *, file: Path, first_row: int, unquote: bool) -> "pd.Series[str]":
    categories = values.cat.categories
    texts = pa.array(categories.to_numpy(dtype=object), type=pa.string())
    odd = np.flatnonzero(np.asarray(pc.match_substring_regex(texts, _ODD_OR_QUOTED if unquote else _ODD)))
    if not len(odd):
        return values
    codes = values.cat.codes.to_numpy()
    new, spaced, controlled = categories.tolist(), [], []
    for code in odd.tolist():
        bare = trimmed(new[code])
        inner = trimmed(unquoted(bare)) if unquote else bare
        if len(bare) < len(new[code]) or (unquote and inner != unquoted(bare)):
            spaced.append(code)
        new[code] = inner
        if _CONTROL.search(inner):
            controlled.append(code)
    if controlled:
        position = int(np.isin(codes, controlled).argmax())
        raise ValueError(f"{file}: row {position + first_row} {_control(new[codes[position]], str(values.name))}")
    if spaced:
        count = int(np.isin(codes, spaced).sum())
        what = "value" if count == 1 else "values"
        _logger.warning("%s: trimmed white space around %d %s of %r", file, count, what, values.name)
    return _recoded(values, codes, new)


def _control(value: str, column: str) -> str:
    if "\n" in value or "\r" in value:
        return f"has a line break in column {column!r}: was a quote left open?"
    found = _CONTROL.search(value)
    assert found, "called only for values with a control character"
    return f"has the control character U+{ord(found[0]):04X} in column {column!r} ({value[:40]!r})"


def _recoded(values: "pd.Series[str]", codes: npt.NDArray[np.integer], new: list[str]) -> "pd.Series[str]":
    """Replace the texts of the categories: equal ones are merged, blank ones become missing."""
    number: dict[str, int] = {}
    place = [number.setdefault(text, len(number)) if text else -1 for text in new]
    categories = pd.Index(list(number), dtype=values.cat.categories.dtype)
    renumbered = np.array([*place, -1], dtype=np.int32)[codes]  # code -1 (missing) indexes the last
    return pd.Series(pd.Categorical.from_codes(renumbered, categories=categories), index=values.index, name=values.name)
