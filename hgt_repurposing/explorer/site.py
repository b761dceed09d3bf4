"""The pages: what each address reads, and what it answers."""

import json
import math
import re
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import pandas as pd
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response

from hgt_repurposing.explorer.caveats import caveats
from hgt_repurposing.explorer.drawing import map_picture
from hgt_repurposing.explorer.explanations import Explained
from hgt_repurposing.explorer.in_background import Pending
from hgt_repurposing.explorer.library import OTHER, SIDES, Library, OpenRelease, UnknownNodeError
from hgt_repurposing.explorer.listing import LENGTHS, WITH, Choice, ImpossibleChoiceError
from hgt_repurposing.explorer.pages import address, render, style_sheet
from hgt_repurposing.explorer.pair_facts import facts_of
from hgt_repurposing.explorer.trust import Trust
from hgt_repurposing.explorer.why import why_of
from hgt_repurposing.graph.attributes import ATTRIBUTE, names_of, values_of
from hgt_repurposing.graph.lookup import folded
from hgt_repurposing.graph.schema import NODE_ID
from hgt_repurposing.graph.settings import IN_WORDS, SETTINGS
from hgt_repurposing.report.candidate_list import Filtered, column_meanings, filtered
from hgt_repurposing.report.explanation_text import explanation_json
from hgt_repurposing.report.export import Source, as_csv, as_json, with_attributes
from hgt_repurposing.report.search_script import script_source
from hgt_repurposing.report.summary import BY_WHAT, MARKS_MEAN
from hgt_repurposing.repurposing.candidates import STATUS, Side

PATIENCE = 0.05
"""Seconds that a page waits for what is computed in the background; after that it says that it is on its way."""
NUM_FOUND = 25
"""Drugs, and diseases, that a search lists."""
NUM_BEST = 12
MAX_BOXES = 8
"""Values of an attribute that are shown as boxes to tick; of more, one is typed."""
MAX_FILE_NAME = 120
REPORT_POLICY = (
    f"default-src 'none'; style-src 'unsafe-inline'; script-src {script_source()}; img-src data:; base-uri 'none'; "
    "frame-ancestors 'none'"
)
"""The report is one file with its styles, its pictures and its search in it."""

Say = Callable[[Exception], str]


def page(template: str, *, code: int = 200, **values: Any) -> HTMLResponse:
    """Any: what the template names."""
    return HTMLResponse(render(template, **{"asked": "", "refresh": None, "code": code, **values}), status_code=code)


