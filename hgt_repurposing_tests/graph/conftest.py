import pytest

from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.split import DrugDiseaseSplit, SplitConfig, split_drug_disease_pairs


@pytest.fixture
def toy_split(toy_graph: KnowledgeGraph) -> DrugDiseaseSplit:
    return split_drug_disease_pairs(toy_graph, SplitConfig(num_folds=2, seed=0))
