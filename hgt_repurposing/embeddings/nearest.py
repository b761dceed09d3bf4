"""Which nodes have the most similar embeddings."""

import numpy as np
import pandas as pd

from hgt_repurposing.embeddings.table import Embeddings
from hgt_repurposing.graph.schema import NODE_TYPE

SIMILARITY = "similarity"


def nearest(embeddings: Embeddings, row: int, *, top: int, node_type: str | None = None) -> pd.DataFrame:
    """The nodes with the largest cosine similarity to one, the largest first; ties in the order of the table.

    Args:
        embeddings: Of all nodes; those without a vector, or with one of length 0, are left out.
        row: The node, as a row of the table.
        top: How many.
        node_type: Only nodes of this type; None: of any.

    Returns:
        Columns node_id, node_type, node_name, similarity; no rows if the node itself has no vector.
    """
    lengths = np.linalg.norm(embeddings.vectors.astype(np.float64), axis=1)
    usable = np.isfinite(lengths) & (lengths > 0)
    if not usable[row]:
        return embeddings.nodes.iloc[:0].assign(**{SIMILARITY: np.empty(0)})
    among = usable.copy()
    among[row] = False
    if node_type is not None:
        among &= (embeddings.nodes[NODE_TYPE] == node_type).to_numpy(dtype=np.bool_)
    others = np.flatnonzero(among)
    own = embeddings.vectors[row].astype(np.float64) / lengths[row]
    similarity = embeddings.vectors[others].astype(np.float64) @ own / lengths[others]
    best = np.argsort(-similarity, kind="stable")[:top]
    found = embeddings.nodes.iloc[others[best]].reset_index(drop=True)
    return found.assign(**{SIMILARITY: similarity[best]})
