"""Two models on the treatments that are new in the graph, of which neither has learned.

Only where the graph changed, and not how it is learned from: the champion's scores were made before those treatments
were there, and the challenger is refitted without them. Both rank the same pairs: those of drugs and diseases that both
graphs have, about which neither graph says anything else.
"""

from typing import NamedTuple, Self

import numpy as np

from hgt_repurposing.benchmark.challenge import Paired
from hgt_repurposing.benchmark.deployment import score_deployment
from hgt_repurposing.benchmark.grid import GridFold, sample_diseases
from hgt_repurposing.benchmark.grid_comparison import AUROC, AVERAGE_PRECISION
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.schema import NODE_ID, BoolArray, FloatArray, IntArray
from hgt_repurposing.metrics.pooled_cells import standings
from hgt_repurposing.repurposing.inputs import PairInputs
from hgt_repurposing.repurposing.params import ClassifierParams
from hgt_repurposing.repurposing.scorer import Scorer

MIN_NEW = 20
"""New treatments below which nothing is compared."""
STREAM = 7
"""Part of the seed that is this comparison's own."""


class InBoth(NamedTuple):
    """Nodes of one type that both graphs have; ascending in both, as nodes of a type are sorted by id."""

    before: IntArray
    """Local indices in the older graph. Shape [num]."""
    now: IntArray
    """In the newer one. Shape [num]."""

    @property
    def index_before(self) -> IntArray:
        """By index in the newer graph, that in the older one; -1: it has none. Shape [largest index in both + 1]."""
        found = np.full(int(self.now.max(initial=-1)) + 1, -1, dtype=np.int64)
        found[self.now] = self.before
        return found


class NewTreatments(NamedTuple):
    """What is new in a graph, in its own indices."""

    pairs: IntArray
    """Treatments that the older graph does not have, of a drug and a disease that it has. Shape [2, num_new]."""
    drugs: InBoth
    diseases: InBoth

    @classmethod
    def between(cls, before: KnowledgeGraph, now: KnowledgeGraph) -> Self:
        """Compare the indications of two graphs by the ids of their ends."""
        drugs = _in_both(before, now, before.therapeutic.drug, now.therapeutic.drug)
        diseases = _in_both(before, now, before.therapeutic.disease, now.therapeutic.disease)
        pairs = now.indications
        shared = np.isin(pairs[0], drugs.now) & np.isin(pairs[1], diseases.now)
        known = np.zeros(len(shared), dtype=np.bool_)
        drug, disease = drugs.index_before[pairs[0, shared]], diseases.index_before[pairs[1, shared]]
        known[shared] = _marked(before.indications, before.grid_shape)[drug, disease]
        return cls(pairs[:, shared & ~known], drugs, diseases)


def compare_on_new_treatments(
    found: NewTreatments,
    champion: Scorer,
    champion_graph: KnowledgeGraph,
    inputs: PairInputs,
    params: ClassifierParams,
) -> list[Paired]:
    """Where each new treatment stands among all pairs that it competes with, by both models.

    Args:
        found: At least one treatment.
        champion: Of the older graph.
        champion_graph: The older graph.
        inputs: Of the newer graph, with all its indications; they are hidden here.
        params: Of the challenger.

    Raises:
        ValueError: If the challenger cannot be fitted without the new treatments.
    """
    treatments = np.stack(inputs.labels.indications.nonzero()).astype(np.int64)
    shape = inputs.labels.indications.shape
    is_new = _marked(found.pairs, shape)[tuple(treatments)]
    visible = treatments[:, ~is_new]
    generator = np.random.default_rng([params.seed, STREAM])
    fold = GridFold(
        key={},
        name="treatments that are new in the graph",
        visible=visible,
        positives=found.pairs,
        known_otherwise=inputs.labels.known_otherwise,
        shape=shape,
        sample=sample_diseases(shape, visible[1], generator, to_find=found.pairs[1]),
        stream=(STREAM,),
    )
    return _paired(fold, found, score_deployment(fold, inputs, params), champion, champion_graph)


def _paired(
    fold: GridFold, found: NewTreatments, now: FloatArray, champion: Scorer, champion_graph: KnowledgeGraph
) -> list[Paired]:
    """Both models on the rows and columns of nodes that both graphs have. Now: shape [num_drugs, num_columns]."""
    column = np.flatnonzero(np.isin(fold.columns, found.diseases.now))
    drug, disease = found.drugs.now, fold.columns[column]
    drug_before, disease_before = found.drugs.before, found.diseases.index_before[disease]
    before = champion.indications(disease_before)[drug_before]
    cells = np.ix_(drug, column)
    positive = fold.positive[cells]
    candidate = fold.candidate[cells] & (~_said(champion_graph)[np.ix_(drug_before, disease_before)] | positive)
    weight = np.broadcast_to(fold.sample.stands_for[column], candidate.shape)[candidate]
    standing = [standings(scores[candidate], positive[candidate], weight) for scores in (before, now[cells])]
    of_disease = np.broadcast_to(disease, candidate.shape)[candidate][positive[candidate]]
    return [
        Paired(
            "treatments that are new in the graph",
            metric,
            getattr(standing[0], column_name),
            getattr(standing[1], column_name),
            of_disease,
            weight[positive[candidate]],
        )
        for metric, column_name in ((AUROC, "placement"), (AVERAGE_PRECISION, "precision"))
    ]


def _in_both(before: KnowledgeGraph, now: KnowledgeGraph, type_before: str, type_now: str) -> InBoth:
    ids_before, ids_now = before.nodes_of(type_before)[NODE_ID], now.nodes_of(type_now)[NODE_ID]
    _, index_before, index_now = np.intersect1d(
        ids_before.to_numpy(), ids_now.to_numpy(), assume_unique=True, return_indices=True
    )
    return InBoth(index_before.astype(np.int64), index_now.astype(np.int64))


def _said(graph: KnowledgeGraph) -> BoolArray:
    """True where a graph has any relation between a drug and a disease. Shape [num_drugs, num_diseases]."""
    return _marked(graph.therapeutic_pairs(graph.drug_disease_relations), graph.grid_shape)


def _marked(pairs: IntArray, shape: tuple[int, int]) -> BoolArray:
    marked = np.zeros(shape, dtype=np.bool_)
    marked[tuple(pairs)] = True
    return marked
