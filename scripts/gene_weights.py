"""How the weights of `repurposing/gene_ranking.py` were chosen: a conditional logit on pairs that no page reports.

    python scripts/gene_weights.py --hetionet FOLDER --drkg FOLDER

Development data: planted causes of demo graphs of three seeds, and the targets of half of Hetionet's treating drugs
(`mechanism_tables.py`), once among the genes that a drug binds and once among all that it is joined to. Each pair is
ranked on a graph without its own fold of treatments. Weights are not negative; every source counts the same. Printed
are the weights of each source alone, and of all.

`WEIGHTS` are those of all, in quarters, as they were before idle genes of the generator were bound more often: then
`treating` was .90 and `uses` 1.88, now they are .86 and 1.86, and the others are in the same quarters. `pathway` and
`similar` add nothing to the other questions over all sources (`pathway` does among what binds alone, with .99): they
are answered, but weigh nothing.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from mechanism_tables import DEVELOPMENT_SEEDS, Known, of_any_relation, planted, surrogate
from scipy.optimize import minimize
from scipy.special import logsumexp
from study import graph_of
from study_tables import table_of

from hgt_repurposing.benchmark.mechanisms import NUM_FOLDS, cases_of, without_pairs
from hgt_repurposing.graph.schema import BoolArray, FloatArray
from hgt_repurposing.repurposing.gene_evidence import QUESTIONS, GeneEvidence

PENALTY = 0.01
"""Of the squared weights, so that questions that say the same share the weight."""


class Choice(NamedTuple):
    """The genes of one pair."""

    values: FloatArray
    """Shape [num_genes, num_questions]."""
    is_cause: BoolArray
    """Shape [num_genes]."""


def choices_of(known: Known, *, seed: int = 0) -> list[Choice]:
    """Answers for the genes of every pair, each on a graph without its fold of treatments."""
    cases = cases_of(known.graph, known.triples).cases
    fold = np.random.default_rng(seed).permutation(len(cases)) % NUM_FOLDS
    found = []
    for number in range(NUM_FOLDS):
        held_out = [case for case, of in zip(cases, fold, strict=True) if of == number]
        pairs = np.array([(case.drug, case.disease) for case in held_out], dtype=np.int64).T
        evidence = GeneEvidence.of(without_pairs(known.graph, pairs))
        found += [Choice(evidence.answers(case.drug, case.disease).values, case.is_cause) for case in held_out]
    return found


def fitted(sources: Sequence[Sequence[Choice]]) -> FloatArray:
    """Weights that make the causes likeliest. Shape [num_questions]."""

    def loss(weights: FloatArray) -> tuple[float, FloatArray]:
        total, slope = PENALTY * float(weights @ weights), 2 * PENALTY * weights
        for choices in sources:
            for values, is_cause in choices:
                scores = values @ weights
                every, right = logsumexp(scores), logsumexp(scores[is_cause])
                total += float(every - right) / len(choices) / len(sources)
                change = np.exp(scores - every) @ values - np.exp(scores[is_cause] - right) @ values[is_cause]
                slope = slope + change / len(choices) / len(sources)
        return total, slope

    start = np.full(len(QUESTIONS), 0.1)
    return np.asarray(minimize(loss, start, jac=True, bounds=[(0, None)] * len(QUESTIONS), method="L-BFGS-B").x)


def main() -> None:
    """Print the weights."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hetionet", required=True, help="folder of Hetionet's files")
    parser.add_argument("--drkg", type=Path, required=True, help="folder of DRKG's files")
    arguments = parser.parse_args()
    graph = graph_of("hetionet", arguments.hetionet)
    sources = {
        "demo": [choice for seed in DEVELOPMENT_SEEDS for choice in choices_of(planted(seed))],
        "targets among what binds": choices_of(surrogate(graph, arguments.drkg, report=False)),
        "targets among all genes": choices_of(surrogate(of_any_relation(graph), arguments.drkg, report=False)),
    }
    columns = [*(fitted([choices]) for choices in sources.values()), fitted(list(sources.values()))]
    titles = ["question", *(f"{name} ({len(choices)} pairs)" for name, choices in sources.items()), "all"]
    rows = zip(QUESTIONS, np.transpose(columns), strict=True)
    print(table_of(titles, [[name, *(f"{weight:.2f}" for weight in row)] for name, row in rows]))


if __name__ == "__main__":
    main()
