"""The explorer as a web application: which address shows what, and what an error says."""

from collections.abc import Callable, Collection
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from hgt_repurposing.explorer.guard import Guard
from hgt_repurposing.explorer.library import Library, UnknownNodeError
from hgt_repurposing.explorer.listing import ImpossibleChoiceError
from hgt_repurposing.explorer.site import PATIENCE, Say, Site, page


def explorer_app(library: Library, *, hosts: Collection[str] | None, say: Say, patience: float = PATIENCE) -> ASGIApp:
    """The application.

    Args:
        library: What is shown.
        hosts: Names under which it may be asked; None: any.
        say: An error as one sentence.
        patience: Seconds that a page waits for what is computed in the background.
    """
    site = Site(library, say, patience)

    def refuse(status: int, sentence: str) -> Response:
        return page("error.html", code=status, sentence=sentence, release=None)

    def known_error(_request: Request, error: Exception) -> Response:
        match error:
            case HTTPException():
                said = error.detail if error.status_code != 404 else "There is no such page."
                return refuse(error.status_code, said)
            case UnknownNodeError():
                return refuse(404, site.sentence(error))
            case ImpossibleChoiceError():
                return refuse(400, site.sentence(error))
            case _:
                return refuse(503, site.sentence(error))

    def unknown_error(_request: Request, _error: Exception) -> Response:
        return refuse(500, "This page failed by a fault of the program; the terminal shows the details.")

    pages: dict[str, Callable[[Request], Response]] = {
        "/": site.home,
        "/search": site.search,
        "/disease": site.disease,
        "/drug": site.drug,
        "/pair": site.pair,
        "/evaluation": site.evaluation,
        "/report": site.report,
        "/picture": site.picture,
        "/map": site.map,
        "/style.css": site.style,
        "/healthz": site.health,
    }
    site_app = Starlette(
        routes=[Route(path, _in_thread(show)) for path, show in pages.items()],
        exception_handlers={
            HTTPException: known_error,
            ValueError: known_error,
            OSError: known_error,
            Exception: unknown_error,
        },
    )
    return Guard(site_app, hosts=hosts, refuse=refuse)  # outside of everything, so that no answer lacks the headers


def _in_thread(show: Callable[[Request], Response]) -> Callable[[Request], Any]:
    """Any: a coroutine of a response."""

    async def answer(request: Request) -> Response:
        return await run_in_threadpool(show, request)

    return answer
