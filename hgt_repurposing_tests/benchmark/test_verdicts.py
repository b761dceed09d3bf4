from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hgt_repurposing.baselines.catalogue import BASELINES
from hgt_repurposing.baselines.rules import RULES
from hgt_repurposing.benchmark.verdicts import NEVER_BEST, Lead, worst
from hgt_repurposing.graph.split_kinds import HELD_OUT
from hgt_repurposing.metrics.uncertainty import BootstrapDifference
from hgt_repurposing_tests.baselines.fold_inputs import without_genes
from hgt_repurposing_tests.benchmark.evaluations import evaluated
from hgt_repurposing_tests.benchmark.grids_by_hand import whole_grid

NO_GENES = {
    "disease similarity by genes": "the graph links no disease to a gene",
    "drug-gene-disease paths": "the graph links no disease to a gene",
    "drug similarity by targets": "the graph links no drug to a gene",
}


def lead_of(
    folds: tuple[float, ...],
    interval: tuple[float, float] | None = None,
    *,
    split: str = "disease",
    num_diseases: int = 12,
    missing: dict[str, str] | None = None,
) -> Lead:
    found = interval and BootstrapDifference(float(np.mean(folds)), *interval, num_diseases)
    drug = split == "drug"
    return Lead(
        split=split,
        metric="macro_ap_by_drug" if drug else "macro_ap",
        baseline="drug kNN",
        own=0.6,
        folds=np.array(folds),
        interval=found,
        num_diseases=0 if drug else num_diseases,
        missing=missing or {},
    )


# what it amounts to


@pytest.mark.parametrize(
    ("folds", "interval", "standing", "doubt"),
    [
        ((0.2, 0.4), (0.1, 0.5), "ahead", None),
        ((0.3,), (0.1, 0.5), "ahead", None),  # a single fold has diseases to resample
        ((0.2, 0.4), (-0.1, 0.5), "tied", "noise"),
        ((0.2, 0.4), (0.0, 0.5), "tied", "noise"),
        ((0.0, 0.0), (-0.1, 0.1), "tied", "noise"),
        ((-0.2, -0.1), (-0.4, 0.1), "tied", "noise"),
        ((-0.2, -0.4), (-0.5, -0.1), "behind", None),
        ((-0.2, 0.1), (0.01, 0.1), "tied", "noise"),  # folds and diseases disagree
        ((0.2, -0.1), (-0.1, -0.01), "tied", "noise"),
        ((float("nan"), 0.1), (0.1, 0.2), "tied", "noise"),
        ((0.1, 0.1), (float("nan"), float("nan")), "tied", "noise"),
        ((0.2, 0.4), None, "tied", "too few"),
        ((-0.2, -0.4), None, "tied", "too few"),
    ],
)
def test_a_lead_over_diseases_is_decided_by_its_interval(
    folds: tuple[float, ...], interval: tuple[float, float] | None, standing: str, doubt: str | None
) -> None:
    lead = lead_of(folds, interval)
    assert (lead.standing, lead.doubt) == (standing, doubt)


@pytest.mark.parametrize(
    ("folds", "standing", "doubt"),
    [
        ((0.2, 0.4), "ahead", None),
        ((0.0, 0.4), "tied", "noise"),
        ((-0.2, -0.4), "behind", None),
        ((0.0, -0.4), "tied", "noise"),
        ((0.3,), "tied", "too few"),
        ((-0.3,), "tied", "too few"),
        ((0.0, 0.0), "tied", "noise"),
        ((float("nan"), float("nan")), "tied", "noise"),
    ],
)
def test_a_lead_over_held_out_drugs_is_decided_by_what_folds_differ_by(
    folds: tuple[float, ...], standing: str, doubt: str | None
) -> None:
    lead = lead_of(folds, split="drug")
    assert (lead.standing, lead.doubt) == (standing, doubt)


@pytest.mark.parametrize(
    ("model", "standing"),
    [
        ((0.5, 0.5, 0.6), "ahead"),
        ((0.0, 0.1, 0.4), "tied"),
        ((0.1, 0.1, 0.1), "tied"),
        ((0.05, 0.0, 0.1), "behind"),
        ((0.4,), "tied"),  # 4 diseases
    ],
)
def test_the_standing_of_an_evaluation(model: tuple[float, ...], standing: str) -> None:
    assert evaluated(model).lead("disease").standing == standing


