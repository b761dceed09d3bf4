"""Is the explanation true, and what does it cost: the tables of `docs/results/explanations.md`.

    python scripts/bench_explanation.py --hetionet FOLDER --drkg FOLDER --out docs/results/explanations.md
    python scripts/bench_explanation.py --config hetionet.yaml --mechanisms FILE

Genes of held-out pairs are ranked by the explanation and by simple rules: for planted causes on demo graphs, for the
surrogate on Hetionet (`mechanism_tables.py`; both on data that chose nothing), or for a table of one's own (drug_id,
disease_id, gene_id) on the graph of a run configuration, which is then the only one. Deletion curves are those of
`deletion_curves.py`. The model whose explanations are timed has SVD vectors only. Two runs give the same figures,
except for times.
"""

import argparse
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from deletion_curves import of_deletion
from measuring import CPU, cpu_seconds
from mechanism_tables import REPORT_SEEDS, Known, of_any_relation, planted, surrogate
from score_grid_costs import of_grid
from shipped import shipped_settings
from study import graph_of
from study_tables import table_of

from hgt_repurposing.benchmark.gene_rules import EXPLANATION, RANDOM, explanation, rules
from hgt_repurposing.benchmark.mechanisms import METRICS, Cases, RankedCases, cases_of, rank_cases
from hgt_repurposing.defs.run_config import settings_of
from hgt_repurposing.defs.yaml_config import read_run_config
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.null_model import permute_edges, shuffled_labels
from hgt_repurposing.graph.sources.mechanisms import load_mechanisms
from hgt_repurposing.graph.sources.source import GraphSource, load_knowledge_graph
from hgt_repurposing.graph.split import SplitConfig, split_drug_disease_pairs
from hgt_repurposing.graph.synthetic import SyntheticConfig, synthetic_knowledge_graph
from hgt_repurposing.metrics.uncertainty import BootstrapDifference
from hgt_repurposing.repurposing.ablation import Ablator
from hgt_repurposing.repurposing.decomposition import Decomposer
from hgt_repurposing.repurposing.evidence_paths import PathFinder
from hgt_repurposing.repurposing.explanation import PATHS_FOLLOWED, Explainer
from hgt_repurposing.repurposing.gene_ranking import GeneRanker
from hgt_repurposing.repurposing.inputs import PairInputs
from hgt_repurposing.repurposing.labels import Labels
from hgt_repurposing.repurposing.model import fit_repurposing_model
from hgt_repurposing.repurposing.neighbourhoods import neighbourhoods_of
from hgt_repurposing.repurposing.params import ClassifierParams
from hgt_repurposing.repurposing.scorer import Scorer
from hgt_repurposing.repurposing.vectors import PairVectors
from hgt_repurposing.storage.artifacts import write_text
from hgt_repurposing.training.device import PeakWatch

SEED_OF_FOLDS, SEED_OF_INTERVALS, SEED_OF_PERMUTATIONS = 5, 6, 7
NUM_PERMUTED = 5
"""Permuted graphs of each demo graph: few causes are still genes of their drug."""
SEED_OF_TIMED = 10
NUM_TIMED, NUM_ABLATED = 41, 10
"""Diseases whose pairs are timed, one more for the first explanation, and pairs whose evidence is taken out."""
PARTS = ("demo", "permuted", "targets", "deletion", "costs", "large", "grid")

_LOGGER = logging.getLogger("bench_explanation")


class Measured(NamedTuple):
    """What was ranked, and how well."""

    cases: Cases
    ranked: RankedCases


def measured(known: Known) -> Measured:
    """Rank the genes of all pairs whose mechanism is known, by everything."""
    cases = cases_of(known.graph, known.triples)
    paths = neighbourhoods_of(known.graph).paths
    ranked = rank_cases(
        known.graph,
        cases.cases,
        lambda graph: {EXPLANATION: explanation(graph), **rules(graph, paths)},
        generator=np.random.default_rng(SEED_OF_FOLDS),
    )
    _LOGGER.info("ranked: %d pairs", len(cases.cases))
    return Measured(cases, ranked)


