"""Artefacts on disk: parts of a few formats under one manifest. The only module that opens files for writing.

An artefact is a set of parts and a manifest (`manifest.py`). Parts lie beside their manifest under their own names, or
once for all artefacts under their SHA-256 (`write_contents`). They are written to a hidden folder in the same place and
renamed, the manifest last. So files without a manifest are not an artefact, and files that do not match their manifest
are refused by name.

The suffix of a part's name decides its format: `.parquet` and `.csv` a table, `.npz` named arrays, `.json` a JSON
value, `.html` text, anything else bytes. Nothing is pickled. A `.parquet` part may be given block by block, by an
iterator of tables: each becomes a row group, so that a few rows can be read without the rest (`read_rows`).
"""

import hashlib
import json
import os
import shutil
import tarfile
import tempfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any, TextIO

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute
import pyarrow.csv
import pyarrow.parquet

from hgt_repurposing.storage.manifest import (
    Manifest,
    Provenance,
    UnreadableArtifactError,
    header_of,
    manifest_path,
    read_manifest,
)


def write_artifact(folder: Path, name: str, parts: Mapping[str, Any], provenance: Provenance) -> Manifest:
    """Write all parts, or none.

    Args:
        folder: Created if absent; several artefacts may share it.
        name: Name of the artefact and of its manifest.
        parts: Part name to value; the name's suffix decides the format. Any: a value of one of the formats above.
        provenance: Written to the header.

    Raises:
        TypeError, ValueError: If a value does not fit the format of its part.
    """
    folder.mkdir(parents=True, exist_ok=True)
    header_path = manifest_path(folder, name)
    stale = _parts_of_earlier_write(header_path) - set(parts)
    with _staging(folder, name) as staging:
        _write_parts(staging, parts, what=f"{name!r} to {folder}")
        manifest = header_of(name, {part: _entry(staging / part) for part in parts}, provenance)
        header_path.unlink(missing_ok=True)
        for part in parts:
            os.replace(staging / part, folder / part)  # noqa: PTH105  (atomic)
        for part in stale:
            (folder / part).unlink(missing_ok=True)
        write_header(header_path, manifest)
    return manifest


def write_header(path: Path, manifest: Manifest) -> None:
    """Write a manifest atomically."""
    write_json(path, {**vars(manifest), "digest": manifest.digest, "header_sha256": manifest.header_sha256})


