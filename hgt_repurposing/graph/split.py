"""Which drug-disease pairs are held out.

Split first, graph second (`message_graph.py`). Four ways to hold out, each a partition of all indications into folds:
`pair` (the drug and the disease may both be known from other pairs), `disease` (the disease loses all its treatments;
the headline), `drug`, and `disease_group` (so do its near-synonyms and close relatives, with it). Each is shuffled once
per seed; large groups of diseases leave little to shuffle, so that repeats of `disease_group` differ less than those of
the others.
"""

import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal, NamedTuple, Self, get_args

import numpy as np
import pandas as pd
from pydantic import BaseModel, Field, field_validator

from hgt_repurposing.graph.disease_groups import disease_groups, related_diseases
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.schema import BoolArray, IntArray

SplitKind = Literal["disease", "pair", "drug", "disease_group"]
SPLIT_KINDS: tuple[SplitKind, ...] = get_args(SplitKind)
HELD_OUT: Mapping[SplitKind, str] = {
    "disease": "treated diseases",
    "pair": "indications",
    "drug": "treating drugs",
    "disease_group": "groups of related treated diseases",
}
"""What each way of splitting holds out as a whole."""

_logger = logging.getLogger(__name__)


class FoldKey(NamedTuple):
    """Names one test set: a way of splitting, one of its shuffles, and one of that shuffle's folds."""

    kind: SplitKind
    repeat: int
    """Place of the shuffle's seed among the seeds."""
    fold: int

    def __str__(self) -> str:
        return f"{self.kind}, repeat {self.repeat}, fold {self.fold}"


class SplitConfig(BaseModel, frozen=True, extra="forbid"):
    """How indications are held out."""

    num_folds: int = Field(5, ge=2, le=20, description="number of parts; each is held out once per repeat")
    seed: int = Field(42, ge=0, description="seed of the first shuffle; every repeat takes the next number")
    num_repeats: int = Field(1, ge=1, le=20, description="number of shuffles, each with a seed of its own")
    kinds: list[str] = Field(  # not of Literal, for which the launchpad has no form
        list(SPLIT_KINDS), min_length=1, description="ways of splitting: disease, pair, drug, disease_group"
    )
    external_pairs: str = Field(
        "",
        description="file (absolute) with columns drug_id, disease_id, evaluated with the final model; empty: none",
    )

    @field_validator("kinds")
    @classmethod
    def _are_known(cls, kinds: list[str]) -> list[str]:
        if len(set(kinds)) < len(kinds):
            raise ValueError("each way of splitting may stand there once")
        unknown = [kind for kind in kinds if kind not in SPLIT_KINDS]
        if unknown:
            raise ValueError(f"there is no way of splitting named {unknown[0]!r}; there are {', '.join(SPLIT_KINDS)}")
        return kinds


def _no_pairs() -> IntArray:
    return np.empty((2, 0), dtype=np.int64)


