"""The framing of a zip, held so strictly that every reader sees the same files in it.

A zip says everything twice, in front of each file's contents and in the central directory at its end, and readers
differ in which they believe. So a wheel is taken only if it is one unbroken row of entries from its first byte, then
the central directory, then the end record, then nothing, and if both tellings agree. Layout: section 4.3.16 of
https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from layerwright.wheel.headers import (
    CENTRAL_SIGNATURE,
    LOCAL,
    LOCAL_SIGNATURE,
    Row,
    ZipData,
    check_local,
    check_row,
    parse_directory,
)
from layerwright.wheel.problems import Unsound, label, refuse

_END = struct.Struct("<4s4H2IH")
_END_SIGNATURE = b"PK\5\6"
_ZIP64_LOCATOR_SIGNATURE = b"PK\6\7"
_ZIP64_LOCATOR_SIZE = 20
_IN_ZIP64_RECORD = (0xFFFF, 0xFFFFFFFF)
"""What the fields of 16 and of 32 bits hold when their value is in a ZIP64 record."""

_KNOWN_COMMENT = b"zip-rs"
"""The archive comment that older releases of maturin left, as in orjson 3.4.8; no other is taken."""

_NOT_A_ZIP = "what the index served when it was locked is not a wheel: lock it again"


@dataclass(frozen=True, slots=True, kw_only=True)
class RawEntry:
    """An entry of the zip: a file or, with a name that ends with `/`, a folder."""

    name: str
    mode: int
    """Unix file type and permission bits; 0 where the zip was written elsewhere."""
    method: int
    """`STORED` or `DEFLATED`."""
    offset: int
    """Where the compressed bytes begin."""
    compressed_size: int
    size: int
    crc32: int

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder, which by the format's convention has a name that ends with a slash."""
        return self.name.endswith("/")


def parse_framing(data: ZipData) -> list[RawEntry]:
    """The entries of the zip *data* in the order of its central directory.

    Raises `Unsound` where readers could disagree on them, and for ZIP64, encryption, several disks, links and devices.
    """
    directory, end, count = _find_directory(data)
    rows = parse_directory(data, directory, end, count)
    refuse(problem for row in rows for problem in check_row(row))

    offsets = _find_contents(data, rows, directory)
    return [
        RawEntry(
            name=row.name.decode(),
            mode=row.mode,
            method=row.method,
            offset=offsets[row.header],
            compressed_size=row.compressed_size,
            size=row.size,
            crc32=row.crc32,
        )
        for row in rows
    ]


def _find_contents(data: ZipData, rows: list[Row], directory: int) -> dict[int, int]:
    """Where the compressed bytes begin that belong to each local header, both as bytes from the start of the zip."""
    offsets: dict[int, int] = {}
    problems, position = [], 0
    for row in sorted(rows, key=lambda row: row.header):
        if row.header < position:
            problems.append(f"{_where(row)} overlaps with the entry before it, which ends at byte {position}")
        elif row.header > position:
            problems.append(f"{row.header - position} bytes at byte {position} belong to no entry")
        start = row.header + LOCAL.size + len(row.name)
        if start > directory:
            raise Unsound(*problems, f"{_where(row)} reaches into the central directory at byte {directory}")
        problems += [f"{_where(row)} {difference}" for difference in check_local(data, row)]
        offsets[row.header] = start + LOCAL.unpack_from(data, row.header)[-1]
        position = offsets[row.header] + row.compressed_size
    if position > directory:
        problems.append(f"the last entry ends at byte {position}, inside the central directory at byte {directory}")
    elif position < directory:
        problems.append(f"{directory - position} bytes at byte {position} belong to no entry")
    refuse(problems)
    return offsets


def _where(row: Row) -> str:
    return f"{label(row.name)} (local header at byte {row.header})"


def _find_directory(data: ZipData) -> tuple[int, int, int]:
    """Where the central directory begins and ends, and how many rows it has."""
    comment = _KNOWN_COMMENT if data[-len(_KNOWN_COMMENT) :] == _KNOWN_COMMENT else b""
    end = len(data) - _END.size - len(comment)
    if end < 0 or data[end : end + 4] != _END_SIGNATURE:
        raise _no_end(data)
    _, disk, directory_disk, disk_count, count, size, directory, comment_size = _END.unpack_from(data, end)
    locator = data[max(end - _ZIP64_LOCATOR_SIZE, 0) : end]
    if locator.startswith(_ZIP64_LOCATOR_SIGNATURE) or (
        _IN_ZIP64_RECORD[0] in (disk_count, count) or _IN_ZIP64_RECORD[1] in (size, directory)
    ):
        raise Unsound("is a ZIP64 archive, which no wheel that fits Lambda needs to be")
    if disk or directory_disk or disk_count != count:
        raise Unsound("is one part of a zip on several disks")
    if comment_size != len(comment):
        raise Unsound(f"the end record at byte {end} announces a comment of {comment_size} bytes, not {len(comment)}")
    if directory + size > end:
        raise Unsound(f"the end record puts a central directory of {size} bytes at byte {directory}, which it overlaps")
    if directory + size < end and data[end - size : end - size + 4] == CENTRAL_SIGNATURE:
        raise Unsound(f"{end - size - directory} bytes stand before the zip, as in two zips put together")
    if directory + size < end:
        raise Unsound(f"{end - size - directory} bytes stand between the central directory and the end record")
    if not count:
        raise Unsound("holds no files")
    return directory, end, count


def _no_end(data: ZipData) -> Unsound:
    """Why the last bytes are not the end record of a zip."""
    if not data:
        return Unsound("is empty", advice=_NOT_A_ZIP)
    start = data[:512].lstrip().lower()
    if start.startswith((b"<!doctype", b"<html", b"<?xml", b"<head")):
        return Unsound("is a web page, not a zip", advice=_NOT_A_ZIP)
    found = data.rfind(_END_SIGNATURE)
    if found >= 0 and len(data) - found >= _END.size:
        comment = _END.unpack_from(data, found)[-1]
        extra = len(data) - found - _END.size
        if extra == comment:
            return Unsound(f"has an archive comment of {comment} bytes, in which a second zip could hide")
        if extra > comment:
            return Unsound(f"{extra - comment} bytes follow the end of the zip at byte {found + _END.size + comment}")
    if data[:4] == LOCAL_SIGNATURE:
        return Unsound(f"is cut off: its {len(data)} bytes do not end with the end record of a zip")
    return Unsound(f"is not a zip: it begins with {label(data[:8])}", advice=_NOT_A_ZIP)
