"""Draws by step number."""

import itertools

import torch
from hypothesis import given
from hypothesis import strategies as st

from hgt_repurposing.sampling.draws import WithoutReplacement, derived_generator


@given(total=st.integers(0, 40), k=st.integers(1, 50), seed=st.integers(0, 2**63))
def test_a_step_draws_k_numbers_or_all_there_are_and_none_twice(total: int, k: int, seed: int) -> None:
    drawn = WithoutReplacement(total, k, seed=seed, stream=0).at(3)
    assert drawn.dtype == torch.int32
    assert len(set(drawn.tolist())) == drawn.numel() == min(k, total)
    assert set(drawn.tolist()) <= set(range(total))


def test_a_pass_draws_no_number_twice_and_all_if_k_divides_them() -> None:
    draw = WithoutReplacement(60, 12, seed=1, stream=0)
    one_pass = torch.cat([draw.at(step) for step in range(5)])
    assert sorted(one_pass.tolist()) == list(range(60))


def test_the_next_pass_has_another_order() -> None:
    draw = WithoutReplacement(60, 60, seed=1, stream=0)
    assert not torch.equal(draw.at(0), draw.at(1))


def test_a_step_is_the_same_from_wherever_one_comes() -> None:
    draw = WithoutReplacement(60, 7, seed=1, stream=0)
    forth = {step: draw.at(step) for step in range(40)}
    assert all(torch.equal(draw.at(step), forth[step]) for step in reversed(range(40)))


def test_every_path_has_randomness_of_its_own() -> None:
    paths = [(0,), (1,), (0, 0), (0, 1), (1, 0), (0, 0, 0)]  # trailing zeros count
    firsts = [torch.rand(4, generator=derived_generator(0, *path)) for path in paths]
    assert not any(torch.equal(a, b) for a, b in itertools.combinations(firsts, 2))
