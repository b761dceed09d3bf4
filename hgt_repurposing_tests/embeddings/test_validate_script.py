import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hgt_repurposing.embeddings.table import Embeddings, FloatArray32

SCRIPT = Path(__file__).parents[2] / "scripts" / "validate_hgt_embeddings.py"


def written(path: Path, vectors: FloatArray32) -> Path:
    ids = [str(row) for row in range(len(vectors))]
    nodes = pd.DataFrame({"node_id": ids, "node_type": "drug", "node_name": ""}, dtype="str")
    Embeddings(nodes, vectors).to_parts()["hgt_embeddings.csv"].to_csv(path, index=False)
    return path


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, SCRIPT, *arguments], capture_output=True, text=True, check=False)  # noqa: S603


@pytest.fixture
def random_file(tmp_path: Path) -> Path:
    return written(tmp_path / "e.csv.gz", np.random.default_rng(0).standard_normal((200, 32), dtype=np.float32))


def test_good_embeddings_exit_with_status_0_and_a_report_beside_the_file(random_file: Path) -> None:
    result = run(random_file)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.endswith("verdict: good (passed)\n")
    assert json.loads((random_file.parent / "e.validation.json").read_text())["verdict"] == "good"


def test_collapsed_embeddings_exit_with_status_1(tmp_path: Path) -> None:
    path = written(tmp_path / "e.csv", np.tile(np.arange(32, dtype=np.float32), (200, 1)))
    result = run(path, "--json", tmp_path / "elsewhere.json")
    assert result.returncode == 1
    assert json.loads((tmp_path / "elsewhere.json").read_text())["verdict"] == "collapsed"


def test_a_missing_file_exits_with_status_1_and_one_sentence(tmp_path: Path) -> None:
    result = run(tmp_path / "gone.csv")
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == f"no such file: {tmp_path / 'gone.csv'}\n"
    assert not list(tmp_path.iterdir())


def test_the_report_of_a_run_is_not_overwritten(random_file: Path) -> None:
    (random_file.parent / "embedding_validation.manifest.json").write_text("{}")
    assert run(random_file).returncode == 0
    assert not (random_file.parent / "e.validation.json").exists()
    assert (random_file.parent / "e.check.validation.json").exists()


def test_constant_rows_are_explained(tmp_path: Path) -> None:
    vectors = np.random.default_rng(0).standard_normal((200, 32), dtype=np.float32)
    vectors[:50] = 0
    result = run(written(tmp_path / "e.csv", vectors))
    assert result.returncode == 1
    assert "warning: constant rows (50): these are expected for isolated nodes" in result.stdout
    assert result.stdout.endswith("verdict: broken (failed)\n")
