"""Switching releases in the browser: the same as `hgt-repurposing releases promote` and `rollback`."""

import dagster as dg

from hgt_repurposing.defs.errors import clear_errors
from hgt_repurposing.storage.catalog import data_folder
from hgt_repurposing.storage.copies import switch_to


class PromotedRelease(dg.Config):
    """Which release becomes the current one."""

    release: str = "previous"
    """Its id, the beginning of one, or previous, newest."""
    data_folder: str = ""
    """Empty: that of the environment."""


@dg.op(description="Make a release the current one, whatever was decided about it, and copy its files.")
def make_current(context: dg.OpExecutionContext, config: PromotedRelease) -> None:
    """Switch, and say what the current release is now."""
    with clear_errors():
        now = switch_to(config.release, root=data_folder(config.data_folder))
    context.log.info("current release: %s", now.id)


@dg.job(description="Make a release the current one; by default the one before it, which rolls back.")
def promote_release() -> None:
    """One step."""
    make_current()
