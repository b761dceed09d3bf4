"""Checkpoints on disk: which are kept, and from which one a run resumes.

Each is an artefact `checkpoint_<epoch>` in a folder of its own with that name, so that it is removed as a whole.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from hgt_repurposing.storage.artifacts import read_artifact, remove_artifact, remove_leftovers, write_artifact
from hgt_repurposing.storage.catalog import working_folder
from hgt_repurposing.storage.manifest import Provenance, UnreadableArtifactError, manifest_path, read_manifest
from hgt_repurposing.training.training_state import Checkpoint

logger = logging.getLogger(__name__)

NUM_KEPT = 2
"""The newest, and the one before it in case the newest is damaged."""


@dataclass(frozen=True)
class CheckpointFolder:
    """The checkpoints of one model; a CheckpointStore for one training run at a time."""

    folder: Path
    """Created with the first checkpoint."""
    finished: Path
    """Manifest of the finished model. A checkpoint that is not newer belongs to a finished run and is not resumed."""

    before_save: Callable[[], None] = lambda: None
    """Called before each write; raises if the run may no longer write."""

    @classmethod
    def of_hgt_model(cls, *, root: Path, before_save: Callable[[], None] = lambda: None) -> Self:
        """The checkpoints of `hgt_model` in a data folder."""
        folder = working_folder(root)
        return cls(folder / "checkpoints", finished=manifest_path(folder, "hgt_model"), before_save=before_save)

    def save(self, checkpoint: Checkpoint) -> None:
        """Write a checkpoint, then remove all others except the one before it of the same run.

        Checkpoints of later epochs are removed as well: this run has not reached them, so they come from another one.
        """
        self.before_save()
        name = f"checkpoint_{checkpoint.epoch:06d}"
        header = Provenance(config={"fingerprint": checkpoint.fingerprint})
        write_artifact(self.folder / name, name, checkpoint.to_parts(), header)
        run = [other for other in self._names() if other <= name and self._is_of(checkpoint.fingerprint, other)]
        for other in self._names():
            if other not in run[-NUM_KEPT:]:
                remove_artifact(self.folder / other, other)

    def latest(self, fingerprint: str) -> Checkpoint | None:
        """The newest intact checkpoint of an unfinished run; the log says why others are skipped.

        Remains of killed writes are removed; damaged checkpoints stay until the next one is saved.
        """
        self._remove_leftovers()
        for name in reversed(self._names()):
            try:
                if self._goes_on(name, fingerprint):
                    return Checkpoint.from_parts(read_artifact(self.folder / name, name))
            except UnreadableArtifactError as error:
                logger.warning("checkpoint skipped: %s", error)
        return None

    def clear(self) -> None:
        """Remove all checkpoints of any run."""
        for name in self._names():
            remove_artifact(self.folder / name, name)

    def _names(self) -> list[str]:
        """Lowest epoch first, intact or not. Names sort by epoch, because no training has a million epochs."""
        return sorted(path.name for path in self.folder.glob("checkpoint_" + 6 * "[0-9]"))

    def _is_of(self, fingerprint: str, name: str) -> bool:
        try:
            return bool(read_manifest(self.folder / name, name).config["fingerprint"] == fingerprint)
        except (FileNotFoundError, UnreadableArtifactError):
            return False

    def _goes_on(self, name: str, fingerprint: str) -> bool:
        """Whether to resume from it, from the header alone; raises UnreadableArtifactError if that is damaged."""
        folder = self.folder / name
        if self.finished.exists():
            saved, finished = (path.stat().st_mtime_ns for path in (manifest_path(folder, name), self.finished))
            if saved <= finished:
                logger.info("%s is skipped: its training has finished (%s)", folder, self.finished)
                return False
        found = read_manifest(folder, name).config["fingerprint"]
        if found != fingerprint:
            logger.info("%s is skipped: it is from run %.12s, this is run %.12s", folder, found, fingerprint)
            return False
        return True

    def _remove_leftovers(self) -> None:
        for name in self._names():
            folder = self.folder / name
            if manifest_path(folder, name).exists():
                remove_leftovers(folder, name)
            else:
                remove_artifact(folder, name)
