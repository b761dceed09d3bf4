"""The data folder as a resource, and the IO manager that reads and writes assets as artefacts."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple, Self, TypeVar

import dagster as dg
from pydantic import PrivateAttr

from hgt_repurposing.defs.console import shown_in
from hgt_repurposing.defs.errors import clear_errors
from hgt_repurposing.defs.run_config import DATA_FOLDER, IF_BUSY, IF_MADE, IfBusy, IfMade, settings_of
from hgt_repurposing.defs.session import RunFacts, RunSession
from hgt_repurposing.graph.split import DrugDiseaseSplit
from hgt_repurposing.report.release_list import release_list
from hgt_repurposing.report.what_ran import Origin, RanStep
from hgt_repurposing.storage.attempts import all_attempts
from hgt_repurposing.storage.catalog import RAW_FOLDER, cost_of, data_folder, evaluated_split, path_of, version_path
from hgt_repurposing.storage.releases import all_releases, current
from hgt_repurposing.storage.software import software

T = TypeVar("T")

PART = "part"
"""Metadata key of an input that is a single part of an artefact."""
FOLDER_TAG = "hgt_repurposing/data_folder"
"""Tag of a run with the data folder that it uses."""


class Step(NamedTuple):
    """A running step."""

    session: RunSession
    name: str
    config: Mapping[str, Any]
    """Resolved. Any: JSON values."""

    def once(self, make: Callable[[], T], *, files: Sequence[str] = ()) -> T:
        """What the step makes, unless that was made before; all it is made of must have been read. Raises as `load`.

        Files: that it reads besides; as they may have changed, it is then made again.
        """
        if files:
            return make()
        made: T = self.session.once(self.name, make, step=self.name, config=self.config)
        return made

    @property
    def raw_folder(self) -> Path:
        """Folder of graph files if no path is given."""
        return self.session.root / RAW_FOLDER

    @property
    def root(self) -> Path:
        """The data folder."""
        return self.session.root

    def releases(self) -> tuple[str, list[str]]:
        """Id of the current release (empty: there is none), and the list of all as lines of text."""
        root = self.session.root
        now = current(root)
        run_id = self.session.run.run_id
        return now.id or "", release_list(all_releases(root), all_attempts(root), now, running=run_id)

    def digest(self, asset: str) -> str:
        """Digest of an artefact that the step has read."""
        return self.session.manifest(asset, step=self.name).digest

    def settings(self, asset: str) -> Any:
        """Settings of another asset, if this run makes it, else None. Any: that asset's own model."""
        return settings_of(asset, self.session.run.config) if self.session.run.makes(asset) else None

    def evaluated_split(self, split: DrugDiseaseSplit) -> DrugDiseaseSplit:
        """The part of a split on which the step's embeddings may be evaluated; raises as the catalog's function."""
        embeddings = self.session.manifest("hgt_embeddings", step=self.name)
        return evaluated_split(split, embeddings, root=self.session.root)

    def origin(self, *assets: str) -> Origin:
        """For the report: what all that the step has read and these artefacts were made with, and the decision.

        All must match everything that the step has read.
        """
        decision = self.session.load("release_decision", step=self.name)
        return Origin([self._ran(asset) for asset in assets], decision, _now(), software(), self.session.run.run_id)

    def _ran(self, asset: str) -> RanStep:
        manifest = self.session.manifest(asset, step=self.name)
        cost = cost_of(manifest, root=self.session.root)
        return RanStep(asset, manifest.digest, manifest.config, manifest.package_version, cost)


def _now() -> str:
    """ISO 8601, UTC."""
    return datetime.now(UTC).isoformat(timespec="seconds")


