"""Which drug-disease pairs are held out.

Split first, graph second (`message_graph.py`). Every way of splitting (`split_kinds.py`) is a partition of all
indications into folds, shuffled once per seed. Large groups of diseases leave little to shuffle, so that repeats of
`disease_group` differ less than those of the others.
"""

import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, NamedTuple, Self

import numpy as np
import pandas as pd
from pydantic import BaseModel, Field, field_validator

from hgt_repurposing.graph.disease_groups import related_diseases
from hgt_repurposing.graph.inner_folds import count_inner_folds
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.schema import BoolArray, IntArray
from hgt_repurposing.graph.split_kinds import SETTINGS, SPLIT_KINDS, Hiding, SplitKind, require_kind

_logger = logging.getLogger(__name__)


class FoldKey(NamedTuple):
    """Names one test set: a way of splitting, one of its shuffles, and one of that shuffle's folds."""

    kind: str
    """One of SPLIT_KINDS."""
    repeat: int
    """Index of the shuffle's seed among the seeds."""
    fold: int

    def __str__(self) -> str:
        return f"{self.kind}, repeat {self.repeat}, fold {self.fold}"


class SplitConfig(BaseModel, frozen=True, extra="forbid"):
    """How indications are held out."""

    num_folds: int = Field(5, ge=2, le=20, description="number of parts; each is held out once per repeat")
    seed: int = Field(42, ge=0, description="seed of the first shuffle; every repeat takes the next number")
    num_repeats: int = Field(1, ge=1, le=20, description="number of shuffles, each with a seed of its own")
    kinds: list[str] = Field(  # not of Literal, for which the launchpad has no form
        list(SPLIT_KINDS), min_length=1, description=f"ways of splitting: {', '.join(SPLIT_KINDS)}"
    )
    external_pairs: str = Field(
        "",
        description="file (absolute) with columns drug_id, disease_id, evaluated with the final model; empty: none",
    )

    @field_validator("kinds")
    @classmethod
    def _are_known(cls, kinds: list[str]) -> list[str]:
        if len(set(kinds)) < len(kinds):
            raise ValueError("each way of splitting may be given once")
        return [require_kind(kind) for kind in kinds]


def _no_pairs() -> IntArray:
    return np.empty((2, 0), dtype=np.int64)


@dataclass(frozen=True, eq=False)
class DrugDiseaseSplit:
    """Every indication with the fold that holds it out, once per way of splitting and repeat."""

    pairs: IntArray
    """Local drug and disease index of every indication. Shape [2, num_pairs]."""
    folds: Mapping[tuple[str, int], IntArray]
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
        ordered = sorted(self.folds, key=lambda shuffle: (list(SPLIT_KINDS).index(shuffle[0]), shuffle[1]))
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


def _column(kind: str, repeat: int) -> str:
    return f"{kind}_fold_of_repeat_{repeat}"


def _from_table(table: pd.DataFrame) -> IntArray:
    return table[["drug", "disease"]].to_numpy(dtype=np.int64).T.copy()


