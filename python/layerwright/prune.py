"""Leave out of the wheels what no function needs at run time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from layerwright.errors import SpecError
from layerwright.layout import PlacedFile
from layerwright.spec import Prune

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

DEFAULT_FOLDERS = frozenset({"__pycache__", "test", "tests"})
"""Folders of tests and caches, at any depth. Never `testing`: numpy.testing, pandas.testing and their like are API."""

DEFAULT_SUFFIXES = (".pyc", ".pyi", ".h", ".hh", ".hpp", ".hxx", ".cuh", ".pxd", ".pxi")
"""Compiled for another path and time, for type checkers, or for compilers."""

DEFAULT_KEEP = ("django/test/", "twisted/test/")
"""Folders named like tests that are API: django.test is imported by applications, twisted.test by twisted.trial."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PruneRules:
    """What is left out, with all defaults spelt out; equal rules leave out the same files."""

    folders: frozenset[str]
    suffixes: tuple[str, ...]
    keep: tuple[str, ...]
    drop: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """For the input digest."""
        return {
            "folders": sorted(self.folders),
            "suffixes": sorted(self.suffixes),
            "keep": list(self.keep),
            "drop": list(self.drop),
        }


def read_rules(prune: Prune) -> PruneRules:
    """The rules that *prune* asks for."""
    return PruneRules(
        folders=DEFAULT_FOLDERS if prune.defaults else frozenset(),
        suffixes=DEFAULT_SUFFIXES if prune.defaults else (),
        keep=((*DEFAULT_KEEP, *prune.keep) if prune.defaults else prune.keep),
        drop=prune.drop,
    )


def prune(files: Iterable[PlacedFile], wanted: Prune) -> list[PlacedFile]:
    """Those of *files* that *wanted* leaves in.

    METADATA and the rest of a `.dist-info` folder always stay: importlib.metadata and Amazon Inspector need them.
    A pattern to keep wins over a default and over a pattern to drop.
    """
    rules = read_rules(wanted)
    keep, drop = _parse_patterns("keep", rules.keep), _parse_patterns("drop", rules.drop)

    def is_dropped(file: PlacedFile) -> bool:
        folders = file.inner_path.split("/")
        if folders[0].endswith(".dist-info"):
            return False
        named = file.inner_path.endswith(rules.suffixes) or not rules.folders.isdisjoint(folders[:-1])
        if not named and not (rules.drop and drop.match_file(file.inner_path)):
            return False
        return not (rules.keep and keep.match_file(file.inner_path))

    return [file for file in files if not is_dropped(file)]


def _parse_patterns(field: str, patterns: tuple[str, ...]) -> GitIgnoreSpec:
    from pathspec import GitIgnoreSpec

    try:
        return GitIgnoreSpec.from_lines(patterns)
    except ValueError as e:
        raise SpecError(f"prune.{field} is not a list of gitignore patterns: {e}") from e
