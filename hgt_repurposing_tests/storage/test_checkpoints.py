"""Checkpoints on disk: two are kept, whole ones are found, and what is not whole is refused by name."""

import logging
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from hgt_repurposing.storage import artifacts, manifest
from hgt_repurposing.storage.artifacts import write_artifact
from hgt_repurposing.storage.catalog import working_folder
from hgt_repurposing.storage.checkpoints import CheckpointFolder
from hgt_repurposing.storage.manifest import FORMAT_VERSION, Provenance, manifest_path
from hgt_repurposing.training.training_state import Checkpoint, CheckpointStore

ROOT = Path(__file__).parents[2]
OURS, THEIRS = "a" * 64, "b" * 64
PARTS = ("weights.npz", "optimizer.npz", "history.parquet", "checkpoint.json")


def checkpoint(epoch: int, fingerprint: str = OURS) -> Checkpoint:
    history = pd.DataFrame({"epoch": range(1, epoch + 1), "loss": np.linspace(0.7, 0.6, epoch)})
    weights = {"encoder.input": torch.full((2, 3), float(epoch))}
    moments = {"encoder.input.step": torch.tensor(float(epoch)), "encoder.input.exp_avg": torch.ones(2, 3)}
    return Checkpoint(fingerprint, epoch, 8 * epoch, {"edge_sample_size": 5}, weights, moments, history)


@pytest.fixture
def store(tmp_path: Path) -> CheckpointFolder:
    return CheckpointFolder(tmp_path / "checkpoints", finished=tmp_path / "hgt_model.manifest.json")


def save(store: CheckpointFolder, *epochs: int, fingerprint: str = OURS) -> None:
    for epoch in epochs:
        store.save(checkpoint(epoch, fingerprint))


def latest(store: CheckpointFolder) -> int | None:
    """Epoch of the checkpoint that our run goes on from."""
    found = store.latest(OURS)
    return found.epoch if found else None


def place(store: CheckpointFolder, epoch: int) -> Path:
    return store.folder / f"checkpoint_{epoch:06d}"


def header(store: CheckpointFolder, epoch: int) -> Path:
    return manifest_path(place(store, epoch), place(store, epoch).name)


def kept(store: CheckpointFolder) -> list[int]:
    return sorted(int(path.name.removeprefix("checkpoint_")) for path in store.folder.iterdir())


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def age(path: Path, seconds: float) -> None:
    """Set the clock of a file, counted from a fixed moment."""
    os.utime(path, ns=(0, int((1_700_000_000 + seconds) * 1e9)))


# round trips

names = st.from_regex(r"[a-z]{1,5}\.[a-z0-9_.]{1,9}", fullmatch=True)
floats = st.floats(width=32, allow_nan=False)
tensors = st.dictionaries(
    names, hnp.arrays(np.float32, hnp.array_shapes(min_dims=0, max_dims=3, max_side=3), elements=floats), max_size=3
).map(lambda arrays: {name: torch.from_numpy(array) for name, array in arrays.items()})
histories = st.lists(st.tuples(st.floats(allow_nan=False) | st.just(np.nan), st.integers(0, 2**63 - 1)), min_size=1)


@given(tensors, tensors, histories, st.integers(0), st.dictionaries(st.text(), st.integers()))
def test_a_checkpoint_round_trips_bit_for_bit(
    weights: dict[str, torch.Tensor],
    moments: dict[str, torch.Tensor],
    rows: list[tuple[float, int]],
    step: int,
    plan: dict[str, int],
) -> None:
    history = pd.DataFrame(rows, columns=["loss", "num_nodes"])
    saved = Checkpoint(OURS, len(rows), step, plan, weights, moments, history)
    with tempfile.TemporaryDirectory() as folder:
        store = CheckpointFolder(Path(folder), finished=Path(folder) / "none")
        store.save(saved)
        found = store.latest(OURS)
    assert found is not None
    assert (found.fingerprint, found.epoch, found.step, found.plan) == (OURS, len(rows), step, plan)
    for ours, theirs in ((found.weights, weights), (found.optimizer, moments)):
        assert list(ours) == list(theirs)
        for name, tensor in theirs.items():
            assert (ours[name].dtype, ours[name].shape) == (tensor.dtype, tensor.shape)
            assert ours[name].numpy().tobytes() == tensor.numpy().tobytes()
    assert found.history.dtypes.tolist() == history.dtypes.tolist()
    assert list(found.history) == list(history)
    assert all(found.history[name].to_numpy().tobytes() == history[name].to_numpy().tobytes() for name in history)


