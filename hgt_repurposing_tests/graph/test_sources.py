import gzip
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.naming import Naming
from hgt_repurposing.graph.schema import NODE_ID, NODE_TYPE, PRIMEKG_RELATIONS, EdgeType, TherapeuticRelations
from hgt_repurposing.graph.sources.delimited import read_columns
from hgt_repurposing.graph.sources.hetionet import HETIONET_NAMING, load_hetionet
from hgt_repurposing.graph.sources.primekg import load_primekg
from hgt_repurposing.graph.sources.tables import load_tables
from hgt_repurposing_tests.graph.tables import write_tables

HETIONET = Path(__file__).parents[3] / "shared" / "data" / "hetionet"

KG_HEADER = "relation,display_relation,x_index,x_id,x_type,x_name,x_source,y_index,y_id,y_type,y_name,y_source"
KG_ROWS = [  # disease 7 and gene 7 are two nodes; the protein-protein edge stands in one direction only
    'indication,indication,0,D1,drug,Velotinib,SYN,1,7,disease,"torvosis, renal",SYN',
    'indication,indication,1,7,disease,"torvosis, renal",SYN,0,D1,drug,Velotinib,SYN',
    'contraindication,contraindication,0,D1,drug,Velotinib,SYN,4,8,disease,"falitis ""B""",SYN',
    'off-label use,off-label use,4,8,disease,"falitis ""B""",SYN,0,D1,drug,Velotinib,SYN',
    "drug_protein,target,0,D1,drug,Velotinib,SYN,2,7,gene/protein,NA,SYN",
    "drug_protein,target,2,7,gene/protein,NA,SYN,0,D1,drug,Velotinib,SYN",
    "protein_protein,ppi,3,007,gene/protein,TRK12,SYN,2,7,gene/protein,NA,SYN",
]

HETIONET_NODES = [
    "id\tname\tkind",
    "Compound::D1\tVelotinib\tCompound",
    "Disease::7\trenal torvosis\tDisease",
    "Gene::7\tTRK12\tGene",
    "Gene::8\t\tGene",
]
HETIONET_EDGES = [
    "source\tmetaedge\ttarget",
    "Compound::D1\tCtD\tDisease::7",
    "Compound::D1\tCpD\tDisease::7",
    "Compound::D1\tCbG\tGene::7",
    "Gene::8\tGr>G\tGene::7",
    "Gene::8\tGiG\tGene::7",
]

TABLE_NODES = ["node_type,node_id,node_name", "drug,1,Velotinib", "disease,1,", "gene,1,TRK12", "gene,2,QBG39"]
TABLE_EDGES = [
    "source_type,source_id,relation,target_type,target_id",
    "drug,1,indication,disease,1",
    "gene,2,regulates,gene,1",
]

Load = Callable[[Path], KnowledgeGraph]


def lines(path: Path, rows: list[str]) -> Path:
    """Write a file of these lines, gzipped if its name says so."""
    data = "".join(f"{row}\n" for row in rows).encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


@pytest.fixture
def primekg(tmp_path: Path) -> Path:
    return lines(tmp_path / "kg.csv", [KG_HEADER, *KG_ROWS])


@pytest.fixture
def hetionet(tmp_path: Path) -> Path:
    lines(tmp_path / "nodes.tsv", HETIONET_NODES)
    return lines(tmp_path / "edges.sif.gz", HETIONET_EDGES).parent


@pytest.fixture
def tables(tmp_path: Path) -> Path:
    lines(tmp_path / "nodes.csv", TABLE_NODES)
    return lines(tmp_path / "edges.csv", TABLE_EDGES).parent


def load_own(path: Path, *, directed: tuple[str, ...] = ()) -> KnowledgeGraph:
    return load_tables(path, Naming(TherapeuticRelations(), directed_relations=directed))


def leaving_out(*names: str) -> Naming:
    return HETIONET_NAMING._replace(exclude=names)


