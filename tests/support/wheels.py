"""Tiny real wheels for tests, and the raw zip writer that spoils one thing in them.

path = make_wheel(tmp_path, "orders", "1.2", files={"orders/__init__.py": "x = 1"}, requires=["boto3>=1.40"])
path = pack_wheel(tmp_path / path.name, [*wheel_entries("orders"), RawEntry("../escape.py")])
"""

from __future__ import annotations

import base64
import hashlib
import re
import struct
import zlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

Contents = bytes | str

_LOCAL = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")
_LOCAL_FIELDS = ("signature", "needed", "flags", "method", "time", "date", "crc", "packed", "size", "name", "extra")
_CENTRAL_FIELDS = (
    *("signature", "made_by", "needed", "flags", "method", "time", "date", "crc", "packed", "size", "name", "extra"),
    *("comment", "disk", "internal", "external", "offset"),
)
_END_FIELDS = ("signature", "disk", "directory_disk", "disk_rows", "rows", "directory_size", "directory", "comment")
_1980_01_01 = 0x21


@dataclass(frozen=True, slots=True, kw_only=True)
class RawEntry:
    """An entry as it is to stand in the zip; what is not given is made to agree with *contents*.

    *local* and *central* replace fields of the two headers by name (`_LOCAL_FIELDS`, `_CENTRAL_FIELDS`; `name` and
    `extra` are lengths there), which is how a test makes them lie.
    """

    name: bytes | str
    contents: bytes = b""
    method: int = 8
    mode: int = 0o100644
    flags: int | None = None
    """General purpose flags; by default bit 11 (UTF-8) where the name is not ASCII."""
    packed: bytes | None = None
    """What stands in the zip in place of the compressed contents."""
    before: bytes = b""
    """Bytes of no entry, in front of the local header."""
    after: bytes = b""
    """Bytes between the contents and the next header: a data descriptor, or a gap."""
    local_name: bytes | None = None
    local_extra: bytes = b""
    central_extra: bytes = b""
    comment: bytes = b""
    local: Mapping[str, int] = field(default_factory=dict)
    central: Mapping[str, int] = field(default_factory=dict)

    @property
    def path(self) -> str:
        return self.name if isinstance(self.name, str) else self.name.decode("latin-1")


@dataclass(frozen=True, slots=True, kw_only=True)
class RawZip:
    """A zip of *entries*, with whatever does not belong into one; *end* replaces fields of the end record."""

    entries: Sequence[RawEntry]
    prepended: bytes = b""
    before_directory: bytes = b""
    after_directory: bytes = b""
    comment: bytes = b""
    trailing: bytes = b""
    end: Mapping[str, int] = field(default_factory=dict)

    def to_bytes(self) -> bytes:
        body, directory = bytearray(self.prepended), bytearray()
        for entry in self.entries:
            body += entry.before
            local, central = _headers(entry, offset=len(body))
            body += local + _packed(entry) + entry.after
            directory += central
        body += self.before_directory
        end = {
            "signature": 0,
            "disk": 0,
            "directory_disk": 0,
            "disk_rows": len(self.entries),
            "rows": len(self.entries),
            "directory_size": len(directory),
            "directory": len(body),
            "comment": len(self.comment),
        }
        row = _pack(_END, b"PK\5\6", _END_FIELDS, {**end, **self.end})
        return bytes(body + directory) + self.after_directory + row + self.comment + self.trailing


def make_wheel(
    folder: Path,
    name: str = "example",
    version: str = "1.0",
    *,
    files: Mapping[str, Contents] | None = None,
    tag: str = "py3-none-any",
    executables: Collection[str] = (),
    compress: bool = True,
    entry_points: str | None = None,
    requires: Sequence[str] = (),
    data: Mapping[str, Contents] | None = None,
    root_is_purelib: bool = True,
) -> Path:
    """Write a valid wheel into *folder* and return its path; the same arguments give the same bytes.

    *files* are those of site-packages (default: `{name}/__init__.py`), *data* those of the `.data` folder by path below
    it (`scripts/orders`, `data/share/x`, `headers/x.h`, `platlib/x.so`); *executables* are paths of either that get
    mode 0755.
    """
    folder.mkdir(parents=True, exist_ok=True)
    entries = wheel_entries(
        name,
        version,
        files=files,
        tag=tag,
        executables=executables,
        compress=compress,
        entry_points=entry_points,
        requires=requires,
        data=data,
        root_is_purelib=root_is_purelib,
    )
    return pack_wheel(folder / f"{escape_name(name)}-{version}-{tag}.whl", entries)


