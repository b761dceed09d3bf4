"""The command line of results: lists, explanations, neighbours."""

import csv
import io
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hgt_repurposing.api import rank
from hgt_repurposing.embeddings.table import Embeddings
from hgt_repurposing.graph.attributes import attributes_of
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.report.export import FOR_RESEARCH
from hgt_repurposing.repurposing.model import fit_repurposing_model
from hgt_repurposing.repurposing.scorer import Scorer, score_all_pairs
from hgt_repurposing.storage.catalog import save
from hgt_repurposing_tests.repurposing.planted import QUICK, planted_graph, planted_inputs, planted_pairs, planted_split
from hgt_repurposing_tests.test_cli import invoke

SENTENCE = "error: "
LOADING = "loading the model and the graph ..."


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with the planted graph, embeddings that say nothing, a small model, and its lists."""
    root = tmp_path_factory.mktemp("data")
    graph = with_approved(planted_graph(contraindications=True))
    inputs = planted_inputs(graph)
    params = QUICK.model_copy(update={"num_trees": 3})
    model = fit_repurposing_model(inputs, planted_split(graph), params)
    scores = score_all_pairs(Scorer.of_model(model, inputs), graph)
    vectors = np.random.default_rng(0).standard_normal((len(graph.nodes), 4), dtype=np.float32)
    embeddings = Embeddings(graph.nodes[["node_id", "node_type", "node_name"]], vectors)
    of_graph = save("knowledge_graph", graph, root=root, config={})
    of_vectors = save("hgt_embeddings", embeddings, root=root, config={}, inputs=[of_graph])
    of_model = save("repurposing_model", model, root=root, config={}, inputs=[of_graph, of_vectors])
    of_scores = save("repurposing_scores", scores, root=root, config={}, inputs=[of_graph, of_vectors, of_model])
    save("drug_disease_split", planted_split(graph), root=root, config={}, inputs=[of_graph])
    save("repurposing_candidates", rank(graph, scores), root=root, config={}, inputs=[of_graph, of_scores])
    return root


def with_approved(graph: KnowledgeGraph) -> KnowledgeGraph:
    """Half of the drugs are approved, and of ten nothing is known."""
    ids = graph.nodes_of("drug")["node_id"].tolist()[10:]
    known = pd.DataFrame({"node_type": "drug", "node_id": ids, "approved": ["yes", "no"] * (len(ids) // 2)})
    return replace(graph, attributes=attributes_of(known))


def printed(*arguments: object) -> str:
    result = invoke(*arguments)
    assert result.exit_code == 0, result.stderr
    return result.stdout


def refused(*arguments: object) -> str:
    result = invoke(*arguments)
    assert result.exit_code == 1
    *progress, last = result.stderr.splitlines()
    assert progress in ([], [LOADING])
    assert last.startswith(SENTENCE)
    return str(last.removeprefix(SENTENCE))


# candidates


def test_the_drugs_of_a_disease_are_listed(results: Path) -> None:
    lines = printed("candidates", "--disease", "DISEASE AAAC", "--top", 3, "--data", results).splitlines()
    assert lines[0] == "disease aaac (0002)"
    assert lines[2].split() == ["rank", "drug", "id", "probability", "interval", "corrected", "status", "evidence"]
    assert [line.split()[0] for line in lines[3:6]] == ["1", "2", "3"]
    assert "3 of the 60 listed drugs; ranks count all drugs, known or new." in lines


def test_the_diseases_of_a_drug_are_listed(results: Path) -> None:
    found = json.loads(printed("candidates", "--drug", "drug aaad", "--top", 2, "--format", "json", "--data", results))
    assert found["note"] == FOR_RESEARCH
    assert found["shown"] == "status: any; setting: any; rows of each list: 2"
    rows = found["rows"]
    assert [row["rank"] for row in rows] == [1, 2]
    assert {row["drug_id"] for row in rows} == {"0003"}
    assert rows[0]["score"] >= rows[1]["score"]


def test_a_status_and_a_setting_select_rows_whose_ranks_stay(results: Path) -> None:
    every = rows_of(results)
    new = rows_of(results, "--status", "new")
    assert new == [row for row in every if row["status"] == "new"]
    assert rows_of(results, "--setting", "cold pair") == []
    both = rows_of(results, "--status", "indication", "--status", "contraindication", "--setting", "warm pair")
    assert both == [row for row in every if row["status"] in ("indication", "contraindication")]


def rows_of(results: Path, *more: object) -> list[dict[str, str]]:
    text = printed("candidates", "--disease", "0002", "--top", 99, "--format", "csv", "--data", results, *more)
    return list(csv.DictReader(io.StringIO(text)))


def test_an_attribute_selects_rows_whose_ranks_stay(results: Path) -> None:
    approved = rows_of(results, "--attribute", "approved=yes")
    assert approved == [row for row in rows_of(results) if row["drug: approved"] == "yes"]
    assert len(approved) == 25
    both = rows_of(results, "--attribute", "approved=yes", "--attribute", "approved=no")
    assert {row["drug: approved"] for row in both} == {"yes", "no"}
    lines = printed("candidates", "--disease", "0002", "--attribute", "approved=y*", "--data", results).splitlines()
    assert "20 of the 60 listed drugs; ranks count all drugs, known or new." in lines
    assert "10 of 60 drugs have no value for approved" in lines
    mine = rows_of(results, "--attribute", "approved=no", "--status", "indication")
    assert {(row["drug: approved"], row["status"]) for row in mine} == {("no", "indication")}


def test_a_list_of_ones_own_selects_rows(results: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine.txt"
    mine.write_text("# tested here\ndrug aaad\n\n0010\n")
    assert {row["drug_id"] for row in rows_of(results, "--only", mine)} == {"0003", "0010"}
    mine.write_text("aspirin\n")
    said = refused("candidates", "--disease", "0002", "--only", mine, "--data", results)
    assert said.startswith("no drug has the id or name 'aspirin'")
    mine.write_text("\n")
    assert "names no drug" in refused("candidates", "--disease", "0002", "--only", mine, "--data", results)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "name either a disease or a drug"),
        (["--disease", "0002", "--drug", "0002"], "name either a disease or a drug"),
        (["--disease", "gout"], "no disease has the id or name 'gout'"),
        (["--disease", "disease"], "30 diseases have names with 'disease'"),
        (["--disease", "0002", "--status", "old"], "--status must be one of new, other"),
        (["--disease", "0002", "--setting", "warm"], "--setting must be one of warm pair"),
        (["--disease", "0002", "--only", "/no/such/file"], "No such file"),
        (["--disease", "0002", "--attribute", "approved"], "--attribute must be NAME=VALUE"),
        (["--disease", "0002", "--attribute", "aproved=yes"], "drugs have no attribute 'aproved': did you mean 'appr"),
        (["--disease", "0002", "--attribute", "approved=Yes"], "no drug has 'Yes' as approved: did you mean 'yes'"),
        (["--drug", "0002", "--attribute", "approved=yes"], "diseases have no attribute 'approved': no disease has"),
    ],
)
def test_what_is_not_understood_is_refused(results: Path, arguments: list[str], said: str) -> None:
    assert said in refused("candidates", *arguments, "--data", results)


def test_without_results_it_is_said_what_to_make(tmp_path: Path) -> None:
    assert "there is no artefact 'repurposing_candidates'" in refused("candidates", "--drug", "a", "--data", tmp_path)


# explain


def test_a_pair_is_explained(results: Path) -> None:
    text = printed("explain", "drug aaad", "0002", "--data", results)
    assert text.startswith("drug aaad (0003) for disease aaac (0002)\nprobability ")
    for section in (
        "Paths, with their share of all paths between the two",
        "What the paths run through",
        "Similar diseases that the drug treats",
        "Similar drugs that treat the disease",
        "The most similar drugs, and what they treat",
    ):
        assert f"\n{section}\n" in text


def test_an_explanation_for_programs_sums_to_the_listed_score(results: Path) -> None:
    found = json.loads(printed("explain", "0003", "0002", "--format", "json", "--data", results))
    assert found["note"] == FOR_RESEARCH
    assert found["base"] + sum(part["log_odds"] for part in found["parts"]) == pytest.approx(
        found["log_odds"], abs=1e-4
    )
    (row,) = (row for row in rows_of(results) if row["drug_id"] == "0003")
    assert found["probability"] == pytest.approx(float(row["score"]), abs=1e-6)


def test_a_pair_is_scored_without_its_evidence_if_asked(results: Path) -> None:
    text = printed("explain", "0003", "0008", "--ablate", "--data", results)
    _, last = text.split("\nHow much the evidence matters\n")
    assert [line.split()[0] for line in last.splitlines() if not line.startswith("   ")] == ["rank"] * 3
    found = json.loads(printed("explain", "0003", "0008", "--ablate", "--format", "json", "--data", results))
    assert found["ablation"]["before"]["log_odds"] == pytest.approx(found["log_odds"], abs=1e-4)
    assert len(found["ablation"]["without_random"]) == 3


@pytest.mark.parametrize(
    ("drug", "disease", "said"),
    [("aspirin", "0002", "no drug has the id or name 'aspirin'"), ("0003", "", "no disease was named")],
)
def test_an_unknown_pair_is_refused(results: Path, drug: str, disease: str, said: str) -> None:
    assert said in refused("explain", drug, disease, "--data", results)


def test_results_of_two_runs_explain_nothing(results: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(results, tmp_path / "data"))
    save("knowledge_graph", planted_graph(), root=root, config={})
    said = refused("explain", "0003", "0002", "--data", root)
    assert said.startswith("hgt_embeddings was made from another knowledge_graph than the current one")


def test_a_model_that_was_not_made_is_named(results: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(results, tmp_path / "data"))
    (root / "releases/working/repurposing_model.manifest.json").unlink()
    assert refused("explain", "0003", "0002", "--data", root).startswith("the release has no repurposing_model")


# evaluate


def test_treatments_of_ones_own_are_looked_up(results: Path, tmp_path: Path) -> None:
    known = set(map(tuple, planted_pairs().T.tolist()))
    new = [(f"{drug:04d}", f"{disease:04d}") for drug, disease in np.ndindex(60, 30) if (drug, disease) not in known]
    file = tmp_path / "mine.csv"
    file.write_text("\n".join(["drug_id,disease_id", "9999,0001", *(",".join(pair) for pair in new[::150])]))
    text = printed("evaluate", "--pairs", file, "--data", results)
    assert text.splitlines()[1].split()[:2] == ["mine", str(len(new[::150]))]
    assert "Pairs from outside the graph, looked up in the whole grid" in text
    assert "\nmine" in text


def test_a_file_that_cannot_be_used_is_refused(results: Path, tmp_path: Path) -> None:
    file = tmp_path / "mine.csv"
    assert "no such file" in refused("evaluate", "--pairs", file, "--data", results).lower()
    file.write_text("drug,disease\na,b\n")
    assert "drug_id" in refused("evaluate", "--pairs", file, "--data", results)


# neighbours


def test_neighbours_by_embedding_and_edges_are_listed(results: Path) -> None:
    text = printed("neighbors", "drug aaad", "--top", 3, "--data", results)
    assert text.startswith("drug aaad (0003), drug\n\nBy embedding (cosine similarity)\n")
    assert "\ntargets, to " in text
    assert "\nindication, to " in text


def test_only_neighbours_of_one_type_are_listed(results: Path) -> None:
    text = printed("neighbors", "drug aaad", "--among", "gene", "--data", results)
    assert {line.split()[-1] for line in text.splitlines() if line.startswith("  ")} == {"gene"}


def test_a_node_type_that_there_is_not_is_refused(results: Path) -> None:
    assert "no node has the type 'cell'" in refused("neighbors", "drug aaad", "--type", "cell", "--data", results)


def test_an_id_of_several_types_is_answered_by_the_types(results: Path) -> None:
    said = refused("neighbors", "0003", "--data", results)
    assert said.startswith("'0003' is the id of several nodes: disease aaad (0003, disease), drug aaad (0003, drug), ")
    assert said.endswith("; name its type with --type")
    assert printed("neighbors", "0003", "--type", "drug", "--data", results).startswith("drug aaad (0003), drug")


def test_candidates_of_a_disease_that_is_not_in_the_graph(results: Path) -> None:
    described = ("--genes", "gene aaac,gene aaah", "--symptoms", "effect aaac", "--similar-to", "disease aaac")
    said = printed("candidates", *described, "--name", "mine", "--top", 3, "--why", "drug aaac", "--data", results)
    lines = said.splitlines()
    assert lines[0] == "mine (new; associates 2, presents 1, resembles 1)"
    assert lines[2].split()[:4] == ["rank", "drug", "id", "probability"]
    assert [line.split()[0] for line in lines[3:6]] == ["1", "2", "3"]
    assert "how far to trust it: not measured in this release" in said
    assert "drug aaac (0002) for mine" in said


def test_candidates_of_many_from_a_file(results: Path, tmp_path: Path) -> None:
    file = tmp_path / "mine.csv"
    file.write_text("name,what,node\none,genes,gene aaac\ntwo,symptoms,effect aaad\none,genes,gene aaah\n")
    found = list(csv.DictReader(io.StringIO(printed(
        "candidates", "--new-from", file, "--top", 2, "--format", "csv", "--data", results
    ))))  # fmt: skip
    assert [row["disease_name"] for row in found] == ["one", "one", "two", "two"]
    assert [row["rank"] for row in found] == ["1", "2", "1", "2"]
    alone = list(csv.DictReader(io.StringIO(printed(
        "candidates", "--genes", "gene aaac,gene aaah", "--top", 2, "--format", "csv", "--data", results
    ))))  # fmt: skip
    assert [row["drug_id"] for row in alone] == [row["drug_id"] for row in found[:2]]


def test_candidates_of_a_new_drug(results: Path) -> None:
    described = ("--new", "drug", "--linked", "targets=gene aaac;gene aaah")
    found = json.loads(printed("candidates", *described, "--top", 2, "--format", "json", "--data", results))
    assert [row["rank"] for row in found["rows"]] == [1, 2]
    assert {row["drug_name"] for row in found["rows"]} == {"new drug"}
    assert "new drug, not in the graph" in json.dumps(found)


def test_names_that_the_graph_lacks_are_skipped_if_wanted(results: Path) -> None:
    asked = ("candidates", "--genes", "gene aaac,TP53", "--top", 1, "--data", results)
    assert "'TP53': no gene has this id or name" in refused(*asked)
    result = invoke(*asked, "--skip-unknown")
    assert result.exit_code == 0
    assert "new disease: 1 skipped: 'TP53'" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--genes", ""), "--genes names nothing"),
        (("--genes", " , "), "--genes names nothing"),
        (
            ("--genes", "gene aaac", "--disease", "disease aaaa"),
            "of the graph, or describe a new one",
        ),
        (("--linked", "gene aaac"), "--linked takes a relation or node type"),
        (("--linked", "eats=gene aaac"), "no relation of 'disease' means 'eats'"),
        (("--genes", "gene aaac", "--new-from", "x.csv"), "either a file of new nodes or the links of one"),
        (("--new-from", "/no/such.csv"), "/no/such.csv"),
    ],
)
def test_new_diseases_that_cannot_be_understood_are_refused(
    results: Path, arguments: tuple[str, ...], said: str
) -> None:
    assert said in refused("candidates", *arguments, "--data", results)


# export


@pytest.mark.parametrize("ending", ["csv", "json", "parquet", "xlsx"])
def test_lists_are_written_to_a_file(results: Path, tmp_path: Path, ending: str) -> None:
    file = tmp_path / f"lists.{ending}"
    filters = ("--attribute", "approved=yes", "--status", "new", "--top", 2)
    said = printed("export", file, *filters, "--data", results).splitlines()
    assert said[0].startswith(f"{file}: 60 rows, drugs for every disease")
    assert said[-1] == FOR_RESEARCH
    rows = rows_read(file)
    assert set(rows["drug: approved"]) == {"yes"}
    assert set(rows["status"]) == {"new"}
    assert rows.groupby("disease_id").size().tolist() == [2] * 30
    same = json.loads(printed("candidates", "--disease", "0002", *filters, "--format", "json", "--data", results))
    mine = rows[rows["disease_id"].astype(str).str.zfill(4) == "0002"]
    assert mine["rank"].tolist() == [row["rank"] for row in same["rows"]]


def rows_read(file: Path) -> pd.DataFrame:
    match file.suffix:
        case ".csv":
            return pd.read_csv(file)
        case ".parquet":
            return pd.read_parquet(file)
        case ".xlsx":
            return pd.read_excel(file)
        case _:
            return pd.DataFrame(json.loads(file.read_text())["rows"])


def test_one_list_is_written_whole(results: Path, tmp_path: Path) -> None:
    printed("export", tmp_path / "a.csv", "--drug", "0003", "--data", results)
    rows = pd.read_csv(tmp_path / "a.csv", dtype="str")
    assert set(rows["drug_id"]) == {"0003"}
    assert rows["rank"].tolist() == list(map(str, range(1, 21)))
    printed("export", tmp_path / "b.csv", "--by", "drug", "--data", results)
    assert pd.read_csv(tmp_path / "b.csv", dtype="str")["drug_id"].nunique() == 60


def test_one_list_is_written_with_those_that_no_list_holds(results: Path, tmp_path: Path) -> None:
    said = printed("export", tmp_path / "a.csv", "--drug", "0003", "--every", "--data", results)
    assert "30 rows, diseases for the drug drug aaad (0003)" in said
    rows = pd.read_csv(tmp_path / "a.csv", dtype={"drug_id": "str", "disease_id": "str"})
    printed("export", tmp_path / "b.csv", "--drug", "0003", "--data", results)
    listed = pd.read_csv(tmp_path / "b.csv", dtype={"drug_id": "str", "disease_id": "str"})
    assert list(rows.columns) == list(listed.columns)
    assert rows["rank"].tolist() == list(range(1, 31))
    same = [column for column in listed.columns if column != "known"]  # which is missing of others
    pd.testing.assert_frame_equal(rows.loc[:19, same], listed[same], check_dtype=False, rtol=1e-6)
    assert rows.loc[20:, "status"].isna().all()
    assert (np.diff(rows["score"]) <= 0).all()
    assert rows["disease_name"].notna().all()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["a.txt"], "the ending must be one of .csv, .json, .parquet, .xlsx"),
        (["a.csv", "--disease", "0002", "--drug", "0002"], "name a disease or a drug, not both"),
        (["a.csv", "--setting", "cold pair"], "no row fits (status: any; setting: cold pair; rows of each list: all)"),
        (["a.csv", "--every"], "--every needs --disease NAME or --drug NAME"),
        (["a.csv", "--attribute", "atc=A"], "drugs have no attribute 'atc'"),
        (["there.csv"], "is there already: choose another name, or replace it with --overwrite"),
    ],
)
def test_an_export_that_cannot_be_is_refused(results: Path, tmp_path: Path, arguments: list[str], said: str) -> None:
    (tmp_path / "there.csv").write_text("mine")
    assert said in refused("export", tmp_path / arguments[0], *arguments[1:], "--data", results)
    assert [path.name for path in tmp_path.iterdir()] == ["there.csv"]
    assert (tmp_path / "there.csv").read_text() == "mine"
    printed("export", tmp_path / "there.csv", "--overwrite", "--data", results)
    assert (tmp_path / "there.csv").read_text() != "mine"
