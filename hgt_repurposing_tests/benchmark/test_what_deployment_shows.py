"""What the protocol `deployment` must show: labels or edges that say nothing, and cold settings on another scale.

Inside each setting, shuffled labels are any of its cells, so that AUROC is .5 whatever the scores. Over the whole grid
it is not: a hidden disease or drug brings its treatments into a cold setting, and how common they are there can be
known. The standard error over shuffles, of which four are the tolerance, is what sampling leaves.
"""

from functools import cache

import numpy as np
import pytest

from hgt_repurposing.baselines.rules import RANDOM
from hgt_repurposing.benchmark.assumptions import AS_ASSUMED, ASSUMPTION, DeploymentTables
from hgt_repurposing.benchmark.deployment import add_rows, deployment_folds, score_deployment
from hgt_repurposing.benchmark.grid_comparison import AUROC, AVERAGE_PRECISION
from hgt_repurposing.benchmark.protocol import MODEL
from hgt_repurposing.benchmark.verdicts import Lead
from hgt_repurposing.benchmark.whole_grid import WholeGrid
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.missing import MissingShares
from hgt_repurposing.graph.null_model import permute_edges, shuffled_labels
from hgt_repurposing.graph.settings import SETTINGS, Setting
from hgt_repurposing.repurposing import learning
from hgt_repurposing.repurposing.inputs import PairInputs
from hgt_repurposing.repurposing.labels import Labels
from hgt_repurposing.repurposing.masked_cells import MaskedCells, masked_cells
from hgt_repurposing.repurposing.neighbourhoods import neighbourhoods_of
from hgt_repurposing.repurposing.params import ClassifierParams
from hgt_repurposing.repurposing.vectors import PairVectors
from hgt_repurposing_tests.benchmark.measured_grids import FEW, SHAPE, calibration
from hgt_repurposing_tests.repurposing.planted import (
    QUICK,
    planted_graph,
    planted_inputs,
    planted_pairs,
    shuffled_pairs,
)

pytestmark = pytest.mark.slow
"""Each fits models of its own."""

NUM_SHUFFLES, MANY = 6, 120
NEAR_CHANCE = 0.03
NUM_PERMUTATIONS = 6
STANDARD_ERRORS = 4
MUCH_MISSING = QUICK.model_copy(
    update={"num_trees": 2, "missing": MissingShares(pairs=0.25, diseases=0.25, drugs=0.25)}
)
"""Four masks, and in every setting enough positives for one AUROC."""
every_setting = pytest.mark.parametrize("setting", SETTINGS)


def deployed(graph: KnowledgeGraph, params: ClassifierParams, *, num_folds: int = 1, seed: int = 0) -> WholeGrid:
    """The model alone, by its own assumption."""
    inputs, tables = planted_inputs(graph), DeploymentTables([], [], [])
    for fold in deployment_folds(
        graph.indications,
        SHAPE,
        params.missing,
        known_otherwise=inputs.labels.known_otherwise,
        num_folds=num_folds,
        seed=seed,
    ):
        if fold.key[ASSUMPTION] == AS_ASSUMED:
            add_rows(fold, {MODEL: score_deployment(fold, inputs, params)}, tables)
    return WholeGrid.of_tables(tables, assumed="", left_out={}, seed=0)


# labels that say nothing


@cache
def aurocs(shuffle: int | None) -> dict[str, float]:
    """By setting, of one mask; of the planted labels if there is no shuffle."""
    pairs = planted_pairs() if shuffle is None else shuffled_pairs(shuffle)
    grid = deployed(planted_graph(pairs), MUCH_MISSING, seed=shuffle or 0)
    return {setting: grid.mean(MODEL, AUROC, setting=setting) for setting in SETTINGS}


def require_chance(setting: Setting, shuffles: range) -> None:
    found = np.array([aurocs(shuffle)[setting] for shuffle in shuffles])
    standard_error = found.std(ddof=1) / np.sqrt(len(found))
    assert abs(found.mean() - 0.5) <= STANDARD_ERRORS * standard_error
    assert aurocs(None)[setting] > 0.5 + STANDARD_ERRORS * standard_error  # planted labels are far from it


@every_setting
def test_shuffled_labels_bring_every_setting_to_chance(setting: Setting) -> None:
    require_chance(setting, range(NUM_SHUFFLES))


@every_setting
def test_many_shuffles_bring_every_setting_close_to_chance(setting: Setting) -> None:
    found = [aurocs(shuffle)[setting] for shuffle in range(100, 100 + MANY)]
    assert np.mean(found) == pytest.approx(0.5, abs=NEAR_CHANCE)
    assert np.std(found, ddof=1) / np.sqrt(MANY) < NEAR_CHANCE / 2  # one standard error: .006 measured