def keys(graph: KnowledgeGraph) -> list[tuple[str, str]]:
    return list(zip(graph.nodes[NODE_TYPE], graph.nodes[NODE_ID], strict=True))


# PrimeKG, by hand


def test_primekg_nodes_are_keyed_by_type_and_id(primekg: Path) -> None:
    assert keys(load_primekg(primekg)) == [
        ("disease", "7"),
        ("disease", "8"),
        ("drug", "D1"),
        ("gene/protein", "007"),
        ("gene/protein", "7"),
    ]


def test_primekg_names_keep_commas_quotes_and_na(primekg: Path) -> None:
    names = load_primekg(primekg).nodes["node_name"].tolist()
    assert names == ["torvosis, renal", 'falitis "B"', "Velotinib", "TRK12", "NA"]


def test_primekg_directions_are_merged(primekg: Path) -> None:
    graph = load_primekg(primekg)
    assert (graph.num_edges, graph.num_duplicate_edges) == (5, 2)


def test_primekg_edges_join_the_nodes_of_their_rows(primekg: Path) -> None:
    edges = {edge_type: index.tolist() for edge_type, index in load_primekg(primekg).edges.items()}
    assert edges == {
        EdgeType("drug", "indication", "disease"): [[0], [0]],
        EdgeType("drug", "contraindication", "disease"): [[0], [1]],
        EdgeType("drug", "off-label use", "disease"): [[0], [1]],
        EdgeType("drug", "drug_protein", "gene/protein"): [[0], [1]],
        EdgeType("gene/protein", "protein_protein", "gene/protein"): [[0], [1]],
    }


def test_primekg_is_found_in_its_folder(primekg: Path) -> None:
    assert load_primekg(primekg.parent).digest == load_primekg(primekg).digest


def test_primekg_may_be_gzipped(primekg: Path, tmp_path: Path) -> None:
    zipped = lines(tmp_path / "kg.csv.gz", [KG_HEADER, *KG_ROWS])
    assert load_primekg(zipped).digest == load_primekg(primekg).digest


def test_primekg_row_order_does_not_matter(primekg: Path, tmp_path: Path) -> None:
    turned = lines(tmp_path / "turned.csv", [KG_HEADER, *reversed(KG_ROWS)])
    assert load_primekg(turned).digest == load_primekg(primekg).digest


def test_primekg_namesakes_stay_apart(tmp_path: Path) -> None:
    namesake = KG_ROWS[-1].replace("007", "70")
    graph = load_primekg(lines(tmp_path / "kg.csv", [KG_HEADER, *KG_ROWS, namesake]))
    assert graph.nodes_of("gene/protein")["node_name"].tolist() == ["TRK12", "NA", "TRK12"]


def test_primekg_node_under_two_names_is_one_duplicate(tmp_path: Path) -> None:
    renamed = KG_ROWS[-1].replace("TRK12", "TRK12B").replace("007", "7")
    graph = load_primekg(lines(tmp_path / "kg.csv", [KG_HEADER, *KG_ROWS, renamed]))
    assert (graph.num_duplicate_nodes, graph.num_nodes["gene/protein"]) == (1, 2)


# Hetionet, by hand


def test_hetionet_ids_stay_whole(hetionet: Path) -> None:
    assert keys(load_hetionet(hetionet)) == [
        ("Compound", "Compound::D1"),
        ("Disease", "Disease::7"),
        ("Gene", "Gene::7"),
        ("Gene", "Gene::8"),
    ]


def test_hetionet_node_without_name_goes_by_its_id(hetionet: Path) -> None:
    assert load_hetionet(hetionet).nodes_of("Gene")["node_name"].tolist() == ["TRK12", "Gene::8"]


def test_hetionet_regulation_keeps_its_direction(hetionet: Path) -> None:
    assert load_hetionet(hetionet).edges[EdgeType("Gene", "Gr>G", "Gene")].tolist() == [[1], [0]]


