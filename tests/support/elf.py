"""Tiny shared libraries made by hand: one segment, a dynamic section, no code.

files = {"example/_speedups.abi3.so": make_elf("x86_64", needed=["libc.so.6"], versions={"libc.so.6": ["GLIBC_2.28"]})}
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence

_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
_SEGMENT = struct.Struct("<IIQQQQQQ")
_DYNAMIC = struct.Struct("<qQ")
_VERNEED = struct.Struct("<HHIII")
_VERNAUX = struct.Struct("<IHHII")
_MACHINES = {"x86_64": 62, "aarch64": 183, "arm": 40}
_BASE = 0x10000
"""Address at which byte 0 is loaded, so that addresses are not offsets by chance."""


def make_elf(
    machine: str = "x86_64",
    *,
    needed: Sequence[str] = (),
    soname: str = "",
    runpath: str = "",
    versions: Mapping[str, Sequence[str]] | None = None,
    weak: Sequence[str] = (),
    kind: int = 3,
) -> bytes:
    """The bytes of a library; *versions* are those required of each library, *weak* which of them it does without.

    *kind* is e_type: 1 object file, 2 program, 3 shared library.
    """
    strings = bytearray(b"\0")

    def name(text: str) -> int:
        strings.extend(text.encode() + b"\0")
        return len(strings) - len(text.encode()) - 1

    tags = [(1, name(library)) for library in needed]
    tags += [(14, name(soname))] if soname else []
    tags += [(29, name(runpath))] if runpath else []
    verneed = _make_versions(versions or {}, weak, name)
    start = _HEADER.size + 2 * _SEGMENT.size
    at_strings = start + len(verneed)
    at_dynamic = at_strings + len(strings)
    if versions:
        tags += [(0x6FFFFFFE, _BASE + start), (0x6FFFFFFF, len(versions))]
    tags += [(5, _BASE + at_strings), (10, len(strings)), (0, 0)]
    dynamic = b"".join(_DYNAMIC.pack(*tag) for tag in tags)
    size = at_dynamic + len(dynamic)
    ident = b"\x7fELF" + bytes([1 if machine == "arm" else 2, 1, 1])
    header = _HEADER.pack(ident, kind, _MACHINES[machine], 1, 0, _HEADER.size, 0, 0, 64, _SEGMENT.size, 2, 64, 0, 0)
    load = _SEGMENT.pack(1, 4, 0, _BASE, _BASE, size, size, 0x1000)
    table = _SEGMENT.pack(2, 4, at_dynamic, _BASE + at_dynamic, _BASE + at_dynamic, len(dynamic), len(dynamic), 8)
    return header + load + table + verneed + bytes(strings) + dynamic


def _make_versions(versions: Mapping[str, Sequence[str]], weak: Sequence[str], name: object) -> bytes:
    assert callable(name)
    rows = bytearray()
    for number, (library, wanted) in enumerate(versions.items(), 1):
        size = _VERNEED.size + len(wanted) * _VERNAUX.size
        rows += _VERNEED.pack(1, len(wanted), name(library), _VERNEED.size, size if number < len(versions) else 0)
        for place, version in enumerate(wanted, 1):
            following = _VERNAUX.size if place < len(wanted) else 0
            rows += _VERNAUX.pack(0, 2 if version in weak else 0, place, name(version), following)
    return bytes(rows)
