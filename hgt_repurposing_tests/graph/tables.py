"""A graph as the two tables that its owner would have."""

from pathlib import Path

import pandas as pd

from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.schema import EDGE_COLUMNS, NODE_ID


def write_tables(graph: KnowledgeGraph, folder: Path) -> None:
    """Write nodes.csv and edges.csv into a folder that is there."""
    graph.nodes.to_csv(folder / "nodes.csv", index=False)
    blocks = []
    for (source, relation, target), index in graph.edges.items():
        ids = [
            graph.nodes_of(side)[NODE_ID].to_numpy()[ends] for side, ends in zip((source, target), index, strict=True)
        ]
        columns = (source, ids[0], relation, target, ids[1])
        blocks.append(pd.DataFrame(dict(zip(EDGE_COLUMNS, columns, strict=True))))
    pd.concat(blocks).to_csv(folder / "edges.csv", index=False)
