"""What a score is made of: the calibrated log odds of one pair as a sum over features, vectors and baselines.

The log odds are those of the mean probability of all members (`blend.py`). Each member's log odds are linear in its
heads, and each head is a sum over its columns: coefficients of the linear heads, Shapley values of the trees. Linear
heads, towers and baselines are compared with the mean over the drugs of the same disease and setting, trees with their
own examples. What is left is `base`: intercepts, what is usual, calibration, and the difference between the log odds of
the mean and the mean of the log odds.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from typing import NamedTuple

import numpy as np
import pandas as pd

from hgt_repurposing.graph.schema import FloatArray, IntArray
from hgt_repurposing.graph.settings import Setting
from hgt_repurposing.repurposing.blend import mean_log_odds
from hgt_repurposing.repurposing.classifier import HEADS, TOWERS, Member, PairClassifier, Rows
from hgt_repurposing.repurposing.features import AGAINST_OTHER_DRUGS, EVIDENCE_IN_WORDS, Evidence
from hgt_repurposing.repurposing.labels import INDICATION
from hgt_repurposing.repurposing.scorer import Scorer

VECTORS = "vectors"
GROUPS: dict[str, str] = {
    **{str(kind): said for kind, said in EVIDENCE_IN_WORDS.items()},
    VECTORS: "HGT embeddings and singular vectors of drug and disease",
}
"""What parts of a score are grouped by, in words."""
OF_BASELINE: dict[str, Evidence] = {
    "drug degree": "usage",
    "disease degree": "usage",
    "degree product": "usage",
    "drug kNN": "shared treatments",
    "disease kNN": "shared treatments",
    "matrix factorisation": "shared treatments",
    "disease similarity by genes": "similar diseases",
    "drug similarity by targets": "similar drugs",
    "drug-gene-disease paths": "paths",
    "Kronecker ridge": "both",
}
"""Kind of evidence that each baseline stands for."""
DISEASES_KEPT = 8
"""Diseases whose features of all drugs are kept: 5 MB each on a graph of PrimeKG's size."""


class Decomposition(NamedTuple):
    """The log odds of a pair as a sum."""

    log_odds: float
    """The score: `base` and all parts."""
    base: float
    parts: pd.DataFrame
    """Columns group, part (a feature, a baseline, `tree vectors` or `two towers`), log_odds; the largest first."""

    @property
    def by_group(self) -> "pd.Series[float]":
        """Sum of each group, in the order of `GROUPS`."""
        return self.parts.groupby("group")["log_odds"].sum().reindex(list(GROUPS), fill_value=0.0)


class _Shared(NamedTuple):
    """What the pairs of a disease that are of one setting have in common."""

    classifier: PairClassifier
    kinds: Mapping[str, str]
    """Group of each feature and baseline."""
    drugs: IntArray
    """Ascending. Shape [num_drugs_of_setting]."""
    rows: Rows
    """Of these drugs and the disease, with baselines as the heads read them."""
    usual: FloatArray
    """Mean of the named features. Shape [num_named]."""
    usual_baselines: FloatArray
    """Mean of the baselines. Shape [num_baselines]."""
    usual_towers: FloatArray
    """Mean of the towers, by inner fold; empty without. Shape [num_folds]."""


