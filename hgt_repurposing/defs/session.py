"""One process of a run: it holds the data folder and records what each step has read.

Dagster starts one process for the whole run, or one for each step. Either way, the first access to the data folder goes
through `begin`, which checks the whole run configuration and takes the folder (`run_lock.py`) before anything is read
or replaced. From then on the process gives signs of life (`heartbeat.py`), and ends if its run was ended from outside.
The artefacts that a step has read are recorded as the inputs of its own artefact, beside the time and memory that it
took.
"""

import logging
import multiprocessing
import os
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from functools import partial
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, NamedTuple

from hgt_repurposing.benchmark.challenge import PromotionPolicy
from hgt_repurposing.benchmark.decision import Decision
from hgt_repurposing.defs.preconditions import demo_over_another_graph, require_device
from hgt_repurposing.defs.run_config import RELEASE, complaints
from hgt_repurposing.process_memory import peak_gb
from hgt_repurposing.storage.adoption import adopt
from hgt_repurposing.storage.attempts import begin_attempt, end_attempt
from hgt_repurposing.storage.catalog import (
    PLACES,
    SAID_ABOUT,
    keep_version,
    lineage,
    load_described,
    load_part,
    made_before,
    manifest_of,
    read_version,
    save,
)
from hgt_repurposing.storage.copies import copy_version, refresh_copies
from hgt_repurposing.storage.heartbeat import beating, remove_old_heartbeats
from hgt_repurposing.storage.manifest import Manifest, UnreadableArtifactError
from hgt_repurposing.storage.promotion import decide_on, release_run
from hgt_repurposing.storage.releases import Release, current
from hgt_repurposing.storage.run_lock import FolderInUseError, Holder, held
from hgt_repurposing.storage.step_cost import StepCost

logger = logging.getLogger(__name__)

RUN_IS_GONE = 75
"""Exit status of a step whose run was killed or ended: EX_TEMPFAIL of sysexits.h, try again later."""


class RunFacts(NamedTuple):
    """What Dagster knows about a run."""

    run_id: str
    config: Mapping[str, Any]
    """Run configuration as launched. Any: YAML values."""
    assets: frozenset[str] | None
    """Names of the assets that the run makes; None: all."""
    has_ended: Callable[[str], bool]
    """Whether the run with an id has ended, in whatever way; False for runs that Dagster does not know."""
    has_step_processes: bool = False
    """Whether each step runs in its own child process of the run's process."""
    is_recorded: bool = False
    """Whether other processes can see the run, and end it; False: it is known in this process only."""
    on_folder: Callable[[Path], None] = lambda _: None
    """Called with the data folder before it is taken, if the run is recorded."""

    def makes(self, asset: str) -> bool:
        """Whether the run makes an asset."""
        return self.assets is None or asset in self.assets


