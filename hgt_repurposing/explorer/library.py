"""What the pages read: the lists of the current release, loaded once, and again when another release is current."""

import logging
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from hgt_repurposing.embeddings.validation import ValidationReport
from hgt_repurposing.explorer.explanations import Explanations
from hgt_repurposing.explorer.in_background import InBackground, Pending
from hgt_repurposing.explorer.node_map import NodeMap, node_map
from hgt_repurposing.explorer.trust import Trust, trust_of
from hgt_repurposing.graph.node_search import NodeSearch
from hgt_repurposing.graph.schema import NODE_ID, NODE_NAME
from hgt_repurposing.mismatch import MismatchError
from hgt_repurposing.report.export import Links, Source
from hgt_repurposing.repurposing.candidates import Candidates, Side
from hgt_repurposing.storage.catalog import lineage, read_part_of, read_version
from hgt_repurposing.storage.current_results import (
    CANDIDATES,
    EVALUATION,
    notes_on_release,
    results_as_they_are,
    scores_of,
)
from hgt_repurposing.storage.html_page import PAGE
from hgt_repurposing.storage.manifest import Manifest, MissingArtifactError
from hgt_repurposing.storage.released import EXPLAINED_FROM, ReleasedValues
from hgt_repurposing.storage.releases import current

logger = logging.getLogger(__name__)

SIDES: tuple[Side, ...] = ("disease", "drug")
OTHER: Mapping[Side, Side] = {"drug": "disease", "disease": "drug"}
REPORT, GRAPH = "repurposing_report", "knowledge_graph"
VALIDATION = "embedding_validation"
PATIENCE = 0.1


class UnknownNodeError(ValueError):
    """A text that means no drug (disease) of the lists, or several."""


class Named(NamedTuple):
    """A drug or a disease."""

    id: str
    name: str


@dataclass(frozen=True, eq=False)
class Lists:
    """The lists of all drugs, or of all diseases."""

    side: Side
    """Whose lists: `disease` for the best drugs of every disease."""
    table: pd.DataFrame
    """Sorted by this side's ids, then by rank."""

    def of(self, node_id: str) -> pd.DataFrame:
        """The list of one node, by its id."""
        return self.table.iloc[self._rows[node_id]]

    def name(self, node_id: str) -> str:
        """Name of the node with an id."""
        return str(self.table[f"{self.side}_name"].iloc[self._rows[node_id].start])

    def meant_by(self, text: str) -> str:
        """Id of the node that a text means: an id, a name or part of one.

        Raises:
            UnknownNodeError: If it means none, or several.
        """
        if text in self._rows:
            return text
        try:
            return str(self.search.nodes[NODE_ID].iloc[self.search.one(text, what=self.side)])
        except ValueError as error:
            raise UnknownNodeError(str(error)) from error

    def namesakes(self, node_id: str) -> list[str]:
        """Ids of other nodes with the same name."""
        nodes = self.search.nodes
        same = nodes.loc[nodes[NODE_NAME] == self.name(node_id), NODE_ID]
        return [str(other) for other in same if other != node_id]

    def found(self, rows: list[int]) -> list[Named]:
        """The nodes in these rows of `search.nodes`."""
        chosen = self.search.nodes.iloc[rows]
        return [Named(*pair) for pair in zip(chosen[NODE_ID], chosen[NODE_NAME], strict=True)]

    @property
    def num_nodes(self) -> int:
        """How many drugs (diseases) there are."""
        return len(self._rows)

    @cached_property
    def search(self) -> NodeSearch:
        """Finds nodes with a list."""
        first = [rows.start for rows in self._rows.values()]
        chosen = self.table[[f"{self.side}_id", f"{self.side}_name"]].iloc[first]
        return NodeSearch(chosen.reset_index(drop=True).set_axis([NODE_ID, NODE_NAME], axis=1))

    @cached_property
    def _rows(self) -> dict[str, slice]:
        """Where the list of each node stands."""
        ids = self.table[f"{self.side}_id"].to_numpy(dtype=object)
        starts = np.flatnonzero(np.append([True], ids[1:] != ids[:-1])) if len(ids) else np.zeros(0, dtype=np.int64)
        ends = [*starts[1:].tolist(), len(ids)]
        return {str(ids[start]): slice(start, end) for start, end in zip(starts.tolist(), ends, strict=True)}


