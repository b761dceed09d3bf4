"""Relations in words, where a graph's own names are abbreviations: what people read in explanations.

Names of a graph stay what they are everywhere else: in configurations, features and files.
"""

from collections.abc import Mapping
from typing import Literal

End = Literal["source", "target"]

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


_PRIMEKG: Mapping[str, str] = {
    "anatomy_protein_present": "expresses",
    "disease_protein": "is associated with",
    "drug_protein": "interacts with",
    "exposure_protein": "interacts with",
    "protein_protein": "interacts with",
}
"""Relations of PrimeKG (Chandak et al. 2023) that end in a protein, by their display names. A drug's protein may be a
target, an enzyme, a carrier or a transporter."""

_VERBS: Mapping[str, tuple[str, ...]] = {
    "activates": ("activates", "activate"),
    "affects": ("affects", "affect"),
    "blocks": ("blocks", "block"),
    "binds": ("binds", "bind", "binds to"),
    "causes": ("causes", "cause"),
    "downregulates": ("downregulates", "downregulate", "down regulates"),
    "expresses": ("expresses", "express"),
    "inhibits": ("inhibits", "inhibit"),
    "interacts with": ("interacts", "interact", "interacts with", "interaction"),
    "is associated with": (
        "associated",
        "associated with",
        "associates",
        "associates with",
        "association",
        "is associated with",
    ),
    "is involved in": ("involved in", "is involved in"),
    "is linked to": ("linked to", "is linked to"),
    "modulates": ("modulates", "modulate"),
    "participates in": ("participates in", "participates"),
    "regulates": ("regulates", "regulate"),
    "targets": ("targets", "target", "has target"),
    "upregulates": ("upregulates", "upregulate", "up regulates"),
}
"""Verbs, with the names under which own graphs are likely to have them: without case, `_` and `-` read as spaces."""
_VERB_OF: Mapping[str, str] = {name: verb for verb, names in _VERBS.items() for name in names}

_OF_TARGET: Mapping[str, str] = {
    "activates": "is activated by",
    "affects": "is affected by",
    "binds": "is bound by",
    "blocks": "is blocked by",
    "causes": "is caused by",
    "covaries with": "covaries with",
    "downregulates": "is downregulated in",
    "expresses": "is expressed in",
    "inhibits": "is inhibited by",
    "interacts with": "interacts with",
    "is associated with": "is associated with",
    "is linked to": "is linked to",
    "modulates": "is modulated by",
    "regulates": "is regulated by",
    "resembles": "resembles",
    "targets": "is targeted by",
    "upregulates": "is upregulated in",
}
"""The same seen from the other end."""


def in_words(relation: str) -> str:
    """A verb for a relation whose name is an abbreviation; any other name as it is."""
    return _HETIONET.get(relation, relation)


def predicate(relation: str, *, of: End) -> str | None:
    """What a relation says of its source, or of its target, up to the name of the other end: `binds`, `is bound by`.

    None for a name that is not known: a sentence must quote it.
    """
    spoken = " ".join(relation.replace("_", " ").replace("-", " ").casefold().split())
    verb = _HETIONET.get(relation) or _PRIMEKG.get(relation) or _VERB_OF.get(spoken)
    return verb if verb is None or of == "source" else _OF_TARGET.get(verb)
