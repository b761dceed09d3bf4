"""A memory budget: batches shrink to fit, what cannot fit says what would, and the prediction is honest."""

import logging
import re

import bench_memory_plan
import pytest
import torch
from torch_geometric.data import HeteroData

from hgt_repurposing.training.device import PeakWatch
from hgt_repurposing.training.loop import fit
from hgt_repurposing.training.memory_plan import CHUNK_BOUNDS, BatchPlan, plan_batches
from hgt_repurposing.training.params import EmbeddingParams
from hgt_repurposing.training.step import Batches
from hgt_repurposing_tests.training.runs import SMALL, STRATEGIES, assert_same_run, small

WANTED = BatchPlan(edge_sample_size=800, node_batch_size=80, accumulation_steps=2, chunk_edges=1)
GENEROUS = 64.0


def need_gb(plan: BatchPlan) -> float:
    """An eighth of a GiB, and a GiB for every 100 edges per type."""
    return 0.125 + plan.edge_sample_size / 100


def planned(budget_gb: float) -> tuple[BatchPlan, float]:
    return plan_batches(
        WANTED, budget_gb=budget_gb, need_gb=need_gb, smallest=lambda plan: plan.edge_sample_size <= 100, width=16
    )


# the planner


@pytest.mark.parametrize(
    ("budget_gb", "sizes"), [(9.0, (800, 80, 2)), (8.125, (800, 80, 2)), (8.0, (400, 40, 4)), (1.2, (100, 10, 16))]
)
def test_batches_are_halved_and_their_number_doubled_until_they_fit(
    budget_gb: float, sizes: tuple[int, int, int]
) -> None:
    plan, need = planned(budget_gb)
    assert (plan.edge_sample_size, plan.node_batch_size, plan.accumulation_steps) == sizes
    assert need == need_gb(plan) <= budget_gb


def test_a_budget_that_is_too_small_says_which_would_do() -> None:
    message = r"^memory_budget_gb must be at least 1\.13 for the smallest batch of this graph and these widths \(got 1"
    with pytest.raises(ValueError, match=message):
        planned(1.0)
    assert planned(1.13)[0].edge_sample_size == 100


@pytest.mark.parametrize("budget_gb", [1.2, 2.5, 7.3, 8.2, 300.0])
def test_chunks_are_powers_of_two_within_their_bounds(budget_gb: float) -> None:
    """So that sums over chunks come out alike when a little more or less memory is free."""
    chunk = planned(budget_gb)[0].chunk_edges
    assert chunk.bit_count() == 1
    assert CHUNK_BOUNDS[0] <= chunk <= CHUNK_BOUNDS[1]


def test_a_budget_named_as_enough_is_enough_where_larger_chunks_take_more() -> None:
    def need(plan: BatchPlan) -> float:
        return 1 + plan.chunk_edges / 1e5

    def plan(budget_gb: float) -> BatchPlan:
        return plan_batches(WANTED, budget_gb=budget_gb, need_gb=need, smallest=lambda _: True, width=16)[0]

    with pytest.raises(ValueError, match=r"at least 1\.02"):
        plan(1.0)
    assert plan(1.02).chunk_edges == CHUNK_BOUNDS[0]


# training within a budget


def smallest_budget(data: HeteroData, params: EmbeddingParams) -> float:
    with pytest.raises(ValueError, match=r"must be at least [\d.]+ .*\(got 0\.00\)") as caught:
        fit(data, EmbeddingParams.model_validate(params.model_dump() | {"memory_budget_gb": 0.001}))
    found = re.search(r"at least ([\d.]+)", str(caught.value))
    assert found
    return float(found[1])


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_smallest_budget_that_is_named_does_run(data: HeteroData, strategy: str) -> None:
    params = small(STRATEGIES[strategy], num_epochs=1)
    budget = smallest_budget(data, params)
    fit(data, EmbeddingParams.model_validate(params.model_dump() | {"memory_budget_gb": budget}))


def predicted(data: HeteroData, params: EmbeddingParams, *, budget_gb: float = GENEROUS) -> Batches:
    batches = Batches.of_graph(data, params)
    batches.fit_into(budget_gb, num_parameters=100_000, chunked=False)
    return batches


@pytest.mark.parametrize("strategy", ["edge", "neighbor"])
def test_a_budget_between_shrinks_the_batch_and_says_so(
    data: HeteroData, strategy: str, caplog: pytest.LogCaptureFixture
) -> None:
    params = small(STRATEGIES[strategy], hidden_dim=256, edge_sample_size=3000, node_batch_size=500)
    whole = predicted(data, params).predicted_gb
    with caplog.at_level(logging.WARNING, "hgt_repurposing"):
        shrunk = predicted(data, params, budget_gb=0.75 * whole)
    assert shrunk.predicted_gb <= 0.75 * whole
    factor = shrunk.plan.accumulation_steps // 2
    assert factor > 1
    assert shrunk.plan.edge_sample_size == 3000 // factor
    assert shrunk.plan.node_batch_size == 500 // factor
    (record,) = caplog.records
    assert record.getMessage() == (
        f"batches reduced to stay within {0.75 * whole:.2f} GiB: {3000 // factor} edges per type or "
        f"{500 // factor} seed nodes, {2 * factor} batches per update"
    )
    fewer = shrunk.prepare(0).positives.source.numel() / predicted(data, params).prepare(0).positives.source.numel()
    assert fewer < 0.75


