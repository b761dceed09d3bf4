"""Genes of an explanation, as text and as JSON."""

import numpy as np
import pandas as pd

from hgt_repurposing.report.explanation_text import NO_REASON, explanation_json, explanation_lines
from hgt_repurposing.repurposing.decomposition import Decomposition
from hgt_repurposing.repurposing.explanation import Explanation
from hgt_repurposing.repurposing.gene_ranking import GeneRanker
from hgt_repurposing_tests.repurposing.planted import planted_graph

DRUG, DISEASE = 3, 8


def explained() -> Explanation:
    nothing = Decomposition(0.0, 0.0, pd.DataFrame({"group": [], "part": [], "log_odds": []}))
    genes = GeneRanker.of(planted_graph()).rank(DRUG, DISEASE)
    return Explanation(DRUG, DISEASE, nothing, (), (), genes, (), (), ())


def test_genes_are_listed_with_their_share_and_why() -> None:
    found = explained()
    lines = list(explanation_lines(found, planted_graph()))
    start = lines.index("Genes through which the drug may act")
    text = " ".join(line.strip() for line in lines[start:])
    names = planted_graph().nodes_of("gene")["node_name"]
    for gene in found.genes:
        name, share = names[gene.node.local_index], f"{100 * gene.share:4.1f} %".strip()
        assert f"{share}  {name} (targets): {'; '.join(gene.reasons) or NO_REASON}" in text


def test_the_same_as_json() -> None:
    found = explained()
    genes = explanation_json(found, planted_graph())["genes"]
    assert [gene["share"] for gene in genes] == [gene.share for gene in found.genes]
    assert genes[0]["relations"] == ["targets"]
    assert genes[0]["reasons"] == list(found.genes[0].reasons)
    np.testing.assert_allclose(sum(gene["share"] for gene in genes), 1)
