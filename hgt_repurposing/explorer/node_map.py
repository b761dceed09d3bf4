"""Where drugs and diseases lie: the first two principal components of the embeddings of all nodes."""

from typing import Literal, NamedTuple

import numpy as np
import pandas as pd

from hgt_repurposing.embeddings.principal_components import principal_components
from hgt_repurposing.embeddings.table import Embeddings
from hgt_repurposing.graph.schema import NODE_ID, NODE_NAME, NODE_TYPE

MAX_POINTS = 1000
"""Of drugs, and of diseases: as many as a picture can show; those asked for are always shown."""


class Point(NamedTuple):
    """A drug or a disease in the picture."""

    side: Literal["drug", "disease"]
    id: str
    name: str
    x: float
    y: float


class NodeMap(NamedTuple):
    """All drugs and diseases in two dimensions."""

    points: pd.DataFrame
    """Columns side, id, name, x, y."""
    shares: tuple[float, float]
    """Of the variance of all embeddings, by axis."""

    def shown(self, *, marked: dict[str, str]) -> list[Point]:
        """Points of the picture, evenly chosen where there are too many, and the marked ones (side to id) last."""
        is_marked = np.zeros(len(self.points), dtype=np.bool_)
        for side, node_id in marked.items():
            is_marked |= ((self.points["side"] == side) & (self.points["id"] == node_id)).to_numpy()
        chosen: list[int] = []
        for side in ("drug", "disease"):
            rows = np.flatnonzero((self.points["side"] == side).to_numpy() & ~is_marked)
            evenly = np.linspace(0, len(rows) - 1, min(len(rows), MAX_POINTS)).astype(np.int64)
            chosen += rows[evenly].tolist()
        ordered = self.points.iloc[[*chosen, *np.flatnonzero(is_marked).tolist()]]
        return [Point(*row) for row in ordered.itertuples(index=False)]


def node_map(embeddings: Embeddings, drug_type: str, disease_type: str) -> NodeMap:
    """Project the embeddings of drugs and diseases; nodes without a finite vector are left out."""
    components = principal_components(embeddings)
    nodes = embeddings.nodes.iloc[components.rows]
    sides = nodes[NODE_TYPE].map({drug_type: "drug", disease_type: "disease"})
    rows = np.flatnonzero(sides.notna().to_numpy())
    places = np.zeros((len(rows), 2))  # the second column stays zero if embeddings have one dimension
    centred = embeddings.vectors[components.rows[rows]] - components.mean
    places[:, : embeddings.dim] = centred @ components.axes[:, :2]
    points = pd.DataFrame(
        {
            "side": sides.to_numpy()[rows],
            "id": nodes[NODE_ID].to_numpy()[rows],
            "name": nodes[NODE_NAME].to_numpy()[rows],
            "x": places[:, 0],
            "y": places[:, 1],
        }
    )
    shares = components.shares
    return NodeMap(points, (float(shares[:1].sum()), float(shares[1:2].sum())))