def wheel_entries(
    name: str = "example",
    version: str = "1.0",
    *,
    files: Mapping[str, Contents] | None = None,
    tag: str = "py3-none-any",
    executables: Collection[str] = (),
    compress: bool = True,
    entry_points: str | None = None,
    requires: Sequence[str] = (),
    data: Mapping[str, Contents] | None = None,
    root_is_purelib: bool = True,
) -> list[RawEntry]:
    """The entries of a valid wheel, all but RECORD, which `pack_wheel` adds; arguments as in `make_wheel`."""
    stem = f"{escape_name(name)}-{version}"
    contents: dict[str, Contents] = dict({f"{escape_name(name)}/__init__.py": ""} if files is None else files)
    contents |= {f"{stem}.data/{path}": text for path, text in (data or {}).items()}
    contents[f"{stem}.dist-info/METADATA"] = "\n".join(
        [
            "Metadata-Version: 2.1",
            f"Name: {name}",
            f"Version: {version}",
            *(f"Requires-Dist: {r}" for r in requires),
            "",
        ]
    )
    tags = [f"Tag: {tag}" for tag in _expand(tag)]
    purelib = str(root_is_purelib).lower()
    contents[f"{stem}.dist-info/WHEEL"] = "\n".join(
        ["Wheel-Version: 1.0", "Generator: layerwright-tests", f"Root-Is-Purelib: {purelib}", *tags, ""]
    )
    if entry_points is not None:
        contents[f"{stem}.dist-info/entry_points.txt"] = entry_points
    executable = set(executables) | {f"{stem}.data/{path}" for path in executables}
    return [
        RawEntry(
            name=path,
            contents=text.encode() if isinstance(text, str) else text,
            method=8 if compress else 0,
            mode=0o100755 if path in executable else 0o100644,
        )
        for path, text in contents.items()
    ]


def pack_wheel(path: Path, entries: Sequence[RawEntry], *, record: Contents | None = None) -> Path:
    """Write *entries* and a RECORD that is true of them (or *record*) as a wheel at *path*, and return *path*."""
    path.write_bytes(RawZip(entries=with_record(entries, record)).to_bytes())
    return path


def with_record(entries: Sequence[RawEntry], record: Contents | None = None) -> list[RawEntry]:
    """*entries* and, in the `.dist-info` folder of the first that is in one, a RECORD."""
    dist_info = next(e.path.split("/")[0] for e in entries if ".dist-info/" in e.path)
    text = render_record(entries, f"{dist_info}/RECORD") if record is None else record
    contents = text.encode() if isinstance(text, str) else text
    method = 8 if any(e.method for e in entries) else 0
    return [*entries, RawEntry(name=f"{dist_info}/RECORD", contents=contents, method=method)]


def render_record(entries: Iterable[RawEntry], record: str, *, algorithm: str = "sha256") -> str:
    """A RECORD that is true of *entries*, the last row of which is its own."""
    rows = [record_row(e.path, e.contents, algorithm=algorithm) for e in entries if not e.path.endswith("/")]
    return "".join(f"{row}\n" for row in [*rows, f"{record},,"])


def record_row(path: str, contents: bytes, *, algorithm: str = "sha256") -> str:
    """The row of RECORD for a file, without its line end."""
    digest = base64.urlsafe_b64encode(hashlib.new(algorithm, contents).digest()).rstrip(b"=").decode()
    quoted = '"' + path.replace('"', '""') + '"' if re.search(r'[",]', path) else path
    return f"{quoted},{algorithm}={digest},{len(contents)}"


def change_entry(entries: Sequence[RawEntry], path: str, **changes: object) -> list[RawEntry]:
    """*entries* with the fields of the one at *path* replaced."""
    assert any(e.path == path for e in entries), path
    return [replace(e, **changes) if e.path == path else e for e in entries]  # type: ignore[arg-type]


def escape_name(name: str) -> str:
    """*name* as file names and `.dist-info` folders have it."""
    return re.sub(r"[-_.]+", "_", name).lower()


def sha256_of(path: Path) -> str:
    """SHA-256 of the file at *path*, 64 hex digits, as a lock file has it."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _expand(tag: str) -> list[str]:
    interpreters, abis, platforms = (part.split(".") for part in tag.split("-")[-3:])
    return [f"{i}-{a}-{p}" for i in interpreters for a in abis for p in platforms]


def _packed(entry: RawEntry) -> bytes:
    if entry.packed is not None:
        return entry.packed
    if entry.method != 8:
        return entry.contents
    deflate = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return deflate.compress(entry.contents) + deflate.flush()


def _headers(entry: RawEntry, *, offset: int) -> tuple[bytes, bytes]:
    name = entry.name.encode() if isinstance(entry.name, str) else entry.name
    local_name = name if entry.local_name is None else entry.local_name
    fields = {
        "signature": 0,
        "made_by": 3 << 8 | 20,
        "needed": 20,
        "flags": (0 if name.isascii() else 0x800) if entry.flags is None else entry.flags,
        "method": entry.method,
        "time": 0,
        "date": _1980_01_01,
        "crc": zlib.crc32(entry.contents),
        "packed": len(_packed(entry)),
        "size": len(entry.contents),
        "disk": 0,
        "internal": 0,
        "external": entry.mode << 16,
        "offset": offset,
    }
    lengths = {"name": len(local_name), "extra": len(entry.local_extra)}
    local = _pack(_LOCAL, b"PK\3\4", _LOCAL_FIELDS, {**fields, **lengths, **entry.local})
    lengths = {"name": len(name), "extra": len(entry.central_extra), "comment": len(entry.comment)}
    central = _pack(_CENTRAL, b"PK\1\2", _CENTRAL_FIELDS, {**fields, **lengths, **entry.central})
    return local + local_name + entry.local_extra, central + name + entry.central_extra + entry.comment


def _pack(layout: struct.Struct, signature: bytes, names: Sequence[str], fields: Mapping[str, int]) -> bytes:
    return layout.pack(signature, *(fields[name] for name in names[1:]))
