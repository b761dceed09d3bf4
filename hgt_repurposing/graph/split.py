"""Which drug-disease pairs are held out.

The split comes first, the message graph second (`message_graph.py`). Every split kind (`split_kinds.py`)
partitions all indications into folds, shuffled once per seed. Repeats of `disease_group` differ less than those of
other kinds, since large groups of diseases leave little to shuffle.
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
from hgt_repurposing.graph.external_pairs import ExternalPairs, ExternalSet, no_pairs, unknown_ids
from hgt_repurposing.graph.inner_folds import count_inner_folds
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.schema import BoolArray, IntArray
from hgt_repurposing.graph.sources.external import ExternalFile, ExternalFiles, external_files
from hgt_repurposing.graph.split_kinds import SPLIT_KINDS, UNITS, Hiding, SplitKind, require_kind

_logger = logging.getLogger(__name__)


class FoldKey(NamedTuple):
    """Identifies one test set: a split kind, a repeat and a fold."""

    kind: str
    """One of SPLIT_KINDS."""
    repeat: int
    """Index of the repeat's seed among the seeds."""
    fold: int

    def __str__(self) -> str:
        return f"{self.kind}, repeat {self.repeat}, fold {self.fold}"


class SplitConfig(BaseModel, frozen=True, extra="forbid"):
    """How indications are held out."""

    num_folds: int = Field(5, ge=2, le=20, description="number of folds; each is held out once per repeat")
    seed: int = Field(42, ge=0, description="seed of the first repeat; each further repeat adds 1")
    num_repeats: int = Field(1, ge=1, le=20, description="number of shuffles, each with its own seed")
    kinds: list[str] = Field(  # not Literal, which the launchpad does not support
        list(SPLIT_KINDS), min_length=1, description=f"split kinds: {', '.join(SPLIT_KINDS)}"
    )
    deployment_folds: int = Field(
        2,
        ge=0,
        le=20,
        description="how often treatments are hidden as they are assumed to be missing and the whole grid is scored, "
        "in addition to the split kinds; half as often, at most twice, under two other "
        "assumptions; 0: never",
    )
    external_pairs: ExternalFiles = Field(
        "",
        description="pairs to test the final model on: the absolute path of a file (drug_id, disease_id), or a list of "
        "files, each with settings of its own; empty: none",
    )

    @field_validator("kinds")
    @classmethod
    def _are_known(cls, kinds: list[str]) -> list[str]:
        if len(set(kinds)) < len(kinds):
            raise ValueError("each split kind may be given only once")
        return [require_kind(kind) for kind in kinds]

    @field_validator("external_pairs")
    @classmethod
    def _have_names(cls, given: str | list[ExternalFile]) -> str | list[ExternalFile]:
        external_files(given)
        return given

    @property
    def external_files(self) -> tuple[ExternalFile, ...]:
        """The files of external pairs, in the order of the results."""
        return external_files(self.external_pairs)


