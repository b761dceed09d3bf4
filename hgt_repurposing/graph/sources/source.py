"""The source of the knowledge graph: which graph to load, and from where."""

import logging
from dataclasses import replace
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, Field, ValidationError, model_validator

from hgt_repurposing.graph.attributes import with_attributes
from hgt_repurposing.graph.disease_areas import areas_of_ancestors
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.naming import Naming
from hgt_repurposing.graph.notices import isolated_nodes, notices
from hgt_repurposing.graph.schema import (
    HETIONET_RELATIONS,
    PRIMEKG_RELATIONS,
    TREATMENT_SETTINGS,
    IntArray,
    TherapeuticRelations,
    require_distinct,
)
from hgt_repurposing.graph.sources.areas import load_disease_areas
from hgt_repurposing.graph.sources.hetionet import load_hetionet
from hgt_repurposing.graph.sources.node_attributes import load_node_attributes
from hgt_repurposing.graph.sources.not_indicated import with_not_indicated_pairs
from hgt_repurposing.graph.sources.primekg import load_primekg
from hgt_repurposing.graph.sources.tables import load_tables
from hgt_repurposing.graph.synthetic import Mechanism, Preset, SyntheticConfig, synthetic_knowledge_graph

Format = Literal["primekg", "hetionet", "tables"]
_OWN: dict[Format, TherapeuticRelations] = {
    "primekg": PRIMEKG_RELATIONS,
    "hetionet": HETIONET_RELATIONS,
    "tables": TherapeuticRelations(),
}
"""Defaults of each format."""
_GENERATOR_SETTINGS = ("preset", "seed", "mechanism")

_logger = logging.getLogger(__name__)


class GraphSource(BaseModel, frozen=True, extra="forbid"):
    """Where the knowledge graph comes from, and what its types and relations mean; null: the format's default.

    Settings that the source does not use are rejected.
    """

    source: Literal["auto", "synthetic", "primekg", "hetionet", "tables"] = Field(
        "auto",
        description="format of the files; synthetic: the generated graph; auto: the same, if no path is given",
    )
    path: str = Field(
        "",
        description="file or folder, absolute or {env: VARIABLE}; empty: data/01_raw/<source>",
    )
    preset: Preset = Field("demo", description="synthetic only: size, from demo to as large as real graphs")
    seed: int = Field(42, ge=0, description="synthetic only: seed of the generator")
    mechanism: Mechanism = Field(
        "gene",
        description="synthetic only: gene: each treatment works through one gene; module: through many, as in earlier "
        "versions",
    )
    drug: str | None = Field(None, description="node type of the drugs")
    disease: str | None = Field(None, description="node type of the diseases")
    indication: list[str] | None = Field(None, description="relations meaning that the drug treats the disease")
    contraindication: list[str] | None = Field(None, description="relations meaning that the drug must not be given")
    not_indicated: list[str] | None = Field(
        None, description="relations meaning that the drug does not help: a failed trial, a refuted use"
    )
    not_indicated_pairs: str = Field(
        "",
        description="absolute path of a file (drug_id, disease_id) of pairs where the drug does not help; empty: none",
    )
    off_label: list[str] | None = Field(
        None, description="relations meaning that the drug is used off label, or palliates"
    )
    drug_gene: list[str] | None = Field(
        None, description="relations to a drug's target genes; []: all drug-gene relations"
    )
    disease_gene: list[str] | None = Field(
        None, description="relations to a disease's causal genes; []: all disease-gene relations"
    )
    directed_relations: list[str] | None = Field(
        None, description="relations within one node type whose direction carries meaning"
    )
    is_a: list[str] | None = Field(
        None,
        description="relations from a disease to a broader one (hence directed); the evaluation is then broken down by "
        "disease area",
    )
    disease_areas: str = Field(
        "",
        description="absolute path of a table (disease_id, area; several rows per disease allowed) to break the "
        "evaluation down by; empty: the areas that is_a gives, if any",
    )
    exclude: list[str] | None = Field(None, description="relations to leave out")
    node_attributes: str = Field(
        "",
        description="absolute path of a table (node_id, optionally node_type, and a column for each attribute, such as "
        "approved) to filter drugs and diseases by; several rows per node allowed; empty: none",
    )
    attribute_separator: str = Field(
        "",
        description="what separates several values of an attribute in one cell, such as |; empty: a cell is one value",
    )
    licence: str = Field(
        "",
        description="licence of the graph, named in every exported file; empty: that of the published graph, if known",
    )
    name: str = Field("", description="name of the graph, given in every exported file; empty: that of the format")

    @property
    def format(self) -> Format | None:
        """Format of the files; None for a generated graph."""
        match self.source:
            case "auto" | "synthetic":
                return None
            case named:
                return named

    def path_in(self, raw_folder: Path) -> Path:
        """File or folder of the graph: the one that is set, else that of the format in the folder of graph files."""
        return Path(self.path).expanduser() if self.path else raw_folder / self.source

    @property
    def naming(self) -> Naming:
        """The user's names, completed by the format's defaults that do not contradict them.

        Raises:
            ValueError: If a relation is given two meanings, or the graph is generated.
        """
        if self.format is None:
            raise ValueError("a generated graph has fixed names (got source: synthetic)")
        own = _OWN[self.format].model_dump()
        given = {name: getattr(self, name) for name in own if getattr(self, name) is not None}
        taken = {*(self.exclude or ()), *(name for setting in TREATMENT_SETTINGS for name in given.get(setting, ()))}
        for setting in TREATMENT_SETTINGS[1:]:
            own[setting] = [name for name in own[setting] if name not in taken]
        return Naming(
            TherapeuticRelations(**(own | given)),
            by_format=frozenset(own) - set(given),
            directed_relations=None if self.directed_relations is None else tuple(self.directed_relations),
            exclude=tuple(self.exclude or ()),
            is_a=tuple(self.is_a or ()),
        )

    @model_validator(mode="after")
    def _is_read_by_the_source(self) -> Self:
        changed = [name for name, field in type(self).model_fields.items() if getattr(self, name) != field.default]
        unread = [name for name in changed if name != "source" and (name in _GENERATOR_SETTINGS) == bool(self.format)]
        said = " and ".join(f"{name} {getattr(self, name)!r}" for name in unread) + (
            " is" if len(unread) == 1 else " are"
        )
        if unread and self.format:
            raise ValueError(f"{said} used only with source: synthetic (got source: {self.source}): leave it out")
        if unread:
            raise ValueError(
                f"{said} set, but source: {self.source} is the generated graph and reads no file: "
                f"set source to the format of your files ({', '.join(_OWN)})"
            )
        return self

    @model_validator(mode="after")
    def _means_one_thing_each(self) -> Self:
        if self.format is None:
            return self
        try:
            indication = self.naming.therapeutic.indication
        except ValidationError as error:
            raise ValueError(
                "; ".join(wrong["msg"].removeprefix("Value error, ") for wrong in error.errors())
            ) from None
        exclude, directed = self.exclude or [], self.directed_relations or []
        require_distinct({"directed_relations": directed, "exclude": exclude})
        require_distinct({"is_a": self.is_a or [], "exclude": exclude})
        for setting in (*TREATMENT_SETTINGS[1:], "drug_gene", "disease_gene"):
            require_distinct({setting: getattr(self, setting) or [], "exclude": exclude})
        require_distinct({"indication": indication, "exclude": exclude})
        if self.is_a and self.disease_areas:
            raise ValueError("disease areas come either from is_a or from disease_areas: leave one of the two out")
        return self


