"""Relations in words, where a graph's own names are abbreviations: what people read in explanations.

Names of a graph stay what they are everywhere else: in configurations, features and files.
"""

from collections.abc import Mapping

_HETIONET: Mapping[str, str] = {
    "AdG": "downregulates",
    "AeG": "expresses",
    "AuG": "upregulates",
    "CbG": "binds",
    "CcSE": "causes",
    "CdG": "downregulates",
    "CpD": "palliates",
    "CrC": "resembles",
    "CtD": "treats",
    "CuG": "upregulates",
    "DaG": "is associated with",
    "DdG": "downregulates",
    "DlA": "is localised in",
    "DpS": "presents",
    "DrD": "resembles",
    "DuG": "upregulates",
    "GcG": "covaries with",
    "GiG": "interacts with",
    "GpBP": "participates in",
    "GpCC": "participates in",
    "GpMF": "participates in",
    "GpPW": "participates in",
    "Gr>G": "regulates",
    "PCiC": "includes",
}
"""Metaedges of Hetionet (Himmelstein et al. 2017). No other format that is read here has names like these."""


def in_words(relation: str) -> str:
    """A verb for a relation whose name is an abbreviation; any other name as it is."""
    return _HETIONET.get(relation, relation)
