"""Link scores: DistMult of unit vectors, with a temperature and a bias per relation."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.func import functional_call

from hgt_repurposing.model.decoder import LinkDecoder
from hgt_repurposing_tests.model.layers import fill_vectors, normal

NUM_NODES, NUM_RELATIONS = 6, 3


def random_edges(num_edges: int, *, seed: int, num_nodes: int = NUM_NODES) -> tuple[Tensor, Tensor, Tensor]:
    """Source, relation and target; among them loops and repeats."""
    generator = torch.Generator().manual_seed(seed)
    source, relation, target = (
        torch.randint(size, (num_edges,), generator=generator) for size in (num_nodes, NUM_RELATIONS, num_nodes)
    )
    return source, relation, target


def random_decoder(width: int) -> LinkDecoder:
    decoder = LinkDecoder(NUM_RELATIONS, width)
    fill_vectors(decoder, seed=0)
    return decoder


def score_by_definition(decoder: LinkDecoder, embeddings: Tensor, edges: tuple[Tensor, Tensor, Tensor]) -> Tensor:
    unit = embeddings / embeddings.norm(dim=1, keepdim=True)
    source, relation, target = edges
    cosine = (unit[source] * decoder.relation[relation] * unit[target]).sum(1)
    logit: Tensor = cosine * decoder.log_temperature[relation].exp() + decoder.bias[relation]
    return logit


def test_a_score_by_hand() -> None:
    decoder = LinkDecoder(1, 2)
    with torch.no_grad():
        decoder.relation.copy_(torch.tensor([[2.0, 1.0]]))
        decoder.log_temperature.fill_(math.log(10))
        decoder.bias.fill_(-1)
    embeddings = torch.tensor([[3.0, 4.0], [0.0, 7.0]])  # of unit length: (0.6, 0.8) and (0, 1)
    ends = torch.tensor([0, 0]), torch.tensor([0, 0]), torch.tensor([1, 0])
    # 10 (0.8 * 1 * 1) - 1, and 10 (0.6 * 2 * 0.6 + 0.8 * 1 * 0.8) - 1
    torch.testing.assert_close(decoder(embeddings, *ends), torch.tensor([7.0, 12.6]))


@given(st.integers(0, 20), st.integers(1, 9), st.integers(0, 2**31))
def test_scores_and_gradients_are_as_defined(num_edges: int, width: int, seed: int) -> None:
    decoder, edges = random_decoder(width).double(), random_edges(num_edges, seed=seed)
    inputs = [normal(NUM_NODES, width, seed=seed + 1).double().requires_grad_(), *decoder.parameters()]
    found, expected = decoder(inputs[0], *edges), score_by_definition(decoder, inputs[0], edges)
    torch.testing.assert_close(found, expected)
    weight = normal(num_edges, seed=seed + 2)
    gradients = (torch.autograd.grad((score * weight).sum(), inputs) for score in (found, expected))
    for ours, defined in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, defined, rtol=1e-6, atol=1e-9)


def test_gradient_is_that_of_finite_differences() -> None:
    decoder, edges = random_decoder(4).double(), random_edges(12, seed=0)
    names, parameters = zip(*decoder.named_parameters(), strict=True)

    def score(embeddings: Tensor, *values: Tensor) -> Tensor:
        result: Tensor = functional_call(decoder, dict(zip(names, values, strict=True)), (embeddings, *edges))
        return result

    embeddings = normal(NUM_NODES, 4, seed=1).double().requires_grad_()
    assert torch.autograd.gradcheck(score, (embeddings, *parameters))


@given(st.floats(1e-3, 1e3))
def test_length_of_an_embedding_does_not_matter(factor: float) -> None:
    decoder, edges, embeddings = random_decoder(8), random_edges(10, seed=0), normal(NUM_NODES, 8, seed=1)
    torch.testing.assert_close(decoder(factor * embeddings, *edges), decoder(embeddings, *edges))


def test_an_embedding_of_zeros_scores_the_bias() -> None:
    decoder = random_decoder(4)
    embeddings = torch.zeros(2, 4, requires_grad=True)
    relation = torch.arange(NUM_RELATIONS)
    logit = decoder(embeddings, torch.zeros_like(relation), relation, torch.ones_like(relation))
    torch.testing.assert_close(logit, decoder.bias)
    logit.sum().backward()
    assert embeddings.grad is not None
    assert embeddings.grad.isfinite().all()


def test_a_model_begins_without_preferences_among_relations() -> None:
    decoder, embeddings = LinkDecoder(NUM_RELATIONS, 4), normal(2, 4, seed=0)
    relation = torch.arange(NUM_RELATIONS)
    logits = decoder(embeddings, torch.zeros_like(relation), relation, torch.ones_like(relation))
    assert torch.equal(logits, logits[0].expand_as(logits))


@pytest.mark.parametrize("part", range(3))
def test_edges_may_have_any_memory_layout(part: int) -> None:
    decoder, edges, embeddings = random_decoder(8), random_edges(10, seed=0), normal(NUM_NODES, 8, seed=1)
    strided = list(edges)
    strided[part] = torch.stack([edges[part]] * 2, dim=1)[:, 0]
    transposed = embeddings.T.contiguous().T
    assert torch.equal(decoder(transposed, *strided), decoder(embeddings, *edges))
