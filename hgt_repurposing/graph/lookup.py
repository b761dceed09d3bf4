"""The node that a person means, by what they type: an id, a name, or part of a name."""

import unicodedata
from collections.abc import Sequence

import pandas as pd
from rapidfuzz import fuzz, process

from hgt_repurposing.graph.schema import NODE_ID, NODE_NAME, NODE_TYPE
from hgt_repurposing.graph.sources.matching import match_nodes

NUM_LISTED = 8
MIN_LIKENESS = 70.0
"""In percent; names that are less like what was typed are not suggested."""


def look_up(text: str, nodes: pd.DataFrame, *, what: str, more: str = "give an id") -> int:
    """The node that a text means: an id with or without its prefix, a name, or the only name that contains it.

    Case, accents and surrounding spaces do not count.

    Args:
        text: What was typed.
        nodes: Columns node_id, node_name.
        what: Kind of node, for errors, such as `disease`.
        more: What to do if a text means several.

    Returns:
        Its row.

    Raises:
        ValueError: If it means none, or several, which are then listed; or is empty.
    """
    asked = folded(text)
    if not asked:
        raise ValueError(f"no {what} was named: give an id, a name or a part of one")
    by_id = match_nodes([text.strip()], nodes, "ids")[0]
    if by_id.node >= 0:
        return by_id.node
    if by_id.reason.startswith("ambiguous"):
        same_id = [row for row, node_id in enumerate(nodes[NODE_ID]) if f":{folded(node_id)}".endswith(f":{asked}")]
        raise ValueError(f"{text!r} is the id of several {what}s: {_listed(same_id, nodes)}; {more}")
    names = [folded(name) for name in nodes[NODE_NAME]]
    same = [row for row, name in enumerate(names) if name == asked]
    found = same or [row for row, name in enumerate(names) if asked in name]
    if len(found) == 1:
        return found[0]
    if found:
        raise several(text, found, nodes, what=what, how="have the name" if same else "have names with", more=more)
    raise unknown(text, closest_names(asked, names), nodes, what=what)


def closest_names(asked: str, names: Sequence[str]) -> list[int]:
    """Indices of the names that are most like a text, the most like first; both as `folded` leaves them."""
    found = process.extract(asked, names, scorer=fuzz.WRatio, limit=3, score_cutoff=MIN_LIKENESS)
    return [index for _, _, index in found]


def several(
    text: str, found: Sequence[int], nodes: pd.DataFrame, *, what: str, how: str, more: str = "give an id"
) -> ValueError:
    """The error for a text that means several nodes."""
    return ValueError(f"{len(found)} {what}s {how} {text!r}: {_listed(found, nodes)}; {more}")


def unknown(text: str, close: Sequence[int], nodes: pd.DataFrame, *, what: str) -> ValueError:
    """The error for a text that means no node, with what may have been meant."""
    meant = f"; did you mean {_listed(close, nodes)}?" if close else ""
    return ValueError(f"no {what} has the id or name {text!r}{meant}")


def folded(text: str) -> str:
    """A text without case, accents and repeated spaces."""
    apart = unicodedata.normalize("NFKD", text)
    return " ".join("".join(letter for letter in apart if not unicodedata.combining(letter)).casefold().split())


def _listed(rows: Sequence[int], nodes: pd.DataFrame) -> str:
    chosen = nodes.iloc[list(rows[:NUM_LISTED])]
    types = [f", {node_type}" for node_type in chosen[NODE_TYPE]] if NODE_TYPE in chosen else [""] * len(chosen)
    called = zip(chosen[NODE_NAME], chosen[NODE_ID], types, strict=True)
    said = [f"{name} ({node_id}{node_type})" for name, node_id, node_type in called]
    rest = [f"and {len(rows) - NUM_LISTED} more"] if len(rows) > NUM_LISTED else []
    return ", ".join([*said, *rest])