class Site:
    """The pages."""

    def __init__(self, library: Library, say: Say, patience: float) -> None:
        self._library, self._say, self._patience = library, say, patience

    def sentence(self, error: Exception) -> str:
        """An error as a sentence with a capital and a full stop."""
        said = self._say(error)
        return f"{said[:1].upper()}{said[1:]}{'' if said.endswith(('.', '?')) else '.'}"

    def home(self, _request: Request) -> Response:
        """Search, what is shown here, how far to trust it, and the most probable new candidates."""
        release = self._library.open()
        trust, problem = self._trust(release)
        best = release.best_new.head(NUM_BEST)
        return page(
            "home.html",
            release=release,
            trust=trust,
            problem=problem,
            best=best.to_dict("records"),
            longest=_longest(best),
            meanings=column_meanings("drug"),
        )

    def search(self, request: Request) -> Response:
        """Drugs and diseases by name or id."""
        release, asked = self._library.open(), request.query_params.get("q", "").strip()
        found = {side: release.lists[side].search.find(asked) for side in SIDES}
        nodes = {side: release.lists[side].found(rows[:NUM_FOUND]) for side, rows in found.items()}
        same = [(s, n) for s, some in nodes.items() for n in some if folded(asked) in (folded(n.id), folded(n.name))]
        if len(same) == 1:
            side, node = same[0]
            return RedirectResponse(address(f"/{side}", id=node.id), status_code=303)
        close = {
            side: release.lists[side].found(release.lists[side].search.closest(asked))
            if not any(found.values())
            else []
            for side in found
        }
        return page(
            "search.html",
            release=release,
            asked=asked,
            found=nodes,
            counts={side: len(rows) for side, rows in found.items()},
            close=close,
        )

    def disease(self, request: Request) -> Response:
        """The best drugs for a disease."""
        return self._list(request, "disease")

    def drug(self, request: Request) -> Response:
        """The best diseases for a drug."""
        return self._list(request, "drug")

    def _list(self, request: Request, side: Side) -> Response:
        release, of = self._library.open(), OTHER[side]
        node_id, lists = self._meant(release, side, request.query_params.get("id", "")), release.lists[side]
        choice = Choice.of_query(request.query_params.multi_items())
        whole = lists.of(node_id)
        first: Mapping[Any, Any] = whole.iloc[0].to_dict()  # a row: text and numbers
        fits = _filtered(release, whole, of, choice)
        rows = choice.rows(whole, of, fits.ids)
        name, form = lists.name(node_id), request.query_params.get("format", "html")
        if form != "html":
            source = release.source(f"{of}s for the {side} {name} ({node_id})", choice.in_words())
            return _download(rows, source, release, form)
        return page(
            "list.html",
            release=release,
            side=side,
            of=of,
            node_id=node_id,
            name=name,
            rows=rows.to_dict("records"),
            num_kept=len(choice._replace(length="all").rows(whole, of, fits.ids)),
            notes=fits.notes,
            restricted=release.candidates.chosen.get(of, ()),
            attributes=_offered(release, whole, of, choice),
            described=release.links.attributes(side, node_id),
            link=release.links.of,
            num_listed=len(whole),
            num_all=release.lists[of].num_nodes,
            num_known=int(whole["known"].sum()),
            degree=first[f"{side}_degree"],
            evidence=_evidence_in_words(side, first[f"{side}_evidence"]),
            marks=[mark for mark in MARKS_MEAN if (rows[f"{of}_evidence"] == mark).any()],
            namesakes=lists.namesakes(node_id),
            risk=bool(whole["contraindication_score"].notna().any()),
            equals=bool(rows["score"].duplicated().any()),
            longest=_longest(rows),
            choice=choice,
            statuses=[(status, int((whole["status"] == status).sum())) for status in STATUS],
            settings=[(setting, IN_WORDS[setting], int((whole["setting"] == setting).sum())) for setting in SETTINGS],
            lengths=LENGTHS,
            meanings=column_meanings(of),
        )

    def pair(self, request: Request) -> Response:
        """A drug for a disease: figures, caveats, and why."""
        release, query = self._library.open(), request.query_params
        disease_id, drug_id = (self._meant(release, side, query.get(side, "")) for side in SIDES)
        sides = (("drug", drug_id), ("disease", disease_id))
        began = time.monotonic()
        release.explanations.begin(drug_id, disease_id)  # while it is computed, the figures are looked up
        facts = facts_of(release, drug_id, disease_id) if query.get("format") != "json" else None
        explained, waiting, problem = None, None, ""
        try:
            left = max(0.0, self._patience - (time.monotonic() - began))
            explained = release.explanations.of(drug_id, disease_id, wait=left)
        except Pending as pending:
            waiting = pending
        except (ValueError, OSError) as error:
            problem = self.sentence(error)
        if facts is None:
            return _explanation_download(explained, release, problem)
        status = facts.status or (explained.status if explained else None)
        return page(
            "pair.html",
            release=release,
            facts=facts,
            status=status,
            meanings=column_meanings("drug"),
            caveats=caveats(facts, release, status=status),
            why=why_of(explained) if explained else None,
            link=release.links.of,
            described={side: release.links.attributes(side, node_id) for side, node_id in sides},
            waiting=waiting,
            problem=problem,
            refresh=1 if waiting else None,
            exp=math.exp,
        )

    def evaluation(self, _request: Request) -> Response:
        """How far to trust the lists."""
        release = self._library.open()
        trust, problem = self._trust(release)
        return page("evaluation.html", release=release, trust=trust, problem=problem, pictures=release.pictures)

    def report(self, _request: Request) -> Response:
        """The report of the run, as it was written."""
        html = self._library.open().report_part()
        return HTMLResponse(html, headers={"Content-Security-Policy": REPORT_POLICY})

    def picture(self, request: Request) -> Response:
        """One of the report's pictures."""
        try:
            png = self._library.open().report_part(request.query_params.get("name", ""))
        except KeyError:
            raise HTTPException(404) from None
        if isinstance(png, str):
            raise HTTPException(404)
        return Response(png, media_type="image/png")

    def map(self, request: Request) -> Response:
        """Where drugs and diseases lie."""
        release = self._library.open()
        asked = {side: request.query_params.get(side, "") for side in SIDES}
        marked: dict[str, str] = {
            side: self._meant(release, side, text) for side, text in asked.items() if text.strip()
        }
        picture, waiting, shares = None, None, (0.0, 0.0)
        try:
            node_map = release.map.get(wait=self._patience)
            picture, shares = map_picture(node_map, marked=marked), node_map.shares
        except Pending as pending:
            waiting = pending
        return page(
            "map.html",
            release=release,
            picture=picture,
            shares=shares,
            asked_for=asked,
            waiting=waiting,
            refresh=1 if waiting else None,
            pictures=release.pictures,
        )

    def style(self, _request: Request) -> Response:
        """The style sheet."""
        return Response(style_sheet(), media_type="text/css", headers={"Cache-Control": "max-age=300"})

    def health(self, _request: Request) -> Response:
        """Whether there is something to show."""
        release = self._library.open()
        return PlainTextResponse(f"ok: release {release.release_id or 'none'}\n")

    def _trust(self, release: OpenRelease) -> tuple[Trust | None, str]:
        """The evaluation, and why it cannot be shown."""
        try:
            return release.trust, ""
        except (ValueError, OSError) as error:
            return None, self.sentence(error)

    def _meant(self, release: OpenRelease, side: Side, text: str) -> str:
        if not text.strip():
            raise UnknownNodeError(f"this address names no {side}")
        return release.lists[side].meant_by(text)


