"""The rules of the house that one import, one call or one file name can break."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from hgt_repurposing.storage.catalog import PLACES, Place

ROOT = Path(__file__).parents[1]
PACKAGE = "hgt_repurposing"

LAYERS = (
    ("graph.schema", "by_path", "mismatch", "process_memory", "table_schema", "text_table", "threads"),
    ("graph",),
    ("sampling", "model", "metrics", "baselines"),
    ("training", "embeddings", "repurposing"),
    ("benchmark",),
    ("storage",),
    ("report", "explorer", "api"),
    (
        "cli",
        "cli_errors",
        "cli_explore",
        "cli_export",
        "cli_filters",
        "cli_new_nodes",
        "cli_releases",
        "cli_results",
        "definitions",
        "defs",
    ),
)
"""From the bottom up; imports only point down. A room of the table is a module or a package with all that is in it."""
DAGSTER_LAYER = 7
SIBLING_LAYERS = (2, 3)
"""Here the rooms of one layer do not know each other: siblings meet in data, not in code."""
SHARED_DATA = ("embeddings.table",)
"""What siblings may read of each other: `Embeddings`, a node table with its vectors, is all that repurposing knows of
how vectors come about. The module imports nothing but the names of graph/schema.py."""

HEAVY = ("implicit", "numba", "sklearn", "torch", "torch_geometric", "xgboost")
"""Loaded by the step that needs them: every step's process loads the code location first."""
DAGSTER_WORDS = r"materiali[sz]|\bassets?\b|\bops:|\bdagster\b"
BARRED = ("pickle", "dill", "joblib", "shelve", "marshal")
BARRED_CALLS = ("print", "import_module", "__import__")
WRITERS = (
    "write_text",
    "write_bytes",
    "to_csv",
    "to_parquet",
    "to_pickle",
    "write_csv",
    "write_table",
    "np.save",
    "np.savez",
    "np.savez_compressed",
    "torch.save",
    "save_model",
    "mkstemp",
    "mkdtemp",
)
"""By the last part of what is called, or, where that says too little, by the whole."""
JUNK_ROOMS = ("utils.py", "util.py", "common.py", "helpers.py", "constants.py", "config.py")
SOURCES = ("hgt_repurposing", "hgt_repurposing_tests", "scripts", "docs", ".ci")
"""Folders of the repository whose every file is read; beside them the files at the top."""
ELSEWHERE = tuple(
    map("".join, (("/wo", "rk/"), ("/tm", "p/venv"), ("pypi.", "org"), ("python", "hosted"), ("index-", "url")))
)
"""Places that only one machine knows, and where packages come from, which is the user's own choice; each in halves, or
this file would hold them."""


class Import(NamedTuple):
    """One module of the package taking in another."""

    importer: str
    imported: str
    line: int
    at_load: bool
    """Whether it happens when the importer is loaded, rather than inside a function."""

    def __str__(self) -> str:
        return f"{self.importer}:{self.line} imports {self.imported}"


@cache
def modules() -> dict[str, ast.Module]:
    """Every module of the package by its name inside the package; the package itself is ''."""
    found = {}
    for path in sorted((ROOT / PACKAGE).rglob("*.py")):
        parts = path.relative_to(ROOT / PACKAGE).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found[name] = ast.parse(path.read_text(encoding="utf-8"), str(path))
    return found


def source_of(module: str) -> str:
    """Text of a module."""
    path = (ROOT / PACKAGE).joinpath(*module.split("."))
    return (path / "__init__.py" if path.is_dir() else path.with_suffix(".py")).read_text(encoding="utf-8")


def names_imported(node: ast.AST) -> Iterator[str]:
    """Full names that an import statement may stand for: `from a import b` is a.b where that is a module, else a."""
    match node:
        case ast.Import():
            yield from (alias.name for alias in node.names)
        case ast.ImportFrom():
            assert not node.level, "imports are absolute here"
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                yield full if full.removeprefix(f"{PACKAGE}.") in modules() else str(node.module)


@cache
def imports() -> tuple[Import, ...]:
    """Every import within the package, those inside functions and for the type checker included."""
    found = []
    for importer, tree in modules().items():
        for function_depth, node in walk(tree):
            for name in names_imported(node):
                if name.partition(".")[0] == PACKAGE:
                    imported = name.removeprefix(PACKAGE).removeprefix(".")
                    found.append(Import(importer, imported, getattr(node, "lineno", 0), at_load=not function_depth))
    return tuple(found)


def walk(node: ast.AST, function_depth: int = 0) -> Iterator[tuple[int, ast.AST]]:
    """Every node below, with the number of functions around it."""
    for child in ast.iter_child_nodes(node):
        yield function_depth, child
        inside = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        yield from walk(child, function_depth + inside)


