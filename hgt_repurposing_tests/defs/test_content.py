"""What counts as new content: bytes and settings, never times or places, and only of files at rest."""

import os
import shutil
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hgt_repurposing.defs import content
from hgt_repurposing.defs.content import SeenFiles, content_now, content_of, files_of
from hgt_repurposing.defs.resources import Step
from hgt_repurposing.defs.session import RunSession
from hgt_repurposing_tests.defs.test_runs import NODES, TREATS, write_tables


def tables(folder: Path) -> dict[str, Any]:
    """Configuration of a graph in two tables. Any: YAML values."""
    return {"ops": write_tables(folder, NODES, TREATS)}


def test_the_files_are_those_of_the_graph_and_all_that_the_configuration_names(tmp_path: Path) -> None:
    config = tables(tmp_path / "graph")
    graph = config["ops"]["knowledge_graph"]["config"]
    (tmp_path / "graph" / "notes.txt").write_text("not read")
    graph |= {"not_indicated_pairs": "/beside/failed.csv", "disease_areas": "/beside/areas.csv"}
    graph |= {"node_attributes": "/beside/approved.csv"}
    config["ops"]["repurposing_candidates"] = {"config": {"only_drugs": "/beside/drugs.txt"}}
    config["ops"]["drug_disease_split"] = {"config": {"external_pairs": [{"path": "/beside/trials.csv"}]}}
    assert files_of(config) == [
        tmp_path / "graph" / "nodes.csv",
        tmp_path / "graph" / "edges.csv",
        Path("/beside/failed.csv"),
        Path("/beside/areas.csv"),
        Path("/beside/approved.csv"),
        Path("/beside/trials.csv"),
        Path("/beside/drugs.txt"),
    ]


def test_without_a_path_the_files_are_those_of_the_data_folder(tmp_path: Path) -> None:
    (tmp_path / "01_raw" / "primekg").mkdir(parents=True)
    (tmp_path / "01_raw" / "primekg" / "kg.csv").write_text("x")
    store = {"store": {"config": {"data_folder": str(tmp_path)}}}
    config = {"ops": {"knowledge_graph": {"config": {"source": "primekg"}}}, "resources": store}
    assert files_of(config) == [tmp_path / "01_raw" / "primekg" / "kg.csv"]


def test_hetionet_has_two_files_and_a_generated_graph_none(tmp_path: Path) -> None:
    for name in ("nodes.tsv.gz", "edges.sif.gz"):
        (tmp_path / name).write_text("x")
    config = {"ops": {"knowledge_graph": {"config": {"source": "hetionet", "path": str(tmp_path)}}}}
    assert files_of(config) == [tmp_path / "nodes.tsv.gz", tmp_path / "edges.sif.gz"]
    assert files_of({"ops": {}}) == []


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    config = tables(tmp_path / "graph")
    (tmp_path / "graph" / "edges.csv").unlink()
    with pytest.raises(FileNotFoundError, match=r"contains no file named .*edges\.csv"):
        files_of(config)


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ("touch", True),
        ("move", True),
        ("bytes", False),
        ("setting", False),
    ],
)
def test_content_is_bytes_and_settings_and_not_time_or_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str, *, same: bool
) -> None:
    folder = tmp_path / "graph"
    config = tables(folder)
    config["ops"]["knowledge_graph"]["config"]["path"] = {"env": "MINE"}
    monkeypatch.setenv("MINE", str(folder))
    before = content_now(config)
    match change:
        case "touch":
            os.utime(folder / "nodes.csv", ns=(1, 1))
        case "move":
            monkeypatch.setenv("MINE", str(shutil.copytree(folder, tmp_path / "elsewhere")))
        case "bytes":
            (folder / "edges.csv").write_text((folder / "edges.csv").read_text().replace("D1", "D2"))
        case "setting":
            config["ops"]["embedding_params"] = {"config": {"seed": 7}}
    assert (content_now(config) == before) == same


@given(st.lists(st.text("ab", max_size=3), max_size=4), st.lists(st.text("ab", max_size=3), max_size=4))
def test_no_two_lists_of_files_have_one_content(mine: list[str], theirs: list[str]) -> None:
    assert (content_of({}, mine) == content_of({}, theirs)) == (mine == theirs)


def test_a_file_rests_when_two_looks_see_the_same(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_text("1")
    two.write_text("2")
    first = SeenFiles().looked_at([one, two])
    assert not first.rests
    second = first.looked_at([one, two])
    assert second.rests
    two.write_text("22")  # being written
    third = second.looked_at([one, two])
    assert not third.rests
    assert set(third.digests) == {str(one)}
    assert third.looked_at([one, two]).rests


def test_a_file_at_rest_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    digest = content._sha256

    def counted(path: str) -> str:
        read.append(path)
        return digest(path)

    monkeypatch.setattr(content, "_sha256", counted)
    file = tmp_path / "file"
    file.write_text("1")
    seen = SeenFiles()
    for _ in range(4):
        seen = SeenFiles.remembered(seen.looked_at([file]).model_dump_json())
    assert read == [str(file)]
    file.write_text("2")
    os.utime(file, ns=(1, 1))
    assert seen.looked_at([file]).looked_at([file]).digests != seen.digests


@pytest.mark.parametrize("text", [None, "", "{", '{"stats": 3}', '{"other": {}}'])
def test_a_look_that_is_not_understood_is_forgotten(text: str | None) -> None:
    assert SeenFiles.remembered(text) == SeenFiles()


def test_a_step_that_reads_files_of_its_own_is_made_again() -> None:
    class Session:
        def once(self, *_: object, **__: object) -> str:
            return "made before"

    step = Step(cast("RunSession", Session()), "repurposing_candidates", {})
    assert step.once(lambda: "made") == "made before"
    assert step.once(lambda: "made", files=["/mine/drugs.txt"]) == "made"
