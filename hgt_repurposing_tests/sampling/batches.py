"""Mini graphs as sets, to compare them."""

import torch

from hgt_repurposing.sampling.minibatch import MiniBatch, TypedEdges

Triple = tuple[int, int, int]


def triples(batch: MiniBatch, edges: TypedEdges) -> set[Triple]:
    """Edges of a batch as (relation, global source, global target)."""
    source, target = batch.node_index[edges.source], batch.node_index[edges.target]
    return set(zip(edges.relation.tolist(), source.tolist(), target.tolist(), strict=True))


def assert_same_batch(one: MiniBatch, other: MiniBatch) -> None:
    assert one.type_ptr == other.type_ptr
    for name in ("node_index", "negative_target", "weight"):
        assert torch.equal(getattr(one, name), getattr(other, name)), name
    for a, b in zip((*one.messages, *one.positives), (*other.messages, *other.positives), strict=True):
        assert torch.equal(a, b)
    assert one.features.keys() == other.features.keys()
    assert all(torch.equal(one.features[number], other.features[number]) for number in one.features)