def calls(tree: ast.Module) -> Iterator[tuple[str, ast.Call]]:
    """Every call with what is called: `path.open` of `path.open("w")`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def last_part(name: str) -> str:
    return name.rpartition(".")[2]


FRONT_DOOR = ("", "api")
"""The package hands out the API's names, and loads it when the first one is asked for."""


def room_and_layer(module: str) -> tuple[str, int] | None:
    """The table's entry that a module belongs to; None for a module without a place."""
    for layer, rooms in enumerate(LAYERS):
        for room in rooms:
            if module == room or module.startswith(f"{room}."):
                return room, layer
    return None


def layer_of(module: str) -> int:
    """The package itself, '', lies below everything: whoever imports a module runs its __init__ first."""
    place = room_and_layer(module)
    return place[1] if place else -1


def repository_files() -> Iterator[Path]:
    """Files that a clone brings along."""
    yield from (path for path in ROOT.iterdir() if path.is_file() and path.name != ".git")  # a file in a worktree
    for folder in SOURCES:
        yield from (p for p in (ROOT / folder).rglob("*") if p.is_file() and "__pycache__" not in p.parts)


def writes(name: str) -> bool:
    return name in WRITERS or last_part(name) in WRITERS


def opens_for_writing(name: str, call: ast.Call) -> bool:
    if last_part(name) not in ("open", "fdopen"):
        return False
    given = [*call.args, *(keyword.value for keyword in call.keywords if keyword.arg == "mode")]
    modes = [node.value for node in given if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    return any(re.fullmatch(r"[rwaxbt+]{1,3}", mode) and set(mode) & set("wax+") for mode in modes)


# layers


def test_every_module_has_its_place_in_the_layers() -> None:
    assert [module for module in modules() if module and room_and_layer(module) is None] == []


def test_the_imports_are_found_at_all() -> None:
    assert Import("graph.split", "graph.schema", 19, at_load=True)._replace(line=0) in {
        found._replace(line=0) for found in imports()
    }
    assert any(not found.at_load for found in imports())


def test_imports_only_point_down_the_layers() -> None:
    up = [found for found in imports() if layer_of(found.imported) > layer_of(found.importer)]
    assert [str(found) for found in up if (found.importer, found.imported) != FRONT_DOOR] == []


def test_the_front_door_opens_onto_the_api_alone() -> None:
    assert {found.imported for found in imports() if not found.importer} == {"api"}


def test_siblings_meet_in_data_and_not_in_code() -> None:
    strangers = []
    for found in imports():
        own, other = room_and_layer(found.importer), room_and_layer(found.imported)
        if own and other and own != other and own[1] == other[1] and own[1] in SIBLING_LAYERS:
            strangers.append(found)
    assert [str(found) for found in strangers if found.imported not in SHARED_DATA] == []


@pytest.mark.parametrize("module", SHARED_DATA)
def test_shared_data_knows_nothing_but_names(module: str) -> None:
    assert {found.imported for found in imports() if found.importer == module} <= {"graph.schema"}


def test_artifacts_know_no_type_of_ours() -> None:
    known = {found.imported for found in imports() if found.importer in ("storage.artifacts", "storage.manifest")}
    assert known == {"storage.manifest"}


def test_no_modules_import_each_other_in_a_circle() -> None:
    graph: dict[str, set[str]] = {}
    for found in imports():
        graph.setdefault(found.importer, set()).add(found.imported)
    assert list(TopologicalSorter(graph).static_order())  # raises CycleError with the circle


# Dagster


@pytest.mark.parametrize("library", ["dagster", "typer"])
def test_a_library_of_the_top_layer_is_imported_there_only(library: str) -> None:
    found = [
        f"{module}:{getattr(node, 'lineno', 0)}"
        for module, tree in modules().items()
        for node in ast.walk(tree)
        for name in names_imported(node)
        if re.match(rf"{library}(_\w+)?(\.|$)", name) and layer_of(module) < DAGSTER_LAYER
    ]
    assert found == []


def test_only_what_dagster_offers_its_users_is_used() -> None:
    """Its inner modules, and the step behind a context, may look different in the next release."""
    inside = r"dagster\._|\b_core\b|\bstep_context\b|\b_step_execution_context\b"
    found = [
        f"{module}:{number} {line.strip()}"
        for module in modules()
        for number, line in enumerate(source_of(module).splitlines(), start=1)
        if re.search(inside, line)
    ]
    assert found == []


def test_the_core_does_not_speak_of_dagster() -> None:
    """It names an artefact and what is wrong with it; what to click is added in layer 7."""
    found = [
        f"{module}:{number} {line.strip()}"
        for module in modules()
        if layer_of(module) < DAGSTER_LAYER
        for number, line in enumerate(source_of(module).splitlines(), start=1)
        if re.search(DAGSTER_WORDS, line, flags=re.IGNORECASE)
    ]
    assert found == []


CLI = ("cli", "cli_errors")


def test_the_command_line_loads_without_the_dagster_definitions() -> None:
    above = [found for found in imports() if re.match(r"(definitions|defs)(\.|$)", found.imported)]
    outside = [found for found in above if not re.match(r"(definitions|defs)(\.|$)", found.importer)]
    assert [str(found) for found in outside if found.importer not in CLI or found.at_load] == []


def test_the_code_location_loads_without_its_heavy_libraries() -> None:
    code = f"import sys, hgt_repurposing.definitions; print(sorted(set({HEAVY}) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603
    assert done.stdout.strip() == "[]"


def test_every_file_names_the_same_code_location() -> None:
    entries = yaml.safe_load((ROOT / "workspace.yaml").read_text(encoding="utf-8"))["load_from"]
    modules_given = [entry["python_module"] for entry in entries]  # a name, or a table with one
    named = {given["module_name"] if isinstance(given, dict) else given for given in modules_given}
    tool = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    if "dagster" in tool:
        named.add(tool["dagster"]["module_name"])
    if project := tool.get("dg", {}).get("project"):
        named.add(project.get("code_location_target_module", f"{project['root_module']}.definitions"))
    assert named == {f"{PACKAGE}.definitions"}
    assert "definitions" in modules()


# what is not done here


def test_nothing_is_pickled() -> None:
    found = [
        f"{module}:{getattr(node, 'lineno', 0)} imports {name}"
        for module, tree in modules().items()
        for node in ast.walk(tree)
        for name in names_imported(node)
        if name.partition(".")[0] in BARRED
    ]
    assert found == []


def test_nothing_is_printed_and_no_import_hides_in_a_string() -> None:
    # Parts that load heavy libraries are named by path, so that the code location stays light; see the next two tests.
    found = [
        (module, name)
        for module, tree in modules().items()
        for name, _ in calls(tree)
        if last_part(name) in BARRED_CALLS and (module, name) != ("by_path", "importlib.import_module")
    ]
    assert found == []


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_owners_named_by_path_are_modules_no_higher_than_the_catalog(place: Place) -> None:
    module = place.owner.partition(":")[0]
    assert module in modules()
    assert layer_of(module) <= layer_of("storage.catalog")


def test_what_is_named_by_path_is_no_higher_than_who_names_it() -> None:
    named = {
        (module, str(ast.literal_eval(node.args[0])).partition(":")[0])
        for module, tree in modules().items()
        for name, node in calls(tree)
        if last_part(name) == "by_path" and isinstance(node.args[0], ast.Constant)
    }
    assert {module for module, _ in named} == {"baselines.rules", "baselines.catalogue"}
    assert all(layer_of(target) <= layer_of(module) for module, target in named)


def test_only_threads_starts_pools() -> None:
    found = [
        f"{module}:{call.lineno} calls {name}"
        for module, tree in modules().items()
        for name, call in calls(tree)
        if module != "threads" and last_part(name) in ("ThreadPoolExecutor", "ThreadPool", "ProcessPoolExecutor")
    ]
    assert found == []


def test_only_artifacts_writes_files() -> None:
    found = [
        f"{module}:{call.lineno} calls {name}"
        for module, tree in modules().items()
        for name, call in calls(tree)
        if module != "storage.artifacts" and (writes(name) or opens_for_writing(name, call))
    ]
    assert found == []


# files


@pytest.mark.parametrize("folder", [PACKAGE, "scripts"])
def test_every_module_says_what_it_is_for(folder: str) -> None:
    paths = sorted((ROOT / folder).rglob("*.py"))
    assert paths
    assert [str(p) for p in paths if not ast.get_docstring(ast.parse(p.read_text(encoding="utf-8")))] == []


def test_no_room_is_named_after_nothing() -> None:
    paths = [path.relative_to(ROOT / PACKAGE) for path in (ROOT / PACKAGE).rglob("*.py") if path.name in JUNK_ROOMS]
    assert [str(path) for path in paths if path != Path("defs/config.py")] == []


def test_no_file_names_a_place_of_one_machine_or_a_registry() -> None:
    found = []
    for path in repository_files():
        text = path.read_bytes().decode(errors="ignore")
        found += [f"{path.relative_to(ROOT)} holds {place!r}" for place in ELSEWHERE if place in text]
    assert found == []
