"""Cost of the repurposing model on a large graph: features, fit, and scoring of all pairs.

Runs on a synthetic graph, configured as for PrimeKG, with random vectors as wide as those of the pipeline (their values
do not change the cost). Prints seconds, and peak memory on top of the loaded graph, as a Markdown table. With
--diseases, only that many diseases are scored, evenly spread, and the time for all is extrapolated; the output says so.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
from measuring import CPU
from shipped import shipped_settings

from hgt_repurposing.graph.split import SplitConfig, split_drug_disease_pairs
from hgt_repurposing.graph.synthetic import SyntheticConfig, synthetic_knowledge_graph
from hgt_repurposing.repurposing.inputs import PairInputs
from hgt_repurposing.repurposing.labels import Labels
from hgt_repurposing.repurposing.model import fit_repurposing_model
from hgt_repurposing.repurposing.neighbourhoods import neighbourhoods_of
from hgt_repurposing.repurposing.params import ClassifierParams
from hgt_repurposing.repurposing.scorer import Scorer
from hgt_repurposing.repurposing.vectors import VECTOR_DIM, PairVectors
from hgt_repurposing.storage.artifacts import write_json
from hgt_repurposing.training.device import PeakWatch


def measure(preset: str, num_diseases: int | None) -> dict[str, float]:
    """Seconds of each part, and peak memory in GiB above the loaded graph."""
    graph = synthetic_knowledge_graph(SyntheticConfig.model_validate({"preset": preset, "mechanism": "module"}))
    split = split_drug_disease_pairs(graph, SplitConfig(kinds=["disease"]))
    CPU.release()
    seconds = {}
    with PeakWatch(CPU) as watch:
        start = time.perf_counter()
        neighbourhoods, svd = neighbourhoods_of(graph), PairVectors.by_svd(graph)
        generator = np.random.default_rng(0)
        sides = (svd.drugs, svd.diseases)
        other = PairVectors(*(generator.standard_normal((len(side), VECTOR_DIM)).astype(np.float32) for side in sides))
        inputs = PairInputs(neighbourhoods, PairVectors.side_by_side([other, svd]), Labels.of_graph(graph))
        seconds["features"] = time.perf_counter() - start
        print(f"features {seconds['features']:.0f} s", flush=True)
        start = time.perf_counter()
        params = ClassifierParams(**shipped_settings("primekg", "repurposing_model"))
        model = fit_repurposing_model(inputs, split, params, on_fit=lambda name: print(name, flush=True))
        seconds["fit"] = time.perf_counter() - start
        print(f"fit {seconds['fit']:.0f} s", flush=True)
        start = time.perf_counter()
        every = np.arange(inputs.labels.indications.shape[1])
        chosen = every if num_diseases is None else every[:: max(1, len(every) // num_diseases)]
        for _ in Scorer.of_model(model, inputs).blocks(chosen):
            pass
        seconds["scoring"] = (time.perf_counter() - start) * len(every) / len(chosen)
    share = len(chosen) / len(every)
    total = sum(seconds.values())
    return {**seconds, "total": total, "share_scored": share, "peak_gb_above_graph": watch.peak_above_start}


def main() -> None:
    """Run the script."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", default="primekg", choices=["demo", "reference", "primekg"])
    parser.add_argument("--diseases", type=int, help="score only about this many diseases")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    arguments = parser.parse_args()
    found = measure(arguments.preset, arguments.diseases)
    print("| part | seconds |\n| --- | --- |")
    for name in ("features", "fit", "scoring", "total"):
        print(f"| {name} | {found[name]:.0f} |")
    if found["share_scored"] < 1:
        print(f"\nOnly {found['share_scored']:.1%} of the diseases were scored; the seconds are extrapolated to all.")
    print(f"\nPeak {found['peak_gb_above_graph']:.2f} GiB above the loaded graph.")
    print(json.dumps(found))
    if arguments.json:
        write_json(arguments.json, found)


if __name__ == "__main__":
    main()
