import time

import numpy as np

from hgt_repurposing.graph.sources.closest import closest_texts

IDS = ["Compound::DB00843", "Compound::DB00834", "Compound::DB01234", "Compound::DB08888"]


def test_the_closest_come_first() -> None:
    assert closest_texts(["DB0843"], IDS, number=2) == [("Compound::DB00843", "Compound::DB00834")]


def test_case_does_not_count() -> None:
    assert closest_texts(["donepezil"], ["DONEPEZIL", "donor"], number=1) == [("DONEPEZIL",)]


def test_what_shares_nothing_is_not_offered() -> None:
    assert closest_texts(["xyz"], ["abc", "xylose"]) == [("xylose",)]


def test_ties_are_broken_by_the_alphabet() -> None:
    assert closest_texts(["ab1"], ["ab3", "ab2"]) == [("ab2", "ab3")]


def test_empty_input_gives_empty_output() -> None:
    assert closest_texts([], IDS) == []
    assert closest_texts(["a"], []) == [()]


def test_a_thousand_unknown_ids_of_a_large_graph_take_seconds() -> None:
    # With difflib alone this takes minutes: measured 2 s here, so a busy machine has room.
    numbers = np.random.default_rng(0).choice(10**5, size=9000, replace=False)
    ids = [f"DB{number:05d}" for number in numbers]
    start = time.process_time()
    found = closest_texts(ids[8000:], ids[:8000])
    assert time.process_time() - start < 60
    assert all(len(closest) == 3 for closest in found)
