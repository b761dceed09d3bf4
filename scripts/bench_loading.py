"""Time and memory to load a graph of PrimeKG's size: writes a synthetic kg.csv and loads it."""

import argparse
import json
import multiprocessing
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TypedDict

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv

from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.schema import (
    NODE_ID,
    NODE_NAME,
    NODE_TYPE,
    RELATION,
    SOURCE_ID,
    SOURCE_TYPE,
    TARGET_ID,
    TARGET_TYPE,
)
from hgt_repurposing.graph.sources.hetionet import load_hetionet
from hgt_repurposing.graph.sources.primekg import load_primekg
from hgt_repurposing.graph.synthetic import Preset, SyntheticConfig, synthetic_tables

_CHUNK = 500_000
_RSS_UNIT = 1 if sys.platform == "darwin" else 1024  # getrusage: bytes on macOS, KiB elsewhere


class Figures(TypedDict):
    """Cost and result of loading one source."""

    source: str
    seconds: float
    peak_gb_above_start: float
    num_rows: int
    num_nodes: int
    num_edges: int


def write_primekg(folder: Path, preset: Preset) -> Path:
    """Write a synthetic graph as kg.csv with PrimeKG's twelve columns."""
    nodes, edges = synthetic_tables(SyntheticConfig(preset=preset, mechanism="module"))
    nodes = nodes.drop_duplicates([NODE_TYPE, NODE_ID]).reset_index(drop=True)
    text = nodes[[NODE_ID, NODE_TYPE, NODE_NAME]].astype("str")
    file = folder / "kg.csv"
    writer = None
    for start in range(0, len(edges), _CHUNK):
        rows = edges.iloc[start : start + _CHUNK]
        relation = rows[RELATION].astype("str").to_numpy()
        columns = {"relation": relation, "display_relation": relation}
        for prefix, type_column, id_column in (("x", SOURCE_TYPE, SOURCE_ID), ("y", TARGET_TYPE, TARGET_ID)):
            index = _node_rows(text, rows[type_column], rows[id_column])
            columns[f"{prefix}_index"] = index
            for name, column in (("id", NODE_ID), ("type", NODE_TYPE), ("name", NODE_NAME)):
                columns[f"{prefix}_{name}"] = text[column].array.take(index)
            columns[f"{prefix}_source"] = np.full(len(rows), "synthetic")
        table = pa.table(columns)
        writer = writer or pa.csv.CSVWriter(str(file), table.schema)
        writer.write(table)
    if writer:
        writer.close()
    return file


def _node_rows(nodes: pd.DataFrame, types: pd.Series, ids: pd.Series) -> np.ndarray:
    """Row of the node table for every end of an edge, found with a lookup table [num_types, num_ids]."""
    lookup = np.full((len(types.cat.categories), len(ids.cat.categories)), -1)
    type_code = types.cat.categories.get_indexer(pd.Index(nodes[NODE_TYPE]))
    id_code = ids.cat.categories.get_indexer(pd.Index(nodes[NODE_ID]))
    lookup[type_code, id_code] = np.arange(len(nodes))
    return lookup[types.cat.codes, ids.cat.codes]


def measure(load: Callable[[Path], KnowledgeGraph], path: Path) -> Figures:
    """Load once in this process, which should not have done anything else before."""
    before = _peak_gb()
    start = time.perf_counter()
    graph = load(path)
    seconds = time.perf_counter() - start
    return Figures(
        source=path.name,
        seconds=round(seconds, 2),
        peak_gb_above_start=round(_peak_gb() - before, 2),
        num_rows=graph.num_edges + graph.num_duplicate_edges,
        num_nodes=len(graph.nodes),
        num_edges=graph.num_edges,
    )


def _peak_gb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _RSS_UNIT / 1e9


def main() -> None:
    """Write, load, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--preset", choices=["demo", "reference", "primekg"], default="primekg")
    parser.add_argument("--hetionet", type=Path, metavar="PATH", help="folder of a Hetionet download to load as well")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures to this file")
    arguments = parser.parse_args()
    figures = []
    # A fresh process per step: the peak of a process never falls, and a fork would inherit it.
    pool = ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"), max_tasks_per_child=1)
    with pool, tempfile.TemporaryDirectory() as folder:
        print(f"writing a synthetic kg.csv ({arguments.preset}) ...")
        file = pool.submit(write_primekg, Path(folder), arguments.preset).result()
        print(f"loading {file.stat().st_size / 1e9:.2f} GB ...")
        figures.append(pool.submit(measure, load_primekg, file).result())
        if arguments.hetionet:
            figures.append(pool.submit(measure, load_hetionet, arguments.hetionet).result())
    print(pd.DataFrame(figures).to_string(index=False))
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
