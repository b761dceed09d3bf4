"""What belongs together: what artefacts say they were made from, and which split embeddings may be used with."""

import os
from pathlib import Path

import pytest

from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.message_graph import SCOPE_PART, MessageScope
from hgt_repurposing.graph.split import DrugDiseaseSplit, FoldKey, SplitConfig, split_drug_disease_pairs
from hgt_repurposing.mismatch import MismatchError
from hgt_repurposing.storage import catalog
from hgt_repurposing.storage.artifacts import write_contents
from hgt_repurposing.storage.catalog import (
    DATA_VARIABLE,
    contents_folder,
    cost_of,
    data_folder,
    evaluated_split,
    keep_version,
    lineage,
    load_described,
    made_before,
    manifest_of,
    path_of,
    save,
    working_folder,
)
from hgt_repurposing.storage.manifest import Manifest, Provenance, header_of
from hgt_repurposing.storage.step_cost import StepCost


def write(root: Path, name: str, value: object, *inputs: Manifest) -> Manifest:
    """An artefact of one part, made from these."""
    part = SCOPE_PART if name == "hetero_data" else "about.json"
    digests = {manifest.name: manifest.digest for manifest in inputs}
    provenance = Provenance(inputs=digests, lineage=lineage(inputs))
    parts = write_contents(contents_folder(root), {part: value}, what=name)
    made = header_of(name, parts, provenance)
    keep_version(made, root=root)
    return made


def split_of(graph: KnowledgeGraph, seed: int = 0) -> DrugDiseaseSplit:
    return split_drug_disease_pairs(graph, SplitConfig(num_folds=2, seed=seed))


def write_chain(split: DrugDiseaseSplit, root: Path, fold: FoldKey | None = None) -> Manifest:
    """The artefacts between a split and the embeddings; the embeddings' manifest."""
    made_of = save("drug_disease_split", split, root=root, config={})
    scope = MessageScope(split.digest, fold).to_json()
    data = write(root, "hetero_data", scope, made_of)
    model = write(root, "hgt_model", f"weights on {scope}", data)
    return write(root, "hgt_embeddings", f"vectors on {scope}", data, model)


# what a step took


COST = StepCost("2026-11-28T02:29:00+00:00", 12.3, 0.8)


def test_what_a_step_took_is_kept_beside_its_result_and_is_no_part_of_it(
    toy_graph: KnowledgeGraph, tmp_path: Path
) -> None:
    made = save("knowledge_graph", toy_graph, root=tmp_path, config={}, cost=COST)
    assert cost_of(made, root=tmp_path) == COST
    assert load_described("knowledge_graph", root=tmp_path).value.digest == toy_graph.digest
    again = save("knowledge_graph", toy_graph, root=tmp_path, config={}, cost=COST._replace(seconds=1.0))
    assert again.digest == made.digest
    assert "knowledge_graph.measured.json" in made.parts


def test_of_a_version_that_says_nothing_of_it_the_cost_is_not_known(toy_graph: KnowledgeGraph, tmp_path: Path) -> None:
    assert cost_of(save("knowledge_graph", toy_graph, root=tmp_path, config={}), root=tmp_path) is None


# lineage


def test_a_lineage_reaches_back_to_the_first_artefact(tmp_path: Path) -> None:
    first = write(tmp_path, "knowledge_graph", 1)
    second = write(tmp_path, "drug_disease_split", 2, first)
    third = write(tmp_path, "hetero_data", 3, first, second)
    assert third.inputs == {"knowledge_graph": first.digest, "drug_disease_split": second.digest}
    last = write(tmp_path, "hgt_model", 4, third)
    assert last.inputs == {"hetero_data": third.digest}
    assert last.lineage == {**third.inputs, "hetero_data": third.digest}


