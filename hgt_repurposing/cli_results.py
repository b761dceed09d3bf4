"""The command line of results: lists by disease and by drug, and why a pair scores as it does."""

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
import typer

from hgt_repurposing.cli_errors import one_sentence
from hgt_repurposing.cli_filters import (
    AttributeOption,
    Filters,
    OnlyOption,
    SettingOption,
    StatusOption,
    filters_of,
)
from hgt_repurposing.cli_new_nodes import Asked, lists_of_new, reasons, trust
from hgt_repurposing.cli_releases import DataOption, folder_with_releases
from hgt_repurposing.graph.lookup import look_up
from hgt_repurposing.graph.schema import NODE_ID, NODE_NAME, NODE_TYPE
from hgt_repurposing.repurposing.candidates import Candidates, Side
from hgt_repurposing.storage.catalog import lineage, read_version
from hgt_repurposing.storage.current_results import CANDIDATES, current_results, notes_on_release
from hgt_repurposing.storage.releases import current
from hgt_repurposing.text_table import aligned

if TYPE_CHECKING:
    from hgt_repurposing.storage.released import ReleasedValues

app = typer.Typer()

LOADING = "loading the model and the graph ..."
OF_A_TYPE = "name its type with --type"
SHOWN_OF_REASONS = 5
NUM_DRAWS = 3
"""Times that random edges are taken out for comparison."""
Format = Literal["table", "csv", "json"]
FormatOption = Annotated[Format, typer.Option("--format", help="table for people, csv or json for programs")]


@app.command()
def candidates(
    disease: Annotated[str | None, typer.Option(help="list the drugs for this disease: id, name or part of it")] = None,
    drug: Annotated[str | None, typer.Option(help="list the diseases for this drug: id, name or part of it")] = None,
    top: Annotated[int, typer.Option(min=1, help="how many rows")] = 20,
    status: StatusOption = None,
    setting: SettingOption = None,
    attribute: AttributeOption = None,
    only: OnlyOption = None,
    genes: Annotated[
        list[str] | None, typer.Option(help="of a disease that is not in the graph: its genes, separated by commas")
    ] = None,
    symptoms: Annotated[
        list[str] | None, typer.Option(help="its symptoms or phenotypes (of a new drug, its side effects)")
    ] = None,
    similar_to: Annotated[list[str] | None, typer.Option(help="diseases of the graph that it resembles")] = None,
    linked: Annotated[
        list[str] | None, typer.Option(help="other links, as RELATION=NAME,NAME; may be repeated")
    ] = None,
    new_from: Annotated[
        Path | None, typer.Option(help="file of many new diseases: columns name, what (genes, symptoms, ...) and node")
    ] = None,
    new: Annotated[Literal["disease", "drug"], typer.Option(help="what the new ones are")] = "disease",
    called: Annotated[str, typer.Option("--name", help="what to call the new disease or drug")] = "",
    skip_unknown: Annotated[bool, typer.Option("--skip-unknown", help="leave out names that the graph lacks")] = False,  # noqa: FBT002  (an option)
    why: Annotated[
        str | None, typer.Option(help="also say why this drug scores as it does for the new disease")
    ] = None,
    form: FormatOption = "table",
    data: DataOption = "",
) -> None:
    """List the best drugs for a disease, or the best diseases for a drug, of the current release.

    With genes, symptoms or the like: for a disease or a drug that is not in the graph.
    """
    asked_new = Asked(new, called, genes or (), symptoms or (), similar_to or (), linked or (), new_from, skip_unknown)
    if asked_new.is_asked:
        with one_sentence():
            if disease is not None or drug is not None:
                raise ValueError("name a disease or drug of the graph, or describe a new one, not both")
            filters = filters_of(status, setting, attribute, only)
            for line in _of_new(asked_new, filters, data, why=why, top=top, form=form):
                typer.echo(line)
        return
    from hgt_repurposing.report.candidate_list import list_lines  # noqa: PLC0415  (loads SciPy)
    from hgt_repurposing.report.export import Links, Source, as_csv, as_json, with_attributes  # noqa: PLC0415

    with one_sentence():
        if (disease is None) == (drug is None):
            raise ValueError("name either a disease or a drug: --disease NAME or --drug NAME")
        filters = filters_of(status, setting, attribute, only)
        root = folder_with_releases(data)
        manifests = current_results(root)
        found: Candidates = read_version(manifests[CANDIDATES], root=root)
        sides: tuple[Side, Side] = ("disease", "drug") if disease is not None else ("drug", "disease")
        asked, of = sides
        table = found.table if asked == "disease" else found.by_drug
        nodes = found.nodes(asked)
        node = nodes.iloc[look_up(disease or drug or "", nodes, what=asked)]
        rows = table[table[f"{asked}_id"] == node[NODE_ID]]
        shown, notes = filters.rows(rows, found, of, top=top)
        said = notes_on_release(root, manifests)
    for line in said:
        typer.echo(line, err=True)
    name = f"{node[NODE_NAME]} ({node[NODE_ID]})"
    if form != "table":
        what = f"{of}s for the {asked} {name}"
        source = Source.of(manifests, current(root).id, what=what, shown=filters.in_words(top=top))
        whole = with_attributes(shown, found)
        text = as_csv(whole, source) if form == "csv" else as_json(whole, source, Links(found.attributes))
        typer.echo(text, nl=False)
        return
    typer.echo(f"{name}\n")
    restricted = [f"this list was made to hold only {said}" for said in found.chosen.get(of, ())]
    for line in list_lines(shown, of=of, listed=len(rows), notes=[*notes, *restricted]):
        typer.echo(line)


