"""Declared meaning of a graph's types and relations, and a check that every declared name occurs.

A name set by the user that does not occur is an error, which lists those that do. A format's default name may be
absent, as in an excerpt of the graph; the consequence is logged. The indication must occur in any case.
"""

import logging
from collections.abc import Collection, Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import NamedTuple, Self

from hgt_repurposing.graph.schema import TREATMENT_SETTINGS, EdgeType, TherapeuticRelations, is_gene_or_pathway

_logger = logging.getLogger(__name__)

_LISTED = 30  # names in one sentence
_WITHOUT = {
    "contraindication": "no pair counts as contraindicated",
    "not_indicated": "no pair counts as not indicated",
    "off_label": "no pair counts as used off label",
    "drug_gene": "no drug has target genes, unless drug_gene names other relations",
    "disease_gene": "no disease has causal genes, unless disease_gene names other relations",
}
"""Consequence of a format's default relations being absent."""


class Naming(NamedTuple):
    """Declared meaning of a graph's types and relations."""

    therapeutic: TherapeuticRelations
    by_format: frozenset[str] = frozenset()
    """Fields not set by the user; their names may be absent, except for drug, disease and indication."""
    directed_relations: tuple[str, ...] | None = None
    """Relations within one node type whose direction carries meaning; None: the format's default."""
    exclude: tuple[str, ...] = ()
    """Relations to leave out."""
    is_a: tuple[str, ...] = ()
    """Relations from a disease to a broader one; they are directed, too."""

    def directed(self, of_format: Iterable[str] = ()) -> tuple[str, ...]:
        """Relations whose direction carries meaning: the user's, else the format's, and those of `is_a`."""
        own = of_format if self.directed_relations is None else self.directed_relations
        return tuple(dict.fromkeys((*own, *self.is_a)))

    @classmethod
    def of_format(cls, therapeutic: TherapeuticRelations) -> Self:
        """A format's defaults."""
        return cls(therapeutic, by_format=frozenset(TherapeuticRelations.model_fields))


def without_excluded(edge_types: Iterable[EdgeType], exclude: Collection[str], source: str) -> list[EdgeType]:
    """Edge types whose relation is not excluded.

    Raises:
        ValueError: If a relation to exclude does not occur.
    """
    edge_types = list(edge_types)
    found = {t.relation for t in edge_types}
    for name in exclude:
        if name not in found:
            raise ValueError(
                f"{source}: there is no relation {name!r} to exclude{did_you_mean(name, found)}; "
                f"relations found: {listed_names(found)}"
            )
    return [t for t in edge_types if t.relation not in exclude]


def require_named(
    node_types: Collection[str],
    edge_types: Collection[EdgeType],
    names: TherapeuticRelations,
    *,
    directed_relations: Collection[str],
    by_format: Collection[str],
    source: str,
) -> TherapeuticRelations:
    """Check that every declared type and relation occurs where it should.

    Args:
        node_types: All node types of the graph.
        edge_types: All edge types of the graph that are not excluded.
        names: Their declared meaning.
        directed_relations: Must occur within one node type.
        by_format: Fields of `names` not set by the user.
        source: Where the graph comes from, for messages.

    Returns:
        `names` without the format's default contraindications, pairs not indicated and off-label uses that do not
        occur.

    Raises:
        ValueError: If a name set by the user does not occur, or there is no indication.
    """
    for setting, node_type in (("drug", names.drug), ("disease", names.disease)):
        if node_type not in node_types:
            raise ValueError(
                f"{source}: there is no node type {node_type!r} (setting `{setting}`)"
                f"{did_you_mean(node_type, node_types)}; found: {listed_names(node_types)}"
            )
    kept = {}
    for setting, place in _places(edge_types, names, node_types).items():
        given = list(getattr(names, setting))
        missing = [name for name in given if name not in place.relations]
        if missing and (setting not in by_format or setting not in _WITHOUT):
            raise ValueError(f"{source}: {_absent(missing[0], setting, place, edge_types)}")
        if missing:
            _logger.warning(
                "%s: no edge %r between %s, the format's default %s: %s",
                source, missing[0], place.ends, setting, _WITHOUT[setting],
            )  # fmt: skip
        if setting in TREATMENT_SETTINGS[1:]:
            kept[setting] = [name for name in given if name in place.relations]
    for name in directed_relations:
        within = _Place("two nodes of one type", {t.relation for t in edge_types if t.source == t.target})
        if name not in within.relations:
            raise ValueError(f"{source}: {_absent(name, 'directed_relations` or `is_a', within, edge_types)}")
    return names.model_copy(update=kept)


class _Place(NamedTuple):
    """Where the relations of one setting must occur."""

    ends: str
    relations: set[str]
    """Those that occur there."""
    instead: str = "none"
    """Message if there are none."""


def _places(
    edge_types: Collection[EdgeType], names: TherapeuticRelations, node_types: Collection[str]
) -> Mapping[str, _Place]:
    nothing = f"none, so there are no drug-disease pairs; node types found: {listed_names(node_types)}"
    pair = _Place(
        f"a {names.drug!r} and a {names.disease!r}",
        set(_between(edge_types, names.drug, [names.disease])),
        nothing,
    )
    genes = [node_type for node_type in node_types if is_gene_or_pathway(node_type)]
    instead = "none" if genes else f"none; no node type is named after genes or pathways ({listed_names(node_types)})"
    return {
        **dict.fromkeys(TREATMENT_SETTINGS, pair),
        "drug_gene": _Place(f"a {names.drug!r} and genes", set(_between(edge_types, names.drug, genes)), instead),
        "disease_gene": _Place(
            f"a {names.disease!r} and genes", set(_between(edge_types, names.disease, genes)), instead
        ),
    }


def _between(edge_types: Iterable[EdgeType], node_type: str, others: Collection[str]) -> Iterator[str]:
    for edge_type in edge_types:
        if (edge_type.source == node_type and edge_type.target in others) or (
            edge_type.target == node_type and edge_type.source in others
        ):
            yield edge_type.relation


def _absent(name: str, setting: str, place: _Place, edge_types: Iterable[EdgeType]) -> str:
    elsewhere = next((t for t in edge_types if t.relation == name), None)
    hint = f", but there is {elsewhere}" if elsewhere else did_you_mean(name, place.relations)
    return (
        f"no edge {name!r} between {place.ends} (setting `{setting}`){hint}; "
        f"relations found between them: {listed_names(place.relations) or place.instead}"
    )


def did_you_mean(name: str, found: Iterable[str]) -> str:
    """The rest of a sentence: a colon and the name that was probably meant, ignoring case; empty if none is close."""
    folded = {other.casefold(): other for other in sorted(found)}
    close = get_close_matches(name.casefold(), folded, n=1)
    return f": did you mean {folded[close[0]]!r}?" if close else ""


def listed_names(names: Iterable[str]) -> str:
    """Quoted names in alphabetical order, cut after the first thirty; empty if there are none."""
    ordered = sorted(names)
    return ", ".join(map(repr, ordered[:_LISTED])) + (", ..." if len(ordered) > _LISTED else "")
