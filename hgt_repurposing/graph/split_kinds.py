"""The registry of split kinds: what each holds out, and how it is described to readers.

To add a split kind, add an entry here. Splitting, learning, evaluation and report depend on its unit and
groups, never on its name.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from hgt_repurposing.graph.disease_groups import disease_groups
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.schema import IntArray

Unit = Literal["pair", "disease", "drug"]
"""What is hidden at once: a single treatment, all treatments of a disease, or all uses of a drug."""
UNITS: tuple[Unit, ...] = ("pair", "disease", "drug")

WHOLES: Mapping[Unit, str] = {
    "pair": "indications",
    "disease": "treated diseases",
    "drug": "treating drugs",
}
"""The units in words."""


class Hiding(NamedTuple):
    """How pairs are hidden: one by one, or together by disease, by drug, or by group of them."""

    unit: Unit
    group: IntArray | None = None
    """Group index per disease (per drug for cold drugs); a group is hidden together. None: each by itself."""

    def whole(self, pairs: IntArray) -> IntArray:
        """Index of each pair's unit. Pairs: shape [2, num_pairs]; result: [num_pairs]."""
        drug: IntArray
        disease: IntArray
        drug, disease = pairs
        if self.unit == "pair":
            return np.arange(len(drug))
        end = disease if self.unit == "disease" else drug
        return end if self.group is None else self.group[end]

    @property
    def in_words(self) -> str:
        """The units in words, such as `treated diseases`."""
        return WHOLES[self.unit] if self.group is None else f"groups of related {WHOLES[self.unit]}"


@dataclass(frozen=True)
class HeldOutPairs:
    """Pairs that a model predicts without having seen them, and how they are described to readers."""

    name: str
    """Name in tables and in the configuration."""
    unit: Unit
    """What is held out at once."""
    title: str
    """Title of a figure or a section."""
    where: str
    """Beginning of a verdict."""
    positives: str
    """The positives, in words."""
    meaning: str
    """Explanation for a reader of the report."""

    @property
    def brings_back_diseases(self) -> bool:
        """Whether held-out diseases are also ranked as diseases that are not in the graph."""
        return False

    @property
    def asks_for_diseases(self) -> bool:
        """Whether diseases are ranked for a drug, rather than drugs for a disease."""
        return self.unit == "drug"


@dataclass(frozen=True, kw_only=True)
class SplitKind(HeldOutPairs):
    """A split kind."""

    stream: int
    """Part of the seed of everything drawn for it: unique, and never changed."""
    groups: Callable[[KnowledgeGraph, int], IntArray] | None = None
    """Group index of each disease (drug for cold drugs), given the most treated members that a group may have; None:
    each by itself. With too few groups in the graph, the split is left out."""

    @property
    def brings_back_diseases(self) -> bool:
        """True where whole diseases are held out, each by itself."""
        return self.unit == "disease" and self.groups is None

    def hiding(self, graph: KnowledgeGraph, *, num_folds: int) -> Hiding:
        """How this split hides the pairs of a graph in `num_folds` folds."""
        if self.groups is None:
            return Hiding(self.unit)
        ends = graph.indications[0 if self.asks_for_diseases else 1]
        return Hiding(self.unit, self.groups(graph, len(np.unique(ends)) // num_folds))


def _groups_of_relatives(graph: KnowledgeGraph, max_treated: int) -> IntArray:
    return disease_groups(graph, max_treated=max_treated)


SPLIT_KINDS: Mapping[str, SplitKind] = {
    kind.name: kind
    for kind in (
        SplitKind(
            name="disease",
            unit="disease",
            title="Diseases held out",
            where="On held-out diseases",
            positives="all indications of the held-out diseases",
            meaning="All known treatments of a disease are hidden, as for a disease that nobody can treat yet.",
            stream=0,
        ),
        SplitKind(
            name="pair",
            unit="pair",
            title="Pairs held out",
            where="On held-out pairs",
            positives="single held-out indications",
            meaning="Single treatments are hidden; drug and disease may still be known from other pairs, so rules "
            "based on shared treatments do well without a graph.",
            stream=1,
        ),
        SplitKind(
            name="drug",
            unit="drug",
            title="Drugs held out",
            where="On held-out drugs",
            positives="all indications of the held-out drugs",
            meaning="All known uses of a drug are hidden, as for a drug that treats nothing yet.",
            stream=2,
        ),
        SplitKind(
            name="disease_group",
            unit="disease",
            title="Groups of related diseases held out",
            where="On held-out groups of diseases",
            positives="all indications of the held-out groups of diseases",
            meaning="All known treatments of a disease are hidden together with those of its near-synonyms and close "
            "relatives, from which they could otherwise be copied.",
            stream=3,
            groups=_groups_of_relatives,
        ),
    )
}
"""Every split kind by name, in the order in which results are shown; the first is the headline."""

EXTERNAL = HeldOutPairs(
    name="external",
    unit="pair",
    title="Pairs from outside the graph",
    where="On pairs from outside the graph",
    positives="pairs from outside the graph, with all indications of the graph for training",
    meaning="The final model, fitted on all treatments of the graph, is tested on pairs provided by the user, none of "
    "which is in the graph.",
)
"""Pairs on which the final model is evaluated, in addition to the splits."""
DEPLOYMENT = HeldOutPairs(
    name="deployment",
    unit="pair",
    title="The whole grid",
    where="On the whole grid",
    positives="treatments hidden as they are assumed to be missing: one by one, by disease and by drug",
    meaning="Treatments are hidden as they are assumed to be missing, and all pairs of drugs and diseases without a "
    "visible treatment form one list, as people get it.",
)
"""Pairs of the protocol `deployment`, in which all settings meet."""
HELD_OUT: Mapping[str, HeldOutPairs] = {**SPLIT_KINDS, EXTERNAL.name: EXTERNAL, DEPLOYMENT.name: DEPLOYMENT}
"""All pairs that models are evaluated on, by name in tables."""


def require_kind(name: str) -> str:
    """Return the name if it is a split kind.

    Raises:
        ValueError: If it is not.
    """
    if name not in SPLIT_KINDS:
        raise ValueError(f"unknown split kind {name!r}; known: {', '.join(SPLIT_KINDS)}")
    return name