# calibration on treated drugs and diseases alone


def of_treated_alone(*arguments: object, **options: object) -> MaskedCells:
    """Cells of drugs and diseases that never had a treatment do not count in blends and calibration."""
    cells = masked_cells(*arguments, **options)  # type: ignore[arg-type]
    return cells._replace(weight=cells.weight * ~cells.is_untreated)


@cache
def of_few(*, faulty: bool) -> WholeGrid:
    """Of a graph in which a third of the diseases and of the drugs never had a treatment."""
    with pytest.MonkeyPatch.context() as patch:
        if faulty:
            patch.setattr(learning, "masked_cells", of_treated_alone)
            patch.setattr(learning, "expected_number", lambda *_: 0.0)  # and no shift
        params = QUICK.model_copy(update={"num_trees": 5, "missing": MissingShares()})
        return deployed(planted_graph(FEW), params, num_folds=3)


COLD: list[Setting] = ["cold disease", "cold drug", "cold pair"]


@pytest.mark.parametrize("setting", COLD)
def test_calibration_on_treated_alone_shows_in_observed_over_expected(setting: Setting) -> None:
    assert calibration(of_few(faulty=True), setting).upper < 0.5  # ratios of .03 to .2 measured
    sound = calibration(of_few(faulty=False), setting)
    assert sound.lower < 1 < sound.upper


def test_calibration_on_treated_alone_shows_in_the_whole_grid() -> None:
    # Inside each setting the order is as good as ever: no figure of one setting could see it.
    faulty, sound = of_few(faulty=True), of_few(faulty=False)
    inside, all_in_one = faulty.within_settings(MODEL), faulty.mean(MODEL, AUROC)
    assert inside > sound.within_settings(MODEL) - 0.01
    assert all_in_one < inside - 0.02  # .89 and .92 measured
    assert sound.mean(MODEL, AUROC) > sound.within_settings(MODEL) - 0.01
    assert calibration(faulty).upper < 0.5 < calibration(sound).lower


# a graph that says nothing but degrees


def by_degrees(graph: KnowledgeGraph) -> WholeGrid:
    """The model and popularity, of one mask."""
    shape, tables = graph.grid_shape, DeploymentTables([], [], [])
    inputs = PairInputs(neighbourhoods_of(graph), PairVectors.none(*shape), Labels.of_graph(graph))
    params = QUICK.model_copy(update={"num_trees": 20})
    fold = next(
        deployment_folds(
            graph.indications,
            shape,
            params.missing,
            known_otherwise=inputs.labels.known_otherwise,
            num_folds=1,
            seed=0,
        )
    )
    of_drug, of_disease = (
        np.bincount(ends, minlength=size).astype(np.float64) for ends, size in zip(fold.visible, shape, strict=True)
    )
    scores = {
        MODEL: score_deployment(fold, inputs, params),
        RANDOM.name: np.random.default_rng(0).random(shape),
        "drug degree": np.repeat(of_drug[:, None], shape[1], axis=1),
        "degree product": np.outer(of_drug + 1, of_disease + 1),
    }
    add_rows(fold, scores, tables)
    return WholeGrid.of_tables(tables, assumed="", left_out={}, seed=0)


def leads_over_degrees(graph: KnowledgeGraph) -> list[Lead]:
    """Of warm pairs. Cold drugs and diseases have no popularity, but degrees in the graph, which are preserved."""
    found = by_degrees(graph)
    leads = [found.lead(metric, setting="warm pair") for metric in (AUROC, AVERAGE_PRECISION)]
    assert None not in leads
    return [lead for lead in leads if lead]


def test_degrees_alone_give_no_lead_over_popularity(demo_graph: KnowledgeGraph) -> None:
    # Treatments are permuted as well: which drugs share diseases says something without the rest of the graph. The
    # diseases of one mask share its drugs and whatever chance gives them: noise is what differs between permutations.
    nulls = []
    for seed in range(NUM_PERMUTATIONS):
        generator = np.random.default_rng(seed)
        permuted = permute_edges(demo_graph, swaps_per_edge=10, generator=generator)
        null = leads_over_degrees(shuffled_labels(permuted, preserving="degrees", generator=generator))
        nulls.append([lead.mean for lead in null])
    leads = np.array(nulls)
    noise = leads.std(axis=0, ddof=1) / np.sqrt(NUM_PERMUTATIONS)
    assert (np.abs(leads.mean(axis=0)) < STANDARD_ERRORS * noise).all()  # -.003 +- .004 and .001 +- .002 measured
    found = leads_over_degrees(demo_graph)
    assert [lead.standing for lead in found] == ["ahead", "ahead"]
    assert ([lead.mean for lead in found] > leads.max(axis=0)).all()
