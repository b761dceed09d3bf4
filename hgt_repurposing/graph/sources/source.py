"""The source of the knowledge graph: which graph to load, and from where."""

import logging
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, Field, ValidationError, model_validator

from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.naming import Naming
from hgt_repurposing.graph.notices import isolated_nodes, notices
from hgt_repurposing.graph.schema import (
    HETIONET_RELATIONS,
    PRIMEKG_RELATIONS,
    TREATMENT_SETTINGS,
    TherapeuticRelations,
    require_distinct,
)
from hgt_repurposing.graph.sources.hetionet import load_hetionet
from hgt_repurposing.graph.sources.primekg import load_primekg
from hgt_repurposing.graph.sources.tables import load_tables
from hgt_repurposing.graph.synthetic import Preset, SyntheticConfig, synthetic_knowledge_graph

Format = Literal["primekg", "hetionet", "tables"]
_OWN: dict[Format, TherapeuticRelations] = {
    "primekg": PRIMEKG_RELATIONS,
    "hetionet": HETIONET_RELATIONS,
    "tables": TherapeuticRelations(),
}
"""Defaults of each format."""
_GENERATOR_SETTINGS = ("preset", "seed")

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
    drug: str | None = Field(None, description="node type of the drugs")
    disease: str | None = Field(None, description="node type of the diseases")
    indication: list[str] | None = Field(None, description="relations meaning that the drug treats the disease")
    contraindication: list[str] | None = Field(None, description="relations meaning that the drug must not be given")
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
    exclude: list[str] | None = Field(None, description="relations to leave out")

    @property
    def format(self) -> Format | None:
        """Format of the files; None for a generated graph."""
        match self.source:
            case "auto" | "synthetic":
                return None
            case named:
                return named

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
        for setting in ("contraindication", "off_label"):
            own[setting] = [name for name in own[setting] if name not in taken]
        return Naming(
            TherapeuticRelations(**(own | given)),
            by_format=frozenset(own) - set(given),
            directed_relations=None if self.directed_relations is None else tuple(self.directed_relations),
            exclude=tuple(self.exclude or ()),
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
        for setting in ("contraindication", "off_label", "drug_gene", "disease_gene"):
            require_distinct({setting: getattr(self, setting) or [], "exclude": exclude})
        require_distinct({"indication": indication, "exclude": exclude})
        return self


def load_knowledge_graph(source: GraphSource, *, raw_folder: Path) -> KnowledgeGraph:
    """Load or generate the graph, and log notices about it.

    Args:
        source: Format, path and names.
        raw_folder: Folder of the graph files if no path is given.

    Raises:
        FileNotFoundError: If a file is missing.
        ValueError: If a file does not match its format, or a name set by the user does not occur.
    """
    graph = _loaded(source, raw_folder)
    for notice in notices(graph):
        _logger.warning("%s", notice)
    isolated = isolated_nodes(graph)
    if isolated:
        said = (f"{count:,} of {total:,} nodes of type {t!r}" for t, count, total in isolated)
        _logger.info("isolated (no edges): %s", ", ".join(said))
    return graph


def _loaded(source: GraphSource, raw_folder: Path) -> KnowledgeGraph:
    path = Path(source.path).expanduser() if source.path else raw_folder / source.source
    match source.format:
        case None:
            return synthetic_knowledge_graph(SyntheticConfig(preset=source.preset, seed=source.seed))
        case "primekg":
            return load_primekg(path, source.naming)
        case "hetionet":
            return load_hetionet(path, source.naming)
        case "tables":
            return load_tables(path, source.naming)
