"""What stands before every page: only reading, from this machine, with short addresses; and what a browser may do."""

from collections.abc import Callable, Collection
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_ADDRESS = 12_000
"""Bytes of path and query together: a list of one's own of about 900 ids; the server itself reads at most 16 KiB."""
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-cache",
}
"""A page that sets one of them itself keeps its own."""


def hosts_of(host: str) -> frozenset[str] | None:
    """Names under which a server may be asked that listens on a host; None: any, as it is not on loopback."""
    return LOOPBACK_NAMES | {host} if is_loopback(host) else None


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server that listens there."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


class Guard:
    """Refuses requests before they reach a page, and adds the headers."""

    def __init__(self, app: ASGIApp, *, hosts: Collection[str] | None, refuse: Callable[[int, str], ASGIApp]) -> None:
        """Wrap an application.

        Args:
            app: What is guarded.
            hosts: As of `hosts_of`.
            refuse: Makes the answer of a status and a sentence.
        """
        self._app, self._hosts, self._refuse = app, hosts, refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As ASGI has it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        problem = self._problem(scope)
        answer = self._app if problem is None else self._refuse(*problem)
        await answer(scope, receive, with_headers)

    def _problem(self, scope: Scope) -> tuple[int, str] | None:
        """Status and sentence; None: nothing is wrong."""
        if self._hosts is not None and _name_of(Headers(scope=scope).get("host", "")) not in self._hosts:
            return 421, "This page answers only under the address at which it was started."
        if scope["method"] not in ("GET", "HEAD"):
            return 405, "This page can only be read: nothing can be changed here."
        length = len(scope.get("raw_path") or b"") + len(scope["query_string"])
        if length > MAX_ADDRESS:
            return 414, f"This address is too long: {length:,} bytes, at most {MAX_ADDRESS:,}."
        return None


def _name_of(host: str) -> str:
    """Name without port; empty if it is none."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
