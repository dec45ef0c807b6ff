"""Read one line of a requirements file: what it asks for, and which files it admits."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import InvalidWheelFilename, NormalizedName, canonicalize_name, parse_wheel_filename

from layerwright.errors import LockError
from layerwright.lock.text import without_credentials

_SHA256 = re.compile(r"[0-9a-f]{64}")
_WHEEL = re.compile(r"(?P<location>[^#;]+\.whl(?:#[^\s\[]*)?)(?P<extras>\[[^\]]*\])?(?P<marker>\s*;.*)?")
_LOCATION = re.compile(r"[a-z+]+://|\.|/|[A-Za-z]:\\")
"""How a URL or a path begins."""
_NO_WHEEL = "is no wheel: publish it as a wheel to an index, or give its folder in sources"


@dataclass(frozen=True, slots=True, kw_only=True)
class RequirementLine:
    """One distribution that is asked for, or constrained."""

    where: str
    """File and line: `requirements.txt:3`."""
    name: NormalizedName
    text: str
    """As uv is to read it: without hashes, a local file under its absolute path."""
    canonical: str
    """As it enters the digest: spaces normalized, without credentials and paths of this machine."""
    is_pinned: bool
    """Whether it admits one version only, or names one file."""
    sha256: tuple[str, ...]
    """Lower-case hex digits of the wheels it admits; empty where it does not say."""


def parse_requirement_line(line: str, folder: Path, where: str) -> RequirementLine:
    """Return what *line* asks for; paths in it are relative to *folder*.

    Raises `LockError` where it is no requirement, or asks for something other than a wheel; the text does not say
    *where*.
    """
    asked, options = _split_options(line)
    sha256 = _parse_hashes(options)
    found = _parse_requirement(asked, folder)
    return RequirementLine(
        where=where,
        name=found.name,
        text=found.text,
        canonical=" ".join((found.canonical, *(f"--hash=sha256:{digest}" for digest in sorted(sha256)))),
        is_pinned=found.is_pinned,
        sha256=sha256,
    )


def shown(text: str) -> str:
    """*text* as a message may show it: no credentials, not all of a very long line."""
    bare = without_credentials(text)
    return bare if len(bare) <= 120 else f"{bare[:120]}…"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    name: NormalizedName
    text: str
    canonical: str
    is_pinned: bool


def _split_options(line: str) -> tuple[str, list[str]]:
    """A requirement and the options behind it."""
    words = line.split(" ")
    first = next((i for i, word in enumerate(words) if word.startswith("--")), len(words))
    return " ".join(words[:first]), words[first:]


def _parse_hashes(options: list[str]) -> tuple[str, ...]:
    """SHA-256 digests of `--hash=` options, lower case; weaker or other kinds do not count."""
    text = " ".join(options).replace("--hash ", "--hash=")
    kinds, digests = [], []
    for option in text.split():
        name, _, value = option.partition("=")
        if name != "--hash":
            raise LockError(f"{name}: is no option that a requirement has here: take it out")
        kind, _, digest = value.partition(":")
        kinds.append(kind)
        if kind == "sha256":
            if not _SHA256.fullmatch(digest.lower()):
                raise LockError(f"--hash={value[:80]}: is not a sha256 of 64 hex digits: lock again")
            digests.append(digest.lower())
    if kinds and not digests:
        raise LockError(f"is locked with no sha256 (only {', '.join(sorted(set(kinds)))}): lock again")
    return tuple(digests)


def _parse_requirement(asked: str, folder: Path) -> _Asked:
    try:
        requirement = Requirement(asked)
    except (InvalidRequirement, RecursionError) as e:
        if named := _WHEEL.fullmatch(asked):
            return _parse_wheel(named["location"], named["extras"] or "", named["marker"] or "", folder)
        if _LOCATION.match(asked):
            raise LockError(f"{shown(asked)}: {_NO_WHEEL}") from e
        reason = str(e).splitlines()[0] if str(e) else "it is nested too deeply"
        raise LockError(f"{shown(asked)}: is no requirement: {reason}: correct the line") from e
    if requirement.url is None:
        pinned = any(s.operator in ("==", "===") and not s.version.endswith(".*") for s in requirement.specifier)
        return _Asked(name=canonicalize_name(requirement.name), text=asked, canonical=asked, is_pinned=pinned)
    if not urlsplit(requirement.url).path.endswith(".whl"):
        raise LockError(f"{shown(asked)}: {_NO_WHEEL}")
    extras = f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else ""
    marker = f" ; {requirement.marker}" if requirement.marker else ""
    wheel = _parse_wheel(requirement.url, extras, marker, folder)
    if wheel.name != canonicalize_name(requirement.name):
        raise LockError(f"{shown(asked)}: is a wheel of {wheel.name}, not of {requirement.name}: correct the line")
    return wheel


def _parse_wheel(location: str, extras: str, marker: str, folder: Path) -> _Asked:
    """A wheel that is named itself: by its URL or its path, which is relative to *folder*."""
    from urllib.request import url2pathname  # brings HTTP and TLS along, which a plan has no use for

    url = urlsplit(location)
    filename = url2pathname(url.path).replace("\\", "/").rpartition("/")[2]
    try:
        name = parse_wheel_filename(filename)[0]
    except InvalidWheelFilename as e:
        raise LockError(f"{shown(location)}: has no usable file name: {e}: rename it as it was built") from e
    if url.scheme in ("http", "https"):
        text = f"{name}{extras} @ {location}{marker}"
        return _Asked(name=name, text=text, canonical=without_credentials(text), is_pinned=True)
    path = folder / (url2pathname(url.path) if url.scheme == "file" else location.partition("#")[0])
    if not path.is_file():
        raise LockError(f"{shown(location)}: there is no such file: build it first, or correct the path")
    # What the file holds decides, not where it lies.
    canonical = f"{name}{extras} @ sha256:{_sha256(path)}{marker}"
    text = f"{name}{extras} @ {path.resolve().as_uri()}{marker}"
    return _Asked(name=name, text=text, canonical=canonical, is_pinned=True)


def _sha256(path: Path) -> str:
    import hashlib

    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