@dataclass(frozen=True, eq=False)
class DrugDiseaseSplit:
    """Every indication with the fold that holds it out, once per way of splitting and repeat."""

    pairs: IntArray
    """Local drug and disease index of every indication. Shape [2, num_pairs]."""
    folds: Mapping[tuple[SplitKind, int], IntArray]
    """Fold in which each pair is held out, by kind and repeat; -1 where no fold does. Shape [num_pairs] each."""
    num_drugs: int
    num_diseases: int
    num_folds: int
    seeds: tuple[int, ...]
    """Seed of each repeat."""
    external: IntArray = field(default_factory=_no_pairs)
    """Pairs from outside the graph, none of them an indication of it. Shape [2, num_external]."""
    left_out: Mapping[str, str] = field(default_factory=dict)
    """Ways of splitting that were asked for and that the graph is too small for, with the reason."""

    @cached_property
    def keys(self) -> tuple[FoldKey, ...]:
        """Every fold that holds out a pair: by kind in the order of SPLIT_KINDS, then by repeat and fold."""
        ordered = sorted(self.folds, key=lambda shuffle: (SPLIT_KINDS.index(shuffle[0]), shuffle[1]))
        return tuple(
            FoldKey(kind, repeat, int(fold))
            for kind, repeat in ordered
            for fold in np.unique(self.folds[kind, repeat])
            if fold >= 0
        )

    def held_out(self, key: FoldKey) -> BoolArray:
        """True where a pair belongs to the test set of this fold. Shape [num_pairs].

        Raises:
            ValueError: If the fold holds out no pair.
        """
        if key not in self.keys:
            found = ", ".join(f"{kind} with repeat {repeat}" for kind, repeat in self.folds)
            raise ValueError(
                f"no pair is held out by ({key}): folds go from 0 to {self.num_folds - 1}, and there are: {found}"
            )
        return np.equal(self.folds[key.kind, key.repeat], key.fold)

    def test_pairs(self, key: FoldKey) -> IntArray:
        """Pairs that this fold holds out. Shape [2, num_test]."""
        return self.pairs[:, self.held_out(key)]

    def training_pairs(self, key: FoldKey) -> IntArray:
        """Pairs that this fold does not hold out. Shape [2, num_training]."""
        return self.pairs[:, ~self.held_out(key)]

    def only(self, key: FoldKey) -> Self:
        """The same pairs with this one fold to be evaluated on, and the external pairs.

        Raises:
            ValueError: If the fold holds out no pair.
        """
        return replace(self, folds={(key.kind, key.repeat): np.where(self.held_out(key), key.fold, -1)})

    @cached_property
    def digest(self) -> str:
        """SHA-256 of pairs, folds, sizes, seeds and external pairs."""
        sha = hashlib.sha256(repr((self.num_drugs, self.num_diseases, self.num_folds, self.seeds)).encode())
        for pairs in (self.pairs, self.external):
            sha.update(repr(pairs.shape).encode() + np.ascontiguousarray(pairs).tobytes())
        for (kind, repeat), folds in sorted(self.folds.items()):
            sha.update(f"{kind} {repeat}".encode() + folds.tobytes())
        return sha.hexdigest()

    def to_parts(self) -> dict[str, Any]:
        """What `artifacts.py` writes; the inverse of `from_parts`. Any: one of its part shapes."""
        folds = {_column(kind, repeat): fold for (kind, repeat), fold in self.folds.items()}
        return {
            "pairs.parquet": pd.DataFrame({"drug": self.pairs[0], "disease": self.pairs[1], **folds}),
            "external_pairs.parquet": pd.DataFrame({"drug": self.external[0], "disease": self.external[1]}),
            "split.json": {
                "num_drugs": self.num_drugs,
                "num_diseases": self.num_diseases,
                "num_folds": self.num_folds,
                "seeds": list(self.seeds),
                "shuffles": [[kind, repeat] for kind, repeat in self.folds],
                "left_out": dict(self.left_out),
                "digest": self.digest,
            },
        }

    @classmethod
    def from_parts(cls, parts: Mapping[str, Any]) -> Self:
        """Inverse of `to_parts`."""
        table, meta = parts["pairs.parquet"], parts["split.json"]
        folds = {
            (kind, repeat): table[_column(kind, repeat)].to_numpy(dtype=np.int64) for kind, repeat in meta["shuffles"]
        }
        return cls(
            pairs=_from_table(table),
            folds=folds,
            num_drugs=meta["num_drugs"],
            num_diseases=meta["num_diseases"],
            num_folds=meta["num_folds"],
            seeds=tuple(meta["seeds"]),
            external=_from_table(parts["external_pairs.parquet"]),
            left_out=meta["left_out"],
        )


def _column(kind: SplitKind, repeat: int) -> str:
    return f"{kind}_fold_of_repeat_{repeat}"


def _from_table(table: pd.DataFrame) -> IntArray:
    return table[["drug", "disease"]].to_numpy(dtype=np.int64).T.copy()


