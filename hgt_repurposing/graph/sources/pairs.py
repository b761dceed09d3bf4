"""Read the files of external pairs: treatments and known negatives from outside the graph.

A file names drugs and diseases by ids or by names (`matching.py`); other columns may select rows, mark known negatives
and give dates (`selection.py`). Rejected: a pair that is both a treatment and a known negative of one file. Counted,
logged and left out: rows that are not selected, rows with an unknown or ambiguous id, pairs that are indications of the
graph.
"""

import logging
from collections.abc import Iterable
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd

from hgt_repurposing.graph.external_pairs import ExternalCounts, ExternalPairs, ExternalSet
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.schema import BoolArray, IntArray
from hgt_repurposing.graph.sources.external import ExternalFile
from hgt_repurposing.graph.sources.files import listed
from hgt_repurposing.graph.sources.matched_column import MatchedColumn, log_matched, matched_by, said_unknown
from hgt_repurposing.graph.sources.matching import IS_NAME
from hgt_repurposing.graph.sources.selection import selected_rows

_logger = logging.getLogger(__name__)


def load_external_pairs(files: Iterable[ExternalFile], graph: KnowledgeGraph) -> ExternalPairs:
    """Read the pairs that are not indications of the graph.

    Args:
        files: In the order of the results; none: no pairs.
        graph: Defines the ids and the indications.

    Raises:
        FileNotFoundError: If a file does not exist.
        ValueError: If a file is empty or malformed, lacks a column or a value that is named, contradicts itself or
            leaves no pair to evaluate on; or if no file has a treatment.
    """
    found = [_load(file, graph) for file in files]
    if not found:
        return ExternalPairs()
    sets = tuple(external for external, _ in found)
    if not any(external.positives.shape[1] for external in sets):
        raise ValueError(
            f"external_pairs: {listed([external.name for external in sets])} only have known negatives, so there is no "
            "treatment to rank: add a file of treatments"
        )
    for one, other in combinations(sets, 2):
        both = _num_common(one.positives, other.negatives) + _num_common(one.negatives, other.positives)
        if both:
            _logger.warning(
                "%d pairs are treatments in one of %r and %r and known negatives in the other: pooled, they count as "
                "treatments", both, one.name, other.name,
            )  # fmt: skip
    return ExternalPairs(sets, pd.concat([unknown for _, unknown in found], ignore_index=True))


def _load(file: ExternalFile, graph: KnowledgeGraph) -> tuple[ExternalSet, pd.DataFrame]:
    """The pairs of one file, and its unknown ids."""
    path, rows = Path(file.path).expanduser(), selected_rows(file)
    ends = (
        MatchedColumn.of(rows.drugs, graph.nodes_of(graph.therapeutic.drug), file.ids),
        MatchedColumn.of(rows.diseases, graph.nodes_of(graph.therapeutic.disease), file.ids),
    )
    index = np.stack([end.nodes for end in ends])
    matched: BoolArray = np.all(index >= 0, axis=0)
    unknown = pd.concat([end.unknown(file.label, rows.row_numbers) for end in ends]).sort_values("row", kind="stable")
    unknown["reason"] = unknown["reason"].replace(IS_NAME, f"{IS_NAME}: set ids to names")
    if not matched.any():
        raise ValueError(f"{path}: no row has both a drug and a disease of the graph; {said_unknown(unknown)}")
    key, negative = _keys(index[:, matched], graph), rows.negative[matched]
    _require_one_meaning(key, negative, rows.row_numbers[matched], path)
    distinct = np.unique(key)
    new = np.setdiff1d(distinct, _keys(graph.indications, graph))
    if not len(new):
        raise ValueError(
            f"{path}: all {len(distinct)} pairs are indications of the graph, so none is left to evaluate on"
        )
    is_negative = np.isin(new, key[negative])
    positives, negatives = _pairs(new[~is_negative], graph), _pairs(new[is_negative], graph)
    counts = ExternalCounts(
        num_rows=rows.num_rows,
        num_not_kept=rows.num_not_kept,
        num_not_after=rows.num_not_after,
        num_unknown=int(np.sum(~matched)),
        num_duplicates=len(key) - len(distinct),
        num_known=len(distinct) - len(new),
        num_refuted=_num_common(positives, graph.known_negatives),
        num_negatives_in_graph=_num_common(negatives, graph.known_negatives),
    )
    external = ExternalSet(file.label, positives, negatives, counts, matched_by(ends))
    _log(external, path, unknown)
    return external, unknown


def _require_one_meaning(key: IntArray, negative: BoolArray, row_numbers: IntArray, path: Path) -> None:
    both = np.intersect1d(key[negative], key[~negative])
    if len(both):
        positive_row, negative_row = (row_numbers[(key == both[0]) & sign][0] for sign in (~negative, negative))
        raise ValueError(
            f"{path}: {len(both)} pairs are both treatments and known negatives: the first in rows {positive_row} and "
            f"{negative_row}; keep one of the two"
        )


def _keys(pairs: IntArray, graph: KnowledgeGraph) -> IntArray:
    """Cell of each pair in the table of all pairs. Shape [num_pairs]."""
    return np.asarray(np.ravel_multi_index(tuple(pairs), graph.grid_shape), dtype=np.int64)


def _pairs(key: IntArray, graph: KnowledgeGraph) -> IntArray:
    return np.stack(np.unravel_index(key, graph.grid_shape)).astype(np.int64)


def _num_common(one: IntArray, other: IntArray) -> int:
    """Number of pairs in both."""
    return len(set(zip(*one.tolist(), strict=True)) & set(zip(*other.tolist(), strict=True)))


def _log(external: ExternalSet, path: Path, unknown: pd.DataFrame) -> None:
    counts = external.counts
    _logger.info(
        "%s: %d rows, %d pairs to evaluate on and %d known negatives; %d rows not kept, %d not dated later, "
        "%d duplicate rows, %d pairs that are indications of the graph, %d rows with an unknown id",
        path, counts.num_rows, external.positives.shape[1], external.negatives.shape[1], counts.num_not_kept,
        counts.num_not_after, counts.num_duplicates, counts.num_known, counts.num_unknown,
    )  # fmt: skip
    log_matched(path, external.matched)
    if counts.num_unknown:
        rows = counts.num_rows - counts.num_not_kept - counts.num_not_after
        _logger.warning(
            "%s: %d of %d rows have an unknown id, all listed in external_unknown of the split; %s",
            path, counts.num_unknown, rows, said_unknown(unknown),
        )  # fmt: skip
    if counts.num_refuted:
        _logger.warning(
            "%s: %d of the %d pairs are contraindicated or not indicated in the graph, but count as treatments here",
            path, counts.num_refuted, external.positives.shape[1],
        )  # fmt: skip
