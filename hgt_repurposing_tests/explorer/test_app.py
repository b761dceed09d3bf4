"""The explorer's pages: what they show, what they refuse, and that nothing of it can become HTML or a path."""

import asyncio
import csv
import io
import json
import re
import shutil
from dataclasses import replace
from html import unescape
from pathlib import Path
from urllib.parse import quote, urlencode

import pandas as pd
import pytest
from httpx2 import Response
from markupsafe import escape
from starlette.types import Message

from hgt_repurposing.explorer.library import Library
from hgt_repurposing.graph.attributes import ATTRIBUTE_COLUMNS, attribute_table
from hgt_repurposing.graph.edge_provenance import EdgeProvenance
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.settings import IN_WORDS
from hgt_repurposing.report.export import FOR_RESEARCH
from hgt_repurposing.report.external import external_lines
from hgt_repurposing.report.search_script import script_source
from hgt_repurposing.repurposing.candidates import Candidates
from hgt_repurposing.storage.catalog import load, manifest_of, path_of, save
from hgt_repurposing.storage.manifest import Manifest
from hgt_repurposing.storage.releases import release_of
from hgt_repurposing_tests.benchmark.evaluations import evaluated
from hgt_repurposing_tests.benchmark.outside import outside_results
from hgt_repurposing_tests.explorer.folders import (
    ALONE,
    HOSTILE,
    PNG,
    STRANGE_IDS,
    client,
    graph,
    lists_alone,
    make_current,
    strange_lists,
    whole_release,
)
from hgt_repurposing_tests.report.test_page import Page

PAGES = ("/", "/search?q=drug", "/disease?id=0000", "/drug?id=0000", "/evaluation", "/map?drug=0000", "/nowhere")
KNOWN = tuple(int(end) for end in graph().indications[:, 0])
"""A pair with a known treatment, as local indices."""


def pair(drug: str, disease: str, **more: str) -> str:
    return f"/pair?{urlencode({'drug': drug, 'disease': disease, **more})}"


def parsed(response: Response) -> Page:
    """The page, whose tags must be closed where they should be."""
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    return Page(response.text)


def sentence(response: Response) -> str:
    """What a page that says no says."""
    page = parsed(response)
    assert "Traceback" not in page.text
    (said,) = re.findall(r'<p class="lead">(.*?)</p>', response.text)
    return unescape(str(said))


def ids_shown(response: Response) -> list[str]:
    return [unescape(found) for found in re.findall(r'<small class="id">(.*?)</small>', response.text)]


# what the pages show


def test_the_first_page_names_release_trust_and_the_most_probable_new_pairs(whole: Path) -> None:
    page = parsed(client(whole).get("/"))
    assert "20261127T120000Z-byhand" in page.text
    assert "On the whole grid" in page.text
    assert FOR_RESEARCH in page.text
    table = load("repurposing_candidates", root=whole).table
    best = table[table["status"] == "new"].sort_values("score", ascending=False, kind="stable").iloc[0]
    links = [attributes.get("href") or "" for tag, attributes in page.tags if tag == "a"]
    assert next(link for link in links if link.startswith("/pair")) == pair(best["drug_id"], best["disease_id"])


def test_a_list_is_that_of_the_release(whole: Path) -> None:
    response = client(whole).get("/disease?id=0003&show=all")
    table = load("repurposing_candidates", root=whole).table
    assert ids_shown(response) == table.loc[table["disease_id"] == "0003", "drug_id"].tolist()
    by_drug = load("repurposing_candidates", root=whole).by_drug
    response = client(whole).get("/drug?id=0007&show=all")
    assert ids_shown(response) == by_drug.loc[by_drug["drug_id"] == "0007", "disease_id"].tolist()


def test_a_list_is_filtered_and_sorted_by_its_address(whole: Path) -> None:
    table = load("repurposing_candidates", root=whole).table
    rows = table[(table["disease_id"] == "0003") & (table["status"] == "new")]
    response = client(whole).get("/disease?id=0003&status=new&sort=corrected&order=desc")
    wanted = rows.sort_values("corrected_rank", ascending=False, kind="stable")["drug_id"].tolist()
    assert ids_shown(response) == wanted
    assert re.search(r'<th scope="col" class="n" aria-sort="descending"><a href="[^"]*order=asc', response.text)


