"""The knowledge graph every later step starts from: nodes keyed by (type, id), typed edges as index arrays.

Layout. Nodes are sorted by (type, id), so the nodes of one type form one block and a node's *local index* is its
position in that block; edges hold local indices. Each edge is stored once: a relation between two types keeps one
orientation (drug-disease edges always drug first), an undirected relation within one type keeps source <= target.
The row order of a source file therefore changes neither the graph nor its digest.
"""

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
import pandas as pd

from hgt_repurposing.graph.attributes import ATTRIBUTE_COLUMNS, attributes_of, no_attributes
from hgt_repurposing.graph.edge_provenance import (
    EdgeProvenance,
    provenance_digest,
    provenance_of,
    restored,
    stored,
)
from hgt_repurposing.graph.naming import require_named, without_excluded
from hgt_repurposing.graph.schema import (
    EDGE_COLUMNS,
    NODE_COLUMNS,
    NODE_ID,
    NODE_NAME,
    NODE_TYPE,
    RELATION,
    SOURCE_ID,
    SOURCE_TYPE,
    TARGET_ID,
    TARGET_TYPE,
    EdgeType,
    IntArray,
    TherapeuticRelations,
)


@dataclass(frozen=True, eq=False)
class KnowledgeGraph:
    """Typed nodes and typed edges, validated on construction."""

    nodes: pd.DataFrame
    """Columns node_type, node_id, node_name (text); sorted and unique by (type, id)."""
    edges: Mapping[EdgeType, IntArray]
    """Local indices of source and target. Shape [2, num_edges], sorted and unique per edge type."""
    therapeutic: TherapeuticRelations
    """Which types and relations are drugs, diseases and treatments."""
    directed: frozenset[EdgeType] = frozenset()
    """Relations within one type whose direction carries meaning; all others within one type are symmetric."""
    num_duplicate_nodes: int = 0
    """Rows of the source that repeated a node."""
    num_duplicate_edges: int = 0
    """Rows of the source that repeated an edge, in either direction."""
    disease_areas: Mapping[str, IntArray] = field(default_factory=dict)
    """Local indices of the diseases in each area, sorted and unique; empty: the graph has no areas. A disease may be in
    several or in none. Only the breakdown of the evaluation uses them."""
    attributes: pd.DataFrame = field(default_factory=no_attributes)
    """Attributes of nodes (`attributes.py`), by which lists are filtered; nothing is learned from them."""
    provenance: Mapping[EdgeType, EdgeProvenance] = field(default_factory=dict)
    """Where edges come from, for edge types of which the files say so; looked up by the ends of an edge."""

    def __post_init__(self) -> None:
        self.validate()

    @cached_property
    def num_nodes(self) -> dict[str, int]:
        """Nodes per type, in the order of the node table."""
        counts = self.nodes[NODE_TYPE].value_counts()
        return {str(node_type): int(counts[node_type]) for node_type in sorted(counts.index)}

    @property
    def grid_shape(self) -> tuple[int, int]:
        """Number of drugs and of diseases: the shape of a table of all pairs."""
        return self.num_nodes[self.therapeutic.drug], self.num_nodes[self.therapeutic.disease]

    @cached_property
    def offsets(self) -> dict[str, int]:
        """First row of each type in the node table."""
        starts = np.concatenate([[0], np.cumsum(list(self.num_nodes.values()))[:-1]])
        return {node_type: int(start) for node_type, start in zip(self.num_nodes, starts, strict=True)}

    @property
    def num_edges(self) -> int:
        """Edges over all types, each counted once."""
        return sum(index.shape[1] for index in self.edges.values())

    def nodes_of(self, node_type: str) -> pd.DataFrame:
        """Node table of one type; row numbers are local indices."""
        start = self.offsets[node_type]
        return self.nodes.iloc[start : start + self.num_nodes[node_type]].reset_index(drop=True)

    def is_symmetric(self, edge_type: EdgeType) -> bool:
        """Whether edges of this type are undirected."""
        return edge_type.source == edge_type.target and edge_type not in self.directed

    def therapeutic_pairs(self, relations: Iterable[str]) -> IntArray:
        """Drug-disease pairs joined by any of these relations. Shape [2, num_pairs], sorted, unique."""
        names = set(relations)
        found = [
            index
            for edge_type, index in self.edges.items()
            if edge_type.relation in names and self.is_drug_disease(edge_type)
        ]
        if not found:
            return np.empty((2, 0), dtype=np.int64)
        return np.unique(np.concatenate(found, axis=1), axis=1)

    @property
    def indications(self) -> IntArray:
        """Drug-disease pairs where the drug is known to treat the disease. Shape [2, num_pairs]."""
        return self.therapeutic_pairs(self.therapeutic.indication)

    @property
    def contraindicated_pairs(self) -> IntArray:
        """Drug-disease pairs where the drug must not be given. Shape [2, num_pairs]."""
        return self.therapeutic_pairs(self.therapeutic.contraindication)

    @property
    def not_indicated_pairs(self) -> IntArray:
        """Drug-disease pairs where the drug is recorded not to help. Shape [2, num_pairs]."""
        return self.therapeutic_pairs(self.therapeutic.not_indicated)

    @property
    def known_negatives(self) -> IntArray:
        """Contraindications and pairs recorded as not indicated, indicated or not. Shape [2, num_pairs]."""
        return self.therapeutic_pairs(self.therapeutic.known_negative)

    @property
    def off_label_pairs(self) -> IntArray:
        """Drug-disease pairs that are neither known treatments nor negatives. Shape [2, num_pairs]."""
        return self.therapeutic_pairs(self.therapeutic.off_label)

    @property
    def drug_disease_relations(self) -> list[str]:
        """Names of all relations between drugs and diseases, sorted."""
        return sorted({t.relation for t in self.edges if self.is_drug_disease(t)})

    @property
    def unnamed_relations(self) -> list[str]:
        """Relations between drugs and diseases whose meaning is undeclared."""
        return [name for name in self.drug_disease_relations if name not in self.therapeutic.drug_disease]

    def is_drug_disease(self, edge_type: EdgeType) -> bool:
        """Whether an edge type joins a drug and a disease, by any relation and in either direction."""
        return {edge_type.source, edge_type.target} == {self.therapeutic.drug, self.therapeutic.disease}

    def provenance_of(self, edge_type: EdgeType, source: int, target: int) -> dict[str, str]:
        """What the files say about an edge (local indices of its ends), by column; empty if nothing."""
        if edge_type not in self.provenance:
            return {}
        found = self.provenance[edge_type].of(source, target)
        return found or (self.provenance[edge_type].of(target, source) if self.is_symmetric(edge_type) else {})

    def without(self, edge_types: Iterable[EdgeType]) -> Self:
        """The same nodes without the edges of these types."""
        dropped = set(edge_types)
        return replace(
            self,
            edges={edge_type: index for edge_type, index in self.edges.items() if edge_type not in dropped},
            directed=self.directed - dropped,
        )

    def validate(self) -> None:
        """Check what the class promises.

        Raises:
            ValueError: If the node table is empty, unsorted or repeats a (type, id), the index of an edge type or of a
                disease area is malformed, or an attribute is of an unknown node.
        """
        if list(self.nodes.columns) != list(NODE_COLUMNS):
            raise ValueError(f"node table must have the columns {list(NODE_COLUMNS)} (got {list(self.nodes.columns)})")
        if self.nodes.empty:
            raise ValueError("a knowledge graph needs at least one node (got none)")
        keys = pd.MultiIndex.from_frame(self.nodes[[NODE_TYPE, NODE_ID]])
        if not (keys.is_monotonic_increasing and keys.is_unique):
            raise ValueError("nodes must be sorted and unique by (type, id)")
        for edge_type, index in self.edges.items():
            self._validate_edges(edge_type, index)
        for area, index in self.disease_areas.items():
            self._validate_area(area, index)
        self._validate_attributes(keys)

    def _validate_attributes(self, keys: pd.MultiIndex) -> None:
        if list(self.attributes.columns) != list(ATTRIBUTE_COLUMNS):
            raise ValueError(f"attributes must have the columns {list(ATTRIBUTE_COLUMNS)}")
        named = pd.MultiIndex.from_frame(self.attributes[[NODE_TYPE, NODE_ID]].astype("str"))
        unknown = ~named.isin(keys)
        if unknown.any():
            raise ValueError(f"an attribute is of the unknown node {named[unknown][0]}")

    def _validate_edges(self, edge_type: EdgeType, index: IntArray) -> None:
        if index.dtype != np.int64 or index.ndim != 2 or index.shape[0] != 2:
            raise ValueError(
                f"edge index of {edge_type} must be int64 of shape [2, E] (got {index.dtype}, {index.shape})"
            )
        for row, node_type in zip(index, (edge_type.source, edge_type.target), strict=True):
            if node_type not in self.num_nodes:
                raise ValueError(f"{edge_type} has node type {node_type!r}, but the graph has no such node")
            if row.size and (row.min() < 0 or row.max() >= self.num_nodes[node_type]):
                worst = row.min() if row.min() < 0 else row.max()
                raise ValueError(
                    f"index out of range for {edge_type}: got {worst}, but there are "
                    f"{self.num_nodes[node_type]} nodes of type {node_type!r}"
                )

    def _validate_area(self, area: str, index: IntArray) -> None:
        if index.dtype != np.int64 or index.ndim != 1 or not index.size or (np.diff(index) <= 0).any():
            raise ValueError(
                f"disease area {area!r} must hold at least one disease, as sorted and unique int64 indices "
                f"(got {index.dtype}, {index.shape})"
            )
        num_diseases = self.num_nodes.get(self.therapeutic.disease, 0)
        if index[0] < 0 or index[-1] >= num_diseases:
            raise ValueError(
                f"index out of range for the disease area {area!r}: got {index[0] if index[0] < 0 else index[-1]}, but "
                f"there are {num_diseases} nodes of type {self.therapeutic.disease!r}"
            )

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the content: nodes with names, edges, what counts as therapeutic, and what else there is."""
        sha = hashlib.sha256()
        for column in NODE_COLUMNS:
            sha.update("\x1f".join(self.nodes[column].tolist()).encode() + b"\x1e")
        for edge_type in sorted(self.edges):
            sha.update(f"{edge_type} {edge_type in self.directed}".encode())
            sha.update(np.ascontiguousarray(self.edges[edge_type]).tobytes())
        sha.update(self.therapeutic.model_dump_json(exclude=self.therapeutic.unsaid).encode())
        for area in sorted(self.disease_areas):
            sha.update(f"\x1d{area}\x1e".encode())
            sha.update(np.ascontiguousarray(self.disease_areas[area]).tobytes())
        for column in ATTRIBUTE_COLUMNS if len(self.attributes) else ():
            sha.update("\x1f".join(self.attributes[column].astype("str").tolist()).encode() + b"\x1e")
        if self.provenance:
            sha.update(provenance_digest(stored(self.provenance, self.edges)).encode())
        return sha.hexdigest()

    def to_parts(self) -> dict[str, Any]:
        """What `artifacts.py` writes; the inverse of `from_parts`. Any: one of its part shapes."""
        edge_types = sorted(self.edges)
        areas = {area: self.disease_areas[area].tolist() for area in sorted(self.disease_areas)}
        return {
            "nodes.parquet": self.nodes,
            "edges.npz": {str(position): self.edges[edge_type] for position, edge_type in enumerate(edge_types)},
            "graph.json": {
                "edge_types": [list(edge_type) for edge_type in edge_types],
                "directed": sorted(list(edge_type) for edge_type in self.directed),
                "therapeutic": self.therapeutic.model_dump(exclude=self.therapeutic.unsaid),
                "num_duplicate_nodes": self.num_duplicate_nodes,
                "num_duplicate_edges": self.num_duplicate_edges,
                "digest": self.digest,
            },
            **({"disease_areas.json": areas} if areas else {}),
            **({"node_attributes.parquet": self.attributes} if len(self.attributes) else {}),
            **({"edge_provenance.parquet": stored(self.provenance, self.edges)} if self.provenance else {}),
        }

    @classmethod
    def from_parts(cls, parts: Mapping[str, Any]) -> Self:
        """Inverse of `to_parts`."""
        meta = parts["graph.json"]
        edges = {EdgeType(*names): parts["edges.npz"][str(i)] for i, names in enumerate(meta["edge_types"])}
        return cls(
            nodes=parts["nodes.parquet"],
            edges=edges,
            therapeutic=TherapeuticRelations(**meta["therapeutic"]),
            directed=frozenset(EdgeType(*names) for names in meta["directed"]),
            num_duplicate_nodes=meta["num_duplicate_nodes"],
            num_duplicate_edges=meta["num_duplicate_edges"],
            disease_areas={
                area: np.array(index, dtype=np.int64) for area, index in parts.get("disease_areas.json", {}).items()
            },
            attributes=parts.get("node_attributes.parquet", no_attributes()),
            provenance=restored(parts["edge_provenance.parquet"], edges) if "edge_provenance.parquet" in parts else {},
        )


def build_knowledge_graph(
    nodes: pd.DataFrame,
    edges: pd.DataFrame,
    *,
    therapeutic: TherapeuticRelations,
    directed_relations: Collection[str] = (),
    exclude: Collection[str] = (),
    by_format: Collection[str] = (),
    source: str = "edges",
    first_row: int = 1,
) -> KnowledgeGraph:
    """Turn a node table and an edge table into a graph, merging duplicates and both directions of one edge.

    Args:
        nodes: Columns node_type, node_id, node_name; further ones become attributes. Rows with the same (type, id) get
            the alphabetically first name; a node without a name is named by its id.
        edges: Columns source_type, source_id, relation, target_type, target_id, preferably categorical; further ones,
            categoricals of text, are what the files say about the edges.
        therapeutic: Node types of drugs and diseases, and the relations between them.
        directed_relations: Relations within one node type whose direction carries meaning.
        exclude: Relations to leave out; their nodes stay.
        by_format: Fields of `therapeutic` filled by the format, not the user; their relations may be absent.
        source: Where the edges come from, for error messages.
        first_row: Row number of the first edge in the source, for error messages.

    Raises:
        ValueError: If an edge refers to an unknown node, a value is missing, a name set by the user does not occur
            where it should, or there is no indication.
    """
    for table, columns, what in ((nodes, NODE_COLUMNS[:2], "nodes"), (edges, EDGE_COLUMNS, source)):
        for column in columns:
            missing = table[column].isna().to_numpy()
            if missing.any():
                row = int(missing.argmax()) + first_row
                raise ValueError(f"{what}: row {row} has no value in column {column!r}")
    if edges.empty:
        raise ValueError(f"{source}: a knowledge graph needs at least one edge (got none)")
    table = _node_table(nodes)
    categorical = edges.astype({column: "category" for column in EDGE_COLUMNS if edges[column].dtype != "category"})
    source_index = _local_index(categorical, SOURCE_TYPE, SOURCE_ID, table, source=source, first_row=first_row)
    target_index = _local_index(categorical, TARGET_TYPE, TARGET_ID, table, source=source, first_row=first_row)
    rows_of = dict(_rows_by_edge_type(categorical))
    chosen = without_excluded(rows_of, exclude, source)
    therapeutic = require_named(
        list(table[NODE_TYPE].unique()),
        chosen,
        therapeutic,
        directed_relations=directed_relations,
        by_format=by_format,
        source=source,
    )
    collected = {t: np.stack([source_index[rows_of[t]], target_index[rows_of[t]]]) for t in chosen}
    kept = _merge_directions(collected, therapeutic)
    directed = frozenset(t for t in kept if t.source == t.target and t.relation in directed_relations)
    unique = {
        t: _unique_edges(index, symmetric=t.source == t.target and t not in directed) for t, index in kept.items()
    }
    further = categorical.drop(columns=list(EDGE_COLUMNS))
    return KnowledgeGraph(
        nodes=table,
        edges=unique,
        therapeutic=therapeutic,
        directed=directed,
        num_duplicate_nodes=len(nodes) - len(table),
        num_duplicate_edges=sum(index.shape[1] for index in collected.values())
        - sum(index.shape[1] for index in unique.values()),
        attributes=attributes_of(nodes),
        provenance=_provenance(further, rows_of, collected, unique, therapeutic, directed),
    )


def _provenance(
    further: pd.DataFrame,
    rows_of: Mapping[EdgeType, IntArray],
    collected: Mapping[EdgeType, IntArray],
    unique: Mapping[EdgeType, IntArray],
    therapeutic: TherapeuticRelations,
    directed: Collection[EdgeType],
) -> dict[EdgeType, EdgeProvenance]:
    """What the rows say about the edges that they became. Further: columns for every row of the edge table."""
    if further.columns.empty:
        return {}
    found: dict[EdgeType, list[tuple[IntArray, IntArray]]] = {}
    for edge_type, index in collected.items():
        kept, is_flipped = _kept_as(edge_type, collected, therapeutic)
        found.setdefault(kept, []).append((rows_of[edge_type], index[::-1] if is_flipped else index))
    provenance = {}
    for edge_type, parts in found.items():
        rows, ends = np.concatenate([rows for rows, _ in parts]), np.concatenate([ends for _, ends in parts], axis=1)
        if edge_type.source == edge_type.target and edge_type not in directed:
            ends = np.sort(ends, axis=0)
        said = further.iloc[rows]
        if said.notna().any(axis=None):
            provenance[edge_type] = provenance_of(unique[edge_type], ends, said)
    return provenance


def _node_table(nodes: pd.DataFrame) -> pd.DataFrame:
    """One row per (type, id), whatever the row order of the source: sorted by name before duplicates are dropped."""
    table = nodes[list(NODE_COLUMNS)].astype("str").sort_values(list(NODE_COLUMNS), kind="stable")
    table = table.drop_duplicates([NODE_TYPE, NODE_ID]).reset_index(drop=True)
    return table.assign(**{NODE_NAME: table[NODE_NAME].fillna(table[NODE_ID])})


def _local_index(
    edges: pd.DataFrame, type_column: str, id_column: str, nodes: pd.DataFrame, *, source: str, first_row: int
) -> IntArray:
    """Local index of one end of each edge. Looks up each distinct id once per type, not every row."""
    types, ids = edges[type_column].cat, edges[id_column].cat
    type_codes, id_codes = types.codes.to_numpy(), ids.codes.to_numpy()
    known = {str(name): pd.Index(block[NODE_ID]) for name, block in nodes.groupby(NODE_TYPE, sort=False)}
    result = np.empty(len(edges), dtype=np.int64)
    names = ids.categories.astype("str")
    for code, node_type in enumerate(types.categories.astype("str")):
        rows = type_codes == code
        lookup = known[node_type].get_indexer(names) if node_type in known else np.full(len(names), -1)
        result[rows] = lookup[id_codes[rows]]
    if result.size and result.min() < 0:
        row = int((result < 0).argmax())
        raise ValueError(
            f"{source}: row {row + first_row} refers to the unknown node "
            f"({edges[type_column].iloc[row]}, {edges[id_column].iloc[row]}) in {id_column!r}"
        )
    return result


def _rows_by_edge_type(edges: pd.DataFrame) -> Iterable[tuple[EdgeType, IntArray]]:
    columns = [edges[column].cat for column in (SOURCE_TYPE, RELATION, TARGET_TYPE)]
    code = np.zeros(len(edges), dtype=np.int64)
    for column in columns:
        code = code * len(column.categories) + column.codes.to_numpy()
    order = np.argsort(code, kind="stable")
    bounds = np.flatnonzero(np.diff(code[order], prepend=-1))
    for start, stop in zip(bounds, [*bounds[1:], len(order)], strict=True):
        first = order[start]
        names = (str(column.categories[column.codes.iloc[first]]) for column in columns)
        yield EdgeType(*names), order[start:stop]


def _merge_directions(
    collected: Mapping[EdgeType, IntArray], therapeutic: TherapeuticRelations
) -> dict[EdgeType, IntArray]:
    """Orient drug-disease edges drug first, and merge (A, r, B) and (B, r, A) into the alphabetically first."""
    merged: dict[EdgeType, list[IntArray]] = {}
    for edge_type in sorted(collected):
        index = collected[edge_type]
        target, is_flipped = _kept_as(edge_type, collected, therapeutic)
        merged.setdefault(target, []).append(index[::-1] if is_flipped else index)
    return {edge_type: np.concatenate(parts, axis=1) for edge_type, parts in sorted(merged.items())}


def _kept_as(
    edge_type: EdgeType, found: Collection[EdgeType], therapeutic: TherapeuticRelations
) -> tuple[EdgeType, bool]:
    """Under which edge type edges are kept, and whether they are turned round for it."""
    reverse = EdgeType(edge_type.target, edge_type.relation, edge_type.source)
    drug_last = edge_type.source == therapeutic.disease and edge_type.target == therapeutic.drug
    drug_first = edge_type.source == therapeutic.drug and edge_type.target == therapeutic.disease
    is_flipped = drug_last or (reverse in found and reverse < edge_type and not drug_first)
    return (reverse if is_flipped else edge_type), is_flipped


def _unique_edges(index: IntArray, *, symmetric: bool) -> IntArray:
    if symmetric:
        index = np.stack([index.min(axis=0), index.max(axis=0)])
    width = int(index.max(initial=0)) + 1
    key = np.unique(index[0] * width + index[1])
    return np.stack([key // width, key % width])


def degrees(graph: KnowledgeGraph) -> pd.DataFrame:
    """Node types and names with the number of edges at each node: columns node_type, node_name, degree."""
    counts = np.zeros(len(graph.nodes), dtype=np.int64)
    for edge_type, index in graph.edges.items():
        for row, node_type in zip(index, (edge_type.source, edge_type.target), strict=True):
            start = graph.offsets[node_type]
            counts[start : start + graph.num_nodes[node_type]] += np.bincount(row, minlength=graph.num_nodes[node_type])
    return graph.nodes[[NODE_TYPE, NODE_NAME]].assign(degree=counts)


def describe(graph: KnowledgeGraph) -> pd.DataFrame:
    """Edge types by number of edges, largest first: columns edge_type, num_edges."""
    rows = [{"edge_type": str(t), "num_edges": index.shape[1]} for t, index in graph.edges.items()]
    return pd.DataFrame(rows, columns=["edge_type", "num_edges"]).sort_values("num_edges", ascending=False)
