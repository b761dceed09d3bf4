"""The run configuration of the graph: every setting that is given is read, or refused."""

import logging
import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.schema import HETIONET_RELATIONS, PRIMEKG_RELATIONS, EdgeType, TherapeuticRelations
from hgt_repurposing.graph.sources.source import GraphSource, load_knowledge_graph
from hgt_repurposing_tests.graph.tables import write_tables

OF_FILES: dict[str, object] = {
    "path": "somewhere",
    "drug": "drug",
    "disease": "disease",
    "indication": ["indication"],
    "contraindication": [],
    "not_indicated": [],
    "not_indicated_pairs": "some.csv",
    "off_label": [],
    "drug_gene": [],
    "disease_gene": [],
    "directed_relations": [],
    "is_a": [],
    "disease_areas": "somewhere",
    "exclude": [],
    "node_attributes": "somewhere",
    "attribute_separator": "|",
    "licence": "CC0",
    "name": "ours",
}
FORMATS = ("primekg", "hetionet", "tables")


def source(**given: object) -> GraphSource:
    return GraphSource.model_validate(given)


def refused(message: str, **given: object) -> None:
    with pytest.raises(ValidationError, match=re.escape(message)):
        source(**given)


def load(folder: Path, graph: KnowledgeGraph, **given: object) -> KnowledgeGraph:
    """The same graph by way of its tables."""
    folder.mkdir(exist_ok=True)
    write_tables(graph, folder)
    return load_knowledge_graph(source(source="tables", path=str(folder), **given), raw_folder=Path("none"))


# what each source reads


def test_every_setting_but_the_source_belongs_to_files_or_to_the_generator() -> None:
    assert set(GraphSource.model_fields) == {"source", "preset", "seed", "mechanism", *OF_FILES}


@pytest.mark.parametrize("name", ["synthetic", "auto"])
@pytest.mark.parametrize("setting", OF_FILES)
def test_a_setting_of_files_needs_the_format_of_the_files(name: str, setting: str) -> None:
    refused(
        f"{setting} {OF_FILES[setting]!r} is set, but source: {name} is the generated graph and reads no file: "
        "set source to the format of your files (primekg, hetionet, tables)",
        source=name,
        **{setting: OF_FILES[setting]},
    )


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize(("setting", "value"), [("preset", "reference"), ("seed", 7), ("mechanism", "module")])
def test_a_setting_of_the_generator_is_refused_for_files(name: str, setting: str, value: object) -> None:
    refused(
        f"{setting} {value!r} is used only with source: synthetic (got source: {name}): leave it out",
        source=name,
        **{setting: value},
    )


@pytest.mark.parametrize("name", FORMATS)
def test_files_read_every_setting_of_files(name: str) -> None:
    assert source(source=name, **OF_FILES).format == name


@pytest.mark.parametrize("name", ["synthetic", "auto"])
def test_without_files_it_is_the_generated_graph(name: str) -> None:
    given = source(source=name, preset="demo", seed=7)
    assert given.format is None
    with pytest.raises(ValueError, match="a generated graph has fixed names"):
        _ = given.naming


def test_what_is_not_given_may_be_said_to_be_so() -> None:
    texts = (
        "path",
        "not_indicated_pairs",
        "disease_areas",
        "node_attributes",
        "attribute_separator",
        "licence",
        "name",
    )
    assert source(**{name: "" if name in texts else None for name in OF_FILES}) == GraphSource()


# what is given and what the format says


@pytest.mark.parametrize(
    ("name", "own"),
    [("primekg", PRIMEKG_RELATIONS), ("hetionet", HETIONET_RELATIONS), ("tables", TherapeuticRelations())],
)
def test_what_is_not_given_is_as_the_format_has_it(name: str, own: TherapeuticRelations) -> None:
    naming = source(source=name).naming
    assert naming.therapeutic == own
    assert naming.by_format == set(TherapeuticRelations.model_fields)
    assert (naming.directed_relations, naming.exclude) == (None, ())


