"""Contents and RECORD: every file is there once, whole, and is what the wheel itself says it is."""

from __future__ import annotations

import tracemalloc
import zlib
from pathlib import Path

import pytest
from support.judging import judge, refusal
from support.wheels import RawEntry, change_entry, record_row, render_record, wheel_entries, with_record

INIT = "example/__init__.py"
RECORD = "example-1.0.dist-info/RECORD"
TEXT = b"x = 1\n" * 20
PARTS = wheel_entries(files={INIT: TEXT})
TRUE_RECORD = render_record(PARTS, RECORD)
INIT_ROW = record_row(INIT, TEXT)
PACKED = zlib.compress(TEXT, 9, -15)


def lying(**changes: int) -> list[RawEntry]:
    """A wheel both headers of whose first entry lie in the same way."""
    return change_entry(with_record(PARTS), INIT, local=changes, central=changes)


CONTENTS = {
    "CRC-32": (lying(crc=7), f"{INIT} has CRC-32 {zlib.crc32(TEXT):08x}, not the 00000007 it declares"),
    "CRC-32 of a stored file": (
        change_entry(with_record(PARTS), INIT, method=0, packed=TEXT[:-1] + b"!"),
        f"not the {zlib.crc32(TEXT):08x} it declares",
    ),
    "declares less": (lying(size=60), f"{INIT} inflates to more than the 60 bytes it declares"),
    "declares nothing": (lying(size=0), f"{INIT} inflates to more than the 0 bytes it declares"),
    "declares more": (lying(size=200), f"{INIT} inflates to 120 bytes, not to the 200 it declares"),
    "damaged": (change_entry(with_record(PARTS), INIT, packed=b"\xff" * 9), "its compressed data are damaged"),
    "cut off": (change_entry(with_record(PARTS), INIT, packed=PACKED[:-2]), "its compressed data end too early"),
    "nothing": (change_entry(with_record(PARTS), INIT, packed=b""), "its compressed data end too early"),
    "more data": (
        change_entry(with_record(PARTS), INIT, packed=PACKED + b"hidden"),
        "6 bytes follow the end of its compressed data",
    ),
    "much more data": (
        change_entry(with_record(PARTS), INIT, packed=PACKED + bytes(200_000)),
        "200000 bytes follow the end of its compressed data",
    ),
    "more than Lambda takes": (lying(size=262_144_000), "bytes, and Lambda allows 262144000 for a function with all"),
    "bomb": (lying(size=70 * 1024 * 1024), "is a compression bomb"),
    "RECORD too long": (
        change_entry(with_record(PARTS), RECORD, local={"size": 17_000_000}, central={"size": 17_000_000}),
        "RECORD has 17000000 bytes, which is no RECORD",
    ),
}

RECORDS = {
    "missing file": (TRUE_RECORD.replace(f"{INIT_ROW}\n", ""), f"{INIT} is not in RECORD"),
    "ghost": (
        TRUE_RECORD + record_row("example/ghost.py", b"") + "\n",
        "RECORD names example/ghost.py, which the wheel does not hold",
    ),
    "twice": (TRUE_RECORD + INIT_ROW + "\n", f"row 5 of RECORD names {INIT} again"),
    "wrong hash": (
        TRUE_RECORD.replace(INIT_ROW, record_row(INIT, b"y" * 120)),
        f"{INIT} has another sha256 hash than RECORD says",
    ),
    "wrong size": (TRUE_RECORD.replace(INIT_ROW, INIT_ROW[:-3] + "121"), f"{INIT} has 120 bytes, RECORD says 121"),
    "wrong sha512": (
        TRUE_RECORD.replace(INIT_ROW, record_row(INIT, b"y" * 120, algorithm="sha512")),
        f"{INIT} has another sha512 hash than RECORD says",
    ),
    "md5": (render_record(PARTS, RECORD, algorithm="md5"), f"has a md5 hash for {INIT}"),
    "sha1": (render_record(PARTS, RECORD, algorithm="sha1"), f"has a sha1 hash for {INIT}"),
    "sha224": (render_record(PARTS, RECORD, algorithm="sha224"), f"has a sha224 hash for {INIT}"),
    "no such hash": (TRUE_RECORD.replace("sha256", "crc64"), f"has a crc64 hash for {INIT}"),
    "cut-off hash": (TRUE_RECORD.replace(INIT_ROW, f"{INIT},sha256=AAAA,120"), "has a hash of the wrong length"),
    "not Base64": (TRUE_RECORD.replace(INIT_ROW, f"{INIT},sha256=!!!,120"), "has a damaged hash"),
    "no hash": (TRUE_RECORD.replace(INIT_ROW, f"{INIT},,120"), f"RECORD has no hash or no size for {INIT}"),
    "no size": (TRUE_RECORD.replace(INIT_ROW, INIT_ROW[:-3]), f"RECORD has no hash or no size for {INIT}"),
    "negative size": (TRUE_RECORD.replace(INIT_ROW, INIT_ROW[:-3] + "-1"), "has the size -1"),
    "size in other digits": (TRUE_RECORD.replace(INIT_ROW, INIT_ROW[:-3] + "١٢٠"), "has the size ١٢٠"),
    "two columns": (TRUE_RECORD.replace(INIT_ROW, INIT), "row 1 of RECORD has 1 columns, not 3"),
    "empty": ("", "RECORD does not name itself"),
    "without itself": (TRUE_RECORD.replace(f"{RECORD},,\n", ""), "RECORD does not name itself"),
    "hash of itself": (TRUE_RECORD.replace(f"{RECORD},,", f"{RECORD},sha256={'A' * 43},9"), "which it cannot know"),
    "dot path": (TRUE_RECORD.replace(INIT_ROW, f"./{INIT_ROW}"), f"RECORD names ./{INIT}, which the wheel does not"),
    "backslash": (TRUE_RECORD.replace(INIT, INIT.replace("/", "\\")), "which the wheel does not hold"),
    "other case": (TRUE_RECORD.replace(INIT, INIT.title()), "which the wheel does not hold"),
    "parent": (TRUE_RECORD + record_row("../../etc/passwd", b"") + "\n", "RECORD names ../../etc/passwd"),
    "parent of a source": (TRUE_RECORD + record_row("../evil.c", b"") + "\n", "RECORD names ../evil.c"),
    "not UTF-8": (TRUE_RECORD.encode() + b"\xff,,\n", "RECORD is not CSV in UTF-8"),
    "not CSV": (TRUE_RECORD + '"example', "RECORD is not CSV in UTF-8"),
}