def split_drug_disease_pairs(
    graph: KnowledgeGraph, config: SplitConfig, *, external: IntArray | None = None, inner_folds: int | None = None
) -> DrugDiseaseSplit:
    """Assign every indication of the graph to a fold, for each way of splitting and each repeat.

    A kind's folds depend on its own seed alone: neither the other kinds nor the number of repeats change them. A kind
    that holds out groups is left out with a warning where there are too few, as long as another kind remains; too
    little for any other kind is an error.

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
    folds: dict[tuple[str, int], IntArray] = {}
    left_out: dict[str, str] = {}
    for kind in SPLIT_KINDS.values():
        if kind.name not in config.kinds:
            continue
        try:
            folds |= _shuffles(graph, pairs, kind, config.num_folds, seeds, inner_folds)
        except ValueError as error:
            if kind.groups is None or not folds:
                raise
            left_out[kind.name] = str(error)
            _logger.warning("the split by %s is left out: %s", kind.name, error)
    if inner_folds is not None:
        for setting in SETTINGS:  # the final model learns for all of them
            count_inner_folds(Hiding(setting), pairs, inner_folds)
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
) -> dict[tuple[str, int], IntArray]:
    """Fold of every pair, by kind and repeat; raises as `split_drug_disease_pairs`."""
    hiding = kind.hiding(graph, num_folds=num_folds)
    found: dict[tuple[str, int], IntArray] = {}
    for repeat, seed in enumerate(seeds):
        folds = _folds(pairs, hiding, kind.name, num_folds, np.random.default_rng([seed, kind.stream]))
        if inner_folds is not None:
            for fold in range(num_folds):
                _require_inner_folds(pairs[:, folds != fold], hiding, inner_folds, FoldKey(kind.name, repeat, fold))
        found[kind.name, repeat] = folds
    return found


def _require_inner_folds(pairs: IntArray, hiding: Hiding, wanted: int, left_by: FoldKey) -> None:
    """Refuse what a fold leaves to learn from, if it is too little to hide in turn.

    Raises:
        ValueError: As `count_inner_folds`.
    """
    found = len(np.unique(hiding.whole(pairs)))
    leave_out = f"leave {left_by.kind} out of the kinds"
    if hiding.group is not None:
        advice = f"set more num_folds, or {leave_out}"
    elif found >= 2:
        advice = f"set inner_folds of repurposing_model to {found} or fewer, set more num_folds, or {leave_out}"
    else:
        advice = ""
    count_inner_folds(hiding, pairs, wanted, advice=advice, left_by=str(left_by))


def _folds(pairs: IntArray, hiding: Hiding, name: str, num_folds: int, generator: np.random.Generator) -> IntArray:
    """Deal the distinct wholes in random order, the largest first, each to a fold that holds fewest.

    A whole is as large as it has members: a group its diseases (drugs), anything else is one.

    Args:
        pairs: To be dealt. Shape [2, num_pairs].
        hiding: What is held out as a whole.
        name: Of the way of splitting, for the error message.
        num_folds: Number of folds.
        generator: Source of randomness.

    Returns:
        Fold of every pair; two folds differ in size by no more than the largest whole. Shape [num_pairs].

    Raises:
        ValueError: If there are fewer wholes than folds.
    """
    distinct, whole = np.unique(hiding.whole(pairs), return_inverse=True)
    if len(distinct) < num_folds:
        raise ValueError(
            f"{num_folds} folds by {name} need at least {num_folds} {hiding.in_words} (got {len(distinct)}): "
            f"set fewer folds, or leave {name} out of the kinds"
        )
    member = hiding._replace(group=None).whole(pairs)
    size = np.bincount(np.unique(np.stack([whole, member]), axis=1)[0])
    order = generator.permutation(len(distinct))
    fold_of_whole = np.empty(len(distinct), dtype=np.int64)
    filled = np.zeros(num_folds, dtype=np.int64)
    for number in order[np.argsort(-size[order], kind="stable")]:
        fold_of_whole[number] = filled.argmin()
        filled[filled.argmin()] += size[number]
    return fold_of_whole[whole]


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
        if SPLIT_KINDS[kind].setting != "cold disease":
            continue
        fold = np.full(split.num_diseases, -1)
        fold[split.pairs[1]] = split.folds[kind, repeat]
        treated = (fold[one] >= 0) & (fold[other] >= 0)
        edges, crossing = np.count_nonzero(treated), np.count_nonzero(treated & (fold[one] != fold[other]))
        share = crossing / edges if edges else float("nan")
        figures = {"edges": edges, "crossing_edges": crossing, "crossing_share": share}
        rows.append({"split": kind, "repeat": repeat, **figures})
    return pd.DataFrame(rows, columns=["split", "repeat", "edges", "crossing_edges", "crossing_share"])
