"""Does the evidence that explanations name matter: the deletion curves of `docs/results/explanations.md`.

    python scripts/bench_explanation.py --only deletion --hetionet FOLDER --plot docs/results/deletion.svg
    python scripts/deletion_curves.py --seeds 41 42 43

A tenth of the treatments is held out, the model (SVD vectors only) is fitted on the graph without them, and held-out
pairs are explained and scored without their evidence (`benchmark/deletion.py`). On demo graphs only pairs with a
planted cause count. The second command is for other seeds than those reported. Two runs give the same figures.
"""

import argparse
import io
import logging
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from mechanism_tables import planted
from study import graph_of
from study_tables import table_of

from hgt_repurposing.benchmark.deletion import COUNTS, Curves, Deleted, Shares, curves_of, delete_evidence, shares_of
from hgt_repurposing.benchmark.mechanisms import without_pairs
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.schema import IntArray
from hgt_repurposing.graph.split import SplitConfig, split_drug_disease_pairs
from hgt_repurposing.metrics.uncertainty import BootstrapDifference
from hgt_repurposing.repurposing.ablation import Ablator
from hgt_repurposing.repurposing.explanation import Explainer
from hgt_repurposing.repurposing.inputs import PairInputs
from hgt_repurposing.repurposing.labels import Labels
from hgt_repurposing.repurposing.model import fit_repurposing_model
from hgt_repurposing.repurposing.neighbourhoods import neighbourhoods_of
from hgt_repurposing.repurposing.params import ClassifierParams
from hgt_repurposing.repurposing.scorer import Scorer
from hgt_repurposing.repurposing.vectors import PairVectors
from hgt_repurposing.storage.artifacts import write_text

REPORT_SEEDS = (31, 32, 33)
"""Of demo graphs; the ranking of evidence was looked at on 41, 42 and 43."""
NUM_PAIRS, NUM_PAIRS_OF_HETIONET = 30, 40
"""Held-out pairs that are measured, of each demo graph and of Hetionet."""
SEED_OF_PAIRS, SEED_OF_INTERVALS = 8, 9
HELD_OUT = 0.1
"""Share of the treatments."""

_LOGGER = logging.getLogger("deletion_curves")


class Measured(NamedTuple):
    """Held-out pairs of some graphs."""

    name: str
    found: Sequence[Deleted]
    shares: Shares
    curves: Curves


def deleted(graph: KnowledgeGraph, pairs: IntArray, *, num_pairs: int) -> list[Deleted]:
    """Hold treatments out, fit without them, and take the evidence of some of them out.

    Args:
        graph: With all treatments.
        pairs: Those that may be held out. Shape [2, num_candidates].
        num_pairs: Held-out pairs that are measured.
    """
    generator = np.random.default_rng(SEED_OF_PAIRS)
    held_out = pairs[:, generator.permutation(pairs.shape[1])[: int(graph.indications.shape[1] * HELD_OUT)]]
    left = without_pairs(graph, held_out)
    inputs = PairInputs(neighbourhoods_of(left), PairVectors.by_svd(left), Labels.of_graph(left))
    split = split_drug_disease_pairs(left, SplitConfig(kinds=["disease"], deployment_folds=0))
    model = fit_repurposing_model(inputs, split, ClassifierParams(vectors=["svd"]))
    _LOGGER.info("fitted")
    ablator = Ablator(Explainer(left, Scorer.of_model(model, inputs)))
    start = time.process_time()
    found = delete_evidence(ablator, held_out[:, :num_pairs], generator)
    _LOGGER.info("%d pairs, %.0f s of processor time", len(found), time.process_time() - start)
    return found


def measured(name: str, found: Sequence[Deleted]) -> Measured:
    """Shares and curves."""
    generator = np.random.default_rng(SEED_OF_INTERVALS)
    return Measured(name, found, shares_of(found, generator), curves_of(found, generator))


def section(of: Measured) -> str:
    """Share, ties and the table of the curves."""
    shares, curves = of.shares, of.curves
    edges = [sum(each.ablation.num_edges.values()) for each in of.found]
    ranks = [each.ablation.before.rank for each in of.found]
    rows = [[f"best {count}", *(_said(values[place]) for values in curves[:4])] for place, count in enumerate(COUNTS)]
    return "\n\n".join(
        [
            f"### {of.name}",
            f"{len(of.found)} held-out pairs, of rank {np.median(ranks):.0f} in the median, with "
            f"{np.median(edges):.0f} edges of evidence. Without all of it the rank is lower than without random edges "
            f"in **{shares.more.mean:.0%}** of the pairs ({shares.more.lower:.0%} to {shares.more.upper:.0%}); in "
            f"{shares.tied:.0%} it is equal, in {shares.less:.0%} higher.",
            table_of(["edges taken out", *HEADINGS], rows),
            f"Area between the curves: {_said(curves.area)} log odds, {_said(curves.area_of_ranks)} doublings of the "
            "rank.",
        ]
    )