def test_what_is_given_overrides_the_format() -> None:
    naming = source(source="hetionet", disease="Illness", drug_gene=["CuG", "CdG"], directed_relations=[]).naming
    assert naming.therapeutic == HETIONET_RELATIONS.model_copy(
        update={"disease": "Illness", "drug_gene": ["CuG", "CdG"]}
    )
    assert naming.by_format == set(TherapeuticRelations.model_fields) - {"disease", "drug_gene"}
    assert naming.directed_relations == ()


def test_an_empty_list_means_none_rather_than_the_format_s_own() -> None:
    assert source(source="primekg", contraindication=[]).naming.therapeutic.contraindication == []


def test_a_relation_that_is_given_another_meaning_loses_the_format_s() -> None:
    names = source(source="primekg", indication=["indication", "off-label use"]).naming.therapeutic
    assert (names.indication, names.off_label) == (["indication", "off-label use"], [])


def test_a_format_s_palliation_may_be_named_as_not_indicated() -> None:
    names = source(source="hetionet", not_indicated=["CpD"]).naming.therapeutic
    assert (names.not_indicated, names.off_label) == (["CpD"], [])


def test_a_relation_that_is_left_out_has_no_meaning() -> None:
    assert source(source="hetionet", exclude=["CpD"]).naming.therapeutic.off_label == []


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"indication": ["a", "a"]}, "relation 'a' is listed twice in indication"),
        ({"indication": ["a"], "contraindication": ["a"]}, "is listed both in indication and in contraindication"),
        ({"contraindication": ["a"], "not_indicated": ["a"]}, "both in contraindication and in not_indicated"),
        ({"exclude": ["a"], "not_indicated": ["a"]}, "relation 'a' is listed both in not_indicated and in exclude"),
        ({"indication": []}, "indication must name at least one relation"),
        ({"drug": "x", "disease": "x"}, "drug and disease must be two node types (got 'x' for both)"),
        ({"exclude": ["a", "a"]}, "relation 'a' is listed twice in exclude"),
        ({"exclude": ["a"], "off_label": ["a"]}, "relation 'a' is listed both in off_label and in exclude"),
        ({"exclude": ["a"], "disease_gene": ["a"]}, "relation 'a' is listed both in disease_gene and in exclude"),
        ({"exclude": ["a"], "directed_relations": ["a"]}, "is listed both in directed_relations and in exclude"),
    ],
)
def test_a_name_with_two_meanings_is_one_sentence(name: str, given: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        source(source=name, **given)
    (complaint,) = caught.value.errors()
    assert message in complaint["msg"]
    assert "\n" not in complaint["msg"]


def test_the_format_s_own_indication_cannot_be_left_out() -> None:
    refused("relation 'CtD' is listed both in indication and in exclude", source="hetionet", exclude=["CtD"])


@pytest.mark.parametrize("name", ["primekg", "hetionet", "tables"])
def test_every_format_leaves_out_and_renames(tmp_path: Path, name: str) -> None:
    given: dict[str, object] = {"indication": ["cures"], "drug": "Drug", "disease": "Illness", "exclude": ["binds"]}
    write_as(name, tmp_path)
    graph = load_knowledge_graph(
        source(source=name, path=str(tmp_path), directed_relations=["is_a"], **given), raw_folder=Path("none")
    )
    assert set(graph.edges) == {EdgeType("Drug", "cures", "Illness"), EdgeType("Illness", "is_a", "Illness")}
    assert graph.directed == {EdgeType("Illness", "is_a", "Illness")}


@pytest.mark.parametrize("name", ["primekg", "hetionet", "tables"])
def test_every_format_has_disease_areas_by_is_a_which_is_directed(tmp_path: Path, name: str) -> None:
    names: dict[str, object] = {"indication": ["cures"], "drug": "Drug", "disease": "Illness"}
    write_as(name, tmp_path)
    graph = load_knowledge_graph(
        source(source=name, path=str(tmp_path), is_a=["is_a"], **names), raw_folder=Path("none")
    )
    assert graph.directed == {EdgeType("Illness", "is_a", "Illness")}
    assert {area: index.tolist() for area, index in graph.disease_areas.items()} == {"J": [1]}


@pytest.mark.parametrize("name", ["primekg", "hetionet", "tables"])
def test_every_format_has_disease_areas_by_file(tmp_path: Path, name: str) -> None:
    names: dict[str, object] = {"indication": ["cures"], "drug": "Drug", "disease": "Illness"}
    write_as(name, tmp_path)
    write(tmp_path / "areas.txt", "disease_id\tarea", "J\trenal", "I\trenal")
    given = source(source=name, path=str(tmp_path), disease_areas=str(tmp_path / "areas.txt"), **names)
    graph = load_knowledge_graph(given, raw_folder=Path("none"))
    assert {area: index.tolist() for area, index in graph.disease_areas.items()} == {"renal": [0, 1]}


def test_areas_come_from_one_place() -> None:
    refused(
        "disease areas come either from is_a or from disease_areas: leave one of the two out",
        source="tables",
        is_a=["is_a"],
        disease_areas="areas.csv",
    )


def test_a_relation_that_is_left_out_is_no_is_a() -> None:
    refused("relation 'is_a' is listed both in is_a and in exclude", source="tables", is_a=["is_a"], exclude=["is_a"])


def test_is_a_is_directed_beside_what_the_format_or_the_user_says() -> None:
    naming = source(source="hetionet", is_a=["is_a"]).naming
    assert naming.directed(["Gr>G"]) == ("Gr>G", "is_a")
    given = source(source="hetionet", is_a=["is_a"], directed_relations=["is_a", "r"]).naming
    assert given.directed(["Gr>G"]) == ("is_a", "r")


def write_as(name: str, folder: Path) -> None:
    """D cures I and binds G, J is an I; in one of the formats."""
    nodes = [("Drug", "D"), ("Illness", "I"), ("Illness", "J"), ("Gene", "G")]
    edges = [("D", "cures", "I"), ("D", "binds", "G"), ("J", "is_a", "I")]
    kind = {node: node_type for node_type, node in nodes}
    match name:
        case "primekg":
            rows = [f"{r},{kind[x]},{x},{kind[y]},{y}" for x, r, y in edges]
            write(folder / "kg.csv", "relation,x_type,x_id,y_type,y_id", *rows)
        case "hetionet":
            write(folder / "nodes.tsv", "id\tname\tkind", *(f"{node}\t{node}\t{kind[node]}" for node in kind))
            write(folder / "edges.tsv", "source\tmetaedge\ttarget", *("\t".join(edge) for edge in edges))
        case _:
            write(folder / "nodes.csv", "node_type,node_id", *map(",".join, nodes))
            rows = [f"{kind[x]},{x},{r},{kind[y]},{y}" for x, r, y in edges]
            write(folder / "edges.csv", "source_type,source_id,relation,target_type,target_id", *rows)


def write(path: Path, *rows: str) -> None:
    path.write_text("".join(f"{row}\n" for row in rows))


# where the files are


def test_a_path_may_begin_with_the_home_folder(
    toy_graph: KnowledgeGraph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    load(tmp_path / "tables", toy_graph)
    again = load_knowledge_graph(source(source="tables", path="~/tables"), raw_folder=Path("none"))
    assert again.num_edges == toy_graph.num_edges


def test_without_a_path_files_lie_in_the_raw_folder(toy_graph: KnowledgeGraph, tmp_path: Path) -> None:
    load(tmp_path / "tables", toy_graph)
    assert load_knowledge_graph(source(source="tables"), raw_folder=tmp_path).num_edges == toy_graph.num_edges


# what is said of a graph that was loaded


def test_relations_of_drugs_and_diseases_that_nobody_named_are_told(
    toy_graph: KnowledgeGraph, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    load(tmp_path, toy_graph, contraindication=["contraindication"], off_label=["off-label use"])
    assert caplog.messages == []
    assert load(tmp_path, toy_graph).unnamed_relations == ["contraindication", "off-label use"]
    (message,) = caplog.messages
    assert "meaning is undeclared (contraindication, off-label use): their pairs get the status 'other'" in message


def test_nodes_that_no_edge_touches_are_counted_by_type(
    toy_graph: KnowledgeGraph, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    load(tmp_path, toy_graph, contraindication=["contraindication"], off_label=["off-label use"])
    assert caplog.messages == ["isolated (no edges): 1 of 4 nodes of type 'gene/protein'"]