def test_the_digest_of_an_input_is_that_of_the_value_that_was_read(toy_graph: KnowledgeGraph, tmp_path: Path) -> None:
    """Another run may write a new version between reading and writing (case 01)."""
    save("knowledge_graph", toy_graph, root=tmp_path, config={})
    read = load_described("knowledge_graph", root=tmp_path)
    other = toy_graph.without(list(toy_graph.edges)[:1])
    newer = save("knowledge_graph", other, root=tmp_path, config={})
    made = save("drug_disease_split", split_of(read.value), root=tmp_path, config={}, inputs=[read.manifest])
    assert made.inputs["knowledge_graph"] == read.manifest.digest != newer.digest


def test_what_was_made_from_another_version_than_is_read_beside_it_is_refused(tmp_path: Path) -> None:
    old = write(tmp_path, "knowledge_graph", "old")
    split = write(tmp_path, "drug_disease_split", "of the old", old)
    new = write(tmp_path, "knowledge_graph", "new")
    said = "^drug_disease_split was made from another knowledge_graph than the current one$"
    with pytest.raises(ValueError, match=said):
        lineage([new, split])
    with pytest.raises(ValueError, match=said):
        lineage([split, new])


def test_two_that_descend_from_different_versions_are_refused(tmp_path: Path) -> None:
    split = write(tmp_path, "drug_disease_split", "of the old", write(tmp_path, "knowledge_graph", "old"))
    data = write(tmp_path, "hetero_data", "of the new", write(tmp_path, "knowledge_graph", "new"))
    said = r"^drug_disease_split and hetero_data were made from different versions of knowledge_graph$"
    with pytest.raises(MismatchError, match=said) as caught:
        lineage([split, data])
    assert caught.value.stale == ("drug_disease_split", "hetero_data")


def test_a_version_made_again_with_the_same_content_is_the_same(tmp_path: Path) -> None:
    split = write(tmp_path, "drug_disease_split", 2, write(tmp_path, "knowledge_graph", 1))
    again = write(tmp_path, "knowledge_graph", 1)
    assert lineage([split, again])["knowledge_graph"] == again.digest


# the split of embeddings


def test_embeddings_without_drug_disease_edges_serve_the_whole_split(toy_graph: KnowledgeGraph, tmp_path: Path) -> None:
    split = split_of(toy_graph)
    assert evaluated_split(split, write_chain(split, tmp_path), root=tmp_path) is split


def test_embeddings_of_one_fold_serve_that_fold_only(toy_graph: KnowledgeGraph, tmp_path: Path) -> None:
    split, key = split_of(toy_graph), FoldKey("pair", repeat=0, fold=1)
    assert evaluated_split(split, write_chain(split, tmp_path, key), root=tmp_path).keys == (key,)


def test_embeddings_of_another_message_graph_than_lies_here_are_refused(
    toy_graph: KnowledgeGraph, tmp_path: Path
) -> None:
    stale = write_chain(split_of(toy_graph), tmp_path)
    other = split_of(toy_graph, seed=1)
    write_chain(other, tmp_path)
    with pytest.raises(MismatchError, match=r"^hgt_embeddings was made from another hetero_data") as caught:
        evaluated_split(other, stale, root=tmp_path)
    assert caught.value.stale == ("hgt_embeddings",)


def test_a_split_that_is_not_that_of_the_message_graph_is_refused(toy_graph: KnowledgeGraph, tmp_path: Path) -> None:
    embeddings = write_chain(split_of(toy_graph), tmp_path)
    with pytest.raises(ValueError, match="the message graph was made for another split"):
        evaluated_split(split_of(toy_graph, seed=1), embeddings, root=tmp_path)


# the data folder


def test_a_data_folder_named_by_the_environment_must_mean_the_same_for_every_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(DATA_VARIABLE, "results")
    with pytest.raises(ValueError, match=r"^HGT_REPURPOSING_DATA must be an absolute path, .* \(got 'results'\)"):
        data_folder()


def test_a_tilde_is_the_home_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(DATA_VARIABLE, "~/results")
    assert data_folder() == (Path.home() / "results").resolve()
    assert data_folder("~/others") == (Path.home() / "others").resolve()


