"""A configuration file looked at before anything runs: by our rules, by Dagster's, and against the graph it names."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import dagster as dg

from hgt_repurposing.benchmark.preflight import PreparedSplit, split_for_learning
from hgt_repurposing.defs.preconditions import demo_over_another_graph, require_device
from hgt_repurposing.defs.run_config import complaints, settings_of
from hgt_repurposing.defs.yaml_config import read_run_config
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.schema import is_gene_or_pathway
from hgt_repurposing.graph.sources.source import GraphSource, load_knowledge_graph
from hgt_repurposing.storage.catalog import RAW_FOLDER, data_folder

MAX_BYTES = 400_000_000
"""Files up to this size are read whole: Hetionet takes two seconds."""


class Checked(NamedTuple):
    """What was found."""

    config: Mapping[str, Any]
    """As Dagster takes it. Any: what YAML holds."""
    complaints: list[str]
    """What is wrong, a sentence each; nothing if it will do."""
    seen: list[str]
    """What was looked at, and what was not, a line each."""


def checked(path: Path, *, data: str = "", job: dg.JobDefinition | None = None) -> Checked:
    """Check a configuration file, and the graph it names as far as that is cheap.

    Args:
        path: The file.
        data: The data folder; empty: that of the configuration, or of the environment.
        job: Whose run it configures; None: what Dagster thinks of it is left to the launch.
    """
    try:
        config = read_run_config(path.expanduser().read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        return Checked({}, [f"it cannot be read: {error}"], [])
    except ValueError as error:
        return Checked({}, [str(error)], [])
    said = complaints(config) or (refusals(config, job) if job else [])
    if said:
        return Checked(config, said, [])
    try:
        return Checked(config, [], list(_look(config, data)))
    except (ValueError, OSError) as error:
        return Checked(config, [str(error)], [])


def refusals(config: Mapping[str, Any], job: dg.JobDefinition) -> list[str]:
    """Why Dagster would not launch a job with this configuration; nothing if it would. Any: what YAML holds."""
    try:
        dg.validate_run_config(job, dict(config))
    except dg.DagsterInvalidConfigError as error:
        return [" ".join(wrong.message.partition("Expected")[0].split()) for wrong in error.errors]
    return []


def _look(config: Mapping[str, Any], data: str) -> Iterator[str]:
    """Load the graph and split it, as the run would; raises what the run would."""
    root = data_folder(data or settings_of("store", config).data_folder)
    _require_writable(root)
    demo_over_another_graph(config, root=root)
    require_device(config)
    source: GraphSource = settings_of("knowledge_graph", config)
    num_bytes = _size(source, root / RAW_FOLDER)
    if num_bytes > MAX_BYTES:
        yield f"not looked at: rows of the graph's files ({num_bytes / 1e6:,.0f} MB), and so names, folds and groups"
        return
    graph = load_knowledge_graph(source, raw_folder=root / RAW_FOLDER)
    yield from _graph_lines(graph)
    prepared = split_for_learning(
        graph,
        settings_of("drug_disease_split", config),
        classifier=settings_of("repurposing_model", config),
        embedding=settings_of("embedding_params", config),
    )
    yield from _split_lines(prepared)
    yield "not looked at: whether memory and disk will do"


def _require_writable(root: Path) -> None:
    """Raises OSError if nothing can be written to the data folder."""
    there = next(folder for folder in (root, *root.parents) if folder.exists())
    if not there.is_dir():
        raise NotADirectoryError(f"the data folder {root} cannot be made: {there} is a file")
    if not os.access(there, os.W_OK | os.X_OK):
        raise PermissionError(f"the data folder {root} cannot be written to: you may not write to {there}")


def _size(source: GraphSource, raw_folder: Path) -> int:
    """Bytes of the files at the path of a source; 0 where it reads none, or they are not there."""
    if source.format is None:
        return 0
    path = Path(source.path).expanduser() if source.path else raw_folder / source.format
    files = [path] if path.is_file() else path.glob("*")
    return sum(file.stat().st_size for file in files if file.is_file())


def _graph_lines(graph: KnowledgeGraph) -> Iterator[str]:
    yield (
        f"graph: {len(graph.nodes):,} nodes of {len(graph.num_nodes)} types, {graph.num_edges:,} edges of "
        f"{len(graph.edges)}, {graph.indications.shape[1]:,} of them indications"
    )
    if graph.num_duplicate_nodes or graph.num_duplicate_edges:
        yield f"merged: {graph.num_duplicate_nodes:,} rows that repeat a node, {graph.num_duplicate_edges:,} an edge"
    genes = [name for name in graph.num_nodes if is_gene_or_pathway(name)]
    yield f"as genes and pathways count: {', '.join(map(repr, genes)) or 'no node type'}"


def _split_lines(prepared: PreparedSplit) -> Iterator[str]:
    kinds = dict.fromkeys(key.kind for key in prepared.split.keys)
    yield f"split: {', '.join(kinds)}, each into {prepared.split.num_folds} folds"
    for kind, reason in prepared.split.left_out.items():
        yield f"left out: {kind}: {reason}"