def _longest(rows: pd.DataFrame) -> float:
    """The right end of the intervals of a list."""
    return float(rows["score_upper"].max()) if len(rows) else 1.0


def _evidence_in_words(side: Side, evidence: str) -> str:
    """What to know about a node without evidence; empty for one with evidence."""
    if evidence == "evidence":
        return ""
    if side == "disease":
        nothing = "the graph knows nothing about this disease: its drugs are "
        said = (nothing if evidence == "nothing" else "") + BY_WHAT[evidence]
    else:
        said = MARKS_MEAN[evidence].lstrip("*+ ")
    return f"{said[0].upper()}{said[1:]}."


class Offered(NamedTuple):
    """An attribute by which a list may be filtered."""

    name: str
    parameter: str
    """Of the address."""
    values: list[tuple[str, int]]
    """With the number of rows that have each; empty: too many, so one is typed."""
    chosen: tuple[str, ...]
    num_without: int
    """Rows without a value."""


def _offered(release: OpenRelease, whole: pd.DataFrame, of: Side, choice: Choice) -> list[Offered]:
    """The attributes of what is listed."""
    chosen, ids = dict(choice.attributes), whole[f"{of}_id"].tolist()
    attributes = release.candidates.attributes_of(of)
    here = attributes[attributes[NODE_ID].isin(ids)]
    offered = []
    for name in names_of(attributes):
        every, counts = values_of(attributes, name), values_of(here, name)
        values = [(value, counts.get(value, 0)) for value in every] if len(every) <= MAX_BOXES else []
        has_one = here.loc[here[ATTRIBUTE] == name, NODE_ID].nunique()
        offered.append(Offered(name, f"{WITH}{name}", values, chosen.get(name, ()), len(ids) - has_one))
    return offered


def _filtered(release: OpenRelease, whole: pd.DataFrame, of: Side, choice: Choice) -> Filtered:
    """What of a list has the wanted attributes and is in the list of one's own.

    Raises:
        UnknownNodeError: If a line of that list means no node, or several.
        ImpossibleChoiceError: If there is no such attribute or value.
    """
    mine = {release.lists[of].meant_by(text) for text in choice.mine} if choice.mine else None
    try:
        return filtered(
            whole[f"{of}_id"].tolist(), release.candidates, of, attributes=dict(choice.attributes), mine=mine
        )
    except ValueError as error:
        raise ImpossibleChoiceError(str(error)) from error


def _download(rows: pd.DataFrame, source: Source, release: OpenRelease, form: str) -> Response:
    """Rows as a file; its name says whose list it is."""
    if form not in ("csv", "json"):
        raise HTTPException(400, f"The format must be csv or json (got {form[:40]!r}).")
    whole = with_attributes(rows, release.candidates)
    text = as_csv(whole, source) if form == "csv" else as_json(whole, source, release.links)
    return _file(text, source.what, form)


def _explanation_download(explained: Explained | None, release: OpenRelease, problem: str) -> Response:
    if problem:
        raise HTTPException(503, problem)
    if explained is None:
        raise HTTPException(503, "The explanation is on its way: open the page of the pair, and download it there.")
    value = explanation_json(explained.found, explained.graph)
    what = f"{value['drug']['name']} for {value['disease']['name']}"
    said = release.source(what, "why the pair has its score").of_every_row
    value = {**said, **value}
    return _file(json.dumps(value, indent=1, ensure_ascii=False) + "\n", what, "json")


def _file(text: str, name: str, form: str) -> Response:
    """A download; nothing of a name but letters, digits and the like gets into the header."""
    safe = re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-")[-MAX_FILE_NAME:] or "download"
    return Response(
        text.encode(),
        media_type="text/csv" if form == "csv" else "application/json",
        headers={"Content-Disposition": f'attachment; filename="{safe}.{form}"'},
    )
