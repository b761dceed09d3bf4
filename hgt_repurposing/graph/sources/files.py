"""Find the file of a folder to read, and check that it is what its name says: plain text or gzip."""

from collections.abc import Sequence
from pathlib import Path

_GZIP_MAGIC = b"\x1f\x8b"
_ZIP_MAGIC = b"PK\x03\x04"
_LISTED = 10  # file names in a message


def find_file(folder: Path, names: Sequence[str]) -> Path:
    """Return the only one of these files in the folder.

    Raises:
        FileNotFoundError: If the folder does not exist or contains none of them.
        ValueError: If it contains several, or is not a folder.
    """
    if folder.is_file():
        raise ValueError(f"{folder}: is a file, expected the folder that contains {listed(names)}")
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: no such folder (expected to contain {listed(names)})")
    found = [name for name in names if (folder / name).exists() or (folder / name).is_symlink()]
    if len(found) > 1:
        raise ValueError(f"{folder}: contains {listed(found)}, but only one can be read: move the others away")
    if not found:
        there = sorted(path.name for path in folder.iterdir())
        more = ", ..." if len(there) > _LISTED else ""
        held = f"it contains {listed(there[:_LISTED])}{more}" if there else "it is empty"
        raise FileNotFoundError(f"{folder}: contains no file named {listed(names)}; {held}")
    return folder / found[0]


def require_file(path: Path) -> None:
    """Check that a path is a file, gzip-compressed if and only if its name says so.

    Raises:
        FileNotFoundError: If it does not exist.
        ValueError: If it is a folder, a device or a zip archive, or its compression does not match its name.
    """
    if path.is_dir():
        raise ValueError(f"{path}: is a folder, expected a file")
    if path.is_symlink() and not path.exists():
        raise FileNotFoundError(f"{path}: is a link to {path.readlink()}, which does not exist")
    if not path.exists():
        raise FileNotFoundError(f"{path}: no such file")
    if not path.is_file():
        raise ValueError(f"{path}: is a pipe or a device, expected a file")
    with path.open("rb") as raw:
        magic = raw.read(len(_ZIP_MAGIC))
    if magic == _ZIP_MAGIC:
        raise ValueError(f"{path}: is a zip archive (as workbooks are), expected a text file: unpack or export it")
    packed = magic.startswith(_GZIP_MAGIC)
    if magic and path.suffix == ".gz" and not packed:
        raise ValueError(f"{path}: is named .gz but is not gzip-compressed")
    if packed and path.suffix != ".gz":
        raise ValueError(f"{path}: is gzip-compressed, but its name does not end in .gz")


def listed(names: Sequence[str]) -> str:
    """Quoted names, separated by commas."""
    return ", ".join(map(repr, names))
