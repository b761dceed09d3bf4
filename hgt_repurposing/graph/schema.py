"""The names that every layer shares: columns, node and edge types, therapeutic relations, array aliases."""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, Field, model_validator

NODE_TYPE = "node_type"
NODE_ID = "node_id"
NODE_NAME = "node_name"
NODE_COLUMNS = (NODE_TYPE, NODE_ID, NODE_NAME)

SOURCE_TYPE = "source_type"
SOURCE_ID = "source_id"
RELATION = "relation"
TARGET_TYPE = "target_type"
TARGET_ID = "target_id"
EDGE_COLUMNS = (SOURCE_TYPE, SOURCE_ID, RELATION, TARGET_TYPE, TARGET_ID)

GENE_AND_PATHWAY_WORDS = frozenset({"gene", "genes", "protein", "proteins", "pathway", "pathways"})

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
Features = npt.NDArray[np.float32]
"""Single precision, where there are many values."""


class EdgeType(NamedTuple):
    """What an edge connects, and how."""

    source: str
    relation: str
    target: str

    def __str__(self) -> str:
        return f"({self.source}, {self.relation}, {self.target})"


def is_gene_or_pathway(node_type: str) -> bool:
    """Whether a node type's name contains such a word, ignoring case: gene/protein, Gene; not genetic_disease."""
    return not GENE_AND_PATHWAY_WORDS.isdisjoint(re.split(r"[^a-z]+", node_type.lower()))


def require_distinct(named: Mapping[str, Sequence[str]]) -> None:
    """Check that no relation is listed in two settings, or twice in one.

    Raises:
        ValueError: If one is.
    """
    setting_of: dict[str, str] = {}
    for setting, relations in named.items():
        for relation in relations:
            if relation in setting_of:
                first = setting_of[relation]
                where = f"twice in {setting}" if first == setting else f"both in {first} and in {setting}"
                raise ValueError(f"relation {relation!r} is listed {where}, but it can have only one meaning")
            setting_of[relation] = setting


TREATMENT_SETTINGS = ("indication", "contraindication", "not_indicated", "off_label")
NOT_INDICATED = "not_indicated"
"""Relation of the pairs that come from a file of their own (`graph/sources/not_indicated.py`)."""


class TherapeuticRelations(BaseModel, frozen=True, extra="forbid"):
    """Which node types are drugs and diseases, and what the relations between them mean."""

    drug: str = Field("drug", description="node type of the drugs")
    disease: str = Field("disease", description="node type of the diseases")
    indication: list[str] = Field(["indication"], description="relations meaning that the drug treats the disease")
    contraindication: list[str] = Field([], description="relations meaning that the drug must not be given")
    not_indicated: list[str] = Field([], description="relations meaning that the drug does not help: a failed trial")
    off_label: list[str] = Field([], description="relations meaning that the drug is used off label, or palliates")
    drug_gene: list[str] = Field([], description="relations to a drug's target genes; empty: all drug-gene relations")
    disease_gene: list[str] = Field(
        [], description="relations to a disease's causal genes; empty: all disease-gene relations"
    )

    @model_validator(mode="after")
    def _tell_apart(self) -> Self:
        if self.drug == self.disease:
            raise ValueError(f"drug and disease must be two node types (got {self.drug!r} for both)")
        if not self.indication:
            raise ValueError("indication must name at least one relation: nothing is learned without one (got [])")
        require_distinct({name: getattr(self, name) for name in TREATMENT_SETTINGS})
        for name in ("drug_gene", "disease_gene"):
            require_distinct({name: getattr(self, name)})
        return self

    @property
    def drug_disease(self) -> list[str]:
        """Every drug-disease relation whose meaning is declared."""
        return [*self.indication, *self.known_negative, *self.off_label]

    @property
    def known_negative(self) -> list[str]:
        """Relations whose pairs are negatives: the drug must not be given, or does not help."""
        return [*self.contraindication, *self.not_indicated]

    @property
    def unsaid(self) -> set[str]:
        """Fields left out where this is stored: without them, a graph keeps the digest it had before they existed."""
        return set() if self.not_indicated else {"not_indicated"}


PRIMEKG_RELATIONS = TherapeuticRelations(contraindication=["contraindication"], off_label=["off-label use"])
HETIONET_RELATIONS = TherapeuticRelations(
    drug="Compound",
    disease="Disease",
    indication=["CtD"],
    off_label=["CpD"],
    drug_gene=["CbG"],  # targets; CuG and CdG are changes of expression
    disease_gene=["DaG"],
)
