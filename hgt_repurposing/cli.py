"""The command line: check run configurations, summarise results."""

import logging
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from hgt_repurposing.cli_errors import one_sentence
from hgt_repurposing.cli_releases import CANDIDATES, DataOption, folder_with_releases
from hgt_repurposing.cli_releases import app as releases_app
from hgt_repurposing.storage.catalog import (
    PLACES,
    folder_of,
    is_there,
    lineage,
    manifest_of,
    path_of,
    read_version,
)
from hgt_repurposing.storage.copies import refresh_copies
from hgt_repurposing.storage.html_page import PAGE
from hgt_repurposing.storage.manifest import Manifest, MissingArtifactError
from hgt_repurposing.storage.releases import all_releases, current, release_of

EVALUATION = "repurposing_evaluation"

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
app.add_typer(releases_app, name="releases")

ConfigArgument = Annotated[Path, typer.Argument(help="run configuration, YAML")]


@app.callback()
def main() -> None:
    """Which known drug could help with this disease?"""


@app.command()
def summary(
    disease: Annotated[
        str | None, typer.Option(help="name or id; default: the disease with the most treatments")
    ] = None,
    data: DataOption = "",
) -> None:
    """Print the best new candidates for a disease, a short evaluation, and the paths of the result files."""
    from hgt_repurposing.report.summary import summary_text

    with one_sentence():
        root = folder_with_releases(data)
        manifests = _read_by_people(root)
        candidates = read_version(manifests[CANDIDATES], root=root)
        read = [manifests[name] for name in (CANDIDATES, EVALUATION) if name in manifests]
        lineage(read)  # raises if the evaluation is of another model
        evaluation = read_version(manifests[EVALUATION], root=root) if EVALUATION in manifests else None
        text = summary_text(evaluation, candidates, disease)
        said = _which_release(root, manifests)
    for line in said:
        typer.echo(line, err=True)
    typer.echo(text)
    typer.echo("\nFiles")
    for what, name, file in (
        ("report", "repurposing_report", PAGE),
        ("evaluation table", EVALUATION, "evaluation.csv"),
        ("all candidates", CANDIDATES, "repurposing_candidates.csv"),
        ("embeddings", "hgt_embeddings", "hgt_embeddings.csv"),
        ("their validation", "embedding_validation", "hgt_embeddings.validation.json"),
    ):
        if name in manifests:
            typer.echo(f"  {what:<17} {_file_or_why_not(manifests[name], file, read, root)}")


def _read_by_people(root: Path) -> Mapping[str, Manifest]:
    """Versions of the current release; as long as there is none, the newest ones.

    Raises:
        MissingArtifactError: If there is no list of candidates.
        UnreadableArtifactError: If a manifest is damaged.
    """
    now = current(root).id
    if now is not None:
        refresh_copies(root)
        found = release_of(now, root=root).manifests(root=root)
        if CANDIDATES not in found:
            raise MissingArtifactError(f"the current release {now} has no {CANDIDATES}", name=CANDIDATES)
        return found
    found = {name: manifest_of(name, root=root) for name in PLACES if is_there(name, root=root)}
    return found if CANDIDATES in found else {CANDIDATES: manifest_of(CANDIDATES, root=root)}


def _which_release(root: Path, manifests: Mapping[str, Manifest]) -> list[str]:
    """Warnings: whether there are newer releases than the one shown, or results of several runs."""
    now = current(root).id
    if now is not None:
        newer = [release.id for release in all_releases(root) if release.id > now]
        said = (
            f"NOTE: newer releases are not the current one ({', '.join(newer)}): hgt-repurposing releases list says why"
        )
        return [said] if newer else []
    digests = {name: manifest.digest for name, manifest in manifests.items()}
    mixed = {
        name: [made_of for made_of, digest in manifest.lineage.items() if digests.get(made_of, digest) != digest]
        for name, manifest in manifests.items()
        if name in (CANDIDATES, EVALUATION)
    }
    return [
        f"WARNING: this folder mixes results of several runs; newer than {name}: {', '.join(newer)}"
        for name, newer in mixed.items()
        if newer
    ]


def _file_or_why_not(manifest: Manifest, file: str, read: Sequence[Manifest], root: Path) -> str:
    """Path of a file if it is from the same run as what was read, else why it is not listed."""
    path = folder_of(manifest.name, root=root) / file
    try:
        lineage([*read, manifest])
    except ValueError as error:
        return f"not listed: {error}"
    return str(path) if path.exists() else f"{path_of(manifest, file, root=root)} (its copy {path} was removed)"


@app.command()
def check(
    config: ConfigArgument,
    data: DataOption = "",
) -> None:
    """Report errors in a run configuration and its graph, before anything runs."""
    _, seen = _checked(config, data)
    for line in seen:
        typer.echo(line)
    typer.echo(f"{config}: valid")


@app.command()
def resolve(
    config: ConfigArgument,
    data: DataOption = "",
    force: Annotated[bool, typer.Option("--force", help="make results again that were made before")] = False,  # noqa: FBT002  (an option)
) -> None:
    """Check a run configuration, and print it in the form Dagster accepts (which reads `1e-3` as text)."""
    resolved, seen = _checked(config, data)
    if force:
        resolved = make_again(resolved)
    for line in seen:
        typer.echo(line, err=True)
    typer.echo(yaml.safe_dump(resolved, sort_keys=False, allow_unicode=True), nl=False)


def make_again(config: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration with `if_made: make_again` of the resource `store`. Any: YAML values."""
    store = ((config.get("resources") or {}).get("store") or {}).get("config") or {}
    forced = {"store": {"config": {**store, "if_made": "make_again"}}}
    return {**config, "resources": {**(config.get("resources") or {}), **forced}}


def _checked(config: Path, data: str) -> tuple[dict[str, Any], list[str]]:
    """The configuration (Any: YAML values) and what was checked; errors end the command."""
    from hgt_repurposing.definitions import defs
    from hgt_repurposing.defs.checking import checked

    logging.basicConfig(format="%(levelname)s: %(message)s", level=logging.WARNING)
    found = checked(config, data=data, job=defs.resolve_job_def("repurposing_job"))
    for complaint in found.complaints:
        typer.echo(f"error: {config}: {complaint}", err=True)
    if found.complaints:
        raise typer.Exit(1)
    return dict(found.config), found.seen


if __name__ == "__main__":
    sys.exit(app())
