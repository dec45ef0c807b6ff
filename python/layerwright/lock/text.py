"""Read the text of a lock file, once, and say in one line what is wrong with it."""

from __future__ import annotations

import codecs
import re
from pathlib import Path
from typing import Any

import tomli

from layerwright.errors import LockError

LOCK_LIMIT = 64 * 1024 * 1024
"""Bytes of a lock file; 50 000 distributions take about half."""

_USERINFO = re.compile(r"(?<=://)[^/\s]*@")
_BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",  # what `pip freeze > requirements.txt` writes in Windows PowerShell 5
    codecs.BOM_UTF16_BE: "utf-16",
}


def read_text(path: Path) -> str:
    """Return what the file at *path* says, without a byte order mark.

    Raises `LockError` naming the file where there is none, or it cannot be read, is empty, too large or not UTF-8.
    """
    contents = _read_bytes(path)
    encoding = next((name for mark, name in _BYTE_ORDER_MARKS.items() if contents.startswith(mark)), "utf-8")
    try:
        text = contents.decode(encoding)
    except UnicodeDecodeError as e:
        raise LockError(f"{path.name}: is not UTF-8 text (byte {e.start}): lock again, or save it as UTF-8") from e
    if "\0" in text:
        raise LockError(f"{path.name}: holds NUL characters, so it is no text: restore it from version control")
    if not text.strip():
        raise LockError(f"{path.name}: is empty: lock again, or restore it from version control")
    return text


def parse_toml(text: str, name: str) -> dict[str, Any]:
    """Return the table that *text* is; raises `LockError` naming the file *name* where it is not TOML."""
    try:
        return tomli.loads(text)  # the standard library's parser, compiled: every plan reads a lock file
    except RecursionError as e:
        raise LockError(f"{name}: is nested too deeply to be a lock file: lock again") from e
    except ValueError as e:  # TOMLDecodeError, and an integer of more digits than Python reads
        raise LockError(f"{name}: is not TOML: {e}: lock again, or restore it from version control") from e


def without_credentials(text: str) -> str:
    """Return *text* with user name and password taken out of every URL in it."""
    return _USERINFO.sub("", text)


def _read_bytes(path: Path) -> bytes:
    try:
        if path.is_dir():
            raise LockError(f"{path.name}: is a folder, not a lock file: name the file in it")
        if path.exists() and not path.is_file():
            raise LockError(f"{path.name}: is a device or a pipe, not a lock file: name a file")
        with path.open("rb") as file:
            contents = file.read(LOCK_LIMIT + 1)
    except FileNotFoundError as e:
        raise LockError(f"{path.name}: there is no such file in {path.parent}: lock first, or correct the path") from e
    except OSError as e:
        raise LockError(f"{path.name}: cannot be read: {e.strerror or e}: correct its permissions or the path") from e
    if len(contents) > LOCK_LIMIT:
        raise LockError(f"{path.name}: is larger than {LOCK_LIMIT} bytes, so it is no lock file: correct the path")
    return contents
