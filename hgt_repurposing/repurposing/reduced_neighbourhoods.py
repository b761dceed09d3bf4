"""Neighbourhoods of a graph that lost some edges, as far as the scores of one disease need them.

What the lost edges were evidence of is computed again: only walks and similarities by relations that lost edges, on the
disease's side only for the disease itself. What features are measured in stays as in the whole graph: anchors, kernels,
maxima of similarities, mean path counts, and how similar an anchor must be to be among the nearest of a drug. On graphs
with fewer anchors than are kept (`NEAREST`), nothing else differs from neighbourhoods that are derived anew.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array, vstack

from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.schema import BoolArray, EdgeType, IntArray
from hgt_repurposing.graph.walks import damped, gene_incidence, gene_relations, heaviest, incidence, unit_rows
from hgt_repurposing.repurposing.neighbourhoods import (
    NEAREST,
    SMALLEST_MAXIMUM,
    Neighbourhoods,
    Paths,
    Side,
    cosines,
    nearest,
    without_self,
)

Steps = tuple[EdgeType, ...]


@dataclass(frozen=True, eq=False)
class WholeGraph:
    """A graph with its neighbourhoods; keeps what does not depend on which edges are lost."""

    graph: KnowledgeGraph
    neighbourhoods: Neighbourhoods

    def step(self, edge_type: EdgeType, start: str) -> csr_array:
        """Damped step by an edge type from a node type. Shape [num_starts, num_ends]."""
        if (edge_type, start) not in self._steps:
            self._steps[edge_type, start] = damped(incidence(self.graph, edge_type, start=start))
        return self._steps[edge_type, start]

    def cutoff(self, name: str) -> npt.NDArray[np.float32]:
        """How similar an anchor must be to be among the nearest of each drug; 0 if all are. Shape [num_drugs]."""
        if name not in self._cutoffs:
            matrix = self.neighbourhoods.drugs.similarities[name]
            least = np.zeros(matrix.shape[0], dtype=np.float32)
            full = np.flatnonzero(np.diff(matrix.indptr) >= NEAREST)
            for row in full.tolist():
                least[row] = matrix.data[matrix.indptr[row] : matrix.indptr[row + 1]].min()
            self._cutoffs[name] = least
        return self._cutoffs[name]

    @cached_property
    def walks_of_drugs(self) -> dict[Steps, csr_array]:
        """Walks that are part of a path, by their steps. Shape [num_drugs, num_ends] each."""
        return {paths.drug_steps: paths.drug_walk for paths in self.neighbourhoods.paths}

    @cached_property
    def _steps(self) -> dict[tuple[EdgeType, str], csr_array]:
        return {}

    @cached_property
    def _cutoffs(self) -> dict[str, npt.NDArray[np.float32]]:
        return {}


def reduced_neighbourhoods(whole: WholeGraph, left: KnowledgeGraph, disease: int) -> Neighbourhoods:
    """Neighbourhoods for scoring one disease on what is left of a graph.

    Args:
        whole: Before.
        left: The same nodes and edge types, fewer edges.
        disease: Local index of the only disease that they are right for.
    """
    return _Reduction(whole, left, disease).neighbourhoods()


@dataclass(frozen=True, eq=False)
class _Reduction:
    whole: WholeGraph
    left: KnowledgeGraph
    disease: int

    def neighbourhoods(self) -> Neighbourhoods:
        before, names = self.whole.neighbourhoods, self.left.therapeutic
        of_genes = {side: any(t in self._lost for t in gene_relations(self.left, side)) for side in self._types}
        return Neighbourhoods(
            self._with(before.drugs, dict(self._of_drugs())),
            self._with(before.diseases, dict(self._of_the_disease())),
            tuple(map(self._paths, before.paths)),
            gene_incidence(self.left, names.drug) if of_genes[names.drug] else before.drug_genes,
            gene_incidence(self.left, names.disease) if of_genes[names.disease] else before.disease_genes,
        )

    def _with(self, side: Side, changed: Mapping[str, csr_array]) -> Side:
        """One side with some other similarities, in units of the same maxima."""
        direct = [name for name, steps in side.steps.items() if len(steps) == 1]
        average = side.average
        if any(name in changed for name in direct):
            first, *others = (
                changed.get(name, before) / (max(before.data.max(initial=0), SMALLEST_MAXIMUM) * len(direct))
                for name, before in ((name, side.similarities[name]) for name in direct)
            )
            average = csr_array(sum(others, start=first))
        return replace(side, similarities={**side.similarities, **changed}, average=average, given_kernel=side.kernel)

    def _of_drugs(self) -> Iterator[tuple[str, csr_array]]:
        """Similarities of drugs by relations that lost edges; in two steps, only to drugs that treat the disease."""
        side, start = self.whole.neighbourhoods.drugs, self.left.therapeutic.drug
        treating = np.flatnonzero(np.isin(side.anchors, self._treating))
        for name, steps in side.steps.items():
            if not self._lost.isdisjoint(steps):
                if len(steps) == 1:
                    yield name, self._direct(steps[0], start, side.anchors)
                else:
                    rows = unit_rows(self._walk_of_drugs(steps))
                    towards = csr_array(rows[side.anchors[treating]])
                    found = csr_array(rows @ csr_array(towards.T)).tocoo()
                    near = found.data >= self.whole.cutoff(name)[found.row]
                    entries = (found.data[near], (found.row[near], treating[found.col[near]].astype(np.int32)))
                    matrix = csr_array(entries, shape=(side.size, len(side.anchors)))
                    yield name, without_self(matrix, side.anchors)

    def _of_the_disease(self) -> Iterator[tuple[str, csr_array]]:
        """Similarities of the disease by relations that lost edges; rows of other diseases are empty."""
        side, start = self.whole.neighbourhoods.diseases, self.left.therapeutic.disease
        for name, steps in side.steps.items():
            if self._lost.isdisjoint(steps):
                continue
            if len(steps) == 1 and steps[0].source == steps[0].target:
                row = csr_array(incidence(self.left, steps[0], start=start)[[self.disease]][:, side.anchors])
                yield name, without_self(self._placed(row), side.anchors)
            else:
                chosen = np.append(self.disease, side.anchors)
                rows = unit_rows(self._walk(steps, start, chosen))
                near = nearest(csr_array(rows[[0]]), csr_array(rows[1:]))
                yield name, without_self(self._placed(near), side.anchors)

    def _direct(self, edge_type: EdgeType, start: str, anchors: IntArray) -> csr_array:
        if edge_type.source == edge_type.target:
            return without_self(csr_array(incidence(self.left, edge_type, start=start)[:, anchors]), anchors)
        return cosines(unit_rows(self._step(edge_type, start)), anchors)

    def _paths(self, before: Paths) -> Paths:
        names, found = self.left.therapeutic, before
        if not self._lost.isdisjoint(before.drug_steps):
            found = replace(found, drug_walk=self._walk_of_drugs(before.drug_steps))
        if not self._lost.isdisjoint(before.disease_steps):
            row = self._walk(before.disease_steps, names.disease, np.array([self.disease]))
            found = replace(found, disease_walk=self._placed(row))
        return found

    def _walk_of_drugs(self, steps: Steps) -> csr_array:
        if steps not in self._walks:
            self._walks[steps] = self._updated_walk(steps)
        return self._walks[steps]

    def _updated_walk(self, steps: Steps) -> csr_array:
        """A walk from all drugs: rows from which no changed edge is reached are those of before."""
        start = self.left.therapeutic.drug
        before = self.whole.walks_of_drugs.get(steps)
        if before is None or len(steps) == 1:
            return self._walk(steps, start, np.arange(self.left.num_nodes[start]))
        middle = _other_end(steps[0], start)
        first, second = self._step(steps[0], start), self._step(steps[1], middle)
        changed = _changed_rows(self.whole.step(steps[0], start), first)
        by_second = _changed_rows(self.whole.step(steps[1], middle), second)
        changed |= first @ by_second.astype(np.float32) > 0
        rows = np.flatnonzero(changed)
        return _with_rows(before, rows, self._walk(steps, start, rows))

    def _walk(self, steps: Steps, start: str, rows: IntArray) -> csr_array:
        """Damped number of walks from some nodes. Shape [num_rows, num_ends]."""
        first = csr_array(self._step(steps[0], start)[rows])
        if len(steps) == 1:
            return first
        second = self._step(steps[1], _other_end(steps[0], start))
        return heaviest(csr_array(first @ second), num_starts=self.left.num_nodes[start])

    def _step(self, edge_type: EdgeType, start: str) -> csr_array:
        if edge_type not in self._lost:
            return self.whole.step(edge_type, start)
        if (edge_type, start) not in self._steps:
            self._steps[edge_type, start] = damped(incidence(self.left, edge_type, start=start))
        return self._steps[edge_type, start]

    def _placed(self, row: csr_array) -> csr_array:
        """The row of the disease, among empty rows for all others."""
        indptr = np.zeros(self.left.grid_shape[1] + 1, dtype=np.int64)
        indptr[self.disease + 1 :] = row.nnz
        return csr_array((row.data, row.indices, indptr), shape=(len(indptr) - 1, row.shape[1]))

    @property
    def _types(self) -> tuple[str, str]:
        return self.left.therapeutic.drug, self.left.therapeutic.disease

    @cached_property
    def _lost(self) -> frozenset[EdgeType]:
        """Edge types that lost edges."""
        return frozenset(
            edge_type
            for edge_type, index in self.whole.graph.edges.items()
            if self.left.edges[edge_type].shape != index.shape
        )

    @cached_property
    def _treating(self) -> IntArray:
        drugs, diseases = self.left.indications
        return np.asarray(drugs[diseases == self.disease], dtype=np.int64)

    @cached_property
    def _steps(self) -> dict[tuple[EdgeType, str], csr_array]:
        return {}

    @cached_property
    def _walks(self) -> dict[Steps, csr_array]:
        return {}


def _other_end(edge_type: EdgeType, start: str) -> str:
    return edge_type.target if edge_type.source == start else edge_type.source


def _changed_rows(before: csr_array, after: csr_array) -> BoolArray:
    """Rows that differ. Shape [num_rows]."""
    return np.asarray(np.diff(csr_array(before - after).indptr) > 0)


def _with_rows(matrix: csr_array, rows: IntArray, others: csr_array) -> csr_array:
    """The same with other rows in some places."""
    order = np.arange(matrix.shape[0])
    order[rows] = matrix.shape[0] + np.arange(len(rows))
    return csr_array(csr_array(vstack([matrix, others], format="csr"))[order])