@dataclass(frozen=True, eq=False)
class DrugDiseaseSplit:
    """Every indication with the fold that holds it out, once per split kind and repeat."""

    pairs: IntArray
    """Local drug and disease index of every indication. Shape [2, num_pairs]."""
    folds: Mapping[tuple[str, int], IntArray]
    """Fold that holds out each pair, by kind and repeat; -1 if none does. Shape [num_pairs] each."""
    num_drugs: int
    num_diseases: int
    num_folds: int
    seeds: tuple[int, ...]
    """Seed of each repeat."""
    external: tuple[ExternalSet, ...] = ()
    """Pairs from outside the graph by file, none an indication in it; names are distinct."""
    external_unknown: pd.DataFrame = field(default_factory=unknown_ids)
    """Ids of these files that mean no node of the graph: columns UNKNOWN_COLUMNS of `external_pairs.py`."""
    num_deployment: int = 0
    """Number of masks that the protocol `deployment` draws from the model's assumption."""
    left_out: Mapping[str, str] = field(default_factory=dict)
    """Requested split kinds for which the graph is too small, with the reason."""

    @cached_property
    def external_positives(self) -> IntArray:
        """Treatments from outside the graph, of all files together. Shape [2, num_positives], sorted, unique."""
        return self._pooled([external.positives for external in self.external])

    @cached_property
    def external_negatives(self) -> IntArray:
        """Known negatives of all files together that no file calls a treatment. Shape [2, num_negatives]."""
        pooled = self._pooled([external.negatives for external in self.external])
        key, positive = (
            np.ravel_multi_index(tuple(pairs), self._grid_shape) for pairs in (pooled, self.external_positives)
        )
        return pooled[:, ~np.isin(key, positive)]

    @property
    def _grid_shape(self) -> tuple[int, int]:
        return self.num_drugs, self.num_diseases

    def _pooled(self, parts: Sequence[IntArray]) -> IntArray:
        pairs = np.concatenate([no_pairs(), *parts], axis=1)
        key = np.unique(np.ravel_multi_index(tuple(pairs), self._grid_shape))
        return np.stack(np.unravel_index(key, self._grid_shape)).astype(np.int64)

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
                f"no pair is held out by ({key}): folds range from 0 to {self.num_folds - 1}, available: {found}"
            )
        return np.equal(self.folds[key.kind, key.repeat], key.fold)

    def test_pairs(self, key: FoldKey) -> IntArray:
        """Pairs that this fold holds out. Shape [2, num_test]."""
        return self.pairs[:, self.held_out(key)]

    def training_pairs(self, key: FoldKey) -> IntArray:
        """Pairs that this fold does not hold out. Shape [2, num_training]."""
        return self.pairs[:, ~self.held_out(key)]

    def only(self, key: FoldKey) -> Self:
        """The same pairs with only this fold and the external pairs to evaluate on, without deployment masks.

        Raises:
            ValueError: If the fold holds out no pair.
        """
        return replace(
            self, num_deployment=0, folds={(key.kind, key.repeat): np.where(self.held_out(key), key.fold, -1)}
        )

    @cached_property
    def digest(self) -> str:
        """SHA-256 of pairs, folds, sizes, seeds and external pairs with the names of their files."""
        sha = hashlib.sha256(
            repr((self.num_drugs, self.num_diseases, self.num_folds, self.seeds, self.num_deployment)).encode()
        )
        outside = [pairs for external in self.external for pairs in (external.positives, external.negatives)]
        for pairs in (self.pairs, *outside):
            sha.update(repr(pairs.shape).encode() + np.ascontiguousarray(pairs).tobytes())
        sha.update(repr([external.name for external in self.external]).encode())
        for (kind, repeat), folds in sorted(self.folds.items()):
            sha.update(f"{kind} {repeat}".encode() + folds.tobytes())
        return sha.hexdigest()

    def to_parts(self) -> dict[str, Any]:
        """What `artifacts.py` writes; the inverse of `from_parts`. Any: one of its part shapes."""
        folds = {_column(kind, repeat): fold for (kind, repeat), fold in self.folds.items()}
        return {
            "pairs.parquet": pd.DataFrame({"drug": self.pairs[0], "disease": self.pairs[1], **folds}),
            **ExternalPairs(self.external, self.external_unknown).to_parts(),
            "split.json": {
                "num_drugs": self.num_drugs,
                "num_diseases": self.num_diseases,
                "num_folds": self.num_folds,
                "num_deployment": self.num_deployment,
                "seeds": list(self.seeds),
                "shuffles": [[kind, repeat] for kind, repeat in self.folds],
                "left_out": dict(self.left_out),
                "digest": self.digest,
            },
        }

    @classmethod
    def from_parts(cls, parts: Mapping[str, Any]) -> Self:
        """Inverse of `to_parts`."""
        table, meta, external = parts["pairs.parquet"], parts["split.json"], ExternalPairs.from_parts(parts)
        folds = {
            (kind, repeat): table[_column(kind, repeat)].to_numpy(dtype=np.int64) for kind, repeat in meta["shuffles"]
        }
        return cls(
            pairs=_from_table(table),
            folds=folds,
            num_drugs=meta["num_drugs"],
            num_diseases=meta["num_diseases"],
            num_folds=meta["num_folds"],
            num_deployment=meta["num_deployment"],
            seeds=tuple(meta["seeds"]),
            external=external.sets,
            external_unknown=external.unknown,
            left_out=meta["left_out"],
        )


def _column(kind: str, repeat: int) -> str:
    return f"{kind}_fold_of_repeat_{repeat}"