@pytest.mark.parametrize(("wheel", "reason"), CONTENTS.values(), ids=CONTENTS)
def test_contents_that_are_not_what_the_zip_declares_are_refused(
    wheel: list[RawEntry], reason: str, tmp_path: Path
) -> None:
    assert reason in refusal(tmp_path, wheel)


@pytest.mark.parametrize(("record", "reason"), RECORDS.values(), ids=RECORDS)
def test_a_record_that_is_not_true_is_refused(record: str | bytes, reason: str, tmp_path: Path) -> None:
    """pip and uv install such wheels; RECORD is the only thing in a wheel that says what its author put there."""
    assert reason in refusal(tmp_path, with_record(PARTS, record))


def test_a_wheel_without_record_is_refused(tmp_path: Path) -> None:
    assert "example-1.0.dist-info/RECORD is missing" in refusal(tmp_path, PARTS)


def test_a_bomb_is_inflated_no_further_than_it_declares(tmp_path: Path) -> None:
    """A small wheel must not fill the memory of the machine that plans."""
    bomb = change_entry(
        with_record(PARTS),
        INIT,
        packed=zlib.compress(bytes(100_000_000), 9, -15),
        local={"size": 9},
        central={"size": 9},
    )

    tracemalloc.start()
    message = refusal(tmp_path, bomb)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert "inflates to more than the 9 bytes it declares" in message
    assert peak < 4_000_000


def test_all_files_that_differ_are_named_at_once(tmp_path: Path) -> None:
    """A wheel whose line ends were changed has many such files, and one name would not say so."""
    parts = wheel_entries(files={"example/a.py": "a", "example/b.py": "b"})
    record = render_record([*parts[2:], RawEntry(name="example/a.py"), RawEntry(name="example/b.py")], RECORD)

    message = refusal(tmp_path, with_record(parts, record))

    assert "example/a.py has 1 bytes, RECORD says 0; example/b.py has 1 bytes, RECORD says 0" in message


@pytest.mark.parametrize("algorithm", ["sha384", "sha512"])
def test_a_record_of_longer_hashes_is_taken(algorithm: str, tmp_path: Path) -> None:
    record = render_record(PARTS, RECORD, algorithm=algorithm)

    found, usual = judge(tmp_path, with_record(PARTS, record)), judge(tmp_path, with_record(PARTS))

    assert [e.sha256 for e in found.entries if e.path != RECORD] == [
        e.sha256 for e in usual.entries if e.path != RECORD
    ]


def test_signatures_are_not_in_record(tmp_path: Path) -> None:
    """They are made from it, so they can only be added afterwards."""
    signed = [*with_record(PARTS), RawEntry(name=f"{RECORD}.jws", contents=b"{}"), RawEntry(name=f"{RECORD}.p7s")]
    elsewhere = [*with_record(PARTS), RawEntry(name="example/RECORD.jws")]
    named = with_record([*PARTS, RawEntry(name=f"{RECORD}.jws")])

    assert f"{RECORD}.jws" in {entry.path for entry in judge(tmp_path, signed).entries}
    assert "example/RECORD.jws is not in RECORD" in refusal(tmp_path, elsewhere)
    assert "RECORD names RECORD.jws, which is made after it" in refusal(tmp_path, named)


def test_sources_that_were_taken_out_of_ddtrace_do_not_matter(tmp_path: Path) -> None:
    """Every function with Datadog's layer of 2024 has such a wheel."""
    record = TRUE_RECORD + record_row("example/_native.cpp", b"") + "\n"

    assert INIT in {entry.path for entry in judge(tmp_path, with_record(PARTS, record)).entries}


def test_windows_line_ends_in_record_are_taken(tmp_path: Path) -> None:
    found = judge(tmp_path, with_record(PARTS, TRUE_RECORD.replace("\n", "\r\n")))

    assert INIT in {entry.path for entry in found.entries}
