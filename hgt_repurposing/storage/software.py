"""Which code and which libraries a result was made with."""

import hashlib
import importlib.metadata
import platform
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

from hgt_repurposing.storage.manifest import PACKAGE

LIBRARIES = ("numpy", "pandas", "pyarrow", "scikit-learn", "torch", "torch_geometric", "xgboost")
"""Those whose versions a release names."""
SOURCES = (".py", ".html", ".css", ".js")


@cache
def code_digest() -> str:
    """SHA-256 of this package's source files: any edit, between releases of the package too, is another code."""
    found = hashlib.sha256()
    for name, file in sorted(_sources(files(PACKAGE), "")):
        found.update(f"{name} {hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode())
    return found.hexdigest()


def software() -> dict[str, str]:
    """Versions of Python, of this package and of the libraries whose figures may differ between versions."""
    versions = {library: importlib.metadata.version(library) for library in LIBRARIES}
    return {
        "python": platform.python_version(),
        PACKAGE: importlib.metadata.version(PACKAGE),
        "code": code_digest()[:12],
        **versions,
    }


def _sources(folder: Traversable, prefix: str) -> list[tuple[str, Traversable]]:
    """Source files below a folder, each with its path in it."""
    found: list[tuple[str, Traversable]] = []
    for entry in folder.iterdir():
        name = f"{prefix}{entry.name}"
        if entry.is_dir():
            found += _sources(entry, f"{name}/")
        elif name.endswith(SOURCES):
            found.append((name, entry))
    return found
