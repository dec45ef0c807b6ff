"""Zips that two readers would understand differently, or that hold what a wheel may not: each is refused by name."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import pytest
from support.judging import Spoiled, judge, refusal
from support.wheels import RawEntry, RawZip, change_entry, wheel_entries, with_record

Cases = dict[str, tuple[Spoiled, str]]
"""Name of a mistake → a wheel that has it and a part of the message."""

INIT = "example/__init__.py"
FILES = {INIT: "x = 1\n" * 20, "example/data.txt": "data\n" * 20}
GOOD = with_record(wheel_entries(files=FILES))
ZIP = RawZip(entries=GOOD).to_bytes()
PACKED = zlib.compress(FILES[INIT].encode(), 9, -15)
ZIP64 = struct.pack("<2H2Q", 1, 16, len(FILES[INIT]), len(PACKED))


def spoil(**changes: object) -> list[RawEntry]:
    """A good wheel but for its first entry."""
    return change_entry(GOOD, INIT, **changes)


def with_end(**end: int) -> RawZip:
    return RawZip(entries=GOOD, end=end)


def with_signature(old: bytes, new: bytes) -> bytes:
    assert old in ZIP
    return ZIP.replace(old, new, 1)


NOT_A_ZIP: Cases = {
    "empty": (b"", "is empty"),
    "web page": (b"\n<!DOCTYPE html><html><body>Sign in to the Wi-Fi</body></html>", "is a web page, not a zip"),
    "sdist": (b"\x1f\x8b\x08\x00" + bytes(60), "is not a zip: it begins with \\x1f"),
    "one byte": (b"P", "is not a zip: it begins with P"),
    "cut off in the end record": (ZIP[:-5], "is cut off"),
    "cut off in the directory": (ZIP[:-80], "is cut off"),
    "cut off in the files": (ZIP[:100], "is cut off"),
    "no files": (RawZip(entries=[]), "holds no files"),
}

AROUND: Cases = {
    "prepended": (b"#!/bin/sh\n" + ZIP, "10 bytes stand before the zip"),
    "prepended, offsets mended": (
        RawZip(entries=GOOD, prepended=b"#!/bin/sh\n"),
        "10 bytes at byte 0 belong to no entry",
    ),
    "two zips": (ZIP + ZIP, f"{len(ZIP)} bytes stand before the zip"),
    "trailing": (ZIP + b"\n", f"1 bytes follow the end of the zip at byte {len(ZIP)}"),
    "trailing zeros": (ZIP + bytes(512), "512 bytes follow the end of the zip"),
    "comment": (RawZip(entries=GOOD, comment=b"hello"), "has an archive comment of 5 bytes"),
    "zip in the comment": (RawZip(entries=GOOD, comment=ZIP), "bytes stand before the zip"),
    "known comment behind another": (RawZip(entries=GOOD, comment=b"a zip-rs"), "has an archive comment of 8 bytes"),
    "known comment, wrong length": (
        RawZip(entries=GOOD, comment=b"zip-rs", end={"comment": 0}),
        "announces a comment of 0 bytes, not 6",
    ),
    "comment that is not there": (with_end(comment=7), "announces a comment of 7 bytes, not 0"),
    "before the directory": (
        RawZip(entries=GOOD, before_directory=b"PK\3\4hidden"),
        "10 bytes at byte",
    ),
    "after the directory": (
        RawZip(entries=GOOD, after_directory=b"hidden"),
        "6 bytes stand between the central directory and the end record",
    ),
    "gap before an entry": (spoil(before=bytes(3)), "3 bytes at byte 0 belong to no entry"),
    "gap after an entry": (spoil(after=b"gap"), "3 bytes at byte"),
}

END_RECORD: Cases = {
    "fewer rows": (with_end(rows=len(GOOD) - 1, disk_rows=len(GOOD) - 1), "should have 4 rows, but"),
    "more rows": (with_end(rows=len(GOOD) + 1, disk_rows=len(GOOD) + 1), "should have 6 rows but has 5"),
    "rows of another disk": (with_end(disk_rows=1), "several disks"),
    "another disk": (with_end(disk=1), "several disks"),
    "directory on another disk": (with_end(directory_disk=1), "several disks"),
    "directory too long": (with_end(directory_size=len(ZIP)), "which it overlaps"),
    "directory too far on": (with_end(directory=len(ZIP)), "which it overlaps"),
    "directory too early": (with_end(directory=0), "bytes stand before the zip"),
    "65,535 rows": (with_end(rows=0xFFFF, disk_rows=0xFFFF), "is a ZIP64 archive"),
    "ZIP64 size": (with_end(directory_size=0xFFFFFFFF), "is a ZIP64 archive"),
    "ZIP64 offset": (with_end(directory=0xFFFFFFFF), "is a ZIP64 archive"),
    "ZIP64 locator": (RawZip(entries=GOOD, after_directory=b"PK\6\7" + bytes(16)), "is a ZIP64 archive"),
    "damaged row": (with_signature(b"PK\1\2", b"PK\1\3"), "should have 5 rows but has 0"),
    "row past the end": (
        change_entry(GOOD, "example-1.0.dist-info/RECORD", central={"extra": 900}),
        "reaches past its end",
    ),
}

HEADERS: Cases = {
    "name": (spoil(local_name=b"example/__main__.py"), "is named example/__main__.py in its local header"),
    "size": (spoil(local={"size": 7}), "has size 7 in its local header and 120 in the central directory"),
    "compressed size": (spoil(local={"packed": 7}), "has compressed size 7 in its local header"),
    "CRC-32": (spoil(local={"crc": 7}), "has CRC-32 7 in its local header"),
    "method": (spoil(local={"method": 0}), "has compression method 0 in its local header and 8"),
    "flags": (spoil(local={"flags": 0x800}), "has flags 2048 in its local header and 0"),
    "no local header": (with_signature(b"PK\3\4", b"PK\3\5"), "(local header at byte 0) has no local header there"),
    "same local header twice": (
        change_entry(GOOD, "example/data.txt", central={"offset": 0}),
        "example/data.txt (local header at byte 0) overlaps with the entry before it",
    ),
    "overlap": (
        spoil(local={"packed": len(PACKED) + 40}, central={"packed": len(PACKED) + 40}),
        "overlaps with the entry before it",
    ),
    "overlap with the directory": (
        change_entry(GOOD, "example-1.0.dist-info/RECORD", local={"packed": 9999}, central={"packed": 9999}),
        "inside the central directory",
    ),
    "local header in the directory": (spoil(central={"offset": len(ZIP) - 40}), "reaches into the central directory"),
    "offset outside the file": (spoil(central={"offset": 0x7FFFFFFF}), "reaches into the central directory"),
    "on another disk": (spoil(central={"disk": 1}), "is on disk 1 of several"),
    "comment": (spoil(comment=b"hello"), "has a comment of 5 bytes"),
    "stored with two sizes": (
        spoil(method=0, packed=b"x" * 99),
        "is stored, yet declared with 99 bytes in the zip and 120",
    ),
}

FEATURES: Cases = {
    "encrypted": (spoil(flags=0x1), "is encrypted"),
    "strongly encrypted": (spoil(flags=0x41), "is encrypted"),
    "encrypted with AES": (spoil(central_extra=struct.pack("<2H7x", 0x9901, 7)), "is encrypted"),
    "data descriptor": (spoil(flags=0x8, after=b"PK\7\x08" + bytes(12)), "with a data descriptor"),
    "patch data": (spoil(flags=0x20), "has unknown flags 0x0020"),
    "future format": (spoil(central={"needed": 84}), "needs version 8.4 of the zip format"),
    "bzip2": (spoil(method=12), "is compressed with method 12"),
    "LZMA": (spoil(method=14), "is compressed with method 14"),
    "Zstandard": (spoil(method=93), "is compressed with method 93"),
    "ZIP64 sizes": (spoil(local={"size": 0xFFFFFFFF}, central={"size": 0xFFFFFFFF}), "ZIP64 record"),
    "ZIP64 record": (spoil(central_extra=ZIP64), "ZIP64 record"),
    "ZIP64 record that says otherwise": (spoil(local_extra=ZIP64[:-1] + b"\1"), "ZIP64 record"),
    "two ZIP64 records": (spoil(local_extra=ZIP64 * 2), "ZIP64 record"),
    "second name": (spoil(central_extra=struct.pack("<2HBI4s", 0x7075, 9, 1, 0, b"evil")), "has a second name"),
    "damaged extra field": (spoil(central_extra=b"\1"), "has a damaged extra field"),
    "cut-off extra field": (spoil(local_extra=struct.pack("<2H", 0x5455, 9)), "has a damaged extra field"),
    "symbolic link": (spoil(mode=0o120777), "is not a file but a symbolic link"),
    "pipe": (spoil(mode=0o010644), "is not a file but a pipe"),
    "device": (spoil(mode=0o020644), "is not a file but a device or the like"),
    "socket": (spoil(mode=0o140644), "is not a file but a device or the like"),
    "folder without a slash": (spoil(mode=0o040755), "is not a file but a folder without a slash"),
    "folder with contents": (
        [*GOOD, RawEntry(name="example/sub/", contents=b"x", mode=0o040755)],
        "with contents of 1",
    ),
    "name not UTF-8": ([*GOOD, RawEntry(name=b"example/\xff.py", flags=0x800)], "has a name that is not UTF-8"),
    "name not marked as UTF-8": ([*GOOD, RawEntry(name="example/é.py", flags=0)], "is not marked as UTF-8"),
}


TABLES: dict[str, Cases] = {
    "not a zip": NOT_A_ZIP,
    "around": AROUND,
    "end record": END_RECORD,
    "headers": HEADERS,
    "features": FEATURES,
}


@pytest.mark.parametrize(
    ("wheel", "reason"),
    [
        pytest.param(wheel, reason, id=f"{table}: {name}")
        for table, cases in TABLES.items()
        for name, (wheel, reason) in cases.items()
    ],
)
def test_a_zip_that_readers_may_disagree_on_is_refused(wheel: Spoiled, reason: str, tmp_path: Path) -> None:
    """What the judge saw must be what every unpacker, scanner and Lambda itself see in the same bytes."""
    assert reason in refusal(tmp_path, wheel)


@pytest.mark.parametrize(
    "wheel",
    [
        pytest.param(RawZip(entries=GOOD, comment=b"zip-rs"), id="comment of old maturin"),
        pytest.param(spoil(local_extra=ZIP64), id="repeated sizes of bazel-wheelmaker"),
        pytest.param(spoil(local_extra=struct.pack("<2HBI", 0x5455, 5, 1, 9)), id="time in a local extra field"),
        pytest.param(spoil(flags=0x6, central={"date": 0xFFFF, "time": 0xFFFF}), id="odd date, level in flags"),
        pytest.param(spoil(central={"made_by": 20, "external": 0x20}), id="written on Windows"),
        pytest.param([*GOOD, RawEntry(name="example/", mode=0o040755)], id="folder entry"),
        pytest.param([*GOOD, RawEntry(name="example/empty/", method=0, mode=0)], id="folder entry without mode"),
    ],
)
def test_what_real_wheels_have_and_harms_nobody_is_taken(wheel: Spoiled, tmp_path: Path) -> None:
    """Refusing a widely used wheel for a quirk of its build tool would help nobody."""
    found = judge(tmp_path, wheel)

    assert sorted(entry.path for entry in found.entries) == sorted(entry.path for entry in GOOD)


def test_the_order_of_the_directory_may_differ_from_that_of_the_files(tmp_path: Path) -> None:
    """Both orders are allowed, and offsets must follow the files."""
    data = bytearray(ZIP)
    start = ZIP.index(b"PK\1\2")
    rows = [b"PK\1\2" + row for row in ZIP[start : ZIP.index(b"PK\5\6")].split(b"PK\1\2")[1:]]
    data[start : start + sum(map(len, rows))] = b"".join(reversed(rows))

    swapped, straight = judge(tmp_path, bytes(data)), judge(tmp_path, ZIP)

    assert swapped.entries == straight.entries[::-1]