@dataclass(frozen=True, eq=False)
class OpenRelease:
    """A release whose lists are loaded; the rest is read when a page asks for it."""

    values: ReleasedValues
    release_id: str | None
    """None: the newest results of a folder without a release."""
    notes: tuple[str, ...]
    """Warnings that every page repeats."""
    candidates: Candidates

    @cached_property
    def lists(self) -> Mapping[Side, Lists]:
        """By whose lists they are."""
        return {"disease": Lists("disease", self.candidates.table), "drug": Lists("drug", self.candidates.by_drug)}

    @cached_property
    def best_new(self) -> pd.DataFrame:
        """New pairs, the most probable first; ties by disease and rank."""
        table = self.candidates.table
        new = table[table["status"] == "new"]
        return new.iloc[np.argsort(-new["score"].to_numpy(), kind="stable")[:50]]

    @property
    def graph_digest(self) -> str:
        """The graph from which the lists were made; empty if they do not say."""
        return str(self.values.manifests[CANDIDATES].lineage.get(GRAPH, ""))[:12]

    @cached_property
    def links(self) -> Links:
        """Links and attributes of drugs and diseases."""
        return Links(self.candidates.attributes)

    def source(self, what: str, shown: str) -> Source:
        """Where the rows of a download come from. What: whose list; shown: which rows of it."""
        return Source.of(self.values.manifests, self.release_id, what=what, shown=shown)

    @cached_property
    def trust(self) -> Trust | None:
        """What the evaluation says; None if there is none.

        Raises:
            MismatchError: If it is of another model than the lists.
            UnreadableArtifactError: If it is damaged.
        """
        if EVALUATION not in self.values.manifests:
            return None
        self.require_together(EVALUATION)
        return trust_of(self.values.evaluation, self._validation(), num_drugs=self.lists["drug"].num_nodes)

    def _validation(self) -> ValidationReport | None:
        """Of the embeddings behind the lists; None if there is none, or only one of others, which `notes` say."""
        try:
            found: ValidationReport = read_version(self.require_together(VALIDATION), root=self.values.root)
        except (MissingArtifactError, MismatchError):
            return None
        return found

    def scores_of(self, side: Side, node_id: str) -> pd.DataFrame:
        """Scores of all pairs of one drug or disease, in the order of the other side's nodes.

        Raises:
            MissingArtifactError, UnreadableArtifactError: If they are not there, or damaged.
            MismatchError: If they were made otherwise than the lists.
        """
        return scores_of(side, node_id, self.values.manifests, root=self.values.root)

    def report_part(self, part: str = PAGE) -> str | bytes:
        """The report as stored, or one of its pictures.

        Raises:
            KeyError: If the report has no such picture.
            MissingArtifactError, MismatchError, UnreadableArtifactError: As `scores_of`.
        """
        manifest = self.require_together(REPORT)
        if part not in manifest.parts:
            raise KeyError(part)
        stored: str | bytes = read_part_of(manifest, part, root=self.values.root)
        return stored

    @cached_property
    def pictures(self) -> list[str]:
        """Pictures that can be shown: those of a report made from these results."""
        try:
            return [part for part in self.require_together(REPORT).parts if part.endswith(".png")]
        except (ValueError, OSError):
            return []

    @property
    def has_report(self) -> bool:
        """Whether there is a report made from these results."""
        return bool(self.pictures)

    @cached_property
    def explanations(self) -> Explanations:
        """Explains pairs, in a thread of its own."""

        def values() -> ReleasedValues:
            self.require_together(*EXPLAINED_FROM)
            return self.values

        return Explanations(values)

    @cached_property
    def map(self) -> InBackground[NodeMap]:
        """Where drugs and diseases lie in the space of embeddings."""

        def drawn() -> NodeMap:
            manifest = self.require_together("hgt_embeddings")
            graph_names = self.values.graph.therapeutic
            return node_map(read_version(manifest, root=self.values.root), graph_names.drug, graph_names.disease)

        return InBackground(drawn)

    def prepare(self) -> None:
        """Work out what every page needs, so that the first reader need not wait for it."""
        for lists in self.lists.values():
            lists.search.find("-")
        _ = self.best_new, self.pictures, self.links
        with suppress(ValueError, OSError):  # the pages that need it say so
            _ = self.trust

    def require_together(self, *names: str) -> Manifest:
        """Manifest of the last of these artefacts, which all belong to the lists.

        Raises:
            MissingArtifactError: If one is not there.
            MismatchError: If one was made otherwise than the lists.
        """
        manifests = self.values.manifests
        for name in names:
            if name not in manifests:
                raise MissingArtifactError(f"these results have no {name}", name=name)
        lineage([manifests[CANDIDATES], *(manifests[name] for name in names)])
        return manifests[names[-1]]


class Library:
    """The current release of a data folder; nothing is ever written there."""

    def __init__(self, root: Path, *, patience: float = PATIENCE) -> None:
        """Open a data folder.

        Args:
            root: The folder.
            patience: Seconds that a page waits for another release to be read; until then it shows the one before.
        """
        self.root = root
        self._patience = patience
        self._lock = threading.Lock()
        self._open: OpenRelease | None = None
        self._mark: tuple[str, ...] = ()
        self._next: tuple[tuple[str, ...], InBackground[OpenRelease]] | None = None

    def open(self) -> OpenRelease:
        """The release that is current now; while another one is being read, the one before it.

        Raises:
            MissingArtifactError, UnreadableArtifactError, ValueError: If there is none, or it is damaged.
        """
        with self._lock:
            mark = self._mark_now()
            if self._open is None:
                self._open, self._mark = self._read(), mark
            elif mark != self._mark:
                self._change_to(mark, self._open)
            return self._open

    def _change_to(self, mark: tuple[str, ...], before: OpenRelease) -> None:
        """Show what there is now, if it can be read in time."""
        if self._next is None or self._next[0] != mark:
            self._next = (mark, InBackground(self._read))
        try:
            opened = self._next[1].get(wait=self._patience)
        except Pending:
            return
        before.explanations.close()
        self._open, self._mark, self._next = opened, mark, None

    def _mark_now(self) -> tuple[str, ...]:
        """What changes when other results are to be shown."""
        now = current(self.root)
        if now.id is not None:
            return (now.id, *now.withdrawn)
        return tuple(manifest.header_sha256 for manifest in results_as_they_are(self.root).values())

    def _read(self) -> OpenRelease:
        manifests = results_as_they_are(self.root)
        logger.info("reading the lists of %s", self.root)
        candidates: Candidates = read_version(manifests[CANDIDATES], root=self.root)
        opened = OpenRelease(
            ReleasedValues(manifests, self.root),
            current(self.root).id,
            tuple(notes_on_release(self.root, manifests)),
            candidates,
        )
        opened.prepare()
        return opened
