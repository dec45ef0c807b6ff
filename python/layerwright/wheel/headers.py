"""The two headers that a zip has for each entry, and what may stand in them.

Layout: sections 4.3.7 and 4.3.12 of https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
"""

from __future__ import annotations

import stat
import struct
from collections.abc import Iterator
from mmap import mmap
from typing import NamedTuple

from layerwright.wheel.problems import Unsound, label

ZipData = mmap | bytes

STORED, DEFLATED = 0, 8

LOCAL = struct.Struct("<4s5H3I2H")
LOCAL_SIGNATURE = b"PK\3\4"
CENTRAL = struct.Struct("<4s6H3I5H2I")
CENTRAL_SIGNATURE = b"PK\1\2"

_EXTRA = struct.Struct("<2H")
_ZIP64_EXTRA, _UNICODE_PATH_EXTRA, _AES_EXTRA = 0x0001, 0x7075, 0x9901
_ZIP64_SIZES = struct.Struct("<2H2Q")
_IN_ZIP64_RECORD = 0xFFFFFFFF

_NEWEST_FORMAT = 63
"""The version of the format, times ten, that Python's zipfile reads, and hence pip: 6.3."""

_ENCRYPTED = 0x0001 | 0x0040 | 0x2000
_DESCRIPTOR_FOLLOWS = 0x0008
_UTF8 = 0x0800
_HARMLESS_FLAGS = 0x0006 | _UTF8  # bits 1 and 2 tell how hard the compressor tried


class Row(NamedTuple):
    """A row of the central directory as it stands there."""

    name: bytes
    needed: int
    """Version of the zip format that a reader must know, times ten."""
    flags: int
    method: int
    crc32: int
    compressed_size: int
    size: int
    mode: int
    header: int
    """Where the local header begins."""
    disk: int
    extra: bytes
    comment: bytes


def parse_directory(data: ZipData, directory: int, end: int, count: int) -> list[Row]:
    """The *count* rows of the central directory, which is all that is in *data* from *directory* to *end*."""
    rows: list[Row] = []
    position = directory
    for _ in range(count):
        if position + CENTRAL.size > end or data[position : position + 4] != CENTRAL_SIGNATURE:
            raise Unsound(f"the central directory should have {count} rows but has {len(rows)}, to byte {position}")
        fields = CENTRAL.unpack_from(data, position)
        needed, flags, method, crc32, compressed_size, size = *fields[2:5], *fields[7:10]
        name_length, extra_length, comment_length, disk, external, header = *fields[10:14], *fields[15:17]
        name_end = position + CENTRAL.size + name_length
        position = name_end + extra_length + comment_length
        if position > end:
            raise Unsound(f"row {len(rows) + 1} of the central directory reaches past its end at byte {end}")
        rows.append(
            Row(
                name=data[name_end - name_length : name_end],
                needed=needed & 0xFF,
                flags=flags,
                method=method,
                crc32=crc32,
                compressed_size=compressed_size,
                size=size,
                mode=external >> 16,
                header=header,
                disk=disk,
                extra=data[name_end : name_end + extra_length],
                comment=data[name_end + extra_length : position],
            )
        )
    if position != end:
        raise Unsound(f"the central directory should have {count} rows, but {end - position} bytes follow them")
    return rows


def check_row(row: Row) -> Iterator[str]:
    """What no wheel may have, or readers could understand in two ways."""
    name = label(row.name)
    if row.method not in (STORED, DEFLATED):
        yield f"{name} is compressed with method {row.method}, and wheels know only deflate (8) and stored (0)"
    if row.method == STORED and row.compressed_size != row.size:
        yield f"{name} is stored, yet declared with {row.compressed_size} bytes in the zip and {row.size} outside it"
    if _IN_ZIP64_RECORD in (row.compressed_size, row.size, row.header):
        yield f"{name} has its sizes in a ZIP64 record, which no wheel that fits Lambda needs"
    if row.needed > _NEWEST_FORMAT:
        yield f"{name} needs version {row.needed / 10} of the zip format"
    if row.disk:
        yield f"{name} is on disk {row.disk} of several"
    if row.comment:
        yield f"{name} has a comment of {len(row.comment)} bytes"
    if problem := _check_flags(row) or _check_extra(row.extra) or _check_kind(row):
        yield f"{name} {problem}"


def _check_flags(row: Row) -> str:
    """What is wrong with the flags of *row*; empty if nothing is."""
    if row.flags & _ENCRYPTED:
        return "is encrypted"
    if row.flags & _DESCRIPTOR_FOLLOWS:
        return "was written as a stream, with a data descriptor"
    if row.flags & ~_HARMLESS_FLAGS:
        return f"has unknown flags {row.flags:#06x}"
    try:
        row.name.decode("utf-8" if row.flags & _UTF8 else "ascii")
    except UnicodeDecodeError:
        # Without the flag some readers take a name for code page 437 and some for UTF-8.
        return f"has a name that is not {'UTF-8' if row.flags & _UTF8 else 'ASCII, and is not marked as UTF-8'}"
    return ""


def _check_kind(row: Row) -> str:
    """Why *row* is neither a plain file nor a folder; empty if it is."""
    kind, is_folder = stat.S_IFMT(row.mode), row.name.endswith(b"/")
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR) or (kind == stat.S_IFDIR and not is_folder):
        kinds = {stat.S_IFLNK: "symbolic link", stat.S_IFDIR: "folder without a slash at its end", stat.S_IFIFO: "pipe"}
        return f"is not a file but a {kinds.get(kind, 'device or the like')} (mode {row.mode:#o})"
    return f"is a folder with contents of {row.size} bytes" if is_folder and row.size else ""


def check_local(data: ZipData, row: Row) -> Iterator[str]:
    """In what the local header of *row* differs from it."""
    fields = LOCAL.unpack_from(data, row.header)
    if fields[0] != LOCAL_SIGNATURE:
        yield "has no local header there"
        return
    flags, method, crc32, compressed_size, size, name_length, extra_length = *fields[2:4], *fields[6:11]
    name_end = row.header + LOCAL.size + name_length
    if (name := data[name_end - name_length : name_end]) != row.name:
        yield f"is named {label(name)} in its local header"
    for what, local, central in (
        ("flags", flags, row.flags),
        ("compression method", method, row.method),
        ("CRC-32", crc32, row.crc32),
        ("compressed size", compressed_size, row.compressed_size),
        ("size", size, row.size),
    ):
        if local != central:
            yield f"has {what} {local} in its local header and {central} in the central directory"
    if problem := _check_extra(data[name_end : name_end + extra_length], repeats=(size, compressed_size)):
        yield problem


def _check_extra(extra: bytes, *, repeats: tuple[int, int] | None = None) -> str:
    """What is wrong with the extra fields of a header; empty if nothing is.

    *repeats* are the size and compressed size that a lone ZIP64 record may say again: bazel-wheelmaker writes one into
    each local header although it needs none, as in protobuf 7.36.2.
    """
    if repeats and extra == _ZIP64_SIZES.pack(_ZIP64_EXTRA, 16, *repeats):
        return ""
    position = 0
    while position < len(extra):
        if position + _EXTRA.size > len(extra):
            return "has a damaged extra field"
        kind, length = _EXTRA.unpack_from(extra, position)
        position += _EXTRA.size + length
        if position > len(extra):
            return "has a damaged extra field"
        if kind == _ZIP64_EXTRA:
            return "has a ZIP64 record, which no wheel that fits Lambda needs"
        if kind == _UNICODE_PATH_EXTRA:
            return "has a second name, in an extra field"
        if kind == _AES_EXTRA:
            return "is encrypted"
    return ""
