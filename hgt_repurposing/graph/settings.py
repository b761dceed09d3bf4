"""The four settings of a drug-disease pair: which of its ends have a treatment that may be seen.

Learning, scoring and evaluation all ask `Treated`, cell by cell, so that none of them can disagree about a pair.
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple, Self

import numpy as np
from scipy.sparse import csr_array

from hgt_repurposing.graph.schema import BoolArray, IntArray

Setting = Literal["warm pair", "cold disease", "cold drug", "cold pair"]
SETTINGS: tuple[Setting, ...] = ("warm pair", "cold disease", "cold drug", "cold pair")
IN_WORDS: Mapping[Setting, str] = {
    "warm pair": "drug and disease both have a known treatment",
    "cold disease": "the disease has no known treatment",
    "cold drug": "the drug has no known use",
    "cold pair": "neither drug nor disease has a known treatment",
}


class Treated(NamedTuple):
    """Which drugs and which diseases have a visible treatment."""

    drugs: BoolArray
    """Shape [num_drugs]."""
    diseases: BoolArray
    """Shape [num_diseases]."""

    @classmethod
    def of(cls, visible: csr_array) -> Self:
        """Of a matrix of visible treatments. Shape [num_drugs, num_diseases]."""
        num_diseases = visible.shape[1]
        return cls(np.diff(visible.indptr) > 0, np.bincount(visible.indices, minlength=num_diseases) > 0)

    def settings_of(self, pairs: IntArray | tuple[IntArray, ...]) -> IntArray:
        """Index into `SETTINGS` of each pair.

        Args:
            pairs: Drug and disease, arrays that broadcast against each other, such as [2, num_pairs].
        """
        drug, disease = pairs
        return np.asarray(2 * ~self.drugs[drug] + ~self.diseases[disease], dtype=np.int64)

    def grid(self, diseases: IntArray) -> IntArray:
        """The same for every drug and some diseases. Shape [num_drugs, num_columns]."""
        return self.settings_of(np.ix_(np.arange(len(self.drugs)), diseases))

    def ends_in(self, setting: Setting) -> tuple[IntArray, IntArray]:
        """The drugs and the diseases whose pairs are in a setting; their grid is all of it."""
        drugs = self.drugs if setting in ("warm pair", "cold disease") else ~self.drugs
        diseases = self.diseases if setting in ("warm pair", "cold drug") else ~self.diseases
        return np.flatnonzero(drugs), np.flatnonzero(diseases)