def test_a_list_that_nothing_fits_says_so(whole: Path) -> None:
    text = parsed(client(whole).get("/disease?id=0003&setting=cold+pair")).text
    assert "No row of this list fits: status: any; setting: cold pair; sorted by rank, ascending; rows: 50." in text


def test_a_download_has_exactly_the_rows_that_are_shown_and_says_where_they_come_from(whole: Path) -> None:
    query = "id=0003&status=new&sort=probability&order=asc&show=20"
    shown = ids_shown(client(whole).get(f"/disease?{query}"))
    response = client(whole).get(f"/disease?{query}&format=csv")
    rows = list(csv.DictReader(io.StringIO(response.text)))
    assert [row["drug_id"] for row in rows] == shown
    assert {(row["release"], row["note"]) for row in rows} == {("20261127T120000Z-byhand", FOR_RESEARCH)}
    assert {row["licence"] for row in rows} == {"not stated"}
    assert {row["graph_digest"] for row in rows} == {manifest_of("knowledge_graph", root=whole).digest[:12]}
    assert response.headers["content-disposition"].endswith('="drugs-for-the-disease-disease-aaad-0003.csv"')
    value = client(whole).get(f"/disease?{query}&format=json").json()
    assert [row["drug_id"] for row in value["rows"]] == shown
    assert value["note"] == FOR_RESEARCH
    assert value["shown"] == "status: new; setting: any; sorted by probability, ascending; rows: 20"


def test_the_links_of_a_list_download_what_it_shows(whole: Path) -> None:
    page = parsed(client(whole).get("/disease?id=0003&status=new&sort=name&show=20"))
    links = [str(a["href"]) for tag, a in page.tags if tag == "a" and "format=csv" in str(a["href"])]
    assert links == ["/disease?id=0003&status=new&sort=name&order=asc&show=20&format=csv"]


def test_a_pair_is_explained(whole: Path) -> None:
    drug, disease = (f"{index:04d}" for index in KNOWN)
    response = client(whole).get(pair(drug, disease))
    page = parsed(response)
    assert "indication" in page.text
    assert "the pair is not a new candidate" in page.text
    assert "for a usual drug of this disease" in page.text
    assert page.of_class("paths") == ["svg"]
    assert len(page.of_class("bar")) >= 7
    value = client(whole).get(pair(drug, disease, format="json")).json()
    assert value["note"] == FOR_RESEARCH
    assert len(value["paths"]) == len(re.findall('<span class="share">', response.text.split("run through")[0]))
    genes = response.text.split("Genes through which the drug may act")[1].split("<h2>")[0]
    assert value["genes"]
    assert len(value["genes"]) == genes.count('<span class="share">')
    assert all(str(escape(gene["name"])) in genes for gene in value["genes"])


def test_a_pair_without_a_path_says_so(whole: Path) -> None:
    page = parsed(client(whole).get(pair(ALONE, "0003")))
    assert "No path of two to four edges joins the two in the graph." in page.text
    assert page.of_class("paths") == []
    assert "The graph knows nothing about this drug" in page.text
    assert "The graph gives this drug no gene." in page.text


def test_an_explanation_that_takes_its_time_is_announced_and_looked_for_again(whole: Path) -> None:
    asked = client(whole, patience=0)
    first = asked.get(pair("0004", "0004"))
    assert '<meta http-equiv="refresh" content="1">' in first.text
    assert "The explanation is on its way" in first.text
    assert asked.get(pair("0004", "0004", format="json")).status_code == 503


def test_the_evaluation_shows_verdicts_and_the_pictures_of_the_report(whole: Path) -> None:
    asked = client(whole)
    page = parsed(asked.get("/evaluation"))
    assert "Diseases held out" in page.text
    sources = [attributes["src"] for tag, attributes in page.tags if tag == "img"]
    assert sources == ["/picture?name=settings.png", "/picture?name=evaluation_disease.png"]
    for setting, words in IN_WORDS.items():
        assert f"{setting}{words}" in page.text
    trust = Library(whole).open().trust
    assert trust is not None
    assert trust.assumed in page.text
    assert all(lead.in_words() in page.text for lead in trust.leads)
    assert asked.get(str(sources[0])).content == PNG


