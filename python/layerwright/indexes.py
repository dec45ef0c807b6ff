"""The package indexes that a person has told uv or pip of, with the user names and passwords that go with them.

Read where wheels are downloaded, and nowhere else: nothing of this reaches a digest, a store or a message.
Source: docs.astral.sh/uv/concepts/indexes, "Providing credentials directly".
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from layerwright.errors import LockError
from layerwright.lock.text import parse_toml, read_text, without_credentials
from layerwright.spec import Dependencies, LayerSpec

OFFLINE_VARIABLE = "LAYERWRIGHT_OFFLINE"
"""Environment variable that forbids downloads for all that runs in it."""

_VARIABLES = (
    *("UV_INDEX", "UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS"),
    *("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS"),
)
_NAMED = re.compile(r"(?:(?P<name>[A-Za-z0-9._-]+)=)?(?P<url>https?://\S+)")
_URL = re.compile(r"https?://[^\s;]+")
_REFERENCE = re.compile(r"\$\{([A-Z0-9_]+)\}")
"""An environment variable in a requirements file, in the one form that pip and uv replace."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """An index, or a single file that is named by its URL."""

    url: str
    """Without credentials."""
    origin: str
    """Where it is named, for messages: `UV_INDEX`, `pyproject.toml`."""
    name: str = ""
    user: str = ""
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """How wheels may be had."""

    offline: bool = False
    indexes: tuple[Index, ...] = ()
    keyring: bool = False
    """Whether the command `keyring` is asked for passwords."""


def is_offline(spec: LayerSpec) -> bool:
    """Whether the spec or the environment forbids to ask any package index."""
    return spec.offline or os.environ.get(OFFLINE_VARIABLE, "").strip().lower() not in ("", "0", "false", "no")


def read_access(spec: LayerSpec) -> Access:
    """How the wheels of *spec* may be had: by the environment, the settings beside the lock file and the user's."""
    settings = [*_project_settings(spec.dependencies), *_user_settings()]
    indexes = [*_of_environment(), *_of_requirements(spec.dependencies)]
    for origin, table in settings:
        indexes += _of_settings(table, origin)
    provider = os.environ.get("UV_KEYRING_PROVIDER") or next(
        (str(found) for _, table in settings if (found := table.get("keyring-provider"))), ""
    )
    return Access(
        offline=is_offline(spec),
        indexes=tuple(_with_variables(index) for index in indexes),
        keyring=provider == "subprocess",
    )


def parse_index(text: str, origin: str, name: str = "") -> Index:
    """Return the index at the URL *text*, whose credentials are taken out of it."""
    parts = urlsplit(text)
    return Index(
        url=without_credentials(text),
        origin=origin,
        name=name,
        user=unquote(parts.username or ""),
        password=None if parts.password is None else unquote(parts.password),
    )


def _of_environment() -> Iterator[Index]:
    for variable in _VARIABLES:
        separators = r"[\s,]+" if variable == "UV_FIND_LINKS" else r"\s+"
        for text in re.split(separators, os.environ.get(variable, "")):
            if found := _NAMED.fullmatch(text):
                yield from _parsed(found["url"], variable, found["name"] or "")


def _of_requirements(wanted: Dependencies | None) -> Iterator[Index]:
    """The indexes and files that a requirements file names, with the environment variables that it refers to."""
    if not wanted or (wanted.format or Path(wanted.lock_file).suffix) not in ("requirements", ".txt", ".in"):
        return
    path = Path(wanted.lock_file)
    from layerwright.lock.requirements import read_requirement_text

    text = read_requirement_text(path)
    for line in (*text.index_options, *(line.text for line in text.requirements)):
        for url in _URL.findall(_REFERENCE.sub(lambda found: os.environ.get(found[1], found[0]), line)):
            yield from _parsed(url, path.name)


def _of_settings(table: Mapping[str, Any], origin: str) -> Iterator[Index]:
    """The indexes in uv's settings: `[[index]]`, and the older lists of URLs."""
    rows = table.get("index")
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, dict) and _URL.match(str(row.get("url"))):
            yield from _parsed(str(row["url"]), origin, str(row.get("name", "")))
    for key in ("index-url", "extra-index-url", "find-links"):
        value = table.get(key)
        for url in value if isinstance(value, list) else [value]:
            if isinstance(url, str) and _URL.match(url):
                yield from _parsed(url, origin)


def _parsed(url: str, origin: str, name: str = "") -> Iterator[Index]:
    with contextlib.suppress(ValueError):  # what is no URL is nowhere that a wheel can come from
        yield parse_index(url, origin, name)


def _with_variables(index: Index) -> Index:
    """*index* with what `UV_INDEX_<NAME>_USERNAME` and `_PASSWORD` say, which win over its URL."""
    variable = f"UV_INDEX_{re.sub('[^A-Z0-9]', '_', index.name.upper())}"
    user, password = (os.environ.get(f"{variable}_{part}") for part in ("USERNAME", "PASSWORD"))
    if not index.name or (user is None and password is None):
        return index
    return replace(index, user=user or "", password=password, origin=f"{variable}_USERNAME and _PASSWORD")


def _project_settings(wanted: Dependencies | None) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """uv's settings of the project that the lock file belongs to; a uv.toml beats the pyproject.toml beside it."""
    for folder in Path(wanted.lock_file).parents if wanted else ():
        found = [(path.name, _read_settings(path)) for path in (folder / "uv.toml", folder / "pyproject.toml")]
        if settings := [(name, table) for name, table in found if table is not None]:
            yield from settings
            return


def _user_settings() -> Iterator[tuple[str, Mapping[str, Any]]]:
    """uv's settings of the user and of the machine."""
    if named := os.environ.get("UV_CONFIG_FILE"):
        paths = [Path(named)]
    else:
        home = os.environ.get("APPDATA" if os.name == "nt" else "XDG_CONFIG_HOME") or os.path.expanduser("~/.config")  # noqa: PTH111
        paths = [Path(home) / "uv" / "uv.toml", Path("/etc/uv/uv.toml")]
    for path in paths:
        if table := _read_settings(path):
            yield str(path), table


def _read_settings(path: Path) -> Mapping[str, Any] | None:
    """What a uv.toml, or uv's part of a pyproject.toml, says; None where there is no such file that can be read."""
    try:
        if not path.is_file():
            return None
        table = parse_toml(read_text(path), path.name)
    except (LockError, OSError):  # uv itself says what is wrong with it
        return None
    for key in ("tool", "uv") if path.name == "pyproject.toml" else ():
        table = table[key] if isinstance(table.get(key), dict) else {}
    return table