class RunSession:
    """State of one process of a run."""

    def __init__(self, run: RunFacts, *, root: Callable[[], Path], wait: bool, make_again: bool = False) -> None:
        self.run = run
        self._root = root
        self._wait = wait
        self._make_again = make_again
        self._read: defaultdict[str, dict[str, Manifest]] = defaultdict(dict)
        self._made_before: dict[str, Manifest] = {}
        self._began: dict[str, float] = {}
        self._require_held: Callable[[], None] | None = None
        self._ends = ExitStack()

    @property
    def root(self) -> Path:
        """The data folder."""
        return self._root()

    def begin(self) -> None:
        """Check all settings and take the data folder, before anything is read or replaced; later calls do nothing.

        Raises:
            ValueError: If the run configuration is invalid, another run uses the folder, or this one was ended.
        """
        if self._require_held is not None:
            return
        said = complaints(self.run.config)
        if said:
            raise ValueError(f"nothing was run: {'; '.join(said)}")
        if self.run.makes("hgt_model"):
            require_device(self.run.config)
        self._require_not_ended()
        me = Holder.of_process(self._process_of_run(), self.run.run_id, now=_now())
        with ExitStack() as taking:
            if self.run.is_recorded:
                self._show_life(me, taking)
            holding = held(self.root, me, wait=self._wait, has_ended=self.run.has_ended)
            self._require_held = taking.enter_context(holding)
            self._ends = taking.pop_all()
        try:
            adopt(self.root)
            if self.run.makes("knowledge_graph"):
                demo_over_another_graph(self.run.config, root=self.root)
        except ValueError:
            self.end()
            raise
        refresh_copies(self.root)
        if self.run.makes(RELEASE):
            begin_attempt(self.run.run_id, process=f"process {me.pid} on {me.host}", root=self.root, now=_now())

    def begin_step(self, step: str) -> None:
        """As `begin`; from here on the step takes time, unless it has begun before."""
        self.begin()
        self._began.setdefault(step, time.monotonic())

    def _show_life(self, me: Holder, until: ExitStack) -> None:
        """Say where the run works, and beat, also while it waits for another run."""
        self.run.on_folder(self.root)
        remove_old_heartbeats(self.root, has_ended=self.run.has_ended)
        is_over = partial(self.run.has_ended, self.run.run_id)
        until.enter_context(beating(self.root, me, is_over=is_over, on_over=_end_process_of_run))

    def failed(self, sentence: str) -> None:
        """Write down why a run that set out to make a release does not; a full disk must not hide the reason."""
        if self._require_held is not None and self.run.makes(RELEASE):
            with suppress(OSError):
                end_attempt(self.run.run_id, root=self.root, failed=sentence)

    def decide(self, policy: PromotionPolicy, *, step: str) -> Decision:
        """Whether what the run made should be the current release; raises as `decide_on`."""
        names = [name for name in PLACES if name not in SAID_ABOUT]
        return decide_on({name: self.manifest(name, step=step) for name in names}, root=self.root, policy=policy)

    def release(self, *, step: str) -> Release:
        """Make the newest versions a release; raises as `release_run`."""
        self.require_held()
        manifests = {name: self.manifest(name, step=step) for name in PLACES}
        made = release_run(manifests, root=self.root, run_id=self.run.run_id, now=_now())
        end_attempt(self.run.run_id, root=self.root, release=made.id)
        return made

    def _process_of_run(self) -> int:
        """Id of this process; in a step's own process, that of its parent, with which the step then ends.

        A run that a code server starts has a parent as well: the server, which lives on.
        """
        parent = multiprocessing.parent_process() if self.run.has_step_processes else None
        if parent is None or parent.pid is None:
            return os.getpid()
        _end_with(parent)
        return parent.pid

    def end(self) -> None:
        """Release the data folder."""
        self._ends.close()
        self._require_held = None

    def require_held(self) -> None:
        """Check before a write that the run is active and still holds the folder.

        Raises:
            FolderInUseError: If the run was ended, or another one holds the folder.
        """
        self.begin()
        self._require_not_ended()
        if self._require_held is not None:
            self._require_held()

    def _require_not_ended(self) -> None:
        if self.run.has_ended(self.run.run_id):
            raise FolderInUseError(f"run {self.run.run_id} was ended from outside: nothing more is written")

    def load(self, name: str, *, step: str, part: str | None = None) -> Any:
        """Read an artefact for a step. Any: a different type per artefact.

        Args:
            name: Name in the catalog.
            step: The step that reads it.
            part: Read only this part, as stored; None: the whole artefact.

        Raises:
            ValueError: If it does not belong together with what the step has already read.
            FileNotFoundError, UnreadableArtifactError: As `read_artifact`.
        """
        self.begin_step(step)
        read = load_described(name, root=self.root) if part is None else load_part(name, part, root=self.root)
        self._note(read.manifest, step)
        return read.value

    def manifest(self, name: str, *, step: str) -> Manifest:
        """Manifest of an artefact as the step read it, else as it is on disk now. Raises as `load`."""
        self.begin()
        if name not in self._read[step]:
            self._note(manifest_of(name, root=self.root), step)
        return self._read[step][name]

    def once(self, name: str, make: Callable[[], Any], *, step: str, config: Mapping[str, Any]) -> Any:
        """What a step makes, or the version that was made of what it has read, by this code with this configuration.

        Args:
            name: Name in the catalog.
            make: Makes the value (Any: a different type per artefact).
            step: The step; all that it reads must have been read.
            config: Its configuration (Any: JSON values).

        Raises:
            ValueError: As `load`.
        """
        self.begin()
        found = None
        if not self._make_again:
            found = made_before(name, root=self.root, config=config, inputs=self._read[step].values())
        if found is None:
            return make()
        try:
            value = read_version(found, root=self.root)
        except UnreadableArtifactError as error:
            logger.warning("made again: %s", error)
            return make()
        logger.info(
            "not made again: code, configuration and inputs are those of the version %.12s (set if_made to make_again "
            "to make it all the same)",
            found.digest,
        )
        self._made_before[step] = found
        return value

    def save(self, name: str, value: Any, *, step: str, config: Mapping[str, Any]) -> Manifest:
        """Write what a step made; raises as `require_held`. Any: a different type per artefact; JSON values."""
        self.require_held()
        read = self._read.pop(step, {})
        found = self._made_before.pop(step, None)
        seconds = time.monotonic() - self._began.pop(step, time.monotonic())
        if found is None:
            cost = StepCost.at(_now(), seconds=seconds, peak_gb=peak_gb())
            found = save(name, value, root=self.root, config=config, inputs=read.values(), cost=cost)
        else:
            keep_version(found, root=self.root)
        if current(self.root).id is None:
            copy_version(found, root=self.root)  # until there is a release, people find the newest
        return found

    def _note(self, manifest: Manifest, step: str) -> None:
        lineage([*self._read[step].values(), manifest])  # raises if they do not belong together
        self._read[step][manifest.name] = manifest


def _now() -> datetime:
    return datetime.now(UTC)


def _end_with(parent: BaseProcess) -> None:
    """End this process as soon as that of its run has ended: an orphan must not keep writing.

    It ends at once and without clean-up, as with `kill -9`, which artefacts are safe against.
    """
    threading.Thread(target=_outlive, args=(parent,), daemon=True).start()


def _outlive(parent: BaseProcess) -> None:
    parent.join()
    os._exit(RUN_IS_GONE)


def _end_process_of_run() -> None:
    """End this process if it was started for a run or a step; one that a person started writes nothing more."""
    if multiprocessing.parent_process() is not None:
        os._exit(RUN_IS_GONE)