def split_drug_disease_pairs(
    graph: KnowledgeGraph, config: SplitConfig, *, external: IntArray | None = None, inner_folds: int | None = None
) -> DrugDiseaseSplit:
    """Assign every indication of the graph to a fold, for each way of splitting and each repeat.

    A kind's folds depend on its own seed alone: neither the other kinds nor the number of repeats change them. Where
    there are too few groups of related diseases, `disease_group` is left out with a warning, as long as another kind
    remains; too little for any other kind is an error.

    Args:
        graph: Its indications are split.
        config: How; the file that it names is not read here.
        external: Pairs of that file that are no indications. Shape [2, num_external].
        inner_folds: Parts that learning will hide in turn, of all pairs and of what each fold leaves to learn from;
            None: nothing will be learned.

    Raises:
        ValueError: If there are fewer pairs, treated diseases, treating drugs or groups of diseases than folds or inner
            folds.
    """
    pairs = graph.indications
    seeds = tuple(config.seed + repeat for repeat in range(config.num_repeats))
    folds: dict[tuple[SplitKind, int], IntArray] = {}
    left_out: dict[str, str] = {}
    for kind in SPLIT_KINDS:
        if kind not in config.kinds:
            continue
        try:
            folds |= _shuffles(graph, pairs, kind, config.num_folds, seeds, inner_folds)
        except ValueError as error:
            if kind != "disease_group" or not folds:
                raise
            left_out[kind] = str(error)
            _logger.warning("related diseases will not be held out together: %s", error)
    if inner_folds is not None:
        for kind in ("pair", "disease", "drug"):  # the final model learns for all three
            count_inner_folds(kind, _groups(graph, pairs, kind, config.num_folds), inner_folds)
    return DrugDiseaseSplit(
        pairs=pairs,
        folds=folds,
        num_drugs=graph.num_nodes[graph.therapeutic.drug],
        num_diseases=graph.num_nodes[graph.therapeutic.disease],
        num_folds=config.num_folds,
        seeds=seeds,
        external=_no_pairs() if external is None else external,
        left_out=left_out,
    )


def _shuffles(
    graph: KnowledgeGraph,
    pairs: IntArray,
    kind: SplitKind,
    num_folds: int,
    seeds: Sequence[int],
    inner_folds: int | None,
) -> dict[tuple[SplitKind, int], IntArray]:
    """Fold of every pair, by kind and repeat; raises as `split_drug_disease_pairs`."""
    group = _groups(graph, pairs, kind, num_folds)
    members = pairs[1] if kind == "disease_group" else group
    found: dict[tuple[SplitKind, int], IntArray] = {}
    for repeat, seed in enumerate(seeds):
        generator = np.random.default_rng([seed, SPLIT_KINDS.index(kind)])
        folds = _folds(group, members, kind, num_folds, generator)
        if inner_folds is not None:
            for fold in range(num_folds):
                count_inner_folds(kind, group[folds != fold], inner_folds, left_by=FoldKey(kind, repeat, fold))
        found[kind, repeat] = folds
    return found


def count_inner_folds(kind: SplitKind, group: IntArray, wanted: int, *, left_by: FoldKey | None = None) -> int:
    """How many inner folds learning hides in turn.

    Groups of related diseases may be fewer than wanted, as long as there are two: of large groups there are few.

    Args:
        kind: What is hidden as a whole.
        group: What is hidden as a whole with each pair that there is to learn from. Shape [num_pairs].
        wanted: Number asked for.
        left_by: The fold that leaves these pairs, for the error message; None: all pairs.

    Raises:
        ValueError: If there are fewer groups.
    """
    found = len(np.unique(group))
    number = max(2, min(wanted, found)) if kind == "disease_group" else wanted
    if found < number:
        where = f" without the fold ({left_by})" if left_by else ""
        advice = (
            "set more num_folds, or leave disease_group out of the kinds"
            if kind == "disease_group"
            else f"set inner_folds of repurposing_model to {max(found, 2)} or fewer, set more num_folds, or leave "
            f"{kind} out of the kinds"
            if left_by and found >= 2
            else "set fewer inner_folds of repurposing_model, or give a graph with more indications"
        )
        raise ValueError(
            f"learning hides {number} inner folds by {kind} in turn and needs at least as many {HELD_OUT[kind]}"
            f"{where} (got {found}): {advice}"
        )
    return number


