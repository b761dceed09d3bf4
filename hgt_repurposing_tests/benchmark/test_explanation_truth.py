"""Planted causes are found on the demo graph by more than any simple rule, and not where nothing is left to find."""

from functools import cache

import numpy as np
import pytest

from hgt_repurposing.benchmark.gene_rules import EXPLANATION, RANDOM, explanation, rules
from hgt_repurposing.benchmark.mechanisms import RankedCases, cases_of, rank_cases
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.sources.mechanisms import mechanisms_of
from hgt_repurposing.graph.synthetic import SyntheticConfig, planted_causes
from hgt_repurposing.repurposing.neighbourhoods import neighbourhoods_of

pytestmark = pytest.mark.slow


@cache
def ranked(graph: KnowledgeGraph) -> RankedCases:
    cases = cases_of(graph, mechanisms_of(planted_causes(SyntheticConfig()), graph).triples).cases
    paths = neighbourhoods_of(graph).paths
    return rank_cases(
        graph,
        cases,
        lambda left: {EXPLANATION: explanation(left), **rules(left, paths)},
        generator=np.random.default_rng(0),
    )


def test_the_explanation_finds_planted_causes_better_than_every_rule(demo_graph: KnowledgeGraph) -> None:
    found = ranked(demo_graph)
    for rule in set(found.values) - {EXPLANATION}:
        reciprocal_rank, first, _ = found.lead(EXPLANATION, rule, np.random.default_rng(0))
        assert reciprocal_rank.lower > 0
        assert first.lower > 0


def test_shared_genes_alone_do_not_give_planted_causes_away(demo_graph: KnowledgeGraph) -> None:
    found = ranked(demo_graph).values
    assert found["genes of the disease"][:, 1].mean() < 0.5
    assert found["genes of the disease"][:, 1].mean() > 2 * found[RANDOM][:, 1].mean()
