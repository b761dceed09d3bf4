"""The front door: what `import hgt_repurposing as hr` gives, and the tutorial that walks through it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import hgt_repurposing as hr
from hgt_repurposing import api

ROOT = Path(__file__).parents[1]
TUTORIAL = ROOT / "docs" / "tutorial.md"


def test_the_package_offers_the_names_of_the_api() -> None:
    assert hr.__all__ == api.__all__ == dir(hr)
    assert all(getattr(hr, name) is getattr(api, name) for name in hr.__all__)


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'hgt_repurposing' has no attribute 'fit_everything'"):
        hr.fit_everything  # noqa: B018  (looking is what is tested)


def test_the_package_alone_loads_nothing_heavy() -> None:
    code = "import sys, hgt_repurposing; print(sorted({'torch', 'xgboost', 'dagster', 'pandas'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603
    assert done.stdout.strip() == "[]"


@pytest.mark.slow
def test_the_tutorial_runs_and_prints_what_it_says(tmp_path: Path) -> None:
    blocks = re.findall(r"```python\n(.*?)```", TUTORIAL.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert len(blocks) > 3
    script = tmp_path / "tutorial.py"
    script.write_text("\n".join(blocks), encoding="utf-8")
    done = subprocess.run([sys.executable, str(script)], cwd=tmp_path, capture_output=True, text=True, check=False)  # noqa: S603
    assert done.returncode == 0, done.stderr
    promised = re.findall(r"```text\n(.*?)```", TUTORIAL.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert promised
    for text in promised:
        for line in text.splitlines():
            assert line.rstrip() in {said.rstrip() for said in done.stdout.splitlines()}, line
