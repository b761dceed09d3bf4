"""Which graph to load: the run configuration of the asset `knowledge_graph`."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.schema import TherapeuticRelations
from hgt_repurposing.graph.sources.hetionet import load_hetionet
from hgt_repurposing.graph.sources.primekg import load_primekg
from hgt_repurposing.graph.sources.tables import load_tables
from hgt_repurposing.graph.synthetic import Preset, SyntheticConfig, synthetic_knowledge_graph


class GraphSource(TherapeuticRelations, frozen=True, extra="forbid"):
    """Where the knowledge graph comes from; the therapeutic relations are read for plain tables only."""

    source: Literal["synthetic", "primekg", "hetionet", "tables"] = Field(
        "synthetic", description="synthetic: the embedded generator; otherwise the format of the files at path"
    )
    path: str = Field("", description="file or folder to read; empty: the source's name under data/01_raw")
    preset: Preset = Field("demo", description="synthetic only: demo, or as large as real graphs")
    seed: int = Field(42, ge=0, description="synthetic only: seed of the generator")
    exclude: list[str] = Field([], description="hetionet only: metaedges to leave out")
    directed_relations: list[str] = Field(
        [], description="tables only: relations within one node type whose direction carries meaning"
    )

    @property
    def therapeutic(self) -> TherapeuticRelations:
        """What is a drug, a disease and a treatment in plain tables; the other formats know it themselves."""
        return TherapeuticRelations(**self.model_dump(include=set(TherapeuticRelations.model_fields)))


def load_knowledge_graph(source: GraphSource, *, raw_folder: Path) -> KnowledgeGraph:
    """Load or generate the graph.

    Args:
        source: Format and place.
        raw_folder: Where graph files lie if no path is given.

    Raises:
        FileNotFoundError: If a file is missing.
        ValueError: If a file does not hold what its format says.
    """
    path = Path(source.path) if source.path else raw_folder / source.source
    match source.source:
        case "synthetic":
            return synthetic_knowledge_graph(SyntheticConfig(preset=source.preset, seed=source.seed))
        case "primekg":
            return load_primekg(path)
        case "hetionet":
            return load_hetionet(path, exclude=source.exclude)
        case "tables":
            return load_tables(path, therapeutic=source.therapeutic, directed_relations=source.directed_relations)
