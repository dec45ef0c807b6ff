"""What a pyproject.toml asks for in the standard's tables: `[project]` and `[dependency-groups]` (PEP 621, PEP 735)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from packaging.dependency_groups import resolve_dependency_groups
from packaging.requirements import InvalidRequirement
from packaging.utils import NormalizedName, canonicalize_name

from layerwright.errors import LockError


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """Requirements of a project, each as PEP 508 writes it."""

    name: str
    requires_python: str
    dependencies: tuple[str, ...]
    extras: dict[NormalizedName, tuple[str, ...]]
    groups: dict[NormalizedName, tuple[str, ...]]
    """What they include of each other is in them."""

    def select(self, extras: Sequence[str], groups: Sequence[str]) -> tuple[str, ...]:
        """Its dependencies, and those of the *extras* and *groups* given, which it must have; each once."""
        chosen = [self.dependencies]
        chosen += [self.extras[canonicalize_name(extra)] for extra in extras]
        chosen += [self.groups[canonicalize_name(group)] for group in groups]
        return tuple(dict.fromkeys(requirement for part in chosen for requirement in part))


class _Standard(msgspec.Struct, frozen=True, rename="kebab"):
    name: str
    requires_python: str = ""
    dependencies: tuple[str, ...] = ()
    optional_dependencies: dict[str, tuple[str, ...]] = {}
    dynamic: tuple[str, ...] = ()


class _Pyproject(msgspec.Struct, frozen=True, rename="kebab"):
    project: _Standard | None = None
    dependency_groups: dict[str, list[str | dict[str, str]]] = {}


def parse_project(table: dict[str, Any], name: str) -> Project:
    """Return what the *table* of a pyproject.toml asks for; raises `LockError` naming the file *name*."""
    try:
        found = msgspec.convert(table, _Pyproject)
        groups = {
            canonicalize_name(group): resolve_dependency_groups(found.dependency_groups, group)
            for group in found.dependency_groups
        }
    except msgspec.ValidationError as e:
        raise LockError(f"{name}: {e}: correct it") from e
    except (InvalidRequirement, LookupError, ValueError, ExceptionGroup) as e:
        raise LockError(f"{name}: its dependency groups cannot be read: {e}: correct them") from e
    project = found.project or _Standard(name="")
    if dynamic := {"dependencies", "optional-dependencies"} & set(project.dynamic):
        raise LockError(
            f"{name}: leaves {' and '.join(sorted(dynamic))} to its build backend, which is not run here: write them "
            "down, or use the lock file of the tool that builds it"
        )
    return Project(
        name=project.name,
        requires_python=project.requires_python,
        dependencies=project.dependencies,
        extras={canonicalize_name(extra): listed for extra, listed in project.optional_dependencies.items()},
        groups=groups,
    )
