"""Disease areas: a file with the columns disease_id and area, several rows per disease allowed.

Ids may be with or without prefixes (`matching.py`).
"""

import logging
from pathlib import Path

import numpy as np

from hgt_repurposing.graph.disease_areas import collect_areas
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.schema import IntArray
from hgt_repurposing.graph.sources.matched_column import MatchedColumn, log_matched, matched_by, said_unknown
from hgt_repurposing.graph.sources.text_columns import read_text_columns

COLUMNS = ("disease_id", "area")

_logger = logging.getLogger(__name__)


def load_disease_areas(path: str, graph: KnowledgeGraph) -> dict[str, IntArray]:
    """Read the areas of the graph's diseases: sorted local indices by name of the area.

    Rows with an unknown or ambiguous id are counted and left out.

    Args:
        path: A file for `read_text_columns`.
        graph: Defines the ids.

    Raises:
        FileNotFoundError: If the file does not exist.
        ValueError: If the file is empty, malformed, lacks a column or a value, holds no disease of the graph, or uses a
            reserved name.
    """
    table = read_text_columns(Path(path).expanduser(), COLUMNS)
    diseases = MatchedColumn.of(table.columns["disease_id"], graph.nodes_of(graph.therapeutic.disease), "ids")
    disease, known = diseases.nodes, diseases.nodes >= 0
    unknown = said_unknown(diseases.unknown(table.path.name, table.row_numbers))
    if not known.any():
        raise ValueError(f"{path}: no row has a disease of the graph; {unknown}")
    try:
        areas = collect_areas(zip(table.columns.loc[known, "area"].astype("str"), disease[known].tolist(), strict=True))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    num_kept = sum(map(len, areas.values()))
    _logger.info(
        "%s: %d rows, %d disease areas; %d of %d diseases are in one or more; %d duplicate rows, %d rows of unknown "
        "diseases",
        path, len(known), len(areas), len(np.unique(disease[known])), graph.grid_shape[1], known.sum() - num_kept,
        (~known).sum(),
    )  # fmt: skip
    log_matched(table.path, matched_by([diseases]))
    if unknown:
        _logger.warning(
            "%s: %d of %d rows are left out, for their id means no disease of the graph; %s",
            path, (~known).sum(), len(known), unknown,
        )  # fmt: skip
    return areas
