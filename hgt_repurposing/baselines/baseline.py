"""What a baseline is, a rule with a name, a sentence and its needs, and what it may know of one fold."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_array

from hgt_repurposing.graph.kernel import Eigenvectors
from hgt_repurposing.graph.schema import FloatArray, IntArray
from hgt_repurposing.graph.split_kinds import Hiding


@dataclass(frozen=True, eq=False)
class BaselineInputs:
    """All that a baseline may know of one fold. A graph without genes gives gene matrices without entries.

    Raises:
        ValueError: If the matrices disagree on the number of drugs, diseases or genes, or a column does not exist.
    """

    train: csr_array
    """1 where a training pair is. Shape [num_drugs, num_diseases]."""
    columns: IntArray
    """Diseases to score. Shape [num_columns]."""
    drug_genes: csr_array
    """1 where the graph joins a drug and a gene, such as its targets. Shape [num_drugs, num_genes]."""
    disease_genes: csr_array
    """1 where the graph joins a disease and a gene. Shape [num_diseases, num_genes]."""
    hiding: Hiding
    """How the fold was held out: the way in which a baseline that learns hides labels from itself."""
    seed: tuple[int, ...]
    """Of this fold alone."""
    drug_kernel: Eigenvectors | None = None
    """How alike drugs are over all relations; None: not known."""
    disease_kernel: Eigenvectors | None = None
    """The same of diseases."""
    stream: str = ""
    """Name of the baseline that is asked."""

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
        members = num_drugs if self.hiding.setting == "cold drug" else num_diseases
        if self.hiding.group is not None and self.hiding.group.shape != (members,):
            raise ValueError(f"groups must have the shape {(members,)} (got {self.hiding.group.shape})")
        outside = (self.columns < 0) | (self.columns >= num_diseases)
        if outside.any():
            raise ValueError(f"columns must be diseases, 0 to {num_diseases - 1} (got {self.columns[outside][0]})")

    @property
    def generator(self) -> np.random.Generator:
        """Randomness of one baseline alone, from its beginning: what others draw does not change it."""
        return np.random.default_rng([*self.seed, *self.stream.encode()])


@dataclass(frozen=True)
class Need:
    """Something that a baseline cannot do without."""

    missing: str
    """What to say of a graph that does not have it."""
    holds: Callable[[BaselineInputs], bool]


DRUG_GENES = Need("the graph joins no drug with a gene", lambda inputs: inputs.drug_genes.nnz > 0)
DISEASE_GENES = Need("the graph joins no disease with a gene", lambda inputs: inputs.disease_genes.nnz > 0)
KERNELS = Need(
    "nothing compares drugs with drugs and diseases with diseases",
    lambda inputs: inputs.drug_kernel is not None and inputs.disease_kernel is not None,
)


@dataclass(frozen=True)
class Baseline:
    """A simple rule that a model must beat."""

    name: str
    """In tables."""
    meaning: str
    """What it goes by, for a reader of the report."""
    rule: Callable[[BaselineInputs], FloatArray]
    """The scores. Shape [num_drugs, num_columns]."""
    needs: tuple[Need, ...] = ()
    may_be_best: bool = True
    """Whether it may be the best one of its table; chance and popularity cannot. To be ahead of what is left of a table
    without one that may shows nothing: on every graph that was studied the best one compared drugs or diseases by what
    the graph knows of them."""
    is_stacked: bool = True
    """Whether the stacked baselines learn from it."""

    def __call__(self, inputs: BaselineInputs) -> FloatArray:
        """Score what is asked for; higher is better. Shape [num_drugs, num_columns]."""
        return self.rule(replace(inputs, stream=self.name))

    def missing(self, inputs: BaselineInputs) -> str | None:
        """Why there is nothing for it in this graph; None where there is."""
        return next((need.missing for need in self.needs if not need.holds(inputs)), None)
