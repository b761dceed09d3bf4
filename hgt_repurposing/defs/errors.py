"""Errors that are not bugs become one sentence: invalid input, a full disk, a folder that is not writable.

None of them is retried, nor is what a person interrupts; a step whose process was killed says nothing, and is.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import dagster as dg

from hgt_repurposing.defs.sentences import sentence_of


@contextmanager
def clear_errors(on_error: Callable[[str], None] = lambda _: None) -> Iterator[None]:
    """Let input and machine errors end a step with one sentence, without a retry.

    Args:
        on_error: Called with the sentence; of an error that is a bug, with its name and message.
    """
    try:
        yield
    except (ValueError, OSError, MemoryError) as error:
        on_error(sentence_of(error))
        raise dg.Failure(description=sentence_of(error), allow_retries=False) from error
    except (KeyboardInterrupt, dg.DagsterExecutionInterruptedError) as error:
        on_error("interrupted")
        raise dg.Failure(description="interrupted", allow_retries=False) from error
    except Exception as error:
        on_error(f"{type(error).__name__}: {error}")
        raise
