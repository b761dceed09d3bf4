"""What drugs and diseases that are not in the graph are compared by, computed without a change to any other.

Each new node gets a row in every matrix of its side: links, similarities to the anchors, paths, and the eigenvectors of
the kernel. Whatever is taken over all nodes (degrees, largest similarities, percentiles) is that of the graph, plus the
new node's own links where a degree counts them. So neither the scores of the graph change nor those of a new node with
the other new nodes. Vectors and towers are kernel ridge regressions on those of the graph.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_array, diags_array, vstack

from hgt_repurposing.graph.kernel import kernel_rows
from hgt_repurposing.graph.new_nodes import ExtendedGraph
from hgt_repurposing.graph.schema import Features, FloatArray
from hgt_repurposing.graph.walks import (
    Walk,
    damped,
    gene_incidence,
    incidence,
    relatives,
    top_of_rows,
    unit_rows,
    walks,
)
from hgt_repurposing.repurposing.neighbourhoods import NEAREST, Neighbourhoods, Paths, Side

RIDGE = 1.0
"""Penalty of the regression of vectors on the kernel, whose diagonal is 1."""


@dataclass(frozen=True, eq=False)
class Extension:
    """Rows of new nodes, beside those of the graph."""

    neighbourhoods: Neighbourhoods
    """With the new nodes."""
    coordinates: FloatArray
    """Of each new node, for the regression. Shape [num_new, rank]."""
    eigenvectors: FloatArray
    """Of the nodes of the graph. Shape [num_nodes, rank]."""

    def estimated(self, values: Features) -> Features:
        """Values of the nodes of the graph, followed by what a kernel ridge regression expects of the new ones.

        Args:
            values: Shape [num_nodes, width].

        Returns:
            Shape [num_nodes + num_new, width].

        Rasmussen and Williams 2006, equation 2.25, about the mean of the values.
        """
        mean = values.mean(axis=0, dtype=np.float64)
        found = mean + self.coordinates @ (self.eigenvectors.T @ (values - mean))
        return np.concatenate([values, found.astype(values.dtype)])


def extend(base: Neighbourhoods, graph: ExtendedGraph) -> Extension:
    """Compute the rows of the new nodes of a graph.

    Args:
        base: Of the graph without them.
        graph: With them.
    """
    names = graph.base.therapeutic
    is_drug = graph.node_type == names.drug
    side = base.drugs if is_drug else base.diseases
    found = {walk.steps: (walk, walk_rows(walk, graph)) for walk in walks(graph.base, graph.node_type)}
    longer = _with_rows(side, graph, list(found.values()))
    genes = csr_array(gene_incidence(graph.graph, graph.node_type)[graph.first :])
    paths = tuple(
        _with_new_rows(p, found[p.drug_steps if is_drug else p.disease_steps][1], is_drug=is_drug) for p in base.paths
    )
    if is_drug:
        whole = replace(base, drugs=longer, paths=paths, drug_genes=csr_array(vstack([base.drug_genes, genes])))
    else:
        whole = replace(
            base, diseases=longer, paths=paths, disease_genes=csr_array(vstack([base.disease_genes, genes]))
        )
    further = longer.kernel.further
    assert further is not None, "set by _with_rows"
    return Extension(whole, further @ side.kernel.vectors / (side.kernel.strengths + RIDGE), side.kernel.vectors)


def _with_rows(side: Side, graph: ExtendedGraph, found: list[tuple[Walk, csr_array]]) -> Side:
    """The drugs or diseases with the new nodes, from the walks of the graph and those from the new nodes."""
    one_step = [(walk, unit_rows(rows)) for walk, rows in found if len(walk.steps) == 1]
    related = {name: graph.links(edge_type) for edge_type, name, _ in relatives(graph.base, graph.node_type)}
    new = {
        walk.name: top_of_rows(csr_array(unit_rows(rows) @ unit_rows(csr_array(walk.weights[side.anchors])).T), NEAREST)
        for walk, rows in found
    }
    new |= {name: csr_array(links[:, side.anchors]) for name, links in related.items()}
    direct = [*(walk.name for walk, _ in one_step), *related]
    largest = {name: max(side.similarities[name].data.max(initial=0), 1e-6) for name in direct}
    first, *others = (new[name] / (largest[name] * len(direct)) for name in direct)
    kernel = kernel_rows([rows for _, rows in one_step], side.profiles, list(related.values()))
    profiles = tuple(
        csr_array(vstack(pair)) for pair in zip(side.profiles, (rows for _, rows in one_step), strict=True)
    )
    return Side(
        size=side.size + len(graph.new),
        anchors=side.anchors,
        similarities={name: csr_array(vstack([known, new[name]])) for name, known in side.similarities.items()},
        average=csr_array(vstack([side.average, sum(others, start=first)])),
        profiles=profiles,
        relatives=tuple(matrix for _, _, matrix in relatives(graph.graph, graph.node_type)),
        given_kernel=side.kernel._replace(further=kernel),
    )


def walk_rows(walk: Walk, graph: ExtendedGraph) -> csr_array:
    """Damped number of walks from the new nodes, as `Walk.weights`. Shape [num_new, num_ends].

    Args:
        walk: Of the graph without them.
        graph: With them.
    """
    step = walk.steps[0]
    links = graph.links(step)
    degree = np.asarray(incidence(graph.base, step, start=graph.node_type).sum(axis=0))
    own = np.maximum(links.sum(axis=1), 1) ** -0.5
    rows = csr_array(diags_array(own) @ links @ diags_array((degree + 1) ** -0.5), dtype=np.float32)
    for further in walk.steps[1:]:
        middle = step.target if step.source == graph.node_type else step.source
        rows = csr_array(rows @ damped(incidence(graph.base, further, start=middle)))
    return rows


def _with_new_rows(paths: Paths, rows: csr_array, *, is_drug: bool) -> Paths:
    if is_drug:
        return replace(paths, drug_walk=csr_array(vstack([paths.drug_walk, rows])))
    return replace(paths, disease_walk=csr_array(vstack([paths.disease_walk, rows])))