def write_contents(folder: Path, parts: Mapping[str, Any], *, what: str) -> dict[str, dict[str, Any]]:
    """Write parts into a folder in which each content lies once, under its SHA-256.

    Args:
        folder: Created if absent.
        parts: As for `write_artifact`.
        what: Name for errors.

    Returns:
        `bytes` and `sha256` of each part. Any: these two.

    Raises:
        TypeError, ValueError: If a value does not fit the format of its part.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with _staging(folder, what) as staging:
        _write_parts(staging, parts, what=repr(what))
        return {part: _keep(folder, staging / part) for part in parts}


def keep_contents(folder: Path, files: Mapping[str, Path], *, what: str) -> dict[str, dict[str, Any]]:
    """Copy files into a folder of contents; the rest as in `write_contents`."""
    folder.mkdir(parents=True, exist_ok=True)
    with _staging(folder, what) as staging:
        for part, file in files.items():
            shutil.copyfile(file, staging / part)
        return {part: _keep(folder, staging / part) for part in files}


def content_path(folder: Path, part: str, sha256: str) -> Path:
    """Where a part lies in a folder of contents."""
    return folder / sha256[:2] / f"{sha256}{Path(part).suffix}"


def copy_content(source: Path, target: Path) -> None:
    """Copy a file atomically with its time; nothing happens if the target has the same size and time already."""
    there = target.stat() if target.exists() else None
    wanted = source.stat()
    if there and (there.st_size, there.st_mtime_ns) == (wanted.st_size, wanted.st_mtime_ns):
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    with _staging(target.parent, target.name) as staging:
        shutil.copyfile(source, staging / target.name)
        os.utime(staging / target.name, ns=(wanted.st_atime_ns, wanted.st_mtime_ns))
        os.replace(staging / target.name, target)  # noqa: PTH105


def read_artifact(folder: Path, name: str) -> dict[str, Any]:
    """Read every part of an artefact, each checked against the manifest. Any: a value of one of the part formats.

    Raises:
        FileNotFoundError: If the artefact was never written.
        UnreadableArtifactError: If its format version differs, or a part is missing, truncated or changed.
    """
    return read_parts(folder, read_manifest(folder, name))


def read_parts(folder: Path, manifest: Manifest) -> dict[str, Any]:
    """Read exactly the parts that a manifest describes. Any: a value of one of the part formats.

    Raises:
        UnreadableArtifactError: If a part is missing, truncated or changed.
    """
    return {part: read_part(folder / part, manifest, part) for part in manifest.parts}


def read_part(path: Path, manifest: Manifest, part: str) -> Any:
    """Read one part that a manifest describes; raises as `read_parts`. Any: a value of one of the part formats."""
    entry, name = manifest.parts[part], manifest.name
    if not path.exists():
        raise UnreadableArtifactError(f"artefact {name!r} is incomplete: {path} is missing", name=name)
    if path.stat().st_size != entry["bytes"] or _sha256(path) != entry["sha256"]:
        raise UnreadableArtifactError(
            f"artefact {name!r} is damaged: {path} does not match its manifest "
            f"({path.stat().st_size} bytes, expected {entry['bytes']})",
            name=name,
        )
    match path.suffix:
        case ".parquet":
            return pd.read_parquet(path)
        case ".csv":
            return path  # for people and other tools; this package reads the Parquet file or the arrays
        case ".npz":
            with np.load(path, allow_pickle=False) as arrays:
                return dict(arrays)
        case ".json":
            return json.loads(path.read_text(encoding="utf-8"))
        case ".html":
            return path.read_bytes().decode("utf-8")
        case _:
            return path.read_bytes()


def read_rows(path: Path, manifest: Manifest, part: str, *, column: str, value: str) -> pd.DataFrame:
    """The rows of a part with one value in a column, by which it is sorted; nothing else is read.

    Only their own pages are checked, not the whole part.

    Raises:
        UnreadableArtifactError: If the part is missing or of another size, or what is read of it is damaged.
    """
    name, entry = manifest.name, manifest.parts[part]
    if not path.exists() or path.stat().st_size != entry["bytes"]:
        raise UnreadableArtifactError(f"artefact {name!r} is incomplete: {path} is missing or truncated", name=name)
    try:
        with pa.parquet.ParquetFile(path, page_checksum_verification=True) as file:
            found = file.read_row_groups(_row_groups_with(file.metadata, column, value))
        found = found.filter(pa.compute.field(column) == value)
    except (OSError, pa.ArrowInvalid) as error:
        raise UnreadableArtifactError(f"artefact {name!r} is damaged: {path} ({error})", name=name) from error
    rows: pd.DataFrame = found.to_pandas()
    return rows


def _row_groups_with(metadata: pa.parquet.FileMetaData, column: str, value: str) -> list[int]:
    """Row groups that may have a value, by their least and greatest; pyarrow's filters ignore both for coded text."""
    place = metadata.schema.names.index(column)
    bounds = (
        (number, metadata.row_group(number).column(place).statistics) for number in range(metadata.num_row_groups)
    )
    return [number for number, of in bounds if of is None or not of.has_min_max or of.min <= value <= of.max]


def remove_artifact(folder: Path, name: str) -> None:
    """Remove an artefact, or the remains of a killed write, together with its folder, which it must not share.

    The manifest is removed first, so that an incomplete removal leaves no artefact.
    """
    manifest_path(folder, name).unlink(missing_ok=True)
    shutil.rmtree(folder)


def remove_leftovers(folder: Path, name: str) -> None:
    """Remove the hidden folders that killed writes of an artefact left behind; an empty name: of any artefact."""
    for staging in folder.glob(f".{name}.*" if name else ".*"):
        shutil.rmtree(staging)