def test_hetionet_interaction_has_no_direction(hetionet: Path) -> None:
    assert load_hetionet(hetionet).edges[EdgeType("Gene", "GiG", "Gene")].tolist() == [[0], [1]]


def test_hetionet_metaedges_can_be_left_out(hetionet: Path) -> None:
    relations = {edge_type.relation for edge_type in load_hetionet(hetionet, leaving_out("Gr>G", "CbG")).edges}
    assert relations == {"CtD", "CpD", "GiG"}


@pytest.mark.parametrize(
    ("nodes", "edges"),
    [("hetionet-v1.0-nodes.tsv", "hetionet-v1.0-edges.sif.gz"), ("nodes.tsv.gz", "edges.tsv.gz")],
)
def test_hetionet_is_found_under_its_other_names(hetionet: Path, tmp_path: Path, nodes: str, edges: str) -> None:
    folder = tmp_path / "other"
    folder.mkdir()
    lines(folder / nodes, HETIONET_NODES)
    lines(folder / edges, HETIONET_EDGES)
    assert load_hetionet(folder).digest == load_hetionet(hetionet).digest


# tables, by hand


def test_tables_give_their_nodes(tables: Path) -> None:
    assert keys(load_own(tables)) == [("disease", "1"), ("drug", "1"), ("gene", "1"), ("gene", "2")]


def test_tables_node_without_name_goes_by_its_id(tables: Path) -> None:
    assert load_own(tables).nodes["node_name"].tolist() == ["1", "Velotinib", "TRK12", "QBG39"]


def test_tables_may_lack_the_name_column(tables: Path) -> None:
    lines(tables / "nodes.csv", [row.rpartition(",")[0] for row in TABLE_NODES])
    assert load_own(tables).nodes["node_name"].tolist() == ["1", "1", "1", "2"]


@pytest.mark.parametrize(("directed", "expected"), [((), [[0], [1]]), (("regulates",), [[1], [0]])])
def test_tables_relations_are_directed_where_stated(
    tables: Path, directed: tuple[str, ...], expected: list[list[int]]
) -> None:
    graph = load_own(tables, directed=directed)
    assert graph.edges[EdgeType("gene", "regulates", "gene")].tolist() == expected


@pytest.mark.parametrize("ending", [".csv.gz", ".tsv", ".tsv.gz"])
def test_tables_may_be_tsv_or_gzipped(tables: Path, tmp_path: Path, ending: str) -> None:
    folder = tmp_path / "other"
    folder.mkdir()
    for name, rows in (("nodes", TABLE_NODES), ("edges", TABLE_EDGES)):
        lines(folder / (name + ending), [row.replace(",", "\t") if "tsv" in ending else row for row in rows])
    assert load_own(folder).digest == load_own(tables).digest


def test_tables_hold_any_knowledge_graph(toy_graph: KnowledgeGraph, tmp_path: Path) -> None:
    write_tables(toy_graph, tmp_path)
    assert load_tables(tmp_path, Naming(PRIMEKG_RELATIONS)).digest == toy_graph.digest


# the real Hetionet


@pytest.fixture(scope="module")
def real_hetionet() -> KnowledgeGraph:
    if not HETIONET.is_dir():
        pytest.skip(f"there is no Hetionet at {HETIONET}")
    return load_hetionet(HETIONET)


def test_real_hetionet_has_its_nodes(real_hetionet: KnowledgeGraph) -> None:
    assert (len(real_hetionet.nodes), len(real_hetionet.num_nodes)) == (47_031, 11)


def test_real_hetionet_has_its_edges(real_hetionet: KnowledgeGraph) -> None:
    assert (real_hetionet.num_edges, len(real_hetionet.edges)) == (1_872_370, 24)


