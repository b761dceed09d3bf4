"""What a graph is called and under which licence it is, for what is made from it."""

from collections.abc import Mapping
from typing import Any, NamedTuple

SEE_PUBLISHER = "see the publisher's licence (doi.org/10.7910/DVN/IXA7BM), and those of the resources in it"
NOT_SAID = "not stated"


class GraphTitle(NamedTuple):
    """Name and licence of a graph."""

    name: str
    licence: str


PUBLISHED: Mapping[str, GraphTitle] = {
    "hetionet": GraphTitle(
        "Hetionet",
        "Hetionet's own content is CC0; it integrates resources with licences of their own, some of them for "
        "non-commercial use (DrugBank CC BY-NC 4.0, SIDER CC BY-NC-SA 4.0): see github.com/hetio/hetionet",
    ),
    "primekg": GraphTitle("PrimeKG", SEE_PUBLISHER),
    "tables": GraphTitle("own tables", NOT_SAID),
    "synthetic": GraphTitle("generated demo graph", "made up by this package: no data of anyone"),
    "auto": GraphTitle("generated demo graph", "made up by this package: no data of anyone"),
}
"""By format. Hetionet's note is what its README says."""


def title_of(config: Mapping[str, Any]) -> GraphTitle:
    """The name and licence that are set, else those of the format.

    Args:
        config: Of the graph, as stored with it (Any: JSON values); empty if it is not known.
    """
    usual = PUBLISHED.get(str(config.get("source", "")), GraphTitle("graph without a name", NOT_SAID))
    return GraphTitle(str(config.get("name") or usual.name), str(config.get("licence") or usual.licence))