def test_pairs_from_outside_are_shown_by_file_as_the_terminal_shows_them(tmp_path: Path) -> None:
    evaluation = replace(evaluated(splits=("disease", "external")), external=outside_results())
    save("repurposing_evaluation", evaluation, root=lists_alone(tmp_path), config={})
    text = parsed(client(tmp_path).get("/evaluation")).text
    assert "\n".join(external_lines(evaluation.external)) in text
    assert evaluation.lead("external").in_words() not in text


def test_the_report_is_served_as_it_is_and_may_load_nothing(whole: Path) -> None:
    response = client(whole).get("/report")
    assert response.text == "<p>the report"
    policy = response.headers["content-security-policy"]
    assert f"script-src {script_source()};" in policy  # the report's own search, and no other script
    assert policy.count("script") == 1
    assert response.headers["content-security-policy"].startswith("default-src 'none'")


def test_the_map_marks_what_is_asked_for(whole: Path) -> None:
    page = parsed(client(whole).get("/map?drug=0005&disease=disease+aaad"))
    assert len(page.of_class("marked")) == 2
    assert len([tag for tag, _ in page.tags if tag == "circle"]) == 61 + 30
    assert "drug aaaf" in page.text


def test_a_search_lists_drugs_and_diseases(whole: Path) -> None:
    page = parsed(client(whole).get("/search?q=DRUG"))
    assert "60 drugs" in page.text
    assert "The first 25 are shown" in page.text
    assert "Did you mean" in parsed(client(whole).get("/search?q=diseese")).text
    assert "Type a name" in parsed(client(whole).get("/search")).text


def test_a_search_for_one_name_leads_to_its_list(whole: Path) -> None:
    response = client(whole).get("/search?q=Disease+AAAD", follow_redirects=False)
    assert (response.status_code, response.headers["location"]) == (303, "/disease?id=0003")


def test_health_is_a_line(whole: Path) -> None:
    assert client(whole).get("/healthz").text == "ok: release 20261127T120000Z-byhand\n"


# what every answer has


@pytest.mark.parametrize("page", PAGES)
def test_every_page_is_whole_html_without_a_script_and_with_all_headers(whole: Path, page: str) -> None:
    response = client(whole).get(page)
    tags = parsed(response).tags
    assert not {tag for tag, _ in tags} & {"script", "iframe", "object", "embed", "style"}
    assert not [name for _, attributes in tags for name in attributes if name == "style" or name.startswith("on")]
    policy = response.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["referrer-policy"] == "no-referrer"
    addresses = [str(attributes.get(name)) for _, attributes in tags for name in ("href", "src", "action")]
    assert not [address for address in addresses if "//" in address]


@pytest.mark.parametrize("page", PAGES)
def test_every_page_can_be_used_by_keyboard_and_read_aloud(whole: Path, page: str) -> None:
    tags = parsed(client(whole).get(page)).tags
    names = [tag for tag, _ in tags]
    assert names.count("h1") == names.count("main") == 1
    assert next(a for tag, a in tags if tag == "a")["href"] == "#content"
    assert ("html", {"lang": "en"}) in tags
    assert names.count("caption") == names.count("table")
    inputs = [attributes for tag, attributes in tags if tag == "input" and attributes.get("type") == "search"]
    labels = names.count("label")
    assert [a for a in inputs if "aria-label" not in a and not labels] == []


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_nothing_can_be_changed(whole: Path, method: str) -> None:
    response = client(whole).request(method, "/disease?id=0003")
    assert response.status_code == 405
    assert sentence(response) == "This page can only be read: nothing can be changed here."


def test_head_is_answered_without_a_body(whole: Path) -> None:
    response = client(whole).head("/disease?id=0003")
    assert (response.status_code, response.content) == (200, b"")


