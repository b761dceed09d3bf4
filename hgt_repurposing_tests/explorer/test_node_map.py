"""The map: a projection of the embeddings, from which nothing that was asked for is left out."""

import numpy as np
import pandas as pd
import pytest

from hgt_repurposing.explorer import node_map as module
from hgt_repurposing.explorer.node_map import node_map
from hgt_repurposing_tests.report.test_plots import embedded, gaussian

TYPES = ["gene", "disease", "drug", "drug", "gene", "disease"]


def test_drugs_and_diseases_are_where_the_components_of_all_nodes_put_them() -> None:
    vectors = np.zeros((6, 3))
    vectors[:, 0] = [-3, -2, -1, 1, 2, 3]
    vectors[:, 1] = [0.1, -0.1, 0.1, 0.1, -0.1, -0.1]
    found = node_map(embedded(vectors, TYPES), "drug", "disease")
    assert found.points["side"].tolist() == ["disease", "drug", "drug", "disease"]
    assert np.abs(found.points["x"]).tolist() == pytest.approx([2, 1, 1, 3], abs=0.02)
    assert found.shares[0] > 0.99


def test_one_dimension_lies_on_a_line() -> None:
    found = node_map(embedded(gaussian(6, 1), TYPES), "drug", "disease")
    assert found.points["y"].tolist() == [0, 0, 0, 0]
    assert found.shares == (1.0, 0.0)


def test_a_node_without_a_finite_vector_is_left_out() -> None:
    vectors = gaussian(6, 4)
    vectors[2] = np.nan
    assert len(node_map(embedded(vectors, TYPES), "drug", "disease").points) == 3


def test_a_large_graph_shows_an_even_choice_and_always_what_is_marked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_POINTS", 3)
    found = node_map(embedded(gaussian(60, 4), ["drug"] * 40 + ["disease"] * 20), "drug", "disease")
    drug = str(found.points["id"].iloc[17])
    shown = found.shown(marked={"drug": drug})
    assert len(shown) == 3 + 3 + 1
    assert (shown[-1].side, shown[-1].id) == ("drug", drug)
    assert len({(point.side, point.id) for point in shown}) == len(shown)


def test_no_embedding_of_a_drug_or_disease_is_no_point() -> None:
    points = node_map(embedded(gaussian(3, 2), ["gene"] * 3), "drug", "disease").points
    assert isinstance(points, pd.DataFrame)
    assert points.empty
