"""The best drugs for every disease, and the best diseases for every drug, from the scores of all pairs."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.special import expit

from hgt_repurposing.graph.attributes import attribute_table
from hgt_repurposing.graph.evidence import evidence_of_type
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph, degrees
from hgt_repurposing.graph.new_nodes import ExtendedGraph
from hgt_repurposing.graph.schema import NODE_ID, NODE_NAME, NODE_TYPE, BoolArray, Features, FloatArray, IntArray
from hgt_repurposing.graph.settings import SETTINGS, Treated
from hgt_repurposing.repurposing.candidates import SCHEMA, SCHEMA_BY_DRUG, STATUS, Candidates
from hgt_repurposing.repurposing.choice import listed
from hgt_repurposing.repurposing.evidence_lines import Evidence
from hgt_repurposing.repurposing.labels import Labels
from hgt_repurposing.repurposing.neighbourhoods import Neighbourhoods
from hgt_repurposing.repurposing.params import CandidateParams
from hgt_repurposing.repurposing.score_grid import ScoreGrid

CELLS_AT_ONCE = 4_000_000
"""Pairs that are sorted at a time."""
WIDTH = 2.0
"""Standard deviations over the ensemble from a probability to the ends of its interval."""


class Best(NamedTuple):
    """The best columns of some rows of the grid, or of the grid turned round."""

    row: IntArray
    """Shape [num_best], as all."""
    rank: IntArray
    column: IntArray
    corrected_rank: IntArray


def rank_candidates(
    grid: ScoreGrid, graph: KnowledgeGraph, neighbourhoods: Neighbourhoods, params: CandidateParams
) -> Candidates:
    """Keep the best drugs of each disease, and the best diseases of each drug.

    Ties are broken by id. Known pairs keep their rank and are marked, as are drugs and diseases without edges, or
    without edges other than treatments.

    Args:
        grid: Scores of all pairs.
        graph: Source of names and of known pairs.
        neighbourhoods: Of the graph; source of the evidence.
        params: Length of the lists, and which drugs and diseases are listed.

    Raises:
        FileNotFoundError: If there is no file of a list of one's own.
        ValueError: If the scores are of other drugs or diseases than the graph's, or of those that are asked for there
            is none.
    """
    drugs, diseases = (np.arange(size) for size in graph.grid_shape)
    return _ranked(grid, graph, neighbourhoods, params, drugs=drugs, diseases=diseases)


def rank_new(
    grid: ScoreGrid, graph: ExtendedGraph, neighbourhoods: Neighbourhoods, params: CandidateParams
) -> Candidates:
    """Keep the best drugs of each new disease, or the best diseases of each new drug; as `rank_candidates`.

    Args:
        grid: Scores of all pairs, the new nodes' included.
        graph: With new nodes.
        neighbourhoods: Of the graph with them.
        params: Length of the lists.

    Returns:
        Lists of the new nodes alone: the table of the other side has no row.

    Raises:
        ValueError: If the scores are of other drugs or diseases.
    """
    none = np.empty(0, dtype=np.int64)
    is_drug = graph.node_type == graph.base.therapeutic.drug
    drugs, diseases = (graph.indices, none) if is_drug else (none, graph.indices)
    return _ranked(grid, graph.graph, neighbourhoods, params, drugs=drugs, diseases=diseases)


def _ranked(
    grid: ScoreGrid,
    graph: KnowledgeGraph,
    neighbourhoods: Neighbourhoods,
    params: CandidateParams,
    *,
    drugs: IntArray,
    diseases: IntArray,
) -> Candidates:
    """Lists of these drugs and of these diseases."""
    grid.require_of(graph)
    chosen = listed(graph, params)
    described = _Described(grid, graph, neighbourhoods)
    by_disease = _best(grid.log_odds.T, described.treated.diseases, diseases, chosen["drug"].passes, params.top_k)
    by_drug = _best(grid.log_odds, described.treated.drugs, drugs, chosen["disease"].passes, params.top_k_by_drug)
    table = described.table(np.stack([by_disease.column, by_disease.row]), by_disease)
    of_drugs = described.table(np.stack([by_drug.row, by_drug.column]), by_drug)
    return Candidates(
        table[list(SCHEMA.columns)],
        of_drugs[list(SCHEMA_BY_DRUG.columns)],
        _attributes_of_sides(graph),
        {side: of_side.said for side, of_side in chosen.items() if of_side.said},
    )


def _attributes_of_sides(graph: KnowledgeGraph) -> pd.DataFrame:
    """Attributes of drugs and diseases, whose node types are called so whatever the graph calls them."""
    names = {graph.therapeutic.drug: "drug", graph.therapeutic.disease: "disease"}
    rows = graph.attributes[graph.attributes[NODE_TYPE].isin(list(names))].astype("str")
    return attribute_table(rows.assign(**{NODE_TYPE: rows[NODE_TYPE].map(names)}))


def interval(log_odds: FloatArray | float, spread: FloatArray | float) -> tuple[FloatArray | float, FloatArray | float]:
    """Probabilities `WIDTH` standard deviations of the ensemble below and above log odds; arrays of one shape."""
    return expit(log_odds - WIDTH * spread), expit(log_odds + WIDTH * spread)


def _best(scores: Features, is_treated: BoolArray, asked: IntArray, is_listed: BoolArray, top_k: int) -> Best:
    """The best columns of some rows; ranks count those that are not listed.

    Args:
        scores: Shape [num_rows, num_columns].
        is_treated: Rows with a known treatment; the others are scored by other classifiers. Shape [num_rows].
        asked: Rows that get a list.
        is_listed: Columns that are listed. Shape [num_columns].
        top_k: How many.
    """
    usual = np.zeros((2, scores.shape[1]))
    for kind in np.unique(is_treated):
        usual[int(kind)] = scores[is_treated == kind].mean(axis=0, dtype=np.float64)
    blocks = [
        _best_of(rows, np.ascontiguousarray(scores[rows]), usual[is_treated[rows].astype(int)], is_listed, top_k)
        for rows in _blocks(asked, scores.shape[1])
    ]
    if not blocks:
        return Best(*(np.empty(0, dtype=np.int64) for _ in Best._fields))
    return Best(*(np.concatenate(column) for column in zip(*blocks, strict=True)))


def _best_of(rows: IntArray, scores: Features, usual: FloatArray, is_listed: BoolArray, top_k: int) -> Best:
    """Of some rows. Scores, usual: shape [len(rows), num_columns]."""
    num_listed = int(is_listed.sum())
    k = min(top_k, num_listed)
    order = np.argsort(-scores, axis=1, kind="stable")
    places = np.flatnonzero(is_listed[order]) % scores.shape[1]
    kept = places.reshape(len(rows), num_listed)[:, :k]
    order = np.take_along_axis(order, kept, axis=1)
    corrected = np.argsort(-(scores - usual), axis=1, kind="stable")
    rank = np.empty_like(corrected)
    np.put_along_axis(rank, corrected, np.arange(1, scores.shape[1] + 1)[None], axis=1)
    return Best(
        np.repeat(rows, k),
        kept.ravel() + 1,
        order.ravel(),
        np.take_along_axis(rank, order, axis=1).ravel(),
    )


def _blocks(rows: IntArray, num_columns: int) -> Iterator[IntArray]:
    per_block = max(1, CELLS_AT_ONCE // max(1, num_columns))
    for start in range(0, len(rows), per_block):
        yield rows[start : start + per_block]


class _Described:
    """What the lists say about a pair."""

    def __init__(self, grid: ScoreGrid, graph: KnowledgeGraph, neighbourhoods: Neighbourhoods) -> None:
        self.treated = Treated.of(Labels.of_graph(graph).indications)
        self._grid, self._graph = grid, graph
        self._sorted = np.sort(grid.log_odds, axis=None)
        self._status = status_of_pairs(graph)
        self._evidence = Evidence.of(graph, neighbourhoods)
        self._degrees = degrees(graph)["degree"].to_numpy()

    def table(self, pairs: IntArray, best: Best) -> pd.DataFrame:
        """One row for each pair. Pairs: drug and disease, shape [2, num_pairs]."""
        graph, grid, cells = self._graph, self._grid, (pairs[0], pairs[1])
        log_odds, spread = grid.log_odds[cells].astype(np.float64), grid.spread[cells].astype(np.float64)
        known_as = self._status.reindex(np.ravel_multi_index(cells, graph.grid_shape), fill_value="new").to_numpy()
        below = np.searchsorted(self._sorted, grid.log_odds[cells], side="left")
        lower, upper = interval(log_odds, spread)
        columns: dict[str, Any] = {  # Any: arrays and lists
            "rank": best.rank,
            "score": expit(log_odds),
            "score_lower": lower,
            "score_upper": upper,
            "percentile": 100 * below / len(self._sorted),
            "corrected_rank": best.corrected_rank,
            "contraindication_score": expit(grid.against[cells].astype(np.float64)),
            "known": known_as == "indication",
            "status": known_as,
            "setting": np.array(SETTINGS, dtype=object)[self.treated.settings_of(pairs)],
            "evidence": pd.Series(self._evidence.lines(pairs), dtype="str"),
        }
        names = graph.therapeutic
        for side, node_type, index in zip(("drug", "disease"), (names.drug, names.disease), pairs, strict=True):
            nodes, start = graph.nodes_of(node_type), graph.offsets[node_type]
            columns[f"{side}_id"] = nodes[NODE_ID].to_numpy()[index]
            columns[f"{side}_name"] = nodes[NODE_NAME].to_numpy()[index]
            columns[f"{side}_degree"] = self._degrees[start + index]
            columns[f"{side}_evidence"] = evidence_of_type(graph, node_type)[index]
        return pd.DataFrame(columns)


def status_of_pairs(graph: KnowledgeGraph) -> "pd.Series[str]":
    """Status of each pair that is not new in the graph, by flat index into the grid of all pairs."""
    names = graph.therapeutic
    said: dict[int, str] = {}
    relations = (
        graph.unnamed_relations,
        names.off_label,
        names.not_indicated,
        names.contraindication,
        names.indication,
    )
    for status, those in zip(STATUS[1:], relations, strict=True):
        drug, disease = graph.therapeutic_pairs(those)
        said |= dict.fromkeys(np.ravel_multi_index((drug, disease), graph.grid_shape).tolist(), status)
    return pd.Series(said, dtype="str")
