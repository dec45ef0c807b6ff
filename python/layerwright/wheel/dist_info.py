"""What a wheel says of itself: the folders at its root, METADATA, WHEEL and the scripts it wants made.

https://packaging.python.org/en/latest/specifications/binary-distribution-format/ and …/entry-points/
"""

from __future__ import annotations

import configparser
import re
from collections.abc import Iterable, Iterator
from email.message import Message
from email.parser import BytesHeaderParser

from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from layerwright.wheel.problems import Unsound, label

_DATA_SCHEMES = ("purelib", "platlib", "headers", "scripts", "data")
_SCRIPT_GROUPS = ("console_scripts", "gui_scripts")
_SCRIPT_NAME = re.compile(r"[^/\\\x00-\x1f\x7f]+")
_SCRIPT_OBJECT = re.compile(r"[\w.]+\s*:\s*[\w.]+\s*(\[[^\]]*\])?")
_INTERPRETER = re.compile(r"pythonw?[0-9.]*(\.exe)?", re.IGNORECASE)
"""Names that would put a script in front of Python itself, which uv refuses too."""


def find_dist_info(paths: Iterable[str], name: NormalizedName, version: Version) -> str:
    """The one `.dist-info` folder of the wheel; raises `Unsound` if there are none or several, or it is another's."""
    roots = {path.split("/", 1)[0] for path in paths}
    found = sorted(root for root in roots if root.endswith(".dist-info"))
    if not found:
        raise Unsound("has no .dist-info folder")
    if len(found) > 1:
        raise Unsound(f"has {len(found)} .dist-info folders ({', '.join(map(label, found[:3]))})")
    its_name, _, its_version = found[0].removesuffix(".dist-info").rpartition("-")
    if canonicalize_name(its_name) != name or not _is_version(its_version, version):
        raise Unsound(f"its folder {label(found[0])} is that of another distribution or version")
    return found[0]


def check_data_folder(paths: Iterable[str], data_dir: str) -> Iterator[str]:
    """Problems of what the wheel has in `.data` folders, where each file goes by the name of the folder below."""
    for path in paths:
        root, *parts = path.split("/")
        if not root.endswith(".data") or not parts:
            continue
        if root != data_dir:
            yield f"{label(path)} is in the .data folder of another distribution, not in {data_dir}"
        elif parts[0] not in _DATA_SCHEMES or len(parts) < 2:
            yield f"{label(path)} is not below one of {', '.join(_DATA_SCHEMES)}, so it goes nowhere"
        elif parts[:-1] in (["scripts"], ["data", "bin"]) and _INTERPRETER.fullmatch(parts[-1]):
            yield f"{label(path)} would take the place of Python itself"


def check_metadata(text: bytes, name: NormalizedName, version: Version) -> Iterator[str]:
    """In what METADATA differs from the wheel's file name."""
    headers = _parse_headers(text)
    names, versions = headers.get_all("Name", []), headers.get_all("Version", [])
    if [canonicalize_name(str(n).strip()) for n in names] != [name]:
        yield f"METADATA has the name {_join(names)}, the file name says {name}"
    if len(versions) != 1 or not _is_version(str(versions[0]).strip(), version):
        yield f"METADATA has the version {_join(versions)}, the file name says {version}"


def check_wheel_file(text: bytes) -> Iterator[str]:
    """Problems of the file WHEEL: a format that is not known, or no word on where the wheel's root goes."""
    headers = _parse_headers(text)
    formats = [str(value).strip() for value in headers.get_all("Wheel-Version", [])]
    if len(formats) != 1 or not re.fullmatch(r"1\.[0-9]+", formats[0]):
        yield f"WHEEL has the Wheel-Version {_join(formats)}, and only 1.x is known"
    if _root_is_purelib(headers) not in (["true"], ["false"]):
        yield f"WHEEL has the Root-Is-Purelib {_join(_root_is_purelib(headers))}, not true or false"


def parse_root_is_purelib(text: bytes) -> bool:
    """Whether the wheel's root goes to purelib, from a WHEEL that `check_wheel_file` finds nothing wrong with."""
    return _root_is_purelib(_parse_headers(text)) == ["true"]


def check_entry_points(text: bytes) -> Iterator[str]:
    """Problems of `entry_points.txt`: scripts that would be written elsewhere, or would run something else."""
    parser = configparser.RawConfigParser(delimiters=("=",), strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign] # names of scripts keep their case
    try:
        parser.read_string(text.decode())
    except (UnicodeDecodeError, configparser.Error) as e:
        yield f"entry_points.txt cannot be read ({e})"
        return
    for group in filter(parser.has_section, _SCRIPT_GROUPS):
        for name, value in parser.items(group):
            if not _SCRIPT_NAME.fullmatch(name) or name in (".", ".."):
                yield f"entry_points.txt has a script named {label(name)}, which is no file name"
            if _INTERPRETER.fullmatch(name):
                yield f"entry_points.txt has a script named {label(name)}, which would take the place of Python itself"
            if not _SCRIPT_OBJECT.fullmatch(value):
                yield f"entry_points.txt has {label(value)} for the script {label(name)}, which is no module:function"


def _root_is_purelib(headers: Message) -> list[str]:
    return [str(value).strip().lower() for value in headers.get_all("Root-Is-Purelib", [])]


def _parse_headers(text: bytes) -> Message:
    return BytesHeaderParser().parsebytes(text)


def _is_version(text: str, version: Version) -> bool:
    try:
        return Version(text) == version
    except ValueError:  # InvalidVersion, or a number of more digits than Python reads
        return False


def _join(values: Iterable[object]) -> str:
    return " and ".join(label(str(value)) for value in values) or "(none)"
