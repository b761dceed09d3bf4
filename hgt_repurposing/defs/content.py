"""What a run would learn from: the content of the files that a configuration names, and its settings."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ValidationError

from hgt_repurposing.defs.run_config import settings_of
from hgt_repurposing.graph.sources.source_files import source_files
from hgt_repurposing.graph.split import SplitConfig
from hgt_repurposing.repurposing.params import CandidateParams
from hgt_repurposing.storage.catalog import RAW_FOLDER, data_folder

CONTENT_TAG = "hgt_repurposing/content"
"""Tag of a run with the content that it was requested for."""


class SeenFiles(BaseModel, frozen=True, extra="forbid"):
    """Files as they were looked at last."""

    stats: dict[str, tuple[int, int]] = {}
    """Path to bytes and time of the last change in nanoseconds."""
    digests: dict[str, str] = {}
    """Path to SHA-256, of those that rested between two looks."""
    told: str = ""
    """Why the files could not be used at the last look; the team was told."""

    @classmethod
    def remembered(cls, text: str | None) -> Self:
        """What an earlier look left; nothing for text that is not understood."""
        try:
            return cls.model_validate_json(text or "{}")
        except ValidationError:
            return cls()

    def looked_at(self, paths: Iterable[Path]) -> "SeenFiles":
        """The files as they are now: those that have not changed since the last look are read, once.

        Raises:
            OSError: If a file is missing or unreadable.
        """
        stats = {str(path): _stat(path) for path in paths}
        resting = [path for path, stat in stats.items() if self.stats.get(path) == stat]
        return SeenFiles(stats=stats, digests={path: self.digests.get(path) or _sha256(path) for path in resting})

    @property
    def rests(self) -> bool:
        """Whether no file has changed between the last two looks."""
        return set(self.digests) == set(self.stats)


def files_of(config: Mapping[str, Any]) -> list[Path]:
    """Files that a run with a valid configuration would read. Any: YAML values.

    Raises:
        OSError, ValueError: If the files of the graph are missing, or could be several.
    """
    raw_folder = data_folder(settings_of("store", config).data_folder) / RAW_FOLDER
    split: SplitConfig = settings_of("drug_disease_split", config)
    external = [Path(file.path).expanduser() for file in split.external_files]
    candidates: CandidateParams = settings_of("repurposing_candidates", config)
    listed = [Path(path).expanduser() for path in candidates.files]
    return source_files(settings_of("knowledge_graph", config), raw_folder=raw_folder) + external + listed


def content_of(config: Mapping[str, Any], digests: Iterable[str]) -> str:
    """One digest for settings and files, the same wherever the files are. Any: YAML values."""
    settings = json.dumps(config, sort_keys=True, default=str)
    return hashlib.sha256("\n".join([settings, *digests]).encode()).hexdigest()


def content_now(config: Mapping[str, Any]) -> str:
    """`content_of` for the files as they are; raises as `files_of`. Any: YAML values."""
    return content_of(config, [_sha256(str(path)) for path in files_of(config)])


def _stat(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_size, found.st_mtime_ns


def _sha256(path: str) -> str:
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
