"""What the core says reaches the log of the step, once, and nothing stays behind."""

import errno
import logging
from collections.abc import Iterator
from contextlib import nullcontext

import dagster as dg
import pytest
from dagster._core.errors import DagsterAssetCheckFailedError

from hgt_repurposing.defs.console import shown_in, terse_console
from hgt_repurposing.defs.errors import clear_errors

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


def shown_of(error: BaseException, capsys: pytest.CaptureFixture[str]) -> str:
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


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "/data/x.csv"),
         "system error ([Errno 28] No space left on device: '/data/x.csv'): check disk space, permissions and"),
        (PermissionError(errno.EROFS, "Read-only file system", "/data"), "system error ([Errno 30] Read-only"),
        (NotADirectoryError(errno.ENOTDIR, "Not a directory", "/data"), "system error ([Errno 20] Not a dir"),
        (MemoryError(), "out of memory (no details): close other programs, or use a smaller graph"),
        (MemoryError("Unable to allocate 9 GiB"), "out of memory (Unable to allocate 9 GiB): close other programs"),
        (FileNotFoundError("kg.csv: no such file"), "kg.csv: no such file"),
        (ValueError("two\nlines"), "two lines"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)  # fmt: skip
def test_what_the_users_machine_refuses_is_one_sentence_and_no_bug_of_ours(
    error: Exception, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(dg.Failure) as failure, clear_errors():
        raise error
    text = shown_of(failure.value, capsys)
    assert f"fails: ERROR stopped: {sentence}" in text
    assert "Traceback" not in text
    assert "bug" not in text


def test_a_note_on_an_error_is_part_of_its_sentence() -> None:
    error = OSError("No space left on device")
    error.add_note("while writing a.csv of the artefact 'x' to /data")
    with pytest.raises(dg.Failure) as failure, clear_errors():
        raise error
    assert "(No space left on device, while writing a.csv of the artefact 'x' to /data)" in str(
        failure.value.description
    )


def test_a_check_that_must_hold_and_an_interruption_are_no_bugs_of_ours(capsys: pytest.CaptureFixture[str]) -> None:
    for error, said in (
        (dg.DagsterExecutionInterruptedError(), "stopped: interrupted"),
        (DagsterAssetCheckFailedError("blocking"), "stopped: a blocking check failed, see above"),
    ):
        text = shown_of(error, capsys)
        assert said in text
        assert "bug" not in text


def test_a_bug_of_ours_shows_its_kind_its_message_and_where_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    text = shown_of(IndexError("dimension out of range"), capsys)
    assert "fails: ERROR stopped by a bug in hgt_repurposing, please report it" in text
    assert "IndexError: dimension out of range" in text
    assert 'test_console.py", line' in text
    assert "raise error" in text


@pytest.mark.parametrize(
    ("error", "attempts", "said"),
    [
        (KeyboardInterrupt(), 1, "again: ERROR stopped: interrupted"),
        (ValueError("no such file"), 1, "again: ERROR stopped: no such file"),
        (RuntimeError("a moment of weakness"), 2, "again: begins again after it stopped by a bug"),
    ],
)
def test_a_step_begins_again_only_after_what_is_nobodys_decision(
    error: BaseException, attempts: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """`kill -9` leaves no error at all, and is tried in defs/test_killed.py."""
    tried: list[None] = []

    @dg.op
    def again() -> None:
        tried.append(None)
        with clear_errors():
            if len(tried) == 1:
                raise error

    @dg.job(logger_defs={"console": terse_console}, op_retry_policy=dg.RetryPolicy(max_retries=1))
    def job() -> None:
        again()

    job.execute_in_process(run_config={"loggers": {"console": {}}}, raise_on_error=False)
    assert len(tried) == attempts
    assert said in capsys.readouterr().err