def test_real_hetionet_has_its_indications(real_hetionet: KnowledgeGraph) -> None:
    assert real_hetionet.indications.shape == (2, 755)


# what is wrong with a file


def fails(load: Callable[[Path], object], path: Path, message: str, error: type[Exception] = ValueError) -> None:
    with pytest.raises(error, match=re.escape(message)) as caught:
        load(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("load", "names"),
    [
        (load_primekg, "'kg.csv', 'kg.csv.gz'"),
        (load_hetionet, "'nodes.tsv.gz', 'nodes.tsv', 'hetionet-v1.0-nodes.tsv'"),
        (load_own, "'nodes.csv', 'nodes.csv.gz', 'nodes.tsv', 'nodes.tsv.gz'"),
    ],
)
def test_missing_file_is_named(tmp_path: Path, load: Load, names: str) -> None:
    fails(load, tmp_path, f"contains no file named {names}", FileNotFoundError)


@pytest.mark.parametrize("load", [load_primekg, load_hetionet, load_own])
def test_missing_folder_is_named(tmp_path: Path, load: Load) -> None:
    fails(load, tmp_path / "nowhere", "no such folder (expected to contain '", FileNotFoundError)


def test_missing_edge_file_is_named(tables: Path) -> None:
    (tables / "edges.csv").unlink()
    fails(load_own, tables, "contains no file named 'edges.csv'", FileNotFoundError)


def test_primekg_missing_column_is_named_beside_those_found(tmp_path: Path) -> None:
    path = lines(tmp_path / "kg.csv", [KG_HEADER.replace("x_type", "type"), *KG_ROWS])
    fails(load_primekg, path, "column 'x_type' is missing; columns found: 'relation', 'display_relation'")


def test_primekg_empty_id_is_named_by_row(tmp_path: Path) -> None:
    path = lines(tmp_path / "kg.csv", [KG_HEADER, *KG_ROWS[:4], KG_ROWS[4].replace("D1", "")])
    fails(load_primekg, path, "row 6 has no value in column 'x_id'")


def test_primekg_without_indication_is_an_error(tmp_path: Path) -> None:
    path = lines(tmp_path / "kg.csv", [KG_HEADER, *KG_ROWS[2:]])
    fails(load_primekg, path, "no edge 'indication' between a 'drug' and a 'disease'")


@pytest.mark.parametrize(("edge", "column"), [("Gene::9\tGiG\tGene::7", "source"), ("Gene::7\tGiG\tGene::9", "target")])
def test_hetionet_unknown_node_is_named_by_row_and_column(hetionet: Path, edge: str, column: str) -> None:
    file = lines(hetionet / "edges.sif.gz", [*HETIONET_EDGES, edge])
    fails(lambda _: load_hetionet(hetionet), file, f"row 7 refers to the unknown node 'Gene::9' in '{column}'")


def test_hetionet_with_one_id_under_two_kinds_is_refused(hetionet: Path) -> None:
    file = lines(hetionet / "nodes.tsv", [*HETIONET_NODES, "5\tTRK5\tGene", "5\tfalitis\tDisease"])
    message = (
        "the id '5' has two kinds, 'Gene' and 'Disease', so edges that use it are ambiguous: "
        "include the kind in the ids, as in 'Gene::5', in both files"
    )
    fails(lambda _: load_hetionet(hetionet), file, message)


def test_hetionet_node_that_stands_twice_is_one_duplicate(hetionet: Path) -> None:
    lines(hetionet / "nodes.tsv", [*HETIONET_NODES, HETIONET_NODES[1]])
    assert load_hetionet(hetionet).num_duplicate_nodes == 1


def test_hetionet_unknown_metaedge_to_leave_out_is_named(hetionet: Path) -> None:
    message = (
        "there is no relation 'GrG' to exclude: did you mean 'Gr>G'?; "
        "relations found: 'CbG', 'CpD', 'CtD', 'GiG', 'Gr>G'"
    )
    fails(lambda _: load_hetionet(hetionet, leaving_out("CbG", "GrG")), hetionet / "edges.sif.gz", message)


