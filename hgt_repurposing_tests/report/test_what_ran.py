"""What ran, in words and figures."""

import pytest

from hgt_repurposing.report.what_ran import Origin, RanStep, duration, moment, what_ran
from hgt_repurposing.storage.step_cost import StepCost

GRAPH = RanStep(
    "knowledge_graph",
    "abc",
    {"source": "synthetic", "preset": "demo", "seed": 42},
    "0.1.0",
    StepCost("2026-11-28T02:29:00+00:00", 1.5, 0.3),
)
MODEL = RanStep("hgt_model", "def", {}, "0.1.0")
PARAMS = RanStep("embedding_params", "ghi", {"seed": 42, "nested": {"seed": 7}}, "0.1.0")
LISTS = RanStep("repurposing_candidates", "jkl", {}, "0.1.0", StepCost("2026-11-28T03:10:00+00:00", 60.0, 1.25))


def test_time_and_memory_are_of_the_steps_that_recorded_them() -> None:
    ran = what_ran(Origin([GRAPH, PARAMS, MODEL, LISTS]))
    assert (ran.seconds, ran.peak_gb, ran.num_unrecorded) == (61.5, 1.25, 2)
    assert (ran.first_made, ran.last_made) == ("2026-11-28T02:29:00+00:00", "2026-11-28T03:10:00+00:00")


def test_what_was_not_recorded_is_not_made_up() -> None:
    ran = what_ran(Origin([MODEL]))
    assert (ran.seconds, ran.peak_gb, ran.graph, ran.seeds, ran.first_made) == (None, None, "", [], "")
    assert moment("") == ""


def test_every_seed_is_named_with_the_steps_that_have_it() -> None:
    seeds = what_ran(Origin([GRAPH, PARAMS, MODEL])).seeds
    assert seeds == [("42", "knowledge_graph, embedding_params"), ("7", "embedding_params")]


@pytest.mark.parametrize(
    ("config", "source"),
    [
        ({"source": "synthetic", "preset": "demo", "path": ""}, "generated (preset demo)"),
        ({"source": "hetionet", "path": "/graphs/h"}, "hetionet, read from /graphs/h"),
        ({"source": "primekg", "path": ""}, "primekg"),
    ],
)
def test_the_graph_is_named_by_its_source(config: dict[str, str], source: str) -> None:
    assert what_ran(Origin([RanStep("knowledge_graph", "abc", config, "0.1.0")])).graph == source


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.04, "0.0 s"), (59.9, "59.9 s"), (60.0, "1 min 00 s"), (3599.6, "1 h 00 min"), (7260.0, "2 h 01 min")],
)
def test_a_wall_time_has_the_unit_it_deserves(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_a_moment_is_said_in_utc() -> None:
    assert moment("2026-11-28T02:29:31+00:00") == "2026-11-28 02:29 UTC"
