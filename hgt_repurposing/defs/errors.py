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
    said = " ".join(str(error).split())
    noted = "".join(f", {note}" for note in getattr(error, "__notes__", ()))
    if isinstance(error, MemoryError):
        return f"memory ran out ({said or 'no more was granted'}{noted}): close other programs, or run a smaller graph"
    if isinstance(error, OSError) and not isinstance(error, FileNotFoundError):
        return (
            f"the machine refuses ({said}{noted}): look at disk space, permissions and the data folder, and run again"
        )
    return f"{said}{noted}"