def together(found: Sequence[Measured]) -> Measured:
    """Pairs of several graphs in one table; a rule that not all have is left out."""
    names = [name for name in found[0].ranked.values if all(name in each.ranked.values for each in found)]
    return Measured(
        Cases(
            tuple(case for each in found for case in each.cases.cases),
            sum(each.cases.num_not_reached for each in found),
            sum(each.cases.num_single for each in found),
        ),
        RankedCases(
            np.concatenate([each.ranked.pairs for each in found], axis=1),
            {name: np.concatenate([each.ranked.values[name] for each in found]) for name in names},
        ),
    )


def permuted(known: Known, generator: np.random.Generator) -> Known:
    """The same mechanisms on a graph whose edges, treatments included, are rewired with all degrees kept."""
    graph = permute_edges(known.graph, swaps_per_edge=10, generator=generator)
    return Known(shuffled_labels(graph, preserving="degrees", generator=generator), known.triples)


def section(found: Measured, *, against: str | None = None) -> str:
    """All rankers, the best first, and the lead of the explanation over one of them; None: over the best rule."""
    generator = np.random.default_rng(SEED_OF_INTERVALS)
    names = sorted(found.ranked.values, key=lambda name: -float(found.ranked.values[name][:, 0].mean()))
    rows = [[name, *map(_interval, found.ranked.mean(name, generator))] for name in names]
    other = against or found.ranked.best([name for name in names if name != EXPLANATION])
    lead = [_interval(each, "+.3f") for each in found.ranked.lead(EXPLANATION, other, generator)]
    rows.append([f"*{EXPLANATION} minus {other}*", *lead])
    genes = [len(case.genes) for case in found.cases.cases]
    return "\n\n".join(
        [
            f"{len(genes):,} pairs, with {np.median(genes):.0f} genes of the drug in the median, {np.mean(genes):.1f} "
            f"in the mean; left out: {found.cases.num_not_reached:,} pairs whose drug reaches no known gene, and "
            f"{found.cases.num_single:,} whose drug reaches one gene only.",
            table_of(["ranked by", *METRICS], rows),
        ]
    )


def _interval(found: BootstrapDifference, form: str = ".3f") -> str:
    return f"{found.mean:{form}} ({found.lower:{form}} to {found.upper:{form}})"


def fitted(graph: KnowledgeGraph, settings: Mapping[str, object]) -> Scorer:
    """The scorer of a model with SVD vectors only, which need no training."""
    split = split_drug_disease_pairs(graph, SplitConfig(kinds=["disease"], deployment_folds=0))
    params = ClassifierParams.model_validate({**settings, "vectors": ["svd"]})
    inputs = PairInputs(neighbourhoods_of(graph), PairVectors.by_svd(graph), Labels.of_graph(graph))
    scorer = Scorer.of_model(fit_repurposing_model(inputs, split, params), inputs)
    _LOGGER.info("fitted")
    return scorer