@app.command()
def explain(
    drug: Annotated[str, typer.Argument(help="id, name or part of it")],
    disease: Annotated[str, typer.Argument(help="id, name or part of it")],
    top: Annotated[int, typer.Option(min=1, help="paths, and similar drugs and diseases")] = 5,
    ablate: Annotated[bool, typer.Option("--ablate", help="also score the pair without its evidence")] = False,  # noqa: FBT002  (an option)
    form: Annotated[Literal["text", "json"], typer.Option("--format", help="text for people, json for programs")] = (
        "text"
    ),
    data: DataOption = "",
) -> None:
    """Why a drug has its score for a disease: what the score is made of, and the evidence in the graph."""
    from hgt_repurposing.report.explanation_text import explanation_json, explanation_lines  # noqa: PLC0415
    from hgt_repurposing.report.export import Source  # noqa: PLC0415
    from hgt_repurposing.storage.released import EXPLAINED_FROM  # noqa: PLC0415

    with one_sentence():
        values = _values(data, EXPLAINED_FROM)
        lists: Candidates = read_version(values.manifests[CANDIDATES], root=values.root)
        pair = _meant(drug, lists, "drug"), _meant(disease, lists, "disease")
        typer.echo(LOADING, err=True)
        graph = values.graph
        from hgt_repurposing.repurposing.ablation import Ablator  # noqa: PLC0415  (loads torch and xgboost)
        from hgt_repurposing.repurposing.explanation import Explainer  # noqa: PLC0415

        explainer = Explainer(graph, values.scorer())
        found = explainer.explain(*pair, top=top)
        without = Ablator(explainer).ablate(found, np.random.default_rng(0), num_draws=NUM_DRAWS) if ablate else None
    if form == "json":
        source = Source.of(
            values.manifests, current(values.root).id, what=f"{drug} for {disease}", shown="why the pair has its score"
        )
        value = {**source.of_every_row, **explanation_json(found, graph, without)}
        typer.echo(json.dumps(value, indent=1, ensure_ascii=False))
        return
    for line in explanation_lines(found, graph, without):
        typer.echo(line)


@app.command()
def neighbors(
    node: Annotated[str, typer.Argument(help="id, name or part of it, of a node of any type")],
    node_type: Annotated[str | None, typer.Option("--type", help="type of the node, if several have the name")] = None,
    among: Annotated[str | None, typer.Option(help="only neighbours of this type")] = None,
    top: Annotated[int, typer.Option(min=1, help="neighbours by embedding, and edges of each relation")] = 10,
    data: DataOption = "",
) -> None:
    """The nodes most similar to one by embedding, and its edges in the graph."""
    from hgt_repurposing.report.neighbour_list import neighbour_lines  # noqa: PLC0415
    from hgt_repurposing.storage.released import ReleasedValues  # noqa: PLC0415

    with one_sentence():
        root = folder_with_releases(data)
        values = ReleasedValues(current_results(root), root)
        graph = values.graph
        types = [name for name in graph.num_nodes if node_type in (None, name)]
        for name in (node_type, among):
            if name is not None and name not in graph.num_nodes:
                raise ValueError(f"no node has the type {name!r} (types: {', '.join(graph.num_nodes)})")
        nodes = graph.nodes[graph.nodes[NODE_TYPE].isin(types)]
        row = int(nodes.index[look_up(node, nodes.reset_index(drop=True), what="node", more=OF_A_TYPE)])
        lines = list(neighbour_lines(graph, values.embeddings, row, among=among, top=top))
    for line in lines:
        typer.echo(line)


