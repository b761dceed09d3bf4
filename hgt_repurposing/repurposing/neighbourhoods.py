"""What the graph says about drugs and diseases apart from treatments: similarities, and paths between them.

Everything is derived once from the graph's schema (see `graph/walks.py`). Similarities are kept only to the nearest
anchors, the drugs that treat something and the diseases with a treatment, since labels are propagated only through
these; no array of all drugs x all drugs, or all diseases x all diseases, ever exists.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Self

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array, eye_array, vstack

from hgt_repurposing.graph.kernel import Eigenvectors, similarity_kernel
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.schema import EdgeType, IntArray
from hgt_repurposing.graph.walks import (
    Walk,
    direct_walks,
    gene_incidence,
    relatives,
    require_relations,
    top_of_rows,
    unit_rows,
    walks,
)

NEAREST = 400
"""Nearest anchors kept per drug (disease) and relation; all of Hetionet's 387 (77) are kept."""
ROWS_PER_BLOCK = 1000
SMALLEST_MAXIMUM = 1e-6
"""Divisor of similarities that are all 0."""
SCALE_COLUMNS = 256
"""Number of evenly spaced diseases over which the mean of a path count is taken."""


@dataclass(frozen=True, eq=False)
class Side:
    """The drugs, or the diseases."""

    size: int
    anchors: IntArray
    """Indices of those with a treatment in the graph, even if it is held out. Shape [num_anchors]."""
    similarities: Mapping[str, csr_array]
    """Cosine or relatedness to the anchors, by relation, without self-similarities. Shape [size, num_anchors] each."""
    average: csr_array
    """Mean of the one-step similarities, each divided by its maximum. Shape [size, num_anchors]."""
    profiles: tuple[csr_array, ...]
    """Direct links by relation, rows of length 1. Shape [size, *] each."""
    relatives: tuple[csr_array, ...]
    """Relations among them, 0 and 1. Shape [size, size] each."""
    steps: Mapping[str, tuple[EdgeType, ...]] = field(default_factory=dict)
    """Edge types that each similarity compares by, in the order of `similarities`: one step, then two."""
    given_kernel: Eigenvectors | None = None
    """Taken from another graph; None: computed from links and relations."""

    @cached_property
    def kernel(self) -> Eigenvectors:
        """Eigenvectors of the kernel in the Kronecker ridge: most of the time that neighbourhoods take."""
        return self.given_kernel or similarity_kernel(self.profiles, self.relatives)

    @cached_property
    def average_by_anchor(self) -> npt.NDArray[np.float32]:
        """The same mean, dense. Shape [num_anchors, size]."""
        return np.ascontiguousarray(self.average.T.toarray(), dtype=np.float32)


@dataclass(frozen=True, eq=False)
class Paths:
    """One kind of path from drug to disease."""

    name: str
    drug_walk: csr_array
    """Shape [num_drugs, num_ends]."""
    disease_walk: csr_array
    """Shape [num_diseases, num_ends]."""
    mean: float
    """Mean over pairs with a path, of some diseases."""
    drug_steps: tuple[EdgeType, ...] = ()
    """Edge types from the drug to where both walks meet."""
    disease_steps: tuple[EdgeType, ...] = ()
    """Edge types from the disease to there."""


@dataclass(frozen=True, eq=False)
class Neighbourhoods:
    """Both sides, and the paths between them."""

    drugs: Side
    diseases: Side
    paths: tuple[Paths, ...]
    drug_genes: csr_array
    """1 where a drug targets a gene; for the baselines. Shape [num_drugs, num_genes]."""
    disease_genes: csr_array
    """1 where a disease is associated with a gene. Shape [num_diseases, num_genes]."""

    def with_kernels_of(self, other: Self) -> Self:
        """The same, but with the kernels of another graph with these drugs and diseases."""
        return replace(
            self,
            drugs=replace(self.drugs, given_kernel=other.drugs.kernel),
            diseases=replace(self.diseases, given_kernel=other.diseases.kernel),
        )


def require_distinct(names: Sequence[str]) -> None:
    """Check that feature names are distinct.

    Raises:
        ValueError: If two are the same.
    """
    twice = [name for name, times in Counter(names).items() if times > 1]
    if twice:
        raise ValueError(f"duplicate feature name {twice[0]!r}: rename one of the relations in it")


def neighbourhoods_of(graph: KnowledgeGraph) -> Neighbourhoods:
    """Derive similarities and paths from every relation except those between drugs and diseases.

    Raises:
        ValueError: If drugs or diseases have no relation to anything else to be compared by, or two features would have
            the same name.
    """
    names = graph.therapeutic
    drug_walks, disease_walks = walks(graph, names.drug), walks(graph, names.disease)
    treating, treated = (np.unique(ends) for ends in graph.indications)
    return Neighbourhoods(
        _side(graph, names.drug, drug_walks, treating),
        _side(graph, names.disease, disease_walks, treated),
        tuple(_meetings(drug_walks, disease_walks)),
        gene_incidence(graph, names.drug),
        gene_incidence(graph, names.disease),
    )


