"""Which split the embeddings in a data folder may be used with, by what their manifests say."""

from pathlib import Path

import pytest

from hgt_repurposing.artifacts import Provenance, write_artifact
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.message_graph import SCOPE_PART, MessageScope
from hgt_repurposing.graph.split import DrugDiseaseSplit, FoldKey, SplitConfig, split_drug_disease_pairs
from hgt_repurposing.layout import folder_of, judged_split, manifest_of, save

CHAIN = ("hetero_data", "hgt_model", "hgt_embeddings")


def write(name: str, parents: list[str], value: object, root: Path) -> None:
    """An artefact of one part, made from these parents as they lie there now."""
    inputs = {parent: manifest_of(parent, root=root).digest for parent in parents}
    part = SCOPE_PART if name == "hetero_data" else "about.json"
    write_artifact(folder_of(name, root=root), name, {part: value}, Provenance(inputs=inputs))


def write_chain(
    split: DrugDiseaseSplit, root: Path, fold: FoldKey | None = None, chain: tuple[str, ...] = CHAIN
) -> None:
    """The artefacts between a split and the embeddings."""
    scope = MessageScope(split.digest, fold).to_json()
    for name, parents, value in (
        ("hetero_data", ["drug_disease_split"], scope),
        ("hgt_model", ["hetero_data"], f"weights on {scope}"),
        ("hgt_embeddings", ["hetero_data", "hgt_model"], "vectors"),
    ):
        if name in chain:
            write(name, parents, value, root)


def split_of(graph: KnowledgeGraph, root: Path, seed: int = 0) -> DrugDiseaseSplit:
    """The graph's split, as it lies in the data folder."""
    split = split_drug_disease_pairs(graph, SplitConfig(num_folds=2, seed=seed))
    save("drug_disease_split", split, root=root, config={}, inputs=[])
    return split


def test_embeddings_without_drug_disease_edges_serve_the_whole_split(toy_graph: KnowledgeGraph, tmp_path: Path) -> None:
    split = split_of(toy_graph, tmp_path)
    write_chain(split, tmp_path)
    assert judged_split(split, root=tmp_path) is split


def test_embeddings_of_one_fold_serve_that_fold_only(toy_graph: KnowledgeGraph, tmp_path: Path) -> None:
    split, key = split_of(toy_graph, tmp_path), FoldKey("pair", repeat=0, fold=1)
    write_chain(split, tmp_path, key)
    assert judged_split(split, root=tmp_path).keys == (key,)


@pytest.mark.parametrize("again", [(), ("hetero_data",), ("hetero_data", "hgt_model")], ids=len)
def test_embeddings_of_another_split_are_refused(
    toy_graph: KnowledgeGraph, tmp_path: Path, again: tuple[str, ...]
) -> None:
    write_chain(split_of(toy_graph, tmp_path), tmp_path)
    other = split_of(toy_graph, tmp_path, seed=1)
    write_chain(other, tmp_path, chain=again)
    stale, source = (("hetero_data", "drug_disease_split"), ("hgt_embeddings", "hetero_data"))[min(len(again), 1)]
    with pytest.raises(ValueError, match=rf"^{stale} was made from another {source} than lies in .* {stale} again"):
        judged_split(other, root=tmp_path)


def test_a_chain_made_again_serves_the_new_split(toy_graph: KnowledgeGraph, tmp_path: Path) -> None:
    write_chain(split_of(toy_graph, tmp_path), tmp_path)
    other = split_of(toy_graph, tmp_path, seed=1)
    write_chain(other, tmp_path)
    assert judged_split(other, root=tmp_path) is other


def test_a_split_that_is_not_that_of_the_data_folder_is_refused(toy_graph: KnowledgeGraph, tmp_path: Path) -> None:
    write_chain(split_of(toy_graph, tmp_path), tmp_path)
    other = split_drug_disease_pairs(toy_graph, SplitConfig(num_folds=2, seed=1))
    with pytest.raises(ValueError, match="the message graph was made for another split"):
        judged_split(other, root=tmp_path)
