"""What is wrong with a run configuration is said before anything runs, and by everybody in the same way."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from pydantic import BaseModel

import hgt_repurposing
from hgt_repurposing.definitions import defs
from hgt_repurposing.defs import config as launch
from hgt_repurposing.defs.checking import refusals
from hgt_repurposing.defs.run_config import SETTINGS, complaints, settings_of
from hgt_repurposing.defs.session import RunFacts, RunSession
from hgt_repurposing.defs.yaml_config import read_run_config

CONFIGS = sorted((Path(hgt_repurposing.__file__).parent / "configs").glob("*.yaml"))
VARIABLES = {
    "HETIONET_DIR": "/anywhere",
    "DRKG_DIR": "/anywhere",
    "PRIMEKG_FILE": "/anywhere",
    "TABLES_DIR": "/anywhere",
}


def of(asset: str, settings: str) -> str:
    """A configuration that sets something of one asset."""
    return f"ops:\n  {asset}:\n    config: {{{settings}}}\n"


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_nothing_is_wrong_with_what_is_shipped(path: Path) -> None:
    assert complaints(read_run_config(path.read_text()), VARIABLES) == []


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
            "repurposing_model: invalid configuration: num_trees: Input should be greater than or equal to 1 (got -3)",
        ),
        (
            of("embedding_params", "hidden_dim: 100"),
            "embedding_params: invalid configuration: hidden_dim must be divisible by num_heads (got 100 and 8)",
        ),
        (
            of("knowledge_graph", "source: primkg"),
            "knowledge_graph: invalid configuration: source: Input should be 'auto', 'synthetic', 'primekg', "
            "'hetionet' or 'tables' (got 'primkg')",
        ),
        (
            of("knowledge_graph", "source: tables, path: {env: TABLES_DIR}"),
            "knowledge_graph: path is read from the environment variable TABLES_DIR, which is not set",
        ),
        ("op:\n  knowledge_graph: {}\n", "there is no section 'op': did you mean 'ops'?"),
        ("ops:\n  knowledge_graph:\n    source: tables\n",
         "knowledge_graph must contain 'config' with the settings below it (got {'source': 'tables'})"),
        ("ops: 3", "ops must contain names of assets (got 3)"),
        ("ops:", "ops is empty: remove it, or write its settings below it"),
        ("ops: {knowledge_graph: }",
         "knowledge_graph must contain 'config' with the settings below it (got None)"),
        ("ops: {knowledge_graph: {config: }}",
         "knowledge_graph: config is empty: remove knowledge_graph, or write its settings below config"),
        ("ops: {knowledge_graph: {config: [1]}}", "knowledge_graph: config must contain settings (got [1])"),
        ("execution: {config: {in_process: {}, multiprocess: {}}}",
         "execution must contain 'config' with either in_process or multiprocess "
         "(got {'config': {'in_process': {}, 'multiprocess': {}}})"),
        ("loggers: {console: {config: {log_level: INFO}}}",
         "loggers may only contain console, without settings (got {'console': {'config': {'log_level': 'INFO'}}})"),
        ("resources: {stor: {config: {}}}", "there is no resource 'stor': did you mean 'store'?"),
        ("resources: {store: {config: {folder: /a}}}",
         "store: there is no setting 'folder': did you mean 'data_folder'?"),
        ("resources: {store: {config: {data_folder: a}}}",
         "store: data_folder must be an absolute path, the same for every process (got 'a')"),
        ("resources: {io_manager: {config: {data_folder: /a}}}",
         "io_manager has no settings: set data_folder of store"),
        (of("embedding_params", "num_epochs: '10'"),
         "embedding_params: invalid configuration: num_epochs: Input should be a valid integer (got '10')"),
        (of("embedding_params", "num_epochs: 10.0"),
         "embedding_params: invalid configuration: num_epochs: Input should be a valid integer (got 10.0)"),
        (of("embedding_params", "gradient_clip: .inf"),
         "embedding_params: invalid configuration: gradient_clip: Input should be a finite number (got inf)"),
        (of("knowledge_graph", "path: /my/graph"),
         "knowledge_graph: invalid configuration: path '/my/graph' is set, but source: auto is the generated "
         "graph and reads no file: set source to the format of your files (primekg, hetionet, tables)"),
        (of("embedding_params", "learning_rate: {env: RATE}"),
         "embedding_params: learning_rate is read from the environment variable RATE, which can only give "
         "text, integers, true and false (got '0.1')"),
        (of("knowledge_graph", "source: tables, path: my/tables"),
         "knowledge_graph: path must be an absolute path, the same for every process (got 'my/tables')"),
        (of("knowledge_graph", "source: tables, not_indicated_pairs: failed.csv"),
         "knowledge_graph: not_indicated_pairs must be an absolute path, the same for every process "
         "(got 'failed.csv')"),
        (of("knowledge_graph", "source: tables, disease_areas: areas.csv"),
         "knowledge_graph: disease_areas must be an absolute path, the same for every process (got 'areas.csv')"),
        (of("drug_disease_split", "external_pairs: mine.csv"),
         "drug_disease_split: external_pairs must be an absolute path, the same for every process "
         "(got 'mine.csv')"),
        (of("drug_disease_split", "external_pairs: [/a.csv, {path: b.csv}]"),
         "drug_disease_split: external_pairs must be an absolute path, the same for every process (got 'b.csv')"),
        (of("drug_disease_split", "external_pairs: {path: /a.csv}"),
         "drug_disease_split: invalid configuration: external_pairs.list: Input should be a valid list "
         "(got {'path': '/a.csv'})"),
        (of("drug_disease_split", "external_pairs: [{path: /a.csv, kep: {}}]"),
         "drug_disease_split: invalid configuration: external_pairs.list.0: there is no setting 'kep' of a file: did "
         "you mean 'keep'? (got {'kep': {}, 'path': '/a.csv'})"),
        (of("drug_disease_split", "external_pairs: [/a/x.csv, /b/x.csv]"),
         "drug_disease_split: invalid configuration: external_pairs: 2 files are called 'x': give each a name of its "
         "own (got ['/a/x.csv', '/b/x.csv'])"),
        (of("drug_disease_split", "external_pairs: [{path: {env: PAIRS_DIR}}]"),
         "drug_disease_split: external_pairs is read from the environment variable PAIRS_DIR, which is not set"),
        (of("drug_disease_split", "kinds: [pair, pair]"),
         "drug_disease_split: invalid configuration: kinds: each split kind may be given only once "
         "(got ['pair', 'pair'])"),
        (of("repurposing_model", "vectors: [hgt, hgt]"),
         "repurposing_model: invalid configuration: vectors: each name may occur only once (got ['hgt', 'hgt'])"),
        (of("repurposing_model", "missing: {pairs: 0.7}"),
         "repurposing_model: invalid configuration: missing.pairs: Input should be less than or equal to 0.5 "
         "(got 0.7)"),
        (of("repurposing_model", "missing: {pairs: 0, diseases: 0, drugs: 0}"),
         "repurposing_model: invalid configuration: missing: at least one share must be 0.01 or more: without missing "
         "treatments there is nothing to look for (got {'diseases': 0, 'drugs': 0, 'pairs': 0})"),
        (of("repurposing_model", "missing: {pair: 0.1}"),
         "repurposing_model: there is no setting of missing 'pair': did you mean 'pairs'?"),
        (of("repurposing_model", "missing: 0.1"),
         "repurposing_model: invalid configuration: missing: Input should be a valid dictionary or instance of "
         "MissingShares (got 0.1)"),
        (of("repurposing_model", "missing: {env: SHARES}"),
         "repurposing_model: missing is read from the environment variable SHARES, which is not set"),
        (of("drug_disease_split", "deployment_folds: -1"),
         "drug_disease_split: invalid configuration: deployment_folds: Input should be greater than or equal to 0 "
         "(got -1)"),
        (of("embedding_params", "num_neighbors: [0]"),
         "embedding_params: invalid configuration: num_neighbors: all values must be positive (got [0])"),
        (of("hetero_data", "therapeutic_edges: train_only, fold: 5"),
         "hetero_data: train_only names a fold that is not held out (disease, repeat 0, fold 5): drug_disease_split "
         "has the kinds disease, pair, drug, disease_group, 1 repeats and 5 folds, counted from 0"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_sentence_that_says_where(text: str, complaint: str) -> None:
    assert complaints(read_run_config(text), {"RATE": "0.1"}) == [complaint]


@pytest.mark.parametrize(
    "text", ["{}", "ops: {}", "ops: {knowledge_graph: {}}", "ops: {knowledge_graph: {config: {}}}"]
)
def test_what_is_left_empty_on_purpose_takes_the_defaults(text: str) -> None:
    assert complaints(read_run_config(text), {}) == []


def test_every_mistake_is_said_at_once() -> None:
    text = of("repurposing_model", "num_trees: -3, inner_fold: 2") + "opps: {}\n"
    assert len(complaints(read_run_config(text), {})) == 3


def test_settings_are_those_given_and_the_defaults() -> None:
    config = read_run_config(of("embedding_params", "num_epochs: {env: N}, num_neighbors: [{env: N}]"))
    params = settings_of("embedding_params", config, {"N": "7"})
    assert (params.num_epochs, params.num_neighbors, params.seed) == (7, [7], 42)
    assert settings_of("store", config).if_busy == "stop"


def test_files_of_external_pairs_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAIRS", "/a/approved.csv")
    entries = "[{path: {env: PAIRS}, keep: {phase: [4]}}]"
    for given in ("{env: PAIRS}", entries):
        config = read_run_config(of("drug_disease_split", f"external_pairs: {given}"))
        settings = settings_of("drug_disease_split", config)
        resolved = dg.validate_run_config(defs.resolve_job_def("repurposing_job"), config)
        launched = launch.DrugDiseaseSplitConfig(**resolved["ops"]["drug_disease_split"]["config"])
        assert settings.external_files == launched.external_files
        assert [file.path for file in launched.external_files] == ["/a/approved.csv"]
    assert launched.external_files[0].keep == {"phase": ["4"]}


def test_shares_of_missing_treatments_are_those_given_and_the_defaults() -> None:
    config = read_run_config(of("repurposing_model", "missing: {diseases: 0.3}"))
    resolved = dg.validate_run_config(defs.resolve_job_def("repurposing_job"), config)
    launched = launch.RepurposingModelConfig(**resolved["ops"]["repurposing_model"]["config"])
    given = settings_of("repurposing_model", config)
    assert launched.model_dump() == given.model_dump()
    assert launched.missing.by_unit == given.missing.by_unit == {"pair": 0.1, "disease": 0.3, "drug": 0.1}


# one validator

VALUES = [
    "3", "-1", "0", "65", "1000000000", "10.0", "0.5", "1e-3", ".nan", ".inf", "'10'", "'x'", "''", "hgt", "true",
    "false", "null", "[]", "[1]", "[10.0]", "[x]", "['1']", "[null]", "{}", "{a: 1}", "{env: N}", "{env: WORD}",
    "{env: TRUE}", "{env: UNSET}", "{env: 3}", "{env: N, more: 1}", "[{env: N}]", "[[1]]", "yes", "'yes'", "1_0",
    "[hgt]", "[pair]", "disease", "edge", "synthetic", "tables", "cpu",
]  # fmt: skip
"""What people may write behind a setting."""
FILES = [
    "[/a.csv]", "[/a.csv, /b.csv]", "[/a.csv, /c/a.csv]", "[a.csv]", "[{path: /a.csv}]", "[{}]", "[{path: ''}]",
    "[{path: 3}]", "[{pth: /a.csv}]", "[{path: {env: WORD}}]", "[{path: {env: UNSET}}]", "[{path: {env: N}}]",
    "[{path: /a, keep: {c: [x]}}]", "[{path: /a, keep: {c: [3]}}]", "[{path: /a, keep: {c: [3.0]}}]",
    "[{path: /a, keep: {c: [true]}}]", "[{path: /a, keep: {c: x}}]", "[{path: /a, keep: [c]}]",
    "[{path: /a, keep: {3: [x]}}]", "[{path: /a, keep: null}]", "[{path: /a, negative: {c: [x]}, name: n}]",
    "[{path: /a, ids: names}]", "[{path: /a, ids: name}]", "[{path: /a, date_column: d, after: 2020}]",
    "[{path: /a, date_column: d, after: 2020-01-31}]", "[{path: /a, date_column: d, after: soon}]",
    "[{path: /a, after: 2020}]", "[{path: /a, drug_column: disease_id}]", "{path: /a}", "[{path: /a, 1: 2}]", "[[/a]]",
]  # fmt: skip
"""What people may write as files of external pairs."""
SHARES = [
    "{pairs: 0.2}", "{pairs: 0}", "{pairs: 1}", "{pairs: 0.5, diseases: 0, drugs: 0.0}", "{drugs: -0.1}",
    "{pairs: 0, diseases: 0, drugs: 0}", "{pairs: 0.001, diseases: 0, drugs: 0}", "{pairs: x}", "{pairs: '0.1'}",
    "{pairs: null}", "{pairs: true}", "{pairs: {env: N}}", "{pairs: {env: UNSET}}", "{pair: 0.1}", "{1: 0.1}",
    "{pairs: .nan}", "{pairs: [0.1]}", "[{pairs: 0.1}]", "{pairs: {}}", "{env: WORD, pairs: 0.1}", "{pairs: 1e-1}",
]  # fmt: skip
"""What people may write as shares of missing treatments."""
WHOLE = [
    "{}", "ops: {}", "ops:", "ops: []", "ops: {knowledge_graph: }", "ops: {knowledge_graph: {}}", "resources:",
    "ops: {knowledge_graph: {config: }}", "ops: {hgt_model: {}}", "ops: {hgt_model: {config: {}}}", "inputs: {}",
    "ops: {hgt_model: {config: {x: 1}}}", "ops: {hgt_model: }", "ops: {embedding_params: {config: {}, outputs: []}}",
    "ops: {embedding_params: {inputs: {}}}", "ops: {1: {}}", "ops: {embedding_params: {config: {1: 2}}}",
    "execution:", "execution: {config: }", "execution: {config: {}}", "execution: {config: {in_process: {}}}",
    "execution: {config: {in_process: }}", "execution: {config: {multiprocess: {max_concurrent: 2}}}",
    "execution: {config: {multiproces: {}}}", "execution: {config: {multiprocess: {max_concurrent: '2'}}}",
    "loggers:", "loggers: {}", "loggers: {console: }", "loggers: {console: {}}", "loggers: {console: {config: {}}}",
    "loggers: {consol: {}}", "loggers: {console: {config: {log_level: INFO}}}", "resources: {}",
    "resources: {store: {}}", "resources: {store: }", "resources: {store: {config: }}", "resources: {stor: {}}",
    "resources: {store: {config: {data_folder: /a}}}", "resources: {store: {config: {data_folder: 3}}}",
    "resources: {store: {config: {data_folder: {env: WORD}}}}", "resources: {store: {config: {if_busy: wait}}}",
    "resources: {store: {config: {if_busy: perhaps}}}", "resources: {io_manager: {config: {data_folder: /a}}}",
    "resources: {io_manager: {}}", "ops: {hetero_data_no_held_out_pair_in_message_graph: {}}", "op: {}",
]  # fmt: skip
"""Whole configurations around the settings."""
ENVIRONMENT = {"N": "3", "WORD": "/word", "TRUE": "true"}


def variants() -> Iterator[str]:
    yield from WHOLE
    yield from (of("drug_disease_split", f"external_pairs: {value}") for value in FILES)
    yield from (of("repurposing_model", f"missing: {value}") for value in SHARES)
    for asset, model in SETTINGS.items():
        for setting in model.model_fields:
            yield from (of(asset, f"{setting}: {value}") for value in VALUES)


LAUNCHED_AS: dict[str, type[BaseModel]] = {
    "knowledge_graph": launch.KnowledgeGraphConfig,
    "drug_disease_split": launch.DrugDiseaseSplitConfig,
    "hetero_data": launch.HeteroDataConfig,
    "embedding_params": launch.EmbeddingParamsConfig,
    "repurposing_model": launch.RepurposingModelConfig,
    "repurposing_candidates": launch.RepurposingCandidatesConfig,
}


def launches(config: dict[str, Any], job: dg.JobDefinition) -> bool:
    """Whether Dagster takes a configuration, and every step its own. Any: what YAML holds."""
    try:
        resolved = dg.validate_run_config(job, config)
        for asset, build in LAUNCHED_AS.items():
            build(**resolved["ops"][asset]["config"])
    except (dg.DagsterInvalidConfigError, dg.Failure):
        return False
    return True


def begins(config: dict[str, Any], root: Path) -> bool:
    """Whether a run goes on after its first look at its configuration. Any: what YAML holds."""
    facts = RunFacts("run", config, frozenset({"embedding_validation"}), has_ended=lambda _: False)
    session = RunSession(facts, root=lambda: root, wait=False)
    try:
        session.begin()
    except ValueError:
        return False
    session.end()
    return True


@pytest.mark.slow
def test_what_check_approves_is_launched_and_what_it_refuses_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("UNSET", raising=False)
    job = defs.resolve_job_def("repurposing_job")
    differ, approved = [], 0
    for text in variants():
        config = read_run_config(text)
        fine = not (complaints(config) or refusals(config, job))
        approved += fine
        runs = begins(config, tmp_path) and launches(config, job)
        if fine != runs:
            differ.append(text)
    assert differ == []
    assert 100 < approved < 1500, "the variants are neither all right nor all wrong"
