"""Check a configuration file before anything runs: by our rules, by Dagster's, and against the graph it names."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import dagster as dg

from hgt_repurposing.benchmark.preflight import PreparedSplit, split_for_learning
from hgt_repurposing.defs.preconditions import demo_over_another_graph, require_device
from hgt_repurposing.defs.run_config import complaints, settings_of
from hgt_repurposing.defs.yaml_config import read_run_config
from hgt_repurposing.graph.attributes import names_of
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.schema import is_gene_or_pathway
from hgt_repurposing.graph.sources.source import GraphSource, load_knowledge_graph
from hgt_repurposing.repurposing.choice import listed
from hgt_repurposing.storage.catalog import RAW_FOLDER, data_folder

MAX_BYTES = 400_000_000
"""Graph files up to this size are loaded: Hetionet takes two seconds."""


class Checked(NamedTuple):
    """Result of a check."""

    config: Mapping[str, Any]
    """In the form Dagster accepts. Any: YAML values."""
    complaints: list[str]
    """Errors, one sentence each; empty if the configuration is valid."""
    seen: list[str]
    """What was and was not checked, one line each."""


def checked(path: Path, *, data: str = "", job: dg.JobDefinition | None = None) -> Checked:
    """Check a configuration file, and the graph it names unless that is too large.

    Args:
        path: The file.
        data: The data folder; empty: that of the configuration or of the environment.
        job: The job it configures; None: Dagster's own checks are left to the launch.
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
    """Reasons for which Dagster would refuse this configuration for a job; empty if none. Any: YAML values."""
    try:
        dg.validate_run_config(job, dict(config))
    except dg.DagsterInvalidConfigError as error:
        return [" ".join(wrong.message.partition("Expected")[0].split()) for wrong in error.errors]
    return []


def _look(config: Mapping[str, Any], data: str) -> Iterator[str]:
    """Load the graph and split it as the run would, with the same errors."""
    root = data_folder(data or settings_of("store", config).data_folder)
    _require_writable(root)
    demo_over_another_graph(config, root=root)
    require_device(config)
    source: GraphSource = settings_of("knowledge_graph", config)
    num_bytes = _size(source, root / RAW_FOLDER)
    if num_bytes > MAX_BYTES:
        yield f"not checked: the rows of the graph's files ({num_bytes / 1e6:,.0f} MB), hence names, folds and groups"
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
    for of_side in listed(graph, settings_of("repurposing_candidates", config)).values():
        if of_side.said:
            yield f"listed: {of_side.passes.sum():,} of {len(of_side.passes):,}: {', and '.join(of_side.said)}"
    yield "not checked: memory and disk space"


def _require_writable(root: Path) -> None:
    """Raise OSError if the data folder is not writable."""
    there = next(folder for folder in (root, *root.parents) if folder.exists())
    if not there.is_dir():
        raise NotADirectoryError(f"the data folder {root} cannot be created: {there} is a file")
    if not os.access(there, os.W_OK | os.X_OK):
        raise PermissionError(f"the data folder {root} is not writable: no permission to write to {there}")


def _size(source: GraphSource, raw_folder: Path) -> int:
    """Total bytes of a source's files; 0 if it reads none or they do not exist."""
    if source.format is None:
        return 0
    path = Path(source.path).expanduser() if source.path else raw_folder / source.format
    files = [path] if path.is_file() else path.glob("*")
    return sum(file.stat().st_size for file in files if file.is_file())


def _graph_lines(graph: KnowledgeGraph) -> Iterator[str]:
    yield (
        f"graph: {len(graph.nodes):,} nodes of {len(graph.num_nodes)} types, {graph.num_edges:,} edges of "
        f"{len(graph.edges)} types, {graph.indications.shape[1]:,} of them indications"
    )
    if graph.known_negatives.shape[1]:
        yield (
            f"known negatives: {graph.contraindicated_pairs.shape[1]:,} contraindications, "
            f"{graph.not_indicated_pairs.shape[1]:,} pairs recorded as not indicated"
        )
    if graph.num_duplicate_nodes or graph.num_duplicate_edges:
        yield f"merged duplicate rows: {graph.num_duplicate_nodes:,} of nodes, {graph.num_duplicate_edges:,} of edges"
    if graph.disease_areas:
        inside = len(set().union(*(index.tolist() for index in graph.disease_areas.values())))
        yield f"disease areas: {len(graph.disease_areas):,}; {inside:,} of {graph.grid_shape[1]:,} diseases are in one"
    if len(graph.attributes):
        yield f"attributes of nodes: {', '.join(names_of(graph.attributes))}"
    if graph.provenance:
        yield f"edge types with source, reference or evidence: {len(graph.provenance)} of {len(graph.edges)}"
    genes = [name for name in graph.num_nodes if is_gene_or_pathway(name)]
    yield f"node types treated as genes or pathways: {', '.join(map(repr, genes)) or 'none'}"


def _split_lines(prepared: PreparedSplit) -> Iterator[str]:
    kinds = dict.fromkeys(key.kind for key in prepared.split.keys)
    yield f"split: {', '.join(kinds)}, each into {prepared.split.num_folds} folds"
    if prepared.split.num_deployment:
        times = "once" if prepared.split.num_deployment == 1 else f"{prepared.split.num_deployment} times"
        yield f"whole grid: treatments are hidden {times} as they are assumed to be missing"
    for kind, reason in prepared.split.left_out.items():
        yield f"left out: {kind}: {reason}"
    for external in prepared.split.external:
        yield (
            f"external pairs {external.name!r}: {external.positives.shape[1]:,} treatments, "
            f"{external.negatives.shape[1]:,} known negatives; {external.counts.num_known:,} pairs that are "
            f"indications of the graph, {external.counts.num_unknown:,} rows with an unknown id"
        )