def _from_table(table: pd.DataFrame) -> IntArray:
    return table[["drug", "disease"]].to_numpy(dtype=np.int64).T.copy()


def split_drug_disease_pairs(
    graph: KnowledgeGraph,
    config: SplitConfig,
    *,
    external: ExternalPairs | None = None,
    inner_folds: int | None = None,
) -> DrugDiseaseSplit:
    """Assign every indication of the graph to a fold, for each split kind and each repeat.

    A kind's folds depend only on its own seed, not on the other kinds or the number of repeats. A kind that holds out
    groups is skipped with a warning if there are too few groups and another kind remains; for other kinds too few is an
    error.

    Args:
        graph: Its indications are split.
        config: How to split; the files it names are not read here.
        external: What was read from these files.
        inner_folds: Number of parts that learning will hide in turn, of all pairs and of each fold's training pairs;
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
        for unit in UNITS:  # the final model hides all of them
            count_inner_folds(Hiding(unit), pairs, inner_folds)
    return DrugDiseaseSplit(
        pairs=pairs,
        folds=folds,
        num_drugs=graph.num_nodes[graph.therapeutic.drug],
        num_diseases=graph.num_nodes[graph.therapeutic.disease],
        num_folds=config.num_folds,
        num_deployment=config.deployment_folds,
        seeds=seeds,
        external=() if external is None else external.sets,
        external_unknown=unknown_ids() if external is None else external.unknown,
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
                left_by = str(FoldKey(kind.name, repeat, fold))
                count_inner_folds(hiding, pairs[:, folds != fold], inner_folds, kind=kind.name, left_by=left_by)
        found[kind.name, repeat] = folds
    return found


def _folds(pairs: IntArray, hiding: Hiding, name: str, num_folds: int, generator: np.random.Generator) -> IntArray:
    """Deal the units, largest first and otherwise in random order, each to the smallest fold.

    The size of a unit is its number of members: the diseases (drugs) of a group, otherwise 1.

    Args:
        pairs: Pairs to deal. Shape [2, num_pairs].
        hiding: Which pairs form a unit.
        name: Name of the split kind, for the error message.
        num_folds: Number of folds.
        generator: Source of randomness.

    Returns:
        Fold of every pair; two folds differ in size by at most the largest unit. Shape [num_pairs].

    Raises:
        ValueError: If there are fewer units than folds.
    """
    distinct, whole = np.unique(hiding.whole(pairs), return_inverse=True)
    if len(distinct) < num_folds:
        raise ValueError(
            f"{num_folds} folds by {name} need at least {num_folds} {hiding.in_words} (got {len(distinct)}): "
            f"lower num_folds, or leave {name} out of the kinds"
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
    """Size of each test set: columns split, repeat, fold, pairs, diseases, drugs."""
    rows = []
    for key in split.keys:
        drugs, diseases = split.test_pairs(key)
        distinct = {"diseases": len(np.unique(diseases)), "drugs": len(np.unique(drugs))}
        rows.append({"split": key.kind, "repeat": key.repeat, "fold": key.fold, "pairs": len(drugs), **distinct})
    return pd.DataFrame(rows)


def crossing_edges(split: DrugDiseaseSplit, graph: KnowledgeGraph) -> pd.DataFrame:
    """Count edges between treated diseases of different folds, which link test to training diseases.

    Covers only splits that hold out whole diseases; the share is NaN if the graph has no such edges.

    Returns:
        One row per kind and repeat: columns split, repeat, edges, crossing_edges, crossing_share.
    """
    one, other = related_diseases(graph)
    rows = []
    for kind, repeat in dict.fromkeys((key.kind, key.repeat) for key in split.keys):
        if SPLIT_KINDS[kind].unit != "disease":
            continue
        fold = np.full(split.num_diseases, -1)
        fold[split.pairs[1]] = split.folds[kind, repeat]
        treated = (fold[one] >= 0) & (fold[other] >= 0)
        edges, crossing = np.count_nonzero(treated), np.count_nonzero(treated & (fold[one] != fold[other]))
        share = crossing / edges if edges else float("nan")
        figures = {"edges": edges, "crossing_edges": crossing, "crossing_share": share}
        rows.append({"split": kind, "repeat": repeat, **figures})
    return pd.DataFrame(rows, columns=["split", "repeat", "edges", "crossing_edges", "crossing_share"])
