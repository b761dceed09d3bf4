"""Validate a file of node embeddings: print the verdict and write it as JSON next to the file.

Exit status 0 if the file passed (good or borderline), 1 if it is collapsed, broken or cannot be read. Nodes without
edges may rightly have constant rows. A file does not say which nodes these are, so this script treats all rows alike; a
run of the pipeline counts them separately.
"""

import argparse
import sys
from pathlib import Path

from hgt_repurposing.embeddings.table import read_embeddings
from hgt_repurposing.embeddings.validation import PART, ValidationThresholds, validate_embeddings
from hgt_repurposing.storage.artifacts import write_json


def main(arguments: list[str] | None = None) -> int:
    """Run the script; returns its exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("file", type=Path, help="embeddings: .csv, .csv.gz or .parquet")
    parser.add_argument("--json", type=Path, help="file for the report (default: FILE's name + .validation.json)")
    options = parser.parse_args(arguments)
    try:
        report = validate_embeddings(read_embeddings(options.file), ValidationThresholds())
        write_json(options.json or default_report_path(options.file), report.to_parts()[PART])
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    print(report.to_text())
    return 0 if report.passed else 1


def default_report_path(file: Path) -> Path:
    """`x.validation.json` next to `x.csv.gz` or `x.parquet`.

    If a run has its own report there, `x.check.validation.json`: the run's manifest records that file byte for byte.
    """
    name = file.name
    for ending in (".gz", ".csv", ".parquet"):
        name = name.removesuffix(ending)
    report = file.with_name(f"{name}.validation.json")
    of_a_run = file.with_name("embedding_validation.manifest.json").exists()
    return report.with_name(f"{name}.check.validation.json") if of_a_run else report


if __name__ == "__main__":
    sys.exit(main())
