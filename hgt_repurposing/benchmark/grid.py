"""The whole grid as one list: positives among all cells about which nothing is known, and any score measured on them.

People get one list of all drugs and diseases, in which the four settings meet. Every pair about which the graph says
nothing (status `new` or `other` in a list) counts, whatever its setting, those of drugs and diseases that never had a
treatment included. On a large graph, a sample of the diseases represents all: the cells of a sampled disease count for
those of the diseases it stands for.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from hgt_repurposing.baselines.catalogue import STACKED, baselines_for
from hgt_repurposing.baselines.rank_average import RANK_AVERAGE, rank_average
from hgt_repurposing.baselines.rules import RANDOM
from hgt_repurposing.benchmark.assumptions import LIST_LENGTHS, SETTING, WHOLE_GRID
from hgt_repurposing.benchmark.protocol import MODEL, SCORER
from hgt_repurposing.graph.external_pairs import no_pairs
from hgt_repurposing.graph.schema import BoolArray, FloatArray, IntArray
from hgt_repurposing.graph.settings import SETTINGS, Treated
from hgt_repurposing.graph.split_kinds import Hiding
from hgt_repurposing.metrics.pooled_cells import num_found, standings
from hgt_repurposing.metrics.ranking import per_disease_ap, per_drug_ap, require_informative
from hgt_repurposing.repurposing.baseline_scores import baseline_inputs
from hgt_repurposing.repurposing.inputs import PairInputs
from hgt_repurposing.repurposing.params import ClassifierParams

MAX_SCORED_CELLS = 2_000_000
"""Cells that are scored: of a larger grid, those of a sample of its diseases."""


class SampledDiseases(NamedTuple):
    """Diseases to score."""

    columns: IntArray
    """Local indices, ascending. Shape [num_columns]."""
    stands_for: FloatArray
    """Number of diseases that each represents. Shape [num_columns]."""

    @property
    def is_sample(self) -> bool:
        """Whether there are diseases that are not scored."""
        return bool((self.stands_for > 1).any())


@dataclass(frozen=True, eq=False, kw_only=True)
class GridFold:
    """What may be seen, what is to be found, and the cells that are scored."""

    key: Mapping[str, str | int]
    """First columns of its rows in the tables, which tell it from other folds."""
    name: str
    """For logs and messages."""
    visible: IntArray
    """Visible treatments. Shape [2, num_visible]."""
    positives: IntArray
    """Pairs to be found, none of them visible, in sampled diseases or others. Shape [2, num_positives]."""
    known_otherwise: IntArray
    """Pairs about which the graph says something else, such as a contraindication: unless they are to be found, they
    are no candidates, as lists of new candidates do not have them. Shape [2, num_known_otherwise]."""
    shape: tuple[int, int]
    """Number of drugs and of diseases."""
    sample: SampledDiseases
    stream: tuple[int, ...] = ()
    """Its own part of the seed."""

    def seed(self, seed: int) -> tuple[int, ...]:
        """Seed of this fold, derived from that of the run."""
        return (seed, *self.stream)

    @property
    def columns(self) -> IntArray:
        """Diseases that are scored, ascending. Shape [num_columns]."""
        return self.sample.columns

    @cached_property
    def treated(self) -> Treated:
        """Which drugs and diseases have a visible treatment."""
        drugs, diseases = (np.isin(np.arange(n), ends) for n, ends in zip(self.shape, self.visible, strict=True))
        return Treated(drugs, diseases)

    @cached_property
    def positive(self) -> BoolArray:
        """True for pairs to be found. Shape [num_drugs, num_columns]."""
        return self.marked(self.positives)

    @cached_property
    def candidate(self) -> BoolArray:
        """True for cells about which nothing is known, and those to be found. Shape [num_drugs, num_columns]."""
        return ~self.marked(self.visible) & (~self.marked(self.known_otherwise) | self.positive)

    @cached_property
    def setting(self) -> IntArray:
        """Index into `SETTINGS` of each candidate. Shape [num_candidates]."""
        return self.treated.grid(self.columns)[self.candidate]

    @cached_property
    def weight(self) -> FloatArray:
        """Number of cells that each candidate represents. Shape [num_candidates]."""
        return np.broadcast_to(self.sample.stands_for, self.candidate.shape)[self.candidate]

    def marked(self, pairs: IntArray) -> BoolArray:
        """True at the given pairs; those of other diseases are left out. Shape [num_drugs, num_columns]."""
        marked = np.zeros(self.shape, dtype=np.bool_)
        marked[tuple(pairs)] = True
        return marked[:, self.columns]


def sample_diseases(
    shape: tuple[int, int],
    treated: IntArray,
    generator: np.random.Generator,
    *,
    to_find: IntArray | None = None,
    always: IntArray | None = None,
) -> SampledDiseases:
    """Diseases to score: all, or a stratified sample.

    Diseases with a pair to be found get up to half of the room, or what the others leave, since they are what a metric
    is a mean over, and few among many without any treatment. Either share goes to diseases with and without a visible
    treatment in proportion, at least one of each kind there is.

    Args:
        shape: Number of drugs and of diseases.
        treated: Diseases with a visible treatment; may repeat. Shape [num].
        generator: Source of the sample.
        to_find: Diseases of the pairs to be found; may repeat. Shape [num_pairs].
        always: Diseases to score in any case, which represent only themselves. Shape [num_always].
    """
    num_drugs, num_diseases = shape
    room = max(2, MAX_SCORED_CELLS // num_drugs)
    if num_diseases <= room:
        return SampledDiseases(np.arange(num_diseases), np.ones(num_diseases))
    always, to_find = (no_pairs()[0] if given is None else np.unique(given) for given in (always, to_find))
    stands_for = np.zeros(num_diseases)
    stands_for[always] = 1
    left = np.setdiff1d(np.arange(num_diseases), always)
    room, to_find = max(2, room - len(always)), np.intersect1d(left, to_find)
    others = np.setdiff1d(left, to_find)
    room_to_find = min(len(to_find), max(room // 2, room - len(others)))
    for group, size in ((to_find, room_to_find), (others, room - room_to_find)):
        for stratum in (np.intersect1d(group, treated), np.setdiff1d(group, treated)):
            wanted = min(len(stratum), max(1, round(size * len(stratum) / max(len(group), 1))))
            stands_for[generator.choice(stratum, wanted, replace=False)] = len(stratum) / max(wanted, 1)
    columns = np.flatnonzero(stands_for)
    return SampledDiseases(columns, stands_for[columns])


class BaselineGrids(NamedTuple):
    """Scores of all baselines."""

    scores: Mapping[str, FloatArray]
    """By name, the rank average last. Shape [num_drugs, num_columns] each."""
    missing: Mapping[str, str]
    """Baselines that cannot be computed on the graph, with the reason."""


def baseline_scores(fold: GridFold, inputs: PairInputs, params: ClassifierParams) -> BaselineGrids:
    """Every baseline on the grid of a fold; the stacked one has a regression for each setting."""
    given = baseline_inputs(
        inputs.neighbourhoods,
        inputs.labels.with_indications(fold.visible).indications,
        hiding=Hiding("pair"),
        seed=fold.seed(params.seed),
        missing=params.missing,
        other_labels=inputs.labels.other_labels,
    )
    usable, missing = baselines_for(given)
    found = {baseline.name: baseline.fit(given)(fold.columns) for baseline in usable}
    rules = {name: scores[fold.candidate] for name, scores in found.items() if name not in (RANDOM.name, STACKED.name)}
    average = np.zeros(fold.candidate.shape)
    average[fold.candidate] = rank_average(rules, fold.setting)
    return BaselineGrids({**found, RANK_AVERAGE: average}, missing)


class GridRows(NamedTuple):
    """Rows of one scorer on one fold. Any: names and numbers."""

    scorers: list[dict[str, Any]]
    """One for the whole grid and for each setting with candidates."""
    positives: pd.DataFrame
    """Where every positive stands."""


def measure(fold: GridFold, scorer: str, scores: FloatArray, *, probability: FloatArray | None = None) -> GridRows:
    """Measure one scorer on one fold.

    Args:
        fold: Defines the cells; at least one of them is positive.
        scorer: Its name.
        scores: Higher is better. Shape [num_drugs, num_columns].
        probability: Of each candidate, where these are to be compared with what is found. Shape [num_candidates].

    Raises:
        ValueError: If a score is not finite, the model's are all equal, or all candidates are to be found.
    """
    key = {**fold.key, SCORER: scorer}
    cells, positive = scores[fold.candidate], fold.positive[fold.candidate]
    if positive.all():
        raise ValueError(
            f"{fold.name}: there is nothing to rank {len(positive)} treatments against: about every other pair, the "
            "graph says something"
        )
    if scorer == MODEL:
        require_informative(scores, fold.candidate, scorer=f"the model ({fold.name})")
    drug, column = np.nonzero(fold.positive)
    found = pd.DataFrame({**key, "drug": drug, "disease": fold.columns[column]})
    found[SETTING] = [SETTINGS[number] for number in fold.setting[positive]]
    found["weight"] = fold.weight[positive]
    rows = []
    for setting in (WHOLE_GRID, *SETTINGS):
        here = np.ones(len(cells), dtype=np.bool_) if setting == WHOLE_GRID else fold.setting == SETTINGS.index(setting)
        if not here.any():
            continue
        row = {**key, SETTING: setting, **_sizes(fold, here, positive, probability)}
        if positive[here].any() and not positive[here].all():
            standing = standings(cells[here], positive[here], fold.weight[here])
            own = here[positive]
            suffix = "" if setting == WHOLE_GRID else "_in_setting"
            found.loc[own, f"placement{suffix}"] = standing.placement
            found.loc[own, f"precision{suffix}"] = standing.precision
            weight = fold.weight[positive & here]
            row["auroc"] = float(np.average(standing.placement, weights=weight))
            row["average_precision"] = float(np.average(standing.precision, weights=weight))
        if setting == WHOLE_GRID:
            row |= {f"found_at_{top}": num_found(cells, positive, fold.weight, top=top) for top in LIST_LENGTHS}
            row["macro_ap"] = float(per_disease_ap(*_grid(fold, scores)).precision.mean())
            by_drug = np.nan if fold.sample.is_sample else per_drug_ap(*_grid(fold, scores)).precision.mean()
            row["macro_ap_by_drug"] = float(by_drug)  # a drug's list needs all diseases
        rows.append(row)
    return GridRows(rows, found)


def _grid(fold: GridFold, scores: FloatArray) -> tuple[FloatArray, BoolArray, BoolArray]:
    """Columns with a candidate."""
    columns = fold.candidate.any(axis=0)
    return scores[:, columns], fold.positive[:, columns], fold.candidate[:, columns]


def _sizes(fold: GridFold, here: BoolArray, positive: BoolArray, probability: FloatArray | None) -> dict[str, float]:
    """Numbers of cells and of positives, and how many the probabilities expect."""
    weight = fold.weight[here]
    sizes = {
        "num_cells": float(weight.sum()),
        "num_scored": float(here.sum()),
        "num_positives": float(weight @ positive[here]),
    }
    return sizes if probability is None else {**sizes, "expected": float(weight @ probability[here])}
