"""The command line: check what a run is told, look at what it left behind. Works without Dagster."""

import sys
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from hgt_repurposing.layout import data_folder, folder_of, is_there, load, require_made_from
from hgt_repurposing.report import PAGE
from hgt_repurposing.run_config import complaints
from hgt_repurposing.summary import summary_text

CANDIDATES, EVALUATION = "repurposing_candidates", "repurposing_evaluation"

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

DataOption = Annotated[
    str, typer.Option(help="data folder; without it HGT_REPURPOSING_DATA, else ./data", show_default=False)
]


@app.callback()
def main() -> None:
    """Which known drug could help in this disease?"""


@app.command()
def summary(
    disease: Annotated[str, typer.Option(help="name or id; without it the disease with the most treatments")] = "",
    data: DataOption = "",
) -> None:
    """Print the best new candidates of a disease, the evaluation in short, and where the files of the last run lie."""
    root = data_folder(data)
    try:
        evaluation = load(EVALUATION, root=root) if is_there(EVALUATION, root=root) else None
        text = summary_text(evaluation, load(CANDIDATES, root=root), disease or None)
    except (ValueError, FileNotFoundError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from None
    _warn_of_several_runs(root)
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
            typer.echo(f"  {what:<17} {folder_of(name, root=root) / file}")


def _warn_of_several_runs(root: Path) -> None:
    for name in (CANDIDATES, EVALUATION):
        try:
            with suppress(FileNotFoundError):  # not evaluated, or the lists alone were handed on
                require_made_from(name, "knowledge_graph", root=root)
        except ValueError as error:
            typer.echo(f"WARNING: what lies here is of several runs: {error}", err=True)


@app.command()
def check(config: Annotated[Path, typer.Argument(help="run configuration, YAML")]) -> None:
    """Say what is wrong with a run configuration before anything runs."""
    try:
        found = complaints(config.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        found = [f"it cannot be read: {error}"]
    for complaint in found:
        typer.echo(f"error: {config}: {complaint}", err=True)
    if found:
        raise typer.Exit(1)
    typer.echo(f"{config}: every name and value will do")


if __name__ == "__main__":
    sys.exit(app())
