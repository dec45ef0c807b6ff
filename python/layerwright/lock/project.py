"""What a pyproject.toml asks for in the standard's tables: `[project]` and `[dependency-groups]` (PEP 621, PEP 735)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from packaging.dependency_groups import resolve_dependency_groups
from packaging.requirements import InvalidRequirement
from packaging.utils import NormalizedName, canonicalize_name

from layerwright.errors import LockError

_OWN = re.compile(r"\s*(?P<name>[A-Za-z0-9._-]+)\s*\[(?P<extras>[^\]]*)\]")
"""A requirement that has extras."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """Requirements of a project, each as PEP 508 writes it."""

    name: str
    requires_python: str
    dependencies: tuple[str, ...]
    extras: dict[NormalizedName, tuple[str, ...]]
    groups: dict[NormalizedName, tuple[str, ...]]
    """What they include of each other is in them."""
    sources: frozenset[NormalizedName]
    """Distributions that uv is told to take from a place of its own (`[tool.uv.sources]`), and not from the index."""

    def select(self, extras: Sequence[str], groups: Sequence[str]) -> tuple[str, ...]:
        """Its dependencies, and those of the *extras* and *groups* given, which it must have; each once."""
        chosen = [self.dependencies]
        chosen += [self.extras[canonicalize_name(extra)] for extra in extras]
        chosen += [self.groups[canonicalize_name(group)] for group in groups]
        return tuple(self._expand(list(dict.fromkeys(text for part in chosen for text in part))))

    def _expand(self, waiting: list[str]) -> Iterator[str]:
        """The requirements, with those of its extras in place of such as ask for the project itself: `orders[fast]`."""
        seen = set(waiting)
        for text in waiting:  # grows while it is walked
            own = _OWN.match(text)
            if own is None or canonicalize_name(own["name"]) != canonicalize_name(self.name):
                yield text
                continue
            for extra in own["extras"].split(","):
                further = [t for t in self.extras.get(canonicalize_name(extra.strip()), ()) if t not in seen]
                seen.update(further)
                waiting.extend(further)


class _Standard(msgspec.Struct, frozen=True, rename="kebab"):
    name: str
    requires_python: str = ""
    dependencies: tuple[str, ...] = ()
    optional_dependencies: dict[str, tuple[str, ...]] = {}
    dynamic: tuple[str, ...] = ()


class _Uv(msgspec.Struct, frozen=True):
    sources: dict[str, Any] = {}


class _Tool(msgspec.Struct, frozen=True):
    uv: _Uv = _Uv()


class _Pyproject(msgspec.Struct, frozen=True, rename="kebab"):
    project: _Standard | None = None
    dependency_groups: dict[str, list[str | dict[str, str]]] = {}
    tool: _Tool = _Tool()


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
        sources=frozenset(canonicalize_name(name) for name in found.tool.uv.sources),
    )
