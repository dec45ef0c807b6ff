"""Write a layer tree as a zip that is the same on every machine.

Entries come in the order of the tree, dated 1980-01-01, from "Unix", regular files of mode 0644 or 0755, with no extra
fields, data descriptors, folders or comments. What a wheel had compressed is copied as it was; the rest goes through
libdeflate in the one version that the `deflate` distribution pins, because zlib's output differs between builds.
"""

from __future__ import annotations

import hashlib
import mmap
import struct
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import deflate

from layerwright.errors import LimitError, StoreError
from layerwright.fetch import WheelFile
from layerwright.layout import PlacedFile
from layerwright.sources import SourceFile, read_again
from layerwright.tree import LayerTree

ENTRY_LIMIT = 65_535
"""Entries that a zip without the ZIP64 extension can hold (APPNOTE.TXT 4.4.1.4)."""

COMPRESSION_LEVEL = 9

_DATE = (1980 - 1980) << 9 | 1 << 5 | 1
_VERSION_NEEDED = 20
_MADE_BY_UNIX = 3 << 8 | _VERSION_NEEDED
_UTF8_FLAG = 1 << 11
_REGULAR_FILE = 0o100000
_LOCAL = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")
_BUFFER = 1024 * 1024
_LARGE = 128 * 1024
_QUEUE = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """A finished zip on this machine."""

    path: Path
    sha256: str
    """Of the zip, 64 hex digits."""
    size: int
    """Bytes of the zip."""
    unzipped_size: int
    """Sum of the files' sizes in bytes, which is what Lambda limits."""


@dataclass(frozen=True, slots=True)
class _Compressed:
    method: int
    crc32: int
    data: bytes | memoryview


def write_archive(tree: LayerTree, path: Path) -> Archive:
    """Write *tree* to the file *path*.

    Raises `LimitError` if it has more files than a zip can list, `SpecError` if a source changed since it was read,
    `StoreError` if the disk does not take it.
    """
    if len(tree.files) > ENTRY_LIMIT:
        raise LimitError(f"the archive would have {len(tree.files)} files, a zip holds {ENTRY_LIMIT}: leave out more")
    sha256, size = hashlib.sha256(), 0
    hashed: deque[Future[None]] = deque()
    try:
        # Hashing takes as long as writing, so another core does it; the queue bounds what is held meanwhile.
        with path.open("wb") as file, ThreadPoolExecutor(1) as hasher:
            for chunk in _buffer(_write_zip(tree)):
                hashed.append(hasher.submit(sha256.update, chunk))
                file.write(chunk)
                size += len(chunk)
                if len(hashed) > _QUEUE:
                    hashed.popleft().result()
    except OSError as e:
        raise StoreError(
            f"{path.parent}: the archive cannot be written there: {e.strerror or e}: free space, or set "
            "LAYERWRIGHT_CACHE_DIR to another folder"
        ) from e
    return Archive(path=path, sha256=sha256.hexdigest(), size=size, unzipped_size=tree.unzipped_size)


def _write_zip(tree: LayerTree) -> Iterator[bytes | memoryview]:
    wheels = {wheel.path: _map(wheel) for wheel in tree.wheels}
    directory = []
    offset = 0
    for file in tree.files:
        packed = _compress(file, wheels)
        name = file.path.encode()
        # Only names that need it carry the flag, as Python's zipfile and Info-ZIP write them.
        flags = 0 if file.path.isascii() else _UTF8_FLAG
        sizes = (packed.crc32, len(packed.data), file.size, len(name))
        yield _LOCAL.pack(b"PK\3\4", _VERSION_NEEDED, flags, packed.method, 0, _DATE, *sizes, 0) + name
        yield packed.data
        # Lambda extracts as root: a 0600 file would be unreadable to the handler.
        mode = _REGULAR_FILE | (0o755 if file.executable else 0o644)
        head = (b"PK\1\2", _MADE_BY_UNIX, _VERSION_NEEDED, flags, packed.method, 0, _DATE)
        directory.append(_CENTRAL.pack(*head, *sizes, 0, 0, 0, 0, mode << 16, offset) + name)
        offset += _LOCAL.size + len(name) + len(packed.data)
    size = sum(map(len, directory))
    yield from directory
    yield _END.pack(b"PK\5\6", 0, 0, len(directory), len(directory), size, offset, 0)


def _map(wheel: WheelFile) -> memoryview:
    """The bytes of a wheel file, mapped for as long as anybody holds a piece of them."""
    with wheel.path.open("rb") as file:
        return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))


def _compress(file: PlacedFile | SourceFile, wheels: dict[Path, memoryview]) -> _Compressed:
    if isinstance(file, PlacedFile) and file.entry:
        entry = file.entry
        data = wheels[file.owner.path][entry.offset : entry.offset + entry.compressed_size]
        return _Compressed(entry.method, entry.crc32, data)
    contents = _read(file)
    compressed = bytes(deflate.deflate_compress(contents, COMPRESSION_LEVEL)) if contents else b""
    if len(compressed) < len(contents):
        return _Compressed(8, deflate.crc32(contents), compressed)
    return _Compressed(0, deflate.crc32(contents), contents)


def _read(file: PlacedFile | SourceFile) -> bytes:
    if isinstance(file, PlacedFile):
        assert file.contents is not None
        return file.contents
    return read_again(file)


def _buffer(chunks: Iterator[bytes | memoryview]) -> Iterator[bytes | memoryview]:
    """The same bytes in larger pieces: thousands of small writes cost more than joining them, large ones do not."""
    pending: list[bytes | memoryview] = []
    size = 0
    for chunk in chunks:
        if len(chunk) < _LARGE:
            pending.append(chunk)
            size += len(chunk)
        if pending and (size >= _BUFFER or len(chunk) >= _LARGE):
            yield b"".join(pending)
            pending, size = [], 0
        if len(chunk) >= _LARGE:
            yield chunk
    yield b"".join(pending)
