"""A Dagster instance that tests of runs share."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
import yaml

from hgt_repurposing.defs.webhook import WEBHOOK_VARIABLE
from hgt_repurposing_tests.defs.test_webhook import Notifier, notifier

__all__ = ["notifier"]  # a fixture

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def storage() -> Iterator[dg.DagsterInstance]:
    """An instance with the retries that we ship; making one takes a second."""
    shipped = yaml.safe_load((ROOT / "dagster.yaml").read_text(encoding="utf-8"))
    with dg.instance_for_test(overrides={"run_retries": shipped["run_retries"]}) as made:
        yield made


@pytest.fixture
def instance(storage: dg.DagsterInstance) -> dg.DagsterInstance:
    """The instance, which knows of no run."""
    for run in storage.get_runs():
        storage.delete_run(run.run_id)
    return storage


@pytest.fixture
def told(notifier: Notifier, monkeypatch: pytest.MonkeyPatch) -> Notifier:
    """The notifier that the environment names."""
    monkeypatch.setenv(WEBHOOK_VARIABLE, notifier.address)
    return notifier
