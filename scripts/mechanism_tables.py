"""Pairs with mechanisms to choose the weights of genes on, and others to report on.

Planted: the causes of generated demo graphs. Surrogate: Hetionet joins a drug to all proteins that it binds, among them
the enzymes and transporters that break it down or carry it; DRKG has DrugBank's targets apart. For a treatment of
Hetionet, genes that are DRKG targets of the drug count as likely mechanisms. This is no curated truth: it does not
depend on the disease, and a drug has many targets that treat nothing.
"""

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.schema import IntArray
from hgt_repurposing.graph.sources.mechanisms import mechanisms_of
from hgt_repurposing.graph.synthetic import CAUSE_COLUMNS, SyntheticConfig, planted_causes, synthetic_knowledge_graph

DEVELOPMENT_SEEDS, REPORT_SEEDS = (1, 2, 3), (21, 22, 23)
"""Of demo graphs."""
SEED_OF_HALVES = 2024
TARGETS = "DRUGBANK::target::Compound:Gene"


class Known(NamedTuple):
    """A graph, and the mechanisms that are known of it."""

    graph: KnowledgeGraph
    triples: IntArray
    """Drug, disease and gene. Shape [3, num_mechanisms]."""


def planted(seed: int) -> Known:
    """A demo graph with its causes."""
    config = SyntheticConfig(preset="demo", seed=seed, mechanism="gene")
    graph = synthetic_knowledge_graph(config)
    return Known(graph, mechanisms_of(planted_causes(config), graph).triples)


def of_any_relation(graph: KnowledgeGraph) -> KnowledgeGraph:
    """The same, but nobody said by which relations drugs reach their targets: all that lead to genes count."""
    return replace(graph, therapeutic=graph.therapeutic.model_copy(update={"drug_gene": []}))


def surrogate(graph: KnowledgeGraph, drkg: Path, *, report: bool) -> Known:
    """Hetionet with the targets of half of its treating drugs.

    Args:
        graph: Hetionet.
        drkg: Folder with DRKG's `edges.tsv.gz`.
        report: Whether of the half to report on, or of the one to choose on.
    """
    edges = pd.read_csv(drkg / "edges.tsv.gz", sep="\t", dtype=str)
    targets = edges[edges["relation"] == TARGETS]
    drugs, diseases = (graph.nodes_of(t)["node_id"] for t in (graph.therapeutic.drug, graph.therapeutic.disease))
    treating = np.unique(graph.indications[0])
    in_report = np.random.default_rng(SEED_OF_HALVES).permutation(len(treating)) % 2 == 0
    chosen = treating[in_report == report]
    pairs = graph.indications[:, np.isin(graph.indications[0], chosen)]
    treatments = pd.DataFrame({"drug_id": drugs[pairs[0]].to_numpy(), "disease_id": diseases[pairs[1]].to_numpy()})
    found = treatments.merge(targets[["source_id", "target_id"]].set_axis(["drug_id", "gene_id"], axis=1), on="drug_id")
    return Known(graph, mechanisms_of(found[list(CAUSE_COLUMNS)], graph).triples)
