"""What to be careful about in a pair, in words."""

import math
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from hgt_repurposing.explorer.library import SIDES, OpenRelease
from hgt_repurposing.explorer.pair_facts import Facts
from hgt_repurposing.graph.settings import IN_WORDS
from hgt_repurposing.report.candidate_list import column_meanings
from hgt_repurposing.report.summary import BY_WHAT, MARKS_MEAN, NOT_EVALUATED
from hgt_repurposing.report.wording import percent, sentence


class Caveat(NamedTuple):
    """Something to be careful about."""

    text: str
    is_warning: bool = False


KNOWN_AS: Mapping[str, str] = {
    "indication": "The graph records this drug as a treatment of this disease: the pair is not a new candidate.",
    "contraindication": "The graph records a contraindication: a reason not to use this drug in this disease.",
    "not indicated": "The graph records that this drug is not indicated for this disease.",
    "off-label": "The graph records an off-label use of this drug for this disease.",
    "other": "The graph joins this drug and this disease by an edge that is neither a treatment nor the opposite.",
    "new": "The graph has no edge between this drug and this disease.",
}


def caveats(facts: Facts, opened: OpenRelease, *, status: str | None) -> list[Caveat]:
    """What a reader has to know about this pair, the gravest first.

    Args:
        facts: Of the pair.
        opened: The release.
        status: What the graph says about the pair; None: not known yet.
    """
    found = list(_of_pair(facts, opened, status))
    return sorted(found, key=lambda caveat: not caveat.is_warning)


def _of_pair(facts: Facts, opened: OpenRelease, status: str | None) -> Iterator[Caveat]:
    if status is not None:
        yield Caveat(KNOWN_AS[status], is_warning=status in ("contraindication", "not indicated", "other"))
    if not math.isnan(facts.contraindication_score):
        yield Caveat(
            "Probability that it is a contraindication, or would be recorded as not indicated: "
            f"{percent(facts.contraindication_score)}, next to {percent(facts.score)} for a missing treatment.",
            is_warning=facts.contraindication_score > facts.score,
        )
    meaning = next(words for setting, words in IN_WORDS.items() if setting == facts.setting)
    yield Caveat(f"Setting: {facts.setting} ({meaning}).")
    if facts.disease_evidence in BY_WHAT:
        nothing = "the graph knows nothing about this disease: its list is "
        said = BY_WHAT[facts.disease_evidence]
        said = nothing + said if facts.disease_evidence == "nothing" else said
        yield Caveat(sentence(said), is_warning=True)
    if facts.drug_evidence in MARKS_MEAN:
        yield Caveat(sentence(MARKS_MEAN[facts.drug_evidence].lstrip("*+ ")), is_warning=True)
    for side, node in zip(SIDES, (facts.disease, facts.drug), strict=True):
        others = opened.lists[side].namesakes(node.id)
        if others:
            yield Caveat(f"Another {side} has the same name: {', '.join(others)}. This is {node.id}.", is_warning=True)
    meanings = column_meanings("drug")
    yield Caveat(f"Interval: {meanings['interval']}.")
    yield from _of_release(facts, opened)


def _of_release(facts: Facts, opened: OpenRelease) -> Iterator[Caveat]:
    try:
        trust = opened.trust
    except (ValueError, OSError) as error:
        yield Caveat(sentence(f"the evaluation cannot be shown: {error}"), is_warning=True)
        return
    if trust is None:
        yield Caveat(sentence(NOT_EVALUATED.removeprefix("WARNING: ")), is_warning=True)
        return
    yield Caveat(f"Probability: {column_meanings('drug')['probability']}. {trust.assumed}")
    if facts.setting in trust.baselines_alone:
        yield Caveat(
            f"In the setting {facts.setting} a blend of baselines alone was found to be best: "
            "nothing that was learned from the graph counts in this score."
        )
    if trust.worst.standing != "ahead":
        yield Caveat(sentence(trust.worst.in_words()), is_warning=True)
