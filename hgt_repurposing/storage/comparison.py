"""Two releases on the same held-out treatments: on which, depends on what changed between them."""

import logging
from collections.abc import Callable
from typing import NamedTuple

from hgt_repurposing.benchmark.challenge import (
    Difference,
    PromotionPolicy,
    compare_evaluations,
    compare_on_own_graphs,
)
from hgt_repurposing.storage.released import ReleasedValues

logger = logging.getLogger(__name__)

SAME_TREATMENTS = "both were evaluated on the same held-out treatments of the same graph"
ONLY_FOLDS = (
    "only the folds changed: with the same settings, the model of the current release would be the new one on them"
)
OTHER_SETTINGS = (
    "graph or folds changed together with settings: a model with the settings of the current release was trained and "
    "evaluated on the new graph and folds"
)
EACH_ON_ITS_OWN = "each was evaluated on its own held-out treatments: only a difference beyond noise counts"


class Found(NamedTuple):
    """Differences on the same held-out treatments; none if there are none, or too few."""

    differences: list[Difference]
    note: str
    """How they were measured, or why they were not; one sentence."""


def compare_releases(
    before: ReleasedValues, now: ReleasedValues, policy: PromotionPolicy
) -> tuple[list[Difference], list[str]]:
    """The most that can be said about two releases, and how it was measured.

    Args:
        before: The current release.
        now: The new one.
        policy: Has the margin.

    Raises:
        ValueError: If the settings of the current release do not suit the new graph.
        UnreadableArtifactError: If a version is damaged.
    """
    same_graph, same_folds = (_same(before, now, name) for name in ("knowledge_graph", "drug_disease_split"))
    if same_graph and same_folds:
        differences = compare_evaluations(before.evaluation, now.evaluation, margin=policy.margin)
        if differences:
            return differences, [SAME_TREATMENTS]
    found = _way(before, now, same_graph=same_graph)(before, now, policy)
    each = compare_on_own_graphs(before.evaluation, now.evaluation)
    if found.differences:
        # Values of two graphs do not compare: beside a paired comparison they only inform.
        return found.differences, [
            found.note,
            *(f"each on its own held-out treatments: {own.in_words()}" for own in each),
        ]
    return each, [found.note, EACH_ON_ITS_OWN]


def _way(
    before: ReleasedValues, now: ReleasedValues, *, same_graph: bool
) -> Callable[[ReleasedValues, ReleasedValues, PromotionPolicy], Found]:
    """How to compare on treatments that neither has learned from.

    Training with equal settings on an equal graph and folds gives an equal model: refitting would compare the new
    release with itself.
    """
    if before.settings != now.settings:
        return _refitted
    return _nothing_to_measure if same_graph else _on_new_treatments


def _nothing_to_measure(*_: object) -> Found:
    return Found([], ONLY_FOLDS)


def _on_new_treatments(before: ReleasedValues, now: ReleasedValues, policy: PromotionPolicy) -> Found:
    """On the treatments that are new in the graph."""
    from hgt_repurposing.benchmark.new_treatments import (  # noqa: PLC0415  (loads scikit-learn and xgboost)
        MIN_NEW,
        NewTreatments,
        compare_on_new_treatments,
    )

    new = NewTreatments.between(before.graph, now.graph)
    number = new.pairs.shape[1]
    if number < MIN_NEW:
        note = f"{number} treatments of drugs and diseases that both graphs have are new, fewer than {MIN_NEW}"
        return Found([], note)
    embedding, message, params = now.settings
    embeddings, refitted = None, "refitted"
    if message.key is not None:  # the embeddings have learned from the new treatments, too
        from hgt_repurposing.benchmark.refit import embeddings_without  # noqa: PLC0415  (loads torch)

        logger.info("training without the %d new treatments", number)
        embeddings = embeddings_without(new.pairs, now.graph, now.split, embedding, message)
        refitted = "trained and fitted"
    pairs = compare_on_new_treatments(new, before.scorer(), before.graph, now.inputs(embeddings), params)
    return Found(
        [paired.difference(margin=policy.margin, seed=params.seed) for paired in pairs],
        f"{number} treatments are new in the graph: the current model ranked them before they were known, the new one "
        f"was {refitted} without them",
    )


def _refitted(before: ReleasedValues, now: ReleasedValues, policy: PromotionPolicy) -> Found:
    """The settings of the current release on the new graph and folds, against the new release."""
    from hgt_repurposing.benchmark.refit import evaluate_settings  # noqa: PLC0415  (loads torch)

    logger.info("training and evaluating the settings of the current release on the new graph and folds")
    embedding, message, classifier = before.settings
    evaluation = evaluate_settings(
        now.graph,
        now.split,
        embedding,
        message,
        classifier,
        on_fold=lambda name: logger.info("evaluated the settings of the current release on %s", name),
    )
    return Found(compare_evaluations(evaluation, now.evaluation, margin=policy.margin), OTHER_SETTINGS)


def _same(before: ReleasedValues, now: ReleasedValues, name: str) -> bool:
    return before.manifests[name].digest == now.manifests[name].digest
