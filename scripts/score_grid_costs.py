"""Writing and reading the scores of all pairs on a graph of PrimeKG's size: random ones, through the real writer.

    python scripts/score_grid_costs.py

A part of `docs/results/explanations.md`; `bench_explanation.py` prints it too. Random scores of single precision are
the worst case for the size of the files, as they do not compress.
"""

import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from measuring import cpu_seconds
from study_tables import table_of

from hgt_repurposing.graph.synthetic_layouts import LAYOUTS
from hgt_repurposing.repurposing.score_grid import BY_DISEASE, BY_DRUG, DISEASE_ID, DRUG_ID, ScoreGrid
from hgt_repurposing.storage.artifacts import read_rows, write_artifact
from hgt_repurposing.storage.manifest import Provenance

NUM_READ = 30
NAME = "repurposing_scores"


def random_grid(num_drugs: int, num_diseases: int) -> ScoreGrid:
    """Log odds and spread by chance; contraindications too."""
    generator = np.random.default_rng(0)
    log_odds, spread, against = (
        generator.standard_normal((num_drugs, num_diseases), dtype=np.float32) for _ in range(3)
    )
    return ScoreGrid(
        _ids("D", num_drugs, DRUG_ID), _ids("", num_diseases, DISEASE_ID), log_odds, np.abs(spread), against
    )


def _ids(start: str, count: int, name: str) -> "pd.Index[str]":
    return pd.Index([f"{start}{number:05d}" for number in range(1, count + 1)], name=name)


def of_grid() -> Iterator[str]:
    """The part of the page."""
    num_nodes = LAYOUTS["primekg"].num_nodes
    grid = random_grid(num_nodes["drug"], num_nodes["disease"])
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        start, processor = time.perf_counter(), time.process_time()
        manifest = write_artifact(Path(folder), NAME, grid.to_parts(), Provenance())
        rows.append(
            ["write both files", f"{time.process_time() - processor:,.0f} s", f"{time.perf_counter() - start:,.0f} s"]
        )
        rows += [[f"size of {part}", f"{manifest.parts[part]['bytes'] / 1e6:,.0f} MB", ""] for part in manifest.parts]
        generator = np.random.default_rng(1)
        for part, column, ids in ((BY_DISEASE, DISEASE_ID, grid.disease_ids), (BY_DRUG, DRUG_ID, grid.drug_ids)):
            reads = [
                partial(read_rows, Path(folder) / part, manifest, part, column=column, value=value)
                for value in generator.choice(ids, NUM_READ, replace=False)
            ]
            each = np.array([_both(read) for read in reads])
            processor_time, wall = np.median(each, axis=0)
            rows.append(
                [
                    f"read the scores of one {column.removesuffix('_id')}",
                    f"{1000 * processor_time:.0f} ms",
                    f"{1000 * wall:.0f} ms",
                ]
            )
    yield "### Scores of all pairs"
    yield (
        f"Random scores in single precision, written by the writer of the pipeline: {grid.log_odds.size:,} pairs, "
        f"three figures each. Reading: medians of {NUM_READ}, files in the cache."
    )
    yield table_of(["what", "processor time or size", "wall time"], rows)


def _both(read: Callable[[], object]) -> tuple[float, float]:
    """Processor and wall time."""
    start = time.perf_counter()
    return cpu_seconds(read), time.perf_counter() - start


if __name__ == "__main__":
    for said in of_grid():
        print(said + "\n")
