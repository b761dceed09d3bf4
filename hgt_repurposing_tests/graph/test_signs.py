"""Signs of columns: those that scikit-learn would give them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.utils.extmath import svd_flip

from hgt_repurposing.graph.signs import with_fixed_signs


@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 99))
def test_signs_are_those_of_scikit_learn(n: int, rank: int, seed: int) -> None:
    vectors = np.random.default_rng(seed).integers(-3, 4, (n, rank)).astype(np.float64)  # with ties and zeros
    expected, _ = svd_flip(vectors.copy(), None)
    assert np.array_equal(with_fixed_signs(vectors), expected)


@pytest.mark.parametrize("shape", [(0, 3), (3, 0)])
def test_nothing_has_no_sign(shape: tuple[int, int]) -> None:
    assert with_fixed_signs(np.empty(shape)).shape == shape
