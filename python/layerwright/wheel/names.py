"""Rules for paths in a wheel: each must mean the same file on Linux, macOS and Windows, below the folder it goes to."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator

from layerwright.wheel.problems import label

_COMPONENT_LIMIT = 255
"""Bytes of a file name: NAME_MAX of Linux."""
_PATH_LIMIT = 4096
"""Bytes of a path: PATH_MAX of Linux."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_DRIVE = re.compile(r"[A-Za-z]:")


def check_names(names: Iterable[str]) -> Iterator[str]:
    """The problems of the names of a wheel's entries, one by one and with each other; folders end with `/`."""
    files: dict[str, str] = {}
    folders: set[str] = set()
    seen: set[str] = set()
    for name in names:
        if problem := check_name(name):
            yield f"{label(name) or 'an entry'} {problem}"
            continue
        if name in seen:
            yield f"{label(name)} is there twice"
            continue
        seen.add(name)
        folder, _, last = name.rpartition("/")
        if last and (other := files.setdefault(_fold(name), name)) != name:
            yield f"{label(name)} and {label(other)} are one file where case or Unicode form is not kept apart"
        while folder and folder not in folders:
            folders.add(folder)
            folder = folder.rpartition("/")[0]
    for folded in files.keys() & {_fold(folder) for folder in folders}:
        yield f"{label(files[folded])} is both a file and a folder"


def check_name(name: str) -> str:
    """What is wrong with a single name; empty if nothing is."""
    if not name:
        return "has no name"
    if "\\" in name:
        return "holds a backslash"
    if _CONTROL.search(name):
        return "holds a control character"
    if name.startswith("/") or _DRIVE.match(name):
        return "is an absolute path"
    parts = name.removesuffix("/").split("/")
    if ".." in parts:
        return "leads out of its folder"
    if "" in parts or "." in parts:
        return "is not written in its simplest form"
    if max(len(part.encode()) for part in parts) > _COMPONENT_LIMIT:
        return f"has a part of more than {_COMPONENT_LIMIT} bytes"
    if len(name.encode()) > _PATH_LIMIT:
        return f"is longer than {_PATH_LIMIT} bytes"
    return ""


def _fold(path: str) -> str:
    """*path* as file systems that ignore case and Unicode form compare it."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", path).casefold())
