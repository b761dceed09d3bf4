"""What Dagster's UI marks as stale: what was made from other content than lies there now, and nothing else."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.definitions.data_version import CachingStaleStatusResolver, StaleStatus
from dagster._core.loader import LoadingContextForTest

from hgt_repurposing.definitions import defs
from hgt_repurposing.defs import assets
from hgt_repurposing.defs.resources import ArtifactStore, artifact_io_manager
from hgt_repurposing.storage.catalog import manifest_of
from hgt_repurposing_tests.defs.test_runs import ALL, SMALL, failures

CHAIN = [
    assets.embedding_params,
    assets.knowledge_graph,
    assets.drug_disease_split,
    assets.hetero_data,
    assets.hgt_model,
    assets.hgt_embeddings,
]
NAMES = {asset.key.to_user_string() for asset in CHAIN}


class Project:
    """A data folder and what Dagster remembers of it."""

    def __init__(self, root: Path, instance: dg.DagsterInstance) -> None:
        self.root = root
        self.instance = instance

    def make(self, made: list[dg.AssetsDefinition], graph: dict[str, Any] | None = None) -> None:
        """Materialise some assets. Any: settings of the graph."""
        config = {"embedding_params": SMALL["embedding_params"], "knowledge_graph": {"config": graph or {}}}
        names = {asset.key.to_user_string() for asset in made}
        result = dg.materialize(
            ALL,
            selection=made,
            instance=self.instance,
            resources={"store": ArtifactStore(data_folder=str(self.root)), "io_manager": artifact_io_manager},
            run_config={"ops": {name: settings for name, settings in config.items() if name in names}},
            raise_on_error=False,
        )
        assert result.success, failures(result)

    def version(self, asset: str) -> str:
        """The data version of the latest materialisation."""
        record = self.instance.get_latest_materialization_event(dg.AssetKey(asset))
        assert record is not None
        assert record.asset_materialization is not None
        return str((record.asset_materialization.tags or {})["dagster/data_version"])

    def stale(self) -> set[str]:
        """Which assets of the chain the UI marks."""
        graph = defs.resolve_asset_graph()
        resolver = CachingStaleStatusResolver(self.instance, graph, LoadingContextForTest(self.instance))
        return {name for name in NAMES if resolver.get_status(dg.AssetKey(name)) is not StaleStatus.FRESH}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """After a run up to the embeddings."""
    with dg.DagsterInstance.ephemeral() as instance:
        made = Project(tmp_path_factory.mktemp("stale"), instance)
        made.make(CHAIN)
        yield made


def test_the_data_version_is_the_digest_of_the_artefact(project: Project) -> None:
    assert {name: project.version(name) for name in NAMES} == {
        name: manifest_of(name, root=project.root).digest for name in NAMES
    }


@pytest.mark.slow
@pytest.mark.parametrize("again", CHAIN, ids=lambda asset: str(asset.key.to_user_string()))
def test_what_is_made_again_with_equal_content_makes_nothing_stale(
    project: Project, again: dg.AssetsDefinition
) -> None:
    project.make([again])
    assert project.stale() == set()


def test_another_graph_makes_stale_what_was_made_from_it_until_the_old_one_is_back(project: Project) -> None:
    project.make([assets.knowledge_graph], {"source": "synthetic", "seed": 7})
    assert project.stale() == {"drug_disease_split", "hetero_data", "hgt_embeddings"}
    project.make([assets.knowledge_graph])
    assert project.stale() == set()
