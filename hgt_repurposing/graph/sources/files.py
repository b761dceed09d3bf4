"""Which file of a folder is meant, and whether it is what its name says: a text, or one packed by gzip."""

from collections.abc import Sequence
from pathlib import Path

_GZIP_MAGIC = b"\x1f\x8b"
_ZIP_MAGIC = b"PK\x03\x04"
_LISTED = 10  # names of a folder


def find_file(folder: Path, names: Sequence[str]) -> Path:
    """Return the one of these files that the folder holds.

    Raises:
        FileNotFoundError: If the folder does not exist or holds none of them.
        ValueError: If it holds several, or what is given is no folder.
    """
    if folder.is_file():
        raise ValueError(f"{folder}: is a file, where the folder that holds {listed(names)} is meant")
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: there is no such folder (looked there for {listed(names)})")
    found = [name for name in names if (folder / name).exists() or (folder / name).is_symlink()]
    if len(found) > 1:
        raise ValueError(f"{folder}: holds {listed(found)}, of which one is read: move away what is not meant")
    if not found:
        there = sorted(path.name for path in folder.iterdir())
        more = ", ..." if len(there) > _LISTED else ""
        held = f"it holds {listed(there[:_LISTED])}{more}" if there else "it is empty"
        raise FileNotFoundError(f"{folder}: holds no file named {listed(names)}; {held}")
    return folder / found[0]


def require_file(path: Path) -> None:
    """Check that a path leads to a file that is packed as its name says, by gzip or not at all.

    Raises:
        FileNotFoundError: If there is nothing.
        ValueError: If it is a folder or a device, a zip archive, or compressed where its name says otherwise.
    """
    if path.is_dir():
        raise ValueError(f"{path}: is a folder, where a file is meant")
    if path.is_symlink() and not path.exists():
        raise FileNotFoundError(f"{path}: is a link to {path.readlink()}, which does not exist")
    if not path.exists():
        raise FileNotFoundError(f"{path}: there is no such file")
    if not path.is_file():
        raise ValueError(f"{path}: is a pipe or a device, where a file is meant")
    with path.open("rb") as raw:
        magic = raw.read(len(_ZIP_MAGIC))
    if magic == _ZIP_MAGIC:
        raise ValueError(f"{path}: is a zip archive (as workbooks are), where a text is meant: unpack or export it")
    packed = magic.startswith(_GZIP_MAGIC)
    if magic and path.suffix == ".gz" and not packed:
        raise ValueError(f"{path}: is named .gz but is not gzip-compressed")
    if packed and path.suffix != ".gz":
        raise ValueError(f"{path}: is gzip-compressed, but its name does not end in .gz")


def listed(names: Sequence[str]) -> str:
    """Names in quotes, with commas between them."""
    return ", ".join(map(repr, names))
