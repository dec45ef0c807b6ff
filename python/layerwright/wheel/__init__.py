"""What a wheel holds, once it has been judged sound."""

from __future__ import annotations

import msgspec

WHEEL_INDEX_CONTRACT = 2
"""Raised by hand when `Wheel` or the judging changes, so that older cached indexes are judged anew."""


class Elf(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """What a program or library in ELF form wants of whoever loads it."""

    machine: str
    """Whose instructions it holds: `x86_64`, `aarch64`, or a name such as `EM_ARM`."""
    soname: str = ""
    """The name under which others need it, where it has one."""
    needed: tuple[str, ...] = ()
    """Names of the libraries it needs: `libc.so.6`."""
    search_path: tuple[str, ...] = ()
    """Folders in which its needed libraries are looked for first: `$ORIGIN/../numpy.libs`."""
    versions: tuple[tuple[str, str], ...] = ()
    """Versions it needs of a library, of each kind the highest: `("libc.so.6", "GLIBC_2.28")`."""


class WheelEntry(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """A file in a wheel, with all that copying its compressed bytes into another zip needs."""

    path: str
    """As the wheel has it, `/` between parts."""
    executable: bool
    """Whether the wheel's entry is a regular file with any execute bit, which is what pip goes by."""
    method: int
    """Zip compression method: 0 stored, 8 deflated."""
    offset: int
    """Where the compressed bytes begin in the wheel file."""
    compressed_size: int
    size: int
    crc32: int
    sha256: str
    """Of the uncompressed contents, 64 hex digits; equal to what RECORD says."""
    elf: Elf | None = None
    """Where it is a program or library in ELF form."""


class Wheel(msgspec.Struct, frozen=True, kw_only=True):
    """A wheel that was read through once: zip framing, RECORD, every CRC and every hash agree."""

    contract: int = WHEEL_INDEX_CONTRACT
    name: str
    """Normalized name of the distribution."""
    version: str
    filename: str
    sha256: str
    size: int
    """Bytes of the wheel file."""
    root_is_purelib: bool
    dist_info: str
    """Name of its `.dist-info` folder."""
    data_dir: str
    """Name its `.data` folder has or would have."""
    entries: tuple[WheelEntry, ...]
    """Every file, in the order of the zip's central directory; folders are left out."""
