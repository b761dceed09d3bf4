"""Say whether a file of node embeddings is fit for use: print the verdict, write it as JSON beside the file.

Exit status 0 if it passed (good or borderline), 1 if it is collapsed, broken or cannot be read. A file says nothing of
edges, so rows of nodes without any, which may be constant by right, count here as all others; a run counts them apart.
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
    parser.add_argument("--json", type=Path, help="where the report goes (default: FILE's name + .validation.json)")
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
    """`x.csv.gz` and `x.parquet` get `x.validation.json` beside them.

    Where a run has put its own report there, `x.check.validation.json`: its manifest knows that file to the byte.
    """
    name = file.name
    for ending in (".gz", ".csv", ".parquet"):
        name = name.removesuffix(ending)
    report = file.with_name(f"{name}.validation.json")
    of_a_run = file.with_name("embedding_validation.manifest.json").exists()
    return report.with_name(f"{name}.check.validation.json") if of_a_run else report


if __name__ == "__main__":
    sys.exit(main())
