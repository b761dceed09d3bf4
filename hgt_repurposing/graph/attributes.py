"""Attributes of nodes, such as approved or ATC class: further columns of a node table, and what is chosen by them.

Attributes lie in a table of their own, one row for each value, so that a node may have several values or none. Nothing
is learned from them: they only choose which drugs and diseases are listed.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from hgt_repurposing.graph.naming import did_you_mean, listed_names
from hgt_repurposing.graph.schema import NODE_COLUMNS, NODE_ID, NODE_TYPE, BoolArray

ATTRIBUTE, VALUE = "attribute", "value"
ATTRIBUTE_COLUMNS = (NODE_TYPE, NODE_ID, ATTRIBUTE, VALUE)
SOURCE = "source"
"""The attribute that says from which vocabulary a node's id is, such as MONDO."""
ANY_ENDING = "*"
"""At the end of a value: every value that begins like this, as `A10*` for a class of the ATC."""
VALUES_LISTED = 12


def no_attributes() -> pd.DataFrame:
    """A table of attributes without rows."""
    return attribute_table(pd.DataFrame({column: pd.Series([], dtype="str") for column in ATTRIBUTE_COLUMNS}))


def attributes_of(nodes: pd.DataFrame, *, separator: str = "") -> pd.DataFrame:
    """The further columns of a node table as a table of attributes.

    Args:
        nodes: Columns node_type, node_id and any others. A missing value is none; rows of one node add up.
        separator: Separates several values in one cell; empty: a cell is one value.

    Returns:
        ATTRIBUTE_COLUMNS as categoricals, sorted and without repetition.
    """
    found = [no_attributes()]
    for name in nodes.columns:
        if name in NODE_COLUMNS:
            continue
        rows = nodes.loc[nodes[name].notna(), [NODE_TYPE, NODE_ID, name]].astype("str")
        if separator:
            rows = rows.assign(**{name: rows[name].str.split(separator, regex=False)}).explode(name)
            rows[name] = rows[name].str.strip()
            rows = rows[rows[name] != ""]
        found.append(rows.rename(columns={name: VALUE}).assign(**{ATTRIBUTE: str(name)})[list(ATTRIBUTE_COLUMNS)])
    return attribute_table(pd.concat([table.astype("str") for table in found]))


def with_attributes(attributes: pd.DataFrame, more: pd.DataFrame, *, source: str) -> pd.DataFrame:
    """Both tables of attributes as one.

    Args:
        attributes: ATTRIBUTE_COLUMNS.
        more: ATTRIBUTE_COLUMNS.
        source: Where `more` comes from, for errors.

    Raises:
        ValueError: If both have an attribute of one name.
    """
    both = sorted(set(names_of(attributes)) & set(names_of(more)))
    if both:
        raise ValueError(
            f"{source}: the graph already has the attribute {both[0]!r}: rename or remove the column in one of the two"
        )
    return attribute_table(pd.concat([table.astype("str") for table in (attributes, more)]))


def of_type(attributes: pd.DataFrame, node_type: str) -> pd.DataFrame:
    """The rows of one node type."""
    return attributes[attributes[NODE_TYPE] == node_type]


def names_of(attributes: pd.DataFrame) -> list[str]:
    """Names of the attributes, sorted."""
    return sorted(map(str, attributes[ATTRIBUTE].unique()))


def values_of(attributes: pd.DataFrame, name: str) -> dict[str, int]:
    """Values of an attribute, sorted, with the number of nodes that have each."""
    counts = attributes.loc[attributes[ATTRIBUTE] == name, VALUE].astype("str").value_counts()
    return {str(value): int(counts[value]) for value in sorted(counts.index)}


def attributes_by_id(attributes: pd.DataFrame) -> dict[str, dict[str, str]]:
    """Attributes of every node of one type that has some: by id, name to value; several values are separated by `; `.

    Args:
        attributes: ATTRIBUTE_COLUMNS of one node type.
    """
    found: dict[str, dict[str, str]] = {}
    rows = attributes[[NODE_ID, ATTRIBUTE, VALUE]].astype("str")
    for node_id, name, value in rows.itertuples(index=False, name=None):
        of_node = found.setdefault(node_id, {})
        of_node[name] = f"{of_node[name]}; {value}" if name in of_node else value
    return found


class Chosen(NamedTuple):
    """Which nodes have the values that are asked for."""

    passes: BoolArray
    """True for nodes that have one of the values of every attribute. Shape [num_nodes]."""
    num_without: Mapping[str, int]
    """Nodes without any value, by attribute; they do not pass."""


def choose(ids: Sequence[str], attributes: pd.DataFrame, wanted: Mapping[str, Collection[str]], *, what: str) -> Chosen:
    """Which nodes have one of the wanted values of every attribute that is named.

    Args:
        ids: Of nodes of one type.
        attributes: ATTRIBUTE_COLUMNS of that type.
        wanted: Values by attribute; one that ends in `*` stands for all values that begin like it.
        what: Kind of node, for errors, such as `drug`.

    Raises:
        ValueError: If there is no such attribute, or no node has such a value; it is said which there are.
    """
    passes, num_without = np.ones(len(ids), dtype=np.bool_), {}
    there = names_of(attributes)
    for name, values in wanted.items():
        if name not in there:
            known = f"; attributes of {what}s: {listed_names(there)}" if there else f": no {what} has an attribute"
            raise ValueError(f"{what}s have no attribute {name!r}{did_you_mean(name, there)}{known}")
        rows = attributes[attributes[ATTRIBUTE] == name]
        meant = {found for value in values for found in _meant(value, values_of(attributes, name), name, what)}
        passes &= np.isin(ids, rows.loc[rows[VALUE].isin(meant), NODE_ID].astype("str").unique())
        num_without[name] = int((~np.isin(ids, rows[NODE_ID].astype("str").unique())).sum())
    return Chosen(passes, num_without)


def _meant(value: str, there: Mapping[str, int], name: str, what: str) -> list[str]:
    """The values of an attribute that a text stands for.

    Raises:
        ValueError: If there is none.
    """
    if value in there:
        return [value]
    beginning = value.removesuffix(ANY_ENDING)
    found = [known for known in there if known.startswith(beginning)] if value.endswith(ANY_ENDING) else []
    if not found:
        listed = listed_names(list(there)[:VALUES_LISTED])
        more = f" and {len(there) - VALUES_LISTED} more" if len(there) > VALUES_LISTED else ""
        raise ValueError(f"no {what} has {value!r} as {name}{did_you_mean(value, there)}; values found: {listed}{more}")
    return found


def attribute_table(attributes: pd.DataFrame) -> pd.DataFrame:
    """Sorted, each row once, as categoricals whose categories are sorted: the order of a source does not matter.

    Args:
        attributes: ATTRIBUTE_COLUMNS as text.
    """
    table = attributes.drop_duplicates().sort_values([NODE_TYPE, ATTRIBUTE, NODE_ID, VALUE], kind="stable")
    return table.reset_index(drop=True).astype("category")[list(ATTRIBUTE_COLUMNS)]