def test_what_is_read_is_ours_to_change(store: CheckpointFolder) -> None:
    save(store, 1)
    found = store.latest(OURS)
    assert found is not None
    found.weights["encoder.input"].add_(1)  # warns, and so fails, where the array may not be written


# which are kept


def test_a_run_without_checkpoints_starts_from_the_beginning(
    store: CheckpointFolder, caplog: pytest.LogCaptureFixture
) -> None:
    assert latest(store) is None
    assert caplog.records == []


def test_the_newest_two_are_kept(store: CheckpointFolder) -> None:
    save(store, 5, 10)
    assert kept(store) == [5, 10]
    save(store, 15, 20)
    assert kept(store) == [15, 20]
    assert latest(store) == 20


def test_epochs_are_ordered_as_numbers(store: CheckpointFolder) -> None:
    save(store, 9, 10, 99_999, 100_000)
    assert kept(store) == [99_999, 100_000]
    assert latest(store) == 100_000


def test_the_older_goes_only_when_the_newer_is_whole(store: CheckpointFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    save(store, 5, 10)
    replace = os.replace

    def stop_at_the_header(source: Path, target: Path) -> None:
        if target == header(store, 15):
            assert kept(store) == [5, 10, 15]
            raise KeyboardInterrupt
        replace(source, target)

    monkeypatch.setattr(os, "replace", stop_at_the_header)
    with pytest.raises(KeyboardInterrupt):
        save(store, 15)
    assert kept(store) == [5, 10, 15]
    assert latest(store) == 10


def test_a_write_that_fails_leaves_the_others(store: CheckpointFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    save(store, 5, 10)

    def disk_is_full(*_: object, **__: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(np, "savez", disk_is_full)
    with pytest.raises(OSError, match="no space left"):
        save(store, 15)
    assert latest(store) == 10


def test_a_removal_that_is_stopped_half_way_leaves_no_artefact(
    store: CheckpointFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(folder: Path) -> None:
        (folder / "weights.npz").unlink()
        raise KeyboardInterrupt

    save(store, 5, 10)
    monkeypatch.setattr(shutil, "rmtree", stop)
    with pytest.raises(KeyboardInterrupt):
        artifacts.remove_artifact(place(store, 5), "checkpoint_000005")
    monkeypatch.undo()
    assert not header(store, 5).exists()
    assert latest(store) == 10
    assert kept(store) == [10]


@pytest.mark.parametrize("fingerprint", [OURS, THEIRS])
def test_a_run_started_anew_is_not_shadowed_by_checkpoints_further_on(
    fingerprint: str, store: CheckpointFolder
) -> None:
    save(store, 90, 95, fingerprint=fingerprint)
    save(store, 5)
    assert kept(store) == [5]
    assert latest(store) == 5


def test_the_one_kept_in_reserve_is_of_the_same_run(store: CheckpointFolder) -> None:
    save(store, 5)
    save(store, 7, fingerprint=THEIRS)
    assert kept(store) == [7]
    save(store, 9, 11, fingerprint=THEIRS)
    assert kept(store) == [9, 11]


def test_a_checkpoint_with_a_damaged_header_is_not_kept_in_reserve(store: CheckpointFolder) -> None:
    save(store, 5, 10)
    truncate(header(store, 10))
    save(store, 12)
    assert kept(store) == [5, 12]


def test_a_damaged_checkpoint_is_written_again(store: CheckpointFolder) -> None:
    save(store, 5, 10)
    truncate(place(store, 10) / "weights.npz")
    assert latest(store) == 5
    save(store, 10)
    assert kept(store) == [5, 10]
    assert latest(store) == 10


def test_clear_removes_every_checkpoint_and_nothing_else(store: CheckpointFolder) -> None:
    save(store, 5, 10)
    save(store, 10, fingerprint=THEIRS)
    (store.folder / "notes.txt").write_text("mine", encoding="utf-8")
    truncate(header(store, 10))
    store.clear()
    assert [path.name for path in store.folder.iterdir()] == ["notes.txt"]
    assert latest(store) is None


def test_there_is_nothing_to_clear_before_the_first_checkpoint(store: CheckpointFolder) -> None:
    store.clear()
    assert not store.folder.exists()


# damage


@pytest.mark.parametrize("part", PARTS)
def test_a_truncated_part_is_refused_by_name_and_the_checkpoint_before_it_used(
    part: str, store: CheckpointFolder, caplog: pytest.LogCaptureFixture
) -> None:
    save(store, 5, 10)
    path = place(store, 10) / part
    whole = path.stat().st_size
    truncate(path)
    assert latest(store) == 5
    assert caplog.messages == [
        f"checkpoint skipped: artefact 'checkpoint_000010' is damaged: {path} does not match its manifest "
        f"({whole // 2} bytes, expected {whole})"
    ]
    assert caplog.records[0].levelno == logging.WARNING


@pytest.mark.parametrize("part", PARTS)
def test_a_missing_part_is_refused_by_name_and_the_checkpoint_before_it_used(
    part: str, store: CheckpointFolder, caplog: pytest.LogCaptureFixture
) -> None:
    save(store, 5, 10)
    path = place(store, 10) / part
    path.unlink()
    assert latest(store) == 5
    assert caplog.messages == [f"checkpoint skipped: artefact 'checkpoint_000010' is incomplete: {path} is missing"]


@pytest.mark.parametrize("text", ["", '{"name": "chec', "\0" * 99, "[]"])
def test_a_broken_manifest_is_refused_by_name_and_the_checkpoint_before_it_used(
    text: str, store: CheckpointFolder, caplog: pytest.LogCaptureFixture
) -> None:
    save(store, 5, 10)
    header(store, 10).write_text(text, encoding="utf-8")
    assert latest(store) == 5
    assert caplog.messages == [
        f"checkpoint skipped: artefact 'checkpoint_000010' is damaged: {header(store, 10)} is not a manifest"
    ]


def test_a_checkpoint_of_another_format_is_refused_by_name(
    store: CheckpointFolder, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(store, 5)
    monkeypatch.setattr(manifest, "FORMAT_VERSION", FORMAT_VERSION + 1)
    assert latest(store) is None
    assert [f"{header(store, 5)} has format version" in message for message in caplog.messages] == [True]


def test_where_both_are_damaged_both_are_named_and_training_starts_anew(
    store: CheckpointFolder, caplog: pytest.LogCaptureFixture
) -> None:
    save(store, 5, 10)
    for epoch in (5, 10):
        truncate(place(store, epoch) / "optimizer.npz")
    assert latest(store) is None
    assert [("checkpoint_000010" in m, "checkpoint_000005" in m) for m in caplog.messages] == [
        (True, False),
        (False, True),
    ]
    assert kept(store) == [5, 10]


# not ours


def test_the_checkpoint_of_another_run_is_passed_over_in_one_line(
    store: CheckpointFolder, caplog: pytest.LogCaptureFixture
) -> None:
    save(store, 5, fingerprint=THEIRS)
    truncate(place(store, 5) / "weights.npz")  # its parts are not even read
    with caplog.at_level(logging.INFO):
        assert latest(store) is None
    assert caplog.messages == [f"{place(store, 5)} is skipped: it is from run bbbbbbbbbbbb, this is run aaaaaaaaaaaa"]
    assert kept(store) == [5]


def test_our_checkpoint_is_found_below_that_of_another_run(store: CheckpointFolder) -> None:
    save(store, 10)
    name, parts = "checkpoint_000020", checkpoint(20, THEIRS).to_parts()
    write_artifact(store.folder / name, name, parts, Provenance(config={"fingerprint": THEIRS}))
    assert latest(store) == 10


@pytest.mark.parametrize(("seconds", "expected"), [(-1, None), (0, None), (1, 10)])
def test_only_a_checkpoint_newer_than_the_finished_model_is_gone_on_from(
    seconds: int, expected: int | None, store: CheckpointFolder
) -> None:
    save(store, 5, 10)
    store.finished.touch()
    age(store.finished, 0)
    age(header(store, 5), -2)
    age(header(store, 10), seconds)
    assert latest(store) == expected


def test_what_has_finished_is_passed_over_without_a_warning(
    store: CheckpointFolder, caplog: pytest.LogCaptureFixture
) -> None:
    save(store, 5)
    truncate(header(store, 5))
    store.finished.touch()
    age(header(store, 5), 0)
    with caplog.at_level(logging.INFO):
        assert latest(store) is None
    assert caplog.messages == [f"{place(store, 5)} is skipped: its training has finished ({store.finished})"]


# what a killed write leaves


def test_parts_without_a_manifest_are_no_checkpoint_and_go_away(
    store: CheckpointFolder, caplog: pytest.LogCaptureFixture
) -> None:
    save(store, 5, 10)
    header(store, 10).unlink()
    assert latest(store) == 5
    assert kept(store) == [5]
    assert caplog.records == []


def test_hidden_folders_go_away(store: CheckpointFolder) -> None:
    save(store, 5)
    for epoch in (5, 10):
        hidden = place(store, epoch) / f".checkpoint_{epoch:06d}.x1y2z3"
        hidden.mkdir(parents=True)
        (hidden / "weights.npz").write_bytes(b"half")
    assert latest(store) == 5
    assert kept(store) == [5]
    assert sorted(path.name for path in place(store, 5).iterdir()) == sorted([*PARTS, header(store, 5).name])


SAVE_ON_AND_ON = """
import sys
from pathlib import Path
from hgt_repurposing.storage.checkpoints import CheckpointFolder
from hgt_repurposing_tests.storage.test_checkpoints import OURS, checkpoint
store = CheckpointFolder(Path(sys.argv[1]), finished=Path(sys.argv[1]) / "none")
first = store.latest(OURS)
for epoch in range(first.epoch + 1 if first else 1, 10_000):
    store.save(checkpoint(epoch))
    print(epoch, flush=True)
"""


@pytest.mark.slow
def test_a_killed_process_leaves_its_last_checkpoint_or_the_one_it_was_writing(
    store: CheckpointFolder, caplog: pytest.LogCaptureFixture
) -> None:
    for seconds in np.linspace(0, 0.05, 10):  # about ten checkpoints long
        with subprocess.Popen(  # noqa: S603  (our own interpreter)
            [sys.executable, "-c", SAVE_ON_AND_ON, str(store.folder)], cwd=ROOT, stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            first = process.stdout.readline()
            time.sleep(seconds)
            process.kill()
            last = int((first + process.stdout.read()).split()[-1])
        assert latest(store) in (last, last + 1)
    assert caplog.records == []


# the place


def test_checkpoints_lie_beside_the_model_that_they_lead_to(tmp_path: Path) -> None:
    store: CheckpointStore = CheckpointFolder.of_hgt_model(root=tmp_path)
    store.save(checkpoint(5))
    assert (tmp_path / "releases/working/checkpoints/checkpoint_000005/weights.npz").exists()
    write_artifact(working_folder(tmp_path), "hgt_model", {"a.json": 1}, Provenance())
    assert store.latest(OURS) is None