def _groups(graph: KnowledgeGraph, pairs: IntArray, kind: SplitKind, num_folds: int) -> IntArray:
    """Number of what is held out as a whole with each pair. Shape [num_pairs].

    A component of relatives too large for one fold is what disease_groups cuts.
    """
    drug: IntArray
    disease: IntArray
    drug, disease = pairs
    match kind:
        case "disease":
            return disease
        case "pair":
            return np.arange(len(drug))
        case "drug":
            return drug
        case "disease_group":
            return disease_groups(graph, max_treated=len(np.unique(disease)) // num_folds)[disease]


def _folds(
    group: IntArray, member: IntArray, kind: SplitKind, num_folds: int, generator: np.random.Generator
) -> IntArray:
    """Deal the distinct groups in random order, the largest first, each to a fold that holds fewest.

    Args:
        group: Number of the group of every pair. Shape [num_pairs].
        member: What a group's size counts: its distinct diseases, or itself. Shape [num_pairs].
        kind: For the error message.
        num_folds: Number of folds.
        generator: Source of randomness.

    Returns:
        Fold of every pair; two folds differ in size by no more than the largest group. Shape [num_pairs].

    Raises:
        ValueError: If there are fewer groups than folds.
    """
    distinct, group = np.unique(group, return_inverse=True)
    if len(distinct) < num_folds:
        raise ValueError(
            f"{num_folds} folds by {kind} need at least {num_folds} {HELD_OUT[kind]} (got {len(distinct)}): "
            f"set fewer folds, or leave {kind} out of the kinds"
        )
    size = np.bincount(np.unique(np.stack([group, member]), axis=1)[0])
    order = generator.permutation(len(distinct))
    fold_of_group = np.empty(len(distinct), dtype=np.int64)
    filled = np.zeros(num_folds, dtype=np.int64)
    for number in order[np.argsort(-size[order], kind="stable")]:
        fold_of_group[number] = filled.argmin()
        filled[filled.argmin()] += size[number]
    return fold_of_group[group]


def split_sizes(split: DrugDiseaseSplit) -> pd.DataFrame:
    """What each fold holds out: columns split, repeat, fold, pairs, diseases, drugs."""
    rows = []
    for key in split.keys:
        drugs, diseases = split.test_pairs(key)
        distinct = {"diseases": len(np.unique(diseases)), "drugs": len(np.unique(drugs))}
        rows.append({"split": key.kind, "repeat": key.repeat, "fold": key.fold, "pairs": len(drugs), **distinct})
    return pd.DataFrame(rows)


def crossing_edges(split: DrugDiseaseSplit, graph: KnowledgeGraph) -> pd.DataFrame:
    """How many edges between treated diseases join what one fold holds out to what its training sees.

    Only splits that hold out whole diseases are counted; without such edges in the graph the share is NaN.

    Returns:
        One row per kind and repeat: columns split, repeat, edges, crossing_edges, crossing_share.
    """
    one, other = related_diseases(graph)
    rows = []
    for kind, repeat in dict.fromkeys((key.kind, key.repeat) for key in split.keys):
        if kind not in ("disease", "disease_group"):
            continue
        fold = np.full(split.num_diseases, -1)
        fold[split.pairs[1]] = split.folds[kind, repeat]
        treated = (fold[one] >= 0) & (fold[other] >= 0)
        edges, crossing = np.count_nonzero(treated), np.count_nonzero(treated & (fold[one] != fold[other]))
        share = crossing / edges if edges else float("nan")
        figures = {"edges": edges, "crossing_edges": crossing, "crossing_share": share}
        rows.append({"split": kind, "repeat": repeat, **figures})
    return pd.DataFrame(rows, columns=["split", "repeat", "edges", "crossing_edges", "crossing_share"])
