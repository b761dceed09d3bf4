"""Which drugs and diseases are listed: those with wanted attributes, and those of a list of one's own."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from hgt_repurposing.graph.attributes import choose, of_type
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.lookup import look_up
from hgt_repurposing.graph.schema import NODE_ID, BoolArray
from hgt_repurposing.repurposing.params import CandidateParams


class Listed(NamedTuple):
    """Which drugs (diseases) are listed."""

    passes: BoolArray
    """Shape [num_nodes]."""
    said: tuple[str, ...]
    """What was chosen, in words; empty: all are listed."""


def listed(graph: KnowledgeGraph, params: CandidateParams) -> Mapping[str, Listed]:
    """The drugs and the diseases that are listed, by `drug` and `disease`.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If there is no such attribute or value, a line means no node or several, or nothing is left.
    """
    names = graph.therapeutic
    return {
        "drug": _listed("drug", graph, names.drug, params.drug_attributes, params.only_drugs),
        "disease": _listed("disease", graph, names.disease, params.disease_attributes, params.only_diseases),
    }


def _listed(what: str, graph: KnowledgeGraph, node_type: str, wanted: Mapping[str, Sequence[str]], path: str) -> Listed:
    nodes = graph.nodes_of(node_type)
    ids = nodes[NODE_ID].tolist()
    chosen = choose(ids, of_type(graph.attributes, node_type), wanted, what=what)
    passes, said = chosen.passes, []
    for name, values in wanted.items():
        without = chosen.num_without[name]
        missing = f" ({without:,} of {len(ids):,} {what}s have no value)" if without else ""
        said.append(f"{what}s with {name} {' or '.join(values)}{missing}")
    if path:
        mine = ids_in_file(Path(path).expanduser(), nodes, what=what)
        passes = passes & np.isin(ids, mine)
        said.append(f"the {len(mine):,} {what}s of {Path(path).name}")
    if not passes.any():
        raise ValueError(f"no {what} is left to list: {', and '.join(said)}")
    return Listed(passes, tuple(said))


def ids_in_file(file: Path, nodes: pd.DataFrame, *, what: str) -> list[str]:
    """Ids of the nodes in a list of one's own: an id or a name on each line; lines that begin with `#` do not count.

    Args:
        file: The list.
        nodes: Columns node_id, node_name.
        what: Kind of node, for errors.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is empty, or a line means no node or several.
    """
    try:
        texts = lines_of(file.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError as error:
        raise ValueError(f"{file}: is not UTF-8 text ({error.reason} at byte {error.start})") from error
    if not texts:
        raise ValueError(f"{file} names no {what}: write an id or a name on each line")
    return ids_of(texts, nodes, what=what)


def lines_of(text: str) -> list[str]:
    """The lines of a list of one's own."""
    lines = [line.strip() for line in text.splitlines()]
    return [line for line in lines if line and not line.startswith("#")]


def ids_of(texts: Sequence[str], nodes: pd.DataFrame, *, what: str) -> list[str]:
    """Ids of the nodes that texts mean, each once; raises as `look_up`."""
    ids = nodes[NODE_ID].astype("str").to_numpy(dtype=object)
    there = set(ids.tolist())
    found = [text if text in there else str(ids[look_up(text, nodes, what=what)]) for text in texts]
    return list(dict.fromkeys(found))
