"""On which treatments two releases are compared, by what changed between them."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from hgt_repurposing.benchmark import new_treatments, refit
from hgt_repurposing.benchmark.challenge import Difference, PromotionPolicy
from hgt_repurposing.graph.message_graph import MessageGraphConfig
from hgt_repurposing.repurposing.params import ClassifierParams
from hgt_repurposing.storage.comparison import ONLY_FOLDS, OTHER_SETTINGS, SAME_TREATMENTS, compare_releases
from hgt_repurposing.storage.released import LearningSettings
from hgt_repurposing.training.params import EmbeddingParams
from hgt_repurposing_tests.benchmark.evaluations import evaluated
from hgt_repurposing_tests.benchmark.test_challenge import paired
from hgt_repurposing_tests.repurposing.planted import planted_graph, planted_pairs, planted_split

SETTINGS = LearningSettings(EmbeddingParams(), MessageGraphConfig(), ClassifierParams())
OTHER = SETTINGS._replace(embedding=EmbeddingParams(num_epochs=3))
TRAIN_ONLY = SETTINGS._replace(message=MessageGraphConfig(therapeutic_edges="train_only"))
GRAPH = planted_graph()
OLDER_GRAPH = planted_graph(planted_pairs()[:, 30:])
GOOD, BAD = (evaluated((ap, ap + 0.1), num_diseases=20) for ap in (0.6, 0.1))
EMBEDDINGS, WITHOUT_NEW = "embeddings", "embeddings without what is new"


class FakeRelease(SimpleNamespace):
    """What is asked of `ReleasedValues`."""

    def inputs(self, embeddings: str | None = None) -> str:
        return embeddings or EMBEDDINGS

    def scorer(self) -> str:
        return "scorer"


def release(
    *, graph: str = "A", folds: str = "A", settings: LearningSettings = SETTINGS, evaluation: object = GOOD
) -> Any:
    """Any: stands for released values."""
    digests = {"knowledge_graph": graph, "drug_disease_split": folds}
    return FakeRelease(
        manifests={name: SimpleNamespace(digest=digest) for name, digest in digests.items()},
        settings=settings,
        evaluation=evaluation,
        graph=GRAPH if graph == "A" else OLDER_GRAPH,
        split=planted_split(GRAPH),
    )


@pytest.fixture(autouse=True)
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, object]]:
    """What was trained or fitted again, instead of doing it."""
    found: list[tuple[str, object]] = []

    def evaluate_settings(_graph: object, _split: object, *settings: object, on_fold: object) -> object:
        assert callable(on_fold)
        found.append(("evaluated", LearningSettings(*settings)))  # type: ignore[arg-type]
        return BAD

    def compare_on_new_treatments(_new: object, scorer: object, _graph: object, inputs: object, _params: object) -> Any:
        assert scorer == "scorer"
        found.append(("fitted", inputs))
        return [paired(0.5, 0.6)]

    def embeddings_without(treatments: np.ndarray[Any, Any], *_: object) -> str:
        found.append(("trained without", treatments.shape[1]))
        return WITHOUT_NEW

    monkeypatch.setattr(refit, "evaluate_settings", evaluate_settings)
    monkeypatch.setattr(refit, "embeddings_without", embeddings_without)
    monkeypatch.setattr(new_treatments, "compare_on_new_treatments", compare_on_new_treatments)
    return found


def compare(before: Any, now: Any) -> tuple[list[Difference], list[str]]:
    return compare_releases(before, now, PromotionPolicy())


def test_on_one_graph_and_folds_both_evaluations_are_compared(asked: list[object]) -> None:
    found, notes = compare(release(evaluation=BAD), release(settings=OTHER))
    assert [(one.verdict, one.paired) for one in found] == [("better", True)]
    assert (notes, asked) == ([SAME_TREATMENTS], [])


def test_with_other_folds_and_the_same_settings_nothing_is_fitted_again(asked: list[object]) -> None:
    """It would be the new release once more, which no gate could keep aside."""
    found, notes = compare(release(folds="B"), release(evaluation=BAD))
    assert [(one.verdict, one.paired) for one in found] == [("worse", False)]  # beyond the noise of both
    assert notes[0] == ONLY_FOLDS
    assert asked == []


@pytest.mark.parametrize("before", [release(folds="B", settings=OTHER), release(graph="B", settings=OTHER)])
def test_the_settings_of_before_are_tried_on_the_new_graph_and_folds(before: Any, asked: list[object]) -> None:
    found, notes = compare(before, release(settings=SETTINGS))
    assert asked == [("evaluated", OTHER)]
    assert [(one.verdict, one.paired) for one in found] == [("better", True)]
    assert notes[0] == OTHER_SETTINGS
    assert notes[1].startswith("each on its own held-out treatments: ")


def test_where_only_the_graph_changed_its_new_treatments_count(asked: list[object]) -> None:
    found, notes = compare(release(graph="B"), release())
    assert asked == [("fitted", EMBEDDINGS)]
    assert found[0].paired
    assert notes[0].startswith("30 treatments are new in the graph: the current model ranked them before")


def test_embeddings_that_have_seen_new_treatments_are_trained_without_them(asked: list[object]) -> None:
    _, notes = compare(release(graph="B", settings=TRAIN_ONLY), release(settings=TRAIN_ONLY))
    assert asked == [("trained without", 30), ("fitted", WITHOUT_NEW)]
    assert notes[0].endswith("the new one was trained and fitted without them")


def test_with_too_few_new_treatments_each_counts_on_its_own(asked: list[object]) -> None:
    found, notes = compare(release(), release(graph="B"))  # the newer graph has lost 30, and gained none
    assert asked == []
    assert not found[0].paired
    assert notes[0] == "0 treatments of drugs and diseases that both graphs have are new, fewer than 20"
