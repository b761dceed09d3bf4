"""Examples of a setting: cells of the grid while some treatments are hidden as they are assumed to be missing.

Each mask (`graph/missing.py`) hides treatments, and every pair whose treatment is not visible is a cell of the setting
that it then falls into: hidden treatments are its positives. Heads learn from the hidden treatments and negatives drawn
beside them. Calibration uses all cells, and so does blending (`blended_pairs.py`), those of drugs and diseases that
never had a treatment included, because these are most of the cells that will be scored. Letting a pair see its own
label costs a third of the average precision (`docs/results`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
from scipy.sparse import csr_array

from hgt_repurposing.graph.external_pairs import no_pairs
from hgt_repurposing.graph.schema import BoolArray, FloatArray, IntArray
from hgt_repurposing.graph.settings import SETTINGS, Setting, Treated
from hgt_repurposing.repurposing.labels import CONTRAINDICATION, INDICATION, UNKNOWN, Labels
from hgt_repurposing.repurposing.params import ClassifierParams


@dataclass(frozen=True, eq=False)
class Mask:
    """Treatments of the training that are hidden together."""

    visible: csr_array
    """1 for the treatments that are not. Shape [num_drugs, num_diseases]."""
    hidden: IntArray
    """Drug and disease. Shape [2, num_hidden]."""
    contraindications: IntArray
    """Known negatives that are examples of this mask. Shape [2, num_contraindications]."""
    num_same: IntArray
    """Number of masks in which each of them is in the same setting, for all of which it stands. Same length."""

    @classmethod
    def of_nothing(cls, labels: Labels) -> Self:
        """Everything is visible: the cells are those that will be scored."""
        return cls(labels.indications, no_pairs(), no_pairs(), no_pairs()[0])

    @property
    def missing_per_hidden(self) -> float:
        """Treatments that are missing from the whole graph for each one hidden here: fewer are visible here."""
        return float(1 + self.hidden.shape[1] / max(self.visible.nnz, 1))


class MaskedCells(NamedTuple):
    """Cells of one setting under one mask."""

    pairs: IntArray
    """Drug and disease indices. Shape [2, num_cells]."""
    label: IntArray
    """Class of each cell. Shape [num_cells]."""
    weight: FloatArray
    """Number of cells of the grid that each represents in calibration; 0 for those drawn for the heads alone. Shape
    [num_cells]."""
    is_example: BoolArray
    """Whether every head learns from it. Shape [num_cells]."""
    is_untreated: BoolArray
    """Whether its drug or disease has no treatment even in training. A head that knows a node by its vector would
    learn that it has none; such cells are examples only for heads that do not. Shape [num_cells]."""


def masks_of(labels: Labels, hidden: Sequence[BoolArray], generator: np.random.Generator) -> list[Mask]:
    """Masks from what is hidden in each, as drawn by `draw_masks`.

    A contraindication is an example of each setting that it falls into, in one mask drawn among those in which it does.

    Args:
        labels: With training indications only.
        hidden: True for hidden indications, in the order of `labels.indications.nonzero()`. Shape [num_pairs] each.
        generator: Source of randomness.
    """
    pairs, against = (
        np.stack(known.nonzero()).astype(np.int64) for known in (labels.indications, labels.contraindications)
    )
    seen = [labels.with_indications(pairs[:, ~chosen]).indications for chosen in hidden]
    setting = np.stack([Treated.of(visible).settings_of(against) for visible in seen])
    order = generator.random(setting.shape)
    is_example, num_same = np.zeros(setting.shape, dtype=np.bool_), np.ones(setting.shape, dtype=np.int64)
    for number in range(len(SETTINGS)):
        here = setting == number
        num_same[here] = np.broadcast_to(here.sum(axis=0), here.shape)[here]
        first = np.where(here, order, np.inf).argmin(axis=0)
        is_example[first, np.arange(against.shape[1])] |= here.any(axis=0)
    return [
        Mask(visible, pairs[:, chosen], against[:, mine], same[mine])
        for visible, chosen, mine, same in zip(seen, hidden, is_example, num_same, strict=True)
    ]


def masked_cells(
    labels: Labels,
    mask: Mask,
    setting: Setting,
    *,
    params: ClassifierParams,
    max_columns: int,
    generator: np.random.Generator,
) -> MaskedCells:
    """Cells of one setting under one mask.

    Negatives drawn for the heads: half keep a positive's disease, a quarter its drug, a quarter are uniform, all among
    drugs and diseases with a treatment in training: one that occurs only in negatives would be learned as untreatable.
    Calibration: every cell of the setting, or a uniform sample of them.

    Args:
        labels: With training indications only.
        mask: What is hidden.
        setting: Of the cells.
        params: Number of negatives and of calibration cells.
        max_columns: Largest number of diseases whose cells are used; half of them have a positive, and each represents
            all diseases of its kind.
        generator: Source of randomness.
    """
    treated, ever = Treated.of(mask.visible), Treated.of(labels.indications)
    drugs, diseases = treated.ends_in(setting)
    positives, against, num_same = mask.hidden, mask.contraindications, mask.num_same
    positives = positives[:, treated.settings_of(positives) == SETTINGS.index(setting)]
    stands_for = np.zeros(labels.indications.shape[1])
    _choose_columns(stands_for, diseases, positives[1], max_columns, generator)
    diseases, positives = np.flatnonzero(stands_for), positives[:, stands_for[positives[1]] > 0]
    chosen = (treated.settings_of(against) == SETTINGS.index(setting)) & (stands_for[against[1]] > 0)
    everywhere = len(drugs) * len(diseases)
    treatable = drugs[ever.drugs[drugs]], diseases[ever.diseases[diseases]]
    negatives = _unknown(_draw(positives, *treatable, params.negatives_per_positive, generator), labels)
    cells = no_pairs()
    if everywhere > params.calibration_cells:
        cells = _unknown(_uniform(drugs, diseases, params.calibration_cells, generator), labels)
    if not cells.shape[1]:  # few pairs, or nearly all of them known; elsewhere the full grid would be too large
        cells = _unknown(np.stack(np.meshgrid(drugs, diseases)).reshape(2, -1), labels)
        cells = cells[:, _sample(np.arange(cells.shape[1]), params.calibration_cells, generator)]
    num_unknown = everywhere - _num_known(drugs, diseases, labels)
    parts = (
        (positives, INDICATION, np.full(positives.shape[1], mask.missing_per_hidden), True),
        (against[:, chosen], CONTRAINDICATION, num_same[chosen].astype(np.float64), True),
        (negatives, UNKNOWN, np.zeros(negatives.shape[1]), True),
        (cells, UNKNOWN, np.full(cells.shape[1], num_unknown / max(cells.shape[1], 1)), False),
    )
    pairs = np.concatenate([part for part, *_ in parts], axis=1)
    is_untreated = ~(ever.drugs[pairs[0]] & ever.diseases[pairs[1]])
    return MaskedCells(
        pairs,
        np.concatenate([np.full(part.shape[1], label) for part, label, *_ in parts]),
        np.concatenate([weight for _, _, weight, _ in parts]) * stands_for[pairs[1]],
        np.concatenate([np.full(part.shape[1], example) for part, *_, example in parts]) & ~is_untreated,
        is_untreated,
    )


def _choose_columns(
    stands_for: FloatArray, diseases: IntArray, of_positives: IntArray, max_columns: int, generator: np.random.Generator
) -> None:
    """Fill in the number of diseases that each chosen one represents. Shape [num_diseases]."""
    with_positive = np.intersect1d(diseases, of_positives)
    without = np.setdiff1d(diseases, with_positive)
    spare = max_columns - min(len(without), max_columns // 2)
    for kind, room in ((with_positive, spare), (without, max_columns - min(len(with_positive), spare))):
        chosen = _sample(kind, room, generator)
        stands_for[chosen] = len(kind) / max(len(chosen), 1)


def _draw(
    positives: IntArray, drugs: IntArray, diseases: IntArray, per_positive: int, generator: np.random.Generator
) -> IntArray:
    """Random pairs of these drugs and diseases; some may be known. Shape [2, num_drawn]."""
    count = positives.shape[1] * per_positive
    half, quarter = count // 2, count // 4
    if not count:
        return positives
    other_drug = np.stack([generator.choice(drugs, half), generator.choice(positives[1], half)])
    other_disease = np.stack([generator.choice(positives[0], quarter), generator.choice(diseases, quarter)])
    anywhere = _uniform(drugs, diseases, count - half - quarter, generator)
    return np.concatenate([other_drug, other_disease, anywhere], axis=1)


def _sample(values: IntArray, at_most: int, generator: np.random.Generator) -> IntArray:
    """All values, or so many of them. Shape [num_sampled]."""
    return values if len(values) <= at_most else generator.choice(values, at_most, replace=False)


def _uniform(drugs: IntArray, diseases: IntArray, count: int, generator: np.random.Generator) -> IntArray:
    return np.stack([generator.choice(drugs, count), generator.choice(diseases, count)])


def _num_known(drugs: IntArray, diseases: IntArray, labels: Labels) -> int:
    """Number of cells of a grid with a known relation, visible and hidden treatments included."""
    known = csr_array(labels.indications + labels.other_labels)
    return int(known[drugs][:, diseases].nnz)


def _unknown(pairs: IntArray, labels: Labels) -> IntArray:
    """Distinct pairs without a known relation. Shape [2, n]."""
    pairs = np.unique(pairs, axis=1)
    return pairs[:, (labels.class_of(pairs) == UNKNOWN) & ~labels.is_no_example(pairs)]
