"""Messages to a team's notifier, on a server of this machine."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from hgt_repurposing.defs.webhook import PAUSES, WEBHOOK_VARIABLE, Message, WebhookError, send

MESSAGE = Message("run_failed", "run-1", "run run-1 failed: a file is missing (é)", {"knowledge_graph": "missing"})


class Notifier(HTTPServer):
    """Keeps what it is sent, and answers as it is told to."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.answers: list[int] = []
        """Status of the next answers; afterwards 200."""
        self.received: list[dict[str, Any]] = []  # Any: JSON values

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hooks/secret"


class Answer(BaseHTTPRequestHandler):
    """One request."""

    server: Notifier

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        assert self.headers["Content-Type"] == "application/json"
        self.server.received.append(json.loads(body))
        self.send_response(self.server.answers.pop(0) if self.server.answers else 200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Not on the terminal."""


@pytest.fixture
def notifier() -> Iterator[Notifier]:
    with Notifier() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def no_pause(_: float) -> None:
    """Do not wait."""


def test_a_message_arrives_as_json_with_the_sentence_as_text(notifier: Notifier) -> None:
    said = send(MESSAGE, environment={WEBHOOK_VARIABLE: notifier.address})
    assert said == f"127.0.0.1 was told: {MESSAGE.text}"
    assert notifier.received == [
        {"event": "run_failed", "run_id": "run-1", "text": MESSAGE.text, "details": {"knowledge_graph": "missing"}}
    ]


def test_a_message_is_sent_again_until_it_is_taken(notifier: Notifier) -> None:
    notifier.answers, pauses = [503, 500], list[float]()
    send(MESSAGE, environment={WEBHOOK_VARIABLE: notifier.address}, pause=pauses.append)
    assert len(notifier.received) == 3
    assert pauses == list(PAUSES)


def test_a_message_that_nobody_takes_is_an_error_that_does_not_give_the_address_away(notifier: Notifier) -> None:
    notifier.answers = [404] * 3
    with pytest.raises(WebhookError) as caught:
        send(MESSAGE, environment={WEBHOOK_VARIABLE: notifier.address}, pause=no_pause)
    said = str(caught.value)
    assert said == f"127.0.0.1 did not take the message {MESSAGE.text!r}: HTTP Error 404: Not Found"
    assert len(notifier.received) == 3


def test_a_notifier_that_is_not_there_is_an_error(notifier: Notifier) -> None:
    with Notifier() as gone:
        address = gone.address
    with pytest.raises(WebhookError, match=r"^127\.0\.0\.1 did not take the message .*refused"):
        send(MESSAGE, environment={WEBHOOK_VARIABLE: address}, pause=no_pause)
    assert notifier.received == []


def test_without_an_address_it_is_said_that_nobody_was_told() -> None:
    said = send(MESSAGE, environment={})
    assert said == f"HGT_REPURPOSING_WEBHOOK names no address, so nobody was told: {MESSAGE.text}"


@pytest.mark.parametrize("address", ["file:///etc/passwd", "hooks.slack.com/x", "https://", "ftp://host/x"])
def test_only_addresses_of_http_are_used(address: str) -> None:
    with pytest.raises(WebhookError, match=r"^HGT_REPURPOSING_WEBHOOK must be an address that begins with https://"):
        send(MESSAGE, environment={WEBHOOK_VARIABLE: address})
