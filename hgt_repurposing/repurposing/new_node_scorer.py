"""Scores of drugs and diseases that are not in the graph: the fitted model on a graph with them."""

from dataclasses import replace

import numpy as np
from scipy.sparse import csr_array

from hgt_repurposing.graph.new_nodes import ExtendedGraph
from hgt_repurposing.graph.schema import Features
from hgt_repurposing.repurposing.extension import Extension, extend
from hgt_repurposing.repurposing.features import PairFeatures
from hgt_repurposing.repurposing.labels import CONTRAINDICATION, INDICATION
from hgt_repurposing.repurposing.score_grid import ScoreGrid, ids_of
from hgt_repurposing.repurposing.scorer import Scorer
from hgt_repurposing.repurposing.two_towers import TwoTowers
from hgt_repurposing.repurposing.vectors import PairVectors


def scorer_with(scorer: Scorer, graph: ExtendedGraph) -> Scorer:
    """The scorer on the graph with its new nodes; nothing is fitted, and no other score changes.

    Args:
        scorer: On the graph without them.
        graph: With new nodes.

    Raises:
        ValueError: As `Scorer.of_classifiers`.
    """
    extension = extend(scorer.neighbourhoods, graph)
    is_drug = graph.node_type == graph.base.therapeutic.drug
    visible = _without_treatments(scorer.visible, graph.graph.grid_shape)
    towers = tuple(_towers(each, extension, is_drug=is_drug) for each in scorer.classifiers.towers)
    return Scorer.of_classifiers(
        replace(scorer.classifiers, towers=towers),
        PairFeatures.of_every_setting(extension.neighbourhoods, visible),
        _vectors(scorer.vectors, extension, is_drug=is_drug),
        num_classes=scorer.num_classes,
    )


def grid_with(grid: ScoreGrid, scorer: Scorer, graph: ExtendedGraph) -> ScoreGrid:
    """The scores of all pairs of a graph, followed by those of its new nodes.

    Args:
        grid: Of the graph without new nodes.
        scorer: Made by `scorer_with`.
        graph: With new nodes.

    Raises:
        ValueError: If the scores are of another graph, or a pair falls into a setting that has no classifier.
    """
    grid.require_of(graph.base)
    shape = graph.graph.grid_shape
    found = [np.full(shape, np.nan, dtype=np.float32) for _ in range(3)]
    for whole, known in zip(found, (grid.log_odds, grid.spread, grid.against), strict=True):
        whole[: known.shape[0], : known.shape[1]] = known
    if graph.node_type == graph.base.therapeutic.drug:
        rows, blocks = graph.indices, scorer.blocks(np.arange(shape[1]), drugs=graph.indices)
    else:
        rows, blocks = np.arange(shape[0]), scorer.blocks(graph.indices)
    for block in blocks:
        cells = np.ix_(rows, block.diseases)
        values = (block.log_odds[INDICATION - 1], block.spread, *block.log_odds[CONTRAINDICATION - 1 :])
        for whole, of_block in zip(found, values, strict=False):
            whole[cells] = of_block[rows]
    return ScoreGrid(*ids_of(graph.graph), *found)


def _without_treatments(visible: csr_array, shape: tuple[int, int]) -> csr_array:
    """Treatments of a graph, with empty rows or columns for new drugs or diseases."""
    entries = visible.tocoo()
    return csr_array((entries.data, (entries.row, entries.col)), shape=shape)


def _vectors(vectors: PairVectors, extension: Extension, *, is_drug: bool) -> PairVectors:
    if is_drug:
        return PairVectors(extension.estimated(vectors.drugs), vectors.diseases)
    return PairVectors(vectors.drugs, extension.estimated(vectors.diseases))


def _towers(towers: TwoTowers, extension: Extension, *, is_drug: bool) -> TwoTowers:
    if is_drug:
        return TwoTowers(_with_length_1(extension.estimated(towers.drugs), len(towers.drugs)), towers.diseases)
    return TwoTowers(towers.drugs, _with_length_1(extension.estimated(towers.diseases), len(towers.diseases)))


def _with_length_1(rows: Features, first: int) -> Features:
    """Rows from the first on, scaled to length 1."""
    lengths = np.linalg.norm(rows[first:], axis=1, keepdims=True)
    return np.concatenate([rows[:first], rows[first:] / np.maximum(lengths, np.finfo(np.float32).tiny)])
