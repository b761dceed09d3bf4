"""The results that people read: those of the current release."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from hgt_repurposing.repurposing.candidates import Side
from hgt_repurposing.repurposing.score_grid import BY_DISEASE, BY_DRUG
from hgt_repurposing.storage.artifacts import read_rows
from hgt_repurposing.storage.catalog import PLACES, is_there, lineage, manifest_of, path_of
from hgt_repurposing.storage.copies import refresh_copies
from hgt_repurposing.storage.manifest import Manifest, MissingArtifactError
from hgt_repurposing.storage.releases import all_releases, current, release_of

CANDIDATES, EVALUATION = "repurposing_candidates", "repurposing_evaluation"
SCORES = "repurposing_scores"


def current_results(root: Path) -> Mapping[str, Manifest]:
    """As `results_as_they_are`; the files that people open are made those of the current release.

    Raises:
        MissingArtifactError: If there is no list of candidates.
        UnreadableArtifactError: If a manifest is damaged.
    """
    refresh_copies(root)
    return results_as_they_are(root)


def results_as_they_are(root: Path) -> Mapping[str, Manifest]:
    """Versions of the current release; as long as there is none, the newest ones. Nothing is written.

    Raises:
        MissingArtifactError: If there is no list of candidates.
        UnreadableArtifactError: If a manifest is damaged.
    """
    now = current(root).id
    if now is not None:
        found = release_of(now, root=root).manifests(root=root)
        if CANDIDATES not in found:
            raise MissingArtifactError(f"the current release {now} has no {CANDIDATES}", name=CANDIDATES)
        return found
    found = {name: manifest_of(name, root=root) for name in PLACES if is_there(name, root=root)}
    return found if CANDIDATES in found else {CANDIDATES: manifest_of(CANDIDATES, root=root)}


def scores_of(side: Side, node_id: str, manifests: Mapping[str, Manifest], *, root: Path) -> pd.DataFrame:
    """Scores of all pairs of one drug or disease, in the order of the other side's nodes.

    Raises:
        MissingArtifactError: If there are none.
        UnreadableArtifactError: If they are damaged.
        MismatchError: If they were made otherwise than the lists.
    """
    if SCORES not in manifests:
        raise MissingArtifactError(f"these results have no {SCORES}", name=SCORES)
    manifest, part = manifests[SCORES], BY_DISEASE if side == "disease" else BY_DRUG
    lineage([manifests[CANDIDATES], manifest])
    return read_rows(path_of(manifest, part, root=root), manifest, part, column=f"{side}_id", value=node_id)


def notes_on_release(root: Path, manifests: Mapping[str, Manifest]) -> list[str]:
    """Warnings: whether there are newer releases than the one shown, or results of several runs."""
    now = current(root).id
    if now is not None:
        newer = [release.id for release in all_releases(root) if release.id > now]
        said = (
            f"NOTE: newer releases are not the current one ({', '.join(newer)}): hgt-repurposing releases list says why"
        )
        return [said] if newer else []
    digests = {name: manifest.digest for name, manifest in manifests.items()}
    mixed = {
        name: [made_of for made_of, digest in manifest.lineage.items() if digests.get(made_of, digest) != digest]
        for name, manifest in manifests.items()
        if name in (CANDIDATES, EVALUATION)
    }
    return [
        f"WARNING: this folder mixes results of several runs; newer than {name}: {', '.join(newer)}"
        for name, newer in mixed.items()
        if newer
    ]
