"""Read one's own folders and files: which of them go into the archive, under which path, with which contents."""

from __future__ import annotations

import hashlib
import os
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from layerwright.errors import SpecError, render_problems
from layerwright.spec import LayerSpec, Source
from layerwright.wheel import Elf
from layerwright.wheel.elf import MAGIC, read_elf

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

DEFAULT_IGNORES = (
    # version control
    ".git",
    ".gitignore",
    ".gitattributes",
    ".gitmodules",
    ".hg/",
    ".svn/",
    # caches and what tools leave behind
    "__pycache__/",
    "*.py[co]",
    ".cache/",
    ".coverage",
    ".hypothesis/",
    ".ipynb_checkpoints/",
    ".mypy_cache/",
    ".nox/",
    ".pytest_cache/",
    ".ruff_cache/",
    ".tox/",
    "*.egg-info/",
    "node_modules/",
    ".layerwright/",
    ".terraform/",
    ".terraform.lock.hcl",
    ".terragrunt-cache/",
    ".terragrunt-source-manifest",
    # virtual environments; others are known by their pyvenv.cfg
    ".venv/",
    # secrets of a developer's machine
    ".env",
    # editors and desktops
    ".idea/",
    ".vscode/",
    "*.sw[op]",
    "*~",
    ".DS_Store",
    "Thumbs.db",
    "desktop.ini",
)
"""gitignore patterns of what a folder of sources holds that no function needs."""

_EXECUTABLE_STARTS = (b"#!", MAGIC)


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFile:
    """One file of one's own, as it was when it was read."""

    path: str
    """In the archive, or in its project, `/` between parts."""
    origin: Path
    """Where its contents are."""
    executable: bool
    """Whether it begins as a script or an ELF file does; a host's mode bits differ between machines."""
    size: int
    sha256: str
    elf: Elf | None = None
    """What it needs, where it is a program or library in ELF form."""


class Ignores(Protocol):
    """Patterns of what is left out."""

    def match_file(self, file: str) -> bool:
        """Whether one is of the path *file*, relative to its source, `/` between parts and after a folder."""


def read_sources(spec: LayerSpec) -> tuple[SourceFile, ...]:
    """Every file of the sources of *spec*, sorted by its path in the archive.

    A file goes to the root of the archive (a layer's root is `python/`), or under the source's `prefix`. So do the
    contents of a folder, but for a layer's folder that is an import package (it has an `__init__.py`): that keeps its
    name, as `import` needs it. A layer's folder that is a project is left to `projects.read_projects`.

    Raises `SpecError` naming every source that is missing, empty or leads outside, and paths that two sources claim.
    """
    files: dict[str, SourceFile] = {}
    problems = []
    for source in spec.sources:
        try:
            if is_project(source, spec):
                continue
            found = list(_read_source(source, spec))
        except OSError as e:
            raise SpecError(f"source {source.path}: cannot be read: {e.strerror or e}") from e
        except SpecError as e:
            problems.append(str(e))
            continue
        if not found:
            problems.append(f"source {source.path}: holds no file that is not ignored: see its include and exclude")
        problems += [
            f"{file.path} comes from {other.origin} and from {file.origin}: exclude one, or use prefix"
            for file in found
            if (other := files.setdefault(file.path, file)).sha256 != file.sha256
        ]
    if problems:
        raise SpecError(render_problems(problems))
    return tuple(files[path] for path in sorted(files))


def is_project(source: Source, spec: LayerSpec) -> bool:
    """Whether it is a folder whose own build decides what of it a layer has; a function has its folders as they are.

    Raises `SpecError` if its pyproject.toml is not TOML, and `OSError` if it cannot be read.
    """
    path = Path(source.path, "pyproject.toml")
    if spec.kind != "layer" or not path.is_file():
        return False
    return not read_pyproject(path).keys().isdisjoint(("build-system", "project"))


def read_pyproject(path: Path) -> dict[str, Any]:
    """The tables of a pyproject.toml; raises `SpecError` if it is not TOML."""
    try:
        return tomllib.loads(path.read_bytes().decode())
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as e:
        raise SpecError(f"source {path.parent}: its pyproject.toml is not TOML ({e}): correct it") from e


def _read_source(source: Source, spec: LayerSpec) -> Iterator[SourceFile]:
    origin = Path(source.path)
    root = spec.root + (f"{source.prefix}/" if source.prefix else "")
    if origin.is_file():
        yield read_file(origin, root + origin.name)
        return
    if not origin.is_dir():
        raise SpecError(f"source {source.path}: there is no such file or folder")
    if spec.kind == "layer" and source.prefix is None and (origin / "__init__.py").is_file():
        root += f"{origin.name}/"
    ignored = _ignore_rules(source)
    for path in walk_files(origin, ignored, keep_folders=bool(source.include)):
        yield read_file(path, root + path.relative_to(origin).as_posix())


def _ignore_rules(source: Source) -> GitIgnoreSpec:
    from pathspec import GitIgnoreSpec

    lines = [*DEFAULT_IGNORES, *(f"!{pattern}" for pattern in source.include), *source.exclude]
    try:
        return GitIgnoreSpec.from_lines(lines)
    except ValueError as e:
        raise SpecError(f"source {source.path}: include or exclude is not a gitignore pattern: {e}") from e


def walk_files(origin: Path, ignored: Ignores, *, keep_folders: bool) -> Iterator[Path]:
    """Files below *origin* that are not *ignored*; ignored folders are walked only if something may be taken back."""
    for folder, names, files in os.walk(origin, onerror=_raise):
        inner = Path(folder).relative_to(origin)
        kept = []
        for name in sorted(names):
            path = Path(folder, name)
            if (path / "pyvenv.cfg").is_file() or (
                not keep_folders and ignored.match_file((inner / name).as_posix() + "/")
            ):
                continue
            if path.is_symlink():
                raise SpecError(
                    f"source {origin}: {(inner / name).as_posix()} is a link to a folder: give it as a source"
                )
            kept.append(name)
        names[:] = kept
        for name in sorted(files):
            path = Path(folder, name)
            if ignored.match_file((inner / name).as_posix()):
                continue
            if path.is_symlink() and not path.resolve().is_relative_to(origin.resolve()):
                raise SpecError(f"source {origin}: {(inner / name).as_posix()} is a link that leads outside of it")
            if not path.is_file():
                raise SpecError(f"source {origin}: {(inner / name).as_posix()} is not a file that can be read")
            yield path


def _raise(error: OSError) -> None:
    raise error


def read_file(origin: Path, path: str) -> SourceFile:
    """The file *origin* as it is now, for the place *path*."""
    with origin.open("rb") as file:
        start = file.read(4)
        file.seek(0)
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        size = file.tell()
        elf = read_elf(file)
    if not path.isprintable() or "\\" in path:
        raise SpecError(f"source {origin.parent}: {path!r} has a name that not every system can hold: rename it")
    return SourceFile(
        path=path, origin=origin, executable=start.startswith(_EXECUTABLE_STARTS), size=size, sha256=sha256, elf=elf
    )


def read_again(file: SourceFile) -> bytes:
    """The contents of *file*; raises `SpecError` if they are no longer those that it was read with."""
    try:
        contents = file.origin.read_bytes()
    except OSError as e:
        raise SpecError(f"source {file.origin}: cannot be read: {e.strerror or e}") from e
    if hashlib.sha256(contents).hexdigest() != file.sha256:
        raise SpecError(f"source {file.origin}: changed while the archive was being made: run again")
    return contents
