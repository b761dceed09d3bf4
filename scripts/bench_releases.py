"""Disk use of releases of one graph, and the time of a rollback: from a finished data folder, in a temporary one.

    python scripts/bench_releases.py --data data --out docs/results/releases.md

All artefacts that a retraining makes anew get other contents of the same sizes; graph, split and message graph stay.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hgt_repurposing.storage.artifacts import keep_contents, write_text
from hgt_repurposing.storage.catalog import contents_folder, keep_version, path_of
from hgt_repurposing.storage.copies import refresh_copies, switch_to
from hgt_repurposing.storage.manifest import Manifest
from hgt_repurposing.storage.pruning import num_bytes_stored, prune
from hgt_repurposing.storage.releases import Release, new_id, promote, record, release_of
from hgt_repurposing.text_table import aligned

SAME = ("knowledge_graph", "drug_disease_split", "hetero_data")
"""Artefacts that a retraining on the same graph makes again with the same content."""
NUM_RELEASES = 10
NUM_SWITCHES = 5
PAGE = """\
# Releases: disk space and time

By `scripts/bench_releases.py`, from a finished data folder of {what}. All that a retraining makes anew has other
contents of the same sizes; graph, split and message graph are the same.

```
{table}
```

The copies that people open take the space of one release more. Times are medians of {switches} switches, files in the
cache; a rollback copies {copied:,.0f} MB.
"""


def main(arguments: list[str] | None = None) -> int:
    """Run the script; returns its exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, required=True, help="data folder with a current release")
    parser.add_argument("--what", default="the demo graph", help="what its graph is, for the page")
    parser.add_argument("--out", type=Path, help="page to write; default: print only the table")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        rows, copied = measure(given.data.resolve(), Path(folder))
    table = "\n".join(aligned([("figure", "value"), *rows], right=(1,)))
    sys.stdout.write(table + "\n")
    if given.out:
        write_text(given.out, PAGE.format(what=given.what, table=table, switches=NUM_SWITCHES, copied=copied / 1e6))
    return 0


def measure(data: Path, root: Path) -> tuple[list[tuple[str, str]], int]:
    """Figures in words, and the bytes that a rollback copies."""
    first = release_of("current", root=data).manifests(root=data)
    sizes = []
    for week in range(NUM_RELEASES):
        make(first, week, data=data, root=root)
        sizes.append(num_bytes_stored(root))
    refresh_copies(root)
    seconds = [seconds_of_switch(root) for _ in range(NUM_SWITCHES)]
    changed = sum(manifest.num_bytes for name, manifest in first.items() if name not in SAME)
    started = time.perf_counter()
    pruned = prune(root, num_kept=1)
    return [
        ("one release, MB", f"{sizes[0] / 1e6:,.0f}"),
        ("each further one, MB", f"{(sizes[-1] - sizes[0]) / 1e6 / (NUM_RELEASES - 1):,.0f}"),
        ("ten releases, MB", f"{sizes[-1] / 1e6:,.0f}"),
        ("ten without sharing, MB", f"{NUM_RELEASES * sizes[0] / 1e6:,.0f}"),
        ("rollback, seconds", f"{statistics.median(seconds):.2f}"),
        (f"prune of {len(pruned.releases)} releases, seconds", f"{time.perf_counter() - started:.2f}"),
    ], changed


def make(first: dict[str, Manifest], week: int, *, data: Path, root: Path) -> None:
    """Record and promote a release whose retrained artefacts differ in a byte that is appended to each part."""
    versions = {}
    for name, manifest in first.items():
        files = dict(variants(manifest, week, data=data, folder=root / "variants"))
        parts = keep_contents(contents_folder(root), files, what=name)
        made = replace(manifest, parts=parts)
        keep_version(made, root=root)
        versions[name] = made.header_sha256
    current = release_of("current", root=data)
    run_id = f"week{week}"
    release = Release(
        new_id(run_id, now=datetime(2026, 1, 5, tzinfo=UTC) + timedelta(weeks=week)),
        run_id,
        versions,
        current.figures,
        current.decision,
    )
    record(release, root=root)
    promote(release, root=root)


def variants(manifest: Manifest, week: int, *, data: Path, folder: Path) -> Iterator[tuple[str, Path]]:
    """Files of a version as a retraining in some week would make them."""
    for part in manifest.parts:
        source = path_of(manifest, part, root=data)
        if manifest.name in SAME:
            yield part, source
        else:
            path = folder / part
            folder.mkdir(exist_ok=True)
            path.write_bytes(source.read_bytes() + bytes([week]))
            yield part, path


def seconds_of_switch(root: Path) -> float:
    """Roll back and forth again: the mean of both."""
    newest = release_of("current", root=root).id
    started = time.perf_counter()
    switch_to("previous", root=root)
    switch_to(newest, root=root)
    return (time.perf_counter() - started) / 2


if __name__ == "__main__":
    sys.exit(main())
