"""Terminal output of a run: start and end of steps, checks, and the log, without Dagster's internals."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import dagster as dg

from hgt_repurposing.defs.run_config import ASSETS

STEP_EVENTS = frozenset({"STEP_START", "STEP_SUCCESS"})
"""Shown for assets; a check only has a line for its result."""
OTHER_EVENTS = frozenset({"STEP_FAILURE", "STEP_UP_FOR_RETRY", "ASSET_CHECK_EVALUATION"})
SKIPPED = "Dependencies for step"
"""Start of Dagster's line for each step that is skipped after a failure."""


class TerseFormatter(logging.Formatter):
    """Time, step and message."""

    def format(self, record: logging.LogRecord) -> str:
        """One line; bugs keep their stack trace, input errors are one sentence."""
        meta = _meta(record)
        event = meta.get("dagster_event")
        message = (event and _sentence(event)) or meta.get("orig_message") or record.getMessage()
        level = f" {record.levelname}" if record.levelno > logging.INFO else ""
        return f"{self.formatTime(record, '%H:%M:%S')} {meta.get('step_key') or 'run'}:{level} {message}"


class TerseFilter(logging.Filter):
    """Passes the log and selected events."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to show a record."""
        event = _meta(record).get("dagster_event")
        if event is None:
            return record.levelno >= logging.INFO and not _meta(record).get("orig_message", "").startswith(SKIPPED)
        return event.event_type_value in OTHER_EVENTS or (
            event.event_type_value in STEP_EVENTS and event.step_key in ASSETS
        )


def _sentence(event: dg.DagsterEvent) -> str | None:
    """Message for an event in place of Dagster's own."""
    match event.event_type_value:
        case "STEP_START":
            return "started"
        case "STEP_SUCCESS":
            return f"done in {event.step_success_data.duration_ms / 1000:.1f} s"
        case "STEP_FAILURE":
            return _why_stopped(event)
        case "STEP_UP_FOR_RETRY":
            return f"begins again after it {_cause(event.step_retry_data.error)}"
        case "ASSET_CHECK_EVALUATION":
            check = event.asset_check_evaluation_data
            return f"{'passed' if check.passed else 'FAILED'}: {check.description}"
    return None


NO_BUGS = {
    "DagsterAssetCheckFailedError": "a blocking check failed, see above",
    "DagsterExecutionInterruptedError": "interrupted",
    "ChildProcessCrashException": "the step's process was killed, often for lack of memory",
}
"""Messages for Dagster's errors that are caused by the data, the user or the machine."""


def _why_stopped(event: dg.DagsterEvent) -> str | None:
    """One sentence for input errors, failed checks and machine errors; the full traceback for anything else."""
    failure = event.step_failure_data
    if failure.user_failure_data:
        return f"stopped: {failure.user_failure_data.description}"
    return _cause(failure.error) if failure.error else None


def _cause(whole: Any) -> str:
    """What stopped a step that gave no reason itself. Any: Dagster's description of an error."""
    error = whole
    while error:
        if error.cls_name in NO_BUGS:
            return f"stopped: {NO_BUGS[error.cls_name]}"
        error = error.cause
    return f"stopped by a bug in hgt_repurposing, please report it: {whole.to_string()}"


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
    """Forwards records to another logger."""

    def __init__(self, logger: logging.Logger) -> None:
        super().__init__(logging.INFO)
        self._logger = logger

    def emit(self, record: logging.LogRecord) -> None:
        """Log the record's message there."""
        self._logger.log(record.levelno, record.getMessage())


@contextmanager
def shown_in(log: logging.Logger) -> Iterator[None]:
    """Show the core's log records in a step's log; the core itself does not know Dagster."""
    core, handler = logging.getLogger("hgt_repurposing"), _Forward(log)
    level, propagates = core.level, core.propagate
    core.addHandler(handler)
    core.setLevel(logging.INFO)
    core.propagate = False  # otherwise warnings appear twice
    try:
        yield
    finally:
        core.removeHandler(handler)
        core.setLevel(level)
        core.propagate = propagates


def _meta(record: logging.LogRecord) -> dict[str, Any]:
    """What Dagster attaches to a record. Any: strings, and an event."""
    return getattr(record, "dagster_meta", {})
