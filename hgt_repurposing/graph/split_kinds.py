"""The ways of splitting: one entry each says what is held out, in which setting, and how people read of it.

To add one is to add an entry here. Splitting, learning, evaluation and report go by its setting and its groups, and
never by its name.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from hgt_repurposing.graph.disease_groups import disease_groups
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.schema import IntArray

Setting = Literal["warm pair", "cold disease", "cold drug"]
"""Which ends of a pair have a treatment that may be seen: both, the drug alone, or the disease alone."""
SETTINGS: tuple[Setting, ...] = ("warm pair", "cold disease", "cold drug")

WHOLES: Mapping[Setting, str] = {
    "warm pair": "indications",
    "cold disease": "treated diseases",
    "cold drug": "treating drugs",
}
"""What is hidden as a whole in each setting."""


class Hiding(NamedTuple):
    """How pairs are hidden: one by one, or all pairs of a disease, of a drug, or of a group of them together."""

    setting: Setting
    group: IntArray | None = None
    """Diseases, or with cold drugs drugs, of one number are hidden together; None: each by itself."""

    def whole(self, pairs: IntArray) -> IntArray:
        """Number of what is hidden as a whole with each pair. Pairs: shape [2, num_pairs]; result: [num_pairs]."""
        drug: IntArray
        disease: IntArray
        drug, disease = pairs
        if self.setting == "warm pair":
            return np.arange(len(drug))
        end = disease if self.setting == "cold disease" else drug
        return end if self.group is None else self.group[end]

    @property
    def in_words(self) -> str:
        """What is hidden as a whole, such as `treated diseases`."""
        return WHOLES[self.setting] if self.group is None else f"groups of related {WHOLES[self.setting]}"


@dataclass(frozen=True)
class HeldOutPairs:
    """Pairs that a model is asked for without having seen them, and how people read of them."""

    name: str
    """In tables and in the configuration."""
    setting: Setting
    title: str
    """Above a picture or a section."""
    where: str
    """At the beginning of a verdict."""
    positives: str
    """The positives, in words."""
    meaning: str
    """What it stands for, for a reader of the report."""

    @property
    def asks_for_diseases(self) -> bool:
        """Whether a list is one of diseases for a drug; else it is one of drugs for a disease."""
        return self.setting == "cold drug"


@dataclass(frozen=True, kw_only=True)
class SplitKind(HeldOutPairs):
    """A way of splitting."""

    stream: int
    """Number that goes into the seed of everything drawn for it: never another's, and never changed."""
    groups: Callable[[KnowledgeGraph, int], IntArray] | None = None
    """Number of each disease's (with cold drugs, drug's) group, given the most members with a treatment that a group
    may have; None: each by itself. A graph may have too few groups: such a split is then left out."""

    def hiding(self, graph: KnowledgeGraph, *, num_folds: int) -> Hiding:
        """How this split hides the pairs of a graph in so many folds."""
        if self.groups is None:
            return Hiding(self.setting)
        ends = graph.indications[0 if self.asks_for_diseases else 1]
        return Hiding(self.setting, self.groups(graph, len(np.unique(ends)) // num_folds))


def _groups_of_relatives(graph: KnowledgeGraph, max_treated: int) -> IntArray:
    return disease_groups(graph, max_treated=max_treated)


SPLIT_KINDS: Mapping[str, SplitKind] = {
    kind.name: kind
    for kind in (
        SplitKind(
            name="disease",
            setting="cold disease",
            title="Diseases held out",
            where="On held-out diseases",
            positives="all indications of the held-out diseases",
            meaning="All known treatments of a disease are hidden, as for a disease that nobody can treat yet.",
            stream=0,
        ),
        SplitKind(
            name="pair",
            setting="warm pair",
            title="Pairs held out",
            where="On held-out pairs",
            positives="single held-out indications",
            meaning="Single treatments are hidden; drug and disease may still be known from other pairs, so that rules "
            "over shared treatments do well without a graph.",
            stream=1,
        ),
        SplitKind(
            name="drug",
            setting="cold drug",
            title="Drugs held out",
            where="On held-out drugs",
            positives="all indications of the held-out drugs",
            meaning="All known uses of a drug are hidden, as for a drug that treats nothing yet.",
            stream=2,
        ),
        SplitKind(
            name="disease_group",
            setting="cold disease",
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
"""Every way of splitting by its name, in the order in which results are shown: the first one is the headline."""

EXTERNAL = HeldOutPairs(
    name="external",
    setting="warm pair",
    title="Pairs from outside the graph",
    where="On pairs from outside the graph",
    positives="pairs from outside the graph, with all indications of the graph for training",
    meaning="Pairs that the user brought along are looked for by the final model, which knows all treatments of the "
    "graph and none of these.",
)
"""What the final model is asked for, beside the splits."""
HELD_OUT: Mapping[str, HeldOutPairs] = {**SPLIT_KINDS, EXTERNAL.name: EXTERNAL}
"""All that a model is evaluated on, by the name in tables."""


def require_kind(name: str) -> str:
    """The name of a way of splitting.

    Raises:
        ValueError: If there is none of that name.
    """
    if name not in SPLIT_KINDS:
        raise ValueError(f"there is no way of splitting named {name!r}; there are {', '.join(SPLIT_KINDS)}")
    return name
