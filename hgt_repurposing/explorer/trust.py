"""How far a release can be trusted, as its report says it; worked out once, as intervals take a while."""

from collections.abc import Mapping
from typing import NamedTuple

from hgt_repurposing.benchmark.cautions import Caution, cautions_of_results
from hgt_repurposing.benchmark.results import Evaluation
from hgt_repurposing.benchmark.verdicts import Lead, worst
from hgt_repurposing.embeddings.validation import ValidationReport
from hgt_repurposing.graph.split_kinds import HELD_OUT
from hgt_repurposing.report.external import external_lines
from hgt_repurposing.report.sections import SplitSection, split_section, splits_of
from hgt_repurposing.report.whole_grid import WholeGridSection, score_parts, whole_grid_section


class Trust(NamedTuple):
    """The evaluation in words and figures."""

    leads: list[Lead]
    """What the headline says."""
    worst: Lead
    whole_grid: WholeGridSection | None
    splits: list[SplitSection]
    baselines_alone: frozenset[str]
    """Settings in which nothing that was learned from the graph counts."""
    not_measured: Mapping[str, str]
    """Title of a split kind to the reason."""
    external: list[str]
    """Lines of a table of pairs from outside the graph; empty without any."""
    cautions: list[Caution]
    """What to be careful about, the gravest first."""

    @property
    def assumed(self) -> str:
        """The assumption behind a probability, in words."""
        return self.whole_grid.assumed if self.whole_grid else "Whether probabilities hold was not measured."


def trust_of(evaluation: Evaluation, validation: ValidationReport | None, *, num_drugs: int) -> Trust:
    """The same values as the report lays out; validation: of the embeddings, None: not known."""
    leads = evaluation.headline_leads
    return Trust(
        leads,
        worst(leads),
        whole_grid_section(evaluation),
        [split_section(evaluation, split) for split in splits_of(evaluation)],
        frozenset(parts.setting for parts in score_parts(evaluation.score_parts) if parts.baselines_alone),
        {HELD_OUT[kind].title: reason for kind, reason in evaluation.not_measured.items()},
        external_lines(evaluation.external),
        cautions_of_results(evaluation, validation, num_drugs=num_drugs),
    )
