"""Switching releases in the browser: the same as `hgt-repurposing releases promote` and `rollback`."""

import dagster as dg

from hgt_repurposing.defs.errors import clear_errors
from hgt_repurposing.defs.resources import ArtifactStore
from hgt_repurposing.storage.catalog import data_folder
from hgt_repurposing.storage.copies import switch_to


class PromotedRelease(dg.Config):
    """Which release becomes the current one."""

    release: str = "previous"
    """Its id, the beginning of one, or previous, newest."""


@dg.op(description="Make a release the current one, whatever was decided about it, and copy its files.")
def make_current(context: dg.OpExecutionContext, config: PromotedRelease, store: ArtifactStore) -> None:
    """Switch in the data folder of `store`, as of any run, and say what the current release is now."""
    with clear_errors():
        root = data_folder(store.data_folder)
        now = switch_to(config.release, root=root)
    context.log.info("current release of %s: %s", root, now.id)


@dg.job(description="Make a release the current one; by default the one before it, which rolls back.")
def promote_release() -> None:
    """One step."""
    make_current()
