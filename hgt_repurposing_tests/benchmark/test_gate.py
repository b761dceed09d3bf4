"""Whether a new release becomes the current one, and every reason."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from hgt_repurposing.benchmark.challenge import Difference, Promote, PromotionPolicy, Verdict
from hgt_repurposing.benchmark.decision import Decision
from hgt_repurposing.benchmark.gate import Side, decide, declines, losses_of_graph, objections_to
from hgt_repurposing.benchmark.results import Evaluation
from hgt_repurposing.embeddings.validation import Verdict as EmbeddingVerdict
from hgt_repurposing.repurposing.list_changes import ListChanges, no_changes
from hgt_repurposing_tests.benchmark.evaluations import evaluated
from hgt_repurposing_tests.benchmark.test_challenge import on_grid
from hgt_repurposing_tests.embeddings.test_validation import gaussian, validate

SIZES = {"nodes": 1000.0, "edges": 10_000.0, "indications": 100.0}
POLICY = PromotionPolicy()
VALIDATED = validate(gaussian(40, 8))


def side(
    loss_share: float = 0.5,
    verdict: EmbeddingVerdict = "good",
    *,
    contrastive_weight: float = 0.0,
    measured_grid: bool = True,
    **sizes: float,
) -> Side:
    return Side(
        SIZES | sizes, loss_share, contrastive_weight, measured_grid, VALIDATED.model_copy(update={"verdict": verdict})
    )


def lists(share: float) -> ListChanges:
    return ListChanges(no_changes(), 7, share, 0, 0)


def difference(verdict: Verdict) -> Difference:
    return Difference("here", "auroc", 0.8, 0.8, None, None, 3, verdict)


# what speaks against a release, whatever the comparison says


@pytest.mark.parametrize(
    ("challenger", "share", "said"),
    [
        (side(loss_share=0.7), 0.1, "the embeddings learned less: the training loss ends at 70% of the chance loss "
                                    "(50% before)"),
        (side(verdict="collapsed"), 0.1, "the validation of the embeddings says collapsed (good before)"),
        (side(), 0.9, "90% of the drugs in the top lists are new, mean over 7 diseases (at most 50%)"),
    ],
)  # fmt: skip
def test_each_objection_names_figures_and_limit(challenger: Side, share: float, said: str) -> None:
    (objection,) = objections_to(challenger, evaluated(), side(), lists(share), POLICY)
    assert objection == said


@pytest.mark.parametrize(
    "challenger", [side(), side(0.6), side(edges=8000.0), side(verdict="borderline"), side(nodes=5000.0), side(0.1)]
)
def test_within_the_limits_nothing_is_said(challenger: Side) -> None:
    assert objections_to(challenger, evaluated(), side(), lists(0.5), POLICY) == []


@pytest.mark.parametrize(
    ("challenger", "said"),
    [
        (side(edges=1500.0), "the graph lost 85% of its edges (10,000 before, 1,500 now; at most 20%)"),
        (side(nodes=700.0), "the graph lost 30% of its nodes (1,000 before, 700 now; at most 20%)"),
        (side(indications=0.0), "the graph lost 100% of its indications (100 before, 0 now; at most 20%)"),
    ],
)
def test_a_graph_that_lost_too_much_reaches_nobody(challenger: Side, said: str) -> None:
    losses = losses_of_graph(challenger, side(), lists(0.1), POLICY)
    assert losses == [said]
    for promote in ("if_not_worse", "if_better", "always", "never"):
        policy = PromotionPolicy.model_validate({"promote": promote})
        found = decide(policy, against="old", objections=[], comparisons=[difference("better")], losses=losses)
        assert not found.promoted


@pytest.mark.parametrize(("gone", "left", "num_losses"), [(200, 0, 1), (60, 140, 1), (40, 160, 0), (0, 0, 0)])
def test_diseases_that_are_gone_from_the_lists_count_as_lost(gone: int, left: int, num_losses: int) -> None:
    """Other ids for all diseases would leave nothing to compare, and nothing that changed."""
    changed = ListChanges(no_changes(), left, 0.0, gone, gone)
    losses = losses_of_graph(side(), side(), changed, POLICY)
    assert len(losses) == num_losses
    assert all(f"{gone} of the 200 diseases of the current lists are gone" in loss for loss in losses)


def test_other_objections() -> None:
    assert objections_to(side(measured_grid=False), evaluated(), side(), None, POLICY) == [
        "the whole grid was measured before, and is not now"
    ]
    assert objections_to(side(verdict="broken"), evaluated(), None, None, POLICY) == [
        "the validation of the embeddings says broken"
    ]
    assert objections_to(side(0.9, contrastive_weight=1.0), evaluated(), side(0.5), None, POLICY) == []


def test_embeddings_that_were_collapsed_before_are_no_objection() -> None:
    assert objections_to(side(verdict="collapsed"), evaluated(), side(verdict="collapsed"), None, POLICY) == []


def test_the_first_release_is_held_against_its_baselines_only() -> None:
    worse = evaluated((0.05, 0.04, 0.03), baseline=0.5)
    assert objections_to(side(1.0, "collapsed"), worse, None, None, POLICY) == ["behind the best baseline (disease)"]


def test_the_whole_grid_is_what_counts_where_it_was_measured() -> None:
    behind_on_diseases = evaluated((0.05, 0.04, 0.03), baseline=0.5)
    ahead = on_grid(behind_on_diseases, 0.9)
    assert objections_to(side(), with_baseline(ahead, 0.5), side(), None, POLICY) == []
    assert objections_to(side(), with_baseline(ahead, 0.99), side(), None, POLICY) == [
        "behind the best baseline (whole grid, auroc)",
        "behind the best baseline (whole grid, average_precision)",
    ]


def with_baseline(evaluation: Evaluation, placement: float) -> Evaluation:
    """With a baseline at this placement on the whole grid."""
    grid = evaluation.whole_grid
    assert grid is not None
    other = {"scorer": "drug degree"}
    scorers = grid.scorers.assign(**other, auroc=placement, average_precision=placement / 2)
    positives = grid.positives.assign(**other, placement=placement, precision=placement / 2)
    both = [pd.concat(tables, ignore_index=True) for tables in ((grid.scorers, scorers), (grid.positives, positives))]
    return replace(evaluation, whole_grid=replace(grid, scorers=both[0], positives=both[1]))


# many small losses


def lost(by: float, *, what: str = "here", paired: bool = True) -> Difference:
    return Difference(what, "auroc", 0.8, 0.8 - by, -1.0, 1.0, 30, "not worse", paired)


def decided(*differences: Difference) -> Decision:
    return decide(POLICY, against="old", objections=[], comparisons=differences)


@pytest.mark.parametrize(
    ("earlier", "said"),
    [
        ([], []),
        ([0.009], []),
        ([0.009, 0.009, 0.009], ["the last 4 releases together lost 0.036 on here (AUROC; at most 0.03)"]),
        # It was better in between: what counts is the distance from the best of them.
        ([0.009, 0.009, -0.05, 0.009, 0.009], []),
        (
            [0.009, -0.001, 0.009, 0.009, -0.05, 0.1],
            ["the last 7 releases together lost 0.085 on here (AUROC; at most 0.03)"],
        ),
    ],
)
def test_losses_within_the_margin_may_not_add_up(earlier: list[float], said: list[str]) -> None:
    found = declines([lost(0.009)], [decided(lost(by)) for by in earlier], POLICY)
    assert found == said


def test_one_loss_alone_is_the_margins_affair() -> None:
    assert declines([lost(0.5)], [], POLICY) == []


@pytest.mark.parametrize("other", [lost(0.5, what="elsewhere"), lost(0.5, paired=False)])
def test_only_losses_on_the_same_treatments_add_up(other: Difference) -> None:
    assert declines([lost(0.009)], [decided(other), decided(lost(0.5))], POLICY) == []
    assert declines([other], [decided(other)], POLICY) == ([] if not other.paired else [
        "the last 2 releases together lost 1.000 on elsewhere (AUROC; at most 0.03)"
    ])  # fmt: skip


def test_decisions_of_before_there_was_this_rule_end_the_sum() -> None:
    old = Decision.from_json(decided(lost(0.5)).to_json() | {"comparisons": [{"what": "here", "metric": "auroc"}]})
    assert declines([lost(0.009)], [old], POLICY) == []


# the rule


@pytest.mark.parametrize(
    ("promote", "against", "objections", "verdicts", "promoted", "reason"),
    [
        ("if_not_worse", None, [], [], True, "there was no release before"),
        ("if_not_worse", None, ["behind"], [], True, "there was no release before"),
        ("never", None, [], [], False, "promote is set to never"),
        ("always", "old", ["behind"], ["worse"], True, "promote is set to always"),
        ("if_not_worse", "old", ["one", "two"], ["better"], False, "one; two"),
        ("if_not_worse", "old", [], ["better", "worse"], False, "worse on here: AUROC"),
        ("if_not_worse", "old", [], [], False, "nothing could be compared with the current release"),
        ("if_not_worse", "old", [], ["not worse"], True, "not worse on here: AUROC"),
        ("if_not_worse", "old", [], ["not worse", "better"], True, "better on here: AUROC"),
        ("if_better", "old", [], ["not worse"], False, "better than the current release nowhere beyond noise"),
        ("if_better", "old", [], ["not worse", "better"], True, "better on here: AUROC"),
    ],
)
def test_the_policy(
    promote: Promote,
    against: str | None,
    objections: list[str],
    verdicts: list[Verdict],
    promoted: bool,  # noqa: FBT001  (a parametrised case)
    reason: str,
) -> None:
    found = decide(
        PromotionPolicy(promote=promote),
        against=against,
        objections=objections,
        comparisons=[difference(verdict) for verdict in verdicts],
    )
    assert (found.promoted, found.against) == (promoted, against)
    assert found.reason.startswith(reason)
    assert found.objections == tuple(objections)
    assert [one["verdict"] for one in found.comparisons] == verdicts


def test_a_decision_is_read_back_as_it_was() -> None:
    made = decide(POLICY, against="old", objections=["a"], comparisons=[difference("worse")], notes=["b"])
    parts = made.to_parts()
    assert Decision.from_parts(parts) == made
    assert parts["list_changes.csv"].empty


def test_a_policy_with_a_wrong_value_is_refused() -> None:
    with pytest.raises(ValueError, match="Input should be 'if_not_worse', 'if_better', 'always' or 'never'"):
        PromotionPolicy.model_validate({"promote": "sometimes"})
    with pytest.raises(ValueError, match="Input should be a finite number"):
        PromotionPolicy(margin=np.inf)