def costs(graph: KnowledgeGraph, scorer: Scorer) -> str:
    """Time and memory of explanations: of the two best new drugs and a treatment of some diseases."""
    generator = np.random.default_rng(SEED_OF_TIMED)
    treated = np.unique(graph.indications[1])
    diseases = generator.permutation(treated)[:NUM_TIMED].tolist()
    asked = [(_asked(graph, scorer, disease), disease) for disease in diseases]
    CPU.release()
    seconds: dict[str, list[float]] = {}

    def timed(what: str, run: Callable[[], object]) -> None:
        seconds.setdefault(what, []).append(cpu_seconds(run))

    with PeakWatch(CPU) as watch:
        explainer = Explainer(graph, scorer)
        timed("first explanation (prepares what all share)", partial(explainer.explain, asked[0][0][0], diseases[0]))
        for drugs, disease in asked[1:]:
            timed("first pair of a disease", partial(explainer.explain, drugs[0], disease))
            for drug in drugs[1:]:
                timed("following pair of the disease", partial(explainer.explain, drug, disease))
    ranker, finder, kept = GeneRanker.of(graph), PathFinder(graph, explainer.neighbourhoods.paths), Decomposer(scorer)
    ranker.rank(asked[0][0][0], diseases[0])
    for drugs, disease in asked[1:]:
        timed("of the first: what the score is made of", partial(kept.decompose, drugs[0], disease))
        timed("of a following: what the score is made of", partial(kept.decompose, drugs[1], disease))
        timed("of each: paths", partial(finder.paths, drugs[0], disease, top=PATHS_FOLLOWED))
        timed("of each: genes", partial(ranker.rank, drugs[0], disease))
    ablator, generator = Ablator(explainer), np.random.default_rng(0)
    for drugs, disease in asked[: NUM_ABLATED + 1]:
        found = explainer.explain(drugs[0], disease)
        timed("without the evidence, and without random edges once", partial(ablator.ablate, found, generator))
    rows = [
        [what, str(len(of)), f"{1000 * np.median(of):,.0f} ms", f"{1000 * np.max(of):,.0f} ms"]
        for what, of in seconds.items()
    ]
    return (
        f"{graph.grid_shape[0]:,} drugs, {graph.grid_shape[1]:,} diseases, {graph.num_edges:,} edges.\n\n"
        + table_of(["what", "times", "median", "highest"], rows)
        + f"\n\nPeak memory of the explanations: {watch.peak_above_start:.2f} GiB above the loaded model."
    )


def _asked(graph: KnowledgeGraph, scorer: Scorer, disease: int) -> list[int]:
    """A treatment of a disease and the two drugs that score highest, all different and of one setting."""
    drugs, diseases = graph.indications
    treating = drugs[diseases == disease]
    scores = scorer.indications(np.array([disease]))[:, 0]
    treats = np.unique(drugs)
    best = treats[np.argsort(-scores[treats], kind="stable")]
    return [int(treating[0]), *best[best != treating[0]][:2].tolist()]


def own_table(config: Path, mechanisms: str) -> Iterator[str]:
    """Figures for a table of mechanisms on the graph of a run configuration."""
    source: GraphSource = settings_of("knowledge_graph", read_run_config(config.read_text(encoding="utf-8")))
    graph = load_knowledge_graph(source, raw_folder=Path())
    table = load_mechanisms(mechanisms, graph)
    yield f"## Mechanisms of {Path(mechanisms).name}"
    yield (
        f"{table.num_rows:,} rows, {table.num_unknown:,} with an id that means no node of the graph, "
        f"{table.num_duplicates:,} duplicates."
    )
    yield section(measured(Known(graph, table.triples)))


def of_demo() -> Iterator[str]:
    """Planted causes."""
    yield f"## Planted causes: demo graphs of seeds {', '.join(map(str, REPORT_SEEDS))}"
    yield section(together([measured(planted(seed)) for seed in REPORT_SEEDS]))


def of_permuted() -> Iterator[str]:
    """The control."""
    generator = np.random.default_rng(SEED_OF_PERMUTATIONS)
    demos = [planted(seed) for seed in REPORT_SEEDS]
    yield "## The same on permuted graphs"
    yield PERMUTED
    found = together([measured(permuted(known, generator)) for known in demos for _ in range(NUM_PERMUTED)])
    yield section(found, against=RANDOM)


def of_targets(hetionet: str, drkg: Path) -> Iterator[str]:
    """The surrogate."""
    graph = graph_of("hetionet", hetionet)
    yield "## Hetionet, likely targets: genes that the drug binds"
    yield SURROGATE
    yield section(measured(surrogate(graph, drkg, report=True)))
    yield "## Hetionet, likely targets: all genes that the drug is joined to"
    yield "The same, but the drug's genes are also those that it up- or downregulates."
    yield section(measured(surrogate(of_any_relation(graph), drkg, report=True)))


