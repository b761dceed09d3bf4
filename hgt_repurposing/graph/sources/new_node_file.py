"""Read descriptions of many new drugs or diseases: the columns name, what and node, a row for each link."""

from pathlib import Path

from hgt_repurposing.graph.new_node_links import Described
from hgt_repurposing.graph.sources.text_columns import read_text_columns

COLUMNS = ("name", "what", "node")


def read_described(path: Path) -> list[Described]:
    """The new nodes of a file, in the order of their first rows.

    Args:
        path: A delimited file or Parquet; `what` is as in `Described.named`, `node` an id or a name.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is empty, malformed, or lacks a column or a value.
    """
    table = read_text_columns(path, COLUMNS).columns.astype("str")
    return [
        Described(str(name), {str(what): links["node"].tolist() for what, links in rows.groupby("what", sort=False)})
        for name, rows in table.groupby("name", sort=False)
    ]
