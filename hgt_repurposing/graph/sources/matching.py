"""Which node of a graph an id or a name of another file means.

Ids may carry prefixes on either side: `DB00843` is the node `Compound::DB00843`, and `MONDO:0005148` the node
`0005148`. Two ids whose prefixes differ never match: `DOID:1612` and `MONDO:1612` are two diseases. What fits several
nodes of the type is not guessed at.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

import pandas as pd

from hgt_repurposing.graph.external_pairs import NUM_CLOSEST
from hgt_repurposing.graph.schema import NODE_ID, NODE_NAME
from hgt_repurposing.graph.sources.closest import closest_texts

Way = Literal["exact", "without the graph's prefix", "without the file's prefix", "but for case"]
"""How a text and a node fit together."""
WAYS: tuple[Way, ...] = ("exact", "without the graph's prefix", "without the file's prefix", "but for case")
"""In the order in which they are tried."""
IS_NAME = "is a name of the graph, not an id"
"""Why a name among ids means no node."""

_SEPARATOR = re.compile(r":+")


class Match(NamedTuple):
    """The node that a text means, or why there is none."""

    node: int = -1
    """Local index; -1 if there is none."""
    way: Way = "exact"
    reason: str = ""
    """Why there is no node; empty if there is one."""
    closest: tuple[str, ...] = ()
    """What may have been meant, best first; empty if there is a node."""


class _Step(NamedTuple):
    """One attempt: what a node is called, and under which of these a text is looked up."""

    way: Way
    nodes: Mapping[str, list[int]]
    keys: Callable[[str], Iterable[str]]
    several: str
    """Why a text fits several nodes."""


def match_nodes(
    values: Sequence[str], nodes: pd.DataFrame, by: Literal["ids", "names"], *, suggest: bool = True
) -> list[Match]:
    """The node that each text means, if exactly one does.

    Ids are compared as they are, then without a prefix of the graph's, then without one of the text's, then all of
    these ignoring case; names as they are, then ignoring case. A prefix ends in one or more colons.

    Args:
        values: Distinct ids or names.
        nodes: Node table of one type; its row numbers are the local indices.
        by: Whether the texts are ids or names.
        suggest: Whether to look for what may have been meant, which takes long for many unknown texts.
    """
    written = nodes[NODE_ID if by == "ids" else NODE_NAME].astype("str").tolist()
    steps = list(_steps(written) if by == "ids" else _name_steps(written))
    found = [_match(value, steps, written) for value in values]
    unknown = [place for place, match in enumerate(found) if match.node < 0 and not match.closest]
    texts = [values[place] for place in unknown]
    others = closest_texts(texts, sorted(set(written)), number=NUM_CLOSEST) if suggest else [()] * len(texts)
    names = _numbered((name, row) for row, name in enumerate(nodes[NODE_NAME].astype("str"))) if by == "ids" else {}
    for place, closest in zip(unknown, others, strict=True):
        called = [written[row] for row in names.get(values[place], ())]
        reason = IS_NAME if called else f"no such {by[:-1]} in the graph"
        found[place] = Match(reason=reason, closest=tuple(called[:NUM_CLOSEST]) or closest)
    return found


def _match(value: str, steps: Iterable[_Step], written: Sequence[str]) -> Match:
    for step in steps:
        for key in step.keys(value):
            rows = step.nodes.get(key, ())
            if len(rows) == 1:
                return Match(rows[0], step.way)
            if rows:
                called = tuple(written[row] for row in rows[:NUM_CLOSEST])
                return Match(reason=f"ambiguous: {len(rows)} {step.several}", closest=called)
    return Match()


def _steps(ids: Sequence[str]) -> Iterator[_Step]:
    whole = _numbered((node_id, row) for row, node_id in enumerate(ids))
    bare = _numbered((end, row) for row, node_id in enumerate(ids) for end in _without_prefix(node_id))
    yield _Step("exact", whole, lambda value: (value,), "nodes of the graph have this id")
    yield _Step("without the graph's prefix", bare, lambda value: (value,), "ids of the graph end in it")
    yield _Step("without the file's prefix", whole, _without_prefix, "ids of the graph are its end")
    whole, bare = _folded(whole), _folded(bare)
    yield _Step(
        "but for case", whole, lambda value: (value.casefold(),), "ids of the graph differ from it in case only"
    )
    yield _Step("but for case", bare, lambda value: (value.casefold(),), "ids of the graph end in it but for case")
    yield _Step(
        "but for case",
        whole,
        lambda value: _without_prefix(value.casefold()),
        "ids of the graph are its end but for case",
    )


def _name_steps(names: Sequence[str]) -> Iterator[_Step]:
    whole = _numbered((name, row) for row, name in enumerate(names))
    yield _Step("exact", whole, lambda value: (value,), "nodes of the graph have this name")
    yield _Step(
        "but for case",
        _folded(whole),
        lambda value: (value.casefold(),),
        "nodes of the graph have this name but for case",
    )


def _without_prefix(node_id: str) -> Iterator[str]:
    """What follows each separator, the longest first; nothing if there is no separator."""
    for separator in _SEPARATOR.finditer(node_id):
        if separator.end() < len(node_id):
            yield node_id[separator.end() :]


def _numbered(called: Iterable[tuple[str, int]]) -> Mapping[str, list[int]]:
    found = defaultdict[str, list[int]](list)
    for text, row in called:
        found[text].append(row)
    return dict(found)


def _folded(nodes: Mapping[str, list[int]]) -> Mapping[str, list[int]]:
    """The same, ignoring case."""
    return _numbered((text.casefold(), row) for text, rows in nodes.items() for row in rows)
