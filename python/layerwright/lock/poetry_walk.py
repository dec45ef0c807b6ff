"""What Poetry 1 installs from a poetry.lock, which it reads together with pyproject.toml: lock-version 1.0 to 2.0."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from packaging.markers import InvalidMarker, Marker
from packaging.pylock import Package
from packaging.utils import NormalizedName, canonicalize_name

from layerwright.errors import LockError
from layerwright.lock.constraint import parse_constraint, parse_python
from layerwright.lock.graph import Need, Node, walk
from layerwright.lock.named_files import join_markers, parse_version
from layerwright.lock.poetry import PoetryLock, PoetryPackage, convert_packages
from layerwright.lock.pylock import check_known
from layerwright.lock.text import parse_toml, read_text
from layerwright.spec import Dependencies
from layerwright.target import Target

_DEV = "dev"
"""Group that `[tool.poetry.dev-dependencies]` is, from before there were groups."""


def walk_poetry_lock(lock: PoetryLock, path: Path, wanted: Dependencies, targets: Sequence[Target]) -> list[Package]:
    """Return what of *lock*, the file at *path*, Poetry would install on *targets* for what is *wanted*.

    Raises `LockError` where there is no pyproject.toml of Poetry beside it, or the two contradict each other.
    """
    project = _read_project(path)
    groups = _groups(project)
    check_known(path.name, "dependency group", wanted.groups, sorted(groups))
    try:
        optional = _needs_of_extras(lock, wanted)
        roots = [need for need in _needs(project.get("dependencies", {}), optional) if need.name != "python"]
        for name in {canonicalize_name(group) for group in wanted.groups}:
            roots += _needs(groups[name], optional)
        reached = walk([_node(package) for package in lock.package], roots, targets)
    except (LockError, InvalidMarker) as e:
        raise LockError(f"{path.name}: {e}: lock again, or restore it from version control") from e
    kept = sorted(reached)
    part = PoetryLock(metadata=lock.metadata, package=tuple(lock.package[place] for place in kept), extras=lock.extras)
    return convert_packages(part, path.name, [reached[place] for place in kept])


def _read_project(path: Path) -> dict[str, Any]:
    pyproject = path.with_name("pyproject.toml")
    if not pyproject.exists():
        raise LockError(
            f"{path.name}: there is no pyproject.toml beside it, which says what of it is installed: put it there, or "
            "lock again with Poetry 2"
        )
    table = parse_toml(read_text(pyproject), pyproject.name)
    project = table.get("tool", {}).get("poetry", {})
    if not isinstance(project.get("dependencies"), dict):
        raise LockError(
            f"{path.name}: the pyproject.toml beside it has no [tool.poetry.dependencies], so Poetry 1 did not lock "
            "it: lock again with Poetry 2"
        )
    return dict(project)


def _groups(project: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    groups: dict[str, Mapping[str, Any]] = {
        canonicalize_name(name): group.get("dependencies", {}) for name, group in project.get("group", {}).items()
    }
    if old := project.get("dev-dependencies"):
        groups.setdefault(_DEV, {**groups.get(_DEV, {}), **old})
    return groups


def _needs_of_extras(lock: PoetryLock, wanted: Dependencies) -> frozenset[NormalizedName]:
    """Names of the optional dependencies that the extras *wanted* consist of."""
    names = {canonicalize_name(extra): listed for extra, listed in lock.extras.items()}
    return frozenset(
        canonicalize_name(name.partition("[")[0].partition(" ")[0])
        for extra in wanted.extras
        for name in names[canonicalize_name(extra)]
    )


def _needs(table: Mapping[str, Any], optional: frozenset[NormalizedName]) -> Iterator[Need]:
    """What the *table* of a project asks for; of what is optional, that which is named."""
    for name, value in table.items():
        for entry in value if isinstance(value, list) else [value]:
            need, is_optional = _need(name, entry)
            if not is_optional or need.name in optional:
                yield need


def _node(package: PoetryPackage) -> Node:
    needs = [
        _need(name, entry)[0]
        for name, value in package.dependencies.items()
        for entry in (value if isinstance(value, list) else [value])
    ]
    name = canonicalize_name(package.name)
    return Node(
        name=name,
        version=parse_version(package.name, package.version),
        requires_python=parse_python(package.python_versions),
        needs=(*needs, *_needs_of_own_extras(name, package)),
    )


def _needs_of_own_extras(name: NormalizedName, package: PoetryPackage) -> Iterator[Need]:
    """An extra that consists of others of the same distribution: `all = ["orders[fast]"]`."""
    for extra, listed in package.extras.items():
        for text in listed:
            of, bracket, rest = text.partition("[")
            if bracket and canonicalize_name(of) == name:
                asked = frozenset(canonicalize_name(part) for part in rest.partition("]")[0].split(","))
                yield Need(name=name, extras=asked, of_extras=frozenset({canonicalize_name(extra)}))


def _need(name: str, entry: str | Mapping[str, Any]) -> tuple[Need, bool]:
    """One dependency, `">=1.2"` or `{version = ">=1.2", markers = "…"}`, and whether only an extra installs it."""
    table: Mapping[str, Any] = {"version": entry} if isinstance(entry, str) else entry
    platform = f'sys_platform == "{table["platform"]}"' if table.get("platform") else ""
    marker = join_markers("and", [table.get("markers", ""), platform])
    need = Need(
        name=canonicalize_name(name),
        admits=parse_constraint(table["version"]) if table.get("version") else (),
        extras=frozenset(canonicalize_name(extra) for extra in table.get("extras", ())),
        marker=Marker(marker) if marker else None,
        python=parse_constraint(table["python"]) if table.get("python") else (),
    )
    return need, bool(table.get("optional"))