def test_looking_at_everything_writes_nothing(tmp_path: Path) -> None:
    whole_release(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    for page in (*PAGES, "/report", pair("0004", "0004")):
        client(tmp_path).get(page)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


# what is tried on it


@pytest.mark.parametrize("page", ["/", "/search?q=script", "/disease?id=0000", "/drug?id=0000", pair("0000", "0000")])
def test_a_name_cannot_become_html(whole: Path, page: str) -> None:
    response = client(whole).get(page)
    assert "script" not in [tag for tag, _ in parsed(response).tags]
    if page != "/":
        assert HOSTILE in parsed(response).text


@pytest.mark.parametrize(
    "page", ["/search?q={}", "/disease?id={}", "/map?drug={}", "/pair?drug={}&disease=0000", "/disease?id=0000&sort={}"]
)
def test_what_is_asked_cannot_become_html(whole: Path, page: str) -> None:
    response = client(whole).get(page.format(quote('"><script>alert(1)</script><img src=x onerror=y>')))
    tags = parsed(response).tags
    assert "script" not in [tag for tag, _ in tags]
    assert "x" not in [attributes.get("src") for _, attributes in tags]


@pytest.mark.parametrize("drug_id", STRANGE_IDS)
def test_an_id_may_hold_any_character(tmp_path: Path, drug_id: str) -> None:
    asked = client(lists_alone(tmp_path))
    page = parsed(asked.get(f"/drug?{urlencode({'id': drug_id})}"))
    assert page.of_class("filters") == ["form"]
    links = [str(attributes["href"]) for tag, attributes in page.tags if tag == "a" and "format=csv" in str(attributes)]
    rows = list(csv.DictReader(io.StringIO(asked.get(links[0]).text)))
    assert len(rows) == 3
    assert {row["drug_id"].removeprefix("'") for row in rows} == {drug_id}
    name = asked.get(links[0]).headers["content-disposition"]
    assert re.fullmatch(r'attachment; filename="[A-Za-z0-9.-]+\.csv"', name)
    assert ".." not in name


def test_a_spreadsheet_computes_nothing_of_a_download(tmp_path: Path) -> None:
    text = client(lists_alone(tmp_path)).get("/disease?id=1&format=csv").text
    cells = {row["drug_id"] for row in csv.DictReader(io.StringIO(text))}
    assert "'=1+1" in cells
    assert "=1+1" not in cells


@pytest.mark.parametrize("name", ["../../../etc/passwd", "..%2f..", "/etc/passwd", "repurposing_report.html", "", "\0"])
def test_a_picture_is_one_of_the_report_or_none(whole: Path, name: str) -> None:
    response = client(whole).get(f"/picture?{urlencode({'name': name})}")
    assert response.status_code == 404
    assert sentence(response) == "There is no such page."


@pytest.mark.parametrize(
    "path", ["/../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/style.css/../app.py", "/templates/base.html", "/%00"]
)
def test_no_path_leads_to_a_file(whole: Path, path: str) -> None:
    assert client(whole).get(path).status_code == 404


@pytest.mark.parametrize(("path", "query"), [("/search", b"q="), ("/disease", b"id="), ("/nowhere", b""), ("/", b"")])
def test_an_address_of_a_megabyte_is_refused_in_a_sentence(whole: Path, path: str, query: bytes) -> None:
    """Handed to the application as a server does, since clients refuse to send it."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query + b"x" * 1_000_000,
        "headers": [(b"host", b"127.0.0.1:8050")],
    }

    async def answer() -> None:
        await client(whole).app(scope, receive, send)

    asyncio.run(answer())
    assert [message.get("status") for message in sent] == [414, None]
    assert b"This address is too long: 1,000,0" in sent[1]["body"]
    assert len(sent[1]["body"]) < 4000


@pytest.mark.parametrize(
    ("page", "code", "said"),
    [
        ("/disease?id=diseese+aaac", 404, "No disease has the id or name 'diseese aaac'; did you mean disease aaac"),
        ("/disease", 404, "This address names no disease."),
        ("/drug?id=++", 404, "This address names no drug."),
        ("/drug?id=drug+", 404, "60 drugs have names or ids with 'drug '"),
        ("/pair?drug=0001", 404, "This address names no disease."),
        ("/map?disease=gout", 404, "No disease has the id or name 'gout'"),
        ("/disease?id=0003&status=cured", 400, "Status must be one of new, other, off-label, not indicated"),
        ("/disease?id=0003&sort=%00", 400, "Sort must be one of rank, name, probability"),
        ("/disease?id=0003&show=1000000", 400, "Show must be one of 20, 50, 100, all (got '1000000')."),
        ("/disease?id=0003&format=exe", 400, "The format must be csv or json (got 'exe')."),
        ("/nowhere", 404, "There is no such page."),
    ],
)
def test_what_cannot_be_shown_is_a_sentence(whole: Path, page: str, code: int, said: str) -> None:
    response = client(whole).get(page)
    assert response.status_code == code
    assert sentence(response).startswith(said)


@pytest.mark.parametrize(
    ("host", "code"),
    [
        ("127.0.0.1:8050", 200),
        ("localhost", 200),
        ("[::1]:1", 200),
        ("evil.example", 421),
        ("127.0.0.1.evil", 421),
        ("", 421),
        ("[", 421),
    ],
)
def test_only_a_name_of_this_machine_is_answered(whole: Path, host: str, code: int) -> None:
    response = client(whole).get("/healthz", headers={"host": host})
    assert response.status_code == code
    if code == 421:
        assert sentence(response) == "This page answers only under the address at which it was started."


def test_a_server_that_is_open_to_others_answers_to_any_name(whole: Path) -> None:
    assert client(whole, host="0.0.0.0").get("/healthz", headers={"host": "lab.example"}).status_code == 200  # noqa: S104


# results that are not whole


def test_lists_alone_are_shown_and_what_is_missing_is_said(tmp_path: Path) -> None:
    asked = client(lists_alone(tmp_path))
    assert "These lists were not evaluated" in parsed(asked.get("/")).text
    assert "These lists were not evaluated" in parsed(asked.get("/evaluation")).text
    text = parsed(asked.get(pair("..", "1"))).text
    assert "It cannot be explained: These results have no knowledge_graph." in text
    assert "Another disease has the same name: 3. This is 1." in text
    assert asked.get("/map").status_code == 503


def test_an_empty_folder_is_a_sentence(tmp_path: Path) -> None:
    response = client(tmp_path).get("/")
    assert response.status_code == 503
    assert sentence(response).startswith("There is no artefact 'repurposing_candidates'")


def damage(manifest: Manifest, part: str, root: Path) -> None:
    path = path_of(manifest, part, root=root)
    content = bytearray(path.read_bytes())
    content[len(content) // 3 : len(content) // 2] = bytes(len(content) // 2 - len(content) // 3)
    path.write_bytes(bytes(content))


def test_a_damaged_score_file_is_a_sentence(tmp_path: Path) -> None:
    made = whole_release(tmp_path)
    asked = client(tmp_path)
    table = load("repurposing_candidates", root=tmp_path)
    listed = set(zip(table.table["drug_id"], table.table["disease_id"], strict=True))
    drug = next(drug for drug in table.by_drug["drug_id"] if (drug, "0003") not in listed)
    assert asked.get(pair(drug, "0003")).status_code == 200
    for part in made["repurposing_scores"].parts:
        damage(made["repurposing_scores"], part, tmp_path)
    response = asked.get(pair(drug, "0003"))
    assert response.status_code == 503
    assert sentence(response).startswith("Artefact 'repurposing_scores' is damaged")


def test_a_damaged_model_leaves_the_figures_of_a_pair(tmp_path: Path) -> None:
    made = whole_release(tmp_path)
    for part in made["repurposing_model"].parts:
        damage(made["repurposing_model"], part, tmp_path)
    drug = load("repurposing_candidates", root=tmp_path).of_disease("0003")["drug_id"].iloc[0]
    response = client(tmp_path).get(pair(drug, "0003"))
    assert response.status_code == 200
    assert "It cannot be explained: Artefact &#39;repurposing_model&#39; is damaged" in response.text


def test_results_of_two_runs_are_said_to_be_so(whole: Path, tmp_path: Path, toy_graph: KnowledgeGraph) -> None:
    root = Path(shutil.copytree(whole, tmp_path / "data"))
    (root / "releases/current.json").unlink()
    newer = save("knowledge_graph", toy_graph, root=root, config={})
    save("repurposing_evaluation", evaluated(), root=root, config={}, inputs=[newer])
    asked = client(root)
    text = parsed(asked.get("/")).text
    assert "WARNING: this folder mixes results of several runs; newer than repurposing_candidates" in text
    different = (
        "Repurposing_candidates and repurposing_evaluation were made from different versions of knowledge_graph."
    )
    assert different in text
    assert different in parsed(asked.get("/evaluation")).text
    drug, disease = load("repurposing_candidates", root=root).table.iloc[0][["drug_id", "disease_id"]]
    assert "It cannot be explained: " in parsed(asked.get(pair(drug, disease))).text


def test_another_release_is_shown_as_soon_as_it_is_current(tmp_path: Path) -> None:
    made = whole_release(tmp_path)
    asked = client(tmp_path)
    assert asked.get("/disease?id=0003").status_code == 200
    other = save("repurposing_candidates", strange_lists(), root=tmp_path, config={})
    make_current("20261128T120000Z-byhand", {"repurposing_candidates": other}, root=tmp_path)
    assert asked.get("/disease?id=0003").status_code == 404
    assert "20261128T120000Z-byhand" in asked.get("/").text
    assert release_of("previous", root=tmp_path).versions.keys() == made.keys()


def test_a_fault_of_the_program_is_a_sentence_too(whole: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = client(whole)
    monkeypatch.setattr("hgt_repurposing.explorer.site.column_meanings", None)
    response = asked.get("/disease?id=0003")
    assert response.status_code == 500
    assert sentence(response) == "This page failed by a fault of the program; the terminal shows the details."
    assert "content-security-policy" in response.headers


def test_json_of_a_pair_is_json(whole: Path) -> None:
    text = client(whole).get(pair("0004", "0004", format="json")).text
    assert json.loads(text)["drug"]["id"] == "0004"


def test_lists_by_hand_follow_their_schema() -> None:
    assert isinstance(strange_lists(), Candidates)


# attributes, lists of one's own, links


@pytest.fixture(scope="module")
def attributed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Lists of drugs some of which are approved, and some of which have ids that are links."""
    lists = strange_lists()
    rows = [("drug", drug, "approved", "no" if drug in ("..", "=1+1") else "yes") for drug in STRANGE_IDS[:-1]]
    rows += [("drug", "<b>", HOSTILE, value) for value in (HOSTILE, "b", "c", "d", "e", "f", "g", "h", "i")]
    rows += [("disease", "1", "source", "MONDO"), ("disease", "1", "area", HOSTILE)]
    attributes = attribute_table(pd.DataFrame(rows, columns=list(ATTRIBUTE_COLUMNS), dtype="str"))
    root = tmp_path_factory.mktemp("attributed")
    return lists_alone(root, replace(lists, attributes=attributes, chosen={"drug": [f"drugs with {HOSTILE} yes"]}))


def test_a_list_is_filtered_by_attributes_and_ranks_stay(attributed: Path) -> None:
    every = ids_shown(client(attributed).get("/disease?id=1&show=all"))
    response = client(attributed).get("/disease?id=1&with.approved=yes&show=all")
    assert ids_shown(response) == [drug for drug in every if drug not in ("..", "=1+1", "{{ 7 * 7 }}")]
    assert '<td class="n">3</td>' in response.text  # =1+1 and a space are before it
    text = parsed(response).text
    assert "1 of 12 drugs have no value for approved" in text
    assert "1 without a value" in text
    assert re.search(r'name="with.approved" value="yes" checked>yes <small>9</small>', response.text)
    csv_rows = list(csv.DictReader(io.StringIO(client(attributed).get(csv_link(response)).text)))
    shown = [row["drug_id"].removeprefix("'") for row in csv_rows]
    assert [drug for drug in shown if "\n" not in drug] == ids_shown(response)  # which finds no id of two lines
    assert {row["drug: approved"] for row in csv_rows} == {"yes"}


def csv_link(response: Response) -> str:
    (link,) = [str(a["href"]) for tag, a in parsed(response).tags if tag == "a" and "format=csv" in str(a["href"])]
    return link


def test_a_list_of_ones_own_filters_and_stays_in_the_address(attributed: Path) -> None:
    query = urlencode({"id": "1", "only": "..\r\n# mine\r\nünï", "show": "all"})
    response = client(attributed).get(f"/disease?{query}")
    assert sorted(ids_shown(response)) == ["..", "ünï"]
    assert re.search(r"<textarea[^>]*>\.\.\nünï</textarea>", response.text)
    assert len(client(attributed).get(csv_link(response)).text.splitlines()) == 3
    refused = client(attributed).get(f"/disease?{urlencode({'id': '1', 'only': 'aspirin'})}")
    assert refused.status_code == 404
    assert sentence(refused) == "No drug has the id or name 'aspirin'."


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"with.aproved": "yes"}, "Drugs have no attribute 'aproved': did you mean 'approved'?; attributes of drugs: "),
        ({"with.approved": "Yes"}, "No drug has 'Yes' as approved: did you mean 'yes'?; values found: 'no', 'yes'."),
    ],
)
def test_an_attribute_that_there_is_not_is_refused(attributed: Path, query: dict[str, str], said: str) -> None:
    response = client(attributed).get(f"/disease?{urlencode({'id': '1', **query})}")
    assert response.status_code == 400
    assert sentence(response).startswith(said)


