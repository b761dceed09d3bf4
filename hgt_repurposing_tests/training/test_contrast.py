"""Similar diseases in a batch: which are chosen, and a loss that pulls them together."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from hgt_repurposing.graph.disease_similarity import SimilarDiseases
from hgt_repurposing.training.contrast import Contrast, contrast_pairs
from hgt_repurposing.training.objectives import MIN_NORM, TEMPERATURE, contrastive_loss

FIRST, NUM_DISEASES = 10, 9
"""The graph of the tests: flat ids 10 to 18 are diseases, all others something else."""

Pairs = set[tuple[int, int]]


def table(pairs: Pairs, *, num_diseases: int = NUM_DISEASES) -> SimilarDiseases:
    """Similar diseases of these unordered pairs."""
    both = sorted({(i, j) for i, j in pairs if i != j} | {(j, i) for i, j in pairs if i != j})
    disease, neighbour = np.array(both, dtype=np.int64).reshape(-1, 2).T
    ptr = np.concatenate([[0], np.cumsum(np.bincount(disease, minlength=num_diseases))])
    return SimilarDiseases(ptr, neighbour, np.ones(len(both), dtype=np.float32))


def choose(node_index: list[int], pairs: Pairs, *, size: int = 100, seed: int = 0) -> Contrast:
    last = FIRST + NUM_DISEASES
    generator = torch.Generator().manual_seed(seed)
    return contrast_pairs(
        torch.tensor(node_index, dtype=torch.int64),
        table(pairs),
        first=FIRST,
        last=last,
        size=size,
        generator=generator,
    )


def positions(contrast: Contrast) -> list[tuple[int, int]]:
    return list(zip(contrast.anchor.tolist(), contrast.positive.tolist(), strict=True))


def contrast_of(num_nodes: int, pairs: Pairs) -> Contrast:
    """All nodes chosen, these unordered pairs similar."""
    both = sorted(pairs | {(j, i) for i, j in pairs})
    anchor, positive = torch.tensor(both, dtype=torch.int64).reshape(-1, 2).T
    return Contrast(torch.arange(num_nodes), anchor, positive)


unordered_pairs = st.sets(st.tuples(st.integers(0, NUM_DISEASES - 1), st.integers(0, NUM_DISEASES - 1)), max_size=20)
batches = st.lists(st.integers(FIRST - 2, FIRST + NUM_DISEASES + 1), max_size=25)
"""Flat ids in any order and any of them repeatedly, of diseases and others."""
seeds = st.integers(0, 2**32 - 1)


# choosing


def test_similar_pairs_are_found_in_local_ids() -> None:
    contrast = choose([3, 10, 12, 15, 17, 20], {(0, 5), (2, 7), (5, 7), (1, 2)})
    assert contrast.nodes.tolist() == [1, 2, 3, 4]
    assert positions(contrast) == [(0, 2), (1, 3), (2, 0), (2, 3), (3, 1), (3, 2)]


@given(batches, unordered_pairs, st.integers(0, 12), seeds)
def test_the_pairs_are_all_those_among_the_chosen(node_index: list[int], pairs: Pairs, size: int, seed: int) -> None:
    contrast = choose(node_index, pairs, size=size, seed=seed)
    disease = [node_index[local] - FIRST for local in contrast.nodes]
    expected = [
        (i, j) for i, a in enumerate(disease) for j, b in enumerate(disease) if a != b and {(a, b), (b, a)} & pairs
    ]
    assert sorted(positions(contrast)) == expected


@given(batches, unordered_pairs, st.integers(0, 12), seeds)
def test_the_chosen_are_distinct_diseases_and_as_many_as_fit(
    node_index: list[int], pairs: Pairs, size: int, seed: int
) -> None:
    chosen = choose(node_index, pairs, size=size, seed=seed).nodes.tolist()
    there = {node for node in node_index if FIRST <= node < FIRST + NUM_DISEASES}
    assert len({node_index[local] for local in chosen} & there) == len(chosen) == min(size, len(there))
    assert [node_index[local] for local in chosen] == sorted(node_index[local] for local in chosen)
    assert all(local == node_index.index(node_index[local]) for local in chosen)


@given(batches, unordered_pairs, st.integers(0, 12), seeds)
def test_no_disease_without_a_similar_one_takes_the_place_of_one_that_has(
    node_index: list[int], pairs: Pairs, size: int, seed: int
) -> None:
    there = {node - FIRST for node in node_index if FIRST <= node < FIRST + NUM_DISEASES}
    paired = {end for i, j in pairs if i != j and {i, j} <= there for end in (i, j)}
    chosen = {node_index[local] - FIRST for local in choose(node_index, pairs, size=size, seed=seed).nodes}
    assert paired <= chosen or chosen <= paired


def test_of_a_repeated_id_only_the_first_place_counts() -> None:
    contrast = choose([4, 10, 11, 12, 12, 12, 20, 20], {(0, 2)})
    assert contrast.nodes.tolist() == [1, 2, 3]
    assert positions(contrast) == [(0, 2), (2, 0)]


@given(seeds)
def test_a_disease_comes_with_its_similar_ones(seed: int) -> None:
    contrast = choose(list(range(10, 19)), {(0, 1), (2, 3), (4, 5), (6, 7)}, size=4, seed=seed)
    assert contrast.anchor.unique().tolist() == [0, 1, 2, 3]


@given(unordered_pairs.filter(lambda pairs: any(i != j for i, j in pairs)), seeds)
def test_where_two_fit_they_are_similar_to_each_other(pairs: Pairs, seed: int) -> None:
    assert positions(choose(list(range(10, 19)), pairs, size=2, seed=seed)) == [(0, 1), (1, 0)]


def test_where_one_fits_it_has_no_pair() -> None:
    contrast = choose(list(range(10, 19)), {(0, 1)}, size=1)
    assert contrast.nodes.numel() == 1
    assert positions(contrast) == []


def test_which_are_chosen_is_a_matter_of_chance_and_of_nothing_but_the_seed() -> None:
    pairs = {(0, 1), (2, 3), (4, 5), (6, 7)}
    drawn = [choose(list(range(10, 19)), pairs, size=3, seed=seed).nodes.tolist() for seed in range(40)]
    again = [choose(list(range(10, 19)), pairs, size=3, seed=seed).nodes.tolist() for seed in range(40)]
    assert drawn == again
    assert {node for nodes in drawn for node in nodes} == set(range(8))


@pytest.mark.parametrize("node_index", [[], [1, 2, 30], [10]])
def test_a_batch_of_no_or_one_disease_has_no_pairs(node_index: list[int]) -> None:
    contrast = choose(node_index, {(0, 1)})
    assert contrast.anchor.tolist() == contrast.positive.tolist() == []
    assert contrast.nodes.numel() == node_index.count(10)


def test_a_table_of_another_graph_is_refused() -> None:
    generator = torch.Generator()
    with pytest.raises(ValueError, match="similar diseases cover 9 diseases, but the graph has 8"):
        contrast_pairs(torch.arange(8), table(set()), first=0, last=8, size=4, generator=generator)


# the loss


def naive_loss(embeddings: list[list[float]], contrast: Contrast, temperature: float) -> float:
    """The equation, written as loops."""
    units = []
    for node in contrast.nodes:
        length = max(math.hypot(*embeddings[node]), MIN_NORM)
        units.append([x / length for x in embeddings[node]])
    terms = []
    for i, z_i in enumerate(units):
        similar = [p for anchor, p in positions(contrast) if anchor == i]
        weight = [math.exp(sum(a * b for a, b in zip(z_i, z, strict=True)) / temperature) for z in units]
        total = sum(w for a, w in enumerate(weight) if a != i)
        if similar:
            terms.append(-sum(math.log(weight[p] / total) for p in similar) / len(similar))
    return sum(terms) / len(terms) if terms else 0.0


def test_a_worked_example() -> None:
    # Two diseases at a right angle and one opposite to the first: cosines 0, -1 and 0.
    embeddings = torch.tensor([[2.0, 0.0], [0.0, 3.0], [-1.0, 0.0]])
    loss = contrastive_loss(embeddings, contrast_of(3, {(0, 1)}), temperature=1.0)
    from_first = -math.log(1 / (1 + math.exp(-1)))
    from_second = -math.log(1 / 2)
    assert loss.item() == pytest.approx((from_first + from_second) / 2, rel=1e-6)


@given(st.data())
def test_the_loss_is_that_of_the_equation(data: st.DataObject) -> None:
    num = data.draw(st.integers(2, 7), label="num_nodes")
    numbers = st.sampled_from([-2.0, -0.5, 0.0, 1e-4, 1.0, 3.0])
    embeddings = data.draw(st.lists(st.lists(numbers, min_size=3, max_size=3), min_size=num, max_size=num))
    ends = st.tuples(st.integers(0, num - 1), st.integers(0, num - 1)).filter(lambda pair: pair[0] != pair[1])
    contrast = contrast_of(num, data.draw(st.sets(ends), label="pairs"))
    temperature = data.draw(st.sampled_from([0.1, 0.5, 2.0]), label="temperature")
    found = contrastive_loss(torch.tensor(embeddings, dtype=torch.float64), contrast, temperature=temperature).item()
    assert found == pytest.approx(naive_loss(embeddings, contrast, temperature), rel=1e-9, abs=1e-9)


def test_only_the_chosen_nodes_count() -> None:
    embeddings = torch.randn(6, 4, generator=torch.Generator().manual_seed(0), requires_grad=True)
    pairs = contrast_of(3, {(0, 2)})
    contrastive_loss(embeddings, pairs._replace(nodes=torch.tensor([1, 4, 5]))).backward()
    assert embeddings.grad is not None
    assert embeddings.grad.any(dim=1).tolist() == [False, True, False, False, True, True]


def test_following_the_gradient_brings_similar_diseases_together_and_others_apart() -> None:
    embeddings = torch.randn(8, 5, generator=torch.Generator().manual_seed(0), requires_grad=True)
    contrast = contrast_of(8, {(0, 1), (2, 3), (3, 4)})
    start = embeddings.detach().clone()
    optimizer = torch.optim.SGD([embeddings], lr=0.1)
    for _ in range(50):
        optimizer.zero_grad()
        contrastive_loss(embeddings, contrast).backward()
        optimizer.step()
    similar = torch.zeros(8, 8, dtype=torch.bool)
    similar[contrast.anchor, contrast.positive] = True
    before, after = (cosines(vectors)[similar] for vectors in (start, embeddings.detach()))
    assert bool((after > before).all())
    assert cosines(embeddings.detach())[0, 2:].max() < after.min()


def cosines(vectors: Tensor) -> Tensor:
    return torch.nn.functional.cosine_similarity(vectors[:, None], vectors[None], dim=2)


def test_the_loss_falls_as_a_similar_disease_turns_towards_its_anchor() -> None:
    losses = []
    for angle in np.linspace(math.pi, 0, 20):
        vectors = torch.tensor([[1.0, 0.0], [math.cos(angle), math.sin(angle)], [-1.0, 0.0]], dtype=torch.float64)
        losses.append(contrastive_loss(vectors, contrast_of(3, {(0, 1)})).item())
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < 0.001 < losses[0]


def test_equal_vectors_give_the_loss_of_guessing() -> None:
    loss = contrastive_loss(torch.ones(5, 3), contrast_of(5, {(0, 1), (0, 2)}))
    assert loss.item() == pytest.approx(math.log(4), rel=1e-5)


def test_the_length_of_a_vector_does_not_count() -> None:
    embeddings = torch.randn(6, 4, generator=torch.Generator().manual_seed(1))
    contrast = contrast_of(6, {(0, 1), (4, 5)})
    scaled = embeddings * torch.tensor([0.1, 1.0, 3.0, 10.0, 0.5, 2.0])[:, None]
    torch.testing.assert_close(contrastive_loss(scaled, contrast), contrastive_loss(embeddings, contrast))


@pytest.mark.parametrize("scale", [0.0, 1e-30, 1e-6, 1e15])
def test_loss_and_gradient_stay_finite_and_bounded(scale: float) -> None:
    embeddings = torch.randn(6, 4, generator=torch.Generator().manual_seed(1))
    embeddings[:3] *= scale
    embeddings.requires_grad_()
    loss = contrastive_loss(embeddings, contrast_of(6, {(0, 1), (2, 5)}))
    loss.backward()
    assert embeddings.grad is not None
    assert math.isfinite(loss.item())
    assert embeddings.grad.abs().max() <= 2 / (MIN_NORM * TEMPERATURE)


def test_without_pairs_the_loss_is_zero_and_can_be_followed_back() -> None:
    embeddings = torch.full((3, 2), torch.inf, requires_grad=True)
    loss = contrastive_loss(embeddings, contrast_of(3, set()))
    loss.backward()
    assert loss.item() == 0
    assert embeddings.grad is not None
    assert not embeddings.grad.any()


class LargestTensor(TorchDispatchMode):
    """Remembers the largest tensor that any operation returns, those of the backward pass included."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        self.num_elements = 0

    # Any: the signature is torch's.
    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        for part in result if isinstance(result, tuple | list) else (result,):
            if isinstance(part, Tensor):
                self.num_elements = max(self.num_elements, part.numel())
        return result


def test_no_tensor_of_the_loss_is_larger_than_all_chosen_against_all_chosen() -> None:
    num, size = 500, 40
    generator = torch.Generator().manual_seed(0)
    similar = table({(i, i + step) for i in range(num - 2) for step in (1, 2)}, num_diseases=num)
    contrast = contrast_pairs(torch.arange(num), similar, first=0, last=num, size=size, generator=generator)
    embeddings = torch.randn(num, 3, generator=generator, requires_grad=True)  # fewer than size * size numbers
    with LargestTensor() as largest:
        contrastive_loss(embeddings, contrast).backward()
    assert largest.num_elements == size * size