def test_external_pairs_of_one_fold_prove_nothing() -> None:
    lead = evaluated(splits=("disease", "external")).lead("external")
    assert (lead.standing, lead.doubt) == ("tied", "too few")


# baselines that are missing


def test_ahead_of_what_is_left_without_the_best_baselines_is_no_lead() -> None:
    lead = lead_of((0.2, 0.4), (0.1, 0.5), missing=NO_GENES)
    assert (lead.standing, lead.doubt) == ("tied", "baselines missing")


def test_behind_what_is_left_without_the_best_baselines_is_behind() -> None:
    assert lead_of((-0.2, -0.4), (-0.5, -0.1), missing=NO_GENES).standing == "behind"


@pytest.mark.parametrize("baseline", sorted(NEVER_BEST))
def test_without_chance_or_popularity_a_lead_is_a_lead(baseline: str) -> None:
    lead = lead_of((0.2, 0.4), (0.1, 0.5), missing={baseline: "too long"})
    assert lead.standing == "ahead"
    assert lead.in_words().endswith(f": more than noise. Not computed: {baseline} (too long).")


def test_baselines_that_are_never_best_are_baselines() -> None:
    assert not NEVER_BEST - BASELINES.keys()


def test_every_baseline_that_goes_through_genes_may_be_the_best() -> None:
    by_genes = {rule.name for rule in RULES if rule.missing(without_genes())}
    assert by_genes == NO_GENES.keys()
    assert not by_genes & NEVER_BEST


# in words


def test_a_lead_is_said_with_its_spread_and_its_interval() -> None:
    assert lead_of((0.2, 0.4), (0.15, 0.45)).in_words() == (
        "On held-out diseases the model beats the best baseline (drug kNN): macro AP 0.600, +0.300 "
        "(standard deviation 0.141 over 2 folds, ahead in 2); "
        "95 % interval over 12 diseases +0.150 to +0.450: more than noise."
    )


def test_a_lead_that_resampling_turns_round_is_a_tie() -> None:
    said = lead_of((0.1,), (-0.2, 0.6)).in_words()
    assert said == (
        "On held-out diseases the model cannot be told apart from the best baseline (drug kNN): macro AP 0.600, "
        "+0.100 (a single fold); 95 % interval over 12 diseases -0.200 to +0.600: could be noise."
    )


def test_a_model_that_loses_is_behind_by_more_than_noise() -> None:
    said = lead_of((-0.2, -0.4), (-0.5, -0.1)).in_words()
    assert said.startswith(
        "On held-out diseases the model is behind the best baseline (drug kNN): macro AP 0.600, -0.300"
    )
    assert said.endswith("-0.500 to -0.100: more than noise.")


@pytest.mark.parametrize(("num_diseases", "few"), [(1, "1 disease"), (5, "5 diseases")])
def test_few_diseases_are_said_to_be_too_few(num_diseases: int, few: str) -> None:
    said = lead_of((0.2, 0.3), num_diseases=num_diseases).in_words()
    assert "the model cannot be compared with the best baseline" in said
    assert said.endswith(f"; with {few}, noise cannot be ruled out.")


def test_folds_that_disagree_with_diseases_are_said_to() -> None:
    said = lead_of((-0.2, 0.1), (0.01, 0.1)).in_words()
    assert said.endswith("+0.010 to +0.100: folds and diseases disagree, so this could be noise.")


def test_baselines_that_are_missing_are_named_with_the_reason() -> None:
    said = lead_of((0.2, 0.4), (0.15, 0.45), missing=NO_GENES).in_words()
    assert said == (
        "On held-out diseases the model is ahead of the best baseline that could be computed (drug kNN): "
        "macro AP 0.600, +0.300 (standard deviation 0.141 over 2 folds, ahead in 2); 95 % interval "
        "over 12 diseases +0.150 to +0.450. Not computed: disease similarity by genes, drug-gene-disease paths (the "
        "graph links no disease to a gene); drug similarity by targets (the graph links no drug to a gene). The "
        "best baseline is usually among these, so this is not a win."
    )