def load_knowledge_graph(source: GraphSource, *, raw_folder: Path) -> KnowledgeGraph:
    """Load or generate the graph, and log notices about it.

    Args:
        source: Format, path and names.
        raw_folder: Folder of the graph files if no path is given.

    Raises:
        FileNotFoundError: If a file is missing.
        ValueError: If a file does not match its format, a name set by the user does not occur, the pairs that are not
            indicated do not fit the graph, disease areas cannot be told, or attributes do not fit the graph.
    """
    graph = with_not_indicated_pairs(_loaded(source, raw_folder), source.not_indicated_pairs)
    graph = replace(graph, disease_areas=_areas(source, graph))
    if source.node_attributes:
        more = load_node_attributes(source.node_attributes, graph, separator=source.attribute_separator)
        graph = replace(graph, attributes=with_attributes(graph.attributes, more, source=source.node_attributes))
    for notice in notices(graph):
        _logger.warning("%s", notice)
    isolated = isolated_nodes(graph)
    if isolated:
        said = (f"{count:,} of {total:,} nodes of type {t!r}" for t, count, total in isolated)
        _logger.info("isolated (no edges): %s", ", ".join(said))
    return graph


def _areas(source: GraphSource, graph: KnowledgeGraph) -> dict[str, IntArray]:
    if source.disease_areas:
        return load_disease_areas(source.disease_areas, graph)
    return areas_of_ancestors(graph, source.is_a) if source.is_a else {}


def _loaded(source: GraphSource, raw_folder: Path) -> KnowledgeGraph:
    path = source.path_in(raw_folder)
    match source.format:
        case None:
            return synthetic_knowledge_graph(
                SyntheticConfig(preset=source.preset, seed=source.seed, mechanism=source.mechanism)
            )
        case "primekg":
            return load_primekg(path, source.naming)
        case "hetionet":
            return load_hetionet(path, source.naming)
        case "tables":
            return load_tables(path, source.naming, attribute_separator=source.attribute_separator)
