"""Everything that drug-disease pairs are scored from, assembled from graph and embeddings."""

from collections.abc import Sequence
from dataclasses import dataclass

from hgt_repurposing.embeddings.table import Embeddings
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.repurposing.labels import Labels
from hgt_repurposing.repurposing.neighbourhoods import Neighbourhoods, neighbourhoods_of
from hgt_repurposing.repurposing.vectors import PairVectors, vectors_named


@dataclass(frozen=True, eq=False)
class PairInputs:
    """Similarities and paths without treatments, vectors, and the treatments themselves."""

    neighbourhoods: Neighbourhoods
    vectors: PairVectors
    labels: Labels
    """With all indications of the graph."""

    def __post_init__(self) -> None:
        expected = self.labels.indications.shape
        found = (len(self.vectors.drugs), len(self.vectors.diseases))
        if found != expected:
            raise ValueError(f"vectors of {found} drugs and diseases do not match a graph with {expected}: train again")


def pair_inputs(graph: KnowledgeGraph, embeddings: Embeddings, *, vectors: Sequence[str]) -> PairInputs:
    """Derive the inputs from a graph and the embeddings of its nodes.

    Args:
        graph: Its drug-disease edges are used only as labels.
        embeddings: Of its nodes.
        vectors: Names of the vectors to use as features.

    Raises:
        ValueError: If embeddings are missing, not finite or of other nodes, or drugs or diseases have no relation to
            anything but each other.
    """
    return PairInputs(neighbourhoods_of(graph), vectors_named(vectors, embeddings, graph), Labels.of_graph(graph))
