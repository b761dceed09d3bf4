"""The command that serves the explorer: when it starts, and when it does not."""

import http.client
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from hgt_repurposing.cli_explore import listen
from hgt_repurposing.storage.catalog import PLACES
from hgt_repurposing.storage.manifest import manifest_path
from hgt_repurposing_tests.explorer.folders import lists_alone
from hgt_repurposing_tests.test_cli import invoke

ROOT = Path(__file__).parents[1]


def test_a_port_in_use_is_a_sentence(tmp_path: Path) -> None:
    with listen("127.0.0.1", 0) as other:
        port = other.getsockname()[1]
        result = invoke("explore", "--data", lists_alone(tmp_path), "--port", port)
    assert result.exit_code == 1
    assert result.stderr == f"error: port {port} of 127.0.0.1 is in use: choose another one with --port\n"


@pytest.mark.parametrize(
    ("host", "said"),
    [
        ("no such host", "error: --host no such host: there is no such address\n"),
        ("192.0.2.1", "error: cannot listen on port 8050 of 192.0.2.1: Cannot assign requested address\n"),
    ],
)
def test_an_address_that_is_not_of_this_machine_is_a_sentence(tmp_path: Path, host: str, said: str) -> None:
    result = invoke("explore", "--data", lists_alone(tmp_path), "--host", host)
    assert (result.exit_code, result.stderr) == (1, said)


def test_a_folder_without_results_is_a_sentence(tmp_path: Path) -> None:
    result = invoke("explore", "--data", tmp_path, "--port", 0)
    assert result.exit_code == 1
    assert "error: there is no artefact 'repurposing_candidates'" in result.stderr


def test_a_folder_of_before_there_were_releases_is_left_as_it_is(tmp_path: Path) -> None:
    header = manifest_path(tmp_path / PLACES["repurposing_candidates"].folder, "repurposing_candidates")
    header.parent.mkdir(parents=True)
    header.write_text("{}")
    result = invoke("explore", "--data", tmp_path, "--port", 0)
    assert result.exit_code == 1
    assert "is of before there were releases: hgt-repurposing releases list makes it one" in result.stderr
    assert not (tmp_path / "releases").exists()


@pytest.mark.slow
def test_it_serves_until_it_is_interrupted(tmp_path: Path) -> None:
    asked_for = ("explore", "--port", "0", "--data", str(lists_alone(tmp_path)))
    command = [sys.executable, "-m", "hgt_repurposing.cli", *asked_for]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:  # noqa: S603
        assert process.stdout is not None
        address = process.stdout.readline().split()[0]
        assert address.startswith("http://127.0.0.1:")
        port = int(address.rpartition(":")[2])
        asked = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        asked.request("GET", "/healthz")
        assert asked.getresponse().read() == b"ok: release none\n"
        too_long = b"GET /?q=" + b"x" * 1_000_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n"
        assert _answer(port, too_long) in (b"HTTP/1.1 400 Bad Request", b"")
        asked.request("GET", "/healthz")
        assert asked.getresponse().status == 200
        asked.close()
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 0
    assert said.startswith("reading the lists ...\n")
    assert "Traceback" not in said


def _answer(port: int, request: bytes) -> bytes:
    """First line of the answer; none if the server closes the connection before it has read everything."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection, suppress(OSError):
        connection.sendall(request)
        return connection.recv(4096).split(b"\r\n")[0]
    return b""
