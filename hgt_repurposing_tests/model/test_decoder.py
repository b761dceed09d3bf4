"""Link scores: DistMult of unit vectors, with a temperature and a bias per relation."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.func import functional_call

from hgt_repurposing.model import decoder_chunked, decoder_compiled
from hgt_repurposing.model.decoder import DotDecoder, LinkDecoder
from hgt_repurposing_tests.model.layers import fill_vectors, normal

NUM_NODES, NUM_RELATIONS = 6, 3
Links = tuple[Tensor, Tensor, Tensor]
"""Sources and relations, shape [n] each, and targets, shape [n, k]."""


def random_links(num_links: int, num_targets: int, *, seed: int) -> Links:
    """Among them loops and repeats."""
    generator = torch.Generator().manual_seed(seed)
    source, relation = (torch.randint(size, (num_links,), generator=generator) for size in (NUM_NODES, NUM_RELATIONS))
    return source, relation, torch.randint(NUM_NODES, (num_links, num_targets), generator=generator)


def random_decoder(width: int) -> LinkDecoder:
    decoder = LinkDecoder(NUM_RELATIONS, width)
    fill_vectors(decoder, seed=0)
    return decoder


def score_by_definition(decoder: LinkDecoder, embeddings: Tensor, links: Links) -> Tensor:
    unit = embeddings / embeddings.norm(dim=1, keepdim=True)
    source, relation, targets = links
    cosine = ((unit[source] * decoder.relation[relation])[:, None] * unit[targets]).sum(2)
    logit: Tensor = cosine * decoder.log_temperature[relation, None].exp() + decoder.bias[relation, None]
    return logit


def between_two_nodes() -> Links:
    """One link of each relation, from node 0 to node 1."""
    relation = torch.arange(NUM_RELATIONS)
    return torch.zeros_like(relation), relation, torch.ones_like(relation)[:, None]


def test_scores_by_hand() -> None:
    decoder = LinkDecoder(1, 2)
    with torch.no_grad():
        decoder.relation.copy_(torch.tensor([[2.0, 1.0]]))
        decoder.log_temperature.fill_(math.log(10))
        decoder.bias.fill_(-1)
    embeddings = torch.tensor([[3.0, 4.0], [0.0, 7.0]])  # of unit length: (0.6, 0.8) and (0, 1)
    logits = decoder(embeddings, torch.tensor([0]), torch.tensor([0]), torch.tensor([[1, 0]]))
    # 10 (0.8 * 1 * 1) - 1, and 10 (0.6 * 2 * 0.6 + 0.8 * 1 * 0.8) - 1
    torch.testing.assert_close(logits, torch.tensor([[7.0, 12.6]]))


@given(st.integers(0, 12), st.integers(1, 4), st.integers(1, 9), st.integers(0, 2**31))
def test_scores_and_gradients_are_as_defined(num_links: int, num_targets: int, width: int, seed: int) -> None:
    decoder, links = random_decoder(width).double(), random_links(num_links, num_targets, seed=seed)
    inputs = [normal(NUM_NODES, width, seed=seed + 1).double().requires_grad_(), *decoder.parameters()]
    found, expected = decoder(inputs[0], *links), score_by_definition(decoder, inputs[0], links)
    torch.testing.assert_close(found, expected)
    weight = normal(num_links, num_targets, seed=seed + 2)
    gradients = (torch.autograd.grad((score * weight).sum(), inputs) for score in (found, expected))
    for ours, defined in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, defined, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("num_targets", [1, 3])
def test_gradient_is_that_of_finite_differences(num_targets: int) -> None:
    decoder, links = random_decoder(4).double(), random_links(12, num_targets, seed=0)
    names, parameters = zip(*decoder.named_parameters(), strict=True)

    def score(embeddings: Tensor, *values: Tensor) -> Tensor:
        result: Tensor = functional_call(decoder, dict(zip(names, values, strict=True)), (embeddings, *links))
        return result

    embeddings = normal(NUM_NODES, 4, seed=1).double().requires_grad_()
    assert torch.autograd.gradcheck(score, (embeddings, *parameters))


@given(st.integers(0, 12), st.integers(1, 4), st.integers(1, 9), st.integers(0, 2**31))
def test_the_dot_product_is_that_whatever_the_relation(num_links: int, num_targets: int, width: int, seed: int) -> None:
    embeddings = normal(NUM_NODES, width, seed=seed).double().requires_grad_()
    source, relation, targets = random_links(num_links, num_targets, seed=seed)
    weight = normal(num_links, num_targets, seed=seed + 1)
    found = DotDecoder(NUM_RELATIONS, width).double()(embeddings, source, relation, targets)
    expected = (embeddings[source][:, None] * embeddings[targets]).sum(2)
    torch.testing.assert_close(found, expected)
    gradients = (torch.autograd.grad((score * weight).sum(), embeddings)[0] for score in (found, expected))
    torch.testing.assert_close(*gradients)


def test_the_dot_product_has_nothing_to_learn_and_nothing_to_save() -> None:
    decoder = DotDecoder(NUM_RELATIONS, 4)
    assert not list(decoder.parameters())
    assert not decoder.state_dict()


@given(st.floats(1e-3, 1e3))
def test_length_of_an_embedding_does_not_matter(factor: float) -> None:
    decoder, links = random_decoder(8).double(), random_links(10, 2, seed=0)
    embeddings = normal(NUM_NODES, 8, seed=1).double()
    torch.testing.assert_close(decoder(factor * embeddings, *links), decoder(embeddings, *links))


def test_an_embedding_of_zeros_scores_the_bias() -> None:
    decoder = random_decoder(4)
    embeddings = torch.zeros(2, 4, requires_grad=True)
    logits = decoder(embeddings, *between_two_nodes())
    torch.testing.assert_close(logits[:, 0], decoder.bias)
    logits.sum().backward()
    assert embeddings.grad is not None
    assert embeddings.grad.isfinite().all()


def test_a_model_begins_without_preferences_among_relations() -> None:
    logits = LinkDecoder(NUM_RELATIONS, 4)(normal(2, 4, seed=0), *between_two_nodes())
    assert torch.equal(logits, logits[0].expand_as(logits))


@pytest.mark.parametrize("part", range(3))
def test_links_may_have_any_memory_layout(part: int) -> None:
    decoder, links, embeddings = random_decoder(8), random_links(10, 2, seed=0), normal(NUM_NODES, 8, seed=1)
    strided = list(links)
    strided[part] = torch.stack([links[part]] * 2, dim=-1)[..., 0]
    transposed = embeddings.T.contiguous().T
    assert torch.equal(decoder(transposed, *strided), decoder(embeddings, *links))


@given(st.integers(0, 12), st.integers(1, 4), st.integers(1, 9), st.integers(1, 5), st.integers(0, 2**31))
def test_chunks_give_what_compiled_loops_give(
    num_links: int, num_targets: int, width: int, chunk_edges: int, seed: int
) -> None:
    """The CPU takes the loops, other devices the chunks."""
    links = random_links(num_links, num_targets, seed=seed)
    nodes = normal(NUM_NODES, width, seed=seed).double()
    relations = normal(NUM_RELATIONS, width, seed=seed + 1).double()
    gradient = normal(num_links, num_targets, seed=seed + 2).double()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decoder_chunked, "CHUNK_EDGES", chunk_edges)
        products, gradients = zip(
            *(
                (
                    loops.trilinear(nodes, relations, links),
                    loops.differentiate_trilinear(nodes, relations, links, gradient),
                )
                for loops in (decoder_chunked, decoder_compiled)
            ),
            strict=True,
        )
    torch.testing.assert_close(*products)
    torch.testing.assert_close(*gradients)
