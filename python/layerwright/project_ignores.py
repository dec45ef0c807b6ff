"""What of a project is no part of it: what git ignores, and what its builds leave behind.

The .gitignore files are read here, not asked of git: what is told must not depend on whether there is a git, what is
in its index, or what a person's own settings ignore.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from pathspec import GitIgnoreSpec

from layerwright.errors import SpecError
from layerwright.sources import DEFAULT_IGNORES
from layerwright.spec import Source

PROJECT_IGNORES = (*DEFAULT_IGNORES, "/build/", "/dist/", "uv.lock", "*.tfstate", "*.tfstate.*")
"""gitignore patterns of what no build of a project reads, and what changes while others work."""

_SPECIAL = re.compile(r"([\\*?\[\]!# ])")


class ProjectIgnores:
    """Patterns of what is left out of a project; the later of two that match decides, as in git."""

    def __init__(self, source: Source) -> None:
        """Read the .gitignore files of the project, and of the folders above it up to that of its repository.

        Raises `SpecError` for a pattern that is none.
        """
        self._origin = Path(source.path).resolve()
        self._base = _repository(self._origin)
        folder = self._folder_of(self._origin)
        self._prefix = f"{folder}/" if folder else ""
        self._lines = list(_below(folder, PROJECT_IGNORES))
        chosen = [*(f"!{pattern}" for pattern in source.include), *source.exclude]
        try:
            self._chosen = list(_below(folder, chosen))
            self._read(self._above())
            self._read(self._inside())
        except ValueError as e:
            raise SpecError(f"source {source.path}: what it ignores is not a gitignore pattern: {e}") from e

    def match_file(self, file: str) -> bool:
        """Whether the path *file*, relative to the project, is left out."""
        return self._spec.match_file(self._prefix + file)

    def _read(self, folders: Iterable[Path]) -> None:
        self._parse()
        for folder in folders:
            path = folder / ".gitignore"
            if path.is_file():
                text = path.read_text(encoding="utf-8-sig", errors="replace")
                self._lines += _below(self._folder_of(folder), text.splitlines())
                self._parse()

    def _parse(self) -> None:
        self._spec = GitIgnoreSpec.from_lines([*self._lines, *self._chosen])

    def _above(self) -> Iterator[Path]:
        """Folders above the project, its repository's first."""
        if self._base != self._origin:
            parents = [parent for parent in self._origin.parents if parent.is_relative_to(self._base)]
            yield from reversed(parents)

    def _inside(self) -> Iterator[Path]:
        """The project and its folders that are not ignored by what was read so far, outer ones first."""
        for name, folders, _ in os.walk(self._origin):
            folder = Path(name)
            yield folder
            inner = folder.relative_to(self._origin)
            folders[:] = sorted(f for f in folders if not self.match_file(f"{(inner / f).as_posix()}/"))

    def _folder_of(self, path: Path) -> str:
        folder = path.relative_to(self._base).as_posix()
        return "" if folder == "." else folder


def _repository(folder: Path) -> Path:
    """The folder of the git checkout around *folder*, else *folder* itself."""
    return next((parent for parent in (folder, *folder.parents) if (parent / ".git").exists()), folder)


def _below(folder: str, lines: Iterable[str]) -> Iterator[str]:
    """The patterns in *lines*, which hold in *folder*, as patterns of the base."""
    start = _SPECIAL.sub(r"\\\1", f"/{folder}") if folder else ""
    for line in lines:
        pattern = line.rstrip()
        if not pattern or pattern.startswith("#"):
            continue
        negated = pattern.startswith("!")
        pattern = pattern[negated:]
        is_anchored = "/" in pattern.rstrip("/")
        yield "!" * negated + (f"{start}/{pattern.lstrip('/')}" if is_anchored else f"{start}/**/{pattern}")
