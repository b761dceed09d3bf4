"""The losses of links, by hand and by definition; that of similar diseases is in test_contrast.py."""

import math

import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st

from hgt_repurposing.model.decoder import DotDecoder
from hgt_repurposing.sampling.minibatch import TypedEdges
from hgt_repurposing.training.objectives import link_prediction_terms, weigh_relations
from hgt_repurposing.training.params import LossName

ONE_LINK = TypedEdges(torch.tensor([0]), torch.tensor([1]), torch.tensor([0]))


def term(loss: LossName, positive: float, negatives: list[float]) -> float:
    """Of one true edge with these logits."""
    embeddings = torch.tensor([[1.0], [positive], *([logit] for logit in negatives)], dtype=torch.float64)
    corrupted = torch.arange(2, 2 + len(negatives))[None]
    return link_prediction_terms(DotDecoder(1, 1).double(), embeddings, ONE_LINK, corrupted, loss=loss).item()


logits = st.floats(-30, 30)
ROUNDING = 1e-12
"""Some twenty operations on float64 numbers up to 60, each off by half of 2^-52 of its result, make 1.3e-13."""
SOFTPLUS = math.exp(-20)
"""Above 20 torch's softplus gives x in the place of log(1 + e^x), which is larger by log(1 + e^-x) < e^-20."""


@given(logits, st.lists(logits, min_size=1, max_size=5))
@example(-20.015625, [0.0])  # above where softplus switches, by 1e-9
def test_losses_are_as_defined(positive: float, negatives: list[float]) -> None:
    said_true = math.log1p(math.exp(-positive))
    said_false = sum(math.log1p(math.exp(logit)) for logit in negatives) / len(negatives)
    assert term("bce", positive, negatives) == pytest.approx((said_true + said_false) / 2, abs=SOFTPLUS + ROUNDING)
    among = math.log(sum(math.exp(logit) for logit in [positive, *negatives])) - positive
    assert term("softmax", positive, negatives) == pytest.approx(among, abs=ROUNDING)


@pytest.mark.parametrize(("loss", "blind"), [("bce", math.log(2)), ("softmax", math.log(1 + 7))])
def test_a_chance_model_has_the_loss_that_is_said(loss: LossName, blind: float) -> None:
    assert term(loss, 0.0, [0.0] * 7) == pytest.approx(blind)


@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from([0.0, 1.0])), min_size=1, max_size=30))
def test_relations_get_their_shares_and_padding_none(drawn: list[tuple[int, float]]) -> None:
    relation, weight = torch.tensor([r for r, _ in drawn]), torch.tensor([w for _, w in drawn])
    if not weight.any():
        return
    share = torch.tensor([1.0, 2.0, 3.0, 4.0], dtype=torch.float64)
    weighed = weigh_relations(weight, relation, share)
    sums = torch.zeros(4).index_add(0, relation, weighed)
    present = torch.zeros(4).index_add(0, relation, weight) > 0
    # float32: at most 30 terms are added and 4 sums, each time off by 2^-24, and a weight is rounded twice.
    rounding = 36 * 2**-24
    expected = (share[present] / share[present].sum()).float()
    torch.testing.assert_close(sums[present] / sums.sum(), expected, rtol=2 * rounding, atol=0)
    torch.testing.assert_close(sums.sum(), weight.sum(), rtol=rounding, atol=0)
    assert not weighed[weight == 0].any()
