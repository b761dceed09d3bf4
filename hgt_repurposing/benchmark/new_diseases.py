"""How far the ranking of a disease that is not in the graph can be trusted.

Every held-out disease is taken out of the graph as a whole, with all its edges, and brought back as a new disease that
is joined to the same genes, symptoms and other nodes (`repurposing/new_node_scorer.py`). Its ranking is compared with
that as a held-out disease of the graph. Similarities, paths, the kernel and the baselines are computed without it. The
classifiers are those of the fold, which have not seen its treatments; the vectors of the other nodes are those of the
graph with it, since training without each fold's diseases would take as many trainings as there are folds.
"""

from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from hgt_repurposing.benchmark.folds import EvaluatedFold
from hgt_repurposing.benchmark.new_disease_results import AS_NEW, DISEASE, FOLD, HELD_OUT, NewDiseases
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.new_nodes import TakenOut, taken_out
from hgt_repurposing.graph.schema import FloatArray, IntArray
from hgt_repurposing.metrics.ranking import per_disease_ap
from hgt_repurposing.repurposing.features import PairFeatures
from hgt_repurposing.repurposing.neighbourhoods import neighbourhoods_of
from hgt_repurposing.repurposing.new_node_scorer import scorer_with
from hgt_repurposing.repurposing.scorer import Scorer
from hgt_repurposing.repurposing.two_towers import TwoTowers
from hgt_repurposing.repurposing.vectors import PairVectors

_NO_INDEX = np.empty(0, dtype=np.int64)


@dataclass
class NewDiseaseFolds:
    """Rows of the table, collected fold by fold."""

    parts: list[pd.DataFrame] = field(default_factory=list)
    num_without_links: int = 0
    not_measured: dict[str, str] = field(default_factory=dict)
    """Folds whose diseases could not be brought back, with the reason."""

    def add(self, fold: EvaluatedFold, graph: KnowledgeGraph, scorer: Scorer, held_out: FloatArray) -> None:
        """Bring back the diseases of a fold.

        Args:
            fold: Holds out whole diseases.
            graph: With all of them.
            scorer: Fitted on the fold's training pairs.
            held_out: Scores of the fold's diseases as held out. Shape [num_drugs, num_columns].
        """
        try:
            found = taken_out(graph, graph.therapeutic.disease, fold.columns)
            scores = brought_back(found, fold.columns, scorer)
        except ValueError as error:
            self.not_measured[str(fold.key)] = str(error)
            return
        places = np.searchsorted(fold.columns, found.nodes)
        positive, candidate = fold.strict.positive[:, places], fold.strict.candidate[:, places]
        as_new, before = (per_disease_ap(s, positive, candidate) for s in (scores, held_out[:, places]))
        self.parts.append(
            pd.DataFrame(
                {
                    FOLD: fold.key.fold,
                    DISEASE: found.nodes[before.indices],
                    HELD_OUT: before.precision,
                    AS_NEW: as_new.precision,
                }
            )
        )
        self.num_without_links += len(fold.columns) - len(found.nodes)

    def result(self, seed: int) -> NewDiseases | None:
        """Of all folds; None without any."""
        if not (self.parts or self.not_measured):
            return None
        none = pd.DataFrame(
            {FOLD: _NO_INDEX, DISEASE: _NO_INDEX, HELD_OUT: _NO_INDEX.astype(float), AS_NEW: _NO_INDEX.astype(float)}
        )
        table = pd.concat(self.parts, ignore_index=True) if self.parts else none
        return NewDiseases(table, self.num_without_links, self.not_measured, seed)


def brought_back(found: TakenOut, gone: IntArray, scorer: Scorer) -> FloatArray:
    """Scores of diseases that were taken out of the graph, as new diseases.

    Args:
        found: The graph without them, and they as new.
        gone: Local indices of all that were taken out.
        scorer: On the graph with them, in which they have no visible treatment.

    Returns:
        Log odds of an indication. Shape [num_drugs, num_new].

    Raises:
        ValueError: If without them the graph lacks a feature that the classifiers were fitted on.
    """
    kept = np.setdiff1d(np.arange(scorer.visible.shape[1]), gone)
    neighbourhoods = neighbourhoods_of(found.graph.base)
    drugs = replace(neighbourhoods.drugs, given_kernel=scorer.neighbourhoods.drugs.kernel)
    features = PairFeatures.of_every_setting(replace(neighbourhoods, drugs=drugs), scorer.visible[:, kept])
    for setting in scorer.classifiers.of_setting:
        lost = set(scorer.features[setting].names) - set(features[setting].names)
        if lost:
            raise ValueError(f"without these diseases nothing is left to compute {min(lost)!r} from")
    towers = tuple(TwoTowers(each.drugs, each.diseases[kept]) for each in scorer.classifiers.towers)
    without = Scorer.of_classifiers(
        replace(scorer.classifiers, towers=towers),
        features,
        PairVectors(scorer.vectors.drugs, scorer.vectors.diseases[kept]),
        num_classes=scorer.num_classes,
    )
    return scorer_with(without, found.graph).indications(found.graph.indices)
