"""The command line: check run configurations, summarise results."""

import logging
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from hgt_repurposing.report.summary import summary_text
from hgt_repurposing.storage.artifacts import Manifest
from hgt_repurposing.storage.catalog import (
    data_folder,
    folder_of,
    is_there,
    lineage,
    load_described,
    made_again_since,
    manifest_of,
)
from hgt_repurposing.storage.html_page import PAGE

CANDIDATES, EVALUATION = "repurposing_candidates", "repurposing_evaluation"

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

DataOption = Annotated[
    str, typer.Option(help="data folder; default: HGT_REPURPOSING_DATA, else ./data", show_default=False)
]

ConfigArgument = Annotated[Path, typer.Argument(help="run configuration, YAML")]


@app.callback()
def main() -> None:
    """Which known drug could help with this disease?"""


@contextmanager
def _one_sentence() -> Iterator[None]:
    """Errors end the command with one sentence and status 1."""
    try:
        yield
    except (ValueError, OSError) as error:
        from hgt_repurposing.defs.sentences import sentence_of

        typer.echo(f"error: {sentence_of(error)}", err=True)
        raise typer.Exit(1) from None


@app.command()
def summary(
    disease: Annotated[
        str | None, typer.Option(help="name or id; default: the disease with the most treatments")
    ] = None,
    data: DataOption = "",
) -> None:
    """Print the best new candidates for a disease, a short evaluation, and the paths of the result files."""
    with _one_sentence():
        root = data_folder(data)
        candidates = load_described(CANDIDATES, root=root)
        evaluation = load_described(EVALUATION, root=root) if is_there(EVALUATION, root=root) else None
        read = [candidates.manifest, *([evaluation.manifest] if evaluation else [])]
        lineage(read)  # raises if the evaluation is of another model
        text = summary_text(evaluation and evaluation.value, candidates.value, disease)
    for manifest in read:
        newer = made_again_since(manifest, root=root)
        if newer:
            typer.echo(
                f"WARNING: this folder mixes results of several runs; newer than {manifest.name}: {', '.join(newer)}",
                err=True,
            )
    typer.echo(text)
    typer.echo("\nFiles")
    for what, name, file in (
        ("report", "repurposing_report", PAGE),
        ("evaluation table", EVALUATION, "evaluation.csv"),
        ("all candidates", CANDIDATES, "repurposing_candidates.csv"),
        ("embeddings", "hgt_embeddings", "hgt_embeddings.csv"),
        ("their validation", "embedding_validation", "hgt_embeddings.validation.json"),
    ):
        if is_there(name, root=root):
            typer.echo(f"  {what:<17} {_file_or_why_not(name, file, read, root)}")


def _file_or_why_not(name: str, file: str, read: Sequence[Manifest], root: Path) -> str:
    """Path of a file if it is intact and from the same run as what was read, else why it is not listed."""
    path = folder_of(name, root=root) / file
    try:
        manifest = manifest_of(name, root=root)
        lineage([*read, manifest])
    except ValueError as error:
        return f"not listed: {error}"
    whole = path.exists() and path.stat().st_size == manifest.parts[file]["bytes"]
    return str(path) if whole else f"not listed: {path} does not match its manifest"


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
def resolve(config: ConfigArgument, data: DataOption = "") -> None:
    """Check a run configuration, and print it in the form Dagster accepts (which reads `1e-3` as text)."""
    resolved, seen = _checked(config, data)
    for line in seen:
        typer.echo(line, err=True)
    typer.echo(yaml.safe_dump(resolved, sort_keys=False, allow_unicode=True), nl=False)


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