@dataclass(frozen=True, eq=False)
class Decomposer:
    """Takes scores of one scorer apart; keeps what pairs share for the diseases that were last asked for."""

    scorer: Scorer
    """The final model's."""

    def decompose(self, drug: int, disease: int) -> Decomposition:
        """Take the score of a pair apart.

        Args:
            drug: Local index.
            disease: Local index.

        Raises:
            ValueError: If the pair's setting has no classifier.
        """
        shared = self._shared(disease, self.scorer.setting_of(drug, disease))
        classifier, place = shared.classifier, int(np.searchsorted(shared.drugs, drug))
        one = shared.rows.only(np.array([place]))
        intercept = classifier.blends[INDICATION - 1].intercept
        members = [list(_terms(shared, member, fold, one)) for fold, member in enumerate(classifier.members or [None])]
        of_members = [intercept + sum(term.base + sum(term.parts.values()) for term in terms) for terms in members]
        agreed = float(mean_log_odds([np.array([log_odds]) for log_odds in of_members])[0])
        usual = intercept + float(np.mean([sum(term.base for term in terms) for terms in members]))
        by_averaging = agreed - float(np.mean(of_members))
        parts = _mean_parts(members)
        table = pd.DataFrame(
            {
                "group": [shared.kinds.get(name, VECTORS) for name in parts],
                "part": list(parts),
                "log_odds": list(parts.values()),
            }
        )
        order = np.argsort(-table["log_odds"].abs().to_numpy(), kind="stable")
        return Decomposition(
            agreed + classifier.shift,
            usual + by_averaging + classifier.shift,
            table.iloc[order].reset_index(drop=True),
        )

    @cached_property
    def _shared(self) -> Callable[[int, Setting], _Shared]:
        # Bound to the scorer, not to this object: a cycle would keep both until a collection.
        return lru_cache(DISEASES_KEPT)(partial(_shared_of, self.scorer))


def decompose(scorer: Scorer, drug: int, disease: int) -> Decomposition:
    """Take the score of a single pair apart; arguments and errors as in `Decomposer.decompose`."""
    return Decomposer(scorer).decompose(drug, disease)


def _shared_of(scorer: Scorer, disease: int, setting: Setting) -> _Shared:
    classifier, features, drugs, rows = scorer.of_disease(disease, setting)
    scaled = classifier.scaled(rows)
    named = zip(features.names, features.evidence, strict=True)
    return _Shared(
        classifier,
        {**{_short(name): str(kind) for name, kind in named}, **OF_BASELINE},
        drugs,
        scaled,
        scaled.named.mean(axis=0, dtype=np.float64),
        scaled.baselines.mean(axis=0, dtype=np.float64),
        np.empty(0) if scaled.towers is None else scaled.towers.mean(axis=0),
    )


def _mean_parts(members: Sequence[Sequence["_Term"]]) -> dict[str, float]:
    """What each part adds, mean over the members."""
    parts: dict[str, float] = {}
    for terms in members:
        for term in terms:
            for name, value in term.parts.items():
                parts[_short(name)] = parts.get(_short(name), 0.0) + value / len(members)
    return parts


class _Term(NamedTuple):
    """One of the scores that are blended, times its weight."""

    base: float
    parts: Mapping[str, float]


def _terms(shared: _Shared, member: Member | None, fold: int, one: Rows) -> Iterator[_Term]:
    """The terms of one member's log odds, without the intercept of the blend."""
    classifier, usual_baselines = shared.classifier, shared.usual_baselines
    weights = dict(zip(classifier.score_names, classifier.blends[INDICATION - 1].weights, strict=True))
    if member is not None:
        named, names = one.named[0], classifier.feature_names
        for head, linear in zip(HEADS[:2], (member.linear, member.weakly_penalised), strict=True):
            yield _weighted(weights[head], names, *linear.contributions(named, shared.usual))
        values, base = member.trees.contributions(one.named_and_vectors()[0])
        of_vectors = np.append(values[: len(names)], values[len(names) :].sum())
        yield _weighted(weights[HEADS[2]], (*names, "tree vectors"), of_vectors, base)
        stacked = member.stacked.contributions(one.baselines[0], usual_baselines)
        yield _weighted(weights[HEADS[3]], classifier.baseline_names, *stacked)
    if one.towers is not None and classifier.with_towers:
        usual_tower = float(shared.usual_towers[fold])
        yield _weighted(weights[TOWERS], (TOWERS,), np.array([one.towers[0, fold] - usual_tower]), usual_tower)
    of_baselines = np.array([weights[name] for name in classifier.baseline_names])
    values = of_baselines * (one.baselines[0] - usual_baselines)
    yield _weighted(1.0, classifier.baseline_names, values, float(of_baselines @ usual_baselines))


def _short(name: str) -> str:
    """A feature and its second version are one part."""
    return name.removesuffix(AGAINST_OTHER_DRUGS)


def _weighted(weight: float, names: tuple[str, ...], values: FloatArray, base: float) -> _Term:
    return _Term(weight * base, {name: weight * float(value) for name, value in zip(names, values, strict=True)})
