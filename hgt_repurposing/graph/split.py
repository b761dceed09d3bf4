"""Which drug-disease pairs are held out, and which edges training may therefore see.

Split first, graph second. Three ways to hold out, each a partition of all indications into folds: `pair` (the drug and
the disease may both be known from other pairs), `disease` (the disease loses all its treatments; the headline) and
`drug`. The message graph is target-free: it holds no drug-disease edge of any name, so one embedding serves every fold.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, Self, get_args

import numpy as np
import pandas as pd
from pydantic import BaseModel, Field

from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.schema import BoolArray, EdgeType, IntArray

SplitKind = Literal["disease", "pair", "drug"]
SPLIT_KINDS: tuple[SplitKind, ...] = get_args(SplitKind)


class SplitConfig(BaseModel, frozen=True, extra="forbid"):
    """How indications are held out."""

    num_folds: int = Field(5, ge=2, le=20, description="number of parts; each is held out once")
    seed: int = Field(42, ge=0, description="seed of the shuffle")


@dataclass(frozen=True, eq=False)
class DrugDiseaseSplit:
    """Every indication with the fold that holds it out, once per way of splitting."""

    pairs: IntArray
    """Local drug and disease index of every indication. Shape [2, num_pairs]."""
    folds: Mapping[SplitKind, IntArray]
    """Fold in which each pair is held out. Shape [num_pairs] per kind."""
    num_drugs: int
    num_diseases: int
    num_folds: int
    seed: int

    def held_out(self, kind: SplitKind, fold: int) -> BoolArray:
        """True where a pair belongs to the test set of this fold. Shape [num_pairs]."""
        return np.equal(self.folds[kind], fold)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of pairs and folds."""
        sha = hashlib.sha256(np.ascontiguousarray(self.pairs).tobytes())
        for kind in SPLIT_KINDS:
            sha.update(kind.encode() + self.folds[kind].tobytes())
        return sha.hexdigest()

    def to_parts(self) -> dict[str, Any]:
        """What `artifacts.py` writes; the inverse of `from_parts`. Any: one of its part shapes."""
        folds = {f"{kind}_fold": self.folds[kind] for kind in SPLIT_KINDS}
        return {
            "pairs.parquet": pd.DataFrame({"drug": self.pairs[0], "disease": self.pairs[1], **folds}),
            "split.json": {
                "num_drugs": self.num_drugs,
                "num_diseases": self.num_diseases,
                "num_folds": self.num_folds,
                "seed": self.seed,
                "digest": self.digest,
            },
        }

    @classmethod
    def from_parts(cls, parts: Mapping[str, Any]) -> Self:
        """Inverse of `to_parts`."""
        table, meta = parts["pairs.parquet"], parts["split.json"]
        return cls(
            pairs=table[["drug", "disease"]].to_numpy(dtype=np.int64).T.copy(),
            folds={kind: table[f"{kind}_fold"].to_numpy(dtype=np.int64) for kind in SPLIT_KINDS},
            num_drugs=meta["num_drugs"],
            num_diseases=meta["num_diseases"],
            num_folds=meta["num_folds"],
            seed=meta["seed"],
        )


def split_drug_disease_pairs(graph: KnowledgeGraph, config: SplitConfig) -> DrugDiseaseSplit:
    """Assign every indication of the graph to a fold, by pair, by disease and by drug.

    Raises:
        ValueError: If there are fewer pairs, treated diseases or treating drugs than folds.
    """
    pairs = graph.indications
    generator = np.random.default_rng(config.seed)
    groups: dict[SplitKind, IntArray] = {"disease": pairs[1], "pair": np.arange(pairs.shape[1]), "drug": pairs[0]}
    return DrugDiseaseSplit(
        pairs=pairs,
        folds={kind: _folds(groups[kind], kind, config.num_folds, generator) for kind in SPLIT_KINDS},
        num_drugs=graph.num_nodes[graph.therapeutic.drug],
        num_diseases=graph.num_nodes[graph.therapeutic.disease],
        num_folds=config.num_folds,
        seed=config.seed,
    )


def _folds(group: IntArray, kind: SplitKind, num_folds: int, generator: np.random.Generator) -> IntArray:
    """Deal the distinct groups into folds that differ in size by at most one group."""
    distinct, member = np.unique(group, return_inverse=True)
    if len(distinct) < num_folds:
        what = {"pair": "indications", "disease": "treated diseases", "drug": "treating drugs"}[kind]
        raise ValueError(f"{num_folds} folds by {kind} need at least {num_folds} {what} (got {len(distinct)})")
    fold_of_group = np.arange(len(distinct)) % num_folds
    return generator.permutation(fold_of_group)[member]


def split_sizes(split: DrugDiseaseSplit) -> pd.DataFrame:
    """What each fold holds out: columns split, fold, pairs, diseases, drugs."""
    rows = []
    for kind in SPLIT_KINDS:
        for fold in range(split.num_folds):
            drugs, diseases = split.pairs[:, split.held_out(kind, fold)]
            distinct = {"diseases": len(np.unique(diseases)), "drugs": len(np.unique(drugs))}
            rows.append({"split": kind, "fold": fold, "pairs": len(drugs), **distinct})
    return pd.DataFrame(rows)


def message_graph(graph: KnowledgeGraph) -> KnowledgeGraph:
    """The target-free graph that training may see: no drug-disease edge of any relation."""
    return graph.without(edge_type for edge_type in graph.edges if graph.is_drug_disease(edge_type))


def leaked_pairs(
    edges: Mapping[EdgeType, IntArray], split: DrugDiseaseSplit, *, drug: str, disease: str
) -> pd.DataFrame:
    """Held-out pairs that are still joined by an edge, under whatever relation and in whatever direction.

    Args:
        edges: Local indices per edge type, reverse types included. Shape [2, num_edges] each.
        split: Every pair in it is held out by some fold.
        drug: Node type of the drugs.
        disease: Node type of the diseases.

    Returns:
        Columns drug, disease (local indices) and edge_type; no rows if nothing leaks.
    """
    held_out = split.pairs[0] * split.num_diseases + split.pairs[1]
    found = []
    for edge_type, index in edges.items():
        ends = (edge_type.source, edge_type.target)
        if ends not in ((drug, disease), (disease, drug)):
            continue
        drugs, diseases = index if ends == (drug, disease) else index[::-1]
        leaked = np.isin(drugs * split.num_diseases + diseases, held_out)
        found.append(pd.DataFrame({"drug": drugs[leaked], "disease": diseases[leaked], "edge_type": str(edge_type)}))
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame(columns=["drug", "disease", "edge_type"])
