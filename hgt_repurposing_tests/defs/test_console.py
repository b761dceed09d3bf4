"""What the core says reaches the log of the step, once, and nothing stays behind."""

import logging
from collections.abc import Iterator
from contextlib import nullcontext

import dagster as dg
import pytest

from hgt_repurposing.defs.console import shown_in, terse_console

CORE = logging.getLogger("hgt_repurposing")
MODULE = logging.getLogger("hgt_repurposing.training.loop")


class Kept(logging.Handler):
    """Keeps level and message."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[tuple[str, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append((record.levelname, record.getMessage()))


@pytest.fixture
def step_log() -> Iterator[tuple[logging.Logger, Kept]]:
    """A log like that of a Dagster step."""
    logger, kept = logging.Logger("step", level=logging.DEBUG), Kept()
    logger.addHandler(kept)
    yield logger, kept
    logger.removeHandler(kept)


def test_infos_and_warnings_come_once_each_with_their_level_and_values(step_log: tuple[logging.Logger, Kept]) -> None:
    logger, kept = step_log
    with shown_in(logger):
        MODULE.debug("not shown")
        MODULE.info("epoch %d", 3)
        MODULE.warning("100 %% of %s", "it")
        logging.getLogger("another.package").error("not ours")
    assert kept.lines == [("INFO", "epoch 3"), ("WARNING", "100 % of it")]


def test_a_percent_sign_in_a_message_is_no_placeholder(step_log: tuple[logging.Logger, Kept]) -> None:
    logger, kept = step_log
    with shown_in(logger):
        MODULE.info("%s", "50 %s")
    assert kept.lines == [("INFO", "50 %s")]


def test_nothing_is_said_twice_by_handlers_further_up(
    step_log: tuple[logging.Logger, Kept], caplog: pytest.LogCaptureFixture
) -> None:
    logger, kept = step_log
    with shown_in(logger):
        MODULE.warning("once")
    assert len(kept.lines) == 1
    assert caplog.messages == []  # it listens at the root


def end_of_training(*, fails: bool) -> None:
    if fails:
        raise ValueError("training ended")


@pytest.mark.parametrize("fails", [False, True])
def test_logging_is_afterwards_as_it_was_before(
    step_log: tuple[logging.Logger, Kept],
    fails: bool,  # noqa: FBT001  (a parameter of the test)
) -> None:
    before = (CORE.level, CORE.propagate, list(CORE.handlers))
    expected = pytest.raises(ValueError, match="training ended") if fails else nullcontext()
    with expected, shown_in(step_log[0]):
        end_of_training(fails=fails)
    assert (CORE.level, CORE.propagate, list(CORE.handlers)) == before
    MODULE.warning("outside")
    assert step_log[1].lines == []


def shown_of(error: Exception, capsys: pytest.CaptureFixture[str]) -> str:
    """What the terminal shows of a step that ends with this error."""

    @dg.op
    def fails() -> None:
        raise error

    @dg.job(logger_defs={"console": terse_console})
    def job() -> None:
        fails()

    assert not job.execute_in_process(run_config={"loggers": {"console": {}}}, raise_on_error=False).success
    return capsys.readouterr().err


def test_a_wrong_input_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    text = shown_of(dg.Failure(description="nodes.csv: row 3 has no id"), capsys)
    assert text.rstrip().endswith("fails: ERROR stopped: nodes.csv: row 3 has no id")
    assert "Traceback" not in text


def test_a_bug_of_ours_shows_its_kind_its_message_and_where_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    text = shown_of(IndexError("dimension out of range"), capsys)
    assert "fails: ERROR stopped by a bug of ours, please report it" in text
    assert "IndexError: dimension out of range" in text
    assert 'test_console.py", line' in text
    assert "raise error" in text
