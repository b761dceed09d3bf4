"""Fitting of the two towers: the supervised phase over vectors that never saw a treatment.

A softmax over all drugs for each disease, and one over the treated diseases for each drug (Huang et al., CIKM 2013,
equation 5). Towers are fitted on the treatments that may be seen and asked for hidden ones alone: a vector that was
fitted on a label must never be a column beside that label.
"""

from collections.abc import Sequence

import numpy as np
import torch
from scipy.sparse import csr_array
from sklearn.preprocessing import StandardScaler
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import skip_init

from hgt_repurposing.repurposing.features import Features
from hgt_repurposing.repurposing.two_towers import SHARPNESS, WIDTH, TwoTowers
from hgt_repurposing.repurposing.vectors import PairVectors
from hgt_repurposing.threads import on_every_core

DROPOUT = 0.4
"""Of what a tower is given, and inside it."""
BY_DRUG = 0.7
"""Weight of the softmax over a drug's diseases beside that over a disease's drugs."""
LEARNING_RATE = 0.005
"""The largest one of a cycle."""
WEIGHT_DECAY = 0.01
TREATED_AT_ONCE = 128
"""Treated diseases of an update; Hetionet's 77 all take part in each."""


def fit_each(visible: Sequence[csr_array], vectors: PairVectors, *, num_updates: int, seed: int) -> list[TwoTowers]:
    """Fit towers of their own on each table of visible treatments, side by side, each on one thread of torch.

    Args:
        visible: As of `fit_two_towers`.
        vectors: What all of them are given.
        num_updates: Of each.
        seed: Of the first; every other takes the next number.
    """

    def fit(number: int) -> TwoTowers:
        return fit_two_towers(visible[number], vectors, num_updates=num_updates, seed=seed + number)

    return on_every_core(fit, range(len(visible)))


def fit_two_towers(visible: csr_array, vectors: PairVectors, *, num_updates: int, seed: int) -> TwoTowers:
    """Fit both towers on the treatments that may be seen, on the torch threads of the calling thread.

    The loss is the mean negative log probability of the seen treatments: of the drug among all drugs, each disease with
    the square root of its number of drugs as weight, and of the disease among those treated, each drug likewise.

    Args:
        visible: 1 where a treatment may be seen, at least one. Shape [num_drugs, num_diseases].
        vectors: What the towers are given.
        num_updates: Of AdamW in one cycle of the learning rate.
        seed: Of weights, dropout and the diseases of an update.

    Raises:
        ValueError: If no treatment is visible, or the vectors have no columns.
    """
    treated = np.unique(visible.indices)
    if not (len(treated) and vectors.drugs.shape[1] and vectors.diseases.shape[1]):
        raise ValueError(
            f"two towers need visible treatments and vectors (got {visible.nnz} treatments and vectors of "
            f"{vectors.drugs.shape[1]} and {vectors.diseases.shape[1]} numbers)"
        )
    generator = torch.Generator().manual_seed(seed)
    drugs, diseases = (torch.from_numpy(_scaled(side)) for side in (vectors.drugs, vectors.diseases))
    towers = nn.ModuleList(_Tower(side.shape[1], generator) for side in (drugs, diseases))
    optimiser = torch.optim.AdamW(towers.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, LEARNING_RATE, total_steps=max(num_updates, 2))
    seen, treated_diseases = torch.from_numpy(visible[:, treated].toarray()), diseases[treated]
    for _ in range(num_updates):
        chosen = torch.randperm(len(treated), generator=generator)[:TREATED_AT_ONCE]
        closeness = SHARPNESS * towers[0](drugs) @ towers[1](treated_diseases[chosen]).T
        loss = _loss(closeness, seen[:, chosen])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    with torch.no_grad():
        return TwoTowers(*(tower.eval()(side).numpy() for tower, side in zip(towers, (drugs, diseases), strict=True)))


class _Tower(nn.Module):
    """A linear map, and a residual network of one hidden layer, to the unit sphere."""

    def __init__(self, width: int, generator: torch.Generator) -> None:
        super().__init__()
        self.generator = generator
        self.inward = _linear(width, generator)
        self.norm = nn.LayerNorm(WIDTH)
        self.hidden, self.outward = _linear(WIDTH, generator), _linear(WIDTH, generator)

    def forward(self, rows: Tensor) -> Tensor:
        """Shape [n, width] -> [n, WIDTH], rows of length 1."""
        first = self.norm(self.inward(self._dropped(rows)))
        further = self.outward(self._dropped(functional.gelu(self.hidden(first))))
        return functional.normalize(first + further, dim=1)

    def _dropped(self, rows: Tensor) -> Tensor:
        """Dropout with a generator of our own, so that members fitted side by side do not share one."""
        if not self.training:
            return rows
        kept = torch.empty_like(rows).bernoulli_(1 - DROPOUT, generator=self.generator)
        return rows * kept / (1 - DROPOUT)


def _linear(width: int, generator: torch.Generator) -> nn.Linear:
    """To WIDTH numbers, with the weights that torch would draw by itself, and no bias."""
    layer: nn.Linear = skip_init(nn.Linear, width, WIDTH, bias=False)
    nn.init.kaiming_uniform_(layer.weight, a=5**0.5, generator=generator)
    return layer


def _scaled(rows: Features) -> Features:
    """Every number in standard deviations over all nodes, rows of a mean squared length of 1."""
    return np.asarray(StandardScaler().fit_transform(rows) / np.sqrt(rows.shape[1]), dtype=np.float32)


def _loss(closeness: Tensor, seen: Tensor) -> Tensor:
    """Both softmaxes. Shape [num_drugs, num_columns] each."""
    by_disease = -(_weights(seen, dim=0) * functional.log_softmax(closeness, dim=0)).sum()
    by_drug = -(_weights(seen, dim=1) * functional.log_softmax(closeness, dim=1)).sum()
    return by_disease + BY_DRUG * by_drug


def _weights(seen: Tensor, *, dim: int) -> Tensor:
    """Of each treatment: 1 over the square root of the treatments beside it along an axis; they sum to 1."""
    weights = seen / seen.sum(dim=dim, keepdim=True).clamp(min=1).sqrt()
    return weights / weights.sum()
