"""Judge a wheel: read it through once and tell what it holds, or why nothing of it is taken."""

from __future__ import annotations

import mmap
import stat
from pathlib import Path
from tempfile import SpooledTemporaryFile

from packaging.utils import NormalizedName, parse_wheel_filename
from packaging.version import Version

from layerwright.errors import WheelError
from layerwright.wheel import Elf, Wheel, WheelEntry
from layerwright.wheel.contents import check_sizes, hash_contents, inflate, read_contents
from layerwright.wheel.dist_info import (
    check_data_folder,
    check_entry_points,
    check_metadata,
    check_wheel_file,
    find_dist_info,
    parse_root_is_purelib,
)
from layerwright.wheel.elf import keep_elf, read_elf
from layerwright.wheel.framing import RawEntry, parse_framing
from layerwright.wheel.headers import ZipData
from layerwright.wheel.names import check_names
from layerwright.wheel.problems import Unsound, label, refuse
from layerwright.wheel.record import RecordRow, check_record_paths, parse_record

_ELF_IN_MEMORY = 16 * 1024 * 1024
"""Bytes of an ELF file that is read through without a file of its own; few are larger."""


def judge_wheel(path: Path, *, filename: str, sha256: str) -> Wheel:
    """Read the wheel file at *path* through once and return what it holds.

    *filename* is the wheel's name in the lock file, which *path* need not have; *sha256* is the hash of the file, which
    the caller has verified. Nothing is written, and hardly more than 1 MiB of a file in the wheel is held at a time,
    or 16 MiB of one in ELF form.

    Raises `WheelError` with all problems of the first stage of judging that finds any: the file name, the framing of
    the zip, the names and sizes of its entries, RECORD, the contents, and at last the metadata.
    """
    try:
        name, version = _parse_filename(filename)
        with path.open("rb") as file:
            if not file.seek(0, 2):
                return _judge(b"", filename, sha256, name, version)
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                return _judge(data, filename, sha256, name, version)
    except Unsound as e:
        advice = e.advice or "pin another version of it, or build the wheel anew and lock that"
        raise WheelError(f"{filename}: {e}: {advice}") from e
    except OSError as e:
        raise WheelError(f"{filename}: cannot be read: {e}") from e


def _judge(data: ZipData, filename: str, sha256: str, name: NormalizedName, version: Version) -> Wheel:
    raw = parse_framing(data)
    refuse(check_names(entry.name for entry in raw))
    check_sizes(raw, len(data))

    files = {entry.name: entry for entry in raw if not entry.is_folder}
    dist_info = find_dist_info((entry.name for entry in raw), name, version)
    data_dir = f"{dist_info.removesuffix('.dist-info')}.data"
    refuse(check_data_folder(files, data_dir))
    refuse(
        f"{dist_info}/{part} is missing"
        for part in ("METADATA", "WHEEL", "RECORD")
        if f"{dist_info}/{part}" not in files
    )

    record = f"{dist_info}/RECORD"
    rows = parse_record(read_contents(data, files[record]), record)
    refuse(check_record_paths(rows, files, record))
    entries, problems = [], []
    for entry in raw:
        try:
            sha, elf = _check_contents(data, entry, rows.get(entry.name))
        except Unsound as e:
            problems.append(str(e))
        else:
            if not entry.is_folder:
                entries.append(_wheel_entry(entry, sha, elf))
    refuse(problems)

    metadata, wheel = (read_contents(data, files[f"{dist_info}/{part}"]) for part in ("METADATA", "WHEEL"))
    scripts = files.get(f"{dist_info}/entry_points.txt")
    entry_points = read_contents(data, scripts) if scripts else b""
    refuse([*check_metadata(metadata, name, version), *check_wheel_file(wheel), *check_entry_points(entry_points)])
    return Wheel(
        name=name,
        version=str(version),
        filename=filename,
        sha256=sha256,
        size=len(data),
        root_is_purelib=parse_root_is_purelib(wheel),
        dist_info=dist_info,
        data_dir=data_dir,
        entries=tuple(entries),
    )


def _parse_filename(filename: str) -> tuple[NormalizedName, Version]:
    try:
        return parse_wheel_filename(filename)[:2]
    except ValueError as e:  # InvalidWheelFilename, or a number of more digits than Python reads
        raise Unsound(f"is no name of a wheel ({e})", advice="name it as PEP 427 says and lock it again") from e


def _check_contents(data: ZipData, entry: RawEntry, row: RecordRow | None) -> tuple[str, Elf | None]:
    """SHA-256 of the contents of *entry* in hex, and what they need where they are a program or library in ELF form.

    Raises `Unsound` if *row* of RECORD says otherwise.
    """
    algorithms = ["sha256"] if row is None or row.algorithm == "sha256" else ["sha256", row.algorithm]
    with SpooledTemporaryFile(_ELF_IN_MEMORY) as copy:
        digests = hash_contents(keep_elf(inflate(data, entry), copy), algorithms)
        elf = read_elf(copy)
    if row and row.size != entry.size:
        raise Unsound(f"{label(entry.name)} has {entry.size} bytes, RECORD says {row.size}")
    if row and row.digest != digests[-1]:
        raise Unsound(f"{label(entry.name)} has another {row.algorithm} hash than RECORD says")
    return digests[0].hex(), elf


def _wheel_entry(entry: RawEntry, sha256: str, elf: Elf | None) -> WheelEntry:
    # As pip does (utils/unpacking.py, zip_item_is_executable), so that what runs after `pip install` runs in Lambda.
    executable = bool(entry.mode and stat.S_ISREG(entry.mode) and entry.mode & 0o111)
    return WheelEntry(
        path=entry.name,
        executable=executable,
        method=entry.method,
        offset=entry.offset,
        compressed_size=entry.compressed_size,
        size=entry.size,
        crc32=entry.crc32,
        sha256=sha256,
        elf=elf,
    )
