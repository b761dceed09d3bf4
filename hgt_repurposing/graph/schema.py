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


class EdgeType(NamedTuple):
    """What an edge connects, and how."""

    source: str
    relation: str
    target: str

    def __str__(self) -> str:
        return f"({self.source}, {self.relation}, {self.target})"


def is_gene_or_pathway(node_type: str) -> bool:
    """Whether a word of a node type's name says so, in any case: gene/protein, Gene; but not genetic_disease."""
    return not GENE_AND_PATHWAY_WORDS.isdisjoint(re.split(r"[^a-z]+", node_type.lower()))


def require_distinct(named: Mapping[str, Sequence[str]]) -> None:
    """Check that no relation stands under two settings, or twice under one.

    Raises:
        ValueError: If one does.
    """
    setting_of: dict[str, str] = {}
    for setting, relations in named.items():
        for relation in relations:
            if relation in setting_of:
                first = setting_of[relation]
                where = f"twice in {setting}" if first == setting else f"both in {first} and in {setting}"
                raise ValueError(f"relation {relation!r} stands {where}, but it can mean one thing only")
            setting_of[relation] = setting


TREATMENT_SETTINGS = ("indication", "contraindication", "off_label")


class TherapeuticRelations(BaseModel, frozen=True, extra="forbid"):
    """Which node types are drugs and diseases, and which relations between them say what."""

    drug: str = Field("drug", description="node type of the drugs")
    disease: str = Field("disease", description="node type of the diseases")
    indication: list[str] = Field(["indication"], description="relations that say: the drug treats the disease")
    contraindication: list[str] = Field([], description="relations that say: the drug must not be given")
    off_label: list[str] = Field([], description="relations that say: the drug is used without approval, or palliates")
    drug_gene: list[str] = Field([], description="relations that name a drug's target genes; empty: all to genes")
    disease_gene: list[str] = Field([], description="relations that name a disease's causal genes; empty: all to genes")

    @model_validator(mode="after")
    def _tell_apart(self) -> Self:
        if self.drug == self.disease:
            raise ValueError(f"drug and disease must be two node types (got {self.drug!r} for both)")
        if not self.indication:
            raise ValueError("indication must name a relation, for nothing is learned without one (got [])")
        require_distinct({name: getattr(self, name) for name in TREATMENT_SETTINGS})
        for name in ("drug_gene", "disease_gene"):
            require_distinct({name: getattr(self, name)})
        return self

    @property
    def drug_disease(self) -> list[str]:
        """Every relation between a drug and a disease of which it is said what it means."""
        return [*self.indication, *self.contraindication, *self.off_label]


PRIMEKG_RELATIONS = TherapeuticRelations(contraindication=["contraindication"], off_label=["off-label use"])
HETIONET_RELATIONS = TherapeuticRelations(
    drug="Compound",
    disease="Disease",
    indication=["CtD"],
    off_label=["CpD"],
    drug_gene=["CbG"],  # targets, where CuG and CdG are changes of expression
    disease_gene=["DaG"],
)
