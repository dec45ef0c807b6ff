"""Read pdm.lock of lock_version 4, whichever strategy it was locked with.

With `inherit_metadata` (PDM's default since 2.11) each distribution says its groups and marker; without it the
dependencies are followed from the pyproject.toml beside it. With `static_urls` files have addresses. The format is what
`pdm/models/repositories/lock.py` reads.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import msgspec
from packaging.markers import InvalidMarker, Marker
from packaging.pylock import Package, PackageArchive, PackageDirectory, PackageVcs, Pylock
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from layerwright.errors import LockError, render_problems
from layerwright.lock.named_files import NamedFile, join_markers, make_package, parse_version
from layerwright.lock.pylock import check_known, localise
from layerwright.lock.text import parse_toml, read_text, without_credentials
from layerwright.spec import Dependencies
from layerwright.target import Target

_DEFAULT = "default"
"""PDM's name of the project's own dependencies, as a group."""

_SYSTEMS = {"linux": "linux", "manylinux": "linux", "musllinux": "linux", "windows": "win32", "macos": "darwin"}
_MACHINES = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "aarch64", "arm64": "aarch64", "linux": "x86_64"}
"""How a platform of PDM's ends → `platform_machine`; pdm-project.org/en/latest/usage/lock-targets/."""


class PdmPackage(msgspec.Struct, frozen=True):
    """A distribution in pdm.lock, or what it needs further with some of its extras."""

    name: str
    version: str = ""
    requires_python: str = ""
    extras: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    marker: str = ""
    dependencies: tuple[str, ...] = ()
    files: tuple[NamedFile, ...] = ()
    git: str = ""
    hg: str = ""
    svn: str = ""
    bzr: str = ""
    ref: str | None = None
    revision: str = ""
    path: str = ""
    url: str = ""
    subdirectory: str | None = None


class _LockTarget(msgspec.Struct, frozen=True):
    requires_python: str = ""
    platform: str = ""


class _Metadata(msgspec.Struct, frozen=True):
    lock_version: str
    groups: tuple[str, ...] = ()
    strategy: tuple[str, ...] = ()
    targets: tuple[_LockTarget, ...] = ()


class PdmLock(msgspec.Struct, frozen=True):
    """All of pdm.lock that decides what is installed."""

    metadata: _Metadata
    package: tuple[PdmPackage, ...] = ()


def read_pdm_lock(path: Path, wanted: Dependencies, targets: Sequence[Target]) -> Pylock:
    """Return the pdm.lock at *path*: what the project itself needs, and the extras and groups *wanted*.

    PDM has one name space for both, so either may be given as the other. Raises `LockError` naming all that cannot be
    used.
    """
    name = path.name
    try:
        lock = msgspec.convert(parse_toml(read_text(path), name), PdmLock)
        version = Version(lock.metadata.lock_version)
    except msgspec.ValidationError as e:
        raise LockError(f"{name}: is no pdm.lock: {e}: lock again") from e
    except InvalidVersion as e:
        raise LockError(f"{name}: has lock_version {lock.metadata.lock_version!r}, which is none: lock again") from e
    if version.major != 4:
        raise LockError(f"{name}: has lock_version {version}, and 4 is read here: lock again with PDM 2.8 or later")
    groups = [group for group in lock.metadata.groups if group != _DEFAULT]
    check_known(name, "extra or dependency group", [*wanted.extras, *wanted.groups], groups)
    pyproject = _read_pyproject(path)
    if "inherit_metadata" in lock.metadata.strategy:
        markers = {
            place: _marker(package)
            for place, package in enumerate(lock.package)
            if package.groups and not package.extras
        }
    else:
        from layerwright.lock.pdm_walk import walk_pdm_lock

        markers = walk_pdm_lock(lock, name, pyproject, wanted, targets)
    packages, problems = [], []
    for place in sorted(markers):
        try:
            packages.append(_convert(lock.package[place], markers[place], _find_index(lock.package[place], pyproject)))
        except LockError as e:
            problems.append(str(e))
    if problems:
        raise LockError(f"{name}: {render_problems(problems)}: lock again, or restore it from version control")
    converted = Pylock(
        lock_version=Version("1.0"),
        created_by="pdm",
        environments=[Marker(text) for text in _environments(lock.metadata.targets)] or None,
        extras=sorted(canonicalize_name(group) for group in groups) or None,
        packages=packages,
    )
    return localise(converted, path.parent, name)


