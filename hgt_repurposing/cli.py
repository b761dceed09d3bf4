"""The command line: check run configurations, summarise results; further commands are in `cli_*.py`."""

import logging
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from hgt_repurposing.cli_errors import one_sentence
from hgt_repurposing.cli_explore import app as explore_app
from hgt_repurposing.cli_export import app as export_app
from hgt_repurposing.cli_releases import DataOption, folder_with_releases
from hgt_repurposing.cli_releases import app as releases_app
from hgt_repurposing.cli_results import app as results_app
from hgt_repurposing.storage.catalog import folder_of, lineage, path_of, read_version
from hgt_repurposing.storage.current_results import CANDIDATES, EVALUATION, current_results, notes_on_release
from hgt_repurposing.storage.html_page import PAGE
from hgt_repurposing.storage.manifest import Manifest

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
app.add_typer(results_app)
app.add_typer(export_app)
app.add_typer(explore_app)
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
        manifests = current_results(root)
        candidates = read_version(manifests[CANDIDATES], root=root)
        read = [manifests[name] for name in (CANDIDATES, EVALUATION) if name in manifests]
        lineage(read)  # raises if the evaluation is of another model
        evaluation = read_version(manifests[EVALUATION], root=root) if EVALUATION in manifests else None
        text = summary_text(evaluation, candidates, disease)
        said = notes_on_release(root, manifests)
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
