"""One run in one process: it holds the data folder, and remembers what each step has read.

Dagster makes a process for the whole run, or one for each step. Either way, the first touch of the data folder goes
through `begin`: the whole run configuration is checked, and the folder taken (`run_lock.py`), before anything is read
or replaced. What a step read is what its artefact is said to be made from.
"""

import multiprocessing
import os
import threading
from collections import defaultdict
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, NamedTuple

from hgt_repurposing.defs.preconditions import demo_over_another_graph, require_device
from hgt_repurposing.defs.run_config import complaints
from hgt_repurposing.storage.artifacts import Manifest
from hgt_repurposing.storage.catalog import lineage, load_described, load_part, manifest_of, save
from hgt_repurposing.storage.run_lock import FolderInUseError, Holder, held

RUN_IS_GONE = 75
"""Exit status of a step whose run was killed: EX_TEMPFAIL of sysexits.h, try again later."""


class RunFacts(NamedTuple):
    """What Dagster knows of a run."""

    run_id: str
    config: Mapping[str, Any]
    """Run configuration as launched. Any: what YAML holds."""
    assets: frozenset[str] | None
    """Names of the assets that the run makes; None: all."""
    has_ended: Callable[[str], bool]
    """Whether Dagster counts the run of an id as ended, by whatever end; False for runs it does not know."""
    has_step_processes: bool = False
    """Whether each step has a process of its own, whose parent is the run's."""

    def makes(self, asset: str) -> bool:
        """Whether the run makes an asset."""
        return self.assets is None or asset in self.assets


class RunSession:
    """What one process of a run knows."""

    def __init__(self, run: RunFacts, *, root: Callable[[], Path], wait: bool) -> None:
        self.run = run
        self._root = root
        self._wait = wait
        self._read: defaultdict[str, dict[str, Manifest]] = defaultdict(dict)
        self._require_held: Callable[[], None] | None = None
        self._ends = ExitStack()

    @property
    def root(self) -> Path:
        """The data folder."""
        return self._root()

    def begin(self) -> None:
        """Before anything is read or replaced: check all values, take the data folder. Once is enough, more do no harm.

        Raises:
            ValueError: If the run configuration is invalid, or another run uses the folder.
        """
        if self._require_held is not None:
            return
        said = complaints(self.run.config)
        if said:
            raise ValueError(f"nothing was run: {'; '.join(said)}")
        if self.run.makes("knowledge_graph"):
            demo_over_another_graph(self.run.config, root=self.root)
        if self.run.makes("hgt_model"):
            require_device(self.run.config)
        me = Holder.of_process(self._process_of_run(), self.run.run_id, now=datetime.now(UTC))
        holding = held(self.root, me, wait=self._wait, has_ended=self.run.has_ended)
        self._require_held = self._ends.enter_context(holding)

    def _process_of_run(self) -> int:
        """This one; or of a step with a process of its own its parent, with which it then ends.

        Every run that a code server starts has a parent, too: the server, which lives on.
        """
        parent = multiprocessing.parent_process() if self.run.has_step_processes else None
        if parent is None or parent.pid is None:
            return os.getpid()
        _end_with(parent)
        return parent.pid

    def end(self) -> None:
        """Let go of the data folder."""
        self._ends.close()
        self._require_held = None

    def require_held(self) -> None:
        """Before a write: the run is under way, and the folder still its own.

        Raises:
            FolderInUseError: If the run was ended, or another one holds the folder.
        """
        self.begin()
        if self.run.has_ended(self.run.run_id):
            raise FolderInUseError(f"run {self.run.run_id} was ended from outside: nothing more is written")
        if self._require_held is not None:
            self._require_held()

    def load(self, name: str, *, step: str, part: str | None = None) -> Any:
        """Read an artefact for a step. Any: a different type per artefact.

        Args:
            name: One of the catalog's.
            step: Who reads it.
            part: Read this part alone, as it is; None: all, as its owner makes a value of it.

        Raises:
            ValueError: If it does not belong together with what the step has read already.
            FileNotFoundError, UnreadableArtifactError: As `read_artifact`.
        """
        self.begin()
        read = load_described(name, root=self.root) if part is None else load_part(name, part, root=self.root)
        self._note(read.manifest, step)
        return read.value

    def manifest(self, name: str, *, step: str) -> Manifest:
        """Header of what a step has read; of what it has not, that which lies here, read now. Raises as `load`."""
        self.begin()
        if name not in self._read[step]:
            self._note(manifest_of(name, root=self.root), step)
        return self._read[step][name]

    def save(self, name: str, value: Any, *, step: str, config: Mapping[str, Any]) -> Manifest:
        """Write what a step made. Any: a different type per artefact; JSON values. Raises as `require_held`."""
        self.require_held()
        return save(name, value, root=self.root, config=config, inputs=self._read.pop(step, {}).values())

    def _note(self, manifest: Manifest, step: str) -> None:
        lineage([*self._read[step].values(), manifest])  # raises where they do not belong together
        self._read[step][manifest.name] = manifest


def _end_with(parent: BaseProcess) -> None:
    """End this process as soon as that of its run is gone: an orphan must not go on writing.

    At once and without clean-up, as `kill -9` would, which is what every artefact is safe against.
    """
    threading.Thread(target=_outlive, args=(parent,), daemon=True).start()


def _outlive(parent: BaseProcess) -> None:
    parent.join()
    os._exit(RUN_IS_GONE)
