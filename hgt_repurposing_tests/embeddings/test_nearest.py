"""Which nodes have the most similar embeddings."""

import numpy as np
import pandas as pd
import pytest

from hgt_repurposing.embeddings.nearest import nearest
from hgt_repurposing.embeddings.table import Embeddings

NODES = pd.DataFrame({"node_id": list("abcdef"), "node_type": list("xxxyyy"), "node_name": list("ABCDEF")}, dtype="str")
VECTORS = np.array([[1, 0], [2, 0.2], [-1, 0], [0, 1], [0, 0], [np.nan, 1]], dtype=np.float32)
EMBEDDINGS = Embeddings(NODES, VECTORS)


def test_the_most_similar_come_first_whatever_their_length() -> None:
    found = nearest(EMBEDDINGS, 0, top=10)
    assert found["node_name"].tolist() == ["B", "D", "C"]
    assert found["similarity"].to_numpy() == pytest.approx([2 / np.hypot(2, 0.2), 0, -1])


def test_one_type_may_be_asked_for() -> None:
    assert nearest(EMBEDDINGS, 0, top=10, node_type="y")["node_name"].tolist() == ["D"]


def test_no_more_than_asked_for() -> None:
    assert nearest(EMBEDDINGS, 0, top=1)["node_name"].tolist() == ["B"]


@pytest.mark.parametrize("row", [4, 5])
def test_a_node_without_a_direction_has_no_neighbours(row: int) -> None:
    assert nearest(EMBEDDINGS, row, top=3).empty