def _said(value: BootstrapDifference) -> str:
    return f"{value.mean:+.2f} ({value.lower:+.2f} to {value.upper:+.2f})"


def figure(parts: Sequence[Measured]) -> Figure:
    """Both curves of every graph: change of log odds above, of rank below."""
    drawn = Figure(figsize=(4.2 * len(parts), 6), layout="constrained")
    axes = drawn.subplots(2, len(parts), squeeze=False, sharex=True)
    for column, part in enumerate(parts):
        for row, (evidence, random, label) in enumerate(
            (
                (part.curves.log_odds, part.curves.random_log_odds, "change of log odds"),
                (part.curves.ranks, part.curves.random_ranks, "doublings of the rank"),
            )
        ):
            ax = axes[row, column]
            for values, name, colour in ((evidence, "best evidence", "C0"), (random, "random edges", "C7")):
                ax.plot(COUNTS, [each.mean for each in values], "o-", color=colour, label=name)
                ax.fill_between(
                    COUNTS, [v.lower for v in values], [v.upper for v in values], color=colour, alpha=0.2, lw=0
                )
            ax.set_xscale("log", base=2)
            ax.set_xticks(COUNTS, [str(count) for count in COUNTS])
            ax.set_ylabel(label)
        axes[0, column].set_title(f"{part.name}\n(n = {len(part.found)} pairs)", fontsize=10)
        axes[1, column].set_xlabel("edges taken out")
    axes[0, 0].legend(frameon=False)
    return drawn


def drawn_as_svg(parts: Sequence[Measured]) -> str:
    """The figure, the same bytes for the same numbers."""
    buffer = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": "deletion"}):
        figure(parts).savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return buffer.getvalue()


HEADINGS = ("log odds", "log odds, random", "doublings of the rank", "doublings, random")
INTRODUCTION = """A tenth of the treatments is held out and the model, with SVD vectors only, is fitted on the graph
without them. Held-out pairs are explained; then edges are taken out of the graph and the pair is scored again among all
drugs, with the fitted weights fixed. *All evidence* is what `hgt-repurposing explain --ablate` takes out: the edges of
the five heaviest paths, and the treatments of the three most similar drugs and diseases; the rank without it is
compared with the mean rank over three draws of as many random edges of the same types, and an equal rank is no fall.
The tables take out the best edges only, by what the parts of the score say that they stand for, against one draw. In
brackets: 95 % bootstrap intervals over pairs. Made by `scripts/bench_explanation.py`.""".replace("\n", " ")


def of_demos(seeds: Sequence[int], *, num_pairs: int) -> Measured:
    """Planted causes."""
    found: list[Deleted] = []
    for seed in seeds:
        known = planted(seed)
        found += deleted(known.graph, np.unique(known.triples[:2], axis=1), num_pairs=num_pairs)
    return measured(f"Planted causes, demo graphs of seeds {', '.join(map(str, seeds))}", found)


def of_deletion(hetionet: str, plot: Path | None) -> Iterator[str]:
    """The part of the page, and its picture."""
    yield "## Does the evidence matter?"
    yield INTRODUCTION
    graph = graph_of("hetionet", hetionet)
    parts = [
        of_demos(REPORT_SEEDS, num_pairs=NUM_PAIRS),
        measured("Hetionet", deleted(graph, graph.indications, num_pairs=NUM_PAIRS_OF_HETIONET)),
    ]
    yield "![Log odds and rank fall as evidence is taken out](deletion.svg)"
    for part in parts:
        yield section(part)
    if plot:
        write_text(plot, drawn_as_svg(parts))


def main() -> None:
    """Measure other demo graphs, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", required=True, help="of the demo graphs")
    parser.add_argument("--pairs", type=int, default=NUM_PAIRS, help="pairs of each graph")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    print(section(of_demos(arguments.seeds, num_pairs=arguments.pairs)))


if __name__ == "__main__":
    main()
