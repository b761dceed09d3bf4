"""What a baseline is (a rule with a name, an explanation and requirements), and its inputs for one fold.

A baseline is fitted once on the visible treatments; the fitted one scores any diseases, as often as asked, and the
score of a cell does not depend on which other diseases are asked for with it.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_array

from hgt_repurposing.graph.kernel import Eigenvectors
from hgt_repurposing.graph.missing import MissingShares
from hgt_repurposing.graph.schema import FloatArray, IntArray
from hgt_repurposing.graph.split_kinds import Hiding

ColumnScores = Callable[[IntArray], FloatArray]
"""A fitted baseline: local indices of diseases, shape [num_columns], to scores, shape [num_drugs, num_columns]; higher
is better."""


@dataclass(frozen=True, eq=False)
class BaselineInputs:
    """Everything a baseline may use for one fold. Without genes in the graph, gene matrices have no entries.

    Raises:
        ValueError: If the matrices disagree on the number of drugs, diseases or genes.
    """

    train: csr_array
    """1 for training pairs. Shape [num_drugs, num_diseases]."""
    drug_genes: csr_array
    """1 where an edge links a drug and a gene, such as its targets. Shape [num_drugs, num_genes]."""
    disease_genes: csr_array
    """1 where an edge links a disease and a gene. Shape [num_diseases, num_genes]."""
    hiding: Hiding
    """How the fold was held out; a baseline that learns masks its training labels in the same way."""
    seed: tuple[int, ...]
    """Seed of this fold."""
    drug_kernel: Eigenvectors | None = None
    """Similarity of drugs over all relations; None: unknown."""
    disease_kernel: Eigenvectors | None = None
    """Similarity of diseases over all relations; None: unknown."""
    missing: MissingShares | None = None
    """What is hidden, where that is no fold of one kind but a draw of what is assumed to be missing."""
    other_labels: csr_array | None = None
    """Not 0 where the graph says something else than that the drug treats. The stacked baseline of the whole grid
    leaves these pairs out, as nothing that is missing is among them. None: nowhere. Shape [num_drugs, num_diseases]."""
    stream: str = ""
    """Name of the baseline being computed; part of its seed."""

    def __post_init__(self) -> None:
        num_drugs, num_diseases = self.train.shape
        num_genes = self.drug_genes.shape[1]
        if self.drug_genes.shape[0] != num_drugs:
            raise ValueError(f"drug_genes must have a row per drug, {num_drugs} (got {self.drug_genes.shape[0]})")
        if self.disease_genes.shape != (num_diseases, num_genes):
            raise ValueError(
                f"disease_genes must have the shape [num_diseases, num_genes], {(num_diseases, num_genes)} "
                f"(got {self.disease_genes.shape})"
            )
        members = num_drugs if self.hiding.unit == "drug" else num_diseases
        if self.hiding.group is not None and self.hiding.group.shape != (members,):
            raise ValueError(f"groups must have the shape {(members,)} (got {self.hiding.group.shape})")

    @property
    def drugs_per_gene(self) -> FloatArray:
        """Drugs linked to each gene; new ones, which are further nodes of the kernel, do not count."""
        return _degrees(self.drug_genes, self.drug_kernel)

    @property
    def diseases_per_gene(self) -> FloatArray:
        """Diseases linked to each gene; new ones do not count."""
        return _degrees(self.disease_genes, self.disease_kernel)

    @property
    def generator(self) -> np.random.Generator:
        """A fresh generator of one baseline alone: what others draw does not change it."""
        return np.random.default_rng([*self.seed, *self.stream.encode()])

    def generator_of(self, column: int) -> np.random.Generator:
        """A fresh generator of one baseline and one disease: what is drawn for others does not change it."""
        source = np.random.SeedSequence([*self.seed, *self.stream.encode()], spawn_key=(column,))
        return np.random.default_rng(source)


@dataclass(frozen=True)
class Need:
    """A requirement of a baseline."""

    missing: str
    """The reason to report if it is not met."""
    holds: Callable[[BaselineInputs], bool]


DRUG_GENES = Need("the graph links no drug to a gene", lambda inputs: inputs.drug_genes.nnz > 0)
DISEASE_GENES = Need("the graph links no disease to a gene", lambda inputs: inputs.disease_genes.nnz > 0)
KERNELS = Need(
    "there are no similarity kernels of drugs and diseases",
    lambda inputs: inputs.drug_kernel is not None and inputs.disease_kernel is not None,
)


@dataclass(frozen=True)
class Baseline:
    """A simple rule that a model must beat."""

    name: str
    """Name in tables."""
    meaning: str
    """What it is based on, for readers of the report."""
    rule: Callable[[BaselineInputs], ColumnScores]
    """Prepares what all diseases share, and returns a function that scores diseases."""
    needs: tuple[Need, ...] = ()
    may_be_best: bool = True
    """Whether it can be the best baseline; chance and popularity cannot. While one that can is missing, beating the
    others shows nothing: on every graph studied, the best one compared drugs or diseases by what the graph says about
    them."""
    is_stacked: bool = True
    """Whether its scores are an input of the stacked baselines."""

    def fit(self, inputs: BaselineInputs) -> ColumnScores:
        """The baseline, fitted on the visible treatments.

        Returns:
            Scores of any diseases; raises ValueError if a column indexes no disease.
        """
        scores, num_diseases = self.rule(replace(inputs, stream=self.name)), inputs.train.shape[1]

        def checked(columns: IntArray) -> FloatArray:
            outside = (columns < 0) | (columns >= num_diseases)
            if outside.any():
                raise ValueError(f"columns must index diseases, 0 to {num_diseases - 1} (got {columns[outside][0]})")
            return scores(columns)

        return checked

    def missing(self, inputs: BaselineInputs) -> str | None:
        """Why it cannot be computed on this graph; None if it can."""
        return next((need.missing for need in self.needs if not need.holds(inputs)), None)


def _degrees(genes: csr_array, kernel: Eigenvectors | None) -> FloatArray:
    known = genes if kernel is None or kernel.further is None else genes[: len(kernel.vectors)]
    return np.asarray(known.sum(axis=0), dtype=np.float64)