@pytest.mark.parametrize("split", HELD_OUT)
def test_every_way_of_splitting_has_its_words(split: str) -> None:
    said = evaluated(splits=(split,) if split != "external" else ("disease", split)).lead(split).in_words()
    assert said.startswith(f"{HELD_OUT[split].where} the model ")


def test_where_drugs_are_held_out_the_figure_is_by_drug() -> None:
    assert lead_of((0.2, 0.4), split="drug").in_words() == (
        "On held-out drugs the model beats the best baseline (drug kNN): macro AP by drug 0.600, +0.300 (standard "
        "deviation 0.141 over 2 folds, ahead in 2); more than the spread over folds: more than noise."
    )


def test_the_whole_grid_is_said_by_auroc_and_then_by_average_precision() -> None:
    first, second = whole_grid().headline_leads
    noise = "95 % interval over 8 diseases +0.084 to +0.116: more than noise."
    folds = "(standard deviation 0.000 over 2 folds, ahead in 2)"
    beats = "the model beats the best baseline (drug degree)"
    assert first.in_words() == f"On the whole grid {beats}: AUROC 0.900, +0.100 {folds}; {noise}"
    assert second.in_words() == f"There {beats}: pooled average precision 0.300, +0.100 {folds}; {noise}"
    assert whole_grid().headline() == f"{first.in_words()} {second.in_words()}"


def test_a_setting_is_said_by_its_name() -> None:
    lead = whole_grid().lead("average_precision", setting="cold drug")
    assert lead is not None
    said = "On the whole grid, in the setting cold drug, the model beats the best baseline (drug degree): pooled "
    assert lead.in_words().startswith(said)


def test_the_worst_of_several_leads_is_behind_before_it_is_tied() -> None:
    ahead, tied, behind = (lead_of((mean, mean), ends) for mean, ends in (
        (0.3, (0.1, 0.5)), (0.3, (-0.1, 0.5)), (-0.3, (-0.5, -0.1))
    ))  # fmt: skip
    assert worst([ahead, tied, behind]) is behind
    assert worst([ahead, tied]) is tied
    assert worst([ahead, ahead._replace(own=0.9)]) is ahead


values = st.sampled_from([-0.3, -0.1, 0.0, 0.1, 0.3, float("nan")])


@given(
    st.lists(values, min_size=1, max_size=4).map(tuple),
    st.none() | st.tuples(values, values).map(lambda ends: (min(ends), max(ends))),
    st.sampled_from(sorted(HELD_OUT)),
    st.sampled_from([{}, NO_GENES, {"random": "why not"}]),
)
def test_no_sentence_says_more_than_the_standing(
    folds: tuple[float, ...], interval: tuple[float, float] | None, split: str, missing: dict[str, str]
) -> None:
    lead = lead_of(folds, None if split == "drug" else interval, split=split, missing=missing)
    said = lead.in_words()
    assert ("beats" in said) == ("beats" in lead.verdict) == (lead.standing == "ahead")
    assert ("is behind" in said) == ("is behind" in lead.verdict) == (lead.standing == "behind")
    assert ("is ahead of" in said) == (lead.doubt == "baselines missing")
    if lead.standing == "ahead":
        assert lead.mean > 0
        assert not missing.keys() - NEVER_BEST
    if "more than noise" in said:
        assert lead.standing != "tied"
        assert not missing.keys() - NEVER_BEST
    if not lead.mean > 0:
        assert not any(win in said for win in ("beats", "is ahead of"))
    assert all(name in said and reason in said for name, reason in missing.items())


@pytest.mark.parametrize(("split", "baseline"), list(product(("disease", "pair", "drug"), (0.05, 0.1, 0.5))))
def test_headline_and_standing_agree_on_every_way_of_splitting(split: str, baseline: float) -> None:
    evaluation = evaluated((0.1, 0.2, 0.2), baseline, splits=(split,))
    lead = evaluation.lead(split)
    assert ("beats" in evaluation.headline()) == (lead.standing == "ahead")
