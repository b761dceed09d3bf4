"""Messages to a team's own notifier: an HTTP address that takes JSON, as Slack, Mattermost or Teams offer."""

import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from http.client import HTTPException
from typing import NamedTuple
from urllib.parse import urlsplit

WEBHOOK_VARIABLE = "HGT_REPURPOSING_WEBHOOK"
TIMEOUT = 10.0
"""Seconds for one attempt."""
PAUSES = (1.0, 5.0)
"""Seconds before the second and the third attempt."""


class Message(NamedTuple):
    """What has happened."""

    event: str
    """Kind, for programs."""
    run_id: str
    text: str
    """One sentence, which chat programs show."""
    details: Mapping[str, str]


class WebhookError(ValueError):
    """The notifier could not be reached, or refused the message."""


def send(
    message: Message, *, environment: Mapping[str, str] = os.environ, pause: Callable[[float], None] = time.sleep
) -> str:
    """Send a message to the address that the environment names, in up to three attempts.

    Returns:
        What was done, as a sentence. The address itself is not named: whoever knows it can write to the team.

    Raises:
        WebhookError: If no attempt succeeded, or the address is not one of HTTP.
    """
    address = environment.get(WEBHOOK_VARIABLE, "")
    if not address:
        return f"{WEBHOOK_VARIABLE} names no address, so nobody was told: {message.text}"
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise WebhookError(f"{WEBHOOK_VARIABLE} must be an address that begins with https:// or http://")
    for seconds in (*PAUSES, None):
        try:
            _post(message, address)
        except (OSError, HTTPException) as error:
            if seconds is None:
                raise WebhookError(f"{parts.hostname} did not take the message {message.text!r}: {error}") from None
            pause(seconds)
        else:
            break
    return f"{parts.hostname} was told: {message.text}"


def _post(message: Message, address: str) -> None:
    body = json.dumps({**message._asdict(), "details": dict(message.details)}).encode()
    request = urllib.request.Request(address, data=body, headers={"Content-Type": "application/json"}, method="POST")  # noqa: S310  (checked above)
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT):  # noqa: S310
            pass
    except urllib.error.HTTPError as error:
        error.close()  # it holds the connection
        raise