def profile_blocks(graph: KnowledgeGraph, node_type: str) -> list[csr_array]:
    """Links of drugs (diseases), one matrix per relation with rows of length 1: the input of a decomposition."""
    one_step = [unit_rows(walk.weights) for walk in direct_walks(graph, node_type)]
    related = [unit_rows(csr_array(eye_array(m.shape[0]) + m)) for _, _, m in relatives(graph, node_type)]
    return one_step + related


def _side(graph: KnowledgeGraph, node_type: str, found: list[Walk], anchors: IntArray) -> Side:
    require_relations(graph, node_type)
    related = relatives(graph, node_type)
    one_step = [(walk.name, unit_rows(walk.weights)) for walk in found if len(walk.steps) == 1]
    direct = [(name, cosines(rows, anchors)) for name, rows in one_step]
    direct += [(name, without_self(csr_array(matrix[:, anchors]), anchors)) for _, name, matrix in related]
    two_steps = [walk for walk in found if len(walk.steps) > 1]
    through_genes = [(walk.name, cosines(unit_rows(walk.weights), anchors)) for walk in two_steps]
    first, *others = (
        matrix / (max(matrix.data.max(initial=0), SMALLEST_MAXIMUM) * len(direct)) for _, matrix in direct
    )
    return Side(
        size=graph.num_nodes[node_type],
        anchors=anchors,
        similarities=_by_name([*direct, *through_genes]),
        average=csr_array(sum(others, start=first)),
        profiles=tuple(rows for _, rows in one_step),
        relatives=tuple(matrix for _, _, matrix in related),
        steps={
            **{walk.name: walk.steps for walk in found if len(walk.steps) == 1},
            **{name: (edge_type,) for edge_type, name, _ in related},
            **{walk.name: walk.steps for walk in two_steps},
        },
    )


def _by_name(found: list[tuple[str, csr_array]]) -> dict[str, csr_array]:
    """Similarities by name.

    Raises:
        ValueError: If two have the same name.
    """
    require_distinct([name for name, _ in found])
    return dict(found)


def cosines(rows: csr_array, anchors: IntArray) -> csr_array:
    """Cosines of all rows, which have length 1, with the anchors; the largest of each row. Shape [n, num_anchors]."""
    return without_self(nearest(rows, csr_array(rows[anchors])), anchors)


def nearest(rows: csr_array, anchors: csr_array) -> csr_array:
    """Products of all rows with those of the anchors; the largest of each row, one more than NEAREST.

    Shape [n, num_anchors].
    """
    towards = csr_array(anchors.T)
    blocks = [
        top_of_rows(csr_array(rows[start : start + ROWS_PER_BLOCK] @ towards), NEAREST + 1)
        for start in range(0, rows.shape[0], ROWS_PER_BLOCK)
    ]
    return csr_array(vstack(blocks))


def without_self(matrix: csr_array, anchors: IntArray) -> csr_array:
    """Drop each anchor's similarity with itself, so that no label supports its own drug or disease."""
    entries = matrix.tocoo()
    other = entries.row != anchors[entries.col]
    kept = (entries.data[other], (entries.row[other], entries.col[other]))
    return csr_array(kept, shape=matrix.shape, dtype=np.float32)


def _meetings(drug_walks: list[Walk], disease_walks: list[Walk]) -> list[Paths]:
    """Pairs of walks that end in the same node type, each path once.

    A two-step walk from the disease adds something only if it meets the drug beyond the genes it passes through: at an
    end that the drug reaches directly (its side effects), or if both leave their genes by the same relation (to a
    pathway).
    """
    genes = {walk.end for walk in [*drug_walks, *disease_walks] if _leads_on(walk, [*drug_walks, *disease_walks])}
    found = []
    for mine in drug_walks:
        for other in disease_walks:
            both_through_genes = len(mine.steps) == len(other.steps) == 2
            repeated = len(other.steps) == 2 and (
                other.end in genes or (both_through_genes and mine.steps[-1] != other.steps[-1])
            )
            if mine.end != other.end or repeated:
                continue
            spread = np.unique(np.linspace(0, other.weights.shape[0] - 1, SCALE_COLUMNS).astype(np.int64))
            counts = csr_array(mine.weights @ other.weights[spread].T).data
            if len(counts):
                name, mean = f"{mine.name} ~ {other.name}", float(counts.mean())
                found.append(Paths(name, mine.weights, other.weights, mean, mine.steps, other.steps))
    require_distinct([paths.name for paths in found])
    return found


def _leads_on(walk: Walk, among: list[Walk]) -> bool:
    return len(walk.steps) == 1 and any(w.steps[0] == walk.steps[0] and len(w.steps) > 1 for w in among)
