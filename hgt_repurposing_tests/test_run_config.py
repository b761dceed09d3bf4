"""What is wrong with a run configuration is said before anything runs."""

from pathlib import Path

import pytest

import hgt_repurposing
from hgt_repurposing.run_config import complaints

CONFIGS = sorted((Path(hgt_repurposing.__file__).parent / "configs").glob("*.yaml"))
VARIABLES = {"HETIONET_DIR": "anywhere", "PRIMEKG_FILE": "anywhere", "TABLES_DIR": "anywhere"}


def of(asset: str, settings: str) -> str:
    """A configuration that sets something of one asset."""
    return f"ops:\n  {asset}:\n    config: {{{settings}}}\n"


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_nothing_is_wrong_with_what_is_shipped(path: Path) -> None:
    assert complaints(path.read_text(), VARIABLES) == []


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (
            of("embedding_params", "num_epoch: 3"),
            "embedding_params: there is no setting 'num_epoch': did you mean 'num_epochs'?",
        ),
        (
            of("embeding_params", "num_epochs: 3"),
            "there is no asset 'embeding_params': did you mean 'embedding_params'?",
        ),
        (of("repurposing_report", "pages: 3"), "repurposing_report has no settings"),
        (
            of("repurposing_model", "num_trees: -3"),
            "repurposing_model: wrong configuration: num_trees: Input should be greater than or equal to 1 (got -3)",
        ),
        (
            of("embedding_params", "hidden_dim: 100"),
            "embedding_params: wrong configuration: hidden_dim must be divisible by num_heads (got 100 and 8)",
        ),
        (
            of("knowledge_graph", "source: primkg"),
            "knowledge_graph: wrong configuration: source: Input should be 'auto', 'synthetic', 'primekg', 'hetionet' "
            "or 'tables' (got 'primkg')",
        ),
        (
            of("knowledge_graph", "source: tables, path: {env: TABLES_DIR}"),
            "knowledge_graph: path is read from the environment variable TABLES_DIR, which is not set",
        ),
        (
            of("knowledge_graph", "path: my_tables"),
            "knowledge_graph: wrong configuration: path 'my_tables' is given, but source: auto is the generated "
            "graph and reads no file: set source to the format of your files, primekg, hetionet, tables",
        ),
        ("op:\n  knowledge_graph: {}\n", "there is no section 'op': did you mean 'ops'?"),
        ("ops:\n  knowledge_graph:\n    source: tables\n",
         "knowledge_graph must hold 'config' and below it the settings (got {'source': 'tables'})"),
        ("ops: 3", "ops must hold the names of assets (got 3)"),
        ("", "it must hold the section 'ops' (got None)"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_sentence_that_says_where(text: str, complaint: str) -> None:
    assert complaints(text, {}) == [complaint]


@pytest.mark.parametrize("text", ["ops:", "ops: {}", "ops: {knowledge_graph: }", "ops: {knowledge_graph: {config: }}"])
def test_what_says_nothing_takes_the_defaults(text: str) -> None:
    assert complaints(text, {}) == []


def test_what_is_no_yaml_is_named_by_line() -> None:
    (said,) = complaints("ops:\n\tknowledge_graph: 3\n", {})
    assert said.startswith("it is not YAML:")
    assert "line 2" in said


def test_every_mistake_is_said_at_once() -> None:
    text = of("repurposing_model", "num_trees: -3, inner_fold: 2") + "opps: {}\n"
    assert len(complaints(text, {})) == 3
