"""Which drug-disease edges training may see, given what is held out.

By default the message graph is target-free: it holds no drug-disease edge of any relation, so one embedding serves
every fold. With `train_only` it holds the training indications of one fold, and everything derived from it is evaluated
on that fold only.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal, NamedTuple, Self

import numpy as np
import pandas as pd
from pydantic import BaseModel, Field, field_validator

from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.schema import EdgeType, IntArray
from hgt_repurposing.graph.split import DrugDiseaseSplit, FoldKey
from hgt_repurposing.graph.split_kinds import require_kind
from hgt_repurposing.mismatch import MismatchError

SCOPE_PART = "message_scope.json"
"""Part of the message graph's artefact that holds its scope, to be read without the graph."""


class MessageGraphConfig(BaseModel, frozen=True, extra="forbid"):
    """Which drug-disease edges messages may pass over; kind, repeat and fold apply to train_only alone."""

    therapeutic_edges: Literal["exclude", "train_only"] = Field(
        "exclude", description="exclude: no drug-disease edge; train_only: the training indications of one fold"
    )
    kind: str = Field("disease", description="train_only: split kind of the fold")
    repeat: int = Field(0, ge=0, description="train_only: repeat of the fold, counted from 0")
    fold: int = Field(0, ge=0, description="train_only: index of the fold, counted from 0")

    @field_validator("kind")
    @classmethod
    def _is_known(cls, kind: str) -> str:
        return require_kind(kind)

    @property
    def key(self) -> FoldKey | None:
        """The only fold on which a model of this message graph may be evaluated; None: all."""
        return None if self.therapeutic_edges == "exclude" else FoldKey(self.kind, self.repeat, self.fold)


class MessageScope(NamedTuple):
    """The split and fold for which a message graph was made."""

    split_digest: str
    fold: FoldKey | None
    """The only fold on which a model of it may be evaluated; None: all."""

    def to_json(self) -> dict[str, Any]:
        """Inverse of `from_json`. Any: JSON values."""
        return {"split_digest": self.split_digest, "fold": self.fold and list(self.fold)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Inverse of `to_json`."""
        return cls(value["split_digest"], value["fold"] and FoldKey(*value["fold"]))

    def evaluated(self, split: DrugDiseaseSplit) -> DrugDiseaseSplit:
        """The part of a split on which a model of this message graph may be fitted and evaluated.

        Raises:
            MismatchError: If the message graph was made for another split.
        """
        if split.digest != self.split_digest:
            raise MismatchError(
                f"the message graph was made for another split (digest {self.split_digest[:12]}, got "
                f"{split.digest[:12]})",
                stale=["hetero_data", "hgt_model", "hgt_embeddings"],
            )
        return split if self.fold is None else split.only(self.fold)


def message_graph(graph: KnowledgeGraph, *, visible: IntArray | None = None) -> KnowledgeGraph:
    """The graph that training may see: without drug-disease edges other than visible indications.

    Args:
        graph: With all its edges.
        visible: Drug and disease of the indications to keep; None: none. Contraindications, off-label use and all other
            drug-disease relations are always removed. Shape [2, num_visible].
    """
    if visible is None:
        return graph.without(edge_type for edge_type in graph.edges if graph.is_drug_disease(edge_type))
    seen = np.ravel_multi_index(visible, graph.grid_shape)
    edges = {}
    for edge_type, index in graph.edges.items():
        if not graph.is_drug_disease(edge_type):
            edges[edge_type] = index
        elif edge_type.relation in graph.therapeutic.indication:
            pairs = index if edge_type.source == graph.therapeutic.drug else index[::-1]
            edges[edge_type] = index[:, np.isin(np.ravel_multi_index(pairs, graph.grid_shape), seen)]
    return replace(graph, edges=edges)


def scoped_message_graph(
    graph: KnowledgeGraph, split: DrugDiseaseSplit, config: MessageGraphConfig
) -> tuple[KnowledgeGraph, MessageScope]:
    """The graph that training may see, and the scope in which its models may be evaluated.

    Raises:
        ValueError: If the configuration names a fold that the split does not have.
    """
    key = config.key
    visible = None if key is None else split.training_pairs(key)
    return message_graph(graph, visible=visible), MessageScope(split.digest, key)


def leaked_pairs(
    edges: Mapping[EdgeType, IntArray],
    split: DrugDiseaseSplit,
    *,
    drug: str,
    disease: str,
    key: FoldKey | None = None,
) -> pd.DataFrame:
    """Held-out pairs still joined by an edge of any relation, in either direction.

    Args:
        edges: Local indices per edge type, reverse types included. Shape [2, num_edges] each.
        split: External pairs are always held out.
        drug: Node type of the drugs.
        disease: Node type of the diseases.
        key: The fold whose pairs are held out; None: all indications, since each is held out by some fold.

    Returns:
        Columns drug, disease (local indices) and edge_type; no rows if nothing leaks.
    """
    held_out_by_fold = split.pairs if key is None else split.test_pairs(key)
    pairs = np.concatenate([held_out_by_fold, split.external_positives, split.external_negatives], axis=1)
    grid_shape = (split.num_drugs, split.num_diseases)
    held_out = np.ravel_multi_index(pairs, grid_shape)
    found = []
    for edge_type, index in edges.items():
        ends = (edge_type.source, edge_type.target)
        if ends not in ((drug, disease), (disease, drug)):
            continue
        drugs, diseases = index if ends == (drug, disease) else index[::-1]
        leaked = np.isin(np.ravel_multi_index((drugs, diseases), grid_shape), held_out)
        found.append(pd.DataFrame({"drug": drugs[leaked], "disease": diseases[leaked], "edge_type": str(edge_type)}))
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame(columns=["drug", "disease", "edge_type"])
