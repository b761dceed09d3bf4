"""The command line of the explorer: a local web page over the current release."""

import errno
import socket
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from hgt_repurposing.cli_errors import one_sentence, said_of
from hgt_repurposing.cli_releases import DataOption
from hgt_repurposing.storage.adoption import needs_adoption
from hgt_repurposing.storage.catalog import data_folder

app = typer.Typer()


@app.command()
def explore(
    host: Annotated[str, typer.Option(help="address to listen on; the default answers this machine only")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any that is free")] = 8050,
    data: DataOption = "",
) -> None:
    """Serve a local web page over the current release: lists, pairs and why, evaluation, map. Nothing is written."""
    with one_sentence():
        root = data_folder(data)
        if needs_adoption(root):
            raise ValueError(f"{root} is of before there were releases: hgt-repurposing releases list makes it one")
        listening = listen(host, port)
    with listening:
        _serve(root, host, listening)


def _serve(root: Path, host: str, listening: socket.socket) -> None:
    """Answer until interrupted."""
    typer.echo("reading the lists ...", err=True)
    import uvicorn  # noqa: PLC0415  (only this command serves)

    from hgt_repurposing.explorer.app import explorer_app  # noqa: PLC0415  (loads SciPy's statistics)
    from hgt_repurposing.explorer.guard import hosts_of, is_loopback  # noqa: PLC0415
    from hgt_repurposing.explorer.library import Library  # noqa: PLC0415

    with one_sentence():
        library = Library(root)
        opened = library.open()
    for line in opened.notes:
        typer.echo(line, err=True)
    if not is_loopback(host):
        typer.echo("WARNING: every machine that reaches this one can read these results", err=True)
    served = explorer_app(library, hosts=hosts_of(host), say=said_of)
    config = uvicorn.Config(
        served, log_level="warning", access_log=False, server_header=False, lifespan="off", http="h11", ws="none"
    )
    typer.echo(f"http://{_in_address(host)}:{listening.getsockname()[1]}    (Ctrl+C ends it)")
    with suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=[listening])


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens.

    Raises:
        ValueError: If the port is in use, or the address is not one of this machine.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except socket.gaierror:
        raise ValueError(f"--host {host}: there is no such address") from None
    listening = socket.socket(family, kind, protocol)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen()
    except OSError as error:
        listening.close()
        if error.errno == errno.EADDRINUSE:
            raise ValueError(f"port {port} of {host} is in use: choose another one with --port") from None
        if error.errno in (errno.EADDRNOTAVAIL, errno.EACCES):
            raise ValueError(f"cannot listen on port {port} of {host}: {error.strerror}") from None
        raise
    return listening


def _in_address(host: str) -> str:
    return f"[{host}]" if ":" in host else host
