"""Training losses: cross-entropy of true against corrupted edges, and of similar diseases against others."""

import torch
from torch import Tensor
from torch.nn import functional

from hgt_repurposing.model.decoder import Decoder
from hgt_repurposing.sampling.minibatch import TypedEdges
from hgt_repurposing.training.contrast import Contrast
from hgt_repurposing.training.params import LossName

TEMPERATURE = 0.1
"""As in Khosla et al. 2020, section 4."""
MIN_NORM = 1e-3
"""Lower bound for norms, since shorter vectors have no reliable direction and gradients grow as 1 / norm."""


def link_prediction_terms(
    decoder: Decoder, embeddings: Tensor, positives: TypedEdges, negative_target: Tensor, *, loss: LossName = "bce"
) -> Tensor:
    """Loss term of each true edge with its K corrupted ones.

    `bce`: average of the binary cross-entropy of the true edge and the mean over its corrupted ones, so that K affects
    the noise but not the balance: log 2 = 0.69 at chance. `softmax`: cross-entropy of the true edge among all 1 + K
    (sampled softmax; InfoNCE, van den Oord et al., arXiv:1807.03748, eq. 4), which gives hard corrupted edges the most
    weight: log(1 + K) at chance.

    Args:
        decoder: Scores links.
        embeddings: Shape [num_nodes, width].
        positives: True edges as rows of `embeddings`, at least one.
        negative_target: Rows of the corrupted targets. Shape [num_positives, K].
        loss: `bce` or `softmax`.

    Returns:
        Shape [num_positives].

    Raises:
        ValueError: If there are no positives.
    """
    source, target, relation = positives
    if not source.numel():
        raise ValueError(
            "no edge to learn from in this batch: raise edge_sample_size or node_batch_size, or use a graph with more "
            "edges"
        )
    logits = decoder(embeddings, source, relation, torch.cat([target[:, None], negative_target], dim=1))
    if loss == "softmax":
        return functional.cross_entropy(logits, torch.zeros_like(target), reduction="none")
    positive, negative = logits[:, 0], logits[:, 1:]
    return (functional.softplus(-positive) + functional.softplus(negative).mean(1)) / 2


def weigh_relations(weight: Tensor, relation: Tensor, share: Tensor) -> Tensor:
    """Rescale weights so that each relation present gets its share of the unchanged sum.

    Args:
        weight: Weight of each positive; 0 is padding. Shape [n].
        relation: Relation of each positive. Shape [n].
        share: Positive share of each relation. Shape [num_relations].

    Returns:
        Shape [n].
    """
    held = torch.zeros_like(share).index_add(0, relation, weight.to(share.dtype))
    wanted = torch.where(held > 0, share, 0)
    factor = wanted / held.clamp(min=1e-30) * (held.sum() / wanted.sum())
    return weight * factor[relation].to(weight.dtype)


def weighted_mean(terms: Tensor, weight: Tensor) -> Tensor:
    """Weighted mean of the terms; weight 0 is padding. Two of shape [n]."""
    return (terms * weight).sum() / weight.sum()


def contrastive_loss(embeddings: Tensor, contrast: Contrast, *, temperature: float = TEMPERATURE) -> Tensor:
    """Supervised contrastive loss of similar diseases among the chosen ones, mean over anchors; 0 without pairs.

    For an anchor i with similar diseases P(i), and z the unit vectors of the chosen diseases A:
    L_i = -1/|P(i)| sum_{p in P(i)} log( exp(z_i.z_p / temperature) / sum_{a in A, a != i} exp(z_i.z_a / temperature) )

    Memory is a few [m, m] matrices, where m is the number of chosen diseases, bounded by `contrast_pairs`.

    Args:
        embeddings: Of the local nodes. Shape [num_nodes, width].
        contrast: Chosen diseases and the similar pairs among them, on the same device.
        temperature: Above 0; lower values give the nearest diseases more weight.

    Khosla et al. 2020, Supervised Contrastive Learning, eq. 2 (L_out), there summed over anchors.
    """
    if not contrast.anchor.numel():
        return embeddings[:0].sum()  # 0 with a gradient
    z = functional.normalize(embeddings[contrast.nodes], dim=1, eps=MIN_NORM)
    itself = torch.eye(len(z), dtype=torch.bool, device=z.device)
    log_probability = (z @ z.T / temperature).masked_fill(itself, -torch.inf).log_softmax(dim=1)
    is_similar = torch.zeros_like(itself)
    is_similar[contrast.anchor, contrast.positive] = True
    num_similar = is_similar.sum(dim=1)
    surprise = -log_probability.masked_fill(~is_similar, 0.0).sum(dim=1) / num_similar.clamp(min=1)
    return surprise.sum() / (num_similar > 0).sum()
