"""Follow dependencies through a lock file that does not say itself what is installed where."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from packaging.markers import Marker
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName
from packaging.version import Version

from layerwright.errors import LockError
from layerwright.lock.named_files import join_markers
from layerwright.target import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What a distribution, or the project itself, depends on."""

    name: NormalizedName
    admits: tuple[SpecifierSet, ...] = ()
    """Versions that one of these admits; all where there is none."""
    extras: frozenset[str] = frozenset()
    """Extras asked of what is needed; normalized."""
    marker: Marker | None = None
    python: tuple[SpecifierSet, ...] = ()
    """Versions of Python for which it is needed, likewise."""
    of_extras: frozenset[str] = frozenset()
    """Extras that must have been asked of who needs it; normalized."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A distribution that is locked, and what it depends on."""

    name: NormalizedName
    version: Version
    requires_python: SpecifierSet | None
    needs: tuple[Need, ...]


def walk(nodes: Sequence[Node], roots: Sequence[Need], targets: Sequence[Target]) -> dict[int, str]:
    """Return the place in *nodes* of all that *roots* lead to on any of *targets*, with the marker of these targets.

    Raises `LockError` where something is needed that is not locked; the text does not say in which file.
    """
    found: dict[int, list[Target]] = {}
    by_name: dict[NormalizedName, list[int]] = {}
    for place, node in enumerate(nodes):
        by_name.setdefault(node.name, []).append(place)
    for target in targets:
        for place in _reach(nodes, by_name, roots, target):
            found.setdefault(place, []).append(target)
    return {
        place: "" if len(where) == len(targets) else join_markers("or", [target_marker(target) for target in where])
        for place, where in found.items()
    }


def _reach(
    nodes: Sequence[Node], by_name: Mapping[NormalizedName, Sequence[int]], roots: Iterable[Need], target: Target
) -> Iterable[int]:
    """Places of what is installed on *target*: repeated until no distribution is asked for a further extra."""
    environment = {key: str(value) for key, value in target.marker_environment.items()}
    asked: dict[int, frozenset[str]] = {}
    waiting = [(need, frozenset[str](), "the project") for need in roots]
    while waiting:
        need, extras, parent = waiting.pop()
        if not _holds(need, extras, environment):
            continue
        candidates = [place for place in by_name.get(need.name, ()) if _admits(need, nodes[place], environment)]
        if not candidates:
            raise LockError(f"{parent} needs {_render(need)}, which is not locked for {target}")
        place = max(candidates, key=lambda place: nodes[place].version)
        before = asked.get(place)
        asked[place] = (before or frozenset()) | need.extras
        if asked[place] != before:
            node = nodes[place]
            waiting += [(further, asked[place], f"{node.name} {node.version}") for further in node.needs]
    return asked


def _holds(need: Need, extras: frozenset[str], environment: Mapping[str, str]) -> bool:
    python = environment["python_full_version"]
    if not need.of_extras <= extras or (need.python and not any(s.contains(python) for s in need.python)):
        return False
    return need.marker is None or any(need.marker.evaluate({**environment, "extra": extra}) for extra in extras or {""})


def _admits(need: Need, node: Node, environment: Mapping[str, str]) -> bool:
    if node.requires_python and not node.requires_python.contains(environment["python_full_version"]):
        return False
    return not need.admits or any(specifier.contains(node.version, prereleases=True) for specifier in need.admits)


def _render(need: Need) -> str:
    return f"{need.name}{' || '.join(map(str, need.admits))}"


def target_marker(target: Target) -> str:
    """A marker that holds on *target*, and on no other."""
    python = ".".join(map(str, target.python))
    machine = target.marker_environment["platform_machine"]
    return f'python_version == "{python}" and sys_platform == "linux" and platform_machine == "{machine}"'
