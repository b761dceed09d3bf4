"""Retraining when the content of a graph's files, or of its configuration, has changed."""

from pathlib import Path

import dagster as dg

from hgt_repurposing.defs.automation import repurposing_job
from hgt_repurposing.defs.content import CONTENT_TAG, SeenFiles, content_of, files_of
from hgt_repurposing.defs.dead_runs import unfinished_runs
from hgt_repurposing.defs.notifications import not_retrained
from hgt_repurposing.defs.retraining_plan import PlannedRetraining
from hgt_repurposing.defs.run_config import complaints, settings_of
from hgt_repurposing.defs.yaml_config import read_run_config
from hgt_repurposing.storage.catalog import data_folder

INTERVAL = 60
"""Seconds between two looks at the files; a run is requested when they rested from one look to the next."""


def file_sensor_of(entry: PlannedRetraining) -> dg.SensorDefinition:
    """The sensor of an entry that follows its files."""

    @dg.sensor(
        name=f"{entry.name}_on_change",
        job=repurposing_job,
        minimum_interval_seconds=INTERVAL,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=f"Retrain everything with {entry.config} when that file, or a file it names, has another content.",
    )
    def on_change(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        try:
            return _look(Path(entry.config), context)
        except (OSError, ValueError) as error:
            reason = f"{entry.config}: {error}"
            seen = SeenFiles.remembered(context.cursor)
            if seen.told == reason:
                return dg.SkipReason(reason)
            context.update_cursor(seen.model_copy(update={"told": reason}).model_dump_json())
            return not_retrained(entry.name, reason)

    return on_change


def _look(path: Path, context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """Look at the files of a configuration; raises OSError or ValueError if one of them cannot be used."""
    config = read_run_config(path.read_text(encoding="utf-8"))
    said = complaints(config)
    if said:
        raise ValueError("; ".join(said))
    files = files_of(config)
    seen = SeenFiles.remembered(context.cursor).looked_at([path, *files])
    context.update_cursor(seen.model_dump_json())
    if not seen.rests:
        return dg.SkipReason("files are new or have changed: they are used when they rest until the next look")
    content = content_of(config, [seen.digests[str(file)] for file in files])
    return _request(config, content, context.instance)


def _request(config: dict[str, object], content: str, instance: dg.DagsterInstance) -> dg.RunRequest | dg.SkipReason:
    """Request a run, unless there was one for this content or one is on."""
    used = instance.get_runs(dg.RunsFilter(tags={CONTENT_TAG: content}), limit=1)
    if used:
        return dg.SkipReason(f"nothing new: run {used[0].run_id} was requested for this content")
    running = unfinished_runs(instance, root=data_folder(settings_of("store", config).data_folder))
    if running:
        return dg.SkipReason(f"new content, which is used when run {running[0].run_id} has finished")
    return dg.RunRequest(run_key=content, run_config=config, tags={CONTENT_TAG: content})