def _convert(package: PdmPackage, marker: str, index: str | None) -> Package:
    label = f"{package.name} {package.version}".strip()
    try:
        requires_python = SpecifierSet(package.requires_python) if package.requires_python else None
        parsed_marker = Marker(marker) if marker else None
    except InvalidSpecifier as e:
        raise LockError(f"{label} has requires_python {package.requires_python!r}, which is none") from e
    except InvalidMarker as e:
        raise LockError(f"{label} has a marker that is none") from e
    vcs = next((kind for kind in ("git", "hg", "svn", "bzr") if getattr(package, kind)), "")
    if not (vcs or package.path or package.url):
        version = parse_version(package.name, package.version)
        return make_package(
            package.name, version, package.files, index=index, marker=marker, requires_python=requires_python
        )
    is_wheel = (package.path or package.url).partition("#")[0].endswith(".whl")
    is_directory = not vcs and not package.url and not is_wheel
    hashes = package.files[0].hashes if package.files else {}
    return Package(
        name=canonicalize_name(package.name),
        version=parse_version(package.name, package.version) if package.version else None,
        marker=parsed_marker,
        vcs=PackageVcs(type=vcs, url=getattr(package, vcs), commit_id=package.revision or "?") if vcs else None,
        directory=PackageDirectory(path=package.path) if is_directory else None,
        archive=None
        if vcs or is_directory
        else PackageArchive(url=package.url or None, path=package.path or None, hashes=hashes),
    )


def _marker(package: PdmPackage) -> str:
    """Its own marker and the groups that have it; a group may be an extra, which the file does not tell."""
    if _DEFAULT in package.groups:
        return package.marker
    asked = [f'"{group}" in {kind}' for group in package.groups for kind in ("extras", "dependency_groups")]
    return join_markers("and", [package.marker, join_markers("or", asked)])


def _read_pyproject(path: Path) -> dict[str, Any] | None:
    pyproject = path.with_name("pyproject.toml")
    return parse_toml(read_text(pyproject), pyproject.name) if pyproject.exists() else None


def _find_index(package: PdmPackage, pyproject: dict[str, Any] | None) -> str | None:
    """The source of pyproject.toml that PDM asks for it: one that includes it, or one that replaces the default."""
    listed = (pyproject or {}).get("tool", {}).get("pdm", {}).get("source", [])
    sources = [source for source in listed if isinstance(source, dict)]
    name = canonicalize_name(package.name)
    for source in sources:
        if any(fnmatch(name, pattern) for pattern in source.get("include_packages", ())):
            return without_credentials(str(source.get("url")))
    return next((without_credentials(str(s.get("url"))) for s in sources if s.get("name") == "pypi"), None)


def _environments(targets: Sequence[_LockTarget]) -> Iterator[str]:
    """Markers of where the file is locked for; PDM 2.17 and later say it."""
    for target in targets:
        specifiers = SpecifierSet(target.requires_python)
        terms = [f'python_full_version {s.operator} "{s.version}"' for s in sorted(specifiers, key=str)]
        if target.platform:
            system = next((v for k, v in _SYSTEMS.items() if target.platform.startswith(k)), target.platform)
            machine = next((v for k, v in _MACHINES.items() if target.platform.endswith(k)), target.platform)
            terms += [f'sys_platform == "{system}"', f'platform_machine == "{machine}"']
        if terms:
            yield " and ".join(terms)