def read_json(path: Path) -> Any:
    """A JSON value, None if the file is not there or holds something else. Any: a JSON value."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None


def write_json(path: Path, value: Any) -> None:
    """Write one JSON file atomically. Any: a JSON value."""
    write_text(path, _dump_json(value))


def write_text(path: Path, text: str) -> None:
    """Write one text file atomically; its folder is created if absent."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with _staging(path.parent, path.name) as staging:
        (staging / path.name).write_text(text, encoding="utf-8")
        _flush(staging / path.name)
        os.replace(staging / path.name, path)  # noqa: PTH105


def write_lines(path: Path, lines: Iterable[str]) -> None:
    """Write one text file atomically, piece by piece; its folder is created if absent. Lines: with their ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with _staging(path.parent, path.name) as staging:
        with (staging / path.name).open("w", encoding="utf-8", newline="") as file:
            file.writelines(lines)
        os.replace(staging / path.name, path)  # noqa: PTH105


def write_parquet(path: Path, table: pd.DataFrame, *, said: Mapping[str, str]) -> None:
    """Write one Parquet file atomically; its folder is created if absent.

    Args:
        path: The file.
        table: The rows.
        said: Written to the metadata of the schema, and to the attributes (`attrs`) with which pandas reads the table.
    """
    arrow = pa.Table.from_pandas(table, preserve_index=False)
    metadata = {**(arrow.schema.metadata or {}), **said, "PANDAS_ATTRS": json.dumps(dict(said))}
    path.parent.mkdir(parents=True, exist_ok=True)
    with _staging(path.parent, path.name) as staging:
        pa.parquet.write_table(arrow.replace_schema_metadata(metadata), staging / path.name)
        os.replace(staging / path.name, path)  # noqa: PTH105


def write_workbook(path: Path, sheets: Mapping[str, Sequence[Sequence[Any]]]) -> None:
    """Write one Excel workbook atomically; its folder is created if absent.

    A text stays a text, whatever it begins with: no cell is a formula.

    Args:
        path: The file.
        sheets: By name; the first row of each is its heading. Any: text, numbers, truth values and None.
    """
    import openpyxl  # noqa: PLC0415  (0.2 s, for this alone)
    from openpyxl.cell import WriteOnlyCell  # noqa: PLC0415

    book = openpyxl.Workbook(write_only=True)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        sheet.freeze_panes = "A2"
        for row in rows:
            cells = []
            for value in row:
                cell = WriteOnlyCell(sheet, value)
                if isinstance(value, str):
                    cell.data_type = "s"
                cells.append(cell)
            sheet.append(cells)
    path.parent.mkdir(parents=True, exist_ok=True)
    with _staging(path.parent, path.name) as staging:
        book.save(staging / path.name)
        os.replace(staging / path.name, path)  # noqa: PTH105


def write_archive(path: Path, files: Mapping[str, Path]) -> None:
    """Write files into one tar archive, atomically; compressed if its name ends in `.gz` or `.tgz`.

    Args:
        path: Its folder is created if absent.
        files: By name within the archive.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with _staging(path.parent, path.name) as staging:
        with tarfile.open(staging / path.name, "w:gz" if path.suffix in (".gz", ".tgz") else "w") as archive:
            for name, file in files.items():
                archive.add(file, arcname=name)
        os.replace(staging / path.name, path)  # noqa: PTH105


@contextmanager
def unpacked(path: Path, *, beside: Path) -> Iterator[Path]:
    """The files of a tar archive in a hidden folder that is removed afterwards.

    Args:
        path: The archive.
        beside: Folder in which the hidden one lies; created if absent.

    Raises:
        ValueError: If it is no archive, or a damaged one, or has entries that would lie elsewhere.
    """
    beside.mkdir(parents=True, exist_ok=True)
    with _staging(beside, path.name) as staging:
        try:
            with tarfile.open(path) as archive:
                for member in archive:
                    _extract(archive, member, staging, path)
        except (tarfile.TarError, EOFError, zlib.error) as error:
            raise ValueError(f"{path} is not a whole tar archive: {error}") from error
        yield staging


