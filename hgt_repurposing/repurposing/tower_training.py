"""Training of the two towers: the supervised phase on vectors that have not seen treatments.

A softmax over all drugs for each disease, and one over the treated diseases for each drug (Huang et al., CIKM 2013,
equation 5). Towers are fitted on visible treatments and score only hidden ones: a vector fitted on a label must never
be a feature of that label's pair.
"""

from collections.abc import Sequence

import numpy as np
import torch
from scipy.sparse import csr_array
from sklearn.preprocessing import StandardScaler
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import skip_init

from hgt_repurposing.graph.schema import Features
from hgt_repurposing.repurposing.two_towers import SHARPNESS, WIDTH, TwoTowers
from hgt_repurposing.repurposing.vectors import PairVectors
from hgt_repurposing.threads import on_every_core

DROPOUT = 0.4
"""On a tower's input and on its hidden layer."""
BY_DRUG = 0.7
"""Weight of the softmax over a drug's diseases, relative to that over a disease's drugs."""
LEARNING_RATE = 0.005
"""Maximum of the cycle."""
WEIGHT_DECAY = 0.01
TREATED_AT_ONCE = 128
"""Largest number of treated diseases per update; Hetionet's 77 are all in each."""
DRUGS_AT_ONCE = 2048
"""Drugs that an update ranks on a graph with more: those of its treatments, and others drawn at random."""


def fit_each(visible: Sequence[csr_array], vectors: PairVectors, *, num_updates: int, seed: int) -> list[TwoTowers]:
    """Fit separate towers on each matrix of visible treatments, in parallel, each on one torch thread.

    Args:
        visible: As of `fit_two_towers`.
        vectors: Input of all of them.
        num_updates: Of each.
        seed: Of the first; each further one adds 1.
    """

    def fit(number: int) -> TwoTowers:
        return fit_two_towers(visible[number], vectors, num_updates=num_updates, seed=seed + number)

    return on_every_core(fit, range(len(visible)))


def fit_two_towers(visible: csr_array, vectors: PairVectors, *, num_updates: int, seed: int) -> TwoTowers:
    """Fit both towers on the visible treatments, with the torch threads of the calling thread.

    The loss is the mean negative log probability of the visible treatments: of the drug among all drugs (on a large
    graph, a sample of them), each disease weighted by the square root of its number of drugs, and of the disease among
    those treated, each drug likewise.

    Args:
        visible: 1 for visible treatments, at least one. Shape [num_drugs, num_diseases].
        vectors: Input of the towers.
        num_updates: Of AdamW, in one learning rate cycle.
        seed: Of weights, dropout and the diseases per update.

    Raises:
        ValueError: If no treatment is visible, or the vectors have no columns.
    """
    treated = np.unique(visible.indices)
    if not (len(treated) and vectors.drugs.shape[1] and vectors.diseases.shape[1]):
        raise ValueError(
            f"two towers need visible treatments and vectors (got {visible.nnz} treatments and vectors of "
            f"width {vectors.drugs.shape[1]} and {vectors.diseases.shape[1]})"
        )
    generator, noise = torch.Generator().manual_seed(seed), np.random.default_rng(seed)
    drugs, diseases = (torch.from_numpy(_scaled(side)) for side in (vectors.drugs, vectors.diseases))
    towers = nn.ModuleList(_Tower(side.shape[1], generator, noise) for side in (drugs, diseases))
    optimiser = torch.optim.AdamW(towers.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, LEARNING_RATE, total_steps=max(num_updates, 2))
    seen, treated_diseases = torch.from_numpy(visible[:, treated].toarray()), diseases[treated]
    for _ in range(num_updates):
        chosen = torch.randperm(len(treated), generator=generator)[:TREATED_AT_ONCE]
        treatments = seen[:, chosen]
        ranked = _ranked(treatments, generator)
        closeness = SHARPNESS * towers[0](drugs[ranked]) @ towers[1](treated_diseases[chosen]).T
        loss = _loss(closeness, treatments[ranked])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    with torch.no_grad():
        return TwoTowers(*(tower.eval()(side).numpy() for tower, side in zip(towers, (drugs, diseases), strict=True)))


class _Tower(nn.Module):
    """A linear map and a residual network with one hidden layer, onto the unit sphere."""

    def __init__(self, width: int, generator: torch.Generator, noise: np.random.Generator) -> None:
        super().__init__()
        self.noise = noise
        self.inward = _linear(width, generator)
        self.norm = nn.LayerNorm(WIDTH)
        self.hidden, self.outward = _linear(WIDTH, generator), _linear(WIDTH, generator)

    def forward(self, rows: Tensor) -> Tensor:
        """Shape [n, width] -> [n, WIDTH], rows of length 1."""
        first = self.norm(self.inward(self._dropped(rows)))
        further = self.outward(self._dropped(functional.gelu(self.hidden(first))))
        return functional.normalize(first + further, dim=1)

    def _dropped(self, rows: Tensor) -> Tensor:
        """Dropout with its own generator, so that towers fitted in parallel do not share one.

        It is numpy's: drawing by torch with a generator took a third of the training.
        """
        if not self.training:
            return rows
        kept = self.noise.random(rows.shape, dtype=np.float32) >= DROPOUT
        return rows * torch.from_numpy(kept / np.float32(1 - DROPOUT))


def _linear(width: int, generator: torch.Generator) -> nn.Linear:
    """Linear layer of WIDTH outputs without bias, with torch's default initialisation."""
    layer: nn.Linear = skip_init(nn.Linear, width, WIDTH, bias=False)
    nn.init.kaiming_uniform_(layer.weight, a=5**0.5, generator=generator)
    return layer


def _scaled(rows: Features) -> Features:
    """Columns standardised over all nodes, and scaled so that the mean squared length of rows is 1."""
    return np.asarray(StandardScaler().fit_transform(rows) / np.sqrt(rows.shape[1]), dtype=np.float32)


def _ranked(seen: Tensor, generator: torch.Generator) -> Tensor:
    """Drugs that an update ranks: all, or those of its treatments and others up to `DRUGS_AT_ONCE`.

    Seen: the treatments of the update. Shape [num_drugs, num_columns].
    """
    if len(seen) <= DRUGS_AT_ONCE:
        return torch.arange(len(seen))
    treating = seen.any(dim=1)
    order = torch.rand(len(seen), generator=generator) + treating
    return order.topk(max(DRUGS_AT_ONCE, int(treating.sum()))).indices


def _loss(closeness: Tensor, seen: Tensor) -> Tensor:
    """Loss of both softmaxes. Arguments: shape [num_drugs, num_columns] each."""
    by_disease = -(_weights(seen, dim=0) * functional.log_softmax(closeness, dim=0)).sum()
    by_drug = -(_weights(seen, dim=1) * functional.log_softmax(closeness, dim=1)).sum()
    return by_disease + BY_DRUG * by_drug


def _weights(seen: Tensor, *, dim: int) -> Tensor:
    """Weight of each treatment: 1 / sqrt(number of treatments along an axis), normalised to sum to 1."""
    weights = seen / seen.sum(dim=dim, keepdim=True).clamp(min=1).sqrt()
    return weights / weights.sum()
