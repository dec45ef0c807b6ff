"""Where each file of a wheel goes in the archive, as installing it into Lambda's search path would put it."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator, Sequence

import msgspec

from layerwright.errors import WheelError
from layerwright.fetch import WheelFile
from layerwright.spec import LayerSpec
from layerwright.wheel import Elf, WheelEntry

DROPPED_DIST_INFO = frozenset({"INSTALLER", "REQUESTED", "direct_url.json", "RECORD", "RECORD.jws", "RECORD.p7s"})
"""Written by installers about an installation that never was; RECORD is written anew, which ends its signatures."""


class PlacedFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file of a wheel with its place in the archive."""

    path: str
    """In the archive: `python/pandas/__init__.py`."""
    inner_path: str
    """The same, as the search path sees it: `pandas/__init__.py`."""
    owner: WheelFile
    executable: bool
    size: int
    sha256: str
    entry: WheelEntry | None = None
    """Where its compressed bytes are in the wheel, copied as they are."""
    contents: bytes | None = None
    """Its contents, where they were made here."""
    elf: Elf | None = None
    """What it needs, where it is a program or library in ELF form."""


def lay_out(wheels: Sequence[WheelFile], spec: LayerSpec) -> Iterator[PlacedFile]:
    """Place every file of *wheels* that an installer would (the wheel format's "spread"), scripts only if asked for."""
    for owner in wheels:
        wheel = owner.wheel
        data = f"{wheel.data_dir}/"
        dist_info = f"{wheel.dist_info}/"
        for entry in wheel.entries:
            path = entry.path
            if path.startswith(dist_info):
                if path.removeprefix(dist_info) in DROPPED_DIST_INFO:
                    continue
            elif path.startswith(data):
                scheme, _, path = path.removeprefix(data).partition("/")
                if scheme == "scripts" and spec.scripts:
                    yield _place_script(owner, entry, path, spec)
                if scheme in ("scripts", "headers"):
                    continue
            yield PlacedFile(
                path=spec.root + path,
                inner_path=path,
                owner=owner,
                executable=entry.executable,
                size=entry.size,
                sha256=entry.sha256,
                entry=entry,
                elf=entry.elf,
            )
        if spec.scripts:
            yield from _place_entry_points(owner, spec)


def _place_entry_points(owner: WheelFile, spec: LayerSpec) -> Iterator[PlacedFile]:
    import configparser

    wanted = f"{owner.wheel.dist_info}/entry_points.txt"
    for entry in owner.wheel.entries:
        if entry.path == wanted:
            parser = configparser.ConfigParser(delimiters=("=",))
            parser.optionxform = str  # type: ignore[assignment,method-assign]  # names of scripts keep their case
            parser.read_string(read_entry(owner, entry).decode())
            scripts = parser["console_scripts"] if parser.has_section("console_scripts") else {}
            for name, reference in scripts.items():
                module, _, attribute = reference.partition("[")[0].strip().partition(":")
                contents = _ENTRY_POINT_SCRIPT.format(
                    interpreter=_interpreter(spec),
                    module=module.strip(),
                    attribute=attribute.strip(),
                    first=attribute.strip().split(".")[0],
                    search_path=_search_path(spec),
                )
                yield _place_contents(owner, f"bin/{name}", contents.encode())


def _place_script(owner: WheelFile, entry: WheelEntry, name: str, spec: LayerSpec) -> PlacedFile:
    contents = read_entry(owner, entry)
    first, newline, rest = contents.partition(b"\n")
    if first.startswith(b"#!python"):
        contents = f"#!{_interpreter(spec)}".encode() + newline + rest
    return _place_contents(owner, f"bin/{name}", contents, entry.elf)


def _place_contents(owner: WheelFile, path: str, contents: bytes, elf: Elf | None = None) -> PlacedFile:
    return PlacedFile(
        path=path,
        inner_path=f"../{path}",
        owner=owner,
        executable=True,
        size=len(contents),
        sha256=hashlib.sha256(contents).hexdigest(),
        contents=contents,
        elf=elf,
    )


def read_entry(owner: WheelFile, entry: WheelEntry) -> bytes:
    """The contents of a file in a wheel."""
    with owner.path.open("rb") as file:
        file.seek(entry.offset)
        raw = file.read(entry.compressed_size)
    contents = zlib.decompress(raw, wbits=-15) if entry.method else raw
    if hashlib.sha256(contents).hexdigest() != entry.sha256:
        raise WheelError(f"{owner.wheel.filename}: {entry.path} changed in the cache: run again")
    return contents


def _interpreter(spec: LayerSpec) -> str:
    return f"/var/lang/bin/{spec.runtime}"


def _search_path(spec: LayerSpec) -> list[str]:
    return ["/var/task", f"/opt/python/lib/{spec.runtime}/site-packages", "/opt/python"]


_ENTRY_POINT_SCRIPT = """\
#!{interpreter}
import sys

sys.path[1:1] = {search_path!r}

from {module} import {first}

sys.exit({attribute}())
"""
