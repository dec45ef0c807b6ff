"""Read requirements.txt and all the files it includes, as pip understands them.

Format: pip.pypa.io/en/stable/reference/requirements-file-format/. Only what leads to wheels is taken; a folder, a
repository or a source archive is refused by its line.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from packaging.utils import NormalizedName

from layerwright.errors import LockError, render_problems
from layerwright.lock.requirement_line import RequirementLine, parse_requirement_line, shown
from layerwright.lock.text import read_text, without_credentials

_COMMENT = re.compile(r"(^|\s+)#.*$")
_SPELLINGS = {
    "-c": "--constraint",
    "-e": "--editable",
    "-f": "--find-links",
    "-i": "--index-url",
    "--pypi-url": "--index-url",
    "-r": "--requirement",
}
_FLAGS = ("--no-index", "--pre", "--prefer-binary", "--require-hashes")
_INDEX_OPTIONS = ("--index-url", "--extra-index-url", "--find-links", "--no-index")
_WITHOUT_EFFECT = ("--only-binary", "--prefer-binary", "--use-feature")
"""What layers do anyway, or what concerns pip itself."""
_OPTIONS = {
    *_FLAGS,
    *_INDEX_OPTIONS,
    *_WITHOUT_EFFECT,
    "--constraint",
    "--editable",
    "--no-binary",
    "--requirement",
    "--trusted-host",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RequirementText:
    """A requirements file together with what it includes."""

    requirements: tuple[RequirementLine, ...]
    constraints: tuple[RequirementLine, ...]
    index_options: tuple[str, ...]
    """Lines that say where distributions come from, credentials and all, relative paths made absolute."""
    trusted_hosts: tuple[str, ...]
    prereleases: bool
    canonical: tuple[str, ...]
    """All that it says, in order, as it enters the digest."""

    @property
    def hashes(self) -> dict[NormalizedName, frozenset[str]]:
        """SHA-256 of the wheels that may be taken, by distribution; empty where the file lists none."""
        found: dict[NormalizedName, frozenset[str]] = {}
        for line in (*self.requirements, *self.constraints):
            if line.sha256:
                found[line.name] = found.get(line.name, frozenset()) | frozenset(line.sha256)
        return found

    @property
    def pinned(self) -> frozenset[NormalizedName]:
        """Distributions that the file admits one version of."""
        return frozenset(line.name for line in (*self.requirements, *self.constraints) if line.is_pinned)


def read_requirement_text(path: Path) -> RequirementText:
    """Return what the requirements file at *path* asks for.

    Raises `LockError` with every line that cannot be used, and what to write instead.
    """
    reader = _Reader()
    reader.read(path, constraint=False)
    reader.check_hashes()
    if not reader.problems and not reader.requirements:
        reader.problems.append(f"{path.name}: names no distribution: add one, or leave dependencies out")
    if reader.problems:
        raise LockError(render_problems(reader.problems))
    return RequirementText(
        requirements=tuple(reader.requirements),
        constraints=tuple(reader.constraints),
        index_options=tuple(reader.index_options.values()),
        trusted_hosts=tuple(reader.trusted_hosts),
        prereleases=reader.prereleases,
        canonical=tuple(reader.canonical),
    )


@dataclass(slots=True)
class _Reader:
    """What was found so far, file by file."""

    requirements: list[RequirementLine] = field(default_factory=list)
    constraints: list[RequirementLine] = field(default_factory=list)
    index_options: dict[str, str] = field(default_factory=dict)
    trusted_hosts: list[str] = field(default_factory=list)
    prereleases: bool = False
    require_hashes: bool = False
    canonical: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    seen: set[tuple[str, bool]] = field(default_factory=set)

    def read(self, path: Path, *, constraint: bool) -> None:
        """Take in the file at *path*, once, at the place where it is included."""
        real = os.path.realpath(path)  # Path.resolve() fails at a loop of links before Python 3.13
        if (real, constraint) in self.seen:
            return
        self.seen.add((real, constraint))
        for number, line in _logical_lines(read_text(path)):
            where = f"{path.name}:{number}"
            try:
                if line.startswith("-"):
                    self._take_option(line, path.parent, constraint=constraint)
                else:
                    self._take_requirement(line, path.parent, where, constraint=constraint)
            except LockError as e:
                self.problems.append(f"{where}: {e}")

    def check_hashes(self) -> None:
        """Note what pip refuses where any requirement has a hash: one without, or one that is not pinned."""
        listed = {line.name for line in (*self.requirements, *self.constraints) if line.sha256}
        if not listed and not self.require_hashes:
            return
        for line in self.requirements:
            if line.name not in listed:
                self.problems.append(
                    f"{line.where}: {line.name} has no --hash=sha256:…: lock again with hashes for all"
                )
            elif not line.is_pinned:
                self.problems.append(f"{line.where}: {line.name} has hashes and no version: pin it with ==")

    def _take_option(self, line: str, folder: Path, *, constraint: bool) -> None:
        option, value = _split_option(line)
        if option in ("--requirement", "--constraint"):
            if "://" in value:
                raise LockError(f"{option} takes a file here, not a URL: download it and give its path")
            self.read(folder / value, constraint=option == "--constraint")
        elif option == "--editable":
            raise LockError(f"{option} {shown(value)}: is a folder of source code: give that folder in sources instead")
        elif option in _INDEX_OPTIONS:
            self._take_index_option(option, value, folder, constraint=constraint)
        elif option == "--trusted-host":
            self.trusted_hosts.append(value)
        elif option == "--pre":
            self.prereleases = True
            self.canonical.append(option)
        elif option == "--require-hashes":
            self.require_hashes = True
        elif option == "--no-binary" and value != ":none:":
            raise LockError("--no-binary: what is to be built is named in build_from_source: take the line out")

    def _take_index_option(self, option: str, value: str, folder: Path, *, constraint: bool) -> None:
        line = f"{option} {value}".strip()
        if option == "--find-links" and "://" not in value:
            self.index_options[line] = f"{option} {(folder / value).absolute().as_uri()}"
        else:  # of several --index-url the last one holds, as with pip
            self.index_options[option if option == "--index-url" else line] = line
        self.canonical.append(f"{'constraint ' if constraint else ''}{without_credentials(line)}")

    def _take_requirement(self, line: str, folder: Path, where: str, *, constraint: bool) -> None:
        found = parse_requirement_line(line, folder, where)
        (self.constraints if constraint else self.requirements).append(found)
        self.canonical.append(f"{'constraint ' if constraint else ''}{found.canonical}")


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines with their number, those that `\\` ends joined to the next, without comments and needless spaces."""
    begun: list[str] = []
    first = 1
    for number, line in enumerate((*text.splitlines(), ""), start=1):
        if not begun:
            first = number
        is_comment = _COMMENT.match(line) is not None
        if line.endswith("\\") and not is_comment:
            begun.append(line.rstrip("\\"))
            continue
        # A comment ends what was begun; the space keeps it apart from that.
        joined = "".join((*begun, f" {line}" if is_comment else line))
        begun.clear()
        if stripped := " ".join(_COMMENT.sub("", joined).split()):
            yield first, stripped


def _split_option(line: str) -> tuple[str, str]:
    """An option in its long form, and its value: `-r x`, `-rx`, `--requirement=x`, `--requirement x`."""
    if not line.startswith("--"):
        option, value = line[:2], line[2:].lstrip(" =")
    else:
        option, separator, value = line.partition("=")
        if not separator or " " in option:
            option, _, value = line.partition(" ")
    option, value = _SPELLINGS.get(option, option), value.strip().strip("\"'")
    if option not in _OPTIONS:
        raise LockError(f"{option}: is no option that a requirements file has: take it out")
    if bool(value) == (option in _FLAGS):
        raise LockError(f"{option}: {'takes no value' if value else 'lacks its value'}: correct the line")
    return option, value
