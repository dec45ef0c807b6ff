"""What PDM installs from a pdm.lock that it locked without `inherit_metadata`, and reads with pyproject.toml."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name

from layerwright.errors import LockError
from layerwright.lock.graph import Need, Node, walk
from layerwright.lock.named_files import parse_version
from layerwright.lock.pdm import PdmLock, PdmPackage
from layerwright.lock.project import parse_project
from layerwright.lock.pylock import check_known
from layerwright.spec import Dependencies
from layerwright.target import Target


def walk_pdm_lock(
    lock: PdmLock, name: str, pyproject: dict[str, Any] | None, wanted: Dependencies, targets: Sequence[Target]
) -> dict[int, str]:
    """Return the place in *lock*, the file *name*, of all that PDM would install on *targets*, with its marker.

    Raises `LockError` where there is no *pyproject*, or the two contradict each other.
    """
    if pyproject is None:
        raise LockError(
            f"{name}: there is no pyproject.toml beside it, which says what of it is installed: put it there, or lock "
            "again with `pdm lock -S inherit_metadata`"
        )
    standard = parse_project(pyproject, "pyproject.toml")
    groups = {**standard.extras, **standard.groups}
    for group, listed in pyproject.get("tool", {}).get("pdm", {}).get("dev-dependencies", {}).items():
        groups[canonicalize_name(group)] = tuple(listed)
    asked = [canonicalize_name(group) for group in (*wanted.extras, *wanted.groups)]
    check_known("pyproject.toml", "extra or dependency group", asked, list(groups))
    try:
        roots = [_need(text) for text in (*standard.dependencies, *(text for group in asked for text in groups[group]))]
        places = [place for place, package in enumerate(lock.package) if not package.extras]
        reached = walk([_node(lock.package[place], lock.package) for place in places], roots, targets)
    except (LockError, InvalidRequirement, InvalidSpecifier) as e:
        raise LockError(f"{name}: {' '.join(str(e).split())}: lock again, or restore it from version control") from e
    return {places[place]: marker for place, marker in reached.items()}


def _node(package: PdmPackage, packages: Sequence[PdmPackage]) -> Node:
    """The distribution, with what it needs for each of its extras: PDM writes those as distributions of their own."""
    needs: list[Need] = [_need(text) for text in package.dependencies]
    for other in packages:
        if other.extras and (other.name, other.version) == (package.name, package.version):
            needs += _needs_of_extras(other)
    return Node(
        name=canonicalize_name(package.name),
        version=parse_version(package.name, package.version),
        requires_python=SpecifierSet(package.requires_python) if package.requires_python else None,
        needs=tuple(needs),
    )


def _needs_of_extras(package: PdmPackage) -> Iterator[Need]:
    extras = frozenset(canonicalize_name(extra) for extra in package.extras)
    for text in package.dependencies:
        need = _need(text, of_extras=extras)
        if need.name != canonicalize_name(package.name) or need.extras:
            yield need


def _need(text: str, *, of_extras: frozenset[str] = frozenset()) -> Need:
    requirement = Requirement(text)
    return Need(
        name=canonicalize_name(requirement.name),
        admits=(requirement.specifier,) if str(requirement.specifier) else (),
        extras=frozenset(canonicalize_name(extra) for extra in requirement.extras),
        marker=requirement.marker,
        of_extras=of_extras,
    )
