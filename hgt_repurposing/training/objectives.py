"""What training minimises: binary cross-entropy of true edges against corrupted ones."""

import torch
from torch import Tensor
from torch.nn import functional

from hgt_repurposing.model.decoder import LinkDecoder
from hgt_repurposing.sampling.minibatch import MiniBatch


def link_prediction_loss(decoder: LinkDecoder, embeddings: Tensor, batch: MiniBatch) -> Tensor:
    """Mean binary cross-entropy per term, true and corrupted edges weighing the same: log 2 = 0.69 for a blind model.

    Args:
        decoder: Scores links.
        embeddings: Of the local nodes. Shape [num_nodes, width].
        batch: With at least one positive edge.

    Raises:
        ValueError: If the batch has nothing to score.
    """
    source, target, relation = batch.positives
    if not source.numel():
        raise ValueError("no edge to learn from in this batch: raise edge_sample_size, or give a graph with more edges")
    positive = decoder(embeddings, source, relation, target)
    negative = decoder(embeddings, source, relation, batch.negative_target)
    logits = torch.cat([positive, negative])
    truth = torch.cat([torch.ones_like(positive), torch.zeros_like(negative)])
    return functional.binary_cross_entropy_with_logits(logits, truth)
