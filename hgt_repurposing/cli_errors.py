"""Errors of the command line: one sentence, and status 1."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer


@contextmanager
def one_sentence() -> Iterator[None]:
    """Errors of input and machine end the command with one sentence and status 1."""
    try:
        yield
    except (ValueError, OSError) as error:
        typer.echo(f"error: {said_of(error)}", err=True)
        raise typer.Exit(1) from None


def said_of(error: Exception) -> str:
    """An error of input or machine as one sentence, with what to do about it."""
    from hgt_repurposing.defs.sentences import sentence_of  # noqa: PLC0415  (the rest of defs loads Dagster)

    return sentence_of(error)
