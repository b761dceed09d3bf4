"""A model with other settings on the same graph and folds: what the champion would be worth there."""

from collections.abc import Callable

from hgt_repurposing.benchmark.cross_validation import evaluate
from hgt_repurposing.benchmark.results import Evaluation
from hgt_repurposing.embeddings.inference import embed_all_nodes
from hgt_repurposing.graph.hetero_data import to_hetero_data
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.message_graph import MessageGraphConfig, scoped_message_graph
from hgt_repurposing.graph.split import DrugDiseaseSplit
from hgt_repurposing.repurposing.inputs import pair_inputs
from hgt_repurposing.repurposing.model import fit_repurposing_model
from hgt_repurposing.repurposing.params import ClassifierParams
from hgt_repurposing.training.loop import fit
from hgt_repurposing.training.params import EmbeddingParams


def evaluate_settings(
    graph: KnowledgeGraph,
    split: DrugDiseaseSplit,
    embedding: EmbeddingParams,
    message: MessageGraphConfig,
    classifier: ClassifierParams,
    *,
    on_fold: Callable[[str], None] = lambda _: None,
) -> Evaluation:
    """Train, fit and evaluate with these settings, as a whole run does.

    Args:
        graph: To learn from.
        split: Of its indications.
        embedding: How embeddings are trained.
        message: Which drug-disease edges messages pass over.
        classifier: How pairs are classified.
        on_fold: Called with the name of each finished fold.

    Raises:
        ValueError: If the settings do not suit the graph or the split.
    """
    visible, scope = scoped_message_graph(graph, split, message)
    data = to_hetero_data(visible, scope=scope)
    embeddings = embed_all_nodes(fit(data, embedding).model, data, graph.nodes)
    inputs = pair_inputs(graph, embeddings, vectors=classifier.vectors)
    evaluated = scope.evaluated(split)
    model = fit_repurposing_model(inputs, evaluated, classifier)
    return evaluate(graph, inputs, evaluated, model, on_fold=on_fold)
