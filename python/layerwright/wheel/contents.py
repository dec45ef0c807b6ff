"""Inflate the entries of a wheel once, holding each to the size and CRC-32 that its headers declare."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable, Iterator, Sequence

from layerwright.target import UNZIPPED_LIMIT
from layerwright.wheel.framing import RawEntry
from layerwright.wheel.headers import DEFLATED, ZipData
from layerwright.wheel.problems import Unsound, label

_BOMB_SIZE, _BOMB_RATIO = 64 * 1024 * 1024, 50
"""What PyPI refuses at upload as a compression bomb: more than 64 MiB that are more than 50 times the wheel's size."""

_TEXT_LIMIT = 16 * 1024 * 1024
"""Bytes of a file of `.dist-info` that is read whole; a RECORD of 65,534 rows has about 8 MiB."""

_PIECE = 64 * 1024
"""Compressed bytes fed to zlib at once; it copies what it leaves of them, so they are few."""
_CHUNK = 1024 * 1024
"""Uncompressed bytes held at once."""


def check_sizes(entries: Sequence[RawEntry], wheel_size: int) -> None:
    """Raise `Unsound` if the declared sizes are those of a bomb, or more than Lambda ever takes."""
    total = sum(entry.size for entry in entries)
    if total > UNZIPPED_LIMIT:
        raise Unsound(
            f"unpacks to {total} bytes, and Lambda allows {UNZIPPED_LIMIT} for a function with all its layers",
            advice="leave it out with prune.distributions, or use a smaller build or a container image",
        )
    if total > _BOMB_SIZE and total > _BOMB_RATIO * wheel_size:
        raise Unsound(f"is a compression bomb: {wheel_size} bytes unpack to {total}")


def read_contents(data: ZipData, entry: RawEntry) -> bytes:
    """The contents of *entry*; raises `Unsound` as `inflate` does, and where they are too much to be read whole."""
    if entry.size > _TEXT_LIMIT:
        raise Unsound(f"{label(entry.name)} has {entry.size} bytes, which is no {entry.name.rsplit('/', 1)[-1]}")
    return b"".join(inflate(data, entry))


def hash_contents(chunks: Iterable[bytes], algorithms: Sequence[str]) -> list[bytes]:
    """The digests of *chunks* joined, by each of *algorithms*."""
    hashes = [hashlib.new(algorithm) for algorithm in algorithms]
    for chunk in chunks:
        for h in hashes:
            h.update(chunk)
    return [h.digest() for h in hashes]


def inflate(data: ZipData, entry: RawEntry) -> Iterator[bytes]:
    """Yield the contents of *entry* in chunks of at most 1 MiB, never more of them than it declares.

    Raises `Unsound` after the last chunk, or where it cannot go on, if they are not what the entry declares.
    """
    size, crc32 = 0, 0
    for chunk in _inflate(data, entry) if entry.method == DEFLATED else _stored(data, entry):
        size += len(chunk)
        if size > entry.size:
            raise Unsound(f"{label(entry.name)} inflates to more than the {entry.size} bytes it declares")
        crc32 = zlib.crc32(chunk, crc32)
        yield chunk
    if size != entry.size:
        raise Unsound(f"{label(entry.name)} inflates to {size} bytes, not to the {entry.size} it declares")
    if crc32 != entry.crc32:
        raise Unsound(f"{label(entry.name)} has CRC-32 {crc32:08x}, not the {entry.crc32:08x} it declares")


def _stored(data: ZipData, entry: RawEntry) -> Iterator[bytes]:
    end = entry.offset + entry.compressed_size
    for start in range(entry.offset, end, _CHUNK):
        yield data[start : min(start + _CHUNK, end)]


def _inflate(data: ZipData, entry: RawEntry) -> Iterator[bytes]:
    """Yield what the deflate stream holds, one byte more than declared at most."""
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    end, left = entry.offset + entry.compressed_size, entry.size + 1
    position, piece = entry.offset, b""
    try:
        while left and not inflater.eof:
            if not piece:
                piece = data[position : min(position + _PIECE, end)]
                position += len(piece)
            chunk = inflater.decompress(piece, min(left, _CHUNK))
            if not piece and not chunk and not inflater.eof:
                raise Unsound(f"{label(entry.name)}: its compressed data end too early")
            left -= len(chunk)
            piece = inflater.unconsumed_tail
            yield chunk
    except zlib.error as e:
        raise Unsound(f"{label(entry.name)}: its compressed data are damaged ({e})") from e
    if left and (extra := len(inflater.unused_data) + end - position):
        raise Unsound(f"{label(entry.name)}: {extra} bytes follow the end of its compressed data")
