"""Read from an ELF file what the loader will want before it runs it.

Only what the loader itself goes by is read: the program headers and the dynamic segment. Section headers may be
missing, and are most of what makes reading ELF files slow. Layout: System V ABI, chapter 5
(refspecs.linuxfoundation.org/elf/gabi4+); of versions: Linux Standard Base 5.0, "Symbol Versioning".
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Iterator
from functools import cache
from typing import IO, TYPE_CHECKING, Any

from layerwright.wheel import Elf

if TYPE_CHECKING:
    from elftools.elf.structs import ELFStructs

MAGIC = b"\x7fELF"

_MACHINES = {"EM_X86_64": "x86_64", "EM_AARCH64": "aarch64"}
"""pyelftools' name of a machine → the name used in wheel tags."""

_LITTLE_64 = b"\2\1"
"""Class and byte order of the machines that Lambda has."""

_WEAK = 0x2
"""Flag of a version that the loader does without (VER_FLG_WEAK)."""

_DYNAMIC = struct.Struct("<qQ")
"""An entry of the dynamic segment: tag and value."""

_ROWS = 4096
"""Program headers, dynamic entries or versions that are looked at; real files have a few dozen of each."""
_NAME = 4096
"""Bytes of a name that are looked at."""

_NUMBER = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})*")


def keep_elf(chunks: Iterable[bytes], copy: IO[bytes]) -> Iterator[bytes]:
    """Yield *chunks*, and write them to *copy* too if they begin as an ELF file does."""
    is_elf: bool | None = None
    for chunk in chunks:
        if is_elf is None and chunk:
            is_elf = chunk.startswith(MAGIC)
        if is_elf:
            copy.write(chunk)
        yield chunk


def read_elf(file: IO[bytes]) -> Elf | None:
    """What the program or library in *file* needs, or None if it is none: another kind of file, or a broken one."""
    file.seek(0)
    if file.read(len(MAGIC)) != MAGIC:
        return None
    try:
        return _read(file)
    except Exception:  # noqa: BLE001 — whatever a parser stumbles over is nothing that a loader would load
        return None


def _read(file: IO[bytes]) -> Elf | None:
    kind = file.read(2)
    structs = _structs()
    header = _parse(structs.Elf_Ehdr, file, 0)
    if header["e_type"] not in ("ET_DYN", "ET_EXEC") or header["e_machine"] == "EM_NONE":
        return None  # an object file, or a text for some device in the form of one
    if kind != _LITTLE_64:
        return Elf(machine="32-bit")
    segments = [
        _parse(structs.Elf_Phdr, file, header["e_phoff"] + number * header["e_phentsize"])
        for number in range(min(header["e_phnum"], _ROWS))
    ]
    machine = _MACHINES.get(header["e_machine"], str(header["e_machine"]))
    dynamic = next((segment for segment in segments if segment["p_type"] == "PT_DYNAMIC"), None)
    if dynamic is None:
        return Elf(machine=machine)
    return _read_dynamic(file, machine, dynamic, [s for s in segments if s["p_type"] == "PT_LOAD"])


def _read_dynamic(file: IO[bytes], machine: str, dynamic: Any, loads: list[Any]) -> Elf:  # noqa: ANN401
    file.seek(dynamic["p_offset"])
    size = min(dynamic["p_filesz"] // _DYNAMIC.size, _ROWS) * _DYNAMIC.size
    tags: dict[str, list[int]] = {}
    # By far the longest table: pyelftools would take ten times as long for it.
    for tag, value in _DYNAMIC.iter_unpack(file.read(size)):
        if tag == 0:
            break
        tags.setdefault(_tag_names().get(tag, ""), []).append(value)

    def offset(address: int) -> int:
        load = next(load for load in loads if 0 <= address - load["p_vaddr"] < load["p_filesz"])
        return address - int(load["p_vaddr"]) + int(load["p_offset"])

    def name(index: int) -> str:
        file.seek(strings + index)
        return file.read(_NAME).partition(b"\0")[0].decode()

    strings = offset(tags["DT_STRTAB"][0])
    paths = [part for tag in ("DT_RPATH", "DT_RUNPATH") for i in tags.get(tag, ()) for part in name(i).split(":")]
    versions = []
    if "DT_VERNEED" in tags:
        position, left = offset(tags["DT_VERNEED"][0]), min(tags["DT_VERNEEDNUM"][0], _ROWS)
        versions = [(name(library), name(version)) for library, version in _read_versions(file, position, left)]
    return Elf(
        machine=machine,
        soname="".join(name(i) for i in tags.get("DT_SONAME", ())[:1]),
        needed=tuple(name(i) for i in tags.get("DT_NEEDED", ())),
        search_path=tuple(paths),
        versions=_highest(versions),
    )


def _read_versions(file: IO[bytes], position: int, left: int) -> Iterator[tuple[int, int]]:
    structs = _structs()
    for _ in range(left):
        needed = _parse(structs.Elf_Verneed, file, position)
        row = position + needed["vn_aux"]
        for _ in range(min(needed["vn_cnt"], _ROWS)):
            version = _parse(structs.Elf_Vernaux, file, row)
            if not version["vna_flags"] & _WEAK:
                yield needed["vn_file"], version["vna_name"]
            row += version["vna_next"]
        position += needed["vn_next"]


def _highest(versions: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Of each library and kind the highest of *versions*, and all that are no numbers (`GLIBC_ABI_DT_RELR`)."""
    highest: dict[tuple[str, str], tuple[str, str]] = {}
    for library, version in versions:
        kind, numbers = split_version(version)
        key = (library, kind if numbers else version)
        highest[key] = max(highest.get(key, (library, version)), (library, version), key=lambda v: split_version(v[1]))
    return tuple(sorted(highest.values()))


def split_version(version: str) -> tuple[str, tuple[int, ...]]:
    """The kind and the numbers of a symbol version: `("GLIBC", (2, 28))`; no numbers where it has other words."""
    kind, _, number = version.rpartition("_")
    if _NUMBER.fullmatch(number):
        return kind, tuple(int(part) for part in number.split("."))
    return version, ()


def _parse(layout: Any, file: IO[bytes], offset: int) -> Any:  # noqa: ANN401
    from elftools.common.utils import struct_parse

    return struct_parse(layout, file, offset)


@cache
def _structs() -> ELFStructs:
    from elftools.elf.structs import ELFStructs

    structs = ELFStructs(little_endian=True, elfclass=64)
    structs.create_basic_structs()
    structs.create_advanced_structs()
    return structs


@cache
def _tag_names() -> dict[int, str]:
    """Names of the entries of a dynamic segment by their numbers."""
    from elftools.elf.enums import ENUM_D_TAG_COMMON

    return {number: name for name, number in ENUM_D_TAG_COMMON.items() if isinstance(number, int)}
