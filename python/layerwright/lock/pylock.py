"""Read and write pylock.toml (PEP 751), which is also the form that every other lock file is brought into.

Specification: packaging.python.org/en/latest/specifications/pylock-toml/.
"""

from __future__ import annotations

import dataclasses
import json
import os
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol, TypeVar
from urllib.parse import urlsplit

from packaging.pylock import (
    Package,
    PackageArchive,
    PackageSdist,
    PackageWheel,
    Pylock,
    PylockUnsupportedVersionError,
    PylockValidationError,
)
from packaging.utils import canonicalize_name

from layerwright.errors import LockError, render_problems
from layerwright.lock.text import parse_toml, read_text, without_credentials
from layerwright.spec import Dependencies

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")

_File = TypeVar("_File", PackageWheel, PackageSdist, PackageArchive)


class _Change(Protocol):
    def __call__(self, file: _File) -> _File: ...


def read_pylock(path: Path, wanted: Dependencies) -> Pylock:
    """Return the lock file at *path*, with the paths of its wheels, sdists and folders made absolute.

    Raises `LockError` where it is no lock file, lacks an extra or group that is *wanted*, or names a wheel outside its
    own folder.
    """
    lock = parse_pylock(read_text(path), path.name)
    check_known(path.name, "extra", wanted.extras, lock.extras or ())
    check_known(path.name, "dependency group", wanted.groups, lock.dependency_groups or ())
    return localise(lock, path.parent, path.name)


def parse_pylock(text: str, name: str) -> Pylock:
    """Return what the text of a pylock.toml means; raises `LockError` naming the file *name*."""
    table = parse_toml(text, name)
    try:
        return Pylock.from_dict(table)
    except PylockUnsupportedVersionError as e:
        raise LockError(f"{name}: {e}: lock again with a tool that writes lock-version 1.0") from e
    except (PylockValidationError, ValueError) as e:
        raise LockError(f"{name}: is not a pylock.toml: {e}: lock again") from e
    except RecursionError as e:
        raise LockError(f"{name}: holds a marker that is nested too deeply: lock again") from e


def render_pylock(lock: Pylock) -> bytes:
    """Return *lock* as TOML; the same value gives the same bytes."""
    table = dict(lock.to_dict())
    packages = table.pop("packages")
    lines = [f"{_render_key(key)} = {_render(value)}" for key, value in table.items()]
    for package in packages:
        lines += ["", "[[packages]]"]
        for key, value in package.items():
            if key == "wheels":
                lines += ["wheels = [", *(f"    {_render(wheel)}," for wheel in value), "]"]
            else:
                lines.append(f"{_render_key(key)} = {_render(value)}")
    if not packages:
        lines.append("packages = []")
    return "".join(f"{line}\n" for line in lines).encode()


def check_known(name: str, kind: str, wanted: Sequence[str], known: Sequence[str]) -> None:
    """Raise `LockError` naming what of *wanted* is not *known*, and all that is; names are compared normalized."""
    has = {canonicalize_name(k) for k in known}
    unknown = [w for w in wanted if canonicalize_name(w) not in has]
    if unknown:
        there = f"it has {', '.join(sorted(known))}" if known else f"it has no {kind} at all"
        raise LockError(
            f"{name}: has no {kind} {', '.join(unknown)}: {there}: correct the name, or add the {kind} and lock again"
        )


def localise(lock: Pylock, folder: Path, name: str) -> Pylock:
    """Return *lock* with each wheel, sdist and folder that is on this machine under its absolute path.

    Paths are relative to *folder*, that of the lock file, and files must stay in it, symbolic links followed: who may
    write the lock file shall not choose what else of this machine goes into a layer. Raises `LockError` naming those
    that do not. Folders are projects of one's own, and those of other functions often lie beside this one's.
    """
    problems: list[str] = []
    root = folder.resolve()

    def localised(file: _File) -> _File:
        path = _local_path(file)
        if path is None:
            return file
        try:
            absolute = (folder / path).resolve()
        except (OSError, ValueError, RuntimeError) as e:  # a NUL character; a loop of links, before Python 3.13
            problems.append(f"{path!r} is no path ({e})")
            return file
        if not absolute.is_relative_to(root):
            problems.append(f"{path!r} lies outside the folder of the lock file")
        elif file.url and file.path and not absolute.exists():
            return dataclasses.replace(file, path=None)
        return dataclasses.replace(file, path=str(absolute), url=None)

    localised_lock = map_files(_localise_folders(lock, folder), localised)
    if problems:
        raise LockError(f"{name}: {render_problems(problems)}: move the wheels beside the lock file and lock again")
    return localised_lock


def make_portable(lock: Pylock, folder: Path) -> Pylock:
    """Return *lock*, whose paths are absolute and in *folder*, with relative ones, and no credentials in its URLs."""
    root = folder.resolve()

    def portable(file: _File) -> _File:
        path = Path(file.path).relative_to(root).as_posix() if file.path else None
        return dataclasses.replace(file, path=path, url=without_credentials(file.url) if file.url else None)

    bare = [
        dataclasses.replace(package, index=without_credentials(package.index)) if package.index else package
        for package in lock.packages
    ]
    return map_files(dataclasses.replace(lock, packages=bare), portable)


def map_files(lock: Pylock, change: _Change) -> Pylock:
    """Return *lock* with *change* made to each of its wheels and sdists, those of a URL of their own included."""

    def changed(package: Package) -> Package:
        return dataclasses.replace(
            package,
            wheels=[change(wheel) for wheel in package.wheels] if package.wheels else package.wheels,
            sdist=change(package.sdist) if package.sdist else None,
            archive=change(package.archive) if package.archive else None,
        )

    return dataclasses.replace(lock, packages=[changed(package) for package in lock.packages])


def _localise_folders(lock: Pylock, folder: Path) -> Pylock:
    def localised(package: Package) -> Package:
        if (given := package.directory) is None:
            return package
        path = os.path.normpath(folder / given.path / (given.subdirectory or ""))
        return dataclasses.replace(package, directory=dataclasses.replace(given, path=path, subdirectory=None))

    return dataclasses.replace(lock, packages=[localised(package) for package in lock.packages])


def _local_path(file: PackageWheel | PackageSdist | PackageArchive) -> str | None:
    """Path of a file that is on this machine, and not at a URL."""
    if file.path is not None or not (file.url or "").startswith("file:"):
        return file.path
    from urllib.request import url2pathname  # brings HTTP and TLS along, which a plan has no use for

    return url2pathname(urlsplit(file.url or "").path)


def _render_key(key: str) -> str:
    return key if _BARE_KEY.fullmatch(key) else _render(key)


def _render(value: object) -> str:
    """A TOML value, in one line."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        # JSON's strings are TOML's, but for DEL, and for characters beyond U+FFFF if those were escaped.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_render_key(k)} = {_render(v)}" for k, v in value.items()) + " }"
    if isinstance(value, Sequence):
        return "[" + ", ".join(_render(v) for v in value) + "]"
    assert isinstance(value, int | float), value
    return repr(value)
