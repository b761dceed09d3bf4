"""Whether a new release becomes the current one: decided here, with every reason in words."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from typing import NamedTuple

import pandas as pd

from hgt_repurposing.benchmark.assumptions import WHOLE_GRID
from hgt_repurposing.benchmark.challenge import Difference, PromotionPolicy
from hgt_repurposing.benchmark.decision import Decision
from hgt_repurposing.benchmark.results import Evaluation
from hgt_repurposing.embeddings.validation import VERDICTS, ValidationReport
from hgt_repurposing.metrics.registry import METRICS
from hgt_repurposing.repurposing.list_changes import ListChanges, no_changes

MAX_LOSS_INCREASE = 0.1
"""By how much the training loss, as a share of the chance loss, may be above that of the current release."""
SIZES = ("nodes", "edges", "indications")
"""Sizes of the graph that may not shrink beyond the limit."""
LOSS_SHARE = "loss_over_chance_loss"


class Side(NamedTuple):
    """What is known of one of the two releases."""

    sizes: Mapping[str, float]
    """Of the graph: `SIZES`."""
    loss_share: float
    """Training loss at the end over the chance loss."""
    contrastive_weight: float
    """Of the part of the loss that the chance loss does not have."""
    measured_grid: bool
    """Whether the whole grid was measured."""
    validation: ValidationReport


def objections_to(
    challenger: Side, evaluation: Evaluation, champion: Side | None, lists: ListChanges | None, policy: PromotionPolicy
) -> list[str]:
    """What speaks against a new release, whatever its comparison with the current one says; one clause each.

    Args:
        challenger: The new release.
        evaluation: Its own.
        champion: The current one; None: there is none.
        lists: Changes of its lists; None: unknown.
        policy: The limits.
    """
    found = [f"behind the best baseline ({where})" for where in _behind(evaluation)]
    if challenger.validation.verdict == "broken":
        found.append("the validation of the embeddings says broken")
    if champion is None:
        return found
    if champion.measured_grid and not challenger.measured_grid:
        found.append("the whole grid was measured before, and is not now")
    before_verdict, now_verdict = champion.validation.verdict, challenger.validation.verdict
    if not challenger.validation.passed and VERDICTS.index(now_verdict) > VERDICTS.index(before_verdict):
        found.append(f"the validation of the embeddings says {now_verdict} ({before_verdict} before)")
    same_loss = challenger.contrastive_weight == champion.contrastive_weight
    if same_loss and challenger.loss_share > champion.loss_share + MAX_LOSS_INCREASE:
        found.append(
            f"the embeddings learned less: the training loss ends at {challenger.loss_share:.0%} of the chance loss "
            f"({champion.loss_share:.0%} before)"
        )
    return [*found, *_list_objections(lists, policy)]


def losses_of_graph(
    challenger: Side, champion: Side | None, lists: ListChanges | None, policy: PromotionPolicy
) -> list[str]:
    """What the graph has lost beyond the limit, one clause each: such a release reaches nobody, whatever the policy."""
    if champion is None:
        return []
    found = []
    for size in SIZES:
        before, now = champion.sizes[size], challenger.sizes[size]
        if now < (1 - policy.max_graph_loss) * before:
            found.append(
                f"the graph lost {1 - now / before:.0%} of its {size} ({before:,.0f} before, {now:,.0f} now; at most "
                f"{policy.max_graph_loss:.0%})"
            )
    if lists is not None and lists.num_gone > policy.max_graph_loss * (lists.num_diseases + lists.num_gone):
        found.append(
            f"{lists.num_gone:,} of the {lists.num_diseases + lists.num_gone:,} diseases of the current lists are gone "
            f"(at most {policy.max_graph_loss:.0%})"
        )
    return found


def declines(comparisons: Sequence[Difference], earlier: Sequence[Decision], policy: PromotionPolicy) -> list[str]:
    """Where many small losses have added up: each was within the margin, their sum is beyond the limit; a clause each.

    Args:
        comparisons: With the current release.
        earlier: Decisions about the current release and those it came from, the newest first, each about a release that
            was compared with the next one.
        policy: Has the limit.
    """
    found = []
    for now in comparisons:
        if now.paired:
            sums = list(accumulate([now.mean, *_earlier_differences(now, earlier)]))[1:]
            lost = -min(sums, default=0.0)
            if lost > policy.max_decline:
                found.append(
                    f"the last {sums.index(-lost) + 2} releases together lost {lost:.3f} on {now.what} "
                    f"({METRICS[now.metric].title}; at most {policy.max_decline:g})"
                )
    return found


def _earlier_differences(now: Difference, earlier: Sequence[Decision]) -> Iterator[float]:
    """Of the same metric on the same kind of held-out treatments, up to the first release without it."""
    for decision in earlier:
        same = [
            entry["difference"]
            for entry in decision.comparisons
            if entry.get("paired") and (entry["what"], entry["metric"]) == (now.what, now.metric)
        ]
        if not same:
            return
        yield same[0]


def _list_objections(lists: ListChanges | None, policy: PromotionPolicy) -> list[str]:
    if lists is None or lists.share_entered <= policy.max_list_change:
        return []
    return [
        f"{lists.share_entered:.0%} of the drugs in the top lists are new, mean over {lists.num_diseases} diseases "
        f"(at most {policy.max_list_change:.0%})"
    ]


def decide(
    policy: PromotionPolicy,
    *,
    against: str | None,
    objections: Sequence[str],
    comparisons: Sequence[Difference],
    losses: Sequence[str] = (),
    notes: Sequence[str] = (),
    changes: pd.DataFrame | None = None,
) -> Decision:
    """Apply the policy.

    Args:
        policy: When to promote.
        against: Id of the current release; None: there is none, and anything is better than nothing.
        objections: From `objections_to`.
        comparisons: With the current release; empty if nothing could be compared.
        losses: From `losses_of_graph`.
        notes: As in `Decision`.
        changes: Of the top lists, as in `Decision`; None: there is nothing to compare with.
    """
    promoted, reason = _verdict(policy, against, losses, objections, comparisons)
    return Decision(
        promoted,
        reason,
        against,
        (*losses, *objections),
        tuple(found.to_json() for found in comparisons),
        tuple(notes),
        no_changes() if changes is None else changes,
    )


def _verdict(
    policy: PromotionPolicy,
    against: str | None,
    losses: Sequence[str],
    objections: Sequence[str],
    comparisons: Sequence[Difference],
) -> tuple[bool, str]:
    worse = [found for found in comparisons if found.verdict == "worse"]
    better = [found for found in comparisons if found.verdict == "better"]
    rules = (
        (policy.promote == "never", False, "promote is set to never"),
        (bool(losses), False, "; ".join([*losses, *objections])),
        (policy.promote == "always", True, "promote is set to always"),
        (against is None, True, "there was no release before"),
        (bool(objections), False, "; ".join(objections)),
        (bool(worse), False, _listed(worse)),
        (not comparisons, False, "nothing could be compared with the current release"),
        (policy.promote == "if_better" and not better, False, "better than the current release nowhere beyond noise"),
        (True, True, _listed(better or comparisons)),
    )
    return next((promoted, reason) for applies, promoted, reason in rules if applies)


def _listed(found: Sequence[Difference]) -> str:
    return "; ".join(difference.in_words() for difference in found)


def _behind(evaluation: Evaluation) -> list[str]:
    """Where the model is behind by more than noise: on the whole grid, or where that was not measured, held out."""
    if evaluation.whole_grid is not None:
        leads = evaluation.whole_grid.headline_leads
        return [f"{WHOLE_GRID}, {lead.metric}" for lead in leads if lead.standing == "behind"]
    split = evaluation.headline_split
    return [split] if evaluation.lead(split).standing == "behind" else []
