"""Values that take their time: asked for often, computed once, and an error is no dead end."""

import itertools
import threading

import pytest

from hgt_repurposing.explorer.in_background import InBackground, Pending


def test_a_value_is_computed_once() -> None:
    calls = itertools.count()
    kept = InBackground(lambda: next(calls))
    assert [kept.get(wait=10) for _ in range(3)] == [0, 0, 0]


def test_whoever_cannot_wait_is_told_what_is_being_done() -> None:
    may_end = threading.Event()
    kept = InBackground(lambda: may_end.wait(60), doing="reading")
    with pytest.raises(Pending, match="reading") as pending:
        kept.get(wait=0)
    assert pending.value.seconds >= 0
    may_end.set()
    assert kept.get(wait=60) is True


def test_an_error_is_raised_where_the_value_is_asked_for_and_the_next_call_tries_again() -> None:
    calls = itertools.count()

    def compute() -> str:
        if not next(calls):
            raise ValueError("damaged")
        return "mended"

    kept = InBackground(compute)
    with pytest.raises(ValueError, match="damaged"):
        kept.get(wait=10)
    assert kept.get(wait=10) == "mended"