def test_hetionet_empty_kind_is_named_by_row(hetionet: Path) -> None:
    file = lines(hetionet / "nodes.tsv", [*HETIONET_NODES, "Gene::9\tJKL5\t"])
    fails(lambda _: load_hetionet(hetionet), file, "row 6 has no value in column 'kind'")


@pytest.mark.parametrize(
    ("edge", "node", "column"),
    [
        ("gene,3,regulates,gene,1", "(gene, 3)", "source_id"),
        ("gene,1,regulates,disease,2", "(disease, 2)", "target_id"),
    ],
)
def test_tables_unknown_node_is_named_by_row_and_column(tables: Path, edge: str, node: str, column: str) -> None:
    file = lines(tables / "edges.csv", [*TABLE_EDGES, edge])
    fails(lambda _: load_own(tables), file, f"row 4 refers to the unknown node {node} in '{column}'")


def test_tables_empty_node_id_is_named_by_row(tables: Path) -> None:
    file = lines(tables / "nodes.csv", [*TABLE_NODES, "gene,,JKL5"])
    fails(lambda _: load_own(tables), file, "row 6 has no value in column 'node_id'")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "the file is empty"),
        (b"a,b\n", "no rows below the header"),
        (b"a,b", "no rows below the header"),
        (b"a,c\n1,2\n", "column 'b' is missing; columns found: 'a', 'c'"),
        (b"a,b\n1,2\n1,2,3\n", "row 3 has the wrong number of values (3 for 2 columns)"),
        (b"a,b\n1,2\n1,\n", "row 3 has no value in column 'b'"),
        (b'a,b\n1,2\n1,"2\n3,4\n5,6\n', "row 3 opens a quote that is not closed on the same line"),
        ("a,b\n1,2\n1,ä\n".encode("latin-1"), "row 3 is not UTF-8 text (byte 0xe4 after '1,')"),
        ("a,b,ä\n1,2,3\n".encode("latin-1"), "row 1 is not UTF-8 text"),
        ("a,b\n1,2\n".encode("utf-16"), "row 1 is not UTF-8 text but UTF-16: save the file as UTF-8"),
    ],
)
def test_bad_csv_is_one_sentence(tmp_path: Path, data: bytes, message: str) -> None:
    path = tmp_path / "file.csv"
    path.write_bytes(data)
    fails(lambda p: read_columns(p, ["a", "b"]), path, message)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"a,b\n1,2\n", "is named .gz but is not gzip-compressed"),
        (b"", "the file is empty"),
        (gzip.compress(b"a,b\n" + bytes(range(48, 58)) * 9000, mtime=0)[:40], "cannot be unpacked"),
    ],
)
def test_bad_gzip_is_one_sentence(tmp_path: Path, data: bytes, message: str) -> None:
    path = tmp_path / "file.csv.gz"
    path.write_bytes(data)
    fails(lambda p: read_columns(p, ["a", "b"]), path, message)


def test_missing_csv_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no such file"):
        read_columns(tmp_path / "file.csv", ["a"])


@pytest.mark.parametrize("data", [b"\xef\xbb\xbfa,b\r\n1,2\r\n", b'"b","a"\r\n2,1\r\n', b"a,b\n\n1,2\n\n"])
def test_harmless_variants_of_csv_are_read(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "file.csv"
    path.write_bytes(data)
    assert read_columns(path, ["a", "b"]).to_dict("list") == {"a": ["1"], "b": ["2"]}


def test_row_of_an_error_far_down_is_its_line(tmp_path: Path) -> None:
    path = lines(tmp_path / "file.csv", ["a,b", *["some,text"] * 400_000, ",b"])
    fails(lambda p: read_columns(p, ["a"]), path, "row 400002 has no value in column 'a'")