class ArtifactStore(dg.ConfigurableResource[Any]):  # Any: assets receive the resource itself
    """The data folder, and the run that uses it."""

    data_folder: str = DATA_FOLDER
    if_busy: IfBusy = IF_BUSY
    if_made: IfMade = IF_MADE
    _session: RunSession | None = PrivateAttr(None)

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[Self]:
        """Provide the session of a run or step; the data folder is not touched before a step needs it."""
        self._session = RunSession(
            _facts(context),
            root=lambda: data_folder(self.data_folder),
            wait=self.if_busy == "wait",
            make_again=self.if_made == "make_again",
        )
        try:
            yield self
        finally:
            self._session.end()

    @property
    def session(self) -> RunSession:
        """Session of the current run."""
        assert self._session is not None, "Dagster sets up a resource before passing it on"
        return self._session

    @contextmanager
    def step(self, context: dg.AssetExecutionContext) -> Iterator[Step]:
        """Context for making an asset: holds the data folder, shows the core's log, turns errors into one sentence."""
        with clear_errors(self.session.failed), shown_in(context.log):
            name = context.asset_key.to_user_string()
            self.session.begin_step(name)
            yield Step(self.session, name, config_of(context))


def _facts(context: dg.InitResourceContext) -> RunFacts:
    run, instance = context.run, context.instance
    assert run is not None, "the resource is only used in runs"

    def has_ended(run_id: str) -> bool:
        found = instance.get_run_by_id(run_id) if instance else None
        return found is not None and found.is_finished

    execution: Any = run.run_config.get("execution", {})  # Any: YAML values; Dagster has checked it
    in_process = "in_process" in execution.get("config", {})
    selected = run.asset_selection
    assets = None if selected is None else frozenset(key.to_user_string() for key in selected)
    if run.step_keys_to_execute is not None:
        assets = frozenset(run.step_keys_to_execute)
    if instance is None or instance.is_ephemeral:
        return RunFacts(run.run_id, run.run_config, assets, has_ended)
    return RunFacts(
        run.run_id,
        run.run_config,
        assets,
        has_ended,
        has_step_processes=not in_process,
        is_recorded=True,
        on_folder=lambda root: instance.add_run_tags(run.run_id, {FOLDER_TAG: str(root)}),
    )


def config_of(context: dg.AssetExecutionContext) -> dict[str, Any]:
    """Resolved configuration of the running step. Any: JSON values."""
    return dict(context.op_execution_context.op_config or {})


def part_of(asset: str, part: str) -> dg.AssetIn:
    """An input that is a single part of an artefact; the other parts are not read."""
    return dg.AssetIn(asset, metadata={PART: part})


class ArtifactIOManager(dg.IOManager):
    """Writes assets as artefacts and reads them."""

    def __init__(self, store: ArtifactStore) -> None:
        self._store = store

    def handle_output(self, context: dg.OutputContext, obj: Any) -> None:
        """Write an asset's value; its digest tells Dagster which assets became stale. Any: the asset's type."""
        asset, making = context.asset_key.to_user_string(), dg.AssetExecutionContext.get()
        with clear_errors(self._store.session.failed), shown_in(context.log):
            manifest = self._store.session.save(asset, obj, step=context.op_def.name, config=config_of(making))
        making.set_data_version(context.asset_key, dg.DataVersion(manifest.digest))
        context.add_output_metadata(
            {
                "dagster/uri": version_path(asset, manifest.header_sha256, root=self._store.session.root).as_uri(),
                "dagster/size_bytes": manifest.num_bytes,
                "digest": manifest.digest,
                "read": ", ".join(f"{name} {digest[:12]}" for name, digest in manifest.inputs.items()) or "nothing",
                "files": dg.MetadataValue.json(
                    {part: str(path_of(manifest, part, root=self._store.session.root)) for part in manifest.parts}
                ),
            }
        )

    def load_input(self, context: dg.InputContext) -> Any:
        """Read an upstream asset's value, or the part that `part_of` names. Any: the asset's type."""
        asset, part = context.asset_key.to_user_string(), context.definition_metadata.get(PART)
        with clear_errors(self._store.session.failed), shown_in(context.log):
            return self._store.session.load(asset, step=context.op_def.name, part=part)


@dg.io_manager(
    required_resource_keys={"store"}, description="Writes and reads assets as artefacts in the folder of `store`."
)
def artifact_io_manager(context: dg.InitResourceContext) -> ArtifactIOManager:
    """The IO manager; its folder is set in `store` alone."""
    return ArtifactIOManager(context.resources.store)
