"""The demo graph does not take the place of mine."""

from pathlib import Path

import pytest

from hgt_repurposing.defs.preconditions import demo_over_another_graph
from hgt_repurposing.defs.yaml_config import read_run_config
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.storage import manifest
from hgt_repurposing.storage.catalog import save
from hgt_repurposing_tests.defs.test_run_config import of


def graph_from(source: str, graph: KnowledgeGraph, root: Path) -> None:
    save("knowledge_graph", graph, root=root, config={"source": source})


@pytest.mark.parametrize(
    "text", ["{}", "ops: {}", of("embedding_params", "num_epochs: 3"), of("knowledge_graph", "seed: 7")]
)
def test_the_demo_that_nobody_asked_for_does_not_replace_a_real_graph(
    toy_graph: KnowledgeGraph, tmp_path: Path, text: str
) -> None:
    graph_from("hetionet", toy_graph, tmp_path)
    with pytest.raises(
        ValueError, match=r"^no graph is named, and the demo graph would replace .* \(source hetionet\)"
    ):
        demo_over_another_graph(read_run_config(text), root=tmp_path)


@pytest.mark.parametrize("source", ["auto", "synthetic"])
def test_the_demo_replaces_the_demo(toy_graph: KnowledgeGraph, tmp_path: Path, source: str) -> None:
    demo_over_another_graph({}, root=tmp_path)
    graph_from(source, toy_graph, tmp_path)
    demo_over_another_graph({}, root=tmp_path)


@pytest.mark.parametrize("settings", ["source: synthetic", "source: tables, path: /mine"])
def test_who_names_a_graph_gets_it(toy_graph: KnowledgeGraph, tmp_path: Path, settings: str) -> None:
    graph_from("hetionet", toy_graph, tmp_path)
    demo_over_another_graph(read_run_config(of("knowledge_graph", settings)), root=tmp_path)


def test_a_graph_that_cannot_be_read_counts_as_somebodys(
    toy_graph: KnowledgeGraph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(manifest, "FORMAT_VERSION", manifest.FORMAT_VERSION - 1)
    graph_from("synthetic", toy_graph, tmp_path)
    monkeypatch.undo()
    with pytest.raises(ValueError, match=r"the demo graph would replace .* \(source unknown\)"):
        demo_over_another_graph({}, root=tmp_path)
