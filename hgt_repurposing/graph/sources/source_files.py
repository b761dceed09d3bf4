"""Which files a source of the knowledge graph reads."""

from pathlib import Path

from hgt_repurposing.graph.sources.hetionet import hetionet_files
from hgt_repurposing.graph.sources.primekg import primekg_file
from hgt_repurposing.graph.sources.source import GraphSource
from hgt_repurposing.graph.sources.tables import table_files


def source_files(source: GraphSource, *, raw_folder: Path) -> list[Path]:
    """The files that `load_knowledge_graph` would read; none for a generated graph.

    Raises:
        FileNotFoundError: If a file of the graph is missing.
        ValueError: If a folder contains several that could be meant.
    """
    path = source.path_in(raw_folder)
    match source.format:
        case None:
            return []
        case "primekg":
            files = [primekg_file(path)]
        case "hetionet":
            files = [*hetionet_files(path)]
        case "tables":
            files = [*table_files(path)]
    beside = (source.not_indicated_pairs, source.disease_areas, source.node_attributes)
    return files + [Path(named).expanduser() for named in beside if named]