@app.command()
def evaluate(
    pairs: Annotated[
        list[Path], typer.Option(help="file of treatments, columns drug_id and disease_id; may be repeated")
    ],
    by: Annotated[
        Literal["ids", "names"], typer.Option(help="whether drugs and diseases are given by id or by name")
    ] = "ids",
    data: DataOption = "",
) -> None:
    """How high the current model ranks treatments of your own that the graph does not have, beside simple rules."""
    from hgt_repurposing.graph.external_pairs import external_sizes  # noqa: PLC0415
    from hgt_repurposing.graph.sources.external import ExternalFile  # noqa: PLC0415
    from hgt_repurposing.report.external import external_lines  # noqa: PLC0415
    from hgt_repurposing.storage.released import EXPLAINED_FROM  # noqa: PLC0415

    with one_sentence():
        files = [ExternalFile(path=str(path.absolute()), ids=by) for path in pairs]
        values = _values(data, EXPLAINED_FROM)
        typer.echo(LOADING, err=True)
        from hgt_repurposing.benchmark.external import evaluate_files  # noqa: PLC0415  (loads torch and xgboost)

        params = values.classifier_params
        results, external = evaluate_files(files, values.graph, values.split, values.inputs(), values.scorer(), params)
        sizes = external_sizes(external.sets)
        counts = [tuple(sizes.columns), *(tuple(map(str, row)) for row in sizes.itertuples(index=False, name=None))]
        lines = [*aligned(counts, right=range(1, len(sizes.columns))), "", *external_lines(results)]
    for line in lines:
        typer.echo(line)


def _values(data: str, made_from: Sequence[str]) -> "ReleasedValues":
    """The values of the current release.

    Args:
        data: The data folder as it was given.
        made_from: Artefacts that must be of one run.

    Raises:
        MismatchError: If they are of several.
    """
    from hgt_repurposing.storage.released import ReleasedValues  # noqa: PLC0415  (loads SciPy)

    root = folder_with_releases(data)
    manifests = current_results(root)
    lineage(manifests[name] for name in made_from if name in manifests)
    return ReleasedValues(manifests, root)


def _of_new(asked: Asked, filters: Filters, data: str, *, why: str | None, top: int, form: Format) -> Iterator[str]:
    """Lists of diseases or drugs that are not in the graph."""
    from hgt_repurposing.report.candidate_list import list_lines  # noqa: PLC0415  (loads SciPy)
    from hgt_repurposing.report.export import Links, Source, as_csv, as_json, with_attributes  # noqa: PLC0415
    from hgt_repurposing.storage.released import SCORED_FROM  # noqa: PLC0415

    values = _values(data, SCORED_FROM)
    known: Candidates = read_version(values.manifests[CANDIDATES], root=values.root)
    typer.echo(LOADING, err=True)
    found = lists_of_new(asked, values, top=None if filters.choose else top)
    for line in found.skipped:
        typer.echo(line, err=True)
    of: Side = "disease" if asked.side == "drug" else "drug"
    shown, notes = filters.rows(found.table, known, of, top=top)
    if form != "table":
        source = Source.of(values.manifests, current(values.root).id, what=found.what, shown=filters.in_words(top=top))
        whole = with_attributes(shown, known)
        yield (as_csv(whole, source) if form == "csv" else as_json(whole, source, Links(known.attributes))).rstrip("\n")
        return
    for joined, node_id in zip(found.joined, found.ids, strict=True):
        yield f"{joined.node.name} (new; {joined.in_words})"
        yield ""
        rows = shown[shown[f"{asked.side}_id"] == node_id]
        yield from list_lines(rows, of=of, listed=len(rows), notes=notes)
        yield ""
    yield trust(values, asked.side)
    if why is not None:
        yield from reasons(found, why, asked.side, top=SHOWN_OF_REASONS)


def _meant(text: str, lists: Candidates, side: Side) -> int:
    """Local index of the drug (disease) that a text means: every one has a list, in the order of the graph.

    Raises:
        ValueError: If it means none, or several; it is said if it is one of the other side.
    """
    try:
        return look_up(text, lists.nodes(side), what=side)
    except ValueError as error:
        other: Side = "disease" if side == "drug" else "drug"
        with suppress(ValueError):
            look_up(text, lists.nodes(other), what=other)
            raise ValueError(f"{text!r} is a {other}: give the drug first, then the disease") from None
        raise error from None
