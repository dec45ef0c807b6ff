"""Write a wheel that was built here anew, so that its bytes depend on its files alone.

Backends differ in the order of entries, their dates and modes, and zlib's output differs between builds of Python. And
each writes its own name and version into WHEEL, where nothing reads it.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from layerwright.archive import write_archive
from layerwright.fetch import WheelFile
from layerwright.layout import DROPPED_DIST_INFO, PlacedFile, read_entry
from layerwright.tree import LayerTree, make_record
from layerwright.wheel import WheelEntry

_GENERATOR = b"Generator: layerwright"


def rewrite_wheel(built: WheelFile, path: Path) -> str:
    """Write *built* with our own compressor to the file *path*, and return its SHA-256."""
    dist_info = f"{built.wheel.dist_info}/"
    dropped = {dist_info + name for name in DROPPED_DIST_INFO}
    files = [_place(built, entry) for entry in built.wheel.entries if entry.path not in dropped]
    files.append(make_record(built, files, root=""))
    files.sort(key=lambda file: file.path.encode())
    return write_archive(LayerTree(files=tuple(files), wheels=()), path).sha256


def _place(built: WheelFile, entry: WheelEntry) -> PlacedFile:
    contents = read_entry(built, entry)
    if entry.path == f"{built.wheel.dist_info}/WHEEL":
        contents = _render_wheel_file(contents)
    return PlacedFile(
        path=entry.path,
        inner_path=entry.path,
        owner=built,
        executable=entry.executable,
        size=len(contents),
        sha256=hashlib.sha256(contents).hexdigest(),
        contents=contents,
    )


def _render_wheel_file(contents: bytes) -> bytes:
    """WHEEL without the backend's name and version, its lines in one order."""
    lines = {line.strip() for line in contents.splitlines() if line.strip()}
    kept = sorted(line for line in lines if not line.lower().startswith(b"generator:"))
    return b"".join(line + b"\n" for line in (*kept, _GENERATOR))
