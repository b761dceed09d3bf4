"""Explains pairs in one thread, the last one asked for first; it loads graph and model. Pages ask, and ask again."""

import queue
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotYetError
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from hgt_repurposing.explorer.in_background import Pending
from hgt_repurposing.graph.schema import NODE_ID
from hgt_repurposing.report.explanation_text import Names
from hgt_repurposing.storage.released import ReleasedValues

if TYPE_CHECKING:
    from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
    from hgt_repurposing.repurposing.explanation import Explainer, Explanation

NUM_KEPT = 500
"""Explanations that are kept; each holds a few dozen names."""


class Explained(NamedTuple):
    """An explanation with what is needed to write it down."""

    found: "Explanation"
    graph: "KnowledgeGraph"
    names: Names
    status: str
    """What the graph says about the pair."""


class Explanations:
    """Explanations of one release."""

    def __init__(self, values: Callable[[], ReleasedValues]) -> None:
        """Values: of the release; raises if they do not belong together."""
        self._values_of = values
        self._lock = threading.Lock()
        self._futures: OrderedDict[tuple[str, str], tuple[Future[Explained], float]] = OrderedDict()
        self._waiting: queue.LifoQueue[tuple[str, str] | None] = queue.LifoQueue()
        self._thread: threading.Thread | None = None
        self._doing = "loading"

    def of(self, drug_id: str, disease_id: str, *, wait: float) -> Explained:
        """Explain a pair.

        Args:
            drug_id: Id of a drug.
            disease_id: Id of a disease.
            wait: Seconds that the caller has.

        Raises:
            Pending: If it takes longer.
            Exception: What loading or explaining raised; the next call tries again.
        """
        pair = (drug_id, disease_id)
        future, asked = self.begin(*pair)
        try:
            return future.result(timeout=wait)
        except NotYetError:
            raise Pending(self._doing, time.monotonic() - asked) from None
        except Exception:
            with self._lock:
                self._futures.pop(pair, None)
            raise

    def begin(self, drug_id: str, disease_id: str) -> "tuple[Future[Explained], float]":
        """Have a pair explained, unless it is already; what will hold the result, and when it was first asked for."""
        pair = (drug_id, disease_id)
        with self._lock:
            if pair not in self._futures:
                self._futures[pair] = (Future(), time.monotonic())
                self._waiting.put(pair)
                self._forget_old()
            self._futures.move_to_end(pair)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, daemon=True)
                self._thread.start()
            return self._futures[pair]

    def close(self) -> None:
        """End the thread, which frees graph and model."""
        self._waiting.put(None)

    def _forget_old(self) -> None:
        done = [pair for pair, (future, _) in self._futures.items() if future.done()]
        for pair in done[: max(0, len(self._futures) - NUM_KEPT)]:
            del self._futures[pair]

    def _work(self) -> None:
        while (pair := self._waiting.get()) is not None:
            with self._lock:
                entry = self._futures.get(pair)
            if entry is None:
                continue
            try:
                entry[0].set_result(self._explain(*pair))
            except Exception as error:  # raised where the explanation is asked for
                entry[0].set_exception(error)
        self.__dict__.pop("_explainer", None)

    def _explain(self, drug_id: str, disease_id: str) -> Explained:
        explainer = self._explainer
        graph = explainer.graph
        drug, disease = (
            _index(graph, node_type, node_id)
            for node_type, node_id in ((graph.therapeutic.drug, drug_id), (graph.therapeutic.disease, disease_id))
        )
        self._doing = "explaining the pair"
        found = explainer.explain(drug, disease)
        flat = int(np.ravel_multi_index((drug, disease), graph.grid_shape))
        return Explained(found, graph, self._names, str(self._status.get(flat, "new")))

    @cached_property
    def _explainer(self) -> "Explainer":
        self._doing = "loading the graph"
        values = self._values_of()
        graph = values.graph
        self._doing = "loading the model"
        from hgt_repurposing.repurposing.explanation import Explainer  # noqa: PLC0415  (loads torch and xgboost)

        explainer = Explainer(graph, values.scorer())
        self._doing = "comparing drugs and diseases"
        return explainer

    @cached_property
    def _names(self) -> Names:
        return Names.of(self._explainer.graph)

    @cached_property
    def _status(self) -> "pd.Series[str]":
        from hgt_repurposing.repurposing.candidate_ranking import status_of_pairs  # noqa: PLC0415

        return status_of_pairs(self._explainer.graph)


def _index(graph: "KnowledgeGraph", node_type: str, node_id: str) -> int:
    """Local index of a node.

    Raises:
        ValueError: If the graph has none with this id.
    """
    rows = np.flatnonzero((graph.nodes_of(node_type)[NODE_ID] == node_id).to_numpy())
    if not len(rows):
        raise ValueError(f"the graph of this release has no {node_type} with the id {node_id!r}")
    return int(rows[0])
