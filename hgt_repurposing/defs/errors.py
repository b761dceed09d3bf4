"""Errors that are no bug of ours become one sentence: a wrong input, a full disk, a folder that cannot be written."""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg


@contextmanager
def clear_errors() -> Iterator[None]:
    """What is wrong with the input or with the machine ends a step in its one sentence, and is not tried again."""
    try:
        yield
    except (ValueError, OSError, MemoryError) as error:
        raise dg.Failure(description=sentence_of(error), allow_retries=False) from error


def sentence_of(error: Exception) -> str:
    """What a person needs to know of an error: its own sentence, or what is the matter with his machine."""
    said = ", ".join([" ".join(str(error).split()), *getattr(error, "__notes__", ())])
    match error:
        case MemoryError():
            return f"memory ran out ({said or 'no more was granted'}): close other programs, or take a smaller graph"
        case FileNotFoundError() | ValueError():
            return said
        case _:
            return f"the machine refuses ({said}): see to disk space, permissions and the data folder, and run again"
