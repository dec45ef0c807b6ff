"""Read poetry.lock, as Poetry 1.0 and later write it.

Since lock-version 2.1 (Poetry 2.0) each distribution says in which groups and under which marker it is installed.
Before that, `poetry_walk` follows the dependencies from the pyproject.toml beside it. The format is what
`poetry/packages/locker.py` reads; no specification exists.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import msgspec
from packaging.markers import InvalidMarker, Marker
from packaging.pylock import Package, PackageArchive, PackageDirectory, PackageVcs, Pylock
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from layerwright.errors import LockError, render_problems
from layerwright.lock.constraint import parse_python
from layerwright.lock.named_files import NamedFile, join_markers, make_package, parse_version
from layerwright.lock.pylock import check_known, localise
from layerwright.lock.text import parse_toml, read_text
from layerwright.spec import Dependencies
from layerwright.target import Target

MAIN = "main"
"""Poetry's name of the project's own dependencies, as a group."""

_EXTRA = re.compile(r"""(?P<text>"[^"]*"|'[^']*')|\bextra\s*(?P<operator>==|!=)\s*(?P<extra>"[^"]*"|'[^']*')""")
"""A string, to be passed over, or a comparison of the one extra that PEP 508 has."""


class _Source(msgspec.Struct, frozen=True):
    type: str
    url: str = ""
    reference: str | None = None
    resolved_reference: str | None = None
    subdirectory: str | None = None


class PoetryPackage(msgspec.Struct, frozen=True, rename="kebab"):
    """A distribution in poetry.lock."""

    name: str
    version: str
    python_versions: str = "*"
    groups: tuple[str, ...] = ()
    markers: str | dict[str, str] = ""
    """For all groups, or by group; nothing for a group that needs none."""
    files: tuple[NamedFile, ...] | None = None
    source: _Source | None = None
    dependencies: dict[str, str | dict[str, object] | list[str | dict[str, object]]] = {}
    extras: dict[str, list[str]] = {}


class _Metadata(msgspec.Struct, frozen=True, rename="kebab"):
    python_versions: str
    lock_version: str = "1.0"
    files: dict[str, tuple[NamedFile, ...]] = {}
    """Before lock-version 2.0: of all versions of a distribution."""


class PoetryLock(msgspec.Struct, frozen=True):
    """All of poetry.lock that decides what is installed."""

    metadata: _Metadata
    package: tuple[PoetryPackage, ...] = ()
    extras: dict[str, list[str]] = {}


def read_poetry_lock(path: Path, wanted: Dependencies, targets: tuple[Target, ...]) -> Pylock:
    """Return the poetry.lock at *path*: what its main group needs, and the extras and groups *wanted*.

    Other groups are left out, those too that Poetry installs unless told otherwise: what develops a function does not
    run it. Raises `LockError` naming all that cannot be used.
    """
    name = path.name
    table = parse_toml(read_text(path), name)
    try:
        lock = msgspec.convert(table, PoetryLock)
        version = Version(lock.metadata.lock_version)
    except msgspec.ValidationError as e:
        raise LockError(f"{name}: is no poetry.lock: {e}: lock again") from e
    except InvalidVersion as e:
        raise LockError(f"{name}: has lock-version {lock.metadata.lock_version!r}, which is none: lock again") from e
    if not Version("1.0") <= version < Version("3"):
        raise LockError(
            f"{name}: has lock-version {version}, and 1.0 to 2.1 are read here: lock again with Poetry 1 or 2, or run "
            "`poetry export --format pylock.toml --output pylock.toml` and use that file"
        )
    check_known(name, "extra", wanted.extras, list(lock.extras))
    if version < Version("2.1"):
        from layerwright.lock.poetry_walk import walk_poetry_lock

        packages = walk_poetry_lock(lock, path, wanted, targets)
    else:
        groups = {group for package in lock.package for group in package.groups} - {MAIN}
        check_known(name, "dependency group", wanted.groups, sorted(groups))
        packages = convert_packages(lock, name, [_marker(package) for package in lock.package])
    converted = Pylock(
        lock_version=Version("1.0"),
        created_by="poetry",
        requires_python=parse_python(lock.metadata.python_versions),
        extras=sorted(canonicalize_name(extra) for extra in lock.extras) or None,
        packages=packages,
    )
    return localise(converted, path.parent, name)


def convert_packages(lock: PoetryLock, name: str, markers: Sequence[str]) -> list[Package]:
    """Return the distributions of *lock* under *markers*, one for each; raises `LockError` naming the file *name*."""
    packages, problems = [], []
    for package, marker in zip(lock.package, markers, strict=True):
        try:
            packages.append(_convert(package, lock.metadata, marker))
        except LockError as e:
            problems.append(str(e))
        except InvalidMarker:
            problems.append(f"{package.name} {package.version} has a marker that is none")
    if problems:
        raise LockError(f"{name}: {render_problems(problems)}: lock again, or restore it from version control")
    return packages


def _convert(package: PoetryPackage, metadata: _Metadata, marker: str) -> Package:
    source, version = package.source, parse_version(package.name, package.version)
    files = package.files
    if files is None:
        named = {canonicalize_name(name): files for name, files in metadata.files.items()}
        files = tuple(file for file in named.get(canonicalize_name(package.name), ()) if file.is_of(version))
    if source is None or source.type == "legacy":
        return make_package(
            package.name,
            version,
            files,
            index=source.url if source else None,
            marker=marker,
            requires_python=parse_python(package.python_versions),
        )
    vcs = directory = archive = None
    if source.type == "directory":
        directory = PackageDirectory(path=source.url)
    elif source.type in ("file", "url"):
        is_url = source.type == "url"
        hashes = files[0].hashes if files else {}
        archive = PackageArchive(
            url=source.url if is_url else None,
            path=None if is_url else source.url,
            hashes=hashes,
            subdirectory=source.subdirectory,
        )
    else:
        commit = source.resolved_reference or source.reference or "?"
        vcs = PackageVcs(
            type=source.type,
            url=source.url,
            commit_id=commit,
            requested_revision=source.reference,
            subdirectory=source.subdirectory,
        )
    return Package(
        name=canonicalize_name(package.name),
        version=version,
        marker=Marker(marker) if marker else None,
        vcs=vcs,
        directory=directory,
        archive=archive,
    )


def _marker(package: PoetryPackage) -> str:
    """The marker of PEP 751 under which the distribution is installed: groups are part of it, as are extras."""
    conditions = []
    for group in package.groups:
        own = package.markers if isinstance(package.markers, str) else package.markers.get(group, "")
        in_group = "" if group == MAIN else f'"{group}" in dependency_groups'
        conditions.append(join_markers("and", [in_group, _EXTRA.sub(_rewrite_extra, own)]))
    return "" if "" in conditions else join_markers("or", conditions)


def _rewrite_extra(found: re.Match[str]) -> str:
    if found["text"]:
        return found["text"]
    return f"{found['extra']} {'in' if found['operator'] == '==' else 'not in'} extras"
