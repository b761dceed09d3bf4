"""A whole release for the tests of the explorer, made once."""

from pathlib import Path

import pytest

from hgt_repurposing_tests.explorer.folders import whole_release


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its data folder; not to be changed."""
    root = tmp_path_factory.mktemp("whole")
    whole_release(root)
    return root
