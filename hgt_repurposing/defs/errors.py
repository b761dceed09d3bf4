"""Errors that are no bug of ours become one sentence: a wrong input, a full disk, a folder that cannot be written."""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from hgt_repurposing.defs.sentences import sentence_of


@contextmanager
def clear_errors() -> Iterator[None]:
    """What is wrong with the input or with the machine ends a step in its one sentence, and is not tried again."""
    try:
        yield
    except (ValueError, OSError, MemoryError) as error:
        raise dg.Failure(description=sentence_of(error), allow_retries=False) from error
