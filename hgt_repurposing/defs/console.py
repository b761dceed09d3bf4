"""What a terminal shows of a run: steps as they begin and end, checks, and the log; not Dagster's inner life."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import dagster as dg

from hgt_repurposing.storage.catalog import PLACES

STEP_EVENTS = frozenset({"STEP_START", "STEP_SUCCESS"})
"""Shown for assets; a check is one line, its result."""
OTHER_EVENTS = frozenset({"STEP_FAILURE", "ASSET_CHECK_EVALUATION"})
SKIPPED = "Dependencies for step"
"""How Dagster begins a line for each step that a failure keeps from running."""


class TerseFormatter(logging.Formatter):
    """Time, step and message."""

    def format(self, record: logging.LogRecord) -> str:
        """One line; a bug of ours keeps its stack trace, a wrong input is one sentence."""
        meta = _meta(record)
        message = _sentence(meta.get("dagster_event")) or meta.get("orig_message") or record.getMessage()
        level = f" {record.levelname}" if record.levelno > logging.INFO else ""
        return f"{self.formatTime(record, '%H:%M:%S')} {meta.get('step_key') or 'run'}:{level} {message}"


class TerseFilter(logging.Filter):
    """Lets the log and the chosen events pass."""

    def filter(self, record: logging.LogRecord) -> bool:
        """True for what a person wants to see."""
        event = _meta(record).get("dagster_event")
        if event is None:
            return record.levelno >= logging.INFO and not _meta(record).get("orig_message", "").startswith(SKIPPED)
        return event.event_type_value in OTHER_EVENTS or (
            event.event_type_value in STEP_EVENTS and event.step_key in PLACES
        )


def _sentence(event: dg.DagsterEvent | None) -> str | None:
    """What to say of an event instead of Dagster's own account of it."""
    if event is None:
        return None
    match event.event_type_value:
        case "STEP_START":
            return "started"
        case "STEP_SUCCESS":
            return f"done in {event.step_success_data.duration_ms / 1000:.1f} s"
        case "STEP_FAILURE":
            return _why_stopped(event)
        case "ASSET_CHECK_EVALUATION":
            check = event.asset_check_evaluation_data
            return f"{'passed' if check.passed else 'FAILED'}: {check.description}"
    return None


NO_BUGS = {
    "DagsterAssetCheckFailedError": "a check that must hold failed, see above",
    "DagsterExecutionInterruptedError": "interrupted",
    "ChildProcessCrashException": "the step's process was killed; often the machine had no memory left",
}
"""Errors of Dagster's that say something of the data, the user or the machine, in a sentence."""


def _why_stopped(event: dg.DagsterEvent) -> str | None:
    """The sentence of a wrong input, a failed check or a machine that refuses; of anything else all that is known."""
    failure = event.step_failure_data
    if failure.user_failure_data:
        return f"stopped: {failure.user_failure_data.description}"
    error = failure.error
    while error:
        if error.cls_name in NO_BUGS:
            return f"stopped: {NO_BUGS[error.cls_name]}"
        error = error.cause
    return f"stopped by a bug of ours, please report it: {failure.error.to_string()}" if failure.error else None


@dg.logger(config_schema={}, description="Steps, checks and log lines on the terminal, one short line each.")
def terse_console(_: dg.InitLoggerContext) -> logging.Logger:
    """The logger behind `loggers: console`."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(TerseFormatter())
    handler.addFilter(TerseFilter())
    logger = logging.Logger("console", level=logging.DEBUG)
    logger.addHandler(handler)
    return logger


class _Forward(logging.Handler):
    """Hands records on to another logger."""

    def __init__(self, logger: logging.Logger) -> None:
        super().__init__(logging.INFO)
        self._logger = logger

    def emit(self, record: logging.LogRecord) -> None:
        """Log the record's message there."""
        self._logger.log(record.levelno, record.getMessage())


@contextmanager
def shown_in(log: logging.Logger) -> Iterator[None]:
    """Let a step's log show what the core says while it works; the core itself has never heard of Dagster."""
    core, handler = logging.getLogger("hgt_repurposing"), _Forward(log)
    level, propagates = core.level, core.propagate
    core.addHandler(handler)
    core.setLevel(logging.INFO)
    core.propagate = False  # or warnings come twice
    try:
        yield
    finally:
        core.removeHandler(handler)
        core.setLevel(level)
        core.propagate = propagates


def _meta(record: logging.LogRecord) -> dict[str, Any]:
    """What Dagster attaches to a record. Any: strings, and an event."""
    return getattr(record, "dagster_meta", {})