def test_attributes_are_text_whatever_they_hold_and_many_values_are_typed(attributed: Path) -> None:
    response = client(attributed).get(f"/disease?{urlencode({'id': '1', f'with.{HOSTILE}': HOSTILE})}")
    assert "<script" not in response.text
    assert ids_shown(response) == ["<b>"]
    page = parsed(response)
    assert f"This list was made to hold only drugs with {HOSTILE} yes." in page.text
    typed = [a.get("value") for tag, a in page.tags if tag == "input" and a.get("name") == f"with.{HOSTILE}"]
    assert typed == [HOSTILE, ""]


def test_ids_of_known_vocabularies_are_links(attributed: Path) -> None:
    link = "http://purl.obolibrary.org/obo/MONDO_0000001"
    page = parsed(client(attributed).get("/disease?id=1"))
    assert [a["rel"] for tag, a in page.tags if tag == "a" and a.get("href") == link] == ["noreferrer"]
    by_drug = client(attributed).get("/drug?id=..&format=json").json()
    assert {row["disease_id"]: row["disease_link"] for row in by_drug["rows"]} == {"1": link, "2": None, "3": None}
    assert {row["drug_link"] for row in by_drug["rows"]} == {None}


def test_source_and_reference_of_edges_are_shown_as_text_with_links(tmp_path: Path) -> None:
    made = whole_release(tmp_path)
    plain = graph()
    said = {
        edge_type: EdgeProvenance(
            index,
            pd.DataFrame({"source": [HOSTILE] * index.shape[1], "pmid": ["123"] * index.shape[1]}, dtype="category"),
        )
        for edge_type, index in plain.edges.items()
    }
    made["knowledge_graph"] = save("knowledge_graph", replace(plain, provenance=said), root=tmp_path, config={})
    lineage = {"knowledge_graph": made["knowledge_graph"].digest}
    for name in ("hgt_embeddings", "repurposing_model", "repurposing_scores", "repurposing_candidates"):
        made[name] = save(name, load(name, root=tmp_path), root=tmp_path, config={}, inputs=[made["knowledge_graph"]])
        assert made[name].lineage == lineage
    make_current("20261128T120000Z-said", made, root=tmp_path)
    drug, disease = (f"{index:04d}" for index in KNOWN)
    response = client(tmp_path).get(pair(drug, disease))
    assert "<script" not in response.text
    page = parsed(response)
    assert "What the graph has about the pair itself" in page.text
    links = [a for tag, a in page.tags if tag == "a" and a.get("href") == "https://pubmed.ncbi.nlm.nih.gov/123/"]
    value = client(tmp_path).get(pair(drug, disease, format="json")).json()
    num_steps = sum(len(path["relations"]) for path in value["paths"])
    num_similar = len(value["similar_drugs"]) + len(value["similar_diseases"])
    assert len(links) == len(value["recorded"]) + num_steps + num_similar
    assert value["recorded"][0]["provenance"] == {"source": HOSTILE, "pmid": "123"}
