"""How much a relation between drugs and genes says about what drugs treat, learned from the graph itself.

Two drugs that treat a disease in common share genes by a relation more often than two other drugs that treat something.
Genes that many drugs reach weigh less, as they say little. How much more the two share tells the relation's worth: on a
graph of bindings and of changed expression, for example, which of the two is nearer to what treats.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.sparse import csr_array, diags_array

from hgt_repurposing.graph.schema import FloatArray
from hgt_repurposing.graph.walks import unit_rows


@dataclass(frozen=True, eq=False)
class SharedGenes:
    """Genes that treating drugs share by one relation: cosines of their gene sets, with and without a common use."""

    of_peers: FloatArray
    """Sum of the cosines of each drug with those that treat a disease in common. Shape [num_drugs]."""
    num_peers: FloatArray
    """How many these are. Shape [num_drugs]."""
    of_all: FloatArray
    """Sum of its cosines with all other treating drugs. Shape [num_drugs]."""
    treats: FloatArray
    """1 for drugs that treat something. Shape [num_drugs]."""

    @classmethod
    def of(cls, genes: csr_array, treatments: csr_array) -> Self:
        """Compare all treating drugs.

        Args:
            genes: 1 where a drug reaches a gene by the relation. Shape [num_drugs, num_genes].
            treatments: 1 for known treatments. Shape [num_drugs, num_diseases].
        """
        treats = np.asarray(np.diff(treatments.indptr) > 0, dtype=np.float64)
        rare = np.maximum(genes.sum(axis=0), 1) ** -0.5
        rows = unit_rows(csr_array(diags_array(treats) @ genes @ diags_array(rare))).astype(np.float64)
        peers = csr_array(treatments @ treatments.T)
        peers.setdiag(0)
        peers.eliminate_zeros()
        peers.data[:] = 1
        own = np.asarray(rows.multiply(rows).sum(axis=1))
        return cls(
            np.asarray(rows.multiply(peers @ rows).sum(axis=1)),
            np.asarray(peers.sum(axis=1)),
            np.asarray(rows @ rows.sum(axis=0)) - own,
            treats,
        )

    def observed(self, drug: int) -> float:
        """Sum of the cosines of all pairs with a common use, without this drug."""
        return float(self.of_peers.sum() / 2 - self.of_peers[drug])

    def expected(self, drug: int) -> float:
        """The same if these pairs were like all pairs of treating drugs, without this drug."""
        others = float(self.treats.sum() - self.treats[drug])
        num_pairs = others * (others - 1) / 2
        num_peers = self.num_peers.sum() / 2 - self.num_peers[drug]
        cosines = self.of_all.sum() / 2 - self.of_all[drug]
        return float(num_peers * cosines / num_pairs) if num_pairs else 0.0