def test_a_run_within_a_smaller_budget_has_no_fewer_epochs(data: HeteroData) -> None:
    params = small(hidden_dim=64, edge_sample_size=3000)
    whole = fit(data, params)
    half = Batches.of_graph(data, small(hidden_dim=64, edge_sample_size=1500, accumulation_steps=4))
    half.fit_into(GENEROUS, num_parameters=whole.model.num_parameters, chunked=False)
    result = fit(data, small(hidden_dim=64, edge_sample_size=3000, memory_budget_gb=half.predicted_gb))
    assert result.history["epoch"].tolist() == [1, 2, 3]
    assert result.history["num_messages"].max() < whole.history["num_messages"].min()


def test_a_budget_with_room_changes_nothing(data: HeteroData) -> None:
    assert_same_run(fit(data, small(memory_budget_gb=GENEROUS)), fit(data, SMALL))


def test_a_budget_that_the_cpu_exceeds_halves_the_batch_once(
    data: HeteroData, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(PeakWatch, "peak_above_start", property(lambda _: 5.0))
    with caplog.at_level(logging.WARNING, "hgt_repurposing"):
        history = fit(data, small(memory_budget_gb=4)).history
    said = [record.getMessage() for record in caplog.records]
    assert said[0].startswith("out of memory (training took 5.00 GiB, more than memory_budget_gb, 4.00): continuing")
    assert re.fullmatch(r"training takes \d+\.\d times the predicted memory", said[1])
    assert len(said) == 2
    assert history["epoch"].tolist() == [1, 2, 3]
    assert history["num_messages"].iloc[0] > 1.5 * history["num_messages"].iloc[1]


@pytest.mark.parametrize(("peak", "num_warnings"), [(0.24, 0), (0.26, 1)])
def test_a_peak_beyond_the_prediction_is_worth_a_warning_where_memory_counts(
    data: HeteroData, peak: float, num_warnings: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(PeakWatch, "peak_above_start", property(lambda _: peak))
    with caplog.at_level(logging.WARNING, "hgt_repurposing"):
        fit(data, SMALL)
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == num_warnings
    assert all(re.fullmatch(r"training takes \d+\.\d times the predicted memory", line) for line in said)


# the prediction

WIDE = {"hidden_dim": 256, "embedding_dim": 512, "edge_sample_size": 5000, "node_batch_size": 1024, "num_epochs": 2}
MANY = {"num_negatives": 64, "negatives": "degree", "loss": "softmax"}
NARROW = WIDE | {"hidden_dim": 64, "embedding_dim": 64}
FACTOR = 1.35
"""Over 19 settings (`scripts/bench_memory_plan.py`) it was 0.94 to 1.26; the allocator moves it by a tenth."""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("preset", "sizes", "strategy"),
    [
        ("demo", NARROW, "edge"),
        ("demo", WIDE, "edge"),
        ("demo", WIDE, "neighbor"),
        ("demo", WIDE, "full graph"),
        ("demo", WIDE | MANY, "edge"),
        ("demo", NARROW | MANY, "edge"),
        ("demo", WIDE | {"encoder": "mean"}, "edge"),
        ("demo", NARROW | {"encoder": "none"}, "edge"),
        ("demo", NARROW | {"node_inputs": "fastrp"}, "edge"),
        ("reference", WIDE, "edge"),
        ("reference", NARROW, "neighbor"),
        ("reference", NARROW, "full graph"),
    ],
)
def test_the_predicted_peak_is_near_the_measured_one(preset: str, sizes: dict[str, object], strategy: str) -> None:
    wider_hops = {"num_neighbors": [10, 10]} if strategy == "neighbor" else {}
    figures = bench_memory_plan.measured(preset, small(STRATEGIES[strategy] | sizes | wider_hops))
    predicted_gb, peak = figures["as it is"], figures["measured"]
    assert 1 / FACTOR < predicted_gb / peak < FACTOR, (predicted_gb, peak)


def test_the_prediction_grows_with_all_that_takes_memory(data: HeteroData) -> None:
    base = predicted(data, SMALL).predicted_gb
    for more in ({"hidden_dim": 64}, {"embedding_dim": 96}, {"edge_sample_size": 400}, {"num_negatives": 20}):
        assert predicted(data, small(more)).predicted_gb > base, more


def test_chunks_of_edges_count_where_there_are_chunks(data: HeteroData) -> None:
    batches = predicted(data, SMALL)
    without = batches.predicted_gb
    batches.fit_into(GENEROUS, num_parameters=100_000, chunked=True)
    assert batches.predicted_gb > without


def test_trying_sizes_does_not_change_what_is_drawn(data: HeteroData) -> None:
    batches = predicted(data, SMALL)
    assert torch.equal(batches.prepare(1).node_index, Batches.of_graph(data, SMALL).prepare(1).node_index)