def of_costs(hetionet: str) -> Iterator[str]:
    """Time and memory."""
    yield "## Time and memory"
    yield COSTS
    yield "### Hetionet"
    graph = graph_of("hetionet", hetionet)
    yield costs(graph, fitted(graph, shipped_settings("hetionet", "repurposing_model")))


def of_large() -> Iterator[str]:
    """Time and memory on a graph of PrimeKG's size."""
    yield "### A generated graph of PrimeKG's size"
    graph = synthetic_knowledge_graph(SyntheticConfig(preset="primekg", mechanism="module"))
    yield costs(graph, fitted(graph, shipped_settings("primekg", "repurposing_model")))


def parts(arguments: argparse.Namespace) -> Iterator[str]:
    """The page, part by part."""
    if arguments.config:
        yield from own_table(arguments.config, arguments.mechanisms)
        return
    chosen: dict[str, Callable[[], Iterator[str]]] = {
        "demo": of_demo,
        "permuted": of_permuted,
        "targets": lambda: of_targets(arguments.hetionet, arguments.drkg),
        "deletion": lambda: of_deletion(arguments.hetionet, arguments.plot),
        "costs": lambda: of_costs(arguments.hetionet),
        "large": of_large,
        "grid": of_grid,
    }
    yield "# Is the explanation true?"
    yield INTRODUCTION
    for name in arguments.only or chosen:
        yield from chosen[name]()


INTRODUCTION = """For pairs of a drug and a disease whose mechanism is known, the genes of the drug are ranked by how
likely each is the one through which the drug helps. Every pair is ranked on a graph without any edge between its drug
and its disease, in ten parts. Of several known genes the best-ranked counts; ties count as their mean. In brackets:
95 % bootstrap intervals over pairs. Pairs of one drug resemble each other, so that intervals over drugs would be wider.
The best rule is the best in hindsight. Made by `scripts/bench_explanation.py`; the weights of the explanation were
chosen on other graphs and other drugs (`scripts/gene_weights.py`).""".replace("\n", " ")
PERMUTED = f"""All edges, treatments included, are rewired with all degrees kept, {NUM_PERMUTED} times for each graph.
The mechanisms stay, so that only pairs count whose cause still happens to be a gene of the drug. Such genes have many
drugs, so rules that put these first are above random here; they say nothing else.""".replace("\n", " ")
SURROGATE = """A surrogate, not curated mechanisms: Hetionet joins a drug to all proteins that it binds, enzymes and
transporters among them; those that DRKG lists as DrugBank targets of the drug count as likely mechanisms, whatever the
disease. Half of the treating drugs; the other half served to choose the weights.""".replace("\n", " ")
COSTS = """The explained model has the shipped settings, but SVD vectors only, as no HGT embeddings are at hand. For
treated diseases drawn at random, as many as the tables say, a treatment and the two other treating drugs with the
highest scores are explained, all in the setting *warm pair*. The first pair of a disease computes the features of all
its drugs, which are kept for the pairs that follow. CPU-seconds of one thread, on a machine that others use as
well.""".replace("\n", " ")


def main() -> None:
    """Measure, print, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hetionet", default="", help="folder of Hetionet's files")
    parser.add_argument("--drkg", type=Path, help="folder of DRKG's files, for the surrogate")
    parser.add_argument("--mechanisms", default="", help="table of mechanisms, for the graph of --config alone")
    parser.add_argument("--config", type=Path, help="run configuration that names the graph of --mechanisms")
    parser.add_argument("--only", nargs="*", choices=PARTS, help="parts of the page")
    parser.add_argument("--plot", type=Path, help="picture of the deletion curves, SVG")
    parser.add_argument("--out", type=Path, help="Markdown page")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    if bool(arguments.mechanisms) != bool(arguments.config):
        parser.error("--mechanisms and --config need each other")
    said = []
    for part in parts(arguments):
        print(f"{part}\n", flush=True)
        said.append(part)
    if arguments.out:
        write_text(arguments.out, "\n\n".join(said) + "\n")


if __name__ == "__main__":
    main()
