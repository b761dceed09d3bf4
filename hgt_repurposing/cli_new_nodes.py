"""Candidates for a disease, or a drug, that is not in the graph: what the options mean, and what is printed."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pandas as pd

from hgt_repurposing.graph.lookup import look_up
from hgt_repurposing.graph.new_node_links import GENES, SIMILAR, SYMPTOMS, Described, Joined, join
from hgt_repurposing.graph.new_nodes import ExtendedGraph
from hgt_repurposing.graph.schema import NODE_ID
from hgt_repurposing.graph.sources.new_node_file import read_described
from hgt_repurposing.repurposing.candidates import Side
from hgt_repurposing.repurposing.params import CandidateParams
from hgt_repurposing.storage.released import ReleasedValues

if TYPE_CHECKING:
    from hgt_repurposing.repurposing.scorer import Scorer

MANY, FEW = ";", ","


class Asked(NamedTuple):
    """What was typed about a new disease or drug."""

    side: Side
    name: str
    genes: Sequence[str] = ()
    symptoms: Sequence[str] = ()
    similar_to: Sequence[str] = ()
    linked: Sequence[str] = ()
    """Relation or node type = names."""
    file: Path | None = None
    """Descriptions of many, instead."""
    skip_unknown: bool = False

    @property
    def is_asked(self) -> bool:
        """Whether anything was."""
        return bool(self.genes or self.symptoms or self.similar_to or self.linked or self.file)

    def described(self) -> list[Described]:
        """The new nodes.

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: If the file is malformed, or both are given, or an option names nothing.
        """
        options = {GENES: self.genes, SYMPTOMS: self.symptoms, SIMILAR: self.similar_to}
        named = {what: _names(given, f"--{what.replace('_', '-')}") for what, given in options.items() if given}
        for text in self.linked:
            what, equals, rest = text.partition("=")
            if not equals:
                raise ValueError(f"--linked takes a relation or node type, =, and names (got {text!r})")
            named.setdefault(what.strip(), []).extend(_names([rest], f"--linked {what}"))
        if self.file is None:
            return [Described(self.name or f"new {self.side}", named)]
        if named:
            raise ValueError("give either a file of new nodes or the links of one, not both")
        return read_described(self.file)


class NewLists(NamedTuple):
    """Lists of new nodes, and what they were made from."""

    joined: Sequence[Joined]
    extended: ExtendedGraph
    scorer: "Scorer"
    table: pd.DataFrame
    """Lists of all new nodes below each other; follows the schema of the lists."""
    ids: Sequence[str]
    """Of the new nodes, in the order of `joined`."""

    @property
    def what(self) -> str:
        """What the lists are, in words."""
        called = ", ".join(f"{each.node.name} ({each.in_words})" for each in self.joined)
        return f"new {self.extended.node_type}, not in the graph: {called}"

    @property
    def skipped(self) -> Iterator[str]:
        """One line for each new node of which a name was skipped."""
        for each in self.joined:
            if each.unknown:
                yield f"{each.node.name}: {len(each.unknown)} skipped: {'; '.join(each.unknown)}"


def lists_of_new(asked: Asked, values: ReleasedValues, *, top: int | None) -> NewLists:
    """Score and rank the new nodes; this loads torch and xgboost.

    Args:
        asked: What was typed.
        values: Of the current release.
        top: Length of the lists; None: everything.

    Raises:
        FileNotFoundError: If a file is missing.
        ValueError: If a name or a relation is unknown, or a new node is joined to nothing.
    """
    described, graph = asked.described(), values.graph
    node_type = graph.therapeutic.drug if asked.side == "drug" else graph.therapeutic.disease
    joined = [join(graph, node_type, each, skip_unknown=asked.skip_unknown) for each in described]
    extended = ExtendedGraph(graph, node_type, [each.node for each in joined])
    from hgt_repurposing.repurposing.candidate_ranking import rank_new  # noqa: PLC0415  (loads torch and xgboost)
    from hgt_repurposing.repurposing.new_node_scorer import grid_with, scorer_with  # noqa: PLC0415

    scorer = scorer_with(values.scorer(), extended)
    length = max(extended.graph.grid_shape) if top is None else top
    params = CandidateParams(top_k=length, top_k_by_drug=length)
    found = rank_new(grid_with(values.scores, scorer, extended), extended, scorer.neighbourhoods, params)
    table = found.by_drug if asked.side == "drug" else found.table
    ids = extended.graph.nodes_of(node_type)[NODE_ID].iloc[extended.indices]
    return NewLists(joined, extended, scorer, table, ids.tolist())


def reasons(found: NewLists, other: str, side: Side, *, top: int) -> Iterator[str]:
    """Why a drug (disease) has its score for each new disease (drug).

    Args:
        found: Made by `lists_of_new`.
        other: Id, name or part of it, of a drug (disease) of the graph.
        side: Of the new nodes.
        top: Paths, and similar drugs and diseases.
    """
    from hgt_repurposing.report.explanation_text import explanation_lines  # noqa: PLC0415
    from hgt_repurposing.repurposing.explanation import Explainer  # noqa: PLC0415  (loads torch and xgboost)

    names, graph = found.extended.base.therapeutic, found.extended.graph
    kind = "disease" if side == "drug" else "drug"
    index = look_up(other, found.extended.base.nodes_of(names.disease if side == "drug" else names.drug), what=kind)
    explainer = Explainer(graph, found.scorer)
    for new in found.extended.indices.tolist():
        pair = (new, index) if side == "drug" else (index, new)
        yield ""
        yield from explanation_lines(explainer.explain(*pair, top=top), graph)


def trust(values: ReleasedValues, side: Side) -> str:
    """How far to trust the ranking of a new disease, by the release's own evaluation; that of drugs is not measured."""
    from hgt_repurposing.report.new_diseases import new_diseases_in_words  # noqa: PLC0415

    if side == "drug":
        return "how far to trust it: measured for new diseases only"
    found = values.evaluation.new_diseases if "repurposing_evaluation" in values.manifests else None
    if found is None:
        return "how far to trust it: not measured in this release (evaluate with whole diseases held out)"
    return f"how far to trust it: {new_diseases_in_words(found)}"


def _names(given: Sequence[str], option: str) -> list[str]:
    """Names of an option, separated by commas, or by semicolons where there is one.

    Raises:
        ValueError: If there is none.
    """
    texts = [part.strip() for text in given for part in text.split(MANY if MANY in text else FEW)]
    found = [text for text in texts if text]
    if not found:
        raise ValueError(f"{option} names nothing: separate names by commas, or by semicolons if they contain commas")
    return found
