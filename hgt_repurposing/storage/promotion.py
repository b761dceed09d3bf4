"""A finished run becomes a release, and perhaps the current one."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from hgt_repurposing.benchmark.challenge import PromotionPolicy
from hgt_repurposing.benchmark.decision import Decision
from hgt_repurposing.benchmark.gate import decide, declines, losses_of_graph, objections_to
from hgt_repurposing.graph.message_graph import leaked_pairs
from hgt_repurposing.repurposing.list_changes import list_changes
from hgt_repurposing.storage.catalog import PLACES, SAID_ABOUT, is_there, lineage, manifest_of, save
from hgt_repurposing.storage.comparison import compare_releases
from hgt_repurposing.storage.copies import refresh_copies
from hgt_repurposing.storage.manifest import Manifest, UnreadableArtifactError
from hgt_repurposing.storage.released import ReleasedValues
from hgt_repurposing.storage.releases import Release, all_releases, current, new_id, promote, record, release_of
from hgt_repurposing.storage.software import software

logger = logging.getLogger(__name__)


def decide_on(manifests: Mapping[str, Manifest], *, root: Path, policy: PromotionPolicy) -> Decision:
    """Compare what a run has made with the current release.

    Args:
        manifests: A version of every artefact that says what a release is worth, by name.
        root: The data folder.
        policy: When to promote.

    Returns:
        The earlier decision if a release has the very same versions.

    Raises:
        MismatchError: If the versions do not belong together.
        UnreadableArtifactError: If one of them is damaged.
    """
    lineage(manifests.values())
    earlier = _same_release(_versions(manifests), root=root)
    if earlier is not None:
        logger.info(
            "no release is made: release %s has the same versions; the current one is %s", earlier.id, current(root).id
        )
        return decision_of(earlier, root=root)
    values, champion = ReleasedValues(manifests, root), current(root).id
    now, evaluation = values.side, values.evaluation
    if champion is None:
        return decide(
            policy, against=None, objections=objections_to(now, evaluation, None, None, policy), comparisons=[]
        )
    try:
        before = ReleasedValues(release_of(champion, root=root).manifests(root=root), root)
        lists = list_changes(before.candidates, values.candidates)
        losses = losses_of_graph(now, before.side, lists, policy)
        objections = objections_to(now, evaluation, before.side, lists, policy)
        comparisons, notes = compare_releases(before, values, policy)
        objections += declines(comparisons, decisions_before(root), policy)
    except ValueError as error:  # damaged, of an older format, or its settings do not suit the new graph
        logger.warning("the current release %s cannot be compared with: %s", champion, error)
        said = f"it cannot be compared with the current release: {error}"
        return decide(policy, against=champion, objections=[said], comparisons=[])
    return decide(
        policy,
        against=champion,
        losses=losses,
        objections=objections,
        comparisons=comparisons,
        notes=notes,
        changes=lists.table,
    )


def release_run(manifests: Mapping[str, Manifest], *, root: Path, run_id: str, now: datetime) -> Release:
    """Record the versions of a run as a release, and make it the current one if it was so decided.

    Args:
        manifests: A version of every artefact, by name.
        root: The data folder.
        run_id: Of the run.
        now: Becomes part of the release's id.

    Returns:
        The release; an earlier one, which stays what it is, if it has the very same versions.

    Raises:
        MismatchError: If the versions do not belong together.
        UnreadableArtifactError: If one of them is damaged.
    """
    lineage(manifest for name, manifest in manifests.items() if name not in SAID_ABOUT)
    versions = _versions(manifests)
    earlier = _same_release(versions, root=root)
    if earlier is not None:
        _finish(earlier, root=root)
        return earlier
    values = ReleasedValues(manifests, root)
    champion = current(root).id
    decision = values.decision
    if decision.promoted and decision.against != champion:
        reason = f"the current release changed from {decision.against} to {champion} while this was decided"
        decision = replace(decision, promoted=False, reason=reason)
    release = Release(new_id(run_id, now=now), run_id, versions, values.figures(), decision, software())
    record(release, root=root)
    if decision.promoted:
        promote(release, root=root)
        logger.info("release %s is the current one: %s", release.id, decision.reason)
    else:
        logger.warning(
            "release %s is kept aside, %s stays the current one: %s", release.id, champion or "none", decision.reason
        )
    refresh_copies(root)
    return release


def _finish(earlier: Release, *, root: Path) -> None:
    """Promote a release that was recorded as promoted by a run that died before it could do so.

    One that was rolled back from stays where it is.
    """
    now = current(root)
    if earlier.decision.promoted and earlier.decision.against == now.id and not now.knows(earlier.id):
        promote(earlier, root=root)
    refresh_copies(root)


def release_newest(root: Path, *, now: datetime) -> Release:
    """Make the newest version of every artefact a release, by the policy of the last run, as a whole run does.

    Args:
        root: The data folder.
        now: Becomes part of the release's id.

    Raises:
        MissingArtifactError, UnreadableArtifactError: If there is none of some artefact, or a damaged one.
        MismatchError: If they do not belong together.
        ValueError: If the message graph joins a held-out pair.
    """
    names = [name for name in PLACES if name not in SAID_ABOUT]
    manifests = {name: manifest_of(name, root=root) for name in names}
    _require_no_leak(ReleasedValues(manifests, root))
    decision = decide_on(manifests, root=root, policy=_last_policy(root))
    inputs = list(manifests.values())
    manifests["release_decision"] = save("release_decision", decision, root=root, config={}, inputs=inputs)
    report = manifest_of("repurposing_report", root=root) if is_there("repurposing_report", root=root) else None
    if report is not None and _fits(report, inputs):
        manifests["repurposing_report"] = report
    return release_run(manifests, root=root, run_id="byhand", now=now)


def _last_policy(root: Path) -> PromotionPolicy:
    """That of the newest decision; the default one if there is none."""
    if not is_there("release_decision", root=root):
        return PromotionPolicy()
    return PromotionPolicy.model_validate(dict(manifest_of("release_decision", root=root).config))


def _require_no_leak(values: ReleasedValues) -> None:
    """The check that stops a run; artefacts that were made one by one may have been stored in spite of it."""
    from hgt_repurposing.graph.hetero_data import edge_arrays, scope_of  # noqa: PLC0415  (loads torch)

    data = values.message_graph
    scope = scope_of(data)
    ends = {"drug": data.drug_type, "disease": data.disease_type}
    leaks = leaked_pairs(edge_arrays(data), values.split, **ends, key=scope.fold if scope else None)
    if len(leaks):
        raise ValueError(
            f"{len(leaks)} edges of the message graph join a held-out drug and disease: no release is made"
        )


def _fits(manifest: Manifest, others: Iterable[Manifest]) -> bool:
    """Whether all it was made from is among these, what is said about a release left out."""
    digests = {other.name: other.digest for other in others}
    return all(digests.get(name) == digest for name, digest in manifest.lineage.items() if name not in SAID_ABOUT)


def decision_of(release: Release, *, root: Path) -> Decision:
    """What was decided about a release, with the changes of the lists; raises as `read_version`."""
    try:
        return ReleasedValues(release.manifests(root=root), root).decision
    except UnreadableArtifactError:  # adopted, or of an older format
        return release.decision


def decisions_before(root: Path) -> list[Decision]:
    """Those about the current release and the ones it came from, the newest first, each compared with the next one.

    What a person decided ends the list: a release that was promoted against the decision, or over another release.
    """
    now, releases = current(root), {release.id: release for release in all_releases(root)}
    found: list[Decision] = []
    for release_id in [now.id, *reversed(now.before)]:
        release = releases.get(release_id or "")
        if release is None or not release.decision.promoted or (found and found[-1].against != release_id):
            break
        found.append(release.decision)
    return found


def _versions(manifests: Mapping[str, Manifest]) -> dict[str, str]:
    return {name: manifest.header_sha256 for name, manifest in manifests.items()}


def _same_release(versions: Mapping[str, str], *, root: Path) -> Release | None:
    """The newest release with the same versions, but of what is said about it."""
    wanted = _substance(versions)
    return next((found for found in reversed(all_releases(root)) if _substance(found.versions) == wanted), None)


def _substance(versions: Mapping[str, str]) -> dict[str, str]:
    return {name: version for name, version in versions.items() if name not in SAID_ABOUT}
