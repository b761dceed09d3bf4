"""Every node that a person may mean by what they type, the likeliest first.

As `lookup.py`, for many questions about the same nodes.
"""

from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from hgt_repurposing.graph.lookup import closest_names, folded, several, unknown
from hgt_repurposing.graph.schema import NODE_ID, NODE_NAME


@dataclass(frozen=True, eq=False)
class NodeSearch:
    """Finds nodes of one kind; what is compared is prepared once."""

    nodes: pd.DataFrame
    """Columns node_id, node_name."""

    def find(self, text: str) -> list[int]:
        """Rows whose id or name contains a text: equal ones first, then names that begin with it, then the others.

        Case, accents and surrounding spaces do not count; none for an empty text.
        """
        asked = folded(text)
        if not asked:
            return []
        found = [
            (_place(asked, name, node_id), len(name), row)
            for row, (name, node_id) in enumerate(self._folded)
            if asked in name or asked in node_id
        ]
        return [row for _, _, row in sorted(found)]

    def one(self, text: str, *, what: str) -> int:
        """The row of the only node that a text fits best: by its id or name, or by containing it.

        Args:
            text: What was typed.
            what: Kind of node, for errors, such as `disease`.

        Raises:
            ValueError: If there is none, or several, which are then listed.
        """
        found = self.find(text)
        same = [row for row in found if folded(text) in self._folded[row]]
        if len(same or found) == 1:
            return (same or found)[0]
        if found:
            how = "have the name" if same else "have names or ids with"
            raise several(text, same or found, self.nodes, what=what, how=how)
        raise unknown(text, self.closest(text), self.nodes, what=what)

    def closest(self, text: str) -> list[int]:
        """Rows of the names that are most like a text."""
        asked = folded(text)
        return closest_names(asked, [name for name, _ in self._folded]) if asked else []

    @cached_property
    def _folded(self) -> list[tuple[str, str]]:
        """Name and id of every node."""
        columns = (self.nodes[column].astype("str").tolist() for column in (NODE_NAME, NODE_ID))
        return [(folded(name), folded(node_id)) for name, node_id in zip(*columns, strict=True)]


def _place(asked: str, name: str, node_id: str) -> int:
    """How well a node fits; smaller is better."""
    if asked in (name, node_id):
        return 0
    if name.startswith(asked):
        return 1
    return 2 if f" {asked}" in name else 3
