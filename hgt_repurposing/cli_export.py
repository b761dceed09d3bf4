"""The command line of exports: candidate lists as a file for other programs."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from hgt_repurposing.cli_errors import one_sentence
from hgt_repurposing.cli_filters import AttributeOption, OnlyOption, SettingOption, StatusOption, filters_of
from hgt_repurposing.cli_releases import DataOption, folder_with_releases
from hgt_repurposing.graph.lookup import look_up
from hgt_repurposing.graph.schema import NODE_ID, NODE_NAME
from hgt_repurposing.repurposing.candidates import Candidates, Side
from hgt_repurposing.storage.catalog import read_version
from hgt_repurposing.storage.current_results import CANDIDATES, current_results, notes_on_release, scores_of
from hgt_repurposing.storage.releases import current

app = typer.Typer()

PARTLY_KNOWN = "status, evidence and the like are empty for pairs that the lists do not hold"


@app.command()
def export(
    file: Annotated[Path, typer.Argument(help="the file to write: .csv, .json, .parquet or .xlsx")],
    by: Annotated[
        Literal["disease", "drug"], typer.Option(help="the lists of drugs by disease, or of diseases by drug")
    ] = "disease",
    disease: Annotated[str | None, typer.Option(help="only the list of this disease: id, name or part of it")] = None,
    drug: Annotated[str | None, typer.Option(help="only the list of this drug: id, name or part of it")] = None,
    top: Annotated[int | None, typer.Option(min=1, help="how many rows of each list; default: all")] = None,
    status: StatusOption = None,
    setting: SettingOption = None,
    attribute: AttributeOption = None,
    only: OnlyOption = None,
    every: Annotated[  # noqa: FBT002  (an option)
        bool,
        typer.Option("--every", help="of one disease (drug), all drugs (diseases), also those that no list holds"),
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="replace the file if it is there")] = False,  # noqa: FBT002  (an option)
    data: DataOption = "",
) -> None:
    """Write candidate lists of the current release to a file, with where they come from and their licence."""
    from hgt_repurposing.report.export import Links, Source, every_pair, with_attributes, write_rows  # noqa: PLC0415  (loads SciPy)

    with one_sentence():
        if disease is not None and drug is not None:
            raise ValueError("name a disease or a drug, not both: a pair is explained by hgt-repurposing explain")
        if every and disease is None and drug is None:
            raise ValueError(
                "--every needs --disease NAME or --drug NAME: all pairs of all are in the folder of scores"
            )
        if file.exists() and not overwrite:
            raise ValueError(f"{file} is there already: choose another name, or replace it with --overwrite")
        filters = filters_of(status, setting, attribute, only)
        root = folder_with_releases(data)
        manifests = current_results(root)
        found: Candidates = read_version(manifests[CANDIDATES], root=root)
        asked: Side = "disease" if disease is not None else "drug" if drug is not None else by
        of: Side = "drug" if asked == "disease" else "disease"
        rows, what = (found.table if asked == "disease" else found.by_drug), f"{of}s for every {asked}"
        if disease is not None or drug is not None:
            nodes = found.nodes(asked)
            node = nodes.iloc[look_up(disease or drug or "", nodes, what=asked)]
            rows = rows[rows[f"{asked}_id"] == node[NODE_ID]]
            what = f"{of}s for the {asked} {node[NODE_NAME]} ({node[NODE_ID]})"
            if every:
                scores = scores_of(asked, str(node[NODE_ID]), manifests, root=root)
                rows = every_pair(scores, rows, found, asked)
        shown, notes = filters.rows(rows, found, of, top=top or len(rows))
        if shown.empty:
            raise ValueError(f"no row fits ({filters.in_words(top=top)}): nothing was written")
        restricted = [f"made to hold only {said}" for said in ([] if every else found.chosen.get(of, ()))]
        notes = (*notes, *([PARTLY_KNOWN] if every else []))
        said = "; ".join([filters.in_words(top=top), *notes, *restricted])
        source = Source.of(manifests, current(root).id, what=what, shown=said)
        write_rows(file, with_attributes(shown, found), source, Links(found.attributes))
        lines = notes_on_release(root, manifests)
    for line in [*lines, *notes]:
        typer.echo(line, err=True)
    typer.echo(f"{file}: {len(shown):,} rows, {what}")
    typer.echo(f"graph: {source.graph}; licence: {source.licence}; release {source.release}")
    typer.echo(source.note)
