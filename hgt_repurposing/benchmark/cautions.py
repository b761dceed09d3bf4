"""What a reader of the lists has to be careful about, in plain words: for the report and for the explorer."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd

from hgt_repurposing.benchmark.assumptions import WHOLE_GRID
from hgt_repurposing.benchmark.results import Evaluation
from hgt_repurposing.benchmark.trust import (
    Calibration,
    calibration_of,
    everywhere,
    popularity_of,
    share_everywhere,
    why_not_measured,
)
from hgt_repurposing.benchmark.verdicts import Lead
from hgt_repurposing.benchmark.whole_grid import behind
from hgt_repurposing.embeddings.validation import ValidationReport
from hgt_repurposing.graph.evidence import evidence_of_type
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.split_kinds import HELD_OUT
from hgt_repurposing.metrics.registry import METRICS

NEGLIGIBLE = 0.005
"""Smaller shares of the influence on a score do not count, and are not listed."""
FEW_TREATMENTS = 200
"""Known treatments below which a warning says so: held-out folds then hold a few dozen pairs."""


class Caution(NamedTuple):
    """Something to be careful about."""

    title: str
    """A few words."""
    text: str
    """Sentences: what was found, and what it means for a reader."""
    is_grave: bool = False
    """Whether it may make the lists worthless, rather than less sure."""


NOT_EVALUATED = Caution(
    "The lists were not evaluated",
    "It is unknown how far to trust them: run the job to completion.",
    is_grave=True,
)


def cautions_of_results(
    evaluation: Evaluation | None, validation: ValidationReport | None, *, num_drugs: int
) -> list[Caution]:
    """What to be careful about in results, the gravest first.

    Args:
        evaluation: Of the model that made the lists; None: they were not evaluated.
        validation: Of its embeddings; None: not known.
        num_drugs: In the graph.
    """
    found = [NOT_EVALUATED] if evaluation is None else list(_of_evaluation(evaluation, num_drugs))
    found += _of_embeddings(validation) if validation else []
    return sorted(found, key=lambda caution: not caution.is_grave)


def cautions_of_graph(graph: KnowledgeGraph) -> list[Caution]:
    """What to be careful about because of what the graph says little about."""
    return list(_of_graph(graph))


def consequence(lead: Lead) -> str:
    """What follows for a reader if the model is not ahead; empty if it is."""
    if lead.standing == "behind":
        return "A simple rule ranks the drugs better. Do not rely on the lists."
    if lead.doubt == "noise":
        return (
            "With other diseases the difference might vanish or reverse. This does not show that the model is better "
            "than a simple rule."
        )
    if lead.doubt == "too few":
        return (
            "So little was held out that any difference may be due to chance. This does not show that the model is "
            "better than a simple rule."
        )
    if lead.doubt == "baselines missing":
        return (
            "The model was not compared with the rules that are usually best. Nothing here shows that it would beat "
            "them: check first that the gene relations are named as in the graph."
        )
    return ""


def baselines_alone(score_parts: pd.DataFrame) -> list[str]:
    """Settings in which nothing that was learned from the graph counts.

    Args:
        score_parts: Columns of `ScorePart`, one row per setting and score; empty: not known.
    """
    learned = score_parts[score_parts["is_learned"].astype(bool) & (score_parts["share"] >= NEGLIGIBLE)]
    return [str(setting) for setting in score_parts["setting"].unique() if setting not in set(learned["setting"])]


def _of_evaluation(evaluation: Evaluation, num_drugs: int) -> Iterator[Caution]:
    yield from _of_leads(evaluation.headline_leads)
    if evaluation.whole_grid is not None:
        where = [place for place in behind(evaluation.whole_grid) if not place.startswith(WHOLE_GRID)]
        if where:
            text = f"A simple rule ranks better, by more than noise, in: {'; '.join(where)}."
            yield Caution("Behind a simple rule in some settings", text)
    alone = baselines_alone(evaluation.score_parts)
    if alone:
        yield Caution(
            "Some scores are those of simple rules",
            f"In {_settings(alone)}, a blend of baselines alone was found to be best: nothing that was learned from "
            "the graph counts in these scores.",
        )
    yield from _of_calibration(calibration_of(evaluation), evaluation)
    yield from _of_popularity(evaluation, num_drugs)
    for split, reason in evaluation.not_measured.items():
        yield Caution("Not everything was measured", f"{HELD_OUT[split].title}: not measured ({reason}).")


def _of_leads(leads: list[Lead]) -> Iterator[Caution]:
    """One for each kind of doubt, with all the places where it was found."""
    titles = {
        "behind": "The scores are worse than those of a simple rule",
        "noise": "The scores are not shown to be better than those of a simple rule",
        "too few": "Too little was held out to tell what the scores are worth",
        "baselines missing": "The rules that are usually best could not be computed",
    }
    for kind, title in titles.items():
        places = [lead for lead in leads if (lead.doubt or lead.standing) == kind]
        if places:
            where = "; ".join(_difference(lead) for lead in places)
            yield Caution(title, f"{where}. {consequence(places[0])}", is_grave=kind == "behind")


def _difference(lead: Lead) -> str:
    """Where a lead was measured, by what, and how large it is."""
    return f"{HELD_OUT[lead.split].where}: {METRICS[lead.metric].title} {lead.mean:+.3f} against {lead.baseline}"


def _settings(names: list[str]) -> str:
    return f"the setting{'' if len(names) == 1 else 's'} {', '.join(names)}"


def _of_calibration(found: Calibration | None, evaluation: Evaluation) -> Iterator[Caution]:
    if found is None:
        yield Caution("It is not known whether the probabilities are right", f"{why_not_measured(evaluation)}.")
        return
    if found.holds:
        return
    said = [
        f"{name}: {'fewer' if kind == 'overconfident' else 'more'} treatments were found than expected "
        f"({found.tested[name].observed:,.0f} instead of {found.tested[name].expected:,.0f}), so probabilities are too "
        f"{'high' if kind == 'overconfident' else 'low'}"
        for name, kind in found.off.items()
    ]
    by_default = f"probabilities are off by {100 * found.error:.1f} percentage points on average"
    yield Caution("The probabilities are poorly calibrated", f"{_capital('; '.join(said) or by_default)}.")


def _of_popularity(evaluation: Evaluation, num_drugs: int) -> Iterator[Caution]:
    found = popularity_of(evaluation, evaluation.headline_split)
    if found and not found.holds:
        follow = "follow how well known a drug is" if found.spearman > 0 else "put the best-known drugs last"
        yield Caution(
            "The lists say little beyond popularity",
            f"They {follow} (Spearman correlation with known uses {found.spearman:+.2f}), and among equally well-known "
            f"pairs they find treatments hardly better than chance (AUROC {found.matched_auroc:.2f}; 0.5 by chance).",
            is_grave=True,
        )
    drugs = everywhere(evaluation, num_drugs)
    if drugs:
        share = f"{100 * share_everywhere(num_drugs):.0f} %"
        yield Caution(
            "One drug is in most lists" if len(drugs) == 1 else "Some drugs are in most lists",
            f"{', '.join(drugs)}: in the ten best for more than {share} of the held-out diseases. Such a drug says "
            "little about any one disease.",
        )


def _of_embeddings(validation: ValidationReport) -> list[Caution]:
    if validation.verdict == "good":
        return []
    weak = [m for m in validation.measures if m.verdict != "good"]
    values = [f"{m.name}: {'not known' if m.value is None else f'{m.value:.4g}'} ({m.bound})" for m in weak]
    said = "; ".join(values or validation.warnings)
    by = f", by {len(weak)} of {len(validation.measures)} measures" if weak else ""
    if validation.passed:
        text = f"The vectors of nodes are more alike than they should be{by}"
    else:
        text = f"They fail{by}, so nothing that is learned from them can be relied on"
    return [Caution(f"The embeddings are {validation.verdict}", f"{text}: {said}.", is_grave=not validation.passed)]


def _of_graph(graph: KnowledgeGraph) -> Iterator[Caution]:
    names = graph.therapeutic
    num_treatments = graph.indications.shape[1]
    if num_treatments < FEW_TREATMENTS:
        yield Caution(
            "Few known treatments",
            f"The graph has {num_treatments:,}. What is learned from so few, and measured on them, is uncertain.",
        )
    num_diseases = graph.num_nodes[names.disease]
    untreated = num_diseases - len(np.unique(graph.indications[1]))
    if 2 * untreated > num_diseases:
        yield Caution(
            "Most diseases have no known treatment",
            f"{untreated:,} of {num_diseases:,}. Their lists (settings cold disease and cold pair) rest on what else "
            "the graph knows about them.",
        )
    for what, node_type in (("diseases", names.disease), ("drugs", names.drug)):
        yield from _without_evidence(what, evidence_of_type(graph, node_type))


def _without_evidence(what: str, evidence: "np.ndarray[tuple[int], np.dtype[np.object_]]") -> Iterator[Caution]:
    """Nodes of one type that are ranked without evidence."""
    nothing, treatments = (int((evidence == kind).sum()) for kind in ("nothing", "treatments only"))
    if nothing:
        place = "list" if what == "diseases" else "rank"
        has, theirs = ("has", f"Its {place} reflects") if nothing == 1 else ("have", f"Their {place}s reflect")
        text = f"{nothing:,} of {len(evidence):,} {has} no edge. {theirs} what is usual, not evidence."
        yield Caution(f"Nothing is known about some {what}", text)
    if treatments:
        has = "has" if treatments == 1 else "have"
        text = (
            f"{treatments:,} of {len(evidence):,} {has} only edges between drugs and diseases (treatments, "
            "contraindications and the like)."
        )
        yield Caution(f"Some {what} are known by treatments only", text)


def _capital(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"
