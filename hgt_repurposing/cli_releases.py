"""The command line of releases: list, compare, switch, keep."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from hgt_repurposing.cli_errors import one_sentence
from hgt_repurposing.report.release_list import comparison_lines, release_lines, release_list
from hgt_repurposing.repurposing.list_changes import ListChanges, list_changes
from hgt_repurposing.storage.adoption import adopt, needs_adoption
from hgt_repurposing.storage.archive import back_up, restore
from hgt_repurposing.storage.attempts import all_attempts
from hgt_repurposing.storage.catalog import PLACES, data_folder, folder_of, path_of
from hgt_repurposing.storage.copies import switch_to
from hgt_repurposing.storage.current_results import CANDIDATES
from hgt_repurposing.storage.pruning import NUM_KEPT, num_bytes_stored, prune
from hgt_repurposing.storage.releases import PREVIOUS, Release, all_releases, current, release_of
from hgt_repurposing.storage.run_lock import Holder, held, holder_of

app = typer.Typer(no_args_is_help=True, help="Finished runs: which one counts, and how they differ.")

DataOption = Annotated[
    str, typer.Option(help="data folder; default: HGT_REPURPOSING_DATA, else ./data", show_default=False)
]
ReleaseArgument = Annotated[str, typer.Argument(help="id, the beginning of one, or current, previous, newest")]


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    """Hold the data folder, as a run does.

    Raises:
        FileNotFoundError: If it does not exist.
        FolderInUseError: If a run uses it.
    """
    if not root.is_dir():
        raise FileNotFoundError(f"there is no data folder {root}")
    me = Holder.of_process(os.getpid(), f"command-{os.getpid()}", now=datetime.now(UTC))
    with held(root, me, wait=False):
        yield


def folder_with_releases(data: str) -> Path:
    """The data folder; results of before there were releases become the first one."""
    root = data_folder(data)
    if needs_adoption(root):
        with _alone(root):
            adopt(root)
    return root


@app.command("list")
def list_releases(data: DataOption = "") -> None:
    """Every release, and every run that failed to make one, the newest first, with what was decided and why."""
    with one_sentence():
        root = folder_with_releases(data)
        holder = holder_of(root)
        lines = release_list(
            all_releases(root),
            all_attempts(root),
            current(root),
            running=holder.run_id if holder and holder.is_alive else None,
        )
        stored = num_bytes_stored(root)
    for line in lines:
        typer.echo(line)
    if len(lines) == 1:
        typer.echo(f"no release in {root} yet: a run of every asset makes one; --data names another folder")
    typer.echo(f"stored: {stored / 1e6:,.0f} MB, each content once")


@app.command()
def show(release: ReleaseArgument, data: DataOption = "") -> None:
    """All that is recorded about one release, and where its files are."""
    with one_sentence():
        root = folder_with_releases(data)
        found = release_of(release, root=root)
        manifests = found.manifests(root=root)
        lines = list(release_lines(found, current(root)))
    for line in lines:
        typer.echo(line)
    typer.echo("\nFiles")
    for manifest in manifests.values():
        for part in manifest.parts:
            typer.echo(f"  {part:<32} {path_of(manifest, part, root=root)}")


@app.command()
def compare(
    one: ReleaseArgument,
    other: ReleaseArgument,
    disease: Annotated[str | None, typer.Option(help="name or id: show the changes of this disease only")] = None,
    data: DataOption = "",
) -> None:
    """What differs between two releases: graph, metrics, and what entered, left and moved in the lists."""
    with one_sentence():
        root = folder_with_releases(data)
        first, second = (release_of(name, root=root) for name in (one, other))
        lines = list(comparison_lines(first, second, _list_changes(first, second, root), disease))
    for line in lines:
        typer.echo(line)


@app.command()
def make(data: DataOption = "") -> None:
    """Make the newest version of every artefact a release, as a whole run does: after assets were made one by one."""
    from hgt_repurposing.storage.promotion import release_newest  # noqa: PLC0415  (loads SciPy's statistics)

    with one_sentence():
        root = folder_with_releases(data)
        with _alone(root):
            found = release_newest(root, now=datetime.now(UTC))
    for line in release_lines(found, current(root)):
        typer.echo(line)


@app.command("promote")
def promote_release(release: ReleaseArgument, data: DataOption = "") -> None:
    """Make a release the current one, whatever was decided about it."""
    with one_sentence():
        root = folder_with_releases(data)
        switch_to(release, root=root)
    _say_current(root)


@app.command()
def rollback(data: DataOption = "") -> None:
    """Make the release current that was so before."""
    with one_sentence():
        root = folder_with_releases(data)
        switch_to(PREVIOUS, root=root)
    _say_current(root)


@app.command("prune")
def prune_releases(
    keep: Annotated[int, typer.Option(help="newest releases to keep besides the current one and its predecessor")] = (
        NUM_KEPT
    ),
    data: DataOption = "",
) -> None:
    """Remove old releases, and every version that only they named."""
    with one_sentence():
        root = folder_with_releases(data)
        with _alone(root):
            found = prune(root, num_kept=keep)
    names = ", ".join(found.releases) or "no release"
    typer.echo(f"removed {names}; {found.num_versions:,} versions, {found.num_bytes / 1e6:,.0f} MB")


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(help="archive to write; .tar, or compressed .tar.gz")],
    release: Annotated[
        list[str] | None, typer.Option(help="id, current, previous or newest; default: every release")
    ] = None,
    data: DataOption = "",
) -> None:
    """Write releases with all their files into one archive."""
    with one_sentence():
        root = folder_with_releases(data)
        chosen = [release_of(name, root=root) for name in release] if release else all_releases(root)
        with _alone(root):
            num_bytes = back_up(file, chosen, root=root)
    typer.echo(f"wrote {len(chosen)} releases to {file} ({num_bytes / 1e6:,.0f} MB)")


@app.command("restore")
def restore_releases(file: Annotated[Path, typer.Argument(help="written by backup")], data: DataOption = "") -> None:
    """Add the releases of an archive; nothing that is there is replaced."""
    with one_sentence():
        root = folder_with_releases(data)
        root.mkdir(parents=True, exist_ok=True)
        with _alone(root):
            found = restore(file, root=root)
    typer.echo(f"added {', '.join(found.releases) or 'nothing: every release is there already'}")
    _say_current(root)


def _list_changes(first: Release, second: Release, root: Path) -> ListChanges | None:
    """Between the lists of two releases of any format; None if a table cannot be read."""
    from hgt_repurposing.storage.released import ReleasedValues  # noqa: PLC0415  (loads SciPy's statistics)

    if not all(CANDIDATES in each.versions for each in (first, second)):
        return None
    try:
        before, now = (ReleasedValues(each.manifests(root=root), root).candidates for each in (first, second))
        return list_changes(before, now)
    except KeyError:  # of an older format
        return None


def _say_current(root: Path) -> None:
    now = current(root)
    typer.echo(f"current release: {now.id or 'none'}")
    if now.id:
        typer.echo(f"its files: {', '.join(sorted({str(folder_of(name, root=root)) for name in PLACES}))}")
