"""RECORD: a wheel's own list of its files, which must name each of them once with its true hash and size.

https://packaging.python.org/en/latest/specifications/recording-installed-packages/#the-record-file and, for what may be
missing from it, https://packaging.python.org/en/latest/specifications/binary-distribution-format/#signed-wheel-files
"""

from __future__ import annotations

import base64
import binascii
import csv
import hashlib
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from layerwright.wheel.names import check_name
from layerwright.wheel.problems import Unsound, label, refuse

SIGNATURES = ("RECORD.jws", "RECORD.p7s")
"""Files of `.dist-info` that are made from RECORD, and hence are not in it."""

ALGORITHMS = ("sha256", "sha384", "sha512")
"""Hashes that the specification allows ("sha256 or better") and that somebody uses."""

_STRIPPED = (".c", ".cpp", ".h", ".hpp", ".md", ".pyx")
"""Files that RECORD may name although the wheel does not hold them: ddtrace (2.9.0, 2.21.0, 3.10.0; not 4.16.0) takes
about 200 sources out after RECORD is written. No import needs them, and the archive gets a RECORD of its own."""

_SIZE = re.compile(r"[0-9]{1,19}")


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordRow:
    """What RECORD says of a file."""

    path: str
    algorithm: str
    """Empty where there is no hash, as in the row of RECORD itself."""
    digest: bytes
    size: int
    """-1 where there is none."""


def parse_record(text: bytes, record: str) -> dict[str, RecordRow]:
    """The rows of a RECORD that itself is at the path *record*, by path and without its own.

    Raises `Unsound` if it is not CSV of three columns, names a file twice, or gives a hash that proves nothing.
    """
    try:
        lines = list(csv.reader(io.StringIO(text.decode(), newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error) as e:
        raise Unsound(f"RECORD is not CSV in UTF-8 ({e})") from e
    rows: dict[str, RecordRow] = {}
    problems = []
    for number, line in enumerate(lines, start=1):
        try:
            row = _parse_row(line)
        except Unsound as e:
            problems.append(f"row {number} of RECORD {e}")
            continue
        if row.path in rows:
            problems.append(f"row {number} of RECORD names {label(row.path)} again")
        rows[row.path] = row
    folder = record.removesuffix("RECORD")
    refuse([*problems, *_check_own_rows(rows, folder)])
    return {path: row for path, row in rows.items() if path != record}


def check_record_paths(rows: Iterable[str], files: Iterable[str], record: str) -> Iterator[str]:
    """What of *files* is not in the *rows* of RECORD, and the other way round."""
    folder = record.removesuffix("RECORD")
    listed, there = set(rows), set(files) - {f"{folder}{name}" for name in ("RECORD", *SIGNATURES)}
    ghosts = [path for path in sorted(listed - there) if not path.endswith(_STRIPPED) or check_name(path)]
    yield from (f"{label(path)} is not in RECORD" for path in sorted(there - listed))
    yield from (f"RECORD names {label(path)}, which the wheel does not hold" for path in ghosts)


def _check_own_rows(rows: dict[str, RecordRow], folder: str) -> Iterator[str]:
    """Problems of what RECORD says of itself, and of what it leaves out."""
    own = rows.get(f"{folder}RECORD")
    if own is None:
        yield "RECORD does not name itself"
    elif own.algorithm or own.size >= 0:
        yield "RECORD gives a hash or a size for itself, which it cannot know"
    for name in SIGNATURES:
        if f"{folder}{name}" in rows:
            yield f"RECORD names {name}, which is made after it"
    for row in rows.values():
        if row is not own and (not row.algorithm or row.size < 0):
            yield f"RECORD has no hash or no size for {label(row.path)}"


def _parse_row(line: list[str]) -> RecordRow:
    if len(line) != 3:
        raise Unsound(f"has {len(line)} columns, not 3")
    path, hash_, size = line
    algorithm, _, encoded = hash_.partition("=")
    if hash_ and algorithm not in ALGORITHMS:
        raise Unsound(f"has a {label(algorithm)} hash for {label(path)}, and only {', '.join(ALGORITHMS)} are trusted")
    try:
        digest = base64.b64decode(encoded + "=" * (-len(encoded) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as e:
        raise Unsound(f"has a damaged hash for {label(path)}") from e
    if hash_ and len(digest) != hashlib.new(algorithm).digest_size:
        raise Unsound(f"has a hash of the wrong length for {label(path)}")
    if size and not _SIZE.fullmatch(size):
        raise Unsound(f"has the size {label(size)} for {label(path)}")
    return RecordRow(path=path, algorithm=algorithm, digest=digest, size=int(size) if size else -1)
