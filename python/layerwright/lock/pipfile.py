"""Read Pipfile.lock, as Pipenv writes it: versions and hashes, without file names.

Its wheels are found in the index once, and from then on as the store has them, like requirements with hashes. Format:
pipfile-spec 6, github.com/pypa/pipfile.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
from packaging.markers import InvalidMarker, Marker
from packaging.pylock import Package, Pylock
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from layerwright.errors import LockError, render_problems
from layerwright.lock.pylock import check_known
from layerwright.lock.requirement_line import RequirementLine, parse_requirement_line
from layerwright.lock.requirements import RequirementText
from layerwright.lock.text import read_text, without_credentials
from layerwright.lock.unlocked import resolve_once
from layerwright.spec import Dependencies, LayerSpec
from layerwright.store import Store
from layerwright.target import Target

_DEFAULT = "default"
"""Pipenv's name of what `[packages]` leads to; `[dev-packages]` is `develop`."""


class _Entry(msgspec.Struct, frozen=True):
    version: str = ""
    hashes: tuple[str, ...] = ()
    markers: str = ""
    index: str = ""
    git: str = ""
    path: str = ""
    file: str = ""


class _Source(msgspec.Struct, frozen=True):
    name: str
    url: str
    verify_ssl: bool = True


class _Meta(msgspec.Struct, frozen=True, rename="kebab"):
    pipfile_spec: int
    sources: tuple[_Source, ...] = ()


def read_pipfile_lock(path: Path, spec: LayerSpec, store: Store | None) -> Pylock:
    """Return the Pipfile.lock at *path*: its default packages, and those of the groups of *spec*, such as `develop`.

    Raises `LockError` naming all entries that cannot be used; otherwise as `unlocked.read_requirements`.
    """
    name, wanted = path.name, spec.dependencies or Dependencies(lock_file="")
    meta, categories = _parse(read_text(path), name)
    check_known(name, "extra", wanted.extras, ())
    check_known(name, "group", wanted.groups, sorted(set(categories) - {_DEFAULT}))
    asked = {canonicalize_name(group) for group in wanted.groups}
    entries: dict[NormalizedName, _Entry] = {}
    problems: list[str] = []
    for category, listed in categories.items():
        if category == _DEFAULT or canonicalize_name(category) in asked:
            problems += _merge(entries, listed)
    lines, indexes = {}, {}
    for project, entry in sorted(entries.items()):
        try:
            if _is_needed(entry, spec.targets):
                lines[project] = _line(project, entry, path)
                indexes[project] = _find_source(entry, meta.sources)
        except LockError as e:
            problems.append(f"{project} {e}")
    if problems:
        raise LockError(f"{name}: {render_problems(problems)}: lock again, or restore it from version control")
    by_source = {
        source: [lines[p] for p in lines if indexes[p] == source] for source in dict.fromkeys(indexes.values())
    }
    parts = [_text(source, of_source) for source, of_source in by_source.items()]

    def solve(
        text: RequirementText,  # noqa: ARG001 — its parts are asked for, each at its own source
        targets: Sequence[Target],
        lock_name: str,
        *,
        built: Sequence[str] = (),
        offline: bool = False,
    ) -> Pylock:
        from layerwright.lock.newest import find_files

        found = [find_files(part, targets, lock_name, built=built, offline=offline) for part in parts]
        return _make_pylock([package for lock in found for package in lock.packages])

    return resolve_once(_join(parts), path, spec, store, solve) if parts else _make_pylock([])


def _parse(text: str, name: str) -> tuple[_Meta, dict[str, dict[str, _Entry]]]:
    try:
        table = msgspec.json.decode(text)
        meta = msgspec.convert(table.pop("_meta", {}) if isinstance(table, dict) else table, _Meta)
        categories = msgspec.convert(table, dict[str, dict[str, _Entry]])
    except msgspec.ValidationError as e:
        raise LockError(f"{name}: is no Pipfile.lock: {e}: lock again") from e
    except (msgspec.DecodeError, RecursionError) as e:
        raise LockError(f"{name}: is not JSON: {e}: lock again, or restore it from version control") from e
    if meta.pipfile_spec != 6:
        raise LockError(f"{name}: has pipfile-spec {meta.pipfile_spec}, and 6 is read here: lock again")
    return meta, categories


def _merge(entries: dict[NormalizedName, _Entry], listed: dict[str, _Entry]) -> Iterable[str]:
    """Take the entries of one category; yields those that another category has in another version."""
    for name, entry in listed.items():
        other = entries.setdefault(canonicalize_name(name), entry)
        if other.version != entry.version:
            yield f"{name} is locked as {other.version} and as {entry.version} in two groups"
        elif other.markers and not entry.markers:
            entries[canonicalize_name(name)] = entry


def _is_needed(entry: _Entry, targets: Sequence[Target]) -> bool:
    try:
        marker = Marker(entry.markers) if entry.markers else None
    except InvalidMarker as e:
        raise LockError("has a marker that is none") from e
    return marker is None or any(marker.evaluate(dict(target.marker_environment)) for target in targets)  # type: ignore[arg-type]


def _line(name: str, entry: _Entry, path: Path) -> RequirementLine:
    """The entry as a line of a requirements file; raises `LockError` without its name."""
    if where := entry.git or entry.path or entry.file:
        kind = "a git repository" if entry.git else "a folder" if entry.path else "a file"
        raise LockError(
            f"comes from {kind} ({without_credentials(where)}), not from an index: publish it as a wheel, or give its "
            "folder in sources"
        )
    if not entry.hashes:
        raise LockError("has no hashes")
    if not entry.version.startswith("=="):
        raise LockError(f"is not pinned ({entry.version or 'no version'})")
    hashes = " ".join(f"--hash={text}" for text in entry.hashes)
    return parse_requirement_line(f"{name}{entry.version} {hashes}", path.parent, path.name)


def _find_source(entry: _Entry, sources: Sequence[_Source]) -> _Source | None:
    """The source that is named, or else the first one, as Pipenv has it."""
    if not entry.index:
        return sources[0] if sources else None
    found = next((source for source in sources if source.name == entry.index), None)
    if found is None:
        raise LockError(f"comes from the index {entry.index}, which _meta.sources does not have")
    return found


def _text(source: _Source | None, lines: Sequence[RequirementLine]) -> RequirementText:
    """What is asked of one source alone; its address may name variables of the environment, as with Pipenv."""
    url = os.path.expandvars(source.url) if source else ""
    said = [f"--index-url {without_credentials(source.url)}"] if source else []
    return RequirementText(
        requirements=tuple(lines),
        constraints=(),
        index_options=(f"--index-url {url}",) if source else (),
        trusted_hosts=() if source is None or source.verify_ssl else (urlsplit(url).hostname or "",),
        prereleases=True,
        canonical=("Pipfile.lock", *said, *(line.canonical for line in lines)),
    )


def _join(parts: Sequence[RequirementText]) -> RequirementText:
    """All that is asked, to be named and stored as one."""
    return dataclasses.replace(
        parts[0],
        requirements=tuple(line for part in parts for line in part.requirements),
        canonical=tuple(line for part in parts for line in part.canonical),
    )


def _make_pylock(packages: Sequence[Package]) -> Pylock:
    ordered = sorted(packages, key=lambda package: package.name)
    return Pylock(lock_version=Version("1.0"), created_by="pipenv", packages=ordered)
