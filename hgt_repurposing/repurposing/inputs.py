"""All that a drug-disease pair is scored by, put together from graph and embeddings."""

from collections.abc import Sequence
from dataclasses import dataclass

from hgt_repurposing.embeddings.table import Embeddings
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.repurposing.labels import Labels
from hgt_repurposing.repurposing.neighbourhoods import Neighbourhoods, neighbourhoods_of
from hgt_repurposing.repurposing.vectors import PairVectors, vectors_named


@dataclass(frozen=True, eq=False)
class PairInputs:
    """What the graph says apart from treatments, vectors, and the treatments themselves."""

    neighbourhoods: Neighbourhoods
    vectors: PairVectors
    labels: Labels
    """With all indications of the graph."""

    def __post_init__(self) -> None:
        expected = self.labels.indications.shape
        found = (len(self.vectors.drugs), len(self.vectors.diseases))
        if found != expected:
            raise ValueError(f"vectors of {found} drugs and diseases do not fit a graph of {expected}: train again")


def pair_inputs(graph: KnowledgeGraph, embeddings: Embeddings, *, vectors: Sequence[str]) -> PairInputs:
    """Derive them from a graph and the embeddings of its nodes.

    Args:
        graph: Its drug-disease edges become labels and nothing else.
        embeddings: Of its nodes.
        vectors: Names of the vectors to use as columns.

    Raises:
        ValueError: If embeddings are missing, not finite or of other nodes, or drugs or diseases have no relation to
            anything but each other.
    """
    return PairInputs(neighbourhoods_of(graph), vectors_named(vectors, embeddings, graph), Labels.of_graph(graph))
