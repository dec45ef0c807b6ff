"""Read a pyproject.toml that no tool has locked: its requirements are resolved once, like those of requirements.txt."""

from __future__ import annotations

from pathlib import Path

from packaging.pylock import Pylock
from packaging.specifiers import InvalidSpecifier, SpecifierSet

from layerwright.errors import LockError, render_problems
from layerwright.lock.project import Project, parse_project
from layerwright.lock.pylock import check_known
from layerwright.lock.requirement_line import RequirementLine, parse_requirement_line
from layerwright.lock.requirements import RequirementText
from layerwright.lock.text import parse_toml, read_text
from layerwright.lock.unlocked import resolve_once
from layerwright.spec import Dependencies, LayerSpec
from layerwright.store import Store


def read_pyproject(path: Path, spec: LayerSpec, store: Store | None) -> Pylock:
    """Return the versions that the pyproject.toml at *path* stands for, with the extras and groups of *spec*.

    Raises `LockError` where it is for another Python, or has no such extra or group; otherwise as
    `unlocked.read_requirements`.
    """
    from layerwright.lock.newest import resolve_newest

    return resolve_once(read_project_text(path, spec), path, spec, store, resolve_newest)


def read_project_text(path: Path, spec: LayerSpec) -> RequirementText:
    """What *spec* asks for of the pyproject.toml at *path*, as a requirements file would have it.

    Raises `LockError` as `read_pyproject` does.
    """
    project = parse_project(parse_toml(read_text(path), path.name), path.name)
    _check_python(project, path.name, spec)
    wanted = spec.dependencies or Dependencies(lock_file="")
    check_known(path.name, "extra", wanted.extras, list(project.extras))
    check_known(path.name, "dependency group", wanted.groups, list(project.groups))
    lines: list[RequirementLine] = []
    problems: list[str] = []
    for text in project.select(wanted.extras, wanted.groups):
        try:
            lines.append(parse_requirement_line(text, path.parent, path.name))
        except LockError as e:
            problems.append(str(e))
    problems += [
        f"{line.name} has a place of its own in [tool.uv.sources], which uv.lock alone keeps: lock with uv"
        for line in lines
        if line.name in project.sources
    ]
    if not problems and not lines:
        problems.append("asks for no distribution: add one, or leave dependencies out")
    if problems:
        raise LockError(f"{path.name}: {render_problems(problems)}")
    return RequirementText(
        requirements=tuple(lines),
        constraints=(),
        index_options=(),
        trusted_hosts=(),
        prereleases=False,
        canonical=tuple(line.canonical for line in lines),
    )


def _check_python(project: Project, name: str, spec: LayerSpec) -> None:
    try:
        admitted = SpecifierSet(project.requires_python)
    except InvalidSpecifier as e:
        raise LockError(f"{name}: requires-python {project.requires_python!r} is none: correct it") from e
    for target in spec.targets:
        if not admitted.contains(target.marker_environment["python_full_version"]):
            raise LockError(
                f"{name}: is for Python {admitted}, which {target.runtime} is not: use another runtime, or widen "
                "requires-python"
            )