def _extract(archive: tarfile.TarFile, member: tarfile.TarInfo, folder: Path, path: Path) -> None:
    """Extract one file below a folder; not by tarfile's filters, which Python has from 3.11.4 on.

    Raises:
        ValueError: If the entry is a link or a device, or would lie elsewhere.
    """
    name = PurePosixPath(member.name)
    if member.isdir():
        return
    source = archive.extractfile(member) if member.isreg() else None
    if source is None or name.is_absolute() or ".." in name.parts:
        raise ValueError(f"{path} is not a backup: its entry {member.name!r} is no file within it")
    target = folder / name
    target.parent.mkdir(parents=True, exist_ok=True)
    with source, target.open("wb") as file:
        shutil.copyfileobj(source, file)


@contextmanager
def open_in_place(path: Path) -> Iterator[TextIO]:
    """Open a text file for reading and writing in place; an empty one is created if absent.

    Only for lock files: a lock is tied to the file itself, which renaming would replace.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    with os.fdopen(descriptor, "r+", encoding="utf-8") as file:
        yield file


@contextmanager
def _staging(folder: Path, name: str) -> Iterator[Path]:
    """A temporary hidden folder on the same disk. Unlike mkstemp's, files in it get the usual permissions."""
    staging = Path(tempfile.mkdtemp(prefix=f".{name}.", dir=folder))
    try:
        yield staging
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _keep(folder: Path, file: Path) -> dict[str, Any]:
    """Move a finished file to its place among contents; an equal one there stays. Any: `bytes` and `sha256`."""
    entry = _entry(file)
    place = content_path(folder, file.name, entry["sha256"])
    if not (place.exists() and _entry(place) == entry):  # a damaged one is replaced
        _flush(file)
        place.parent.mkdir(exist_ok=True)
        os.replace(file, place)  # noqa: PTH105
    return entry


def _flush(file: Path) -> None:
    """Onto the disk, before it is renamed: otherwise a power cut could leave an empty file of its final name."""
    with file.open("rb") as written:
        os.fsync(written.fileno())


def _entry(file: Path) -> dict[str, Any]:
    """Any: `bytes` and `sha256`."""
    return {"bytes": file.stat().st_size, "sha256": _sha256(file)}


def _parts_of_earlier_write(header_path: Path) -> set[str]:
    """Part names, for any format version; none if the manifest is damaged, so that it can be written again."""
    match read_json(header_path):
        case {"parts": dict(parts)}:
            return set(parts)
        case _:
            return set()


def _dump_json(value: Any) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write_parts(folder: Path, parts: Mapping[str, Any], *, what: str) -> None:
    """Write values (Any: of the part formats) under their names; errors say which part."""
    for part, value in parts.items():
        try:
            _write_part(folder / part, value)
        except Exception as error:
            error.add_note(f"while writing {part} of the artefact {what}")
            raise


def _write_blocks(path: Path, blocks: Iterator[pd.DataFrame]) -> None:
    """At least one table, all with the same columns; text in dictionaries, numbers byte by byte, which packs well."""
    first = pa.Table.from_pandas(next(blocks), preserve_index=False)
    text = [field.name for field in first.schema if pa.types.is_dictionary(field.type)]
    writer = pa.parquet.ParquetWriter(
        path,
        first.schema,
        compression="zstd",
        use_dictionary=text,
        use_byte_stream_split=[field.name for field in first.schema if pa.types.is_floating(field.type)],
        write_page_checksum=True,
    )
    with writer:
        writer.write_table(first, row_group_size=len(first))
        for block in blocks:
            table = pa.Table.from_pandas(block, schema=first.schema, preserve_index=False)
            writer.write_table(table, row_group_size=len(table))


def _write_part(path: Path, value: Any) -> None:
    match path.suffix:
        case ".parquet" if isinstance(value, Iterator):
            _write_blocks(path, value)
        case ".parquet":
            pa.parquet.write_table(pa.Table.from_pandas(value, preserve_index=False), path)
        case ".csv":
            pa.csv.write_csv(pa.Table.from_pandas(value, preserve_index=False), path)
        case ".npz":
            with path.open("wb") as file:
                # In C order: otherwise the bytes would depend on each array's memory layout.
                np.savez(
                    file, allow_pickle=False, **{key: np.asarray(array, order="C") for key, array in value.items()}
                )
        case ".json":
            path.write_text(_dump_json(value), encoding="utf-8")
        case ".html":
            path.write_bytes(value.encode("utf-8"))  # as text, line endings would change on some systems
        case _:
            path.write_bytes(value)
