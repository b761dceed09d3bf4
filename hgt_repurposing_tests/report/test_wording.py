"""Figures as text claim no more than they know."""

import pytest

from hgt_repurposing.report.wording import share_below


@pytest.mark.parametrize(
    ("percentile", "text"),
    [
        (0.0, "0.00 %"),
        (50.0, "50.00 %"),
        (99.839, "99.83 %"),
        (99.9899, "99.98 %"),
        (99.99, "99.99 %"),
        (99.9995, "> 99.99 %"),
    ],
)
def test_nothing_scores_above_everything(percentile: float, text: str) -> None:
    assert share_below(percentile) == text
