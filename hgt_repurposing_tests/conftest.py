"""Graphs that many tests share, and what makes a test the same on every run and every machine."""

import gc
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pytest
from hypothesis import HealthCheck, settings

from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph, build_knowledge_graph
from hgt_repurposing.graph.schema import EDGE_COLUMNS, NODE_COLUMNS, PRIMEKG_RELATIONS
from hgt_repurposing.graph.synthetic import SyntheticConfig, synthetic_knowledge_graph
from hgt_repurposing.storage.run_lock import Holder, held

# The same examples on every run, so that a red test is the doing of a change; `scripts/test.sh --slow` explores others,
# with `--hypothesis-profile explore`, and what it finds is pinned with @example beside the property. No limits on time:
# they fail on a busy machine for no fault of the code.
settings.register_profile(
    "repeat", max_examples=20, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile(
    "explore", settings.get_profile("repeat"), max_examples=200, derandomize=False, print_blob=True
)
settings.load_profile("repeat")

# Of two processes that save compiled loops at once the later one overwrites what the other has listed: numba's index is
# written as a whole. So each worker has a cache of its own; numba reads the variable when it is imported.
if worker := os.environ.get("PYTEST_XDIST_WORKER"):
    os.environ["NUMBA_CACHE_DIR"] = str(Path(__file__).parents[1] / "build" / "numba" / worker)

# Modules live as long as the process. To look through them for garbage, while they are imported and after every so many
# tests, took a tenth of the run.
gc.disable()

# What a shell may have set: another data folder or configuration, colours, a narrow terminal.
for variable in (
    "HGT_REPURPOSING_DATA",
    "HGT_REPURPOSING_CONFIG",
    "HGT_REPURPOSING_SCHEDULES",
    "HGT_REPURPOSING_WEBHOOK",
    "PYTORCH_ENABLE_MPS_FALLBACK",
    "FORCE_COLOR",
    "COLUMNS",
):
    os.environ.pop(variable, None)

LONGEST = ("defs/test_runs", "benchmark/", "repurposing/", "training/", "report/", "defs/", "model/")
"""Files that take tens of seconds begin first, or one of two workers waits for the other at the end."""


@pytest.hookimpl(trylast=True)  # after the shuffle, whose order holds within each of these and among the rest
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first."""

    def place(item: pytest.Item) -> int:
        return next((number for number, name in enumerate(LONGEST) if f"/{name}" in item.nodeid), len(LONGEST))

    items.sort(key=place)


def pytest_collection_finish() -> None:
    """From here on garbage is looked for, among what the tests make."""
    gc.freeze()
    gc.enable()


TOY_NODES = [
    ("drug", "D1", "Velotinib"),
    ("drug", "D2", "Zanolone"),
    ("drug", "D3", "Belustat"),
    ("disease", "1", "renal torvosis"),
    ("disease", "2", "hepatic falitis"),
    ("disease", "3", "ocular holemia"),
    ("gene/protein", "1", "TRK12"),
    ("gene/protein", "2", "QBG39"),
    ("gene/protein", "3", "XVF21"),
    ("gene/protein", "4", "alone"),
]
TOY_EDGES = [
    ("drug", "D1", "indication", "disease", "1"),
    ("drug", "D1", "indication", "disease", "2"),
    ("drug", "D2", "indication", "disease", "2"),
    ("drug", "D3", "contraindication", "disease", "1"),
    ("drug", "D3", "off-label use", "disease", "3"),
    ("drug", "D1", "drug_protein", "gene/protein", "1"),
    ("drug", "D2", "drug_protein", "gene/protein", "2"),
    ("drug", "D3", "drug_protein", "gene/protein", "3"),
    ("disease", "1", "disease_protein", "gene/protein", "1"),
    ("disease", "2", "disease_protein", "gene/protein", "2"),
    ("gene/protein", "1", "protein_protein", "gene/protein", "2"),
    ("gene/protein", "2", "protein_protein", "gene/protein", "3"),
]


@pytest.fixture
def toy_nodes() -> pd.DataFrame:
    """Three drugs, three diseases and four genes; disease 1 and gene 1 share their id, gene 4 has no edge."""
    return pd.DataFrame(TOY_NODES, columns=list(NODE_COLUMNS))


@pytest.fixture
def toy_edges() -> pd.DataFrame:
    """Twelve edges, each once and in one direction."""
    return pd.DataFrame(TOY_EDGES, columns=list(EDGE_COLUMNS))


@pytest.fixture(scope="session")
def toy_graph() -> Iterator[KnowledgeGraph]:
    """The graph of the toy tables: D1 treats 1 and 2, D2 treats 2. Not to be changed, which is seen to in the end."""
    nodes = pd.DataFrame(TOY_NODES, columns=list(NODE_COLUMNS))
    edges = pd.DataFrame(TOY_EDGES, columns=list(EDGE_COLUMNS))
    graph, again = (build_knowledge_graph(nodes, edges, therapeutic=PRIMEKG_RELATIONS) for _ in range(2))
    yield graph
    pd.testing.assert_frame_equal(graph.nodes, again.nodes)
    np.testing.assert_equal(dict(graph.edges), dict(again.edges))


@pytest.fixture(scope="session")
def demo_graph() -> KnowledgeGraph:
    """The synthetic demo graph with its planted signal: 3,000 nodes, 60,000 edges. Not to be changed."""
    return synthetic_knowledge_graph(SyntheticConfig(preset="demo", seed=42))


@pytest.fixture
def generator() -> np.random.Generator:
    """Seeded generator of random numbers."""
    return np.random.default_rng(0)


@pytest.fixture
def another_run(tmp_path: Path) -> Iterator[Holder]:
    """A run that holds the data folder, as long as the test lasts."""
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(99)"]) as process:
        started = psutil.Process(process.pid).create_time()
        me = Holder.of_process(os.getpid(), "theirs", now=datetime(2026, 11, 26, tzinfo=UTC))
        holder = me._replace(pid=process.pid, started=started)
        with held(tmp_path, holder, wait=False):
            yield holder
        process.kill()
