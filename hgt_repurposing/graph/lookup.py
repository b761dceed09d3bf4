"""The node that a person means, by what they type: an id, a name, or part of a name."""

import unicodedata
from collections.abc import Sequence

import pandas as pd

from hgt_repurposing.graph.schema import NODE_ID, NODE_NAME
from hgt_repurposing.graph.sources.closest import closest_texts
from hgt_repurposing.graph.sources.matching import match_nodes

NUM_LISTED = 8


def look_up(text: str, nodes: pd.DataFrame, *, what: str) -> int:
    """The node that a text means: an id with or without its prefix, a name, or the only name that contains it.

    Case, accents and surrounding spaces do not count.

    Args:
        text: What was typed.
        nodes: Columns node_id, node_name.
        what: Kind of node, for errors, such as `disease`.

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
    names = [folded(name) for name in nodes[NODE_NAME]]
    same = [row for row, name in enumerate(names) if name == asked]
    found = same or [row for row, name in enumerate(names) if asked in name]
    if len(found) == 1:
        return found[0]
    if found:
        raise several(text, found, nodes, what=what, how="have the name" if same else "have names with")
    written = {name: row for row, name in reversed(list(enumerate(names)))}
    raise unknown(text, [written[name] for name in closest_texts([asked], list(written))[0]], nodes, what=what)


def several(text: str, found: Sequence[int], nodes: pd.DataFrame, *, what: str, how: str) -> ValueError:
    """The error for a text that means several nodes."""
    return ValueError(f"{len(found)} {what}s {how} {text!r}: {_listed(found, nodes)}; give an id")


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
    said = [f"{name} ({node_id})" for name, node_id in zip(chosen[NODE_NAME], chosen[NODE_ID], strict=True)]
    more = [f"and {len(rows) - NUM_LISTED} more"] if len(rows) > NUM_LISTED else []
    return ", ".join([*said, *more])
