"""Read one's own projects: which files their builds may see. What these build is known by those files alone."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.utils import canonicalize_name

from layerwright.errors import SpecError, render_problems
from layerwright.sources import SourceFile, is_project, read_file, read_pyproject, walk_files
from layerwright.spec import LayerSpec, Source

_PINNED = re.compile(r"===?\s*[\w.!+-]+\s*(;|$)")
"""The end of a requirement that admits one version."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A project of one's own, as it was when it was read; a layer has the wheel that its build backend makes of it."""

    name: str
    """Normalized name of the distribution, or that of the folder where only the build knows."""
    version: str
    """Empty where only the build knows."""
    folder: Path
    files: tuple[SourceFile, ...]
    """All that the build sees, with paths relative to the project, sorted by them."""
    is_pinned: bool
    """Whether its files say which version of the build backend it takes."""

    @property
    def sha256(self) -> str:
        """SHA-256 over the canonical JSON of its files, 64 hex digits."""
        files = [[file.path, file.executable, file.sha256] for file in self.files]
        return hashlib.sha256(json.dumps(files, separators=(",", ":"), ensure_ascii=True).encode()).hexdigest()


def read_projects(spec: LayerSpec, folders: Sequence[Path]) -> tuple[Project, ...]:
    """The projects among the sources of *spec*, and those in *folders*, which its lock file names; each once.

    Left out are what git ignores by .gitignore files, and what every project's builds leave behind. Their dependencies
    are those of the lock file: none is added. Raises `SpecError` naming every folder that is no project, and every
    project that is empty, leads outside or is told to go into a folder of the archive.
    """
    sources = [source for source in spec.sources if is_project(source, spec)]
    given = {Path(source.path).resolve() for source in sources}
    locked = [Source(path=str(folder)) for folder in folders if folder.resolve() not in given]
    projects: dict[Path, Project] = {}
    problems = []
    for source in (*sources, *locked):
        try:
            projects.setdefault(Path(source.path).resolve(), _read_project(source))
        except OSError as e:
            raise SpecError(f"source {source.path}: cannot be read: {e.strerror or e}") from e
        except SpecError as e:
            problems.append(str(e))
    if problems:
        raise SpecError(render_problems(problems))
    return tuple(sorted(_check_names(projects.values()), key=lambda project: project.name))


def _read_project(source: Source) -> Project:
    from layerwright.project_ignores import ProjectIgnores

    folder = Path(source.path)
    if source.prefix is not None:
        raise SpecError(f"source {source.path}: is a project, which goes where its build says: take its prefix out")
    if not (folder / "pyproject.toml").is_file() and not (folder / "setup.py").is_file():
        raise SpecError(f"source {source.path}: the lock file has it as a project, and it has no pyproject.toml")
    ignored = ProjectIgnores(source)
    files = [
        read_file(path, path.relative_to(folder).as_posix())
        for path in walk_files(folder, ignored, keep_folders=bool(source.include))
    ]
    if not any(file.path in ("pyproject.toml", "setup.py") for file in files):
        raise SpecError(f"source {source.path}: its pyproject.toml is ignored: see .gitignore, include and exclude")
    tables = read_pyproject(folder / "pyproject.toml") if (folder / "pyproject.toml").is_file() else {}
    named, built = (tables[key] if isinstance(tables.get(key), dict) else {} for key in ("project", "build-system"))
    required = built.get("requires", ["setuptools"])
    return Project(
        name=canonicalize_name(str(named.get("name") or folder.resolve().name)),
        version=str(named.get("version") or ""),
        folder=folder,
        files=tuple(sorted(files, key=lambda file: file.path)),
        is_pinned=all(_PINNED.search(str(requirement)) for requirement in required),
    )


def _check_names(projects: Iterable[Project]) -> list[Project]:
    by_name: dict[str, Project] = {}
    for project in projects:
        if (other := by_name.setdefault(project.name, project)) is not project:
            raise SpecError(
                f"{project.name} is the project in {other.folder} and in {project.folder}: give one of them"
            )
    return list(by_name.values())
