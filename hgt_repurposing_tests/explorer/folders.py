"""Data folders with little in them, for the explorer to show."""

from collections.abc import Mapping
from dataclasses import replace
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from starlette.testclient import TestClient

from hgt_repurposing.api import rank
from hgt_repurposing.benchmark.decision import Decision
from hgt_repurposing.embeddings.table import TABLE_COLUMNS, Embeddings
from hgt_repurposing.explorer.app import explorer_app
from hgt_repurposing.explorer.guard import hosts_of
from hgt_repurposing.explorer.library import Library
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.repurposing.candidates import Candidates
from hgt_repurposing.repurposing.inputs import pair_inputs
from hgt_repurposing.repurposing.model import RepurposingModel, fit_repurposing_model
from hgt_repurposing.repurposing.params import CandidateParams
from hgt_repurposing.repurposing.score_grid import ScoreGrid
from hgt_repurposing.repurposing.scorer import Scorer, score_all_pairs
from hgt_repurposing.storage.catalog import save
from hgt_repurposing.storage.html_page import HtmlPage
from hgt_repurposing.storage.manifest import Manifest
from hgt_repurposing.storage.releases import Release, promote, record
from hgt_repurposing_tests.benchmark.evaluations import evaluated
from hgt_repurposing_tests.benchmark.grids_by_hand import whole_grid
from hgt_repurposing_tests.graph.small_graphs import Ends, graph_of
from hgt_repurposing_tests.report.test_plots import gaussian
from hgt_repurposing_tests.repurposing.lists import candidates_of
from hgt_repurposing_tests.repurposing.planted import (
    NAMES,
    NUM_DISEASES,
    NUM_DRUGS,
    NUM_EFFECTS,
    NUM_GENES,
    QUICK,
    planted_graph,
    planted_split,
)

HOSTILE = """<script>alert("1")</script>'&"""
"""Name of the first drug, of the first disease and of the first gene."""
ALONE = f"{NUM_DRUGS:04d}"
"""Id of a drug that no edge touches."""
TOP = 10
ADDRESS = "http://127.0.0.1:8050"
PNG = b"\x89PNG, as good as any"
PICTURES = ("settings.png", "evaluation_disease.png", "projection.png")
STRANGE_IDS = (
    *("..", "../../etc/passwd", "a/b", "a%2fb", "<b>", 'quo"te', "new\nline", "ünï", "a?b=c&d#e", "=1+1", " x "),
    "{{ 7 * 7 }}",
)


@lru_cache(maxsize=4)
def client(root: Path, *, patience: float = 60, host: str = "127.0.0.1") -> TestClient:
    """Asks an explorer of this folder; by default it waits until what was asked for is there."""
    app = explorer_app(Library(root, patience=60), hosts=hosts_of(host), say=str, patience=patience)
    return TestClient(app, base_url=ADDRESS, raise_server_exceptions=False)


def strange_lists() -> Candidates:
    """Three diseases, and a drug for each id that is hard to write in an address."""
    rows = [
        {
            "disease_id": disease,
            "disease_name": name,
            "rank": place + 1,
            "drug_id": drug,
            "drug_name": HOSTILE if drug == "<b>" else f"Drug {place}",
            "score": 0.9 / (1 + place),
            "contraindication_score": float("nan"),
            "known": place == 0,
            "status": "indication" if place == 0 else "new",
        }
        for disease, name in (("1", "renal torvosis"), ("2", "hepatic falitis"), ("3", "renal torvosis"))
        for place, drug in enumerate(sorted(STRANGE_IDS))
    ]
    return candidates_of(pd.DataFrame(rows))


def lists_alone(root: Path, candidates: Candidates | None = None) -> Path:
    """A folder with lists that were handed on without anything else."""
    save("repurposing_candidates", candidates or strange_lists(), root=root, config={})
    return root


@cache
def graph() -> KnowledgeGraph:
    """The planted case with hostile names, beside a drug of which nothing is known."""
    planted = planted_graph(contraindications=True)
    edges: dict[tuple[str, str, str], Ends] = dict(planted.edges.items())
    sizes = {"drug": NUM_DRUGS + 1, "disease": NUM_DISEASES, "gene": NUM_GENES, "effect": NUM_EFFECTS}
    found = graph_of(sizes, edges, therapeutic=NAMES)
    for node_type in ("drug", "disease", "gene"):
        found.nodes.loc[found.offsets[node_type], "node_name"] = HOSTILE
    return found


@cache
def fitted() -> tuple[Embeddings, RepurposingModel, ScoreGrid]:
    """A model of it, with scores of all pairs."""
    nodes = graph().nodes[list(TABLE_COLUMNS)].reset_index(drop=True)
    embeddings = Embeddings(nodes, np.ascontiguousarray(gaussian(len(nodes), 4), dtype=np.float32))
    inputs = pair_inputs(graph(), embeddings, vectors=[])
    params = QUICK.model_copy(update={"num_trees": 3, "tower_updates": 2})
    model = fit_repurposing_model(inputs, planted_split(graph()), params)
    return embeddings, model, score_all_pairs(Scorer.of_model(model, inputs), graph())


def whole_release(root: Path) -> dict[str, Manifest]:
    """Make a folder whose current release has all that the explorer shows."""
    embeddings, model, grid = fitted()
    made: dict[str, Manifest] = {}

    def keep(name: str, value: Any, *inputs: str) -> None:
        """Any: a value of the owner's type."""
        made[name] = save(name, value, root=root, config={}, inputs=[made[each] for each in inputs])

    keep("knowledge_graph", graph())
    keep("hgt_embeddings", embeddings, "knowledge_graph")
    keep("repurposing_model", model, "knowledge_graph", "hgt_embeddings")
    keep("repurposing_scores", grid, "knowledge_graph", "hgt_embeddings", "repurposing_model")
    lists = rank(graph(), grid, CandidateParams(top_k=TOP, top_k_by_drug=TOP))
    keep("repurposing_candidates", lists, "knowledge_graph", "repurposing_scores")
    evaluation = replace(evaluated(), whole_grid=whole_grid())
    keep("repurposing_evaluation", evaluation, "knowledge_graph", "repurposing_model")
    page = HtmlPage("<p>the report", dict.fromkeys(PICTURES, PNG))
    keep("repurposing_report", page, "repurposing_candidates", "repurposing_evaluation")
    make_current("20261127T120000Z-byhand", made, root=root)
    return made


def make_current(release_id: str, made: Mapping[str, Manifest], *, root: Path) -> None:
    """Record a release of these versions, and make it the current one."""
    versions = {name: manifest.header_sha256 for name, manifest in made.items()}
    release = Release(release_id, "run", versions, {}, Decision(promoted=True, reason="made by hand"))
    record(release, root=root)
    promote(release, root=root)
