"""Going on after a stop: as if there had been none."""

import logging

import pytest
from torch_geometric.data import HeteroData

from hgt_repurposing.storage.checkpoints import CheckpointFolder
from hgt_repurposing.training.loop import EpochResult, fit
from hgt_repurposing.training.params import EmbeddingParams
from hgt_repurposing.training.step import Batches
from hgt_repurposing_tests.training.runs import STRATEGIES, Interrupted, StopAfter, assert_same_run, small

PARAMS = small(num_epochs=4, checkpoint_every=1)


def stop(data: HeteroData, params: EmbeddingParams, store: CheckpointFolder, *, after: int) -> None:
    with pytest.raises(Interrupted):
        fit(data, params, checkpoints=store, on_epoch=StopAfter(after))


def epochs_of(data: HeteroData, params: EmbeddingParams, store: CheckpointFolder, *, digest: str = "") -> list[int]:
    """The epochs that a run trains itself."""
    seen: list[EpochResult] = []
    fit(data, params, checkpoints=store, on_epoch=seen.append, graph_digest=digest)
    return [result.epoch for result in seen]


@pytest.mark.parametrize("more", [{}, {"dropout": 0.3, "contrastive_weight": 0.2}], ids=["plain", "with chance"])
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_stopped_run_ends_bit_for_bit_as_an_unbroken_one(
    data: HeteroData, store: CheckpointFolder, strategy: str, more: dict[str, object]
) -> None:
    params = small(STRATEGIES[strategy] | more, num_epochs=4, checkpoint_every=2)
    stop(data, params, store, after=3)  # the checkpoint is that of epoch 2
    assert_same_run(fit(data, params, checkpoints=store), fit(data, params))


def test_a_run_may_be_stopped_again_and_again(data: HeteroData, store: CheckpointFolder) -> None:
    for epoch in (1, 2, 3):
        stop(data, PARAMS, store, after=epoch)
    assert_same_run(fit(data, PARAMS, checkpoints=store), fit(data, PARAMS))


def test_it_goes_on_after_the_last_checkpoint_and_says_so(
    data: HeteroData, store: CheckpointFolder, caplog: pytest.LogCaptureFixture
) -> None:
    stop(data, PARAMS, store, after=3)
    with caplog.at_level(logging.INFO, "hgt_repurposing.training.loop"):
        assert epochs_of(data, PARAMS, store) == [4]
    assert "resuming from the checkpoint after epoch 3 of 4" in caplog.messages


@pytest.mark.parametrize("changed", [{"learning_rate": 0.02}, {"seed": 1}, {"sampler": "neighbor"}, {"dropout": 0.1}])
def test_another_run_starts_anew(data: HeteroData, store: CheckpointFolder, changed: dict[str, object]) -> None:
    stop(data, PARAMS, store, after=3)
    assert epochs_of(data, small(changed, num_epochs=4, checkpoint_every=1), store) == [1, 2, 3, 4]


def test_another_graph_starts_anew(data: HeteroData, store: CheckpointFolder) -> None:
    stop(data, PARAMS, store, after=3)
    assert epochs_of(data, PARAMS, store, digest="another") == [1, 2, 3, 4]


def test_more_epochs_go_on(data: HeteroData, store: CheckpointFolder) -> None:
    longer = small(num_epochs=5, checkpoint_every=1)
    stop(data, PARAMS, store, after=3)
    assert_same_run(fit(data, longer, checkpoints=store), fit(data, longer))


def test_fewer_epochs_than_are_done_train_anew(data: HeteroData, store: CheckpointFolder) -> None:
    stop(data, PARAMS, store, after=3)
    assert epochs_of(data, small(num_epochs=2, checkpoint_every=1), store) == [1, 2]


def test_as_many_epochs_as_are_done_are_not_trained_again(data: HeteroData, store: CheckpointFolder) -> None:
    stop(data, PARAMS, store, after=3)
    shorter = small(num_epochs=3, checkpoint_every=1)
    assert_same_run(fit(data, shorter, checkpoints=store), fit(data, shorter))
    assert epochs_of(data, shorter, store) == []


def test_checkpoints_come_as_often_as_asked_for_and_not_after_the_last_epoch(
    data: HeteroData, store: CheckpointFolder
) -> None:
    fit(data, small(num_epochs=4, checkpoint_every=2), checkpoints=store)
    assert [path.name for path in store.folder.iterdir()] == ["checkpoint_000002"]


def test_no_checkpoints_are_written_unless_wanted(data: HeteroData, store: CheckpointFolder) -> None:
    fit(data, small(checkpoint_every=0), checkpoints=store)
    assert not store.folder.exists()


def test_checkpoints_do_not_change_a_run(data: HeteroData, store: CheckpointFolder) -> None:
    assert_same_run(fit(data, PARAMS, checkpoints=store), fit(data, small(num_epochs=4, checkpoint_every=0)))


def test_a_memory_budget_lowered_after_a_stop_is_kept(data: HeteroData, store: CheckpointFolder) -> None:
    sizes = {"hidden_dim": 64, "edge_sample_size": 3000, "num_epochs": 4, "checkpoint_every": 1}
    whole = fit(data, small(sizes, num_epochs=1))
    half = Batches.of_graph(data, small(sizes, edge_sample_size=1500, accumulation_steps=4))
    half.fit_into(64, num_parameters=whole.model.num_parameters, chunked=False)
    stop(data, small(sizes), store, after=2)
    history = fit(data, small(sizes, memory_budget_gb=half.predicted_gb), checkpoints=store).history
    assert history["epoch"].tolist() == [1, 2, 3, 4]
    assert history["num_messages"].iloc[2] < 0.8 * history["num_messages"].iloc[1]