def test_without_a_name_it_lies_in_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(DATA_VARIABLE, raising=False)
    monkeypatch.chdir(tmp_path)
    assert data_folder() == tmp_path.resolve() / "data"


def test_a_manifest_read_from_disk_is_the_one_that_was_written(tmp_path: Path) -> None:
    made = write(tmp_path, "drug_disease_split", 2, write(tmp_path, "knowledge_graph", 1))
    assert manifest_of("drug_disease_split", root=tmp_path) == made


# what was made before


def saved(root: Path, graph: KnowledgeGraph, **config: object) -> Manifest:
    return save("knowledge_graph", graph, root=root, config=config)


def test_the_same_code_inputs_and_settings_are_known_again(toy_graph: KnowledgeGraph, tmp_path: Path) -> None:
    made = saved(tmp_path, toy_graph, seed=1)
    assert made_before("knowledge_graph", root=tmp_path, config={"seed": 1}) == made
    assert made_before("knowledge_graph", root=tmp_path, config={"seed": 2}) is None
    assert made_before("knowledge_graph", root=tmp_path, config={"seed": 1}, inputs=[made]) is None


@pytest.mark.parametrize("changed", ["code_digest", "software"])
def test_other_code_or_other_libraries_make_it_again(
    toy_graph: KnowledgeGraph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changed: str
) -> None:
    saved(tmp_path, toy_graph)
    monkeypatch.setattr(catalog, changed, lambda: "another")
    assert made_before("knowledge_graph", root=tmp_path, config={}) is None


def test_a_version_whose_content_is_gone_or_cut_is_made_again(toy_graph: KnowledgeGraph, tmp_path: Path) -> None:
    made = saved(tmp_path, toy_graph)
    part = path_of(made, next(iter(made.parts)), root=tmp_path)
    whole = part.read_bytes()
    part.write_bytes(whole[:-1])
    assert made_before("knowledge_graph", root=tmp_path, config={}) is None
    assert saved(tmp_path, toy_graph) == made
    assert part.read_bytes() == whole
    part.unlink()
    assert made_before("knowledge_graph", root=tmp_path, config={}) is None


def test_the_newest_version_is_not_written_again_if_it_is_the_same(toy_graph: KnowledgeGraph, tmp_path: Path) -> None:
    """Its time says when it was made, and whether a checkpoint is newer."""
    made = saved(tmp_path, toy_graph)
    path = working_folder(tmp_path) / "knowledge_graph.manifest.json"
    os.utime(path, (1, 1))
    keep_version(made, root=tmp_path)
    assert path.stat().st_mtime == 1
    saved(tmp_path, toy_graph, seed=2)
    assert path.stat().st_mtime > 1


def test_a_step_that_is_repeated_with_the_same_result_makes_no_new_version(
    tmp_path: Path, toy_graph: KnowledgeGraph
) -> None:
    costs = [StepCost(f"2026-11-28T02:2{n}:00+00:00", float(n), 0.3) for n in range(4)]
    first = save("knowledge_graph", toy_graph, root=tmp_path, config={}, cost=costs[0])
    again = save("knowledge_graph", toy_graph, root=tmp_path, config={}, cost=costs[1])
    assert again == first
    assert cost_of(again, root=tmp_path) == costs[0]
    other = save("knowledge_graph", toy_graph, root=tmp_path, config={"seed": 1}, cost=costs[2])
    assert other.header_sha256 != first.header_sha256
    assert save("knowledge_graph", toy_graph, root=tmp_path, config={}, cost=costs[3]) == first
    assert manifest_of("knowledge_graph", root=tmp_path) == first
    path_of(first, "knowledge_graph.measured.json", root=tmp_path).unlink()
    repaired = save("knowledge_graph", toy_graph, root=tmp_path, config={}, cost=costs[3])
    assert cost_of(repaired, root=tmp_path) == costs[3]
